"""Graphs within graphs as one, and what kinds of nodes there are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.exchange.nir_graphs.files import require_nir
from workbench.exchange.nir_graphs.node_fields import require_fields

if TYPE_CHECKING:
    from nir import NIRGraph, NIRNode


@dataclass(frozen=True, eq=False)
class FlatGraph:
    """Nodes by name, edges in the order of the file, and the names of the inputs and outputs of the whole."""

    nodes: Mapping[str, NIRNode]
    edges: Sequence[tuple[str, str]]
    inputs: Sequence[str]
    outputs: Sequence[str]

    def before(self) -> dict[str, list[str]]:
        """By node those that lead into it, in the order of the edges."""
        found: dict[str, list[str]] = {name: [] for name in self.nodes}
        for source, target in self.edges:
            found[target].append(source)
        return found

    def after(self) -> dict[str, list[str]]:
        """By node those that it leads to, in the order of the edges."""
        found: dict[str, list[str]] = {name: [] for name in self.nodes}
        for source, target in self.edges:
            found[source].append(target)
        return found


def flatten_graph(graph: NIRGraph) -> FlatGraph:
    """The graph without graphs inside, whose nodes are called graph.node; ValueError for edges that lead nowhere."""
    for pair in graph.edges:
        if len(pair) != 2 or not all(isinstance(name, str) for name in pair):
            raise ValueError(f"edge {pair!r} is no pair of names; mend the graph")
    nodes, edges = _flatten(graph, "")
    names = {name: unescape_name(name) for name in nodes}
    if len(set(names.values())) < len(names):
        twice = next(name for name in names.values() if list(names.values()).count(name) > 1)
        raise ValueError(f"two nodes are called {twice!r}; give each a name of its own")
    nir = require_nir()
    inputs = [names[name] for name, node in graph.nodes.items() if isinstance(node, nir.Input)]
    outputs = [names[name] for name, node in graph.nodes.items() if isinstance(node, nir.Output)]
    if not inputs or not outputs:
        missing = "Input" if not inputs else "Output"
        raise ValueError(f"it has no {missing} node; add one, with the shape of what it takes or gives")
    pairs = [(names[source], names[target]) for source, target in edges]
    order = {name: number for number, name in enumerate(dict.fromkeys(name for pair in pairs for name in pair))}
    return FlatGraph(
        {names[name]: node for name, node in nodes.items()},
        pairs,
        sorted(inputs, key=lambda name: order.get(name, len(order))),
        outputs,
    )


def unescape_name(name: str) -> str:
    """The name of a node that a file may not hold as it is.

    >>> unescape_name("layer%2F1")
    'layer/1'
    """
    return re.sub("%(25|2F|2E)", lambda found: bytes.fromhex(found[1]).decode(), name)


def _flatten(graph: Any, prefix: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    nir, nodes, edges = require_nir(), {}, []
    enters: dict[str, str] = {}
    leaves: dict[str, str] = {}
    for name, node in graph.nodes.items():
        full = f"{prefix}{name}"
        if isinstance(node, nir.NIRGraph):
            inner, pairs = _flatten(node, f"{full}.")
            ends = [
                [f"{full}.{n}" for n, one in node.nodes.items() if isinstance(one, kind)]
                for kind in (nir.Input, nir.Output)
            ]
            if len(ends[0]) != 1 or len(ends[1]) != 1:
                raise ValueError(
                    f"node {full!r} is a graph with {len(ends[0])} inputs and {len(ends[1])} outputs, and edges name "
                    "none of them; give it one of each"
                )
            enters[full], leaves[full] = ends[0][0], ends[1][0]
            nodes.update(inner)
            edges += pairs
        else:
            require_fields(unescape_name(full), node)
            nodes[full], enters[full], leaves[full] = node, full, full
    for pair in graph.edges:
        source, target = (f"{prefix}{name}" for name in pair)
        for name in (source, target):
            if name not in enters:
                raise ValueError(f"edge {source} -> {target} names {name!r}, and there is no such node; mend the graph")
        edges.append((leaves[source], enters[target]))
    if len(set(edges)) < len(edges):
        twice = next(pair for pair in edges if edges.count(pair) > 1)
        raise ValueError(f"edge {twice[0]} -> {twice[1]} is there twice; a sum of the same needs a Scale of 2")
    return nodes, edges
