"""A sweep: every point across all columns, two parameters against each other, or what is gained for what is spent."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from workbench.figures._parallel_coordinates import draw_parallel
from workbench.figures._registry import public
from workbench.figures._style import empty
from workbench.figures._sweep_map import draw_map
from workbench.figures._swept_points import read_points
from workbench.figures._trade_off import draw_trade_off

VIEWS = {"parallel": draw_parallel, "heat map": draw_map, "trade-off": draw_trade_off}


@public
def sweep(
    table: pd.DataFrame,
    view: str = "parallel",
    *,
    value: str | None = None,
    x: str | None = None,
    y: str | None = None,
    parameters: Sequence[str] | None = None,
) -> go.Figure:
    """The points of a sweep, in one of three views; the title counts those that failed.

    `table` is what `wb.sweep` returns; of another table `parameters` names the columns that were varied.

    - "parallel": a line a point across all parameters and numbers, the result `value` last.
    - "heat map": the result `value` over the two parameters `x` and `y`, the mean over all others.
    - "trade-off": the result `y`, of which more is better, against the result `x`, of which less is, with the points
      that no other one beats in both (the Pareto front).

    ValueError for an unknown view or column.

    >>> from workbench import figures
    >>> table = pd.DataFrame({"k": [4, 8], "accuracy": [0.9, 0.95], "error": ""})
    >>> figures.sweep(table, parameters=["k"]).layout.meta["title"]
    'accuracy is 0.9 to 0.95 at 2 points'
    """
    if view not in VIEWS:
        raise ValueError(f"figures.sweep: view={view!r} is unknown; choose one of {', '.join(VIEWS)}")
    points = read_points(table, parameters)
    if points.rows.empty or not points.numbers:
        some = "no point has ended yet" if points.rows.empty else "no result is a number"
        return empty("Sweep", f"{some}{points.say_missing()}")
    return VIEWS[view](points, value=value, x=x, y=y)
