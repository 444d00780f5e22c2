"""The hybrid engine: blocks of time in which some components are computed densely, others spike by spike."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from copy import copy
from itertools import groupby
from types import MappingProxyType
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.engine.event_counts import EventCounts
from workbench.engine.event_driven.cost_model import EngineChoice
from workbench.engine.event_driven.hybrid_state import HybridState, Input, measure_input_rate, measure_rate
from workbench.engine.event_driven.parameters import Parameters
from workbench.engine.event_driven.simulator import Membranes, Simulator
from workbench.engine.event_driven.spike_lists import SpikeLists
from workbench.engine.kernels.count_range import find_count_range
from workbench.engine.kernels.event_kernels import BEGIN, END, ORIGIN, STEPS
from workbench.engine.kernels.parallel import divide
from workbench.engine.scheduler import Block, Component, Layers, Plan, Segment, State
from workbench.engine.spike_counter import SpikeCounter

PATIENCE_NS = 2_000_000  # that blocks take before nodes are chosen anew, which takes about a twentieth of that
LISTED_BLOCKS = 4  # of the dense length, where all spikes are listed: more gains little


class Hybrid:
    """How the blocks of a plan are computed: some components by layers, the others spike by spike, as the engine says.

    With "auto" the output stays with its layers while it learns, for lists pass no gradient on. `seen` holds the rates
    of the nodes as they were measured last, and takes them in.
    """

    def __init__(self, plan: Plan, learned: Parameters, batch: int, engine: str, seen: dict[str, float]) -> None:
        output = plan.network.output
        values = [learned.biases[output], *(w for p in plan.network.incoming(output) for w in learned.weights[p])]
        self.plan, self.batch, self.seen = plan, batch, seen
        self.choice = EngineChoice(
            plan,
            engine,
            batch,
            frozenset({output} if any(v.requires_grad for v in values) else ()),
            learned.dynamics,
        )
        self.simulator = Simulator(plan, learned, self.choice.with_tables)
        self._chosen: tuple[State | None, frozenset[str]] = None, frozenset()  # after which state, and what

    @property
    def adapts(self) -> bool:
        """Whether the choice of an engine follows the activity."""
        return self.choice.engine == "auto"

    def choose_block(self, state: State, dense: int, ticks_per_frame: int) -> int:
        """How many steps to compute next: more than densely where all components are listed, for lists are short.

        Before the activity of nodes has been measured, no more than a frame.
        """
        if self.adapts and not isinstance(state, HybridState) and not self.seen:
            return min(dense, ticks_per_frame)
        chosen, inputs = self.choose(state), self.plan.network.inputs
        return dense * LISTED_BLOCKS if all(n in chosen or n in inputs for n in self.plan.lead) else dense

    def choose(self, state: State, inputs: Mapping[str, Input] = MappingProxyType({})) -> frozenset[str]:
        """The nodes to compute spike by spike in the block after this state.

        They are chosen anew once blocks have taken much longer than a choice. Nodes that were never measured are
        assumed to be as active as the most active input.
        """
        if self._chosen[0] is not state:
            self._chosen = state, self._choose(state, inputs)
        return self._chosen[1]

    def _choose(self, state: State, inputs: Mapping[str, Input]) -> frozenset[str]:
        if isinstance(state, HybridState):
            anew = not self.adapts or state.spent_ns >= PATIENCE_NS
            return self.choice.choose(state.rates, state.work, state.chosen) if anew else state.chosen
        rate = max(map(measure_input_rate, inputs.values()), default=0.0)
        steps = max(map(len, inputs.values()), default=LISTED_BLOCKS)
        return self.choice.choose(dict.fromkeys(self.plan.lead, rate) | self.seen, steps * self.batch)

    def advance(
        self,
        layers: Layers,
        state: State,
        inputs: Mapping[str, Input],
        until: int | None = None,
        counter: SpikeCounter | None = None,
    ) -> tuple[dict[str, Tensor], HybridState]:
        """What `scheduler.advance` does, with the components that are chosen computed spike by spike."""
        block = _HybridBlock(self, self.choose(state, inputs), layers, state, inputs, until)
        for listed, grouped in groupby(self.plan.components, key=block.is_chosen):
            components = list(grouped)
            for some in [components] if listed else [[component] for component in components]:
                begin = time.thread_time_ns()  # which stands still while other processes have the processor
                if listed:
                    block.run_event_driven(some)
                else:
                    block.compute(some[0])
                block.taken.append((listed, some, time.thread_time_ns() - begin))
        if counter is not None:
            block.count_lists(counter)
        after = block.state()
        if block.is_measured and self.choice.measures:
            self.seen.update(after.rates)
            for listed, some, taken in block.taken:
                self.choice.learn(listed, block.work_of(some), after.rates, taken)
        return {node: block.activity_of(node) for node in self.plan.wanted}, after

    def restart(self, state: State) -> State:
        """The state to begin with after recordings that ended in this one: nothing but what was measured."""
        if not isinstance(state, HybridState):
            return State()
        return HybridState(chosen=state.chosen, rates=state.rates, spent_ns=PATIENCE_NS, work=state.work)

    def with_batch(self, batch: int) -> Hybrid:
        """The same for another number of recordings; what was made for the network is shared."""
        other = copy(self)
        other.batch, other.choice = batch, self.choice.with_batch(batch)
        other._chosen = None, frozenset()
        return other

    def with_engine(self, engine: str) -> Hybrid:
        """The same with another engine: "dense" computes every component by layers."""
        other = copy(self)
        other.choice, other._chosen = self.choice.with_engine(engine), (None, frozenset())
        return other


class _HybridBlock(Block):
    """One block while it is computed; `lists` holds the spikes of the nodes that are `listed`."""

    def __init__(
        self,
        hybrid: Hybrid,
        chosen: frozenset[str],
        layers: Layers,
        state: State,
        inputs: Mapping[str, Input],
        until: int | None,
    ) -> None:
        super().__init__(hybrid.plan, layers, state, cast(Mapping[str, Tensor], inputs), until)
        self.events = {node: values for node, values in inputs.items() if isinstance(values, EventCounts)}
        self.simulator, self.measures, self.chosen = hybrid.simulator, hybrid.adapts, chosen
        self.before = state if isinstance(state, HybridState) else HybridState(spent_ns=PATIENCE_NS)
        edges = [edge for edge in self.network.edges if edge.target in self.plan.lead]
        self.listed = chosen | {edge.source for edge in edges if edge.target in chosen}
        self.read_densely = {edge.source for edge in edges if edge.target not in chosen} | set(self.plan.wanted)
        cuts = self.simulator.cut(self._choose_bands(hybrid.batch))
        self.lists = SpikeLists(self._regions(), hybrid.batch, cuts)
        self.operations = np.zeros((hybrid.batch * self.lists.bands, len(self.network.edges)))
        self.membranes_before = state.levels if isinstance(state, HybridState) else {}
        self.levels: dict[tuple[str, ...], Membranes] = {}
        self.largest_count = 0.0
        self.taken: list[tuple[bool, list[Component], int]] = []  # whether spike by spike, what, and nanoseconds
        self._take_over(state)

    def is_chosen(self, component: Component) -> bool:
        """Whether a component is computed spike by spike."""
        return component.nodes[0] in self.chosen

    def run_event_driven(self, components: Sequence[Component]) -> None:
        """Compute these components, each of which is chosen, spike by spike."""
        key = tuple(node for component in components for node in component.nodes)
        before = self.membranes_before.get(key)
        self.levels[key] = self.simulator.compute(components, self.lists, self.membranes, self.operations, before)
        for node in self.read_densely.intersection(node for component in components for node in component.nodes):
            self._to_dense(node, *self._span(node))

    def compute(self, component: Component) -> None:
        if component.nodes[0] in self.events:
            self._take_events(component.nodes[0])
            return
        super().compute(component)
        for node in self.listed.intersection(component.nodes):
            first, last = self._span(node)
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

    def count_lists(self, counter: SpikeCounter) -> None:
        """Count what every node sends in the steps of this block, from its list where it has one."""
        for node, number in self.simulator.numbers.items():
            first, last = self._span(node)
            shape, segments = self.network.shape_of(node), self.segments.get(node, ())
            if node not in self.listed or (node in self.network.inputs and last != self.end):
                for segment in (segment for segment in segments if segment.start >= first):
                    counter.add(node, segment)
            elif node in counter.spiking:
                counter.add_listed(node, shape, self.lists, number, first, last)
            else:  # each unit once, whatever number it sends
                counter.add(node, Segment(first, self.lists.fill(number, first, last, shape)))

    @property
    def work(self) -> int:
        """Steps times recordings."""
        return max(self.end - self.begin, 1) * self.lists.batch

    def work_of(self, components: Sequence[Component]) -> dict[Component, int]:
        """Steps times recordings of each of these, as far as they are computed."""
        spans = {component: [self._span(node) for node in component.nodes] for component in components}
        return {each: max(last - first for first, last in found) * self.lists.batch for each, found in spans.items()}

    @property
    def spent_ns(self) -> int:
        """Nanoseconds spent since nodes were last chosen."""
        before = self.before.spent_ns
        return sum(taken for _, _, taken in self.taken) + (before if before < PATIENCE_NS else 0)

    @property
    def is_measured(self) -> bool:
        """Whether activity and times are taken in: nodes are chosen anew after this block, or were before it."""
        return self.measures and max(self.spent_ns, self.before.spent_ns) >= PATIENCE_NS

    def state(self) -> HybridState:
        dense = super().state()
        shown = {node for node in dense.past if node in self.read_densely or node not in self.chosen}
        past = {node: segments for node, segments in dense.past.items() if node in shown}
        rates = {node: self._rate(node) for node in self.plan.lead} if self.is_measured else self.before.rates
        counted = self.operations.reshape(self.lists.batch, self.lists.bands, -1).sum(1).T
        known = dense.step, past, dense.membranes
        return HybridState(
            *known, self.largest_count, self.levels, self.lists, self.chosen, self.listed, rates, counted,
            self.spent_ns, self.work,
        )  # fmt: skip

    def _regions(self) -> NDArray[np.int64]:
        """The table of nodes, with the steps that each holds and computes in this block."""
        regions = self.simulator.nodes.copy()
        for node, number in self.simulator.numbers.items():
            row = regions[number]
            row[BEGIN], row[END] = self._span(node)
            row[ORIGIN] = self._earliest_read(node)
            row[STEPS] = max(self.end + self.plan.lead[node] - row[ORIGIN], 0) if node in self.listed else 0
        return regions

    def _choose_bands(self, batch: int) -> int:
        """Into how many bands to divide each recording."""
        units = sum(math.prod(self.network.shape_of(node)) for node in self.chosen)
        return divide(batch, units * (self.end - self.begin) * batch)

    def _span(self, node: str) -> tuple[int, int]:
        """The steps of a node to compute with this block; the first is the last where there are none."""
        first, last = self.steps_of(node)
        return first, max(first, last)

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

    def _rate(self, node: str) -> float:
        """The share of its units and steps in which a node was active, some recordings for all.

        It is that of the last third of the block, for what begins from full membranes calms down only after a while.
        """
        first, last = self._span(node)
        steps = -(-(last - first) // 3)
        if node in self.listed:
            room = steps * self.lists.batch * math.prod(self.network.shape_of(node))
            return self.lists.count(self.simulator.numbers[node], last - steps, last) / max(room, 1)
        segments = self.segments.get(node, ())
        return measure_rate(segments[-1].values[-steps:, ::8] if segments and steps else torch.zeros(0))
