"""The numbers that a figure shows, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.figures._figure import describe
from workbench.figures._registry import public
from workbench.figures._words import read_words

POINTS = ("scatter", "scattergl", "bar")
SERIES = "series"


@public
def numbers(figure: go.Figure) -> pd.DataFrame:
    """What a figure draws: a row per point, bar or cell, columns named after the axes, and `series` after the legend.

    Names beside an axis stand instead of their places. Of an image of events a row is a pixel with any, of a confusion
    matrix a cell. `attrs` hold the figure's title and subtitle. Outlines and other marks without a number are left out.

    >>> from workbench import figures
    >>> costs = pd.DataFrame({"model": "ANN", "step": [0, 1], "frame": [1.0, 2.0], "accuracy": [None, 0.9]})
    >>> figures.numbers(figures.accuracy(costs)).to_dict("records")[0]
    {'series': 'ANN', 'time (frames)': 2.0, 'accuracy (%)': 90.0}
    """
    tables = [table for trace in figure.data for table in _tabulate(figure, trace) if len(table)]
    whole = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({SERIES: []})
    if len(whole) and not whole[SERIES].any():
        whole = whole.drop(columns=SERIES)
    meta = figure.layout.meta if isinstance(figure.layout.meta, dict) else {}
    whole.attrs = {"title": describe(figure)[0]} | ({"subtitle": meta["subtitle"]} if meta.get("subtitle") else {})
    return whole


def _tabulate(figure: go.Figure, trace: Any) -> Iterator[pd.DataFrame]:
    if trace.hoverinfo == "skip" or trace.visible is False:
        return
    name = read_words(trace.name or "")
    if trace.type in POINTS and trace.x is not None and trace.y is not None:
        x, y = (_axis(figure, trace, side) for side in "xy")
        columns = {_title(figure, x, "x"): _spell(trace.x, x), _title(figure, y, "y"): _spell(trace.y, y)}
        columns |= _read_more(trace)
        known = ~(pd.isna(pd.Series(list(trace.x))) | pd.isna(pd.Series(list(trace.y)))).to_numpy()
        yield pd.DataFrame({SERIES: name, **_apart(columns)})[known]
    elif trace.type == "heatmap":
        yield _tabulate_cells(figure, trace, name)
    elif trace.type == "image" and trace.customdata is not None:
        counts = np.asarray(trace.customdata)
        y, x = np.nonzero(counts.any(-1))
        events = {"OFF": counts[y, x, 0], "ON": counts[y, x, 1]}
        yield pd.DataFrame({SERIES: name, "x (pixels)": x, "y (pixels)": y, **events})
    elif trace.type == "scatter3d":
        scene = figure.layout.scene
        titles = {side: scene[f"{side}axis"].title.text or side for side in "xyz"}
        yield pd.DataFrame({SERIES: name, **{title: np.asarray(trace[side]) for side, title in titles.items()}})


def _read_more(trace: Any) -> dict[str, Any]:
    """What the trace says of its points besides their places: the columns of its custom data that its meta names."""
    named = trace.meta.get("columns", ()) if isinstance(trace.meta, dict) else ()
    return {name: np.asarray(trace.customdata)[:, place] for place, name in enumerate(named)}


def _tabulate_cells(figure: go.Figure, trace: Any, name: str) -> pd.DataFrame:
    """A row per cell that has a value."""
    z = np.asarray(trace.z, dtype=float)
    row, column = np.nonzero(np.isfinite(z))
    axes = {side: _axis(figure, trace, side) for side in "xy"}
    places = {
        side: np.arange(count) * (trace[f"d{side}"] or 1) + (trace[f"{side}0"] or 0)
        if trace[side] is None
        else np.asarray(trace[side])
        for side, count in (("x", z.shape[1]), ("y", z.shape[0]))
    }
    bar = trace.colorbar if trace.coloraxis is None else figure.layout[trace.coloraxis].colorbar
    columns = {
        _title(figure, axes["x"], "x"): _spell(places["x"][column], axes["x"]),
        _title(figure, axes["y"], "y"): _spell(places["y"][row], axes["y"]),
        read_words(bar.title.text or "value"): z[row, column],
    }
    return pd.DataFrame({SERIES: name, **_apart(columns)})


def _axis(figure: go.Figure, trace: Any, side: str) -> Any:
    return figure.layout[(trace[f"{side}axis"] or side).replace(side, f"{side}axis", 1)]


def _title(figure: go.Figure, axis: Any, side: str) -> str:
    """The title of an axis, or that of one that shows the same and has a title."""
    own = axis.plotly_name.replace("axis", "")
    for other in [axis, *(figure.select_xaxes() if side == "x" else figure.select_yaxes())]:
        name = other.plotly_name.replace("axis", "")
        matched = own == other.matches or axis.matches in (name, other.matches or "none")
        alike = axis.ticktext is not None and axis.ticktext == other.ticktext
        if other.title.text and (other is axis or matched or alike):
            return read_words(other.title.text)
    return side


def _apart(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {title if title != SERIES else f"{title} (axis)": values for title, values in columns.items()}


def _spell(places: Any, axis: Any) -> Any:
    """Places on an axis, by their names where it has some."""
    values = list(places)
    if axis.ticktext is None or axis.tickvals is None or axis.type == "log":
        return [read_words(value) if isinstance(value, str) else value for value in values]
    names = dict(zip(list(axis.tickvals), map(read_words, axis.ticktext), strict=False))
    return [names.get(value, value) if value in names else _plain(value) for value in values]


def _plain(value: Any) -> Any:
    return read_words(value) if isinstance(value, str) else value
