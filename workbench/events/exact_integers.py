"""Numbers of events as integers: exactly, or not at all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_LARGEST = 2.0**63
_CURE = "give whole numbers (of microseconds, of pixels)"
LARGEST_EXACT_COUNT = 1 << 24
"""Up to here float32, in which events are counted, has every whole number."""


def find_inexact(values: NDArray[Any]) -> tuple[int, str] | None:
    """The first value that is no whole number of 64 bits, and why; None where all are.

    >>> find_inexact(np.array([1.0, 2.5])), find_inexact(np.array([1, 2**63], dtype=np.uint64))
    ((1, 'not a whole number'), (1, 'beyond 64 bits'))
    """
    if values.dtype.kind == "f":
        with np.errstate(all="ignore"):
            values = values.astype(np.float64)
        wrong, fact = ~np.isfinite(values), "not a finite number"
        if not wrong.any():
            wrong, fact = values != np.floor(values), "not a whole number"
        if not wrong.any():
            wrong, fact = (values >= _LARGEST) | (values < -_LARGEST), "beyond 64 bits"
    else:
        wrong, fact = values > np.iinfo(np.int64).max, "beyond 64 bits"
    return (int(wrong.argmax()), fact) if wrong.any() else None


def to_integers(values: NDArray[Any], field: str, owner: str) -> NDArray[np.int64]:
    """The values of a field as int64; ValueError, naming owner and event, unless that is what they are.

    >>> to_integers(np.array([250.0, np.nan]), "t", "recording 0")
    Traceback (most recent call last):
    ValueError: recording 0: event 1 has t = nan, not a finite number; give whole numbers (of microseconds, of pixels)
    """
    if values.dtype.kind not in "biuf":
        raise ValueError(
            f"{owner}: the field {field} is {values.dtype}; give whole numbers (of microseconds, of pixels)"
        )
    found = find_inexact(values)
    if found is not None:
        event, fact = found
        raise ValueError(f"{owner}: event {event} has {field} = {values[event]}, {fact}; {_CURE}")
    return values.astype(np.int64)


def require_countable(most: float, owner: str) -> None:
    """ValueError where the most events in one step and place reach what float32 counts exactly.

    A sum of ones in float32 stops there, so that more cannot be distinguished from it.
    """
    if most >= LARGEST_EXACT_COUNT:
        raise ValueError(
            f"{owner} holds {LARGEST_EXACT_COUNT:,} events or more in one step and place, which float32 does not count"
            " exactly; cut the time finer, by more frames or ticks_per_frame"
        )
