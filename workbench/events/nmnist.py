"""The set `n-mnist`: handwritten digits before a camera that makes three saccades."""

from __future__ import annotations

from pathlib import Path

from workbench.events.clips import Clip, Collection, clip_file
from workbench.events.places import Place, files, folders
from workbench.events.splits import Split, require_official

CLASSES = tuple("0123456789")
SENSOR = (34, 34)
WINDOW_US = 300_000
PARTS = ("Train", "Test")
PLACE = Place(
    name="n-mnist",
    title="N-MNIST",
    layout="Train/<digit>/*.bin and Test/<digit>/*.bin",
    holds=lambda folder: any((folder / part).is_dir() for part in PARTS),
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
    folder = PLACE.find(root)
    for part in PARTS:
        if not (folder / part).is_dir():
            raise ValueError(f"{folder} has no folder {part}; n-mnist needs {PLACE.layout}")
    train, test = (_collect_part(folder / part) for part in PARTS)
    words = f"official folders Train and Test; {len(train) + len(test):,} of {PLACE.recordings:,} recordings"
    return Collection("n-mnist", CLASSES, train, test, words, SENSOR, WINDOW_US)


def _collect_part(folder: Path) -> tuple[Clip, ...]:
    clips: list[Clip] = []
    for digit in folders(folder):
        if digit.name not in CLASSES:
            raise ValueError(f"{digit} is not a class; the folders of {folder} are called 0 to 9")
        clips += [clip_file(path, CLASSES.index(digit.name), own_clock=True) for path in files(digit, [".bin"])]
    if not clips:
        raise ValueError(f"{folder} holds no .bin file; n-mnist needs {PLACE.layout}")
    return tuple(clips)
