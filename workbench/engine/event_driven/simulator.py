"""The event-driven simulator: components of a network computed spike by spike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from workbench.engine.block_plan import Component, Plan
from workbench.engine.event_driven.cost_model import find_grain
from workbench.engine.event_driven.parameters import Parameters
from workbench.engine.event_driven.spike_lists import SpikeLists
from workbench.engine.kernels.event_kernels import (
    ANSWERS,
    BEFORE,
    BEGIN,
    BIAS,
    END,
    FIRES,
    FROM_EDGE,
    MEMBRANE,
    NODE_COLUMNS,
    TO_EDGE,
    UNITS,
    simulate,
)
from workbench.engine.kernels.neuron_scan import Dynamics
from workbench.engine.kernels.parallel import parallel_for
from workbench.engine.kernels.scatter_kernels import EDGE_COLUMNS, SOURCE, find_kind
from workbench.engine.kernels.simd import LANES
from workbench.engine.kernels.synapse_layouts import arrange_weights, make_table
from workbench.engine.kernels.synapse_tables import SynapseTable, find_sources
from workbench.network import Shape


@dataclass(frozen=True, eq=False)
class Membranes:
    """Membranes of several nodes one after the other, and the counts of neurons that keep one: `sent`.

    `places` is where each node begins, `shown` (batch, *shape) are the same numbers in the same memory, with counts
    (2, batch, *shape).
    """

    places: Mapping[str, int]
    level: NDArray[np.float32]
    sent: NDArray[np.float32]
    shown: Mapping[str, Tensor]


class Simulator:
    """A plan's nodes and edges as the tables of `event_kernels.simulate`, made once.

    `numbers` is the row of each node in the table `nodes`, whose last columns are filled in for every block; `edges`
    are those into the nodes `reached`, each of which must have a table of fan-outs. `grains` (nodes) are how many units
    of a node cannot be parted from each other when several threads share one recording.
    """

    def __init__(self, plan: Plan, learned: Parameters, reached: frozenset[str]) -> None:
        network = plan.network
        self.shapes = network.shapes
        self.counting = frozenset(node for node, dynamics in learned.dynamics.items() if dynamics.keeps_count)
        self.numbers = {node: number for number, node in enumerate(plan.lead)}
        self.nodes = np.zeros((len(self.numbers), NODE_COLUMNS), np.int64)
        self.dynamics = np.array([learned.dynamics.get(node, Dynamics()) for node in self.numbers], np.float64)
        self.extra_biases, self.periods = tabulate_biases(learned.extra_biases, list(self.numbers))
        edges: list[list[int]] = []
        self.fan_outs: list[SynapseTable] = []
        runs, weights, biases = ArrayStack(np.int32, 5), ArrayStack(), ArrayStack()
        for node, number in self.numbers.items():
            row, shape = self.nodes[number], network.shape_of(node)
            row[UNITS], row[ANSWERS] = math.prod(shape), network.first_response_of(node)
            row[FIRES] = node not in network.inputs and node != network.output
            row[FROM_EDGE] = len(edges)
            for position in network.incoming(node) if node in reached else ():
                edge = network.edges[position]
                source = network.shape_of(edge.source)
                table = make_table(edge.operation, source)
                self.fan_outs.append(table)
                given = arrange_weights(edge.operation, source, learned.weights[position], learned.gains.get(position))
                place = runs.add(table.runs), weights.add(given)
                edges.append(
                    [self.numbers[edge.source], plan.delays[position], position, *place, *describe_edge(table)]
                )
            row[TO_EDGE] = len(edges)
            if node in reached:
                bias = learned.biases[node].detach().view(-1, *[1] * (len(shape) - 1)).expand(shape)
                row[BIAS] = biases.add(flatten_units(bias[None]))
        self.edges = np.array(edges, np.int64).reshape(-1, EDGE_COLUMNS)
        self.runs, self.weights, self.biases = runs.joined(), weights.joined(), biases.joined()
        grains = {
            node: find_grain(network, component, node) for component in plan.components for node in component.nodes
        }
        self.grains = np.array([grains[node] for node in self.numbers], np.int64)

    def compute(
        self,
        components: Sequence[Component],
        lists: SpikeLists,
        membranes: dict[str, Tensor | None],
        operations: NDArray[np.float64],
        before: Membranes | None,
    ) -> Membranes:
        """Run the nodes of these components through the block of the lists, one component after the other.

        The lists, the membranes and the operations (lanes, edges) are written on. `before` is what the block
        before this one gave for the same nodes: their membranes, unless they were computed elsewhere meanwhile.
        """
        nodes = [node for component in components for node in component.nodes if self.nodes[self.numbers[node], FIRES]]
        if before is None or any(membranes.get(node) is not before.shown[node] for node in nodes):
            before = self._gather(nodes, membranes)
        after = self._make_room(nodes, lists.batch)
        for node in nodes:
            region = lists.regions[self.numbers[node]]
            region[BEFORE], region[MEMBRANE] = before.places[node], after.places[node]
        learned = self.edges, self.runs, self.dynamics, self.weights, self.biases, self.extra_biases, self.periods
        tables = lists.regions, *learned, before.level, before.sent, after.level, after.sent
        lanes, spans = lists.batch * lists.bands, np.zeros((len(self.edges), lists.bands, 2), np.int64)
        for group in [components] if lists.bands == 1 else [[component] for component in components]:
            members = np.array([self.numbers[node] for component in group for node in component.nodes])
            begins = np.cumsum([0, *(len(component.nodes) for component in group)])
            steps = lists.regions[members, END] - lists.regions[members, BEGIN]
            numbers = int(self.nodes[members, UNITS] @ steps) * lists.batch
            self._find_spans(members, lists, spans)
            which = begins, members, lists.cuts, spans, *tables
            parallel_for(simulate.compiled(), lanes, numbers, *which, *lists.arrays, operations)
        membranes.update(after.shown)
        return after

    def _gather(self, nodes: Sequence[str], membranes: Mapping[str, Tensor | None]) -> Membranes:
        """The membranes of these nodes from wherever they are; -1 is the place of those that begin."""
        level, sent, places = ArrayStack(), ArrayStack(), {}
        for node in nodes:
            membrane = membranes.get(node)
            if membrane is None:
                places[node] = -1
                continue
            potential, *counts = membrane if node in self.counting else (membrane,)
            places[node] = level.add(flatten_units(potential))
            for count in counts or ((torch.zeros_like(potential),) if self.counting else ()):
                sent.add(flatten_units(count))
        return Membranes(places, level.joined(), sent.joined(), {})

    def _make_room(self, nodes: Sequence[str], batch: int) -> Membranes:
        """Where the membranes of these nodes are to be written, and the tensors that will show them."""
        sizes = [batch * math.prod(self.shapes[node]) for node in nodes]
        ends = [0, *accumulate(sizes)]
        places = dict(zip(nodes, ends, strict=False))
        room = torch.empty(2 if self.counting else 1, ends[-1], dtype=torch.float32)
        shown = {
            node: unflatten_units(
                room[:, begin:end] if node in self.counting else room[0, begin:end], batch, self.shapes[node]
            )
            for node, (begin, end) in zip(nodes, pairwise(ends), strict=True)
        }
        level, sent = room[0].numpy(), room[1:].flatten().numpy()
        return Membranes(places, level, sent, shown)

    def cut(self, bands: int) -> NDArray[np.int64]:
        """At which unit of each node its bands begin, and where the last one ends (nodes, bands + 1).

        What cannot be divided lies in the first band.
        """
        grains = self.nodes[:, UNITS] // self.grains
        begins: NDArray[np.int64] = -(np.multiply.outer(-grains, np.arange(bands + 1)) // bands)  # rounded up
        return begins * self.grains[:, None]

    def _find_spans(self, members: NDArray[np.int64], lists: SpikeLists, spans: NDArray[np.int64]) -> None:
        """Write which units of the source may reach each band of these nodes, (edges, bands, 2), where there are some.

        Where the units in a list do not rise, all of them may.
        """
        for number in members if lists.bands > 1 else ():
            bands = list(pairwise(lists.cuts[number].tolist()))
            for place in range(self.nodes[number, FROM_EDGE], self.nodes[number, TO_EDGE]):
                source, table = int(self.edges[place, SOURCE]), self.fan_outs[place]
                every = 0, self.nodes[source, UNITS]
                spans[place] = every if source in lists.unsorted else [find_sources(table, *band) for band in bands]


def tabulate_biases(
    extra_biases: Mapping[str, Tensor], nodes: Sequence[str]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """How many more biases than one arrive at each node (nodes, ticks), and after how many ticks that recurs (nodes).

    >>> tabulate_biases({"b": torch.tensor([2.0, -1.0])}, ["a", "b"])[0].tolist()
    [[0.0, 0.0], [2.0, -1.0]]
    """
    periods = np.array([len(extra_biases[node]) if node in extra_biases else 1 for node in nodes], np.int64)
    table = np.zeros((len(nodes), periods.max(initial=1)), np.float32)
    for row, period, node in zip(table, periods, nodes, strict=True):
        if node in extra_biases:
            row[:period] = extra_biases[node].numpy()
    return table, periods


def describe_edge(table: SynapseTable) -> tuple[int, ...]:
    """The last columns of an edge in the kernels' table: how the synapses lie in their table."""
    strides = table.target_row_stride, table.weight_row_stride, table.target_unit_stride, table.weight_unit_stride
    return (*strides, table.depth, table.reciprocal, find_kind(table), table.groups, table.piece)


