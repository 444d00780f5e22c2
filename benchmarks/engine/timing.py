"""Medians of interleaved rounds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

import torch

Name = TypeVar("Name", bound=Hashable)


def interleave(
    runs: Mapping[Name, Callable[[], object]], rounds: int, finish: Callable[[object], object] = id
) -> dict[Name, float]:
    """Median milliseconds of each run, called in turns, every round begun by the next one.

    All have been called before: what is done only once is not in it; nor is `finish`, which gets what a run has given.

    >>> sorted(interleave({"one": list, "other": dict}, rounds=3))
    ['one', 'other']
    """
    names = list(runs)
    times: dict[Name, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            times[name].append(measure(runs[name], finish))
    return {name: statistics.median(taken) for name, taken in times.items()}


def measure(run: Callable[[], object], finish: Callable[[object], object] = id) -> float:
    """Milliseconds that one call takes, with what a GPU still computes then, before what it gives is finished."""
    begin = time.perf_counter()
    given = run()
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    taken = 1e3 * (time.perf_counter() - begin)
    finish(given)
    return taken
