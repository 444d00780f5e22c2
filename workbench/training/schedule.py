"""The schedule of the learning rate: one cycle."""

from __future__ import annotations

import math


def learning_rate_at(done: float, peak: float) -> float:
    """One cycle: a linear rise over the first tenth, then a cosine down to zero; `done` is the fraction of training.

    >>> [round(learning_rate_at(done, 1.0), 3) for done in (0.0, 0.05, 0.1, 0.55, 1.0)]
    [0.1, 0.55, 1.0, 0.5, 0.0]
    """
    if done < 0.1:
        return peak * (0.1 + 9 * done)
    return peak * (1 + math.cos(math.pi * (done - 0.1) / 0.9)) / 2
