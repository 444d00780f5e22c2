"""Files of records of one size, read a few at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.events.formats.errors import DamagedFile


def read_records(path: Path, start: int, size: int, count: int, what: str = "an event") -> Iterator[tuple[int, bytes]]:
    """The records of ``size`` bytes from byte ``start`` on, at most ``count`` at a time, with their first byte.

    Raises DamagedFile when the file ends within one.
    """
    length = path.stat().st_size
    whole = length - (length - start) % size
    if whole != length:
        raise DamagedFile(path, f"ends within {what}, at byte {whole} ({length} bytes, {size} {what})", whole)
    with path.open("rb") as file:
        file.seek(start)
        for offset in range(start, whole, size * count):
            raw = file.read(min(size * count, whole - offset))
            yield offset, raw[: len(raw) - len(raw) % size]


def record_offsets(offset: int, size: int, count: int) -> NDArray[np.int64]:
    """The bytes at which ``count`` records of ``size`` bytes begin.

    >>> record_offsets(10, 8, 3).tolist()
    [10, 18, 26]
    """
    return offset + size * np.arange(count, dtype=np.int64)
