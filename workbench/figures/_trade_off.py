"""What is gained against what is spent, and the points that no other one beats in both."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from workbench.figures._figure import Figure
from workbench.figures._style import COLOURS, INK, SYMBOLS, dress, empty
from workbench.figures._swept_points import SweptPoints, find_finite, order_values, say
from workbench.figures._words import brief, whole

SPENT = ("synaptic_operations", "energy_nj", "operations", "effective_macs")
GAINED = ("accuracy",)


def draw_trade_off(points: SweptPoints, value: str | None, x: str | None, y: str | None) -> go.Figure:
    """Result y against result x, a symbol and colour for each value of the first parameter that has a few."""
    if value is not None:
        raise ValueError('figures.sweep: the view "trade-off" has no value; it takes x and y')
    gained = points.choose_result(y, "y", GAINED)
    others = [name for name in points.numbers if name != gained]
    spent = points.choose_result(x, "x", (*SPENT, *others))
    if spent == gained:
        return empty("Sweep", "a trade-off needs two results that are numbers: choose another view")
    rows = points.rows[find_finite(points.rows[spent]) & find_finite(points.rows[gained])]
    if rows.empty:
        return empty("Sweep", f"no point has both {brief(spent)} and {brief(gained)}")
    front = find_front(rows[spent].to_numpy(dtype=float), rows[gained].to_numpy(dtype=float))
    kept = rows[front].sort_values(spent)
    figure = Figure(_line(points, kept, spent, gained))
    by = next((name for name in points.parameters if 1 < rows[name].nunique(dropna=False) <= len(COLOURS)), None)
    for index, (name, part) in enumerate(_divide(rows, by)):
        figure.add_trace(_dots(points, part, spent, gained, name, index))
    figure.update_xaxes(title_text=f"{brief(spent)} (less is better)")
    figure.update_yaxes(title_text=f"{brief(gained)} (more is better)")
    title = f"{len(kept)} of {len(rows)} points are best at what they spend{points.say_missing()}"
    ends = [
        f"{brief(gained)} {say(row[gained])} for {say(row[spent])} at {points.say_point(row, 14)}"
        for _, row in kept.iloc[[0, -1] if len(kept) > 1 else [0]].iterrows()
    ]
    subtitle = f"The line, the Pareto front, joins points that no other beats in both: {'; '.join(ends)}."
    return dress(figure, title, subtitle, f"{brief(gained)} against {brief(spent)}. {title}. {subtitle}", 460)


def find_front(spent: NDArray[np.float64], gained: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points no other one beats: none that spends at most as much and gains at least as much, and differs.

    >>> find_front(np.array([1.0, 2.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0, 3.0]))
    array([ True,  True, False, False])
    """
    order = np.lexsort((-gained, spent))
    best = np.maximum.accumulate(gained[order])
    before = np.concatenate([[-np.inf], best[:-1]])
    on_front = np.zeros(len(spent), dtype=bool)
    on_front[order] = gained[order] > before
    firsts = {(s, g) for s, g in zip(spent[on_front], gained[on_front], strict=True)}
    return np.array([(s, g) in firsts for s, g in zip(spent, gained, strict=True)], dtype=bool)


def _divide(rows: pd.DataFrame, by: str | None) -> list[tuple[str, pd.DataFrame]]:
    """The points by the values of a parameter."""
    if by is None:
        return [("points", rows)]
    values = rows[by].tolist()
    return [
        (f"{brief(by)}={brief(say(value), 14)}", rows[[each == value or (each is value) for each in values]])
        for value in order_values(rows[by])
    ]


def _line(points: SweptPoints, kept: pd.DataFrame, spent: str, gained: str) -> go.Scatter:
    return go.Scatter(
        name="Pareto front", x=kept[spent], y=kept[gained], mode="lines+markers",
        line={"color": INK, "width": 1.6, "dash": "dot", "shape": "hv"},
        marker={"symbol": "circle-open", "size": 16, "color": INK, "line": {"width": 1.8}},
        customdata=[points.say_point(row) for _, row in kept.iterrows()], hovertemplate=_hover(spent, gained),
    )  # fmt: skip


def _dots(points: SweptPoints, part: pd.DataFrame, spent: str, gained: str, name: str, index: int) -> go.Scatter:
    return go.Scatter(
        name=name, x=part[spent], y=part[gained], mode="markers",
        marker={"symbol": SYMBOLS[index], "size": 9, "color": COLOURS[index]},
        customdata=[points.say_point(row) for _, row in part.iterrows()], hovertemplate=_hover(spent, gained),
    )  # fmt: skip


def _hover(spent: str, gained: str) -> str:
    return f"<b>%{{customdata}}</b><br>{whole(gained)} %{{y:.4~g}}<br>{whole(spent)} %{{x:.4~s}}<extra></extra>"
