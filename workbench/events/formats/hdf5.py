"""HDF5 files of events: columns x, y, t, p in the root or in a group, or one table of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.events.formats.blocks import Block, check
from workbench.events.formats.columns import gather, refuse_other_types, whole
from workbench.events.formats.damage import DamagedFile, refuse_empty
from workbench.events.formats.format import Format, untold
from workbench.events.formats.superblock import MAGIC, refuse_contradictions
from workbench.events.layout import Events, Sensor

_TABLES = ("events", "CD/events")
_GROUPS = ("events", "/")
_PLUGINS = {0x8ECF: "Prophesee's hdf5_ecf", 32001: "Blosc (pip install hdf5plugin)", 32015: "Zstandard (hdf5plugin)"}
_LARGEST_CHUNK = 2**28

Columns = dict[str, Callable[[slice], NDArray[Any]]]


@dataclass(frozen=True)
class _Layout:
    """How to read a part of each column, how many events there are, and what DSEC adds to their times."""

    columns: Columns
    length: int
    offset_us: int = 0


def stream(path: Path, sensor: Sensor | None, events: int) -> Iterator[Events]:
    """Events of the columns x, y, t (us) and p, of DSEC's group with its t_offset, or of a table of those fields.

    Raises DamagedFile for a broken file, columns of different lengths, values that are not whole, a place off the
    sensor, a step back in time or no events; ValueError where nothing looks like events or a filter is missing, and
    ImportError where h5py is not installed.
    """
    refuse_empty(path)
    refuse_contradictions(path)
    return check(path, _read(path, events), sensor, events)


def _read(path: Path, count: int) -> Generator[Block]:
    with _guard(path):
        file = _open(path)
    with file:
        with _guard(path):
            layout = _find(path, file)
        for first in range(0, layout.length, count):
            here = slice(first, min(first + count, layout.length))
            with _guard(path):
                columns = {field: part(here) for field, part in layout.columns.items()}
                block = gather(path, columns, first, layout.offset_us)
            yield block


def _open(path: Path) -> Any:
    try:
        from h5py import File
    except ImportError as error:
        raise ImportError(f"{path} is an HDF5 file, which the package h5py reads; pip install h5py") from error
    return File(path, "r", locking=False)


@contextmanager
def _guard(path: Path) -> Iterator[None]:
    """What h5py finds wrong becomes DamagedFile; it tells no bytes."""
    try:
        yield
    except (ValueError, ImportError) as error:
        if type(error) in (ValueError, DamagedFile, ImportError) and str(error).startswith(str(path)):
            raise
        raise DamagedFile(path, f"cannot be read as HDF5 ({_line(error)})") from error
    except Exception as error:
        raise DamagedFile(path, f"cannot be read as HDF5 ({_line(error)})") from error


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]


def _find(path: Path, file: Any) -> _Layout:
    from h5py import Dataset, Group

    for name in _TABLES:
        table = file.get(name)
        if isinstance(table, Dataset) and set("xytp") <= set(table.dtype.names or ()):
            return _Layout(_fields(path, table), len(table))
    for name in _GROUPS:
        group = file.get(name)
        if isinstance(group, Group) and all(isinstance(group.get(field), Dataset) for field in "xytp"):
            return _columns(path, group, _offset(path, file))
    raise ValueError(
        f"{path} has no events; give datasets x, y, t (us) and p in its root or in a group events, or one table"
        " events (or CD/events) of those fields"
    )


def _fields(path: Path, table: Any) -> Columns:
    _refuse_unreadable(path, "events", table)
    for field in "xytp":
        refuse_other_types(path, field, table.dtype[field])
    return {field: partial(_read_field, table, field) for field in "xytp"}


def _read_field(table: Any, field: str, here: slice) -> NDArray[Any]:
    values: NDArray[Any] = table.fields(field)[here]
    return values


def _columns(path: Path, group: Any, offset_us: int) -> _Layout:
    columns = {field: group[field] for field in "xytp"}
    for field, column in columns.items():
        _refuse_unreadable(path, field, column)
        refuse_other_types(path, field, column.dtype)
    lengths = {field: len(column) for field, column in columns.items()}
    if len(set(lengths.values())) > 1:
        words = ", ".join(f"{length} of {field}" for field, length in lengths.items())
        raise DamagedFile(path, f"has columns of different lengths ({words})")
    parts: Columns = {field: column.__getitem__ for field, column in columns.items()}
    return _Layout(parts, lengths["x"], offset_us)


def _offset(path: Path, file: Any) -> int:
    """DSEC's t_offset, in us: what to add to every time."""
    from h5py import Dataset

    told = file.get("t_offset")
    if not isinstance(told, Dataset):
        return 0
    if told.shape not in ((), (1,)) or told.dtype.kind not in "iuf":
        raise DamagedFile(path, f"has a t_offset of {told.dtype} and shape {told.shape}, not one number")
    return int(whole(path, "t_offset", np.atleast_1d(told[()]), 0)[0])


def _refuse_unreadable(path: Path, name: str, data: Any) -> None:
    """Refuse other shapes, data kept elsewhere, missing filters, and more events than the file can hold."""
    if data.ndim != 1:
        raise ValueError(f"{path} has {name} of shape {data.shape}; give one row")
    if data.external or data.is_virtual:
        raise ValueError(f"{path} keeps {name} in other files; give a file with all its events")
    filters = _filters(path, name, data)
    stored = data.id.get_storage_size()
    if not filters and data.nbytes > stored:
        raise DamagedFile(path, f"has {len(data)} events by the shape of {name}, but only {stored} bytes of them")
    if data.chunks and (
        data.chunks[0] * data.dtype.itemsize > _LARGEST_CHUNK
        or data.id.get_num_chunks() < -(-len(data) // data.chunks[0])
    ):
        raise DamagedFile(path, f"has chunks of {data.chunks[0]} values in {name}, and not all that its shape needs")


def _filters(path: Path, name: str, data: Any) -> int:
    """How many filters a dataset passed through; raises ValueError for one that is not at hand."""
    from h5py import h5z

    plan = data.id.get_create_plist()
    for index in range(plan.get_nfilters()):
        code = plan.get_filter(index)[0]
        if not h5z.filter_avail(code):
            plugin = _PLUGINS.get(code, "the plugin of that number")
            raise ValueError(f"{path} has {name} compressed by the HDF5 filter {code}; install {plugin}")
    return int(plan.get_nfilters())


def _sniff(head: bytes) -> bool:
    return head.startswith(MAGIC)


FORMAT = Format("HDF5", (".hdf5", ".h5"), "h5py", True, r"\x89HDF", _sniff, stream, untold)
