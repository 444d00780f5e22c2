"""Paths in a directed graph given as (source, target) pairs: what can be reached, what is cyclic, in which order."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable
from graphlib import CycleError, TopologicalSorter
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


def connected_parts(nodes: Iterable[Node], pairs: Iterable[tuple[Node, Node]]) -> tuple[frozenset[Node], ...]:
    """The strongly connected parts, in an order in which every pair between two parts leads forward.

    >>> [sorted(part) for part in connected_parts("abc", ["ab", "bc", "cb"])]
    [['a'], ['b', 'c']]
    """
    pairs = list(pairs)
    after = {node: reachable([node], pairs) for node in nodes}
    parts = dict.fromkeys(frozenset(other for other in found if node in after[other]) for node, found in after.items())
    # a part that leads to others reaches strictly more nodes than they do
    return tuple(sorted(parts, key=lambda part: -len(after[next(iter(part))])))


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
