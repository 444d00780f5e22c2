"""Operations per recording over time."""

from __future__ import annotations

import math

import pandas as pd
import plotly.graph_objects as go

from workbench.evaluation import amount, compare_operations, find_per
from workbench.figures._figure import Figure
from workbench.figures._registry import public
from workbench.figures._style import COLOURS, SYMBOLS, dress, empty, keep_finite, log_axis, require_columns
from workbench.figures._words import brief, tell_moments, whole

KINDS = {  # column: what it is called, dash
    "synaptic_operations": ("synaptic operations", "solid"),
    "effective_macs": ("effective MACs", "dash"),
    "dense_macs": ("dense MACs", "dot"),
}
MARKS = 12  # symbols along a line, enough to distinguish models without colour


@public
def operations(costs: pd.DataFrame) -> go.Figure:
    """Cumulative operations per recording against time (frames), on a logarithmic axis; the ratio in words.

    `costs` is the table of `wb.compare`. A model's colour and symbol stand for the model, its dash for what is counted.

    >>> from workbench import figures
    >>> counts = {"dense_macs": 0.0, "effective_macs": 0.0, "synaptic_operations": 0.0}
    >>> ann = {"model": "ANN", "step": 0, "frame": 1.0, **counts, "dense_macs": 5.1e6}
    >>> snn = {"model": "SNN", "step": 0, "frame": 1.0, **counts, "synaptic_operations": 0.6e6}
    >>> figures.operations(pd.DataFrame([ann, snn])).layout.meta["subtitle"]
    'SNN: 600 k synaptic operations; ANN: 5.1 M dense MACs, 8.5 times more'
    """
    require_columns(costs, ("model", "step", "frame", *KINDS), "operations", "wb.compare")
    kinds, per = list(KINDS), find_per(costs)
    costs = keep_finite(costs, ("step", "frame", *kinds), ("model",))
    if not (costs[kinds] > 0).any(axis=None):
        return empty("Operations", "nothing has been counted yet")
    figure = Figure()
    for index, (model, rows) in enumerate(costs.groupby("model", sort=False)):
        for column in (column for column in kinds if (rows[column] > 0).any()):
            figure.add_trace(_line(str(model), rows[rows[column] > 0], column, index % len(COLOURS)))
    counts = costs[kinds].to_numpy(dtype=float)
    low, high = float(counts[counts > 0].min()), float(counts.max())
    figure.update_yaxes(title_text=f"operations per {per}", **log_axis(low / 2, high * 2))
    figure.update_xaxes(title_text="time (frames)", rangemode="tozero")
    title, words = f"Operations per {per}, summed over time", describe_operations(costs)
    return dress(figure, title, words, f"{title}. At the end: {words}.", 460)


def describe_operations(costs: pd.DataFrame) -> str:
    """The models from cheap to costly in words, at the last step: synaptic operations and dense MACs, then effective.

    Where a zero costs nothing, only the effective MACs remain: they are said as well, on whichever side they fall.
    """
    phrases = []
    for row in compare_operations(costs).to_dict("records"):
        names = [KINDS[kind][0] for kind in ("synaptic_operations", "dense_macs") if row[kind] > 0]
        phrase = f"{brief(row['model'])}: {amount(row['operations'])} {' and '.join(names) or 'operations'}"
        phrase += _say_ratio(row["ratio"])
        if 0 < row["effective_macs"] < row["dense_macs"]:
            effective = amount(row["effective_operations"])
            phrase += f" (effective: {effective}{_say_ratio(row['effective_ratio'])})"
        phrases.append(phrase)
    return "; ".join(phrases)


def _say_ratio(ratio: float) -> str:
    if not 0 < ratio < math.inf or ratio == 1:
        return ""
    times, word = (ratio, "more") if ratio > 1 else (1 / ratio, "fewer")
    return f", {amount(times)} times {word}"


def _line(model: str, rows: pd.DataFrame, column: str, index: int) -> go.Scatter:
    name, dash = KINDS[column]
    moments, when = tell_moments(rows["frame"], rows["step"])
    return go.Scatter(
        name=f"{brief(model)}: {name}",
        x=rows["frame"],
        y=rows[column],
        customdata=moments,
        mode="lines+markers",
        line={"color": COLOURS[index], "dash": dash, "width": 2.4},
        marker={"symbol": SYMBOLS[index], "size": 8, "maxdisplayed": MARKS},
        hovertemplate=f"<b>{whole(model)}</b>, {when}<br>%{{y:.3~s}} {name}<extra></extra>",
    )
