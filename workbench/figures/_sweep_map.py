"""A heat map of a result over two parameters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.figures._figure import Figure
from workbench.figures._style import SEQUENCE, dress, empty
from workbench.figures._swept_points import SweptPoints, find_finite, order_values, say
from workbench.figures._words import brief, whole

MOST_WRITTEN = 14  # values of x up to which every cell says its number
CELL_PX = 34


def draw_map(points: SweptPoints, value: str | None, x: str | None, y: str | None) -> go.Figure:
    """The mean of a result in every cell of two parameters; without a pair of parameters nothing but words."""
    chosen = points.choose_result(value, "value", ("accuracy",))
    for option, name in (("x", x), ("y", y)):
        if name is not None and name not in points.parameters:
            raise ValueError(
                f"figures.sweep: {option}={name!r} is no parameter; there are {', '.join(points.parameters) or 'none'}"
            )
    sizes = {name: points.rows[name].nunique(dropna=False) for name in points.parameters}
    free = sorted((name for name in sizes if name not in (x, y)), key=lambda name: -sizes[name])
    across = x if x is not None else next(iter(free), None)
    down = y if y is not None else next((name for name in free if name != across), None)
    if across is None or down is None or across == down:
        return empty("Sweep", "a heat map needs two parameters: choose another view")
    return _draw(points, chosen, across, down)


def _draw(points: SweptPoints, chosen: str, across: str, down: str) -> go.Figure:
    columns, lines = order_values(points.rows[across]), order_values(points.rows[down])
    at = {across: {v: i for i, v in enumerate(columns)}, down: {v: i for i, v in enumerate(lines)}}
    cells = pd.DataFrame(
        {
            "column": [at[across][v] for v in points.rows[across].tolist()],
            "line": [at[down][v] for v in points.rows[down].tolist()],
            "value": points.rows[chosen].astype(float).to_numpy(),
        }
    )
    cells = cells[find_finite(cells["value"])]
    shape = len(lines), len(columns)
    count, total = np.zeros(shape, dtype=int), np.zeros(shape)
    np.add.at(count, (cells["line"], cells["column"]), 1)
    np.add.at(total, (cells["line"], cells["column"]), cells["value"])
    z = np.divide(total, count, out=np.full(shape, np.nan), where=count > 0)
    written = [[say(cell) if np.isfinite(cell) else "" for cell in row] for row in z]
    names = [[whole(say(v)) for v in values] for values in (columns, lines)]
    hovered = [[[names[0][c], names[1][r], count[r, c]] for c in range(len(columns))] for r in range(len(lines))]
    figure = Figure(
        go.Heatmap(
            z=z, text=written, texttemplate="%{text}" if len(columns) <= MOST_WRITTEN else None,
            customdata=hovered, coloraxis="coloraxis", xgap=1, ygap=1,
            hovertemplate=f"<b>{whole(chosen)} %{{z:.4~g}}</b><br>{whole(across)}=%{{customdata[0]}}, "
            f"{whole(down)}=%{{customdata[1]}}<br>points: %{{customdata[2]}}<extra></extra>",
        )
    )  # fmt: skip
    for axis, values, name in (("x", columns, across), ("y", lines, down)):
        every = -(-len(values) // 20)
        ticks = {
            "tickvals": list(range(0, len(values), every)),
            "ticktext": [brief(say(v), 12) for v in values[::every]],
        }
        figure.update_layout({f"{axis}axis": {**ticks, "title_text": brief(name), "showgrid": False}})
    bar = {"title": {"text": brief(chosen), "side": "right"}, "thickness": 14, "outlinewidth": 0}
    scale = [[place / (len(SEQUENCE) - 1), colour] for place, colour in enumerate(SEQUENCE)]
    figure.update_layout(coloraxis={"colorscale": scale, "colorbar": bar})
    most = int(count.max(initial=1))
    title = (
        f"{brief(chosen)} over {brief(across)} and {brief(down)}: {say(np.nanmin(z))} to {say(np.nanmax(z))}"
        f"{points.say_missing()}"
    )
    row, column = np.unravel_index(np.nanargmax(z), z.shape)
    best = f"{brief(across)} {brief(say(columns[column]), 12)}, {brief(down)} {brief(say(lines[row]), 12)}"
    subtitle = f"Highest at {best}." + (f" A cell is the mean of up to {most} points." if most > 1 else "")
    height_px = 200 + CELL_PX * max(4, min(len(lines), 16))
    return dress(figure, title, subtitle, f"Heat map of a sweep. {title}. {subtitle}", height_px)
