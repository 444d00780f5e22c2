"""The set `cifar10-dvs`: images of ten kinds of things, moved before an event camera."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from workbench.events.event_arrays import Events
from workbench.events.formats.read_options import ReadOptions, Remarks
from workbench.events.sources.clips import Clip, Collection, clip_file
from workbench.events.sources.folder_tree import folders, scan_folder
from workbench.events.sources.location import Location
from workbench.events.sources.named_sets import register_recorded
from workbench.events.sources.splits import Split, divide
from workbench.events.transforms import Turn

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SENSOR = (128, 128)
WINDOW_US = 1_200_000
SUFFIXES = (".aedat", ".aedat4")
UPRIGHT = Turn(-1)
LOCATION = Location(
    name="cifar10-dvs",
    title="CIFAR10-DVS",
    layout="<class>/*.aedat or <class>/*.aedat4, with the classes airplane to truck",
    contains=lambda folder: any((folder / name).is_dir() for name in CLASSES),
    recordings=10_000,
    size="some 15 GB",
    url="https://figshare.com/articles/dataset/CIFAR10-DVS_New/4724671",
    tonic="CIFAR10DVS",
)


def collect(root: Path, split: Split = None, seed: int = 0, upright: bool | None = None) -> Collection:
    """The recordings under ``root``, the folder of CIFAR10-DVS or its parent, as AEDAT 2.0 or 4; a part will do.

    The camera was filmed lying on its side. The authors' copy (.aedat) is decoded as the camera's makers do and turned
    by a quarter, clockwise, so that what was up is up; ``upright=False`` leaves it as the camera lay. The copy of tonic
    (.aedat4) was converted by another program, and its orientation is not documented: it is never turned. No file of
    the set was available when this was written; that it lies on its side is taken from tools that turn it.
    This set has no official split: by default nine tenths of every class train, drawn by ``seed``;
    ``split="first-100"`` tests on the first 100 of every class, which scores higher than a random choice.
    Raises FileNotFoundError when no CIFAR10-DVS is there and ValueError when a folder is no class or both copies lie
    there. Source: Li et al. 2017, Front. Neurosci. 11:309; the turn: _load_origin_data of SpikingJelly, which also
    mirrors left and right.
    """
    folder = LOCATION.find(root)
    for kind in folders(folder):
        if kind.name not in CLASSES:
            raise ValueError(f"{kind} is not a class of CIFAR10-DVS; they are {', '.join(CLASSES)}")
    tree = scan_folder(folder)
    all_of_them = [path for path in tree.files if path.suffix.lower() in SUFFIXES]
    above = {path: path.relative_to(folder).parts[:-1] for path in all_of_them}
    found = [(path, CLASSES.index(names[0])) for path, names in above.items() if names]
    if not found:
        raise ValueError(f"{folder} holds no .aedat or .aedat4 file; cifar10-dvs needs {LOCATION.layout}")
    turn = _require_one_copy(folder, [path for path, _ in found], upright)
    clips = [_turned(clip_file(path, label)) if turn else clip_file(path, label) for path, label in found]
    train, test, words = divide(clips, split, seed, share=0.9)
    words = f"{words}; {len(clips):,} of {LOCATION.recordings:,} recordings"
    words += tree.describe_unread(
        [path for path, _ in found], [path for path in above if not above[path]], LOCATION.layout
    )
    return Collection("cifar10-dvs", CLASSES, train, test, words, SENSOR, WINDOW_US)


def _require_one_copy(folder: Path, paths: Sequence[Path], upright: bool | None) -> bool:
    """Whether the recordings are to be turned. Raises ValueError where they are of two copies."""
    authors, tonics = (sum(path.suffix.lower() == suffix for path in paths) for suffix in SUFFIXES)
    if authors and tonics:
        raise ValueError(
            f"{folder} holds two copies of CIFAR10-DVS, {authors:,} .aedat and {tonics:,} .aedat4 files, which may "
            "differ in orientation and polarity; keep one of them in a folder of its own"
        )
    if tonics and upright:
        raise ValueError(
            f"{folder} holds the .aedat4 copy of CIFAR10-DVS, and nobody has said how it lies; leave out upright=, "
            "look at some recordings, and turn them by transforms=Turn(...), Transpose() or Flip(...)"
        )
    return bool(authors) and upright is not False


def _turned(clip: Clip) -> Clip:
    """The same clip, turned upright."""

    def blocks(options: ReadOptions, remarks: Remarks) -> Iterator[Events]:
        for block in clip.blocks(options, remarks):
            yield UPRIGHT(block, SENSOR)[0]

    return replace(clip, blocks=blocks, stamp=f"{clip.stamp} upright")


register_recorded(LOCATION, collect, options=("upright",))
