"""The curves of a graph's edges in the plane, and room on them for marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from workbench.figures.browser import WIDTH_PX
from workbench.figures.layers import Layout, Point
from workbench.graph import Network

SIDES_PX = 120  # left and right of the outermost nodes
SAMPLES = 14  # points of a curve between two layers


@dataclass(frozen=True)
class Canvas:
    """The layout in pixels: `across` per layer, `down` per row, `size` of a node's mark."""

    layout: Layout
    across: float
    down: float
    size: float

    def bend(self, x_px: float, y_px: float) -> Point:
        """A way in pixels as one in layers and rows."""
        return x_px / self.across, y_px / self.down


@dataclass(frozen=True)
class Text:
    """Words below a node and the box they fill: left, right, low, high in pixels."""

    words: str
    box: tuple[float, float, float, float]


def canvas_of(layout: Layout) -> Canvas:
    """The layout in a figure of the common width, as high as its rows ask for."""
    xs, ys = zip(*layout.nodes.values(), strict=True)
    points = [y for route in layout.routes for _, y in route]
    rows = max([*ys, *points]) - min([*ys, *points])
    across = (WIDTH_PX - 2 * SIDES_PX) / max(1, max(xs))
    down = min(104.0, 640 / max(1.0, rows))
    size = float(np.clip(0.42 * min(across, down), 4, 34))
    return Canvas(layout, across, down, size)


def paths_of(network: Network, canvas: Canvas) -> list[list[Point]]:
    """The curve of every edge, source to target; loops stand on their node, edges side by side are bent apart."""
    beside: dict[frozenset[str], list[int]] = {}
    for position, edge in enumerate(network.edges):
        beside.setdefault(frozenset(edge.ends), []).append(position)
    paths = []
    for position, (edge, route) in enumerate(zip(network.edges, canvas.layout.routes, strict=True)):
        together = beside[frozenset(edge.ends)]
        place = together.index(position)
        if edge.source == edge.target:
            paths.append(_loop(route[0], place, canvas))
        else:
            apart = place - (len(together) - 1) / 2 if len(route) == 2 else 0.0
            paths.append(_curve(route, apart * min(30.0, 0.32 * canvas.down) / canvas.down))
    return paths


def _loop(node: Point, place: int, canvas: Canvas) -> list[Point]:
    """A drop on top of a node, larger for each further one; a cubic Bezier curve."""
    wide, high = canvas.bend((1.35 + 0.5 * place) * canvas.size, (2.6 + 0.8 * place) * canvas.size)
    along = np.linspace(0, 1, 2 * SAMPLES)
    x = node[0] + 3 * along * (1 - along) * (2 * along - 1) * wide
    y = node[1] + 3 * along * (1 - along) * high
    return list(zip(x.tolist(), y.tolist(), strict=True))


def _curve(route: Sequence[Point], apart: float) -> list[Point]:
    """Smooth through all points without passing them by (cubic Hermite, monotone); `apart` rows aside in the middle."""
    chords = [(y1 - y0) / (x1 - x0) for (x0, y0), (x1, y1) in pairwise(route)]
    inner = [2 * a * b / (a + b) if a * b > 0 else 0.0 for a, b in pairwise(chords)]
    slopes = [0.5 * chords[0], *inner, 0.5 * chords[-1]]
    points: list[Point] = [route[0]]
    for ((x0, y0), (x1, y1)), (m0, m1) in zip(pairwise(route), pairwise(slopes), strict=True):
        for t in np.linspace(0, 1, SAMPLES + 1)[1:].tolist() if apart or m0 or m1 or y0 != y1 else (1.0,):
            rise = (x1 - x0) * (m0 * t * (1 - t) ** 2 - m1 * t**2 * (1 - t))
            y = y0 + (y1 - y0) * t * t * (3 - 2 * t) + rise + 4 * apart * t * (1 - t)
            points.append((x0 + (x1 - x0) * t, y))
    return points


def free_places(paths: Sequence[list[Point]], canvas: Canvas, texts: Mapping[str, Text], size: float) -> list[Point]:
    """On every path the point nearest its middle that is clear of nodes, their names and the badges before it."""
    scale = np.array([canvas.across, canvas.down])
    nodes = np.array(list(canvas.layout.nodes.values())) * scale
    left, right, low, high = np.array([text.box for text in texts.values()]).T
    placed: list[Point] = []
    for path in paths:
        fine = np.linspace(0, len(path) - 1, 41)
        points = np.stack([np.interp(fine, range(len(path)), column) for column in zip(*path, strict=True)], axis=1)
        points = points[sorted(range(41), key=lambda i: abs(i - 20))]
        x, y = np.hsplit(points * scale, 2)
        room = np.hypot(x - nodes[:, 0], y - nodes[:, 1]).min(1) - (canvas.size + size) / 2
        aside = np.maximum(np.maximum(left - x, x - right), np.maximum(low - y, y - high)).min(1) - size / 2
        room = np.minimum(room, aside)
        if placed:
            others = np.array(placed) * scale
            room = np.minimum(room, np.hypot(x - others[:, 0], y - others[:, 1]).min(1) - size)
        clear = np.flatnonzero(room > 2)
        chosen = points[clear[0] if len(clear) else int(room.argmax())]
        placed.append((float(chosen[0]), float(chosen[1])))
    return placed
