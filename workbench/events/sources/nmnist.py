"""The set `n-mnist`: handwritten digits before a camera that makes three saccades."""

from __future__ import annotations

from pathlib import Path

from workbench.events.sources.clips import Collection, clip_file
from workbench.events.sources.folder_tree import folders, scan_folder
from workbench.events.sources.location import Location
from workbench.events.sources.named_sets import register_recorded
from workbench.events.sources.splits import Split, require_official

CLASSES = tuple("0123456789")
SENSOR = (34, 34)
WINDOW_US = 300_000
PARTS = ("Train", "Test")
LOCATION = Location(
    name="n-mnist",
    title="N-MNIST",
    layout="Train/<digit>/*.bin and Test/<digit>/*.bin",
    contains=lambda folder: any((folder / part).is_dir() for part in PARTS),
    recordings=70_000,
    size="about 1.4 GB",
    url="https://www.garrickorchard.com/datasets/n-mnist",
    tonic="NMNIST",
)


def collect(root: Path, split: Split = None, seed: int = 0) -> Collection:
    """The recordings under ``root``, the folder of N-MNIST or its parent; a part of the 70,000 will do.

    Raises FileNotFoundError when no N-MNIST is there, ValueError when a part is missing or a folder is no class.
    Source: Orchard et al. 2015, Front. Neurosci. 9:437.
    """
    require_official(split, "n-mnist")
    folder = LOCATION.find(root)
    for part in PARTS:
        if not (folder / part).is_dir():
            raise ValueError(f"{folder} has no folder {part}; n-mnist needs {LOCATION.layout}")
    for kind in (kind for part in PARTS for kind in folders(folder / part)):
        if kind.name not in CLASSES:
            raise ValueError(f"{kind} is not a class; the folders of {kind.parent} are called 0 to 9")
    tree = scan_folder(folder)
    places = {path: path.relative_to(folder).parts[:-1] for path in tree.files if path.suffix.lower() == ".bin"}
    read = {path: place for path, place in places.items() if len(place) >= 2 and place[0] in PARTS}
    for part in PARTS:
        if part not in (place[0] for place in read.values()):
            raise ValueError(f"{folder / part} holds no .bin file; n-mnist needs {LOCATION.layout}")
    train, test = (
        tuple(clip_file(path, int(place[1]), own_clock=True) for path, place in read.items() if place[0] == part)
        for part in PARTS
    )
    words = f"official folders Train and Test; {len(read):,} of {LOCATION.recordings:,} recordings"
    words += tree.describe_unread(read, [path for path in places if path not in read], LOCATION.layout)
    return Collection("n-mnist", CLASSES, train, test, words, SENSOR, WINDOW_US)


register_recorded(LOCATION, collect)
