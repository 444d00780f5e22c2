"""NumPy's .npy files: one structured array of events, or one of given columns, read a part at a time."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.events.event_arrays import Events, Sensor
from workbench.events.formats.column_checks import make_block, refuse_other_types, require_integers
from workbench.events.formats.column_names import ColumnMap, find_columns, map_given_columns
from workbench.events.formats.column_tables import Columns, Table, stream_table
from workbench.events.formats.errors import DamagedFile, refuse_empty, refuse_streams
from workbench.events.formats.event_blocks import Block
from workbench.events.formats.event_checks import check_events
from workbench.events.formats.format import Format, no_sensor, register
from workbench.events.formats.read_options import DEFAULT_OPTIONS, ReadOptions, Remarks

_MAGIC = b"\x93NUMPY"
LONGEST_HEADER = 2**16
_GESTURE: Sensor = (128, 128)
_BLOCK = 2**18
_US_PER_MS = 1000


def stream(path: Path, options: ReadOptions, remarks: Remarks) -> Iterator[Events]:
    """Events of a structured array with the fields x, y, t and p, in any order and of any type of number; or of an
    array of as many columns as ``options.columns`` names.

    Raises DamagedFile for an array cut short or followed by other bytes, values that are not whole, a place off the
    sensor, a step back in time or no events, and ValueError for an array of another layout.
    """
    array = _open(path)
    naming = map_columns(path, array.dtype, array.shape, options)

    def parts(count: int) -> Generator[Columns]:
        for first in range(0, len(array), count):
            yield take_columns(array[first : first + count], naming)

    return stream_table(path, Table(parts, naming.unit), options, remarks)


def map_columns(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...], options: ReadOptions) -> ColumnMap:
    """Which field or column of an array is which. Raises ValueError where neither it nor the user says."""
    what = f"{path} holds {dtype} of shape {shape}"
    if dtype.names is None and len(shape) == 2:
        refuse_other_types(path, "columns", dtype)
        return _map_given_columns(what, shape[1], options.columns)
    names = dtype.names or ()
    naming = find_named_columns(what, names)
    if naming is None or len(shape) != 1:
        raise ValueError(
            f"{what}; give a structured array of one row with the fields x, y, t (us) and p, or one of four columns"
            ' and say which is which, as columns="t x y p"'
        )
    refuse_given_columns(path, options)
    for field, place in naming.places.items():
        refuse_other_types(path, field, dtype[place])
    return naming


def find_named_columns(what: str, names: Sequence[str]) -> ColumnMap | None:
    """As `column_names.find_columns`; what it raises begins with ``what``."""
    try:
        return find_columns(names)
    except ValueError as error:
        raise ValueError(f"{what}, which {error}") from None


def refuse_given_columns(path: Path, options: ReadOptions) -> None:
    """Raise ValueError for given columns where a file names its own."""
    if options.columns is not None:
        raise ValueError(f"{path} names its columns; leave out columns=")


def take_columns(rows: NDArray[Any], naming: ColumnMap) -> Columns:
    """The columns x, y, t and p of some rows, structured or not."""
    if rows.dtype.names is None:
        return {field: np.asarray(rows[:, place]) for field, place in naming.places.items()}
    return {field: np.asarray(rows[rows.dtype.names[place]]) for field, place in naming.places.items()}


def read_gesture(path: Path, options: ReadOptions = DEFAULT_OPTIONS, remarks: Remarks | None = None) -> Events:
    """Events of one file of DVS128 Gesture as tonic keeps it: columns x, y, p and t, the time in milliseconds.

    Raises DamagedFile as ``stream`` does, and ValueError for an array of another layout.
    """
    array = _open(Path(path))
    refuse_other_types(Path(path), "columns", array.dtype)
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(f"{path} has shape {array.shape}; give four columns: x, y, p and t in ms")
    options = replace(options, sensor=_GESTURE, events=_BLOCK)
    return np.concatenate(
        list(check_events(Path(path), _read_gesture(Path(path), array), options, remarks or Remarks()))
    )


def _map_given_columns(what: str, count: int, given: tuple[str, ...] | None) -> ColumnMap:
    if given is None:
        raise ValueError(
            f"{what} without names for its columns; read it with"
            ' load("dvs-gesture") if it is of that set, else say which is which, as columns="t x y p"'
        )
    if len(given) != count:
        raise ValueError(f"{what}, but columns names {len(given)}; name every column, those of no use as -")
    return map_given_columns(given)


def _open(path: Path) -> NDArray[Any]:
    refuse_streams(path)
    refuse_empty(path)
    with path.open("rb") as file:
        head = file.read(12)
    if not head.startswith(_MAGIC):
        raise DamagedFile(path, "does not begin as a .npy file does, at byte 0", 0)
    if head[6:7] > b"\x01" and int.from_bytes(head[8:12], "little") > LONGEST_HEADER:
        raise DamagedFile(path, f"says that its header has more than {LONGEST_HEADER:,} bytes, at byte 8", 8)
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


def _read_gesture(path: Path, array: NDArray[Any]) -> Generator[Block]:
    for first in range(0, len(array), _BLOCK):
        x, y, p, t = np.asarray(array[first : first + _BLOCK]).T
        with np.errstate(over="ignore"):
            us = np.rint(t.astype(np.float64) * _US_PER_MS)
        yield make_block(path, {"x": x, "y": y, "p": p, "t": require_integers(path, "t", us, first)}, first)


def _sniff(head: bytes) -> bool:
    return head.startswith(_MAGIC)


FORMAT = register(Format("NumPy", (".npy",), "numpy", False, r"\x93NUMPY", _sniff, stream, no_sensor, is_table=True))
