"""The set `n-cars`: cars and background, seen from a car, in recordings of differing size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.events import formats
from workbench.events.clips import Clip, Collection, clip_file
from workbench.events.layout import EVENTS, Events
from workbench.events.places import Place, files, squeeze
from workbench.events.splits import Split, require_official

CLASSES = ("background", "cars")
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
        self.data: list[Path] = []
        self.targets: list[int] = []
        for label, name in enumerate(CLASSES):
            for folder in _class_folders(PLACE.find(Path(save_to)), part, name):
                found = files(folder, [".dat"])
                self.data += found
                self.targets += [label] * len(found)

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
    train, test = (_collect_part(root, train) for train in (True, False))
    words = f"official folders train and test; {len(train) + len(test):,} of {PLACE.recordings:,} recordings"
    return Collection("n-cars", CLASSES, train, test, words, SENSOR, WINDOW_US)


def _collect_part(root: Path, train: bool) -> tuple[Clip, ...]:
    dataset = NCARS(root, train)
    if len(dataset) == 0:
        name = "train" if train else "test"
        raise ValueError(f"{PLACE.find(root)} has no .dat file to {name}; n-cars needs {PLACE.layout}")
    return tuple(
        clip_file(path, label, own_clock=True) for path, label in zip(dataset.data, dataset.targets, strict=True)
    )


def _class_folders(folder: Path, part: str, name: str) -> list[Path]:
    """The folders of one class, below any folder whose name ends in the part's: n-cars_train/cars, train/cars ..."""
    found = sorted(path for path in folder.rglob(name) if path.is_dir())
    inside = (path for path in found if any(squeeze(p).endswith(part) for p in path.relative_to(folder).parts))
    return list(inside)


PLACE = Place(
    name="n-cars",
    title="N-CARS",
    layout="n-cars_train/<class>/*.dat and n-cars_test/<class>/*.dat, with the classes cars and background",
    holds=lambda folder: any(_class_folders(folder, part, name) for part in ("train", "test") for name in CLASSES),
    recordings=24_029,
    size="below 1 GB",
    url="https://www.prophesee.ai/2018/03/13/dataset-n-cars/",
    tonic=None,
)
