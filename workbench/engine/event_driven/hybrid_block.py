"""A block of steps while it is computed: by layers alone, or some components of it spike by spike."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from workbench.engine.block_plan import Component, Plan
from workbench.engine.event_counts import EventCounts
from workbench.engine.event_driven.hybrid_state import HybridState, Input, is_due, measure_rate
from workbench.engine.event_driven.simulator import Membranes, Simulator
from workbench.engine.event_driven.spike_lists import SpikeLists
from workbench.engine.kernels.count_range import find_count_range
from workbench.engine.kernels.event_kernels import BEGIN, END, ORIGIN, STEPS
from workbench.engine.kernels.parallel import divide
from workbench.engine.scheduler import Block, Layers, Segment, State
from workbench.engine.spike_counter import SpikeCounter


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be computed: the next block of a plan, after `state`, of a recording that ends at `until` if that is
    known, of `batch` recordings.

    `measures` is whether times and activity are taken in, `anew` whether nodes were chosen anew for this block.
    """

    plan: Plan
    layers: Layers
    state: State
    inputs: Mapping[str, Input]
    until: int | None
    batch: int
    measures: bool
    anew: bool


class TimedBlock(Block):
    """One block while it is computed by layers: how long components take is taken in, and how active nodes are."""

    def __init__(self, task: Task) -> None:
        inputs, state = cast(Mapping[str, Tensor], task.inputs), task.state
        super().__init__(task.plan, task.layers, state, inputs, task.until)
        self.batch, self.measures, self.anew = task.batch, task.measures, task.anew
        self.before = state if isinstance(state, HybridState) else HybridState()
        self.taken: list[tuple[bool, list[Component], int]] = []  # whether spike by spike, what, and nanoseconds

    def run(self) -> None:
        """Compute all components."""
        for component in self.plan.components:
            self.time(False, [component])

    def time(self, listed: bool, components: list[Component]) -> None:
        """Compute components and note how long that took."""
        begin = time.thread_time_ns()  # which stands still while other processes have the processor
        self.compute_all(listed, components)
        self.taken.append((listed, components, time.thread_time_ns() - begin))

    def compute_all(self, listed: bool, components: list[Component]) -> None:
        """Compute components, spike by spike where they are listed."""
        for component in components:
            self.compute(component)

    def work_of(self, components: Sequence[Component]) -> dict[Component, int]:
        """Steps times recordings of each of these, as far as they are computed."""
        spans = {component: [self.span_of(node) for node in component.nodes] for component in components}
        return {each: max(last - first for first, last in found) * self.batch for each, found in spans.items()}

    @property
    def spent_ns(self) -> int:
        """Nanoseconds spent since nodes were last chosen."""
        return sum(taken for _, _, taken in self.taken) + (0 if self.anew else self.before.spent_ns)

    @property
    def is_measured(self) -> bool:
        """Whether activity and times are taken in: nodes are chosen anew after this block.

        Of short blocks not the first after a choice, for which memory is allotted and caches are cold.
        """
        return self.measures and is_due(self.spent_ns)

    def state(self) -> HybridState:
        dense = super().state()
        edges = len(self.network.edges)
        return HybridState(
            dense.step, dense.past, dense.membranes, rates=self.rates(), counted=np.zeros((edges, self.batch)),
            spent_ns=self.spent_ns,
        )  # fmt: skip

    def rates(self) -> Mapping[str, float]:
        """The shares of their units and late steps in which nodes were active, as far as that is measured.

        What is known stays where a node answers in less than half of the block: it only begins to, or has ended.
        """
        known = self.before.rates
        if not self.is_measured:
            return known
        rates, half = {**dict.fromkeys(self.plan.lead, 0.0), **known}, (self.end - self.begin) / 2
        for node in self.plan.lead:
            first, last = self.span_of(node)
            if last - first >= half or (last > first and node not in known):
                rates[node] = self.rate_of(node)
        return rates

    def rate_of(self, node: str) -> float:
        """The share of its units and steps in which a node was active, some recordings for all.

        It is that of the last third of the block, for what begins from full membranes calms down only after a while.
        """
        first, last = self.span_of(node)
        return measure_rate(self.segments[node][-1].values[-(-(last - first) // 3) :])

    def span_of(self, node: str) -> tuple[int, int]:
        """The steps of a node to compute with this block; the first is the last where there are none."""
        first, last = self.steps_of(node)
        return first, max(first, last)


class HybridBlock(TimedBlock):
    """The same where some nodes are `chosen` to be computed spike by spike.

    `lists` holds the spikes of the nodes that are `listed`.
    """

    def __init__(self, task: Task, simulator: Simulator, chosen: frozenset[str]) -> None:
        super().__init__(task)
        state, batch = task.state, task.batch
        self.events = {node: values for node, values in task.inputs.items() if isinstance(values, EventCounts)}
        self.simulator, self.chosen = simulator, chosen
        edges = [edge for edge in self.network.edges if edge.target in self.plan.lead]
        self.listed = chosen | {edge.source for edge in edges if edge.target in chosen}
        self.read_densely = {edge.source for edge in edges if edge.target not in chosen} | set(self.plan.wanted)
        cuts = self.simulator.cut(self._choose_bands())
        self.lists = SpikeLists(self._regions(), batch, cuts)
        self.operations = np.zeros((batch * self.lists.bands, len(self.network.edges)))
        self.membranes_before = state.levels if isinstance(state, HybridState) else {}
        self.levels: dict[tuple[str, ...], Membranes] = {}
        self.largest_count = 0.0
        self._take_over(state)

    def run(self) -> None:
        for listed, grouped in groupby(self.plan.components, key=lambda component: component.nodes[0] in self.chosen):
            components = list(grouped)
            for some in [components] if listed else [[component] for component in components]:
                self.time(listed, some)

    def compute_all(self, listed: bool, components: list[Component]) -> None:
        if not listed:
            super().compute_all(listed, components)
            return
        key = tuple(node for component in components for node in component.nodes)
        before = self.membranes_before.get(key)
        self.levels[key] = self.simulator.compute(components, self.lists, self.membranes, self.operations, before)
        for node in self.read_densely.intersection(node for component in components for node in component.nodes):
            self._to_dense(node, *self.span_of(node))

    def compute(self, component: Component) -> None:
        if component.nodes[0] in self.events:
            self._take_events(component.nodes[0])
            return
        super().compute(component)
        for node in self.listed.intersection(component.nodes):
            first, last = self.span_of(node)
            for segment in self.segments.get(node, ()):
                if first <= segment.start < last:  # an input goes on after its last reader, its lists do not
                    self.lists.append(self.simulator.numbers[node], segment.start, segment.values)

    def _take_events(self, node: str) -> None:
        """List the events of an input where spikes are read, and make a tensor of them where activity is."""
        events = self.events[node]
        if node in self.read_densely:
            self.segments.setdefault(node, []).append(Segment(self.begin, events.to_tensor()))
            self.largest_count = find_count_range(self.segments[node][-1].values)[0]
        if node in self.listed:
            self.largest_count = self.lists.append_events(self.simulator.numbers[node], self.begin, events)

    def count(self, counter: SpikeCounter) -> None:  # type: ignore[override]  # only such a one counts lists
        """Count what every node sends in the steps of this block, from its list where it has one."""
        for node, number in self.simulator.numbers.items():
            first, last = self.span_of(node)
            shape, segments = self.network.shape_of(node), self.segments.get(node, ())
            if node not in self.listed or (node in self.network.inputs and last != self.end):
                for segment in (segment for segment in segments if segment.start >= first):
                    counter.add(node, segment)
            elif node in counter.spiking:
                counter.add_listed(node, shape, self.lists, number, first, last)
            else:  # each unit once, whatever number it sends
                counter.add(node, Segment(first, self.lists.fill(number, first, last, shape)))

    def state(self) -> HybridState:
        dense = super().state()
        shown = {node for node in dense.past if node in self.read_densely or node not in self.chosen}
        past = {node: segments for node, segments in dense.past.items() if node in shown}
        counted = self.operations.reshape(self.batch, self.lists.bands, -1).sum(1).T
        return replace(
            dense, past=past, largest_count=self.largest_count, levels=self.levels, lists=self.lists,
            chosen=self.chosen, listed=self.listed, counted=counted,
        )  # fmt: skip

    def _regions(self) -> NDArray[np.int64]:
        """The table of nodes, with the steps that each holds and computes in this block."""
        regions = self.simulator.nodes.copy()
        for node, number in self.simulator.numbers.items():
            row = regions[number]
            row[BEGIN], row[END] = self.span_of(node)
            row[ORIGIN] = self._earliest_read(node)
            row[STEPS] = max(self.end + self.plan.lead[node] - row[ORIGIN], 0) if node in self.listed else 0
        return regions

    def _choose_bands(self) -> int:
        """Into how many bands to divide each recording."""
        units = sum(math.prod(self.network.shape_of(node)) for node in self.chosen)
        return divide(self.batch, units * (self.end - self.begin) * self.batch)

    def _earliest_read(self, node: str) -> int:
        """The earliest step of a node that is still read."""
        return max(self.begin + self.plan.lead[node] - self.plan.depth[node], self.first_response[node])

    def _take_over(self, state: State) -> None:
        """Convert the past to activity where it is read densely, and to lists where it is read spike by spike."""
        before = state if isinstance(state, HybridState) else HybridState()
        for node, number in self.simulator.numbers.items():
            first, last = self._earliest_read(node), self.begin + self.plan.lead[node]
            last = last if self.until is None else min(last, self.until - self.plan.slack[node])
            if first >= last:
                continue
            held = self.segments.get(node)
            if node in self.read_densely and (not held or held[0].start > first):
                assert before.lists is not None, "the past is there in one form or the other"
                self.segments[node] = [
                    Segment(first, before.lists.fill(number, first, last, self.network.shape_of(node)))
                ]
            if node in self.listed:
                if before.lists is not None and node in before.listed:
                    self.lists.copy(number, before.lists, last)
                else:
                    self.lists.append(number, first, self.read(node, first, last))

    def _to_dense(self, node: str, begin: int, end: int) -> None:
        """The listed spikes of a node as activity."""
        if begin == end:
            return
        values = self.lists.fill(self.simulator.numbers[node], begin, end, self.network.shape_of(node))
        self.segments.setdefault(node, []).append(Segment(begin, values))

    def rate_of(self, node: str) -> float:
        if node not in self.listed:
            return super().rate_of(node)
        first, last = self.span_of(node)
        steps = -(-(last - first) // 3)
        room = steps * self.batch * math.prod(self.network.shape_of(node))
        return self.lists.count(self.simulator.numbers[node], last - steps, last) / max(room, 1)
