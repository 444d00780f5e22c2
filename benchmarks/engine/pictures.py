"""The cost curves as figures."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from benchmarks.engine.choice_grid import FAR, NEAR
from benchmarks.engine.contenders import BARE
from benchmarks.engine.curves import Curve
from workbench.figures._style import COLOURS, DASHES, QUIET, SYMBOLS, dress

TITLES = {
    "ticks": "Time over the length of a recording",
    "batch": "Time over the number of recordings",
    "activity": "Time over activity",
    "channels": "Time over the width of the network",
    "edges": "Time over the number of edges",
}
CHOICES = "choices"
LINEAR = ("ticks", "edges")  # on all other axes each point is a multiple of the one before


def draw(curve: Curve) -> go.Figure:
    """Milliseconds of every engine over one axis."""
    figure = go.Figure()
    for position, (name, times) in enumerate(curve.table.items()):
        bare = name == BARE
        figure.add_scatter(
            x=times.index,
            y=times,
            name=name,
            mode="lines+markers",
            line={"color": QUIET if bare else COLOURS[position - 1], "dash": DASHES[position]},
            marker={"symbol": SYMBOLS[position], "size": 9},
        )
    kind = "linear" if curve.axis in LINEAR else "log"
    figure.update_xaxes(title=curve.axis, type=kind, tickvals=list(curve.table.index))
    if curve.axis == "activity":
        figure.update_xaxes(tickformat=".1%")
    figure.update_yaxes(title="milliseconds a run", type=kind, rangemode="tozero")
    alt = f"Milliseconds a run of the engines and the bare convolutions over {curve.axis}"
    return dress(figure, TITLES[curve.axis], curve.words, alt, 460)


def draw_choices(table: pd.DataFrame) -> go.Figure:
    """The ratio of "auto" to the better engine over how both compare, a mark per point of the grid."""
    figure = go.Figure()
    for colour, (network, own) in zip(COLOURS, table.groupby("network", sort=False), strict=False):
        for symbol, (neuron, points) in zip(SYMBOLS, own.groupby("neuron", sort=False), strict=False):
            figure.add_scatter(
                x=points["events"] / points["dense"],
                y=points["ratio"],
                name=f"{network}, {neuron}",
                mode="markers",
                marker={"symbol": symbol, "color": colour, "size": 8},
            )
    for limit in (NEAR, FAR):
        figure.add_hline(y=limit, line={"color": QUIET, "dash": "dot"})
    figure.update_xaxes(title="events to dense", type="log", tickvals=[0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30])
    figure.update_yaxes(
        title="auto to the better of both", type="log", tickvals=[0.5, 0.8, 0.9, 1, NEAR, FAR, 2, 5, 10]
    )
    figure.update_layout(legend={"x": 1.02, "xanchor": "left", "y": 1, "yanchor": "top"})
    alt = "How many times as long as the better engine auto takes, over the ratio of both, at every point of the grid"
    return dress(
        figure,
        "The choice of an engine",
        f"a mark per network, neuron, activity and batch; dotted: {NEAR} and {FAR} times",
        alt,
        520,
    )
