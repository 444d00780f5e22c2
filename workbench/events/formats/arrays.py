"""NumPy's .npy files: one structured array of events, read a part at a time."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.events.formats.blocks import Block, check
from workbench.events.formats.columns import gather, refuse_other_types
from workbench.events.formats.damage import DamagedFile, refuse_empty
from workbench.events.formats.format import Format, untold
from workbench.events.layout import Events, Sensor

_MAGIC = b"\x93NUMPY"
_GESTURE: Sensor = (128, 128)
_BLOCK = 2**18
_US_PER_MS = 1000


def stream(path: Path, sensor: Sensor | None, events: int) -> Iterator[Events]:
    """Events of a structured array with the fields x, y, t (us) and p, in any order and of any type of number.

    Raises DamagedFile for an array cut short or followed by other bytes, values that are not whole, a place off the
    sensor, a step back in time or no events, and ValueError for an array of another layout.
    """
    array = _open(path)
    missing = set("xytp") - set(array.dtype.names or ())
    if array.dtype.names is None and array.ndim == 2 and array.shape[1] == 4:
        raise ValueError(
            f"{path} holds {array.dtype} of shape {array.shape} without names for its columns; read it with"
            ' load("dvs-gesture") if it is of that set, else give a structured array with the fields x, y, t, p'
        )
    if missing or array.ndim != 1:
        raise ValueError(
            f"{path} holds {array.dtype} of shape {array.shape}; give a structured array of one row with the"
            " fields x, y, t (us) and p"
        )
    for field in "xytp":
        refuse_other_types(path, field, array.dtype[field])
    return check(path, _read(path, array, events), sensor, events)


def read_gesture(path: Path) -> Events:
    """Events of one file of DVS128 Gesture as tonic keeps it: columns x, y, p and t, the time in milliseconds.

    Raises DamagedFile as ``stream`` does, and ValueError for an array of another layout.
    """
    array = _open(Path(path))
    refuse_other_types(Path(path), "columns", array.dtype)
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(f"{path} has shape {array.shape}; give four columns: x, y, p and t in ms")
    return np.concatenate(list(check(Path(path), _read_gesture(Path(path), array), _GESTURE, _BLOCK)))


def _open(path: Path) -> NDArray[Any]:
    refuse_empty(path)
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise DamagedFile(path, "does not begin as a .npy file does, at byte 0", 0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:
        words = " ".join(str(error).split())[:200]
        raise DamagedFile(path, f"cannot be read as an array, at byte 0 ({words})", 0) from error
    if not isinstance(array, np.memmap):
        raise DamagedFile(path, "holds no events")
    end = array.offset + array.nbytes
    length = path.stat().st_size
    if end != length:
        raise DamagedFile(path, f"goes on after its array, at byte {end} ({length} bytes)", end)
    return array


def _read(path: Path, array: NDArray[Any], count: int) -> Generator[Block]:
    for first in range(0, len(array), count):
        part = array[first : first + count]
        yield gather(path, {field: np.asarray(part[field]) for field in "xytp"}, first)


def _read_gesture(path: Path, array: NDArray[Any]) -> Generator[Block]:
    for first in range(0, len(array), _BLOCK):
        x, y, p, t = np.asarray(array[first : first + _BLOCK]).T
        with np.errstate(over="ignore"):
            us = np.rint(t.astype(np.float64) * _US_PER_MS)
        yield gather(path, {"x": x, "y": y, "p": p, "t": us}, first)


def _sniff(head: bytes) -> bool:
    return head.startswith(_MAGIC)


FORMAT = Format("NumPy", (".npy",), "numpy", False, r"\x93NUMPY", _sniff, stream, untold)
