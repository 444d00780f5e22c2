"""Recordings of your own: files sorted in folders by class."""

from __future__ import annotations

from pathlib import Path

from workbench.events import formats
from workbench.events.clips import Clip, Collection, clip_file
from workbench.events.places import files, folders, squeeze
from workbench.events.splits import Split, divide, require_official

PARTS = ("train", "test")
SUFFIXES = tuple(sorted({suffix for known in formats.FORMATS for suffix in known.suffixes}))
LAYOUT = "<class>/<recording>, or train/<class>/<recording> and test/<class>/<recording>"


def collect(root: Path, split: Split = None, seed: int = 0) -> Collection:
    """The recordings in ``root``: a folder a class, or folders train and test that hold those.

    Where there are folders train and test they decide; else four fifths of every class train, drawn by ``seed``, or
    as ``split`` says. Raises FileNotFoundError when there is no such folder and ValueError when it is no data set.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"{root.absolute()} is no folder; give one with {LAYOUT}")
    named = {squeeze(path.name): path for path in folders(root)}
    if set(PARTS) <= set(named):
        require_official(split, str(root))
        parts = [named[part] for part in PARTS]
        classes = tuple(sorted({kind.name for part in parts for kind in folders(part)}))
        train, test = (tuple(_collect_classes(part, classes)) for part in parts)
        for part, clips in zip(parts, (train, test), strict=True):
            if not clips:
                raise ValueError(_nothing(part))
        words = "folders train and test"
    else:
        classes = tuple(kind.name for kind in folders(root) if _recordings(kind))
        found = _collect_classes(root, classes)
        if not found:
            raise ValueError(_nothing(root))
        train, test, words = divide(found, split, seed)
    left_out = _left_out(root)
    words += f"; {left_out:,} other files are not read" if left_out else ""
    return Collection(root.absolute().name, classes, train, test, words)


def _collect_classes(folder: Path, classes: tuple[str, ...]) -> list[Clip]:
    found = [(path, label) for label, name in enumerate(classes) if (folder / name).is_dir()
             for path in _recordings(folder / name)]  # fmt: skip
    return [clip_file(path, label) for path, label in found]


def _recordings(folder: Path) -> list[Path]:
    """The files of a folder that are recordings by their suffix, without texts that hold no events."""
    return [path for path in files(folder, SUFFIXES) if not formats.is_note(path)]


def _left_out(root: Path) -> int:
    """How many files below ``root``, FIFOs and the like among them, no format claims; hidden ones are not looked at."""
    below = [path for path in root.rglob("*") if not path.is_dir()]
    seen = [path for path in below if not any(p.startswith(".") for p in path.relative_to(root).parts)]
    return sum(not path.is_file() or path.suffix.lower() not in SUFFIXES or formats.is_note(path) for path in seen)


def _nothing(folder: Path) -> str:
    return (
        f"{folder} is no data set: no folder in it holds recordings; give a folder with {LAYOUT}, in files "
        f"{', '.join(SUFFIXES)}"
    )
