"""Paths in a directed graph given as (source, target) pairs: what can be reached, what is cyclic, in which order."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from math import isqrt
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def reachable(starts: Iterable[Node], pairs: Iterable[tuple[Node, Node]]) -> set[Node]:
    """Nodes on any directed path from one of the starts, starts included.

    >>> sorted(reachable("a", ["ab", "bc", "dc"]))
    ['a', 'b', 'c']
    """
    following: dict[Node, list[Node]] = {}
    for source, target in pairs:
        following.setdefault(source, []).append(target)
    found = set(starts)
    waiting = list(found)
    while waiting:
        for node in following.get(waiting.pop(), ()):
            if node not in found:
                found.add(node)
                waiting.append(node)
    return found


def find_cycle(pairs: Iterable[tuple[Node, Node]]) -> list[Node]:
    """Nodes along one directed cycle, the first repeated at the end; [] if there is none.

    >>> find_cycle(["ab", "bc"])
    []
    """
    sorter: TopologicalSorter[Node] = TopologicalSorter()
    for source, target in pairs:
        sorter.add(target, source)
    try:
        sorter.prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def topological_order(nodes: Iterable[Node], pairs: Iterable[tuple[Node, Node]]) -> tuple[Node, ...]:
    """The nodes so that every pair leads forward; the pairs must form no cycle.

    >>> topological_order("cba", ["ab", "bc"])
    ('a', 'b', 'c')
    """
    sorter: TopologicalSorter[Node] = TopologicalSorter({node: () for node in nodes})
    for source, target in pairs:
        sorter.add(target, source)
    return tuple(sorter.static_order())


def connected_components(nodes: Iterable[Node], pairs: Iterable[tuple[Node, Node]]) -> tuple[frozenset[Node], ...]:
    """The strongly connected parts, in an order in which every pair between two parts leads forward.

    That is the order of the nodes wherever it leads forward. Time grows with nodes and pairs.

    Source: the two searches of Kosaraju and Sharir 1981.

    >>> [sorted(part) for part in connected_components("abc", ["ab", "bc", "cb"])]
    [['a'], ['b', 'c']]
    """
    following: dict[Node, list[Node]] = {node: [] for node in nodes}
    preceding: dict[Node, list[Node]] = {node: [] for node in following}
    for source, target in pairs:
        following[source].append(target)
        preceding[target].append(source)
    parts: list[frozenset[Node]] = []
    found: set[Node] = set()
    for root in reversed(_finish(following)):
        if root not in found:
            found.add(root)
            part = [root]
            for node in part:
                new = [other for other in dict.fromkeys(preceding[node]) if other not in found]
                found.update(new)
                part += new
            parts.append(frozenset(part))
    return tuple(parts)


def _finish(following: Mapping[Node, Sequence[Node]]) -> list[Node]:
    """The nodes in the order in which a search in depth, begun from the last of them, leaves them.

    Where there is no cycle, a node comes after all that it leads to.
    """
    done: list[Node] = []
    seen: set[Node] = set()
    for root in reversed(list(following)):
        if root in seen:
            continue
        seen.add(root)
        path = [(root, iter(following[root]))]
        while path:
            node, left = path[-1]
            step = next((other for other in left if other not in seen), None)
            if step is None:
                path.pop()
                done.append(node)
            else:
                seen.add(step)
                path.append((step, iter(following[step])))
    return done


def keep_acyclic(pairs: Iterable[tuple[Node, Node]]) -> list[bool]:
    """Whether each pair, taken one after the other, is kept: unless it would close a cycle with those kept before it.

    Pairs between two strongly connected parts close none. The others are taken in blocks; before each block one pass
    over what is kept finds, for every node, which sources of the block it leads to, as bits of a number. So time grows
    with the number m of pairs within such parts like m to the power 3/2, whatever the graph.

    >>> keep_acyclic(["ab", "bc", "ca", "ac", "bb"])
    [True, True, False, True, False]
    """
    pairs = list(pairs)
    nodes = dict.fromkeys(node for pair in pairs for node in pair)
    part = {node: number for number, some in enumerate(connected_components(nodes, pairs)) for node in some}
    within = [place for place, (source, target) in enumerate(pairs) if part[source] == part[target]]
    size = 2 * isqrt(len(within)) + 1
    following: dict[Node, list[Node]] = {node: [] for place in within for node in pairs[place]}
    kept = [True] * len(pairs)
    for begin in range(0, len(within), size):
        places = within[begin : begin + size]
        for place, good in zip(places, _keep_block([pairs[place] for place in places], following), strict=True):
            kept[place] = good
    return kept


def _keep_block(pairs: Sequence[tuple[Node, Node]], following: dict[Node, list[Node]]) -> Iterator[bool]:
    """Add each of some pairs to a graph without cycles unless it closes one; whether it was added."""
    bits = {source: 1 << number for number, source in enumerate(dict.fromkeys(source for source, _ in pairs))}
    reached: dict[Node, int] = {}  # by node, the sources of these pairs that it leads to or is
    for node in _finish(following):
        found = bits.get(node, 0)
        for other in following[node]:
            found |= reached[other]
        reached[node] = found
    reached = {target: reached[target] for _, target in pairs}
    for source, target in pairs:
        bit, more = bits[source], reached[target]
        yield not more & bit
        if not more & bit:
            following[source].append(target)
            reached.update((node, found | more) for node, found in reached.items() if found & bit)


def shortest_delays(starts: Iterable[Node], delays: Iterable[tuple[Node, Node, int]]) -> dict[Node, int]:
    """Smallest sum of delays from any of the starts to each node that (source, target, delay) triples reach.

    >>> shortest_delays("a", [("a", "b", 1), ("b", "c", 1), ("a", "c", 3)])
    {'a': 0, 'b': 1, 'c': 2}
    """
    leaving: dict[Node, list[tuple[Node, int]]] = {}
    for source, target, delay in delays:
        leaving.setdefault(source, []).append((target, delay))
    shortest: dict[Node, int] = {}
    waiting = [(0, count, node) for count, node in enumerate(starts)]
    count = len(waiting)  # nodes need no order of their own: equal delays leave in the order they came
    while waiting:
        total, _, node = heapq.heappop(waiting)
        if node not in shortest:
            shortest[node] = total
            for target, delay in leaving.get(node, ()):
                heapq.heappush(waiting, (total + delay, count, target))
                count += 1
    return shortest
