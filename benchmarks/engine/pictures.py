"""The cost curves as figures."""

from __future__ import annotations

import plotly.graph_objects as go

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
