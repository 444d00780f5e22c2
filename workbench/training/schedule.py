"""Schedules: the learning rate over a training, as a share of its peak."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

Schedule = Callable[[float], float]
"""The share of the peak, when this fraction of the training is done."""

WARM_UP = 0.1  # of the training


def _one_cycle(done: float) -> float:
    return 0.1 + 9 * done if done < WARM_UP else _cosine((done - WARM_UP) / (1 - WARM_UP))


def _cosine(done: float) -> float:
    return (1 + math.cos(math.pi * done)) / 2


def _linear(done: float) -> float:
    return 1 - done


def _constant(done: float) -> float:
    return 1.0


def _step(done: float) -> float:
    return 1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01


SCHEDULES: Mapping[str, Schedule] = MappingProxyType(
    {"one_cycle": _one_cycle, "cosine": _cosine, "linear": _linear, "constant": _constant, "step": _step}
)
"""By name: one cycle (a linear rise over the first tenth, then a cosine down to zero), a cosine down to zero, a line
down to zero, the peak throughout, and a tenth of it from the middle on, a hundredth from three quarters on."""


def require_schedule(schedule: object) -> None:
    """ValueError unless it is the name of a schedule or a function.

    >>> require_schedule("plateau")
    Traceback (most recent call last):
    ValueError: schedule='plateau' is unknown; choose from one_cycle, cosine, linear, constant, step, or give a ...
    """
    if not callable(schedule) and schedule not in list(SCHEDULES):
        raise ValueError(
            f"schedule={schedule!r} is unknown; choose from {', '.join(SCHEDULES)}, or give a function from the "
            "fraction of training that is done to the share of the learning rate, such as lambda done: 1 - done"
        )


def learning_rate_at(done: float, peak: float, schedule: str | Schedule = "one_cycle") -> float:
    """The learning rate when a fraction of the training is done; ValueError where a schedule gives no share for it.

    >>> [round(learning_rate_at(done, 1.0), 3) for done in (0.0, 0.05, 0.1, 0.55, 1.0)]
    [0.1, 0.55, 1.0, 0.5, 0.0]
    >>> [learning_rate_at(done, 1.0, "step") for done in (0.0, 0.49, 0.5)]
    [1.0, 1.0, 0.1]
    """
    share = (schedule if callable(schedule) else SCHEDULES[schedule])(done)
    if not isinstance(share, int | float) or not 0 <= share < math.inf:
        raise ValueError(
            f"schedule gave {share!r} when {done:g} of the training was done; let it give a share of the learning "
            "rate, a number of 0 or more"
        )
    return peak * share
