"""Sugiyama's layered layout: nodes in layers from inputs to output, with dummy vertices where edges pass a layer."""

from __future__ import annotations

from bisect import bisect, insort
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, pairwise

from workbench.network import Network, keep_acyclic, shortest_delays, topological_order

Point = tuple[float, float]
Vertex = str | tuple[int, int]  # a node, or a dummy vertex (edge position, layer) where an edge passes a layer
SWEEPS = 12  # times the order within the layers is improved
MOST_DUMMIES = 20_000  # dummy vertices up to which every passing edge gets them
BETWEEN_ROWS = 16.0  # rows that passing edges may take up in a layer, however many they are


@dataclass(frozen=True)
class Layout:
    """Where things are: nodes at (layer, row), and of every edge the points it runs through, source to target."""

    nodes: Mapping[str, Point]
    routes: tuple[tuple[Point, ...], ...]


def lay_out(network: Network) -> Layout:
    """A layer per node so that edges lead rightwards but for those that close a cycle; rows so that few cross.

    Source: the layered drawing of Sugiyama, Tagawa, Toda 1981; rows by least squares that keep the distances.

    >>> network = Network({"a": (1,)}, [Edge("a", "b", Dense(1)), Edge("b", "c", Dense(1)), Edge("a", "c", Dense(1))])
    >>> layout = lay_out(network)
    >>> {node: x for node, (x, y) in layout.nodes.items()}, len(layout.routes[2])
    ({'a': 0, 'b': 1, 'c': 2}, 3)
    """
    layer = layers(network)
    routes = _routes(network, layer)
    vertices: list[list[Vertex]] = [[] for _ in range(max(layer.values()) + 1)]
    for vertex in dict.fromkeys([*network.nodes, *(vertex for route in routes for vertex, _ in route)]):
        vertices[layer[vertex] if isinstance(vertex, str) else vertex[1]].append(vertex)
    found = {(a, b) if x < y else (b, a) for route in routes for (a, x), (b, y) in pairwise(route) if x != y}
    links = sorted(found, key=repr)
    order = _ordered(vertices, links)
    rows = _rows(order, links, Counter(edge.source for edge in network.edges if edge.source == edge.target))
    return Layout(
        {node: (layer[node], rows[node]) for node in network.nodes},
        tuple(tuple((float(x), rows[vertex]) for vertex, x in route) for route in routes),
    )


def layers(network: Network) -> dict[str, int]:
    """Layer of every node: its longest path from an input, without the edges that close a cycle; the output last.

    >>> layers(Network({"a": (1,)}, [Edge("a", "b", Dense(1)), Edge("b", "b", Dense(1)), Edge("b", "c", Dense(1))]))
    {'a': 0, 'b': 1, 'c': 2}
    """
    hops = shortest_delays(network.inputs, ((*edge.ends, 1) for edge in network.edges))
    pairs = dict.fromkeys(edge.ends for edge in network.edges)
    ends = sorted(pairs, key=lambda pair: (hops[pair[0]], hops[pair[1]]))
    forward = list(compress(ends, keep_acyclic(ends)))
    found = dict.fromkeys(network.nodes, 0)
    sources: dict[str, list[str]] = {node: [] for node in network.nodes}
    for source, target in forward:
        sources[target].append(source)
    for node in topological_order(network.nodes, forward):
        found[node] = 1 + max((found[source] for source in sources[node]), default=-1)
    if all(source != network.output for source, _ in forward):
        found[network.output] = max(found.values())
    return found


def _routes(network: Network, layer: Mapping[str, int]) -> list[list[tuple[Vertex, int]]]:
    """Of every edge its vertices with their layers; only its ends where there would be too many."""
    apart = [(layer[edge.target] - layer[edge.source]) for edge in network.edges]
    passing = sum(max(0, abs(distance) - 1) for distance in apart) <= MOST_DUMMIES
    routes: list[list[tuple[Vertex, int]]] = []
    for position, (edge, distance) in enumerate(zip(network.edges, apart, strict=True)):
        begin, end, way = layer[edge.source], layer[edge.target], 1 if distance > 0 else -1
        between = range(begin + way, end, way) if passing and distance else ()
        routes.append([(edge.source, begin), *(((position, x), x) for x in between), (edge.target, end)])
    return routes


