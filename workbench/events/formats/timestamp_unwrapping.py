"""Counters of few bits that wrap around, unwrapped into times that go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass
class TimestampUnwrapper:
    """A counter of ``bits`` bits, unwrapped from block to block.

    A step back of half its range or more is a wrap-around; a smaller one is left as it is.

    >>> counter = TimestampUnwrapper(bits=4)
    >>> counter.unwrap(np.array([3, 15, 2])).tolist(), counter.unwrap(np.array([1, 9, 0])).tolist()
    ([3, 15, 18], [17, 25, 32])
    """

    bits: int
    last: int | None = None
    turns: int = 0

    def unwrap(self, counts: NDArray[Any]) -> NDArray[np.int64]:
        """The counts with all wrap-arounds so far added."""
        values = counts.astype(np.int64)
        if len(values) == 0:
            return values
        before = np.concatenate([[values[0] if self.last is None else self.last], values[:-1]])
        turns = self.turns + np.cumsum(before - values >= 1 << (self.bits - 1))
        self.last, self.turns = int(values[-1]), int(turns[-1])
        return values + (turns << self.bits)


def forward_fill(here: NDArray[np.bool_], values: NDArray[Any], before: int) -> NDArray[np.int64]:
    """At every position the value where ``here`` was last true, ``before`` until it first is.

    >>> forward_fill(np.array([False, True, False, True]), np.array([7, 5, 9, 2]), -1).tolist()
    [-1, 5, 5, 2]
    """
    index = np.maximum.accumulate(np.where(here, np.arange(len(here)), -1))
    return np.where(index < 0, before, values.astype(np.int64)[index])
