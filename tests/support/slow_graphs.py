"""What is asked of whole graphs, by its definition: node by node and edge by edge, with no thought of time."""

from collections.abc import Iterable, Mapping, Sequence

import networkx
import numpy as np

import workbench as wb
from workbench.figures._layout.edge_routing import Text, Viewport
from workbench.figures._layout.layered_layout import Point

Pair = tuple[object, object]


def keep_acyclic(pairs: Iterable[Pair]) -> list[bool]:
    """Whether each pair closes no cycle with those kept before it."""
    graph, kept = networkx.DiGraph(), []
    for source, target in pairs:
        graph.add_nodes_from((source, target))
        kept.append(source != target and not networkx.has_path(graph, target, source))
        if kept[-1]:
            graph.add_edge(source, target)
    return kept


def sequential_delays(network: wb.Network) -> list[int]:
    """Going through the edges as listed: 0 unless that closes a zero-delay cycle with those before, or is there."""
    instant: list[Pair] = []
    delays = []
    for edge in network.edges:
        good = keep_acyclic([*instant, edge.ends])[-1] and edge.ends not in instant
        delays.append(0 if good else max(1, edge.delay))
        instant += [edge.ends] * good
    return delays


def shapes(inputs: Mapping[str, tuple[int, ...]], edges: Sequence[wb.Edge]) -> dict[str, tuple[int, ...]]:
    """In rounds: every edge whose source had a shape before the round gives its target one; ValueError where two do."""
    known, reached_by, waiting = dict(inputs), {}, list(edges)
    while waiting:
        ready = [edge for edge in waiting if edge.source in known]
        waiting = [edge for edge in waiting if edge.source not in known]
        for edge in ready:
            shape = edge.operation.output_shape(known[edge.source])
            if known.setdefault(edge.target, shape) != shape:
                raise ValueError(f"edge {edge.name} ({edge.operation!r}) brings shape {shape}, but edge "
                                 f"{reached_by[edge.target].name} brings {known[edge.target]}")  # fmt: skip
            reached_by.setdefault(edge.target, edge)
    return known


def steps_at_once(network: wb.Network, part: Iterable[str]) -> int | None:
    """The largest C such that the edges inside with delay < C form no cycle; None where there is no bound."""
    inside = [edge for edge in network.edges if {*edge.ends} <= {*part}]
    for delay in sorted({edge.delay for edge in inside}):
        if not networkx.is_directed_acyclic_graph(networkx.DiGraph(e.ends for e in inside if e.delay <= delay)):
            return delay
    return None


def layers(network: wb.Network) -> dict[str, int]:
    """Longest path from an input along the edges that close no cycle with those nearer to the inputs; output last."""
    graph = networkx.DiGraph([edge.ends for edge in network.edges])
    graph.add_nodes_from(network.nodes)
    hops = networkx.multi_source_dijkstra_path_length(graph, set(network.inputs), weight=None)
    ends = sorted((edge.ends for edge in network.edges), key=lambda pair: (hops[pair[0]], hops[pair[1]]))
    forward = networkx.DiGraph([pair for pair, kept in zip(ends, keep_acyclic(ends), strict=True) if kept])
    forward.add_nodes_from(network.nodes)
    found: dict[str, int] = {}
    for node in networkx.topological_sort(forward):
        found[node] = 1 + max((found[source] for source in forward.predecessors(node)), default=-1)
    if not forward.out_degree(network.output):
        found[network.output] = max(found.values())
    return found


def find_badge_positions(
    paths: Sequence[list[Point]], viewport: Viewport, texts: Mapping[str, Text], size: float
) -> list[Point]:
    """On every path the point nearest its middle that is clear of all nodes, names and badges before it."""
    scale = np.array([viewport.across, viewport.down])
    nodes = np.array(list(viewport.layout.nodes.values())) * scale
    left, right, low, high = np.array([text.box for text in texts.values()]).T
    placed: list[Point] = []
    for path in paths:
        fine = np.linspace(0, len(path) - 1, 41)
        points = np.stack([np.interp(fine, range(len(path)), column) for column in zip(*path, strict=True)], axis=1)
        points = points[sorted(range(41), key=lambda i: abs(i - 20))]
        x, y = np.hsplit(points * scale, 2)
        room = np.hypot(x - nodes[:, 0], y - nodes[:, 1]).min(1) - (viewport.size + size) / 2
        aside = np.maximum(np.maximum(left - x, x - right), np.maximum(low - y, y - high)).min(1) - size / 2
        room = np.minimum(room, aside)
        if placed:
            others = np.array(placed) * scale
            room = np.minimum(room, np.hypot(x - others[:, 0], y - others[:, 1]).min(1) - size)
        clear = np.flatnonzero(room > 2)
        chosen = points[clear[0] if len(clear) else int(room.argmax())]
        placed.append((float(chosen[0]), float(chosen[1])))
    return placed
