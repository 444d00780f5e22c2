"""Thousands of edges in one picture: a line for each, and a mark that points along it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from workbench.figures._layout.edge_routing import Viewport, bend_apart, loop_of, sides_of
from workbench.figures._layout.layered_layout import Layout, Point
from workbench.network import Network

CROWD = 4_000  # pieces of edges, from layer to layer, up to which each edge is a curve with a head of its own


def is_crowd(layout: Layout) -> bool:
    """Whether there are more edges, or longer ones, than a page can show as curves."""
    return sum(len(route) - 1 for route in layout.routes) > CROWD


def lines_of(network: Network, canvas: Viewport) -> list[list[Point]]:
    """A line for every edge, source to target, straight from layer to layer; edges side by side are bent apart."""
    lines = []
    for edge, route, (place, count) in zip(network.edges, canvas.layout.routes, sides_of(network), strict=True):
        if edge.source == edge.target:
            lines.append(loop_of(route[0], place, canvas)[::3])  # of its 28 points, the last among them
        elif len(route) == 2:
            (x0, y0), (x1, y1) = route
            lines.append([(x0, y0), ((x0 + x1) / 2, (y0 + y1) / 2 + bend_apart(place, count, canvas)), (x1, y1)])
        else:
            lines.append(list(route))
    return lines


def lines(name: str, paths: Sequence[list[Point]], dash: str, colour: str) -> go.Scatter:
    """One trace of lines without heads, separated by gaps (NaN)."""
    gaps = [point for path in paths for point in (*path, (np.nan, np.nan))]
    return go.Scatter(
        name=name,
        mode="lines",
        x=np.array([x for x, _ in gaps], dtype=np.float32),
        y=np.array([y for _, y in gaps], dtype=np.float32),
        line={"color": colour, "width": 0.8, "dash": dash},
        opacity=0.5,
        hoverinfo="skip",
    )


def pointers(paths: Sequence[list[Point]], canvas: Viewport, colours: Sequence[str]) -> go.Scatter:
    """A mark near the middle of every path, which points along it."""
    middles = np.array([path[(len(path) - 1) // 2 : (len(path) - 1) // 2 + 2] for path in paths])  # (path, end, axis)
    x, y = middles.mean(1).T
    right, up = ((middles[:, 1] - middles[:, 0]) * [canvas.across, canvas.down]).T
    return go.Scatter(
        name="edges",
        mode="markers",
        x=x.astype(np.float32),
        y=y.astype(np.float32),
        marker={
            "symbol": "arrow",
            "size": 8,
            "angle": np.degrees(np.arctan2(right, up)).astype(np.float32),  # clockwise, 0 is upwards
            "color": colours,
            "opacity": 1,
            "line": {"width": 0},
        },
        showlegend=False,
    )
