"""Events of several recordings side by side, as flat columns: what can be done to all of them at once is quick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.events.event_arrays import Numbers


@dataclass(frozen=True, eq=False)
class EventBatch:
    """Recording i holds the events starts[i] .. starts[i + 1] - 1 of times (microseconds, rising) and flat sites.

    >>> batch = EventBatch.join([(np.array([1, 2], np.int32), np.array([7, 8], np.int32))] * 2)
    >>> batch.keep(np.array([True, False, True, True])).starts.tolist()
    [0, 1, 3]
    """

    time_us: Numbers
    site: Numbers
    starts: NDArray[np.int64]

    @classmethod
    def join(cls, recordings: Sequence[tuple[Numbers, Numbers]]) -> EventBatch:
        """The times and sites of recordings, one after the other."""
        none = np.zeros(0, np.int32)
        time_us, site = (np.concatenate([none, *(one[i] for one in recordings)]) for i in range(2))
        return cls(time_us, site, np.cumsum([0, *(len(time) for time, _ in recordings)]))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, recording: int) -> tuple[Numbers, Numbers]:
        """Times and sites of one recording."""
        part = slice(self.starts[recording], self.starts[recording + 1])
        return self.time_us[part], self.site[part]

    def keep(self, mask: NDArray[np.bool_], site: Numbers | None = None) -> EventBatch:
        """Only these events, at other sites where they are given for all."""
        places = np.flatnonzero(mask)  # which takes once what a mask takes for every column
        sites = self.site if site is None else site
        return EventBatch(self.time_us.take(places), sites.take(places), np.searchsorted(places, self.starts))

    def per_event(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of recordings, given to each of their events."""
        return values.repeat(np.diff(self.starts))
