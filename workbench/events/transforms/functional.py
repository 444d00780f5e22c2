"""Plain functions of the events of one recording, sorted by time before and after."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.events.event_arrays import Events, Sensor

Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

_NEIGHBOURS = [(row, column) for row in (-1, 0, 1) for column in (-1, 0, 1) if (row, column) != (0, 0)]


def require_valid_events(events: Events, sensor: Sensor, owner: str) -> None:
    """Refuse, with ValueError, events that lack a field, leave the sensor (height, width) or are not in order."""
    missing = set("xytp") - set(events.dtype.names or ())
    if missing:
        raise ValueError(f"{owner}: no field {', '.join(sorted(missing))}; give the fields x, y, t, p")
    for field, size in zip("yx", sensor, strict=True):
        outside = (events[field] < 0) | (events[field] >= size)
        if outside.any():
            first = int(outside.argmax())
            raise ValueError(
                f"{owner}: event {first} has {field} = {events[field][first]}, outside 0 to {size - 1} of the"
                f" sensor {sensor}; mend the sensor (height, width)"
            )
    if (events["t"][1:] < events["t"][:-1]).any():
        raise ValueError(f"{owner}: time runs backwards; sort the events by time")


def flat_pixels(events: Events, width: int) -> Integers:
    """Flat pixel of every event, ``y * width + x``, whatever its polarity.

    >>> import numpy as np
    >>> flat_pixels(np.array([(1, 2, 0, True)], dtype=[*zip("xytp", ("i2", "i2", "i8", "?"))]), width=10).tolist()
    [21]
    """
    flat: Integers = events["y"].astype(np.int64) * width + events["x"]
    return flat


def move(events: Events, x: Integers, y: Integers, sensor: Sensor) -> Events:
    """The events moved to columns ``x`` and rows ``y``, without those that leave the sensor (height, width)."""
    height, width = sensor
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    moved = events[inside]
    moved["x"], moved["y"] = x[inside], y[inside]
    return moved


def shift(events: Events, right: int, down: int, sensor: Sensor) -> Events:
    """The events moved by whole pixels, without those that leave the sensor (height, width)."""
    return move(events, events["x"].astype(np.int64) + right, events["y"].astype(np.int64) + down, sensor)


def is_past_refractory(site: NDArray[Any], time: NDArray[Any], microseconds: int) -> Mask:
    """Which events come after the refractory period, in ``microseconds``, of the last kept event of their site.

    An event is kept if ``t - t_kept >= microseconds`` since the last kept event of its site, whatever lies
    between; events are given in order of time. Each event links to the next one that could be kept after it; the
    chains of kept events are followed by pointer doubling, in a logarithmic number of steps.

    >>> import numpy as np
    >>> is_past_refractory(np.zeros(5, dtype=int), np.array([0, 60, 100, 150, 210]), 100).tolist()
    [True, False, True, False, True]
    """
    if microseconds <= 0:
        return np.ones(len(site), dtype=np.bool_)
    key, order, _, window = _sort_keys(site, time, microseconds)
    after = np.append(np.searchsorted(key, key + window), len(key))
    kept = np.zeros(len(after), dtype=np.bool_)
    kept[0] = True
    while not kept[-1]:
        kept[after[kept]] = True
        after = after[after]
    mask = np.empty(len(key), dtype=np.bool_)
    mask[order] = kept[:-1]
    return mask


def has_recent_neighbour(events: Events, sensor: Sensor, microseconds: int) -> Mask:
    """Which events have one of their 8 neighbours fire at most ``microseconds`` before them, or at the same time.

    The pixel itself does not count, nor does polarity.

    >>> import numpy as np
    >>> rows = [(1, 1, 0, True), (2, 2, 50, True), (2, 2, 60, True), (2, 2, 151, True)]
    >>> events = np.array(rows, dtype=[*zip("xytp", ("i2", "i2", "i8", "?"))])
    >>> has_recent_neighbour(events, (4, 4), 100).tolist()
    [False, True, True, False]
    """
    width = sensor[1] + 1  # a column that never fires, so that no neighbour is beyond an edge
    key, order, stride, window = _sort_keys(flat_pixels(events, width), events["t"], microseconds)
    found = np.zeros(len(key), dtype=np.bool_)
    for row, column in _NEIGHBOURS:
        there = key + (row * width + column) * stride
        latest = np.searchsorted(key, there, side="right") - 1
        found |= (latest >= 0) & (key[latest] >= there - window)
    mask = np.empty(len(key), dtype=np.bool_)
    mask[order] = found
    return mask


def is_hot_pixel(events: Events, sensor: Sensor, above_hz: float) -> Mask:
    """Which events are of pixels that fire more often than ``above_hz`` from the first to the last event.

    A pixel that fires once has no rate and is never hot.

    >>> import numpy as np
    >>> burst = [(0, 0, 0, True), (1, 0, 5, True), (0, 0, 10, False), (0, 0, 500_000, True)]
    >>> is_hot_pixel(np.array(burst, dtype=[*zip("xytp", ("i2", "i2", "i8", "?"))]), (2, 2), above_hz=5).tolist()
    [True, False, True, True]
    """
    pixel = flat_pixels(events, sensor[1])
    most = above_hz * np.ptp(events["t"]) * 1e-6 if len(events) else 0
    mask: Mask = np.bincount(pixel)[pixel] > max(1, most)
    return mask


def _sort_keys(site: NDArray[Any], time: NDArray[Any], microseconds: int) -> tuple[Integers, Integers, int, int]:
    """Events by site, then time, each as one number; their order; how far sites are apart; the window.

    No window need be longer than the recording, and none reaches from a site to another.
    """
    if len(time) == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), 1, 1
    first = int(time.min())
    span = int(time.max()) - first + 1
    window = min(int(microseconds), span)
    stride = span + window
    key = site.astype(np.int64) * stride + (time.astype(np.int64) - first)
    order = np.argsort(key, kind="stable")
    return key[order], order, stride, window
