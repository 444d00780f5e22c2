"""Thousands of edges in one figure: a straight line for each, and a mark that points to its target."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from workbench.figures._layout.edge_routing import Viewport, bend_apart, loop_curve, number_parallel_edges
from workbench.figures._layout.layered_layout import Layout, Point
from workbench.network import Network

MOST_CURVES = 4_000  # segments of edges, from layer to layer, up to which each edge is a curve with an arrowhead


def has_many_edges(layout: Layout) -> bool:
    """Whether there are more segments of edges than a page can show as curves."""
    return sum(len(route) - 1 for route in layout.routes) > MOST_CURVES


def edge_lines(network: Network, viewport: Viewport) -> list[list[Point]]:
    """A line for every edge, source to target, straight from layer to layer; parallel edges bent apart."""
    lines = []
    for edge, route, (rank, count) in zip(
        network.edges, viewport.layout.routes, number_parallel_edges(network), strict=True
    ):
        if edge.source == edge.target:
            lines.append(loop_curve(route[0], rank, viewport)[::3])  # of its 28 points, the last among them
        elif len(route) == 2:
            (x0, y0), (x1, y1) = route
            lines.append([(x0, y0), ((x0 + x1) / 2, (y0 + y1) / 2 + bend_apart(rank, count, viewport)), (x1, y1)])
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


def pointers(paths: Sequence[list[Point]], viewport: Viewport, colours: Sequence[str]) -> go.Scatter:
    """A mark near the middle of every path, which points along it."""
    middles = np.array([path[(len(path) - 1) // 2 : (len(path) - 1) // 2 + 2] for path in paths])  # (path, end, axis)
    x, y = middles.mean(1).T
    right, up = ((middles[:, 1] - middles[:, 0]) * [viewport.across, viewport.down]).T
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
