"""Files of NIR: looked through before anything of them is read, and written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.atomic import replacing
from workbench.events import refuse_superblock
from workbench.exchange.foreign_files import name_foreign

if TYPE_CHECKING:
    from nir import NIRGraph

DEEPEST = 24  # groups within groups: a graph in a graph takes two, its metadata a few
MOST_ITEMS = 200_000
DEFLATED = 1_100  # times that gzip makes of zeros; more than that no stored byte can stand for
ROOM = 1 << 16  # bytes that an array may hold without being stored, as small ones and fill values do


def require_nir() -> ModuleType:
    """The package `nir`; ImportError with the cure where it is not installed."""
    try:
        import nir
    except ImportError as error:
        raise ImportError("graphs of NIR need the package nir; pip install 'spiking-workbench[nir]'") from error
    package: ModuleType = nir
    return package


def write_nir(graph: NIRGraph, path: str | Path) -> None:
    """Write a graph, whole or not at all."""
    nir = require_nir()
    with replacing(path) as aside:
        nir.write(aside, graph)


def read_nir(path: str | PathLike[str]) -> NIRGraph:
    """The graph in a file, its types not yet compared; ValueError, with file and place, for one that is damaged.

    What it says of its arrays is held against what it stores before any of them is read.
    """
    nir = require_nir()
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: there is no such file; write a graph there first, by wb.to_nir or nir.write")
    with require_sound_hdf5(path, "graph of NIR") as file:
        _require_graph(file)
        graph = nir.read(path, type_check=False)
    read: NIRGraph = graph
    return read


@contextmanager
def require_sound_hdf5(path: str | PathLike[str], what: str) -> Iterator[Any]:
    """The open file, looked through; ValueError, with its path, for whatever goes wrong with it meanwhile."""
    import h5py

    if not h5py.is_hdf5(path):
        other = name_foreign(Path(path)) or "where wb.save_model wrote it, wb.load_model reads it"
        raise ValueError(f"{path}: no {what}, which is an HDF5 file; {other}")
    try:
        refuse_superblock(Path(path))
        with h5py.File(path, "r") as file:
            _look_through(file)
            yield file
    except ValueError as error:
        raise ValueError(f"{path}: no {what}, or a damaged one ({error})") from error
    except (ArithmeticError, AssertionError, LookupError, AttributeError, TypeError, RuntimeError, OSError) as error:
        raise ValueError(
            f"{path}: no {what}, or a damaged one ({type(error).__name__}: {error}); write it again"
        ) from error


def _require_graph(file: Any) -> None:
    """ValueError for a file whose group `node` is no graph."""
    import h5py

    if "node" not in file or not isinstance(file["node"], h5py.Group):
        raise ValueError("it has no group 'node', which holds the graph; save it by nir.write")
    kind = file["node"].get("type")
    if not isinstance(kind, h5py.Dataset) or kind.shape != () or kind[()] != b"NIRGraph":
        raise ValueError("its group 'node' is of no type 'NIRGraph'; write a whole graph, with inputs and outputs")


def _look_through(file: Any) -> None:
    """ValueError, with the place, for what no graph holds, and for arrays larger than what is stored of them."""
    import h5py

    pending, seen = [("", file, 0)], 0
    while pending:
        place, group, depth = pending.pop()
        if depth > DEEPEST:
            raise ValueError(f"{place[1:]} lies more than {DEEPEST} groups deep; nest graphs less")
        for name in group:
            seen += 1
            if seen > MOST_ITEMS:
                raise ValueError(f"it holds more than {MOST_ITEMS:,} items; split the graph")
            kind = group.get(name, getlink=True)
            item = group[name] if isinstance(kind, h5py.HardLink) else None
            if isinstance(item, h5py.Group):
                pending.append((f"{place}/{name}", item, depth + 1))
            elif isinstance(item, h5py.Dataset):
                _require_stored(f"{place}/{name}"[1:], item)
            else:
                raise ValueError(f"{place[1:]}/{name} is neither a group nor an array, but a link or a type")


def _require_stored(place: str, item: Any) -> None:
    """ValueError for an array that claims more than its bytes can be, or that holds neither numbers nor text."""
    import h5py

    text = h5py.check_string_dtype(item.dtype) is not None
    if not text and item.dtype.kind not in "biufc":
        raise ValueError(f"{place} holds {item.dtype}, neither numbers nor text")
    if item.shape is None:
        raise ValueError(f"{place} is empty")
    if item.external or item.is_virtual:
        raise ValueError(f"{place} lies in another file; store it in this one")
    claimed = int(np.prod(item.shape, dtype=object)) * item.dtype.itemsize
    if claimed > ROOM + DEFLATED * item.id.get_storage_size():
        raise ValueError(f"{place} claims {claimed:,} bytes, and the file stores {item.id.get_storage_size():,} of it")
