"""The set `n-mnist`, read from its own folders and .bin files, whole or a part of it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from workbench.events.layout import EVENTS, Events
from workbench.events.recordings import Dataset, Recordings

CLASSES = tuple("0123456789")
SIZE = 34
WINDOW_US = 300_000
RECORDINGS = 70_000

_BYTES = 5
_OVERFLOW_ROW = 240
_LAYOUT = "Train/<digit>/*.bin and Test/<digit>/*.bin, in it or in a folder NMNIST (or N-MNIST...) in it"
_CURE = "get the file again, or take it out"


def read(root: Path) -> Dataset:
    """Read the recordings under ``root``, the folder of N-MNIST or its parent; a part of the 70,000 will do.

    Raises FileNotFoundError when no N-MNIST is there and ValueError for a damaged one, naming file and byte.
    Source: Orchard et al. 2015, Front. Neurosci. 9:437.
    """
    folder = find(root)
    train, test = (_read_part(folder / part) for part in ("Train", "Test"))
    found = len(train) + len(test)
    words = f"official folders Train and Test; {found:,} of {RECORDINGS:,} recordings"
    return Dataset("n-mnist", train, test, words)


def find(root: Path) -> Path:
    """The folder that holds Train and Test: ``root``, or one in it called NMNIST in some spelling."""
    inside = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    named = [path for path in inside if re.sub("[^a-z]", "", path.name.lower()).startswith("nmnist")]
    candidates = [path for path in (root, *named) if (path / "Train").is_dir() or (path / "Test").is_dir()]
    if not candidates:
        raise FileNotFoundError(
            f"no N-MNIST in {root.absolute()}; give root=, a folder with {_LAYOUT}; the set is at"
            " https://www.garrickorchard.com/datasets/n-mnist"
        )
    if len(candidates) > 1 and candidates[0] != root:
        raise ValueError(
            f"{root} holds several: {', '.join(path.name for path in candidates)}; give one of them as root"
        )
    for part in ("Train", "Test"):
        if not (candidates[0] / part).is_dir():
            raise ValueError(f"{candidates[0]} has no folder {part}; n-mnist needs {_LAYOUT}")
    return candidates[0]


def read_file(path: Path) -> Events:
    """Events of one .bin file, five bytes each: x, y, polarity (one bit), time in us (23 bits, big-endian).

    Raises ValueError, naming file and byte, for half an event, a place off the sensor or a step back in time.
    """
    from tonic.io import read_mnist_file

    raw = path.read_bytes()
    if len(raw) % _BYTES or not raw:
        whole = len(raw) - len(raw) % _BYTES
        fact = f"ends within an event, at byte {whole}" if raw else "is empty, at byte 0"
        raise ValueError(f"{path} {fact} ({len(raw)} bytes, {_BYTES} an event); {_CURE}")
    events: Events = read_mnist_file(io.BytesIO(raw), dtype=EVENTS, is_stream=True)
    offsets = np.flatnonzero(np.frombuffer(raw, dtype=np.uint8)[1::_BYTES] != _OVERFLOW_ROW) * _BYTES
    outside = (events["x"] >= SIZE) | (events["y"] >= SIZE)
    if outside.any():
        bad = int(outside.argmax())
        where = f"x = {events['x'][bad]}, y = {events['y'][bad]}"
        raise ValueError(f"{path} has {where} at byte {offsets[bad]}, outside {SIZE} x {SIZE}; {_CURE}")
    back = np.flatnonzero(np.diff(events["t"]) < 0)
    if len(back):
        bad = int(back[0]) + 1
        step = f"from {events['t'][bad - 1]} to {events['t'][bad]} us"
        raise ValueError(f"{path} runs backwards in time at byte {offsets[bad]}, {step}; {_CURE}")
    return events


def _read_part(folder: Path) -> Recordings:
    paths = list(_files(folder))
    if not paths:
        raise ValueError(f"{folder} holds no .bin file; n-mnist needs {_LAYOUT}")
    labels = [CLASSES.index(path.parent.name) for path in paths]
    return Recordings.from_events(
        map(read_file, paths), labels, CLASSES, (2, SIZE, SIZE),
        window_us=WINDOW_US, name=f"n-mnist {folder.name.lower()}",
    )  # fmt: skip


def _files(folder: Path) -> Iterator[Path]:
    """The .bin files of a part, digit by digit; hidden files and folders are not looked at."""
    for digit in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        if digit.name not in CLASSES:
            raise ValueError(f"{digit} is not a class; the folders of {folder} are called 0 to 9")
        yield from sorted(path for path in digit.glob("*.bin") if not path.name.startswith("."))
