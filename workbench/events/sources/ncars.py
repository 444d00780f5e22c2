"""The set `n-cars`: cars and background, seen from a car, in recordings of differing size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.events import formats
from workbench.events.event_arrays import EVENTS, Events
from workbench.events.sources.clips import Collection, clip_file
from workbench.events.sources.folder_tree import FolderTree, scan_folder
from workbench.events.sources.location import Location, normalize_name
from workbench.events.sources.named_sets import register_recorded
from workbench.events.sources.splits import Split, require_official

CLASSES = ("background", "cars")
PARTS = ("train", "test")
SENSOR = (100, 120)
WINDOW_US = 100_000


class NCARS:
    """N-CARS as a data set in the manner of tonic, which has none: ``dataset[i]`` is (events, label).

    ``save_to`` is the folder of the set or its parent; ``train`` chooses the part. A recording is as large as what it
    shows; all are placed on one sensor of 120 x 100 pixels, in the corner that they have for their own. Transforms
    as in tonic. Raises FileNotFoundError when no N-CARS is there; `formats.DamagedFile` when a file is damaged.
    Source: Sironi et al. 2018 (HATS), CVPR.
    """

    sensor_size = (SENSOR[1], SENSOR[0], 2)
    classes = CLASSES
    dtype = EVENTS
    ordering = EVENTS.names

    def __init__(
        self,
        save_to: str | Path,
        train: bool = True,
        transform: Callable[[Events], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
        transforms: Callable[[Any, Any], tuple[Any, Any]] | None = None,
    ) -> None:
        self.train, self.transform = train, transform
        self.target_transform, self.transforms = target_transform, transforms
        part = "train" if train else "test"
        found = _find_recordings(scan_folder(LOCATION.find(Path(save_to))))
        self.data = [path for name in CLASSES for path, place in found.items() if place == (part, name)]
        self.targets = [CLASSES.index(found[path][1]) for path in self.data]

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        events: Any = formats.read(self.data[index], SENSOR)
        target: Any = self.targets[index]
        if self.transform is not None:
            events = self.transform(events)
        if self.target_transform is not None:
            target = self.target_transform(target)
        if self.transforms is not None:
            events, target = self.transforms(events, target)
        return events, target


def collect(root: Path, split: Split = None, seed: int = 0) -> Collection:
    """The recordings under ``root``, the folder of N-CARS or its parent; a part of the 24,029 will do.

    Raises FileNotFoundError when no N-CARS is there and ValueError when a part is missing.
    """
    require_official(split, "n-cars")
    tree = scan_folder(LOCATION.find(root))
    found = _find_recordings(tree)
    parts = []
    for part in PARTS:
        clips = [
            clip_file(path, label, own_clock=True)
            for label, name in enumerate(CLASSES)
            for path, place in found.items()
            if place == (part, name)
        ]
        if not clips:
            raise ValueError(f"{tree.root} has no .dat file to {part}; n-cars needs {LOCATION.layout}")
        parts.append(tuple(clips))
    read = [path for path, place in found.items() if "" not in place]
    words = f"official folders train and test; {len(read):,} of {LOCATION.recordings:,} recordings"
    words += tree.describe_unread(read, [path for path in found if path not in set(read)], LOCATION.layout)
    return Collection("n-cars", CLASSES, parts[0], parts[1], words, SENSOR, WINDOW_US)


def _find_recordings(tree: FolderTree) -> dict[Path, tuple[str, str]]:
    """Part and class of every .dat file by the folders above it, such as train/cars; "" where they have none."""
    found = {}
    for path in tree.files:
        if path.suffix.lower() == ".dat":
            above = path.relative_to(tree.root).parts[:-1]
            part = next((part for part in PARTS if any(normalize_name(name).endswith(part) for name in above)), "")
            found[path] = part, next((name for name in CLASSES if name in above), "")
    return found


def _contains_recordings(folder: Path) -> bool:
    return any("" not in place for place in _find_recordings(scan_folder(folder)).values())


LOCATION = Location(
    name="n-cars",
    title="N-CARS",
    layout="n-cars_train/<class>/*.dat and n-cars_test/<class>/*.dat, with the classes cars and background",
    contains=_contains_recordings,
    recordings=24_029,
    size="below 1 GB",
    url="https://www.prophesee.ai/2018/03/13/dataset-n-cars/",
    tonic=None,
)

register_recorded(LOCATION, collect)
