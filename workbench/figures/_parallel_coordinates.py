"""Parallel coordinates: an axis a column, a line a point."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from workbench.figures._figure import Figure
from workbench.figures._style import FAINT, INK, SEQUENCE, dress
from workbench.figures._swept_points import SweptPoints, find_finite, place, say
from workbench.figures._words import brief, whole

MOST_AXES = 9
GROUPS = SEQUENCE[1:]  # the lightest is too faint for a line
LETTERS = 16  # of a name above an axis and of a value beside it
NAMES_PX, ASLANT_PX = 24, 84  # above the axes, where their names stand; aslant where they do not fit side by side
LETTER_PX, ACROSS_PX = 7.8, 290  # of a name; between the first axis and the last on the narrowest page
BESIDE = "\u2002"  # a space between an axis and a value
SIDES = {0.0: "bottom center", 1.0: "top center"}  # of an axis: where the lines are not
DASHES = ("dot", "dash", "dashdot", "solid")


def draw_parallel(points: SweptPoints, value: str | None, x: str | None, y: str | None) -> go.Figure:
    """A line a point across all parameters and numeric results; four groups by the last axis."""
    if x is not None or y is not None:
        raise ValueError('figures.sweep: the view "parallel" has no x and y; it takes value')
    chosen = points.choose_result(value, "value", ("accuracy",))
    others = [name for name in points.numbers if name != chosen]
    columns = [*[*points.parameters, *others][: MOST_AXES - 1], chosen]
    rows = points.rows[find_finite(points.rows[chosen])]
    placed = {name: place(rows[name]) for name in columns}
    figure = Figure(_axes(columns, {name: marks for name, (_, marks) in placed.items()}))
    heights = np.stack([heights for heights, _ in placed.values()], axis=1)
    figure.add_traces(_lines(points, rows, columns, heights, chosen))
    names = [brief(name, LETTERS) for name in columns]
    aslant = max(map(len, names)) * LETTER_PX * (len(names) - 1) > ACROSS_PX
    names_px = ASLANT_PX if aslant else NAMES_PX
    figure.update_xaxes(
        side="top", tickangle=-30 if aslant else 0, tickvals=list(range(len(columns))), showgrid=False, showline=False,
        ticktext=names, range=[-0.2, len(columns) - 0.8],
        ticklen=18, tickcolor="rgba(0, 0, 0, 0)",
    )  # fmt: skip
    figure.update_yaxes(visible=False, range=[-0.09, 1.09], title_text="from lowest (0) to highest (1)")
    figure.update_layout(margin={"t": 92 + names_px, "l": 40, "r": 70})
    left_out = len(points.parameters) + len(points.numbers) - len(columns)
    return dress(figure, *_words(points, rows, chosen, left_out), 460 + names_px)


def _axes(columns: list[str], marks: dict[str, list[tuple[float, str]]]) -> list[go.Scatter]:
    """A vertical line for every column, with values beside it."""
    lines = go.Scatter(
        x=np.repeat(np.arange(len(columns), dtype=float), 3), y=np.tile([0.0, 1.0, np.nan], len(columns)),
        mode="lines", line={"color": FAINT, "width": 1.5}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    written = [(number, y, text) for number, name in enumerate(columns) for y, text in marks[name]]
    values = go.Scatter(
        x=[x for x, _, _ in written], y=[y for _, y, _ in written],
        text=[("" if y in SIDES else BESIDE) + brief(text, LETTERS) for _, y, text in written],
        mode="text", textposition=[SIDES.get(y, "middle right") for _, y, _ in written],
        textfont={"size": 12, "color": INK}, hoverinfo="skip",
        showlegend=False, cliponaxis=False,
    )  # fmt: skip
    return [lines, values]


def _lines(
    points: SweptPoints, rows: pd.DataFrame, columns: list[str], heights: NDArray[np.float64], chosen: str
) -> list[go.Scatter]:
    """The points in groups of equal size by the chosen column, each with a colour and a dash."""
    order = rows[chosen].rank(method="first").to_numpy() - 1
    count = min(len(GROUPS), rows[chosen].nunique())
    group = (order * count / max(1, len(rows))).astype(int)
    told = np.array([points.say_point(row) for _, row in rows.iterrows()], dtype=object)
    said = np.array([[whole(say(value)) for value in rows[name].tolist()] for name in columns], dtype=object).T
    traces = []
    for number in range(count):
        inside = group == number
        if not inside.any():
            continue
        look = len(GROUPS) - count + number
        low, high = rows[chosen][inside].min(), rows[chosen][inside].max()
        traces.append(
            go.Scatter(
                name=f"{brief(chosen)} {say(low)}" + (f" to {say(high)}" if high > low else ""),
                x=_apart(np.broadcast_to(np.arange(len(columns), dtype=float), heights[inside].shape)),
                y=_apart(heights[inside]),
                customdata=_tell(columns, said[inside], told[inside]),
                meta={"columns": ["value", "point", "column"]},
                mode="lines+markers",
                line={"color": GROUPS[look], "width": 1.8, "dash": DASHES[look]},
                marker={"size": 4, "color": GROUPS[look]},
                opacity=0.9 if len(rows) <= 200 else 0.5,
                hovertemplate="<b>%{customdata[2]}: %{customdata[0]}</b><br>%{customdata[1]}<extra></extra>",
            )
        )
    return traces


def _apart(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows one behind the other, a gap after each."""
    return np.pad(values, ((0, 0), (0, 1)), constant_values=np.nan).ravel()


def _tell(columns: list[str], said: NDArray[Any], told: NDArray[Any]) -> list[list[str]]:
    """What hovering shows at every corner of every line: value, point, column."""
    corners = []
    for values, words in zip(said.tolist(), told.tolist(), strict=True):
        corners += [[value, words, whole(name)] for value, name in zip(values, columns, strict=True)]
        corners.append(["", "", ""])
    return corners


def _words(points: SweptPoints, rows: pd.DataFrame, chosen: str, left_out: int) -> tuple[str, str, str]:
    """Title, subtitle and alt text."""
    low, high = (rows.iloc[int(place)] for place in (rows[chosen].argmin(), rows[chosen].argmax()))
    span = say(low[chosen]) + (f" to {say(high[chosen])}" if high[chosen] > low[chosen] else "")
    count = f"{len(rows)} point{'s' if len(rows) != 1 else ''}"
    title = f"{brief(chosen)} is {span} at {count}{points.say_missing()}"
    subtitle = (
        f"Highest at {points.say_point(high, LETTERS)}, lowest at {points.say_point(low, LETTERS)}. A line is a point, "
        f"every axis goes from its lowest value to its highest; colour and dash repeat the last."
    )
    if left_out > 0:
        subtitle += f" {left_out} more column{'s are' if left_out > 1 else ' is'} in the table."
    return title, subtitle, f"Parallel coordinates of a sweep. {title}. {subtitle}"
