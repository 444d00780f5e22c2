"""Edge routing: the curve of every edge, and a free position on it for its badge."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from workbench.figures._browser import WIDTH_PX
from workbench.figures._layout.layered_layout import Layout, Point
from workbench.network import Network

SIDES_PX = 120  # left and right of the outermost nodes
LEGIBLE_PX = 64.0  # between layers and between rows: room for a node and a badge
WIDEST_PX, TALLEST_PX = 4_000, 1_400  # up to which a figure grows for that
SAMPLES = 14  # points of a curve between two layers
FROM_MIDDLE = sorted(range(41), key=lambda i: abs(i - 20))  # of the points along a path, from its middle outwards

Box = tuple[float, float, float, float]  # left, right, low, high


@dataclass(frozen=True)
class Viewport:
    """The layout in pixels: `across` per layer, `down` per row, `size` of a node's mark."""

    layout: Layout
    across: float
    down: float
    size: float

    @property
    def width(self) -> float:
        """How wide the figure is, in pixels."""
        return 2 * SIDES_PX + self.across * max(1, max(x for x, _ in self.layout.nodes.values()))

    def bend(self, x_px: float, y_px: float) -> Point:
        """A distance in pixels in units of layers and rows."""
        return x_px / self.across, y_px / self.down


@dataclass(frozen=True)
class Text:
    """Words below a node and the box they fill: left, right, low, high in pixels."""

    words: str
    box: Box


def fit_viewport(layout: Layout) -> Viewport:
    """The layout scaled to the common width, wider where layers would be too close, as high as its rows need."""
    xs, ys = zip(*layout.nodes.values(), strict=True)
    points = [y for route in layout.routes for _, y in route]
    rows = max([*ys, *points]) - min([*ys, *points])
    layers = max(1, max(xs))
    across = max((WIDTH_PX - 2 * SIDES_PX) / layers, min(LEGIBLE_PX, (WIDEST_PX - 2 * SIDES_PX) / layers))
    down = min(104.0, max(640 / max(1.0, rows), min(LEGIBLE_PX, TALLEST_PX / max(1.0, rows))))
    size = float(np.clip(0.42 * min(across, down), 4, 34))
    return Viewport(layout, across, down, size)


def edge_curves(network: Network, viewport: Viewport) -> list[list[Point]]:
    """The curve of every edge, source to target; loops above their node, parallel edges bent apart."""
    paths = []
    for edge, route, (number, count) in zip(
        network.edges, viewport.layout.routes, number_parallel_edges(network), strict=True
    ):
        if edge.source == edge.target:
            paths.append(loop_curve(route[0], number, viewport))
        else:
            paths.append(_curve(route, bend_apart(number, count, viewport) if len(route) == 2 else 0.0))
    return paths


def number_parallel_edges(network: Network) -> list[tuple[int, int]]:
    """Of every edge its number among the parallel edges (either direction), and how many there are."""
    count: dict[frozenset[str], int] = {}
    found = []
    for edge in network.edges:
        found.append(count.setdefault(frozenset(edge.ends), 0))
        count[frozenset(edge.ends)] += 1
    return [(number, count[frozenset(edge.ends)]) for number, edge in zip(found, network.edges, strict=True)]


def bend_apart(number: int, count: int, viewport: Viewport) -> float:
    """By how many rows a parallel edge is bent away from the straight line."""
    return (number - (count - 1) / 2) * min(30.0, 0.32 * viewport.down) / viewport.down


def loop_curve(node: Point, number: int, viewport: Viewport) -> list[Point]:
    """A loop above a node, larger for each further one; a cubic Bezier curve."""
    wide, high = viewport.bend((1.35 + 0.5 * number) * viewport.size, (2.6 + 0.8 * number) * viewport.size)
    along = np.linspace(0, 1, 2 * SAMPLES)
    x = node[0] + 3 * along * (1 - along) * (2 * along - 1) * wide
    y = node[1] + 3 * along * (1 - along) * high
    return list(zip(x.tolist(), y.tolist(), strict=True))


def _curve(route: Sequence[Point], apart: float) -> list[Point]:
    """A monotone cubic Hermite curve through all points; bent `apart` rows aside in the middle."""
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


def find_badge_positions(
    paths: Sequence[list[Point]], viewport: Viewport, texts: Mapping[str, Text], size: float
) -> list[Point]:
    """On every curve the point nearest its middle that is free of nodes, their names and earlier badges."""
    scale = np.array([viewport.across, viewport.down])
    reach = 3 + max((viewport.size + size) / 2, size)  # what is farther away cannot overlap
    nodes, names, badges = BoxGrid(2 * reach), BoxGrid(2 * reach), BoxGrid(2 * reach)
    for x, y in (np.array(list(viewport.layout.nodes.values())) * scale).tolist():
        nodes.add((x, x, y, y))
    for text in texts.values():
        names.add(text.box)
    placed: list[Point] = []
    for path in paths:
        fine = np.linspace(0, len(path) - 1, 41)
        points = np.stack([np.interp(fine, range(len(path)), column) for column in zip(*path, strict=True)], axis=1)
        points = points[FROM_MIDDLE]
        x, y = np.hsplit(points * scale, 2)
        around = [(x - reach, x + reach, y - reach, y + reach) for x, y in (points * scale).tolist()]
        room = _distance(x, y, nodes.near(around)) - (viewport.size + size) / 2
        left, right, low, high = np.array(names.near(around)).reshape(-1, 4).T
        aside = np.maximum(np.maximum(left - x, x - right), np.maximum(low - y, y - high))
        room = np.minimum(room, aside.min(1, initial=np.inf) - size / 2)
        room = np.minimum(room, _distance(x, y, badges.near(around)) - size)
        clear = np.flatnonzero(room > 2)
        chosen = points[clear[0] if len(clear) else int(room.argmax())]
        placed.append((float(chosen[0]), float(chosen[1])))
        x_px, y_px = (chosen * scale).tolist()
        badges.add((x_px, x_px, y_px, y_px))
    return placed


def _distance(x: NDArray[np.float64], y: NDArray[np.float64], boxes: Sequence[Box]) -> NDArray[np.float64]:
    """From each of these points to the nearest corner of boxes that are points."""
    left, _, low, _ = np.array(boxes).reshape(-1, 4).T
    distance: NDArray[np.float64] = np.hypot(x - left, y - low).min(1, initial=np.inf)
    return distance


class BoxGrid:
    """Boxes in a uniform grid of cells (spatial hashing), so that neighbours are found without a search through all.

    >>> grid = BoxGrid(10)
    >>> grid.add((0, 5, 0, 5))
    >>> grid.near([(9, 12, 3, 4)]), grid.near([(20, 21, 0, 1)])
    ([(0, 5, 0, 5)], [])
    """

    def __init__(self, side: float) -> None:
        self.side = side
        self._held: dict[tuple[int, int], list[Box]] = {}

    def add(self, box: Box) -> None:
        """Add a box."""
        for cell in self._cells(box):
            self._held.setdefault(cell, []).append(box)

    def near(self, boxes: Iterable[Box]) -> list[Box]:
        """All boxes in the cells that these touch: every box that overlaps one of them, and some more."""
        cells = dict.fromkeys(cell for box in boxes for cell in self._cells(box))
        return list(dict.fromkeys(box for cell in cells for box in self._held.get(cell, ())))

    def _cells(self, box: Box) -> Iterator[tuple[int, int]]:
        left, right, low, high = (math.floor(edge / self.side) for edge in box)
        return product(range(left, right + 1), range(low, high + 1))
