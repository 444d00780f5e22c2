"""Recordings of any length binned into ticks block by block, for a model that is fed as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod

import numpy as np
from numpy.typing import NDArray

from workbench.events.event_arrays import Events, flatten
from workbench.events.exact_integers import LARGEST_EXACT_COUNT, require_countable, to_integers
from workbench.validation import require_whole


def stream_ticks(
    events: Iterable[Events], shape: tuple[int, ...], tick_us: int, ticks: int = 64
) -> Iterator[NDArray[np.float32]]:
    """Count events per tick: blocks (ticks, 1, *shape) one after another, the last one shorter; silence is in them too.

    ``events`` are arrays in order of time, such as `wb.formats.stream` reads from a file; the first tick begins at time
    0, tick s holds the times ``s * tick_us`` up to the next. Memory: one block and one array, however long the
    recording. Raises ValueError for events outside ``shape``, before time 0, not in order or in no whole numbers, and
    for more events in one tick and place than float32 counts exactly.

    >>> import numpy as np
    >>> some = np.array([(0, 0, t, True) for t in (5, 7, 31)], dtype=[*zip("xytp", ("i2", "i2", "i8", "?"))])
    >>> [block[:, 0, 1, 0, 0].tolist() for block in stream_ticks([some], (2, 1, 1), tick_us=10, ticks=3)]
    [[2.0, 0.0, 0.0], [1.0]]
    """
    tick_us = require_whole("stream_ticks: tick_us", tick_us, floats=True)
    ticks = require_whole("stream_ticks: ticks", ticks, floats=True)
    sites, now, last, counted = prod(shape), 0, -1, 0
    counts = np.zeros((ticks, sites), dtype=np.float32)
    for some in events:
        tick, site = _to_ticks(some, shape, tick_us)
        if len(tick) and (tick[0] < max(last, 0) or (np.diff(tick) < 0).any()):
            raise ValueError(
                f"stream_ticks: time runs backwards to tick {tick.min()}; give events in order from time 0"
            )
        while len(tick):
            inside = int(np.searchsorted(tick, (now + 1) * ticks))
            np.add.at(counts, (tick[:inside] - now * ticks, site[:inside]), np.float32(1))
            last, counted = int(tick[inside - 1]) if inside else last, counted + inside
            if counted >= LARGEST_EXACT_COUNT:
                require_countable(counts.max(), "stream_ticks: a block")
            tick, site = tick[inside:], site[inside:]
            if len(tick):
                yield counts.reshape(ticks, 1, *shape)
                now, counts, counted = now + 1, np.zeros_like(counts), 0
    if last >= 0:
        yield counts[: last - now * ticks + 1].reshape(-1, 1, *shape)


def _to_ticks(events: Events, shape: tuple[int, ...], tick_us: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Tick and flat site of every event; their times may be those of days."""
    time = to_integers(events["t"], "t", "stream_ticks")
    early = events.copy()
    early["t"] = 0
    _, site = flatten(early, shape, "stream_ticks")
    return time // tick_us, site
