"""A cost model of both engines: which components of a network to compute spike by spike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from workbench.engine.kernels import synapse_layouts
from workbench.engine.kernels.synapse_layouts import count_written, has_table, make_table
from workbench.engine.scheduler import Component, Plan
from workbench.network import Network

# Nanoseconds on one thread of a server CPU, fitted to the components of the network of benchmarks/engine; what matters
# is how they compare. A dense product, a number that a linear map reads or writes, a unit in the scan:
PRODUCT, MOVED, SCANNED = 0.0045, 0.4, 0.75
# a synaptic operation, a run of weights next to each other, a unit that fires and is listed,
OPERATION, RUN, LISTED = 0.01, 5.5, 0.2
CONVERTED = 0.4  # and a unit that is listed for a neighbour, or shown to one
MIXED = 1.1  # times longer where some components are computed one way and some the other
GAIN = 0.3  # share of the time that a change must save: the first block after it converts between both forms


@dataclass(frozen=True)
class ComponentCost:
    """What there is to do in a component, in one step of one recording.

    `moved` are the numbers that its edges read and write; `operations` and `runs` of weights are those of every
    source if all of its units were active. `divided` is whether several threads can share a recording spike by
    spike.
    """

    divided: bool
    products: int
    moved: int
    units: int
    operations: Mapping[str, int]
    runs: Mapping[str, int]

    def dense(self) -> float:
        """Nanoseconds by layers."""
        return self.products * PRODUCT + self.moved * MOVED + self.units * SCANNED

    def sparse(self, rates: Mapping[str, float]) -> float:
        """Nanoseconds spike by spike."""
        work = self.units * LISTED
        for source, operations in self.operations.items():
            work += rates[source] * (operations * OPERATION + self.runs[source] * RUN)
        return work


class EngineChoice:
    """The choice of an engine for the components of a plan: "dense", "events", or "auto", whichever costs less.

    `learned` are nodes that are left dense by "auto" while gradients are recorded. ValueError where an edge cannot be
    has no synapse table although events are asked for.
    """

    def __init__(self, plan: Plan, engine: str, batch: int, learned: frozenset[str]) -> None:
        self.plan, self.engine, self.batch, self.learned = plan, engine, batch, learned
        self.costs = {
            component: count_work(plan, component)
            for component in plan.components
            if component.nodes[0] not in plan.network.inputs and has_tables(plan, component)
        }
        self.with_tables = frozenset(node for component in self.costs for node in component.nodes)
        if engine == "events":
            inputs = plan.network.inputs
            missing = [
                n
                for component in plan.components
                for n in component.nodes
                if n not in self.with_tables and n not in inputs
            ]
            if missing:
                raise ValueError(
                    f"a map into {missing[0]!r} has too many synapses for event-driven simulation "
                    f"({_count_largest(plan, missing[0]):,}; at most {synapse_layouts.LARGEST:,}); "
                    'use engine="auto", which computes it densely'
                )

    def choose(self, rates: Mapping[str, float], before: frozenset[str] | None = None) -> frozenset[str]:
        """The nodes to compute spike by spike, at these rates of activity (of units and ticks).

        Those `before` stay unless others are estimated to be quicker by more than `GAIN`: a change has costs.
        """
        if self.engine == "events":
            return self.with_tables
        learned = self.learned if torch.is_grad_enabled() else frozenset()
        free = [component for component in self.costs if learned.isdisjoint(component.nodes)]
        threads = torch.get_num_threads()
        cheap = [p for p in free if self.estimate_event_driven_ns(p, rates, threads) < self.costs[p].dense() / threads]
        choices = [
            frozenset(node for component in components for node in component.nodes) for components in ([], cheap, free)
        ]
        times = {chosen: self.estimate_ns(chosen, rates, threads) for chosen in choices}
        best = min(times, key=times.__getitem__)
        if before is None or not learned.isdisjoint(before):
            return best
        return best if times[best] < (1 - GAIN) * self.estimate_ns(before, rates, threads) else before

    def estimate_event_driven_ns(self, component: Component, rates: Mapping[str, float], threads: int) -> float:
        """Nanoseconds for a step of a recording of one component, spike by spike: not every thread may find work."""
        cost = self.costs[component]
        return cost.sparse(rates) / (threads if cost.divided else min(threads, self.batch))

    def estimate_ns(self, chosen: frozenset[str], rates: Mapping[str, float], threads: int) -> float:
        """Nanoseconds for a step of a recording if the chosen nodes are computed spike by spike."""
        time = 0.0
        for component, cost in self.costs.items():
            time += (
                self.estimate_event_driven_ns(component, rates, threads)
                if chosen.issuperset(component.nodes)
                else cost.dense() / threads
            )
        network = self.plan.network
        read = [(edge.source, edge.target in chosen) for edge in network.edges if edge.target in self.plan.lead]
        read += [(node, False) for node in self.plan.wanted]
        for node in {node for node, listed in read if listed != (node in chosen)}:
            time += math.prod(network.shape_of(node)) * CONVERTED / threads
        return time * MIXED if chosen and not chosen.issuperset(self.with_tables) else time


def count_work(plan: Plan, component: Component) -> ComponentCost:
    """What there is to do in a component, per step and recording."""
    shape_of = plan.network.shape_of
    edges = [plan.network.edges[position] for node in component.nodes for position in plan.network.incoming(node)]
    operations, runs = dict.fromkeys((e.source for e in edges), 0), dict.fromkeys((e.source for e in edges), 0)
    products = moved = 0
    for edge in edges:
        shape = shape_of(edge.source)
        fan_out = make_table(edge.operation, shape)
        operations[edge.source] += fan_out.operations
        runs[edge.source] += fan_out.run_count
        products += edge.operation.products(shape)
        moved += math.prod(shape) + math.prod(shape_of(edge.target))
    units = sum(math.prod(shape_of(node)) for node in component.nodes)
    divided = all(find_grain(plan.network, component, node) < math.prod(shape_of(node)) for node in component.nodes)
    return ComponentCost(divided, products, moved, units, operations, runs)


def find_grain(network: Network, component: Component, node: str) -> int:
    """How many units of a node of this component one thread must compute, because they belong together.

    A row of an image where what arrives stays within rows, otherwise all of them: a node in a cycle has sources among
    its own units, or nodes that do.
    """
    shape = network.shape_of(node)
    row = shape[0] * shape[-1]
    edges = [network.edges[position] for position in network.incoming(node)]
    tables = (make_table(edge.operation, network.shape_of(edge.source)) for edge in edges)
    alone = len(shape) == 3 and component.steps is None and all(table.is_within(row) for table in tables)
    return row if alone else math.prod(shape)


def has_tables(plan: Plan, component: Component) -> bool:
    """Whether all edges into a component have synapse tables."""
    network = plan.network
    edges = [network.edges[position] for node in component.nodes for position in network.incoming(node)]
    return all(has_table(edge.operation, network.shape_of(edge.source)) for edge in edges)


def _count_largest(plan: Plan, node: str) -> int:
    """Synapses of the largest map into a node."""
    edges = [plan.network.edges[position] for position in plan.network.incoming(node)]
    return max(count_written(edge.operation, plan.network.shape_of(edge.source)) for edge in edges)