class ArrayStack:
    """Arrays one after the other, which become one."""

    def __init__(self, kind: DTypeLike = np.float32, *shape: int) -> None:
        self._arrays: list[NDArray[Any]] = [np.zeros((0, *shape), kind)]
        self._length = 0

    def add(self, array: NDArray[Any]) -> int:
        """Append an array; where it begins, which is where a register of numbers does."""
        place, gap = self._length, -len(array) % LANES
        self._arrays += [array, np.zeros((gap, *array.shape[1:]), array.dtype)]
        self._length += len(array) + gap
        return place

    def joined(self) -> NDArray[Any]:
        """All in one, in memory of its own that begins with a line of the cache."""
        shape, kind = (self._length, *self._arrays[0].shape[1:]), self._arrays[0].dtype
        room = torch.empty(math.prod(shape) * kind.itemsize, dtype=torch.uint8).numpy()
        return np.concatenate(self._arrays, out=room.view(kind).reshape(shape))


def flatten_units(values: Tensor) -> NDArray[np.float32]:
    """Values (batch, *shape) one after the other in the order of units: the channels of a position side by side.

    >>> flatten_units(torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])).tolist()
    [1.0, 3.0, 2.0, 4.0]
    """
    return values.movedim(1, -1).contiguous().numpy().ravel()


def unflatten_units(values: Tensor, batch: int, shape: Shape) -> Tensor:
    """Values (..., batch x units) as (..., batch, *shape): the inverse of `flatten_units`, in the same memory.

    >>> unflatten_units(torch.arange(4.0), 1, (2, 1, 2)).tolist()
    [[[[0.0, 2.0]], [[1.0, 3.0]]]]
    """
    return values.view(*values.shape[:-1], batch, *shape[1:], shape[0]).movedim(-1, -len(shape))
