"""A cost model of both engines: which components of a network to compute spike by spike."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import torch

from workbench.engine.block_plan import Component, Plan
from workbench.engine.event_driven.measured_speed import OFTEN, measured_speed
from workbench.engine.kernels import synapse_layouts
from workbench.engine.kernels.neuron_scan import BURST, Dynamics
from workbench.engine.kernels.synapse_layouts import count_written, has_table, make_table
from workbench.network import Network

NodeDynamics = tuple[tuple[str, Dynamics], ...]  # of every hidden node
# Nanoseconds on one thread of a server CPU, fitted to the components of the network of benchmarks/engine; what matters
# is how they compare. A dense product, a number that a linear map reads or writes, a unit in the scan:
PRODUCT, MOVED, SCANNED = 0.0045, 0.4, 0.75
# a synaptic operation, a run of weights next to each other, a unit that fires and is listed,
OPERATION, RUN, LISTED = 0.01, 4.2, 0.14
CONVERTED = 0.4  # and a unit that is listed for a neighbour, or shown to one
MIXED = 1.1  # times longer where some components are computed one way and some the other
GAIN = 0.1  # share of the time that a change must save: the first block after it converts between both forms
DENSE_CALL, EVENTS_CALL = 60_000, 90_000  # nanoseconds of Python for a component by layers, and for all spike by spike
LISTS = 150_000  # and for the lists of a block,
CONVERSION = 80_000  # for a node whose activity is listed or whose spikes are shown,
TABLES = 70_000  # and for the tables of an edge, which are made once
CURIOUS = {1.5: OFTEN, 10.0: 2}  # how often is tried what is estimated to take less than so many times the best
NEARBY = 0, 1, -1, 2, -2, 3, -3  # activities, in powers of 4, whose measurements do where there is none
MOST_MEASURED = 64  # components of a network: of more, a clock would cost more than it helps


@dataclass(frozen=True)
class ComponentCost:
    """What there is to do in a component, in one step of one recording.

    `moved` are the numbers that its edges read and write; `operations` and `runs` of weights are those of every
    source if all of its units were active. `divided` is whether several threads can share a recording spike by
    spike. `name` is the same for components that do the same.
    """

    name: str
    divided: bool
    products: float
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


@dataclass(frozen=True)
class Outlook:
    """What a choice is made for: into how many `blocks` the steps are divided where not all components are listed.

    `shares` is how much of the steps each component computes, `ready` whether tables for spikes are made already.
    """

    shares: Mapping[Component, float]
    blocks: float = 1.0
    ready: bool = True


class EngineChoice:
    """The choice of an engine for the components of a plan: "dense", "events", or "auto", whichever costs less.

    `learned` are nodes that are left dense by "auto" while gradients are recorded. What is estimated is corrected by
    what was measured on this machine before. ValueError where an edge has no synapse table although events are asked
    for.
    """

    def __init__(self, plan: Plan, engine: str, batch: int, learned: frozenset[str], dynamics: NodeDynamics) -> None:
        self.plan, self.engine, self.batch, self.learned = plan, engine, batch, learned
        self.costs = count_work(plan.network, plan.components, dynamics)
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

    def with_batch(self, batch: int) -> EngineChoice:
        """The same for another number of recordings."""
        other = copy(self)
        other.batch = batch
        return other

    def with_engine(self, engine: str) -> EngineChoice:
        """The same, with this engine instead of a choice."""
        other = copy(self)
        other.engine = engine
        return other

    def choose(
        self,
        rates: Mapping[str, float],
        work: float,
        before: frozenset[str] | None = None,
        outlook: Outlook | None = None,
    ) -> frozenset[str]:
        """The nodes to compute spike by spike, at these rates of activity (of units and ticks).

        `work` is for how many steps of recordings, of which the `outlook` tells more.

        Those `before` stay unless others are estimated to be quicker by more than `GAIN`: a change has costs. What was
        hardly measured here is tried, more often the nearer its estimate is to the best.
        """
        if self.engine != "auto":
            return self.with_tables if self.engine == "events" else frozenset()
        learned = self.learned if torch.is_grad_enabled() else frozenset()
        free = [component for component in self.costs if learned.isdisjoint(component.nodes)]
        clock = _Clock(self, rates, work, outlook)
        cheap = [component for component in free if clock.events(component) < clock.dense(component)]
        choices = [
            frozenset(node for component in components for node in component.nodes) for components in ([], cheap, free)
        ]
        times = {chosen: clock.estimate_ns(chosen) for chosen in choices}
        best = min(times, key=times.__getitem__)
        for chosen, time in times.items():
            wanted = next((often for most, often in CURIOUS.items() if time < most * times[best]), 0)
            if chosen != best and clock.count_tries(chosen) < wanted:
                clock.note_try(chosen)
                return chosen
        if before is None or not learned.isdisjoint(before):
            return best
        return best if times[best] < (1 - GAIN) * clock.estimate_ns(before) else before

    def learn(self, listed: bool, work: Mapping[Component, int], rates: Mapping[str, float], taken_ns: float) -> None:
        """Take in how long components took together, each for so many steps of recordings."""
        done = {component: steps for component, steps in work.items() if steps and component in self.costs}
        if not self.measures or not done:
            return
        clock = _Clock(self, rates, 1)
        estimated = sum(steps * clock.estimate_plainly_ns(component, listed) for component, steps in done.items())
        taken_ns -= EVENTS_CALL if listed else DENSE_CALL
        for component in done:
            clock.speed.record(self.key_of(component, rates if listed else None), taken_ns / estimated)

    def knows(self, components: Sequence[Component], listed: bool, rates: Mapping[str, float]) -> bool:
        """Whether it is known how long these take."""
        speed, those = measured_speed(torch.get_num_threads()), [c for c in components if c in self.costs]
        return all(speed.factor(self.key_of(c, rates if listed else None)) is not None for c in those)

    @property
    def measures(self) -> bool:
        """Whether components are timed."""
        return self.engine == "auto" and len(self.costs) <= MOST_MEASURED

    def key_of(self, component: Component, rates: Mapping[str, float] | None, nearby: int = 0) -> str:
        """The name under which the speed of a component is kept, for batches of about this size.

        Spike by spike, which is where `rates` are given, also for about as much to do, or so many steps more or less
        than that: what is fitted holds best at one activity.
        """
        name, size = self.costs[component].name, self.batch.bit_length()
        if rates is None:
            return f"dense {name} x{size}"
        return f"events {name} x{size} a{math.frexp(self.costs[component].sparse(rates))[1] // 2 + nearby}"


class _Clock:
    """Nanoseconds for a step of a recording at these rates of activity."""

    def __init__(
        self,
        choice: EngineChoice,
        rates: Mapping[str, float],
        work: float,
        outlook: Outlook | None = None,
    ) -> None:
        self.choice, self.rates, self.work, self.threads = choice, rates, work, torch.get_num_threads()
        self.outlook = outlook or Outlook(dict.fromkeys(choice.costs, 1.0))
        self.speed = measured_speed(self.threads)

    def dense(self, component: Component) -> float:
        """By layers."""
        time = self.estimate_plainly_ns(component, False) * self._factor(component, False)
        return time * self.outlook.shares[component] + self.outlook.blocks * DENSE_CALL / self.work

    def events(self, component: Component) -> float:
        """Spike by spike."""
        time = self.estimate_plainly_ns(component, True) * self._factor(component, True)
        return time * self.outlook.shares[component]

    def estimate_plainly_ns(self, component: Component, listed: bool) -> float:
        """What the fitted constants say; spike by spike not every thread may find work."""
        cost, threads = self.choice.costs[component], self.threads
        if not listed:
            return cost.dense() / threads
        return cost.sparse(self.rates) / (threads if cost.divided else min(threads, self.choice.batch))

    def estimate_ns(self, chosen: frozenset[str]) -> float:
        """If the chosen nodes are computed spike by spike."""
        time = sum(
            self.events(component) if chosen.issuperset(component.nodes) else self.dense(component)
            for component in self.choice.costs
        )
        plan, all_listed = self.choice.plan, chosen.issuperset(self.choice.with_tables)
        blocks = 1 if all_listed else self.outlook.blocks
        if chosen:
            tables = 0 if self.outlook.ready else TABLES * len(plan.network.edges)
            time += (blocks * (EVENTS_CALL + LISTS) + tables) / self.work
        read = [(edge.source, edge.target in chosen) for edge in plan.network.edges if edge.target in plan.lead]
        read += [(node, False) for node in plan.wanted]
        for node in {node for node, listed in read if listed != (node in chosen)}:
            time += math.prod(plan.network.shape_of(node)) * CONVERTED / self.threads
            time += blocks * CONVERSION / self.work
        return time * MIXED if chosen and not all_listed else time

    def count_tries(self, chosen: frozenset[str]) -> int:
        """How often every component was tried, computed like this; where none is timed, that is often enough."""
        return min(map(self.speed.tries, self._keys_of(chosen)), default=OFTEN) if self.choice.measures else OFTEN

    def note_try(self, chosen: frozenset[str]) -> None:
        """Count a try of all components, computed like this."""
        for key in self._keys_of(chosen):
            self.speed.note_try(key)

    def _keys_of(self, chosen: frozenset[str]) -> list[str]:
        of = self.choice.key_of
        return [of(c, self.rates if chosen.issuperset(c.nodes) else None) for c in self.choice.costs]

    def _factor(self, component: Component, listed: bool) -> float:
        for nearby in NEARBY if listed else (0,):
            found = self.speed.factor(self.choice.key_of(component, self.rates if listed else None, nearby))
            if found is not None:
                return found
        return self.speed.usual("events" if listed else "dense")


@lru_cache(maxsize=64)  # of all at once: comparing the networks takes as long as they have edges
def count_work(
    network: Network, components: tuple[Component, ...], dynamics: NodeDynamics
) -> Mapping[Component, ComponentCost]:
    """What there is to do in each component that has synapse tables, per step and recording, by neurons of these kinds.

    Where they keep silent in some ticks of a frame, nothing of theirs is multiplied in these.
    """
    kinds = dict(dynamics)
    computed = [c for c in components if c.nodes[0] not in network.inputs and has_tables(network, c)]
    return MappingProxyType({component: _count_work(network, component, kinds) for component in computed})


def _count_work(network: Network, component: Component, dynamics: Mapping[str, Dynamics]) -> ComponentCost:
    shape_of = network.shape_of
    edges = [network.edges[position] for node in component.nodes for position in network.incoming(node)]
    operations, runs = dict.fromkeys((e.source for e in edges), 0), dict.fromkeys((e.source for e in edges), 0)
    products, moved = 0.0, 0
    for edge in edges:
        shape = shape_of(edge.source)
        fan_out = make_table(edge.operation, shape)
        operations[edge.source] += fan_out.operations
        runs[edge.source] += fan_out.run_count
        products += edge.operation.products(shape) * _awake_share(dynamics.get(edge.source))
        moved += math.prod(shape) + math.prod(shape_of(edge.target))
    units = sum(math.prod(shape_of(node)) for node in component.nodes)
    divided = all(find_grain(network, component, node) < math.prod(shape_of(node)) for node in component.nodes)
    whole = [(repr(edge.operation), shape_of(edge.source), edge.source in component.nodes) for edge in edges]
    kinds = sorted({_name_kind(dynamics[node]) for node in component.nodes if node in dynamics})
    name = hashlib.blake2b(repr((whole, kinds)).encode(), digest_size=8).hexdigest()
    return ComponentCost(name, divided, products, moved, units, operations, runs)


def _awake_share(source: Dynamics | None) -> float:
    """In which share of the ticks a node sends anything; an input in all."""
    return 1 / source.frame if source is not None and source.emission == BURST else 1.0


def _name_kind(kind: Dynamics) -> tuple[int, int, bool, bool, bool, bool]:
    """What of the dynamics changes how long they take."""
    return kind.emission, kind.frame, kind.burst > 1, kind.signed, kind.reset_to_zero, kind.leak > 0


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


def has_tables(network: Network, component: Component) -> bool:
    """Whether all edges into a component have synapse tables."""
    edges = [network.edges[position] for node in component.nodes for position in network.incoming(node)]
    return all(has_table(edge.operation, network.shape_of(edge.source)) for edge in edges)


def _count_largest(plan: Plan, node: str) -> int:
    """Synapses of the largest map into a node."""
    edges = [plan.network.edges[position] for position in plan.network.incoming(node)]
    return max(count_written(edge.operation, plan.network.shape_of(edge.source)) for edge in edges)
