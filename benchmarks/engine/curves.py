"""What time depends on: length, batch, activity, channels and edges, one at a time."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

import workbench as wb
from benchmarks.engine.agreement import judge
from benchmarks.engine.contenders import BARE, CONVOLUTIONS, WORKBENCH
from benchmarks.engine.extents import Extent
from benchmarks.engine.networks import RATE, WIDTHS, Ends, build_model, draw_network, draw_ticks, lag
from benchmarks.engine.timing import interleave

SKIPS: tuple[Ends, ...] = (("a", "c"), ("b", "d"), ("in", "b"), ("a", "d"), ("in", "c"), ("in", "d"))
RUNNERS = (CONVOLUTIONS, *WORKBENCH)
DENSE, EVENTS = "workbench, dense", "workbench, events"


@dataclass(frozen=True)
class Curve:
    """Milliseconds of every engine (columns) at the points of one axis (index); everything else stays as it is."""

    axis: str
    words: str
    table: pd.DataFrame


@dataclass(frozen=True)
class Point:
    """A place on an axis, with what is run there."""

    at: float
    model: wb.Model
    ticks: Tensor


@torch.no_grad()
def trace(axis: str, words: str, points: Iterable[Point], rounds: int) -> Curve:
    """The curve through these points; RuntimeError where two engines do not give the same drives."""
    runs = {}
    for point in points:
        here = {runner.name: runner.prepare(point.model, point.ticks) for runner in RUNNERS}
        judge(RUNNERS, {name: run() for name, run in here.items()}, point.model, point.ticks)
        runs |= {(point.at, name): run for name, run in here.items()}
    times = pd.Series(interleave(runs, rounds))  # all points in turns: what slows the machine slows them all
    names = [runner.name for runner in RUNNERS]
    return Curve(axis, words, times.unstack().sort_index()[names].rename_axis(axis))


def trace_all(extent: Extent) -> list[Curve]:
    """All five curves."""
    batch, steps, plain = extent.base_batch, extent.base_steps, build_model(draw_network())
    base = f"batch {batch}, {steps} ticks, layers firing in {RATE:.0%} of unit-ticks"
    return [
        trace("ticks", f"batch {batch}", (_point(t, plain, t, batch) for t in extent.lengths), extent.turns),
        trace("batch", f"{steps} ticks", (_point(b, plain, steps, b) for b in extent.groups), extent.turns),
        trace(
            "activity",
            f"batch {batch}, {steps} ticks",
            (_point(r, build_model(draw_network(), r), steps, batch, r) for r in extent.activities),
            extent.turns,
        ),
        trace(
            "channels",
            f"{base}; channels of the first layer, the others in proportion",
            (_point(c, build_model(draw_network(_widths(c))), steps, batch) for c in extent.channels),
            extent.turns,
        ),
        trace(
            "edges",
            f"{base}; shortcuts added to the chain of five edges",
            (_point(5 + n, build_model(draw_network(more=SKIPS[:n])), steps, batch) for n in extent.skips),
            extent.turns,
        ),
    ]


def _point(at: float, model: wb.Model, steps: int, batch: int, rate: float = RATE) -> Point:
    return Point(at, model, draw_ticks(steps + lag(model), batch, rate, seed=1))


def _widths(first: int) -> tuple[int, ...]:
    return tuple(width * first // WIDTHS[0] for width in WIDTHS)


def fit_lines(table: pd.DataFrame) -> pd.DataFrame:
    """Of every column the straight line over the index: its slope, where it begins, and R^2.

    >>> fit_lines(pd.DataFrame({"one": [3.0, 5.0, 7.0]}, index=[1, 2, 3])).round(6)["R^2"].tolist()
    [1.0]
    """
    x = table.index.to_numpy(float)
    rows = {}
    for name, values in table.items():
        y = values.to_numpy(float)
        slope, begin = np.polyfit(x, y, 1)
        left = ((y - slope * x - begin) ** 2).sum() / ((y - y.mean()) ** 2).sum()
        rows[name] = {"ms per tick": slope, "ms at none": begin, "R^2": 1 - left}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("")


def find_break_even(table: pd.DataFrame) -> float | None:
    """The activity at which events take as long as the dense engine, between two points on a logarithmic axis.

    None where one of them is faster all the way.
    """
    ratio = np.log(table[EVENTS] / table[DENSE])
    for (low, before), (high, after) in zip(list(ratio.items()), list(ratio.items())[1:], strict=False):
        if before < 0 <= after:
            share = -before / (after - before)
            return math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
    return None


def tell_break_even(table: pd.DataFrame) -> str:
    """Where events win over the dense engine, in a sentence."""
    at, ratio = find_break_even(table), table[EVENTS] / table[DENSE]
    if at is not None:
        return f"Spike by spike takes less time than densely below {at:.1%} activity: that is the break-even."
    if (ratio < 1).all():
        return f"Spike by spike takes less time than densely at every activity measured, up to {ratio.index[-1]:.0%}."
    if (ratio >= 1).all():
        return f"Spike by spike takes no less time than densely at any activity measured, from {ratio.index[0]:.1%} on."
    return "Spike by spike and densely change places more than once; the table shows where."


def compare_to_bare(table: pd.DataFrame) -> pd.DataFrame:
    """The same table with milliseconds and, in brackets, the ratio to the bare convolutions."""
    shown = {
        name: [f"{ms:.1f} ({ms / bare:.2f})" for ms, bare in zip(values, table[BARE], strict=True)]
        for name, values in table.items()
    }
    return pd.DataFrame(shown, index=table.index)
