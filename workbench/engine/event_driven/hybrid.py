"""The hybrid engine: blocks of time in which some components are computed densely, others spike by spike."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from copy import copy
from functools import cache, partial

import torch
from torch import Tensor

from workbench.engine.block_plan import Component, Plan
from workbench.engine.event_counts import EventCounts
from workbench.engine.event_driven.cost_model import EngineChoice, Outlook
from workbench.engine.event_driven.hybrid_block import HybridBlock, Task, TimedBlock
from workbench.engine.event_driven.hybrid_state import HybridState, Input, measure_input_rate
from workbench.engine.event_driven.parameters import Parameters
from workbench.engine.event_driven.simulator import Simulator
from workbench.engine.scheduler import Layers, Segment, State
from workbench.engine.spike_counter import SpikeCounter

Choice = tuple[frozenset[str], bool]  # the nodes to compute spike by spike, and whether they were chosen anew
LISTED_BLOCKS = 4  # of the dense length, where all spikes are listed: more gains little


class Hybrid:
    """How the blocks of a plan are computed: some components by layers, the others spike by spike, as the engine says.

    With "auto" the output stays with its layers while it learns, for lists pass no gradient on. `seen` is what runs
    before ended with, by the kind of run, and takes in what this one does: recordings of a batch, or calls, may be so
    short that to choose and to measure with each would take longer than they do.
    """

    def __init__(
        self, plan: Plan, learned: Parameters, batch: int, engine: str, seen: dict[Hashable, HybridState]
    ) -> None:
        output = plan.network.output
        values = [learned.biases[output], *(w for p in plan.network.incoming(output) for w in learned.weights[p])]
        self.plan, self.batch, self.seen = plan, batch, seen
        self.choice = EngineChoice(
            plan,
            engine,
            batch,
            frozenset({output} if any(v.requires_grad for v in values) else ()),
            tuple(learned.dynamics.items()),
        )
        self._make_simulator = cache(partial(Simulator, plan, learned, self.choice.with_tables))  # when first needed
        self._chosen: tuple[State | None, Choice] = None, (frozenset(), False)  # after which state, and what

    @property
    def adapts(self) -> bool:
        """Whether the choice of an engine follows the activity."""
        return self.choice.engine == "auto"

    def begin(self, until: int | None) -> State:
        """The state to begin a recording in that ends at this step, if that is known: what was measured before."""
        return self.seen.get(self._kind_of(until), State()) if self.adapts else State()

    def _kind_of(self, until: int | None) -> Hashable:
        """What runs have in common for which the same nodes are chosen; about as many recordings, and as long ones."""
        learns = torch.is_grad_enabled() and bool(self.choice.learned)
        length = None if until is None else until.bit_length()
        return self.plan.wanted, tuple(self.plan.lead), self.batch.bit_length(), length, learns

    def choose_block(self, state: State, dense: int, ticks_per_frame: int, until: int | None) -> int:
        """How many steps to compute next: more than densely where all components are listed, for lists are short.

        Before the activity of nodes has been measured, no more than a frame. `until` is where the recording ends, if
        that is known.
        """
        if self.adapts and not isinstance(state, HybridState) and not self.seen:
            return min(dense, ticks_per_frame)
        most = dense * LISTED_BLOCKS
        chosen, inputs = self.choose(state, {}, most, until, dense)[0], self.plan.network.inputs
        return most if all(n in chosen or n in inputs for n in self.plan.lead) else dense

    def choose(
        self, state: State, inputs: Mapping[str, Input], steps: int, until: int | None, dense: int | None = None
    ) -> Choice:
        """The nodes to compute spike by spike in the block after this state, of at most so many steps.

        Where not all are, in several blocks of `dense` steps. They are chosen anew once blocks have taken much longer
        than a choice, but not for the end of a recording, which says nothing of the next one. Nodes that were never
        measured are assumed to be as active as the most active input.
        """
        if self._chosen[0] is not state:
            left = steps if until is None else max(min(steps, until - state.step), 1)
            self._chosen = state, self._choose(state, inputs, left, until, math.ceil(left / (dense or left)))
        return self._chosen[1]

    def _choose(self, state: State, inputs: Mapping[str, Input], steps: int, until: int | None, blocks: int) -> Choice:
        before = state if isinstance(state, HybridState) else None
        if not self.adapts:
            return self.choice.choose({}, 1), True
        shares = {} if before is not None and not before.is_due else self._find_shares(state.step, steps, until)
        if before is not None and max(shares.values(), default=0.0) < 0.5:
            return before.chosen, False
        outlook = Outlook(shares, blocks, bool(self._make_simulator.cache_info().currsize))
        if before is not None:
            return self.choice.choose(before.rates, steps * self.batch, before.chosen, outlook), True
        rate = max(map(measure_input_rate, inputs.values()), default=0.0)
        rates = dict.fromkeys(self.plan.lead, rate)
        for latest in list(self.seen.values())[-1:]:  # at once: panels run models in several threads
            rates |= latest.rates
        return self.choice.choose(rates, steps * self.batch, None, outlook), True

    def _find_shares(self, begin: int, steps: int, until: int | None) -> dict[Component, float]:
        """How much of a block each component computes: none before its first response, nor what reaches no answer."""
        plan, shares = self.plan, {}
        first_response, slack = plan.network.first_response, plan.slack
        for component in self.choice.costs:
            node = component.nodes[0]
            last = begin + steps + plan.lead[node]
            last = last if until is None else min(last, until - slack[node])
            shares[component] = max(last - max(begin + plan.lead[node], first_response[node]), 0) / steps
        return shares

    def advance(
        self,
        layers: Layers,
        state: State,
        inputs: Mapping[str, Input],
        until: int | None = None,
        counter: SpikeCounter | None = None,
    ) -> tuple[dict[str, Tensor], HybridState]:
        """What `scheduler.advance` does, with the components that are chosen computed spike by spike."""
        block = self._open_block(layers, state, inputs, until)
        block.run()
        if counter is not None:
            block.count(counter)
        after = block.state()
        if self.choice.measures and after.rates and (block.is_measured or not block.anew):
            for listed, some, taken in block.taken:
                if block.is_measured or not self.choice.knows(some, listed, after.rates):
                    self.choice.learn(listed, block.work_of(some), after.rates, taken)
        if self.adapts:
            kind = self._kind_of(until)
            self.seen.pop(kind, None)  # the newest is the last one
            self.seen[kind] = HybridState(chosen=after.chosen, rates=after.rates, spent_ns=after.spent_ns)
        return {node: block.activity_of(node) for node in self.plan.wanted}, after

    def without_lists(self, state: State, until: int | None) -> State:
        """The state as layers take it: the past that is read again as activity, whichever way it was computed."""
        if not isinstance(state, HybridState) or state.lists is None:
            return State(state.step, state.past, state.membranes)
        past, network = dict(state.past), self.plan.network
        for node, number in self._make_simulator().numbers.items():
            first, last = self.plan.needed(node, state.step, until)
            held = past.get(node)
            if first < last and (not held or held[0].start > first):
                past[node] = (Segment(first, state.lists.fill(number, first, last, network.shape_of(node))),)
        return State(state.step, past, state.membranes)

    def _open_block(self, layers: Layers, state: State, inputs: Mapping[str, Input], until: int | None) -> TimedBlock:
        """The next block; one without lists where no spike is listed, neither in it nor in what is left of the past."""
        chosen, anew = self.choose(state, inputs, max(map(len, inputs.values())), until)
        task = Task(self.plan, layers, state, inputs, until, self.batch, self.adapts, anew)
        lists = chosen or (isinstance(state, HybridState) and state.listed)
        if lists or any(isinstance(values, EventCounts) for values in inputs.values()):
            return HybridBlock(task, self._make_simulator(), chosen)
        return TimedBlock(task)

    def with_batch(self, batch: int) -> Hybrid:
        """The same for another number of recordings; what was made for the network is shared."""
        other = copy(self)
        other.batch, other.choice = batch, self.choice.with_batch(batch)
        other._chosen = None, (frozenset(), False)
        return other

    def with_engine(self, engine: str) -> Hybrid:
        """The same with another engine: "dense" computes every component by layers."""
        other = copy(self)
        other.choice, other._chosen = self.choice.with_engine(engine), (None, (frozenset(), False))
        return other
