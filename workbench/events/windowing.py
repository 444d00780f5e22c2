"""Long recordings cut into windows, block by block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np

from workbench.events.event_arrays import Events

FULL_WINDOW = 0.9  # share of a window that the last slice must cover to stand alone


def cut_windows(blocks: Iterable[Events], window_us: int, running: bool = False) -> Iterator[Events]:
    """The windows of a recording one after another, each with its own time from 0.

    The recording begins at its clock's 0, or at its first event where the clock was ``running`` before. What is left
    over after the last window stays with it as late events, unless it covers nine tenths of a window and is one
    itself; what comes before 0 stays with the first. Windows without events are left out. Memory: two windows and a
    block.

    >>> import numpy as np
    >>> events = np.array([(0, 0, t, True) for t in (10, 110, 190, 215)], dtype=[*zip("xytp", ("i2", "i2", "i8", "?"))])
    >>> [one["t"].tolist() for one in cut_windows([events], 100)]
    [[10], [10, 90, 115]]
    """
    before: tuple[int, list[Events]] | None = None  # a whole window; what follows it may belong to it
    now: tuple[int, list[Events]] | None = None
    for number, part in _runs(blocks, window_us, running):
        if now is None or now[0] != number:
            if before is not None:
                yield _join(before, window_us)
            before, now = now, (number, [])
        now[1].append(part)
    if now is None:
        return
    if before is not None:
        if now[0] == before[0] + 1 and now[1][-1]["t"][-1] + 1 < (now[0] + FULL_WINDOW) * window_us:
            now = (before[0], before[1] + now[1])
        else:
            yield _join(before, window_us)
    yield _join(now, window_us)


def _runs(blocks: Iterable[Events], window_us: int, running: bool) -> Iterator[tuple[int, Events]]:
    """The number of a window and some events in it, counted from the recording's beginning."""
    origin = None if running else 0
    for block in blocks:
        if len(block) == 0:
            continue
        if origin is None:
            origin = int(block["t"][0])
        timed = block.copy()
        timed["t"] -= origin
        number = np.maximum(timed["t"] // window_us, 0)
        for begin, end in pairwise([0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(timed)]):
            yield int(number[begin]), timed[begin:end]


def _join(window: tuple[int, list[Events]], window_us: int) -> Events:
    number, parts = window
    events = np.concatenate(parts)
    events["t"] -= number * window_us
    return events
