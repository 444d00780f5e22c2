"""Events in bins of time: where each tick begins and ends, what a clip leaves out, and how many events are where."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.events.exact_integers import LARGEST_EXACT_COUNT, require_countable
from workbench.validation import require_whole


class Located(NamedTuple):
    """The sites of events, one recording after the other, and the bounds of every step in them (batch, steps + 1)."""

    site: NDArray[np.int32]
    bounds: NDArray[np.int64]


Parts = Sequence[tuple[NDArray[np.int32], NDArray[np.int32]]]  # time_us and site of the events of each recording


class Bins(NamedTuple):
    """Frames of so many ticks that cover a window, and how many events of a place and tick are counted at most."""

    frames: int
    ticks_per_frame: int
    window_us: int
    clip: int | None
    shape: tuple[int, ...]

    def locate(self, parts: Parts, ticks: int, first: int, last: int) -> Located:
        """The events in the steps first .. last - 1, of which a frame has so many `ticks`.

        What a clip leaves out is left out of its own ticks, of which a frame is the sum.
        """
        if self.clip is None:
            return locate_events(parts, first, last, self.frames * ticks, self.window_us)
        finer, steps = self.ticks_per_frame // ticks, self.frames * self.ticks_per_frame
        located = locate_events(parts, first * finer, last * finer, steps, self.window_us)
        site, bounds = clip_events(located, self.clip, self.shape)
        return Located(site, np.ascontiguousarray(bounds[:, ::finer]))


def locate_events(parts: Parts, first: int, last: int, steps: int, window_us: int) -> Located:
    """The events of recordings in the steps first .. last - 1 of all that cover the window."""
    begins_us = -(-np.arange(first, max(first, last) + 1) * window_us // steps)
    begins_us = np.minimum(begins_us, np.iinfo(np.int32).max).astype(np.int32)
    bounds = np.empty((len(parts), len(begins_us)), np.int64)
    sites = [np.zeros(0, np.int32)]
    for row, (time_us, site) in enumerate(parts):
        inside = np.searchsorted(time_us, begins_us)
        sites.append(site[inside[0] : inside[-1]])
        bounds[row] = inside - inside[0]
    bounds += np.cumsum([len(site) for site in sites[:-1]], dtype=np.int64)[:, None]
    return Located(np.concatenate(sites), bounds)


def clip_events(events: Located, clip: int, shape: tuple[int, ...]) -> Located:
    """The first `clip` events of every place and step, in their order.

    >>> clipped = clip_events(Located(np.array([1, 1, 0, 1, 1, 1]), np.array([[0, 4, 6]])), 2, (2,))
    >>> clipped.site.tolist(), clipped.bounds.tolist()
    ([1, 1, 0, 1, 1], [[0, 3, 5]])
    """
    site, bounds = events
    batch, steps = len(bounds), bounds.shape[1] - 1
    step = np.repeat(np.arange(batch * steps), np.diff(bounds).ravel())
    place = step * prod(shape) + site
    order = np.argsort(place, kind="stable")  # events of one place and step side by side, in order of time
    first = np.flatnonzero(np.diff(place[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(first, np.diff(first, append=len(order)))
    kept = np.ones(len(site), dtype=bool)
    kept[order[rank >= clip]] = False
    before = np.concatenate([[0], np.cumsum(kept)])
    return Located(site[kept], before[bounds])


def count_events(events: Located, shape: tuple[int, ...], names: Sequence[str]) -> NDArray[np.float32]:
    """Events per step and place, float32 (steps, batch, *shape); ValueError where float32 does not hold them."""
    site, bounds = events
    batch, steps, sites = len(bounds), bounds.shape[1] - 1, prod(shape)
    counts = np.zeros(steps * batch * sites, dtype=np.float32)
    for row, inside in enumerate(bounds):
        place = np.repeat((np.arange(steps) * batch + row) * sites, np.diff(inside))
        place += site[inside[0] : inside[-1]]
        np.add.at(counts, place, np.float32(1))
        if len(place) >= LARGEST_EXACT_COUNT:
            require_countable(counts.max(), names[row])
    return counts.reshape(steps, batch, *shape)


def require_clip(clip: Any, owner: str) -> int | None:
    """The clip as a whole number; None where there is none. ValueError for anything else.

    >>> require_clip(0, "recordings")
    Traceback (most recent call last):
    ValueError: recordings: clip=0 must be a whole number of at least 1
    """
    return None if clip is None else require_whole(f"{owner}: clip", clip, floats=True)


def require_own_ticks(clip: int | None, own: int, asked: int, owner: str) -> None:
    """ValueError where ticks of another length are asked of clipped recordings; frames, which are sums, may be."""
    if clip is not None and asked not in (1, own):
        raise ValueError(
            f"{owner}: ticks_per_frame={asked} is asked, but at most {clip} {'event' if clip == 1 else 'events'} of a "
            f"place and tick are counted, and a clip is per tick, of which a frame has {own}; ask for these {own}, for "
            f"frames, their sums, or take recordings.rebin(ticks_per_frame={asked}), which clips anew"
        )


def describe_clipped(events: int, clip: int | None) -> str:
    """How many events a clip leaves out, in a line of its own; nothing without one.

    >>> describe_clipped(1_200, 1).strip(), describe_clipped(1, 2).strip()
    ('at most 1 event of a place and tick is counted: 1,200 events are left out', \
'at most 2 events of a place and tick are counted: 1 event is left out')
    """
    if clip is None:
        return ""
    most = "1 event of a place and tick is" if clip == 1 else f"{clip:,} events of a place and tick are"
    return f"\n  at most {most} counted: {events:,} {'event is' if events == 1 else 'events are'} left out"


def describe_unbinned(events: int, where: str) -> str:
    """That so many events lie outside the window or windows.

    >>> describe_unbinned(1, "the window"), describe_unbinned(2_000, "the windows")
    ('1 event lies outside the window and is not binned', '2,000 events lie outside the windows and are not binned')
    """
    words = ("event lies", "is") if events == 1 else ("events lie", "are")
    return f"{events:,} {words[0]} outside {where} and {words[1]} not binned"
