"""NumPy's .npz files: a column of events in each of their arrays, or all in one, decompressed a part at a time."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from workbench.events.event_arrays import Events
from workbench.events.formats import zip_archives
from workbench.events.formats.column_checks import refuse_other_types
from workbench.events.formats.column_names import FIELDS
from workbench.events.formats.column_tables import Columns, Table, stream_table
from workbench.events.formats.decompression_limits import refuse_decompression_bombs
from workbench.events.formats.errors import DamagedFile, refuse_empty
from workbench.events.formats.format import Format, no_sensor, register
from workbench.events.formats.npy import (
    LONGEST_HEADER,
    find_named_columns,
    map_columns,
    refuse_given_columns,
    take_columns,
)
from workbench.events.formats.read_options import ReadOptions, Remarks
from workbench.events.formats.zip_archives import guard_archive, open_archive, require_member

_SUFFIX = ".npy"
_STEP = 2**20
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


@dataclass(frozen=True)
class _Array:
    """What the header of a member says: its values begin at a byte, and lie by columns if it is of Fortran's order."""

    member: zipfile.ZipInfo
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    by_columns: bool
    start: int


@dataclass(frozen=True)
class _Run:
    """Rows of one type, one after the other in a member from a byte on."""

    member: zipfile.ZipInfo
    dtype: np.dtype[Any]
    start: int


@dataclass(frozen=True)
class _Plan:
    """Which runs are read side by side, how columns come of their rows, how many there are, and the times' unit."""

    runs: tuple[_Run, ...]
    take: Callable[[list[NDArray[Any]]], Columns]
    length: int
    unit: str | None


def stream(path: Path, options: ReadOptions, remarks: Remarks) -> Iterator[Events]:
    """Events of the arrays x, y, t and p, as SpikingJelly keeps them; or of one array alone, as in a .npy file.

    Nothing is decompressed as a whole, and no pickle is read. Raises DamagedFile for a broken archive or one that
    would grow beyond all measure, columns of different lengths, values that are not whole, a place off the sensor, a
    step back in time or no events, and ValueError where nothing looks like events.
    """
    refuse_empty(path)
    with open_archive(path) as archive:
        plan = _plan(path, archive, options)

    def parts(count: int) -> Generator[Columns]:
        with open_archive(path) as archive, ExitStack() as stack:
            with guard_archive(path):
                files = [stack.enter_context(_open_run(archive, run)) for run in plan.runs]
            for first in range(0, plan.length, count):
                rows = min(count, plan.length - first)
                with guard_archive(path):
                    pieces = [_read(path, *pair, rows) for pair in zip(files, plan.runs, strict=True)]
                yield plan.take(pieces)
            with guard_archive(path):
                for file in files:
                    file.read(1)  # at its end the sum of the member is checked

    return stream_table(path, Table(parts, plan.unit), options, remarks)


def _plan(path: Path, archive: zipfile.ZipFile, options: ReadOptions) -> _Plan:
    members = [name for name in archive.namelist() if name.endswith(_SUFFIX)]
    names = [name.removesuffix(_SUFFIX) for name in members]
    naming = find_named_columns(f"{path} holds arrays", names)
    if naming is not None:
        refuse_given_columns(path, options)
        used = {field: members[place] for field, place in naming.places.items()}
        arrays = {field: _read_header(path, archive, name) for field, name in used.items()}
        _refuse_large(path, [array.member for array in arrays.values()])
        return _plan_columns(path, arrays, naming.unit)
    if len(members) == 1:
        array = _read_header(path, archive, members[0])
        _refuse_large(path, [array.member])
        return _plan_rows(path, array, options)
    raise ValueError(
        f"{path} holds the arrays {', '.join(names) or '(none)'}; give x, y, t (us) and p, or one array of them alone"
    )


def _plan_columns(path: Path, arrays: dict[str, _Array], unit: str | None) -> _Plan:
    for field, array in arrays.items():
        refuse_other_types(path, field, array.dtype)
        if len(array.shape) != 1:
            raise ValueError(f"{path} has {field} of shape {array.shape}; give one row")
    lengths = {field: array.shape[0] for field, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        words = ", ".join(f"{length} of {field}" for field, length in lengths.items())
        raise DamagedFile(path, f"has columns of different lengths ({words})")
    runs = tuple(_Run(arrays[field].member, arrays[field].dtype, arrays[field].start) for field in FIELDS)
    return _Plan(runs, _side_by_side, lengths["x"], unit)


def _plan_rows(path: Path, array: _Array, options: ReadOptions) -> _Plan:
    naming = map_columns(path, array.dtype, array.shape, options)
    length = array.shape[0]
    if array.dtype.names is None and array.by_columns:
        size = length * array.dtype.itemsize
        starts = (array.start + naming.places[field] * size for field in FIELDS)
        return _Plan(tuple(_Run(array.member, array.dtype, start) for start in starts), _side_by_side, length, None)
    row = array.dtype if array.dtype.names else np.dtype((array.dtype, array.shape[1:]))
    run = _Run(array.member, row, array.start)
    return _Plan((run,), lambda pieces: take_columns(pieces[0], naming), length, naming.unit)


def _side_by_side(pieces: list[NDArray[Any]]) -> Columns:
    return dict(zip(FIELDS, pieces, strict=True))


def _read_header(path: Path, archive: zipfile.ZipFile, name: str) -> _Array:
    """What a member says of its array. Raises DamagedFile unless its size is that of the array."""
    member = require_member(path, archive, name)
    with guard_archive(path), archive.open(member) as file:
        head = io.BytesIO(file.read(LONGEST_HEADER))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shape, by_columns, dtype = _HEADERS[npy.read_magic(head)](head)
    except Exception as error:  # of a broken header numpy's parser raises whatever comes
        words = " ".join(str(error).split())[:200]
        raise DamagedFile(path, f"has no array that can be read in {name} ({words})") from error
    start = head.tell()
    if dtype.hasobject:
        raise DamagedFile(path, f"holds objects in {name}, which only a pickle could restore")
    needed = start + dtype.itemsize * int(np.prod([1, *shape], dtype=object))
    if needed != member.file_size:
        raise DamagedFile(path, f"has {member.file_size:,} bytes of {name}, not the {needed:,} of its shape {shape}")
    return _Array(member, dtype, shape, by_columns and len(shape) > 1, start)


def _refuse_large(path: Path, members: list[zipfile.ZipInfo]) -> None:
    packed, unpacked = (sum(sizes) for sizes in zip(*((m.compress_size, m.file_size) for m in members), strict=True))
    refuse_decompression_bombs(path, "its arrays", packed, unpacked)


def _open_run(archive: zipfile.ZipFile, run: _Run) -> IO[bytes]:
    file = archive.open(run.member)
    for passed in range(0, run.start, _STEP):
        file.read(min(_STEP, run.start - passed))
    return file


def _read(path: Path, file: IO[bytes], run: _Run, rows: int) -> NDArray[Any]:
    left, pieces = rows * run.dtype.itemsize, list[bytes]()
    while left:
        piece = file.read(left)
        if not piece:
            raise DamagedFile(path, f"ends within {run.member.filename}")
        pieces.append(piece)
        left -= len(piece)
    return np.frombuffer(b"".join(pieces), dtype=run.dtype)


def _sniff(head: bytes) -> bool:
    return head.startswith(zip_archives.MAGIC)


FORMAT = register(
    Format(
        "NumPy archive",
        (".npz",),
        "numpy",
        False,
        r"PK\x03\x04",
        _sniff,
        stream,
        no_sensor,
        is_table=True,
        is_common=True,
    )
)
