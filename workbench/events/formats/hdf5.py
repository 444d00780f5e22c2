"""HDF5 files of events: columns x, y, t, p in the root or in a group, or one table of them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from workbench.events.event_arrays import Events
from workbench.events.formats.column_checks import refuse_other_types, require_integers
from workbench.events.formats.column_names import FIELDS
from workbench.events.formats.column_tables import Columns, Table, stream_table
from workbench.events.formats.errors import DamagedFile, refuse_empty
from workbench.events.formats.format import Format, no_sensor, register
from workbench.events.formats.hdf5_chunks import refuse_unreadable
from workbench.events.formats.npy import find_named_columns, map_columns, refuse_given_columns, take_columns
from workbench.events.formats.read_options import ReadOptions, Remarks

_MAGIC = b"\x89HDF\r\n\x1a\n"
_ADDRESSES_AT = {0: 24, 1: 28, 2: 12, 3: 12}
"""By version: the byte of the superblock at which its addresses begin."""

_UNDEFINED = 2**64 - 1
_PLACES = ("events", "CD/events", "/")
_MOST_NAMES = 2**12


@dataclass(frozen=True)
class _Layout:
    """How to read a part of the columns, the datasets they lie in, how many events there are, the times' unit and
    what DSEC adds to them.
    """

    read: Callable[[slice], Columns]
    data: dict[str, Any]
    length: int
    unit: str | None = None
    offset_us: int = 0


def stream(path: Path, options: ReadOptions, remarks: Remarks) -> Iterator[Events]:
    """Events of the columns x, y, t and p (xs, ys, ts, ps ...) in the root or the group events, of DSEC's group with
    its t_offset, of a table of those fields, or of an array of as many columns as ``options.columns`` names; in any
    other place if it is the only one.

    Raises DamagedFile for a broken file or one that would grow beyond all measure, columns of different lengths, values
    that are not whole, a place off the sensor, a step back in time or no events; ValueError where nothing looks like
    events or a filter is missing, and ImportError where h5py is not installed.
    """
    refuse_empty(path)
    refuse_superblock(path)

    def parts(count: int) -> Generator[Columns]:
        with _open_events(path, options) as layout:
            for first in range(0, layout.length, count):
                with _guard(path):
                    columns = layout.read(slice(first, min(first + count, layout.length)))
                yield columns

    with _open_events(path, options) as layout, _guard(path):
        refuse_unreadable(path, layout.data)
        table = Table(parts, layout.unit, layout.offset_us)
    return stream_table(path, table, options, remarks)


def refuse_superblock(path: Path) -> None:
    """Raise DamagedFile for bytes after the end of the data, and for a driver's block.

    The HDF5 library says nothing of what follows the end, such as a second file, and for a driver's block it takes as
    much memory as that asks for, up to 4 GB. Whatever else is wrong with a superblock it finds by itself.
    """
    with path.open("rb") as file:
        head = file.read(64)
    first = _ADDRESSES_AT.get(head[8]) if len(head) == 64 else None
    if first is None:
        return
    *_, end, driver = struct.unpack_from("<4Q", head, first)
    if head[8] < 2 and driver != _UNDEFINED:
        raise DamagedFile(path, f"names a driver's block in its superblock, at byte {first + 24}", first + 24)
    length = path.stat().st_size
    if end < length:
        raise DamagedFile(path, f"goes on after its data, at byte {end} ({length} bytes)", end)


@contextmanager
def _open_events(path: Path, options: ReadOptions) -> Iterator[_Layout]:
    with _guard(path):
        file = _open(path)
    with file:
        with _guard(path):
            layout = _find_events(path, file, options)
        yield layout


def _open(path: Path) -> Any:
    try:
        from h5py import File
    except ImportError as error:
        raise ImportError(f"{path} is an HDF5 file, which the package h5py reads; pip install h5py") from error
    return File(path, "r", locking=False)


@contextmanager
def _guard(path: Path) -> Iterator[None]:
    """What h5py finds wrong becomes DamagedFile, without a byte: it names none."""
    try:
        yield
    except (ValueError, ImportError) as error:
        if type(error) in (ValueError, DamagedFile, ImportError) and str(error).startswith(str(path)):
            raise
        raise DamagedFile(path, f"cannot be read as HDF5 ({_one_line(error)})") from error
    except Exception as error:
        raise DamagedFile(path, f"cannot be read as HDF5 ({_one_line(error)})") from error


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]


def _find_events(path: Path, file: Any, options: ReadOptions) -> _Layout:
    """The events of a file: in one of the usual places, or in the only other one."""
    for name in _PLACES:
        layout = _find_at(path, file, name, options)
        if layout is not None:
            return layout
    others = _search(path, file, options)
    if len(others) > 1:
        raise ValueError(f"{path} has events in several places, {', '.join(others)}; give a file of one of them")
    layout = _find_at(path, file, others[0], options) if others else None
    if layout is None:
        raise ValueError(
            f"{path} has no events; give datasets x, y, t (us) and p in its root or in a group events, or one table"
            " events (or CD/events) of those fields"
        )
    return layout


def _find_at(path: Path, file: Any, name: str, options: ReadOptions) -> _Layout | None:
    """The events of a group or dataset of that name, None where it holds none. ValueError for those of another file."""
    from h5py import Dataset

    found = _get(file, name)
    if isinstance(found, Dataset):
        return _find_rows(path, name, found, options) if found.dtype.names or found.ndim == 2 else None
    data = _list_datasets(found)
    naming = find_named_columns(f"{path} has datasets in {name}", list(data))
    if naming is None:
        return None
    refuse_given_columns(path, options)
    columns = {field: list(data.values())[place] for field, place in naming.places.items()}
    for field, column in columns.items():
        if column is None:
            raise ValueError(f"{path} keeps {field} in other files; give a file with all its events")
    return _find_columns(path, columns, naming.unit, _offset(path, file))


def _search(path: Path, file: Any, options: ReadOptions) -> list[str]:
    """Where else in a file events may be: groups of such columns, and tables of as many as are given, or four."""
    from h5py import Dataset

    width, seen, found = len(options.columns or FIELDS), 0, list[str]()

    def visit(name: str, thing: Any) -> bool | None:
        nonlocal seen
        seen += 1
        if isinstance(thing, Dataset):
            rows = thing.ndim == 2 and thing.shape[1] == width and not thing.dtype.names
            table = (
                thing.ndim == 1
                and find_named_columns(f"{path} has fields in {name}", thing.dtype.names or ()) is not None
            )
            found.extend([name] if rows or table else [])
        elif find_named_columns(f"{path} has datasets in {name}", list(_list_datasets(thing))) is not None:
            found.append(name)
        return True if seen > _MOST_NAMES else None

    file.visititems(visit)
    return found


def _get(group: Any, name: str) -> Any:
    """What lies under a path in this very file, None for nothing."""
    from h5py import ExternalLink, Group

    for part in filter(None, name.split("/")):
        if not isinstance(group, Group) or isinstance(group.get(part, getlink=True), ExternalLink):
            return None
        group = group.get(part)
    return group


def _list_datasets(group: Any) -> dict[str, Any]:
    """The datasets of a group by name, None for one that lies in another file; nothing of what is no group."""
    from h5py import Dataset, ExternalLink, Group

    if not isinstance(group, Group) or len(group) > _MOST_NAMES:
        return {}
    found = {key: _get(group, key) for key in group}
    outside = {key for key in group if isinstance(group.get(key, getlink=True), ExternalLink)}
    return {key: value for key, value in found.items() if isinstance(value, Dataset) or key in outside}


def _find_rows(path: Path, name: str, table: Any, options: ReadOptions) -> _Layout:
    naming = map_columns(path, table.dtype, table.shape, options)
    if table.dtype.names is None:
        return _Layout(lambda here: take_columns(table[here], naming), {name: table}, len(table))
    fields = {field: table.fields(table.dtype.names[place]) for field, place in naming.places.items()}
    return _Layout(partial(_take, fields), {name: table}, len(table), naming.unit)


def _find_columns(path: Path, columns: dict[str, Any], unit: str | None, offset_us: int) -> _Layout:
    for field, column in columns.items():
        if column.ndim != 1:
            raise ValueError(f"{path} has {field} of shape {column.shape}; give one row")
        refuse_other_types(path, field, column.dtype)
    lengths = {field: len(column) for field, column in columns.items()}
    if len(set(lengths.values())) > 1:
        words = ", ".join(f"{length} of {field}" for field, length in lengths.items())
        raise DamagedFile(path, f"has columns of different lengths ({words})")
    return _Layout(partial(_take, columns), columns, lengths["x"], unit, offset_us)


def _take(columns: dict[str, Any], here: slice) -> Columns:
    return {field: column[here] for field, column in columns.items()}


def _offset(path: Path, file: Any) -> int:
    """DSEC's t_offset, in us: what to add to every time."""
    from h5py import Dataset

    offset = _get(file, "t_offset")
    if not isinstance(offset, Dataset):
        return 0
    if offset.shape not in ((), (1,)) or offset.dtype.kind not in "iuf":
        raise DamagedFile(path, f"has a t_offset of {offset.dtype} and shape {offset.shape}, not one number")
    return int(require_integers(path, "t_offset", np.atleast_1d(offset[()]), 0)[0])


def _sniff(head: bytes) -> bool:
    return head.startswith(_MAGIC)


FORMAT = register(Format("HDF5", (".hdf5", ".h5"), "h5py", True, r"\x89HDF", _sniff, stream, no_sensor, is_table=True))
