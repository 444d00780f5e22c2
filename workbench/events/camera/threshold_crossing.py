"""When levels that move on a straight line between two images cross their thresholds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Fired = tuple[Integers, Integers, Integers]
"""Pixel, time in microseconds and polarity (1: ON) of events, in no order."""

NO_EVENTS: Fired = (np.zeros(0, dtype=np.int64),) * 3

_TOLERANCE = 1e-9  # a change that equals the threshold up to rounding crosses it


def find_crossings(
    before: Floats, after: Floats, times_us: tuple[float, float], reference: Floats, thresholds: tuple[Floats, Floats]
) -> tuple[Fired, Floats]:
    """Every crossing of levels (recording * pixel) on their way from before to after, and the new reference.

    A pixel fires whenever its level is another threshold (ON: up, OFF: down, one a pixel) from its reference,
    which then moves there: the k-th time at ``t0 + (t1 - t0) * (reference ± k * threshold - before) / (after -
    before)``, rounded to microseconds.
    Source: Rebecq et al. 2018 (ESIM).

    >>> import numpy as np
    >>> start, end, threshold = np.array([0.0]), np.array([-0.5]), np.array([0.25])
    >>> fired, reference = find_crossings(start, end, (0, 1000), start, (threshold, threshold))
    >>> [part.tolist() for part in fired], reference.tolist()
    ([[0, 0], [500, 1000], [0, 0]], [-0.5])
    """
    begin, end = times_us
    change = after - reference
    reference = reference.copy()
    found = []
    for sign, threshold in zip((1, -1), thresholds, strict=True):
        hit = np.flatnonzero((sign * change).reshape(-1, len(threshold)) > threshold - _TOLERANCE)
        size = threshold[hit % len(threshold)]
        count = np.maximum(1, (sign * change[hit] / size + _TOLERANCE).astype(np.int64))
        rank = 1 + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        where = np.repeat(np.arange(len(hit)), count)
        pixel = hit[where]
        level = reference[pixel] + sign * rank * size[where]
        share = np.clip((level - before[pixel]) / (after[pixel] - before[pixel]), 0, 1)
        time = np.rint(begin + share * (end - begin)).astype(np.int64)
        found.append((pixel, time, np.full(len(pixel), sign == 1, dtype=np.int64)))
        reference[hit] += sign * count * size
    return concatenate(found), reference


def concatenate(parts: list[Fired]) -> Fired:
    """Several groups of events, one after the other."""
    pixel, time, on = (np.concatenate(same) for same in zip(*parts, strict=True))
    return pixel, time, on
