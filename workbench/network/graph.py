"""Networks as values: nodes joined by edges that carry a linear map and a delay."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from workbench.atomic import replacing
from workbench.json_text import read_json, require_names
from workbench.network.graph_algorithms import find_cycle, keep_acyclic, reachable, shortest_delays
from workbench.network.operations import Operation, Shape, operation_from_dict, require_operation
from workbench.validation import whole


@dataclass(frozen=True, repr=False)
class Edge:
    """A connection that takes time: target(t) sums operation(source(t - delay)).

    `delay` counts steps (frames of an ANN, ticks of an SNN) and is a whole number >= 0.

    >>> Edge("retina", "v1", Conv(16, kernel=3, stride=2))
    Edge("retina", "v1", Conv(16, kernel=3, stride=2))
    """

    source: str
    target: str
    operation: Operation
    delay: int = 1

    def __post_init__(self) -> None:
        for node in (self.source, self.target):
            if not isinstance(node, str) or not node:
                raise ValueError(f"an edge joins nodes by their names, not {node!r}; use a non-empty string")
        require_operation(self.operation, f"edge {self.name}")
        object.__setattr__(self, "delay", _whole_delay(self.delay, self.name))

    @property
    def name(self) -> str:
        """How messages and tables call the edge: "source -> target"."""
        return f"{self.source} -> {self.target}"

    @property
    def ends(self) -> tuple[str, str]:
        """Source and target."""
        return (self.source, self.target)

    def __repr__(self) -> str:
        delay = "" if self.delay == 1 else f", delay={self.delay}"
        return f'Edge("{self.source}", "{self.target}", {self.operation!r}{delay})'


@dataclass(frozen=True, repr=False)
class Network:
    """A directed graph with delays, validated when it is made; nodes sum what arrives, edges are linear.

    `inputs` maps input nodes to shapes, `edges` are kept in the order given, `output` is the target of the last edge
    unless named. Raises ValueError (edge, fact, cure) for shapes that disagree, unknown or unreachable nodes, an edge
    into an input, a zero-delay cycle, parallel edges of equal delay.

    >>> network = Network({"image": (1, 4, 4)}, [Edge("image", "hidden", Dense(3)), Edge("hidden", "class", Dense(2))])
    >>> network.output, network.shapes["hidden"], network.first_response["class"]
    ('class', (3,), 2)
    """

    inputs: Mapping[str, Shape]
    edges: Sequence[Edge]
    output: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.inputs, Mapping) or not self.inputs:
            raise ValueError('a network needs inputs, a dict of node and shape such as {"retina": (2, 34, 34)}')
        shapes = {node: _whole_shape(node, shape) for node, shape in self.inputs.items()}
        edges = tuple(self.edges)
        if not edges or not all(isinstance(edge, Edge) for edge in edges):
            raise ValueError(f"a network needs a list of at least one Edge, not {self.edges!r}")
        object.__setattr__(self, "inputs", MappingProxyType(shapes))
        object.__setattr__(self, "edges", edges)
        object.__setattr__(self, "output", self.output or edges[-1].target)
        self._validate_ends()
        self._validate_delays()
        self.shapes  # noqa: B018  # computed once here so that disagreeing shapes are refused at once

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """Inputs first, then the others in the order in which edges first reach them."""
        return tuple(dict.fromkeys([*self.inputs, *(edge.target for edge in self.edges)]))

    @cached_property
    def hidden(self) -> tuple[str, ...]:
        """The nodes between inputs and output: those with a neuron."""
        return tuple(node for node in self.nodes if node not in self.inputs and node != self.output)

    @property
    def shapes(self) -> dict[str, Shape]:
        """Shape of every node, without step and batch."""
        return dict(self._shapes)

    def shape_of(self, node: str) -> Shape:
        """Shape of one node; KeyError where there is none of this name."""
        return self._shapes[node]

    @cached_property
    def _shapes(self) -> dict[str, Shape]:
        shapes: dict[str, Shape] = dict(self.inputs)
        reached_by: dict[str, Edge] = {}
        new = list(shapes)
        while new:
            ready = [self.edges[p] for p in sorted(p for node in new for p in self.outgoing(node))]
            new = []
            for edge in ready:
                shape = _target_shape(edge, shapes[edge.source])
                if edge.target not in shapes:
                    shapes[edge.target], reached_by[edge.target] = shape, edge
                    new.append(edge.target)
                elif shapes[edge.target] != shape:
                    raise ValueError(
                        f"node {edge.target!r}: edge {edge.name} ({edge.operation!r}) brings shape {shape}, but edge "
                        f"{reached_by[edge.target].name} brings {shapes[edge.target]}; all edges into a node must "
                        "agree, so change channels, stride or units of one of them"
                    )
        return shapes

    @property
    def first_response(self) -> dict[str, int]:
        """Smallest sum of delays on any path from an input to each node, in steps."""
        return dict(self._first_response)

    def first_response_of(self, node: str) -> int:
        """First response of one node; KeyError where there is none of this name."""
        return self._first_response[node]

    @cached_property
    def _first_response(self) -> dict[str, int]:
        return shortest_delays(self.inputs, ((*edge.ends, edge.delay) for edge in self.edges))

    def incoming(self, node: str) -> tuple[int, ...]:
        """Positions of the edges into a node."""
        return self._incoming.get(node, ())

    def outgoing(self, node: str) -> tuple[int, ...]:
        """Positions of the edges out of a node."""
        return self._outgoing.get(node, ())

    @cached_property
    def _incoming(self) -> dict[str, tuple[int, ...]]:
        return _group(edge.target for edge in self.edges)

    @cached_property
    def _outgoing(self) -> dict[str, tuple[int, ...]]:
        return _group(edge.source for edge in self.edges)

    def streaming(self) -> Network:
        """The same network with every connection taking time: delay max(1, delay)."""
        return self._with_delays_of(lambda edge: max(1, edge.delay))

    def sequential(self) -> Network:
        """The conventional rollout: delay 0 wherever that closes no zero-delay cycle with the edges listed before.

        An edge that would close one keeps its delay, at least 1; so does one whose parallel edge has delay 0 already.
        """
        kept = keep_acyclic(edge.ends for edge in self.edges)
        instant: set[tuple[str, str]] = set()
        done: list[Edge] = []
        for edge, opens in zip(self.edges, kept, strict=True):
            done.append(replace(edge, delay=0 if opens and edge.ends not in instant else max(1, edge.delay)))
            if opens:
                instant.add(edge.ends)
        return replace(self, edges=done)

    def slowed(self, k: int) -> Network:
        """The same network on a clock k times finer: every delay times k."""
        factor = whole(k)
        if factor is None or factor < 1:
            raise ValueError(f"slowed({k!r}): the factor must be a whole number of at least 1")
        return self._with_delays_of(lambda edge: edge.delay * factor)

    def with_delays(self, delays: Mapping[tuple[str, str], int]) -> Network:
        """The same network with new delays, {(source, target): delay}; edges not named keep theirs."""
        count = Counter(edge.ends for edge in self.edges)
        for pair in delays:
            if pair not in count:
                known = ", ".join(edge.name for edge in self.edges)
                named = " -> ".join(map(str, pair)) if isinstance(pair, tuple) else repr(pair)
                raise ValueError(f"with_delays: there is no edge {named}; the edges are {known}")
            if count[pair] > 1:
                raise ValueError(
                    f"with_delays: {' -> '.join(pair)} names {count[pair]} parallel edges, which must differ in "
                    "delay; write a new Network with the delays you want"
                )
        return self._with_delays_of(lambda edge: delays.get(edge.ends, edge.delay))

    def to_json(self) -> str:
        """The network as plain JSON; `Network.from_json` reads it back."""
        edges = [
            {"source": e.source, "target": e.target, "operation": e.operation.to_dict(), "delay": e.delay}
            for e in self.edges
        ]
        inputs = {node: list(shape) for node, shape in self.inputs.items()}
        return json.dumps({"workbench": 1, "inputs": inputs, "edges": edges, "output": self.output}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Network:
        """The network that `to_json` wrote; ValueError that says what is wrong with any other text."""
        try:
            data = read_json(text)
        except ValueError as error:
            raise ValueError(f"this is no network: {error}") from error
        if not isinstance(data, dict) or data.get("workbench") != 1:
            raise ValueError('this is no network of the workbench: expected {"workbench": 1, "inputs": ..., ...}')
        require_names("this network", data, ("workbench", "inputs", "edges", "output"))
        inputs, listed, output = data["inputs"], data["edges"], data["output"]
        if not isinstance(inputs, dict) or not isinstance(listed, list) or not isinstance(output, str) or not output:
            raise ValueError(
                "this network is incomplete: its inputs must be shapes by name, its edges a list, its output a name"
            )
        for number, edge in enumerate(listed):
            require_names(f"this network: edge {number}", edge, ("source", "target", "operation", "delay"))
        edges = [Edge(e["source"], e["target"], operation_from_dict(e["operation"]), e["delay"]) for e in listed]
        return cls(inputs, edges, output)

    def save(self, path: str | Path) -> None:
        """Write the network as JSON, whole or not at all."""
        with replacing(path) as aside:
            aside.write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Network:
        """Read a network that `save` wrote; ValueError names the file."""
        if Path(path).exists() and not Path(path).is_file():
            raise ValueError(f"{path} is no ordinary file; give one that Network.save wrote")
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def __repr__(self) -> str:
        lines = [f"Network(inputs={dict(self.inputs)!r},", "        edges=["]
        lines += [f"            {edge!r}," for edge in self.edges]
        output = "" if self.output == self.edges[-1].target else f", output={self.output!r}"
        return "\n".join([*lines, f"        ]{output})"])

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((frozenset(self.inputs.items()), self.edges, self.output))

    def __reduce__(self) -> tuple[Any, ...]:
        return (Network, (dict(self.inputs), self.edges, self.output))

    def __deepcopy__(self, memo: dict[int, Any]) -> Network:
        return self  # a value: nothing in it can change

    def _with_delays_of(self, delay: Callable[[Edge], int]) -> Network:
        return replace(self, edges=[replace(edge, delay=delay(edge)) for edge in self.edges])

    def _validate_ends(self) -> None:
        known = set(self.nodes)
        for edge in self.edges:
            if edge.source not in known:
                raise ValueError(
                    f"edge {edge.name}: unknown node {edge.source!r}; it is neither an input nor the target of an "
                    f"edge; known are {', '.join(self.nodes)}"
                )
            if edge.target in self.inputs:
                raise ValueError(
                    f"edge {edge.name} leads into the input {edge.target!r}; an input is given from outside, so end "
                    "the edge in another node"
                )
        if self.output not in self.nodes or self.output in self.inputs:
            raise ValueError(
                f"output={self.output!r} is an unknown node or an input; choose one of "
                f"{', '.join(node for node in self.nodes if node not in self.inputs)}"
            )
        unreached = known - reachable(self.inputs, [edge.ends for edge in self.edges])
        if unreached:
            nodes = ", ".join(repr(node) for node in self.nodes if node in unreached)
            raise ValueError(f"unreachable from any input: node {nodes}; add an edge that leads there, or leave it out")

    def _validate_delays(self) -> None:
        seen: set[tuple[str, str, int]] = set()
        for edge in self.edges:
            if (*edge.ends, edge.delay) in seen:
                raise ValueError(
                    f"two edges {edge.name} have the same delay {edge.delay}; parallel edges must differ in delay, so "
                    "change one or leave it out"
                )
            seen.add((*edge.ends, edge.delay))
        cycle = find_cycle(edge.ends for edge in self.edges if edge.delay == 0)
        if cycle:
            raise ValueError(
                f"zero-delay cycle {' -> '.join(cycle)}: each of these nodes would wait for itself; give one of these "
                "edges a delay of at least 1"
            )


def _group(nodes: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """By node, at which positions it stands."""
    positions: dict[str, list[int]] = {}
    for position, node in enumerate(nodes):
        positions.setdefault(node, []).append(position)
    return {node: tuple(found) for node, found in positions.items()}


def _target_shape(edge: Edge, source: Shape) -> Shape:
    try:
        return edge.operation.output_shape(source)
    except ValueError as error:
        raise ValueError(f"edge {edge.name}: {error}") from error


def _whole_delay(delay: Any, name: str) -> int:
    steps = whole(delay)
    if steps is None or steps < 0:
        raise ValueError(f"edge {name}: delay {delay!r} must be a whole number of steps, 0 or more")
    return steps


def _whole_shape(node: str, shape: Any) -> Shape:
    sizes = tuple(whole(size) for size in shape) if isinstance(shape, Iterable) else ()
    if not sizes or not all(size is not None and size >= 1 for size in sizes):
        raise ValueError(f"input {node!r}: shape {shape!r} must be a tuple of whole numbers >= 1 such as (2, 34, 34)")
    return tuple(size for size in sizes if size is not None)
