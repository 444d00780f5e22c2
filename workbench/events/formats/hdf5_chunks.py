"""Datasets of HDF5 whose chunks are all there, in this file, and no larger unpacked than they say."""

from __future__ import annotations

import zlib
from math import prod
from pathlib import Path
from typing import Any

from workbench.events.formats.decompression_limits import ALWAYS_ALLOWED, refuse_decompression_bombs
from workbench.events.formats.errors import DamagedFile

_GZIP = 1
_ARRANGE = {2, 3, 5, 6}
"""Filters that pack nothing or little: shuffle, Fletcher's sum, bits, scale and offset."""
_PLUGINS = {0x8ECF: "Prophesee's hdf5_ecf", 32001: "Blosc (pip install hdf5plugin)", 32015: "Zstandard (hdf5plugin)"}
_LARGEST_CHUNK = 2**28
_MOST_OF_GZIP = 1032
_STEP = 2**20


def refuse_unreadable(path: Path, columns: dict[str, Any]) -> None:
    """Refuse data kept elsewhere, missing filters, and more values than the file can hold or than are justified.

    The library of HDF5 unpacks a chunk to its end, however large that is; so those that might grow are unpacked here
    first, a step at a time. Raises DamagedFile, and ValueError for what is kept elsewhere or cannot be unpacked.
    """
    length = path.stat().st_size
    packed = unpacked = 0
    for name, data in columns.items():
        if data.external or data.is_virtual:
            raise ValueError(f"{path} keeps {name} in other files; give a file with all its events")
        filters = _list_filters(path, name, data)
        stored = min(data.id.get_storage_size(), length)
        packed, unpacked = packed + stored, unpacked + data.nbytes
        if not filters and data.nbytes > stored:
            raise DamagedFile(path, f"has {len(data)} events by the shape of {name}, but only {stored} bytes of them")
        if data.chunks:
            _refuse_missing(path, name, data)
    refuse_decompression_bombs(path, ", ".join(columns), packed, unpacked)
    for name, data in columns.items():
        if data.chunks and _GZIP in _list_filters(path, name, data):
            _refuse_overfull(path, name, data, length)


def _refuse_missing(path: Path, name: str, data: Any) -> None:
    needed = prod(-(-size // step) for size, step in zip(data.shape, data.chunks, strict=True))
    if prod(data.chunks) * data.dtype.itemsize > _LARGEST_CHUNK or data.id.get_num_chunks() < needed:
        fact = f"has chunks of {prod(data.chunks)} values in {name}, and not all that its shape needs"
        raise DamagedFile(path, fact)


def _list_filters(path: Path, name: str, data: Any) -> list[int]:
    """The numbers of the filters a dataset passed through.

    Raises ValueError for one that is not installed, DamagedFile for data that were packed twice.
    """
    from h5py import h5z

    plan = data.id.get_create_plist()
    codes = [int(plan.get_filter(index)[0]) for index in range(plan.get_nfilters())]
    for code in codes:
        if not h5z.filter_avail(code):
            plugin = _PLUGINS.get(code, "the plugin of that number")
            raise ValueError(f"{path} has {name} compressed by the HDF5 filter {code}; install {plugin}")
    if sum(code not in _ARRANGE for code in codes) > 1:
        raise DamagedFile(path, f"has {name} compressed more than once, by the HDF5 filters {codes}")
    return codes


def _refuse_overfull(path: Path, name: str, data: Any, length: int) -> None:
    """Raise DamagedFile for a chunk that gzip unpacks to more than a chunk's size."""
    whole = prod(data.chunks) * data.dtype.itemsize

    def inspect(chunk: Any) -> None:
        if chunk.size > min(length, 2 * whole + _STEP):
            raise DamagedFile(path, f"has a chunk of {chunk.size:,} bytes in {name}, where {whole:,} are unpacked")
        if chunk.size * _MOST_OF_GZIP > ALWAYS_ALLOWED and not chunk.filter_mask:
            _, raw = data.id.read_direct_chunk(chunk.chunk_offset)
            if _exceeds(raw, whole):
                raise DamagedFile(path, f"has a chunk in {name} that unpacks to more than its {whole:,} bytes")

    data.id.chunk_iter(inspect)


def _exceeds(packed: bytes, most: int) -> bool:
    """Whether what zlib packed is larger than ``most`` bytes; no more than a step is unpacked at once.

    >>> _exceeds(zlib.compress(bytes(100)), 99), _exceeds(zlib.compress(bytes(100)), 100)
    (True, False)
    """
    unpacker = zlib.decompressobj()
    count = 0
    while packed and not unpacker.eof and count <= most:
        count += len(unpacker.decompress(packed, _STEP))
        packed = unpacker.unconsumed_tail
    return count > most