def _ordered(vertices: Sequence[Sequence[Vertex]], links: Sequence[tuple[Vertex, Vertex]]) -> list[list[Vertex]]:
    """The vertices of every layer in an order with few crossings, by the barycentre heuristic."""
    order = [list(layer) for layer in vertices]
    before, after = _neighbours(links)
    best, fewest = order, _crossings(order, after)
    for sweep in range(SWEEPS):
        order = [list(layer) for layer in order]
        numbers = range(1, len(order)) if sweep % 2 == 0 else range(len(order) - 2, -1, -1)
        beside = before if sweep % 2 == 0 else after
        for number in numbers:
            other = order[number - 1 if sweep % 2 == 0 else number + 1]
            rank = {vertex: i / len(other) for i, vertex in enumerate(other)}
            here = {vertex: i / len(order[number]) for i, vertex in enumerate(order[number])}
            mean = {
                vertex: _mean([rank[n] for n in beside.get(vertex, ()) if n in rank], here[vertex])
                for vertex in order[number]
            }
            order[number].sort(key=mean.__getitem__)
        crossings = _crossings(order, after)
        if crossings < fewest:
            best, fewest = order, crossings
    return best


def _neighbours(
    links: Iterable[tuple[Vertex, Vertex]],
) -> tuple[dict[Vertex, list[Vertex]], dict[Vertex, list[Vertex]]]:
    """Per vertex those to the left and those to the right that it is linked with."""
    before: dict[Vertex, list[Vertex]] = {}
    after: dict[Vertex, list[Vertex]] = {}
    for left, right in links:
        before.setdefault(right, []).append(left)
        after.setdefault(left, []).append(right)
    return before, after


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _crossings(order: Sequence[Sequence[Vertex]], after: Mapping[Vertex, Sequence[Vertex]]) -> int:
    """Pairs of links between neighbouring layers that cross."""
    found = 0
    for left, right in pairwise(order):
        rank = {vertex: i for i, vertex in enumerate(right)}
        seen: list[int] = []
        for vertex in left:
            ends = sorted(rank[other] for other in after.get(vertex, ()) if other in rank)
            found += sum(len(seen) - bisect(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return found


def _rows(
    order: Sequence[Sequence[Vertex]], links: Iterable[tuple[Vertex, Vertex]], loops: Mapping[str, int]
) -> dict[Vertex, float]:
    """Row of every vertex: near its neighbours, in the order of its layer, nodes a row apart and edges closer."""
    before, after = _neighbours(links)
    most = max(sum(not isinstance(vertex, str) for vertex in layer) for layer in order)
    narrow = min(0.5, BETWEEN_ROWS / max(1, most))
    offsets = [_offsets(layer, narrow, loops) for layer in order]
    rows = {
        vertex: y for layer, shifts in zip(order, offsets, strict=True) for vertex, y in zip(layer, shifts, strict=True)
    }
    for sweep in range(2 * SWEEPS):
        numbers = range(len(order)) if sweep % 2 == 0 else range(len(order) - 1, -1, -1)
        for number in numbers:
            layer, shifts = order[number], offsets[number]
            wanted = [
                _mean([rows[n] for n in (*before.get(vertex, ()), *after.get(vertex, ()))], rows[vertex])
                for vertex in layer
            ]
            kept = _rising([y - shift for y, shift in zip(wanted, shifts, strict=True)])
            rows.update((vertex, y + shift) for vertex, y, shift in zip(layer, kept, shifts, strict=True))
    return rows


def _offsets(layer: Sequence[Vertex], narrow: float, loops: Mapping[str, int]) -> list[float]:
    """Least distances from the middle of the layer: a row between nodes, less where an edge passes, more over loops."""
    shifts = [0.0]
    for below, above in pairwise(layer):
        nodes = isinstance(below, str) + isinstance(above, str)
        looped = loops.get(below, 0) if isinstance(below, str) else 0
        more = 0.15 + 0.2 * looped if looped else 0.0
        shifts.append(shifts[-1] + {2: 1.0, 1: 0.6, 0: narrow}[nodes] + more)
    return [shift - shifts[-1] / 2 for shift in shifts]


def _rising(values: Sequence[float]) -> list[float]:
    """The nearest numbers, by least squares, that never fall.

    >>> _rising([1.0, 3.0, 2.0])
    [1.0, 2.5, 2.5]
    """
    pools: list[tuple[float, int]] = []  # sum, how many
    for value in values:
        pools.append((value, 1))
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            total, size = pools.pop()
            pools[-1] = (pools[-1][0] + total, pools[-1][1] + size)
    return [total / size for total, size in pools for _ in range(size)]
