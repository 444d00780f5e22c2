"""The set `cifar10-dvs`: images of ten kinds of things, moved before an event camera."""

from __future__ import annotations

from pathlib import Path

from workbench.events.clips import Clip, Collection, clip_file
from workbench.events.folder_tree import files, folders
from workbench.events.places import Place
from workbench.events.splits import Split, divide

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SENSOR = (128, 128)
WINDOW_US = 1_200_000
SUFFIXES = (".aedat", ".aedat4")
PLACE = Place(
    name="cifar10-dvs",
    title="CIFAR10-DVS",
    layout="<class>/*.aedat or <class>/*.aedat4, with the classes airplane to truck",
    holds=lambda folder: any((folder / name).is_dir() for name in CLASSES),
    recordings=10_000,
    size="some 15 GB",
    url="https://figshare.com/articles/dataset/CIFAR10-DVS_New/4724671",
    tonic="CIFAR10DVS",
)


def collect(root: Path, split: Split = None, seed: int = 0) -> Collection:
    """The recordings under ``root``, the folder of CIFAR10-DVS or its parent, as AEDAT 2.0 or 4; a part will do.

    Nobody has divided this set officially: by default nine tenths of every class train, drawn by ``seed``;
    ``split="first-100"`` tests on the first 100 of every class, which scores higher than a random choice.
    Raises FileNotFoundError when no CIFAR10-DVS is there and ValueError when a folder is no class.
    Source: Li et al. 2017, Front. Neurosci. 11:309.
    """
    folder = PLACE.find(root)
    clips: list[Clip] = []
    for kind in folders(folder):
        if kind.name not in CLASSES:
            raise ValueError(f"{kind} is not a class of CIFAR10-DVS; they are {', '.join(CLASSES)}")
        clips += [clip_file(path, CLASSES.index(kind.name)) for path in files(kind, SUFFIXES)]
    if not clips:
        raise ValueError(f"{folder} holds no .aedat or .aedat4 file; cifar10-dvs needs {PLACE.layout}")
    train, test, words = divide(clips, split, seed, share=0.9)
    words = f"{words}; {len(clips):,} of {PLACE.recordings:,} recordings"
    return Collection("cifar10-dvs", CLASSES, train, test, words, SENSOR, WINDOW_US)
