"""Recordings on their way to another process: what is mapped from a file is mapped there again, and not copied."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import cloudpickle
import numpy as np
from numpy.typing import NDArray

from workbench.events import PiecedColumn, Recordings


@dataclass(frozen=True)
class MappedArray:
    """An array whose numbers lie in a file, from byte `offset` on."""

    path: str
    offset: int
    kind: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def open(self) -> NDArray[Any]:
        """The array, mapped from the file."""
        mapped = np.memmap(self.path, np.uint8, mode="r")
        return np.ndarray(self.shape, np.dtype(self.kind), mapped, self.offset, self.strides)


@dataclass(frozen=True)
class LateSources:
    """Arrays that are read from their files when they are asked for, packed with the functions that read them."""

    packed: bytes

    def open(self) -> Any:
        """The arrays, to be read by this process."""
        return cloudpickle.loads(self.packed)


@dataclass(frozen=True)
class SentRecordings:
    """The fields of recordings, arrays that are mapped from files by their places there."""

    values: dict[str, Any]

    def unpack(self) -> Recordings:
        """The recordings, checked anew."""
        return Recordings(**{name: _open(one) for name, one in self.values.items()})


def pack(recordings: Recordings) -> SentRecordings:
    """What is sent of recordings."""
    values = {field.name: getattr(recordings, field.name) for field in fields(recordings)}
    return SentRecordings({name: _locate_all(one) for name, one in values.items()})


def _locate_all(value: Any) -> Any:
    """What is sent of a field: of a column in pieces the places of them all."""
    if isinstance(value, PiecedColumn):
        sources: Any = LateSources(cloudpickle.dumps(value.sources)) if value.is_late else map(_locate, value.sources)
        return replace(value, sources=sources if value.is_late else tuple(sources))
    return _locate(value) if isinstance(value, np.ndarray) else value


def _open(value: Any) -> Any:
    """What a field is in the process that got it."""
    if isinstance(value, PiecedColumn):
        sources: Any = value.sources
        late = isinstance(sources, LateSources)
        return replace(value, sources=sources.open() if late else tuple(map(_open, sources)))
    return value.open() if isinstance(value, MappedArray) else value


def _locate(array: NDArray[Any]) -> NDArray[Any] | MappedArray:
    """Where in a file an array lies, if it does; else the array."""
    root: Any = array
    while not isinstance(root, np.memmap) or isinstance(root.base, np.memmap):
        root = getattr(root, "base", None)
        if root is None:
            return array
    offset = root.offset + array.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    return MappedArray(str(root.filename), offset, array.dtype.str, array.shape, array.strides)
