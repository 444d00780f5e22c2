"""In which order, and how far ahead of the input, the nodes of a network can be computed in blocks of time."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from workbench.network import (
    Edge,
    Network,
    connected_components,
    find_cycle,
    reachable,
    shortest_delays,
    topological_order,
)


@dataclass(frozen=True)
class Component:
    """A strongly connected component of the graph: its nodes in order, and how many steps they can compute at once.

    `steps` is the largest C such that the component's edges with delay < C form no cycle; None where it has no cycle.
    Nodes that count for a frame compute at most to the end of a frame: then they know what they answer in the next.
    """

    nodes: tuple[str, ...]
    steps: int | None


@dataclass(frozen=True)
class Plan:
    """What has to be computed, and in which order, so that the wanted nodes are known.

    With a block of input that ends at step t, a node is computed up to step t + lead: as soon as what it needs is
    there. Then most sources are read exactly in the blocks in which they were computed, without a copy.

    The network has whole delays, from a drive to the drive that it causes. Of nodes that take time before they answer,
    their `latency`, edges execute what is left: `delays`, by position.
    """

    network: Network
    wanted: tuple[str, ...]
    latency: Mapping[str, int]  # of the nodes that have one
    delays: tuple[int, ...]
    components: tuple[Component, ...]
    lead: Mapping[str, int]  # node -> how many steps it is ahead of the input
    depth: Mapping[str, int]  # node -> steps of its past that edges still read, or that are still wanted
    slack: Mapping[str, int]  # node -> its last so many steps reach no wanted node any more

    def needed(self, node: str, step: int, until: int | None = None) -> tuple[int, int]:
        """The steps of a node, from .. to, that are read again after the input has come to this one."""
        first = max(step + self.lead[node] - self.depth[node], self.network.first_response[node])
        last = step + self.lead[node]
        return first, last if until is None else min(last, until - self.slack[node])


def plan(
    network: Network,
    wanted: Iterable[str],
    ahead: bool = False,
    whole: bool = False,
    latency: Mapping[str, int] | None = None,
) -> Plan:
    """The order in which blocks of time can be computed, without the nodes that the wanted ones do not depend on.

    With `ahead` every node runs ahead of the input as far as the delays allow; otherwise all compute the same steps.
    With `whole` every node is computed to the end, also where it reaches no wanted node. `latency` is how many steps
    nodes take before they answer, of those that do; the edges that they feed must be longer.
    """
    late = tuple((node, steps) for node, steps in (latency or {}).items() if steps)
    return _plan(network, tuple(dict.fromkeys(wanted)), ahead, whole, late)


@lru_cache(maxsize=64)  # a training asks for the same with every batch
def _plan(
    network: Network, wanted: tuple[str, ...], ahead: bool, whole: bool, late: tuple[tuple[str, int], ...]
) -> Plan:
    known = set(network.nodes)
    for node in wanted:
        if node not in known:
            raise ValueError(f"unknown node {node!r} to record; the network has {', '.join(network.nodes)}")
    needed = known if whole else reachable(wanted, ((edge.target, edge.source) for edge in network.edges))
    latency = dict(late)
    delays = tuple(edge.delay - latency.get(edge.source, 0) for edge in network.edges)
    executed = [(edge, delay) for edge, delay in zip(network.edges, delays, strict=True) if edge.target in needed]
    edges = [edge for edge, _ in executed]
    nodes = [node for node in network.nodes if node in needed]
    found = connected_components(nodes, [edge.ends for edge in edges])
    number = {node: place for place, component in enumerate(found) for node in component}
    entering: list[list[tuple[Edge, int]]] = [[] for _ in found]
    inside: list[list[Edge]] = [[] for _ in found]
    for edge, delay in executed:
        if number[edge.source] == number[edge.target]:
            inside[number[edge.target]].append(edge)
        else:
            entering[number[edge.target]].append((edge, delay))
    components = tuple(map(_part, found, inside))
    lead = _leads(components, entering) if ahead else dict.fromkeys(nodes, 0)
    depth = dict.fromkeys(nodes, 0) | {node: lead[node] for node in wanted}
    for edge, delay in executed:
        depth[edge.source] = max(depth[edge.source], lead[edge.source] + delay - lead[edge.target])
    ends = network.nodes if whole else wanted
    slack = shortest_delays(ends, ((edge.target, edge.source, delay) for edge, delay in executed))
    return Plan(network, wanted, latency, delays, components, lead, depth, slack)


def _leads(components: Sequence[Component], entering: Sequence[Sequence[tuple[Edge, int]]]) -> dict[str, int]:
    """How far each component can be ahead of the input: until the first of the edges into it has no more to bring."""
    lead: dict[str, int] = {}
    for component, edges in zip(components, entering, strict=True):
        lead |= dict.fromkeys(component.nodes, min((lead[edge.source] + delay for edge, delay in edges), default=0))
    return lead


def _part(nodes: frozenset[str], inside: Sequence[Edge]) -> Component:
    """A component with these edges inside: the delay from which on they close a cycle is found by halving."""
    delays = sorted({edge.delay for edge in inside})
    least = bisect(delays, False, key=lambda d: bool(find_cycle(e.ends for e in inside if e.delay <= d)))
    steps = delays[least] if least < len(delays) else None
    forward = [edge.ends for edge in inside if steps is None or edge.delay < steps]
    return Component(topological_order(sorted(nodes), forward), steps)
