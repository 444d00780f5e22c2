"""The network unrolled over a window of frames: which node reads which, and in which order all can be computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from workbench.network.graph import Network
from workbench.network.graph_algorithms import connected_components, reachable, topological_order
from workbench.validation import whole

Place = tuple[str, int]  # (node, frame)


@dataclass(frozen=True)
class Rollout:
    """The window of a network: its nodes times frames 0 .. frames - 1, each reading its sources `delay` frames ago.

    A window of size W in Fischer's terms has W + 1 frames. In frame 0 every node counts as known (S_init = 1), inputs
    count as known in every frame.

    Source: Fischer, Koehler, Pfeil 2018, The streaming rollout of deep networks, arXiv 1806.04965.

    >>> network = Network({"u": (1,)}, [Edge("u", "v", Dense(1)), Edge("v", "w", Dense(1), delay=0)])
    >>> Rollout(network, frames=3).tableau
    ((0, 0, 0), (0, 1, 2), (0, 1, 2))
    """

    network: Network
    frames: int

    def __post_init__(self) -> None:
        given: object = self.network
        if not isinstance(given, Network):
            inside = hasattr(given, "network")
            cure = "give its graph: wb.Rollout(model.network, frames)" if inside else "give wb.Network(inputs, edges)"
            raise ValueError(f"wb.Rollout takes a wb.Network, not a {type(given).__name__}; {cure}")
        frames = whole(self.frames)
        if frames is None or frames < 1:
            raise ValueError(f"Rollout: frames must be a whole number of at least 1, not {self.frames!r}")
        object.__setattr__(self, "frames", frames)

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Every (node, frame) of the window, frame by frame."""
        return tuple((node, frame) for frame in range(self.frames) for node in self.network.nodes)

    @cached_property
    def reads(self) -> tuple[tuple[Place, Place], ...]:
        """Every ((source, frame - delay), (target, frame)) inside the window, in the order of the edges."""
        return tuple(
            ((edge.source, frame - edge.delay), (edge.target, frame))
            for edge in self.network.edges
            for frame in range(edge.delay, self.frames)
        )

    @cached_property
    def tableau(self) -> tuple[tuple[int, ...], ...]:
        """Inference tableau T: one row per frame, one column per node: the update after which the value is known.

        T = 0 for inputs and in frame 0, else 1 + the largest T among the sources inside the window.
        """
        updates = self._updates()
        return tuple(tuple(updates[node, frame] for node in self.network.nodes) for frame in range(self.frames))

    @property
    def inference_factor(self) -> int:
        """F = the largest T in frame 1 of the window with two frames.

        It is 1 for every streaming rollout, and exactly where all edges but those from inputs take time.
        """
        return max(Rollout(self.network, 2).tableau[1])

    @property
    def first_response(self) -> dict[str, int]:
        """Frames until each node can know anything of the input: the smallest sum of delays from an input."""
        return self.network.first_response

    def past(self, node: str, frame: int) -> frozenset[Place]:
        """Every other (node, frame) of the window that influences this one."""
        return self._cone(node, frame, ((target, source) for source, target in self.reads))

    def future(self, node: str, frame: int) -> frozenset[Place]:
        """Every other (node, frame) of the window that this one influences."""
        return self._cone(node, frame, self.reads)

    def _cone(self, node: str, frame: int, pairs: Iterable[tuple[Place, Place]]) -> frozenset[Place]:
        place = (node, frame)
        if place not in self.places:
            raise ValueError(
                f"({node!r}, {frame!r}) is not in the window of frames 0 to {self.frames - 1} with nodes "
                f"{', '.join(self.network.nodes)}"
            )
        return frozenset(reachable([place], pairs) - {place})

    def _updates(self) -> Mapping[Place, int]:
        """T of every place, found in topological order of the zero-delay edges within each frame."""
        instant = [edge.ends for edge in self.network.edges if edge.delay == 0]
        order = topological_order(self.network.nodes, instant)
        incoming = {node: [self.network.edges[p] for p in self.network.incoming(node)] for node in order}
        updates: dict[Place, int] = {}
        for frame in range(self.frames):
            for node in order:
                sources = [updates[e.source, frame - e.delay] for e in incoming[node] if e.delay <= frame]
                known = frame == 0 or node in self.network.inputs
                updates[node, frame] = 0 if known else 1 + max(sources, default=0)
        return updates


def count_rollouts(network: Network) -> int:
    """Number of valid rollout patterns R: edges -> {0, 1}, those without a cycle of zero-delay edges.

    Edges on no cycle are free (a factor 2 each). Within a strongly connected part the zero-delay edges must form an
    acyclic graph; those are counted by inclusion-exclusion over the sets of nodes that no edge enters,
    a(S) = sum over non-empty T of (-1)^(|T| + 1) 2^(edges from T to S - T) a(S - T).

    Source: lemma 1 of Fischer, Koehler, Pfeil 2018; the recursion is Robinson 1973, Counting labeled acyclic digraphs.

    >>> ends = ["uv", "vw", "vv", "uw", "wv"]
    >>> count_rollouts(Network({"u": (1,)}, [Edge(a, b, Dense(1)) for a, b in ends]))
    12
    """
    parts = connected_components(network.nodes, [edge.ends for edge in network.edges])
    number = {node: place for place, part in enumerate(parts) for node in part}
    inside: list[list[tuple[str, str]]] = [[] for _ in parts]
    for source, target in (edge.ends for edge in network.edges):
        if number[source] == number[target]:
            inside[number[source]].append((source, target))
    total: int = 1
    for part, pairs in zip(parts, inside, strict=True):
        if len(part) > 12:
            raise ValueError(
                f"count_rollouts: {len(part)} nodes lie on common cycles; counting is for small graphs, at most 12"
            )
        total *= _count_acyclic(part, pairs, {})
    return total << (len(network.edges) - sum(map(len, inside)))


def _count_acyclic(nodes: frozenset[str], pairs: list[tuple[str, str]], known: dict[frozenset[str], int]) -> int:
    """Number of subsets of the pairs within these nodes that form no cycle; self loops never take part."""
    if not nodes:
        return 1
    if nodes not in known:
        known[nodes] = sum(
            (-1) ** (size + 1)
            * (1 << sum(a in chosen and b in nodes and b not in chosen for a, b in pairs))
            * _count_acyclic(nodes - frozenset(chosen), pairs, known)
            for size in range(1, len(nodes) + 1)
            for chosen in combinations(sorted(nodes), size)
        )
    return known[nodes]
