"""The curves of a graph's edges in the plane, and room on them for marks."""

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
SAMPLES = 14  # points of a curve between two layers
NEAREST_FIRST = sorted(range(41), key=lambda i: abs(i - 20))  # of the points along a path, from its middle outwards

Box = tuple[float, float, float, float]  # left, right, low, high


@dataclass(frozen=True)
class Viewport:
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
    box: Box


def viewport_of(layout: Layout) -> Viewport:
    """The layout in a figure of the common width, as high as its rows ask for."""
    xs, ys = zip(*layout.nodes.values(), strict=True)
    points = [y for route in layout.routes for _, y in route]
    rows = max([*ys, *points]) - min([*ys, *points])
    across = (WIDTH_PX - 2 * SIDES_PX) / max(1, max(xs))
    down = min(104.0, 640 / max(1.0, rows))
    size = float(np.clip(0.42 * min(across, down), 4, 34))
    return Viewport(layout, across, down, size)


def paths_of(network: Network, canvas: Viewport) -> list[list[Point]]:
    """The curve of every edge, source to target; loops stand on their node, edges side by side are bent apart."""
    paths = []
    for edge, route, (place, count) in zip(network.edges, canvas.layout.routes, sides_of(network), strict=True):
        if edge.source == edge.target:
            paths.append(loop_of(route[0], place, canvas))
        else:
            paths.append(_curve(route, bend_apart(place, count, canvas) if len(route) == 2 else 0.0))
    return paths


def sides_of(network: Network) -> list[tuple[int, int]]:
    """Of every edge which of how many it is that join the same nodes, in either direction."""
    count: dict[frozenset[str], int] = {}
    found = []
    for edge in network.edges:
        found.append(count.setdefault(frozenset(edge.ends), 0))
        count[frozenset(edge.ends)] += 1
    return [(place, count[frozenset(edge.ends)]) for place, edge in zip(found, network.edges, strict=True)]


def bend_apart(place: int, count: int, canvas: Viewport) -> float:
    """How many rows one of so many edges side by side is bent aside."""
    return (place - (count - 1) / 2) * min(30.0, 0.32 * canvas.down) / canvas.down


def loop_of(node: Point, place: int, canvas: Viewport) -> list[Point]:
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


def free_places(paths: Sequence[list[Point]], canvas: Viewport, texts: Mapping[str, Text], size: float) -> list[Point]:
    """On every path the point nearest its middle that is clear of nodes, their names and the badges before it."""
    scale = np.array([canvas.across, canvas.down])
    reach = 3 + max((canvas.size + size) / 2, size)  # whatever is farther away leaves room enough
    nodes, names, badges = Squares(2 * reach), Squares(2 * reach), Squares(2 * reach)
    for x, y in (np.array(list(canvas.layout.nodes.values())) * scale).tolist():
        nodes.add((x, x, y, y))
    for text in texts.values():
        names.add(text.box)
    placed: list[Point] = []
    for path in paths:
        fine = np.linspace(0, len(path) - 1, 41)
        points = np.stack([np.interp(fine, range(len(path)), column) for column in zip(*path, strict=True)], axis=1)
        points = points[NEAREST_FIRST]
        x, y = np.hsplit(points * scale, 2)
        around = [(x - reach, x + reach, y - reach, y + reach) for x, y in (points * scale).tolist()]
        room = _distance(x, y, nodes.near(around)) - (canvas.size + size) / 2
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


class Squares:
    """Boxes in the plane, known by the squares of one side that they lie in: who is near is found among few.

    >>> squares = Squares(10)
    >>> squares.add((0, 5, 0, 5))
    >>> squares.near([(9, 12, 3, 4)]), squares.near([(20, 21, 0, 1)])
    ([(0, 5, 0, 5)], [])
    """

    def __init__(self, side: float) -> None:
        self.side = side
        self._held: dict[tuple[int, int], list[Box]] = {}

    def add(self, box: Box) -> None:
        """Hold a box."""
        for square in self._under(box):
            self._held.setdefault(square, []).append(box)

    def near(self, boxes: Iterable[Box]) -> list[Box]:
        """Every box in the squares that these lie in: all that meet one of these, and some more."""
        squares = dict.fromkeys(square for box in boxes for square in self._under(box))
        return list(dict.fromkeys(box for square in squares for box in self._held.get(square, ())))

    def _under(self, box: Box) -> Iterator[tuple[int, int]]:
        left, right, low, high = (math.floor(place / self.side) for place in box)
        return product(range(left, right + 1), range(low, high + 1))
