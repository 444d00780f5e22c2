"""Columns of numbers taken for events: whole, finite and of the size that events can have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.events.exact_integers import find_inexact
from workbench.events.formats.errors import CURE, DamagedFile
from workbench.events.formats.event_blocks import Block


def refuse_other_types(path: Path, field: str, dtype: np.dtype[Any]) -> None:
    """Raise ValueError for columns that hold no numbers."""
    if dtype.kind not in "biuf":
        raise ValueError(f"{path} has {field} of {dtype}; give the fields x, y, t, p as whole numbers")


def require_integers(
    path: Path, field: str, values: NDArray[Any], first: int, unit: str = "event", cure: str = CURE
) -> NDArray[np.int64]:
    """The values as int64, event (or line, as ``unit`` says) ``first`` being the first of them.

    Raises DamagedFile for one that is not finite, not whole or beyond int64.

    >>> require_integers(Path("one.npy"), "x", np.array([1.0, 2.5]), 0)
    Traceback (most recent call last):
    workbench.events.formats.errors.DamagedFile: one.npy has x = 2.5 at event 1, not a whole number; get the file \
again, or take it out
    """
    found = find_inexact(values)
    if found is not None:
        bad, fact = found
        raise DamagedFile(path, f"has {field} = {values[bad]} at {unit} {first + bad}, {fact}", None, cure)
    return values.astype(np.int64)


def make_block(
    path: Path,
    columns: dict[str, NDArray[Any]],
    first: int,
    offset_us: int = 0,
    unit: str = "event",
) -> Block:
    """A block of the columns x, y, t (whole us) and p (0 and 1, or -1 and 1), event or line ``first`` being its first.

    Raises DamagedFile as ``require_integers`` does, and for another polarity.
    """
    x, y, p = (require_integers(path, field, columns[field], first, unit) for field in "xyp")
    t = columns["t"]
    odd = (p < -1) | (p > 1)
    if odd.any():
        bad = int(odd.argmax())
        raise DamagedFile(path, f"has p = {p[bad]} at {unit} {first + bad}, not 0 or 1 (or -1 and 1)")
    late = t > np.iinfo(np.int64).max - max(offset_us, 0)
    if late.any():
        bad = int(late.argmax())
        raise DamagedFile(path, f"has t = {t[bad]} + {offset_us} at {unit} {first + bad}, beyond 64 bits")
    return Block(x, y, t + offset_us, p > 0, first + np.arange(len(t), dtype=np.int64), unit)
