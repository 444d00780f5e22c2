"""Arrows between the (node, frame) places of a rollout, bent where they would cross other places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import gcd

import numpy as np
import plotly.graph_objects as go

from workbench.network import Place

Points = tuple[tuple[float, ...], tuple[float, ...]]  # x, y


def arrows(
    name: str,
    reads: Sequence[tuple[Place, Place]],
    rows: Mapping[str, int],
    *,
    colour: str,
    width: float,
    dash: str,
    standoff: float,
    head: float,
) -> go.Scatter:
    """One trace of arrows from source to target, separated by gaps (NaN), all sizes in pixels."""
    xs: list[float] = []
    ys: list[float] = []
    heads: list[float] = []
    for (source, begin), (target, end) in reads:
        x, y = path((begin, rows[source]), (end, rows[target]))
        xs += [*x, np.nan]
        ys += [*y, np.nan]
        heads += [0.0] * (len(x) - 1) + [head, 0.0]
    return go.Scatter(
        name=name,
        mode="lines+markers",
        x=np.array(xs, dtype=np.float32),
        y=np.array(ys, dtype=np.float32),
        line={"color": colour, "width": width, "dash": dash, "backoff": 0},
        marker={
            "symbol": "arrow",
            "angleref": "previous",
            "standoff": standoff,
            "color": colour,
            "opacity": 1,
            "size": np.array(heads, dtype=np.float32),
            "line": {"width": 0},
        },
        hoverinfo="skip",
        showlegend=False,
    )


def path(source: tuple[int, int], target: tuple[int, int]) -> Points:
    """Points (x, y) from source to target: straight, or an arc if another place lies in between.

    >>> path((0, 0), (1, 2))
    ((0.0, 1.0), (0.0, 2.0))
    >>> x, y = path((1, 0), (1, 2))
    >>> len(x), min(x) < 0.8
    (13, True)
    """
    frames, rows = target[0] - source[0], target[1] - source[1]
    if gcd(frames, rows) == 1:
        return (float(source[0]), float(target[0])), (float(source[1]), float(target[1]))
    along = np.linspace(0, 1, 13)
    bulge = 4 * along * (1 - along)
    sideways = min(0.24 + 0.05 * abs(rows), 0.42) * -np.sign(rows) if frames == 0 else 0.0
    upwards = 0.0 if frames == 0 else 0.36
    x, y = source[0] + frames * along + sideways * bulge, source[1] + rows * along + upwards * bulge
    return tuple(x.tolist()), tuple(y.tolist())
