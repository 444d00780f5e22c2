"""A column of events that lie in pieces of several arrays, mapped files above all, and are not copied together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

Parts = list[tuple[int, int]]  # where each begins and ends


@dataclass(frozen=True, eq=False, repr=False)
class PiecedColumn(NDArrayOperatorsMixin):
    """Read-only numbers in a row: piece i is the part of `sources[source[i]]` that begins at `begins[i]`.

    In the row it begins at `bounds[i]` and ends at `bounds[i + 1]`. A slice is an array, a view where it lies in one
    piece; numpy takes the column for the array that all pieces make together.

    >>> column = PiecedColumn.join([np.arange(5), np.arange(10, 15)])
    >>> column[3:7].tolist(), column.select([(8, 10), (0, 2)])[:].tolist(), len(column), int(np.max(column))
    ([3, 4, 10, 11], [13, 14, 0, 1], 10, 14)
    """

    sources: Sequence[NDArray[Any]]
    source: NDArray[np.int64]
    begins: NDArray[np.int64]
    bounds: NDArray[np.int64]

    @classmethod
    def join(cls, sources: list[NDArray[Any]]) -> PiecedColumn:
        """The column of whole arrays, one after the other."""
        plain = tuple(source.view(np.ndarray) for source in sources)  # which are cut faster than maps of memory
        count = len(plain)
        return cls(plain, np.arange(count), np.zeros(count, np.int64), np.cumsum([0, *map(len, plain)]))

    @classmethod
    def of(cls, values: NDArray[Any] | PiecedColumn) -> PiecedColumn:
        """The column of an array; one that is a column already stays."""
        return values if isinstance(values, PiecedColumn) else cls.join([values])

    def __len__(self) -> int:
        return int(self.bounds[-1])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers."""
        known: np.dtype[Any] = self.sources.dtype if self.is_late else self.sources[0].dtype  # type: ignore[attr-defined]
        return known

    @property
    def is_late(self) -> bool:
        """Whether sources are read from files whenever they are asked for."""
        return getattr(self.sources, "is_late", False)

    @property
    def shape(self) -> tuple[int]:
        """How many there are."""
        return (len(self),)

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, slice):
            return np.asarray(self)[index]
        begin, end, step = index.indices(len(self))
        if step != 1:
            return np.asarray(self)[index]
        found = [self.sources[source][first:last] for source, first, last in self._locate(begin, max(begin, end))]
        return found[0] if len(found) == 1 else np.concatenate([np.zeros(0, self.dtype), *found])

    def select(self, parts: Parts) -> PiecedColumn:
        """The column of some parts of this one, in their order; no number is read."""
        found = [piece for begin, end in parts for piece in self._locate(begin, end)]
        source, begins, ends = np.array(found, dtype=np.int64).reshape(-1, 3).T
        return PiecedColumn(self.sources, source, begins, np.concatenate([[0], np.cumsum(ends - begins)]))

    def _locate(self, begin: int, end: int) -> list[tuple[int, int, int]]:
        """The pieces of a part: source, and where in it they begin and end."""
        found = []
        piece = int(np.searchsorted(self.bounds, begin, side="right")) - 1
        while begin < end:
            here = min(end, int(self.bounds[piece + 1]))
            offset = int(self.begins[piece] - self.bounds[piece])
            if begin < here:
                found.append((int(self.source[piece]), begin + offset, here + offset))
            begin, piece = max(begin, here), piece + 1
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        whole = self[:]
        return np.array(whole, dtype=dtype, copy=copy) if copy or dtype is not None else whole

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        given = [np.asarray(each) if isinstance(each, PiecedColumn) else each for each in inputs]
        return getattr(ufunc, method)(*given, **options)

    def __repr__(self) -> str:
        return f"PiecedColumn({len(self):,} numbers of {self.dtype} in {len(self.begins):,} pieces)"


def select_parts(column: NDArray[Any] | PiecedColumn, parts: Parts) -> Any:
    """Some parts of a column, in their order: of what is mapped from files a column that reads nothing, else a copy.

    >>> select_parts(np.arange(9), [(7, 9), (0, 2)]).tolist()
    [7, 8, 0, 1]
    """
    if isinstance(column, np.memmap | PiecedColumn):
        return PiecedColumn.of(column).select(parts)
    return np.concatenate([column[:0], *(column[begin:end] for begin, end in parts)])
