"""One engine for ANN and SNN: the components of the graph in order, each computing a whole block of steps at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from workbench.engine.block_plan import Component, Plan
from workbench.network import Edge, Network

BLOCK_BYTES = 8 << 20  # of the widest node; half as many cost a tenth more, twice as many a fifth
MOST_TIMES_WIDEST = 64  # times as many all nodes of a large graph may have together
TRAINING_BLOCK_BYTES = 5 << 19  # the same where gradients are taken, which need as much again and more


@dataclass(frozen=True)
class Segment:
    """Activity of a node in consecutive steps: `values` (steps, batch, *shape) from step `start` on."""

    start: int
    values: Tensor

    @property
    def end(self) -> int:
        """The step after the last one."""
        return self.start + self.values.shape[0]

    def cut(self, begin: int, end: int) -> Tensor:
        """The values in the steps begin .. end - 1, as far as they are in this piece."""
        if begin <= self.start and self.end <= end:
            return self.values  # a slice, even of everything, would cost a copy on the way back
        return self.values[max(begin - self.start, 0) : max(end - self.start, 0)]


@dataclass(frozen=True)
class State:
    """Everything a network remembers between two blocks: the next step, the past that is read again, the membranes.

    `largest_count`: the most events of a place and tick of the last block, where it was given as events.
    """

    step: int = 0
    past: Mapping[str, tuple[Segment, ...]] = field(default_factory=dict)
    membranes: Mapping[str, Tensor | None] = field(default_factory=dict)
    largest_count: float = 0.0


class Layers(Protocol):
    """The numbers behind a network as the engine asks for them; every tensor is (steps, batch, *shape)."""

    def connect(self, position: int, source: Tensor) -> Tensor:
        """The linear map of the edge at this position."""

    def normalize(self, node: str, drive: Tensor) -> Tensor:
        """The node's bias and norm."""

    def fire(self, node: str, drive: Tensor, membrane: Tensor | None, elapsed: int) -> tuple[Tensor, Tensor | None]:
        """The node's neuron, `elapsed` steps after its first response: activity and the membrane left behind."""

    def announce(self, node: str, membrane: Tensor, elapsed: int, steps: int) -> Tensor:
        """What a node with a latency answers in the next steps, whatever drives it then."""


class Counter(Protocol):
    """Who counts what nodes send while blocks are computed."""

    def add(self, node: str, activity: Segment) -> None:
        """Count the activity of a node in consecutive steps."""


def choose_block(network: Network, batch: int, ticks_per_frame: int = 1, size: int = BLOCK_BYTES) -> int:
    """How many steps to compute at a time: as many as stay in the cache, in whole frames.

    The activity of the widest node in a block has `size` bytes: less pays for the calls of every block, more for the
    way to memory; that of all nodes together has at most 64 times as many. Where a frame and more fits, the block is a
    whole number of frames, because the delays of a converted network are: then blocks end where sub-blocks do.

    >>> network = Network({"eye": (2, 34, 34)}, [Edge("eye", "v1", Conv(16, kernel=3)), Edge("v1", "hand", Dense(10))])
    >>> [choose_block(network, batch, ticks_per_frame=12) for batch in (1, 4, 16, 1000)]
    [108, 24, 7, 1]
    """
    units = [math.prod(shape) for shape in network.shapes.values()]
    numbers = max(max(units), sum(units) // MOST_TIMES_WIDEST)
    steps = max(1, size // (4 * numbers * max(1, batch)))
    return steps if steps < ticks_per_frame else steps - steps % ticks_per_frame


def concatenate_steps(values: Sequence[Tensor]) -> Tensor:
    """These steps (steps, batch, *shape) one after the other, in memory in the order of axes that they share.

    >>> concatenate_steps([torch.zeros(2, 3, 4), torch.ones(1, 3, 4)])[:, 0, 0]
    tensor([0., 0., 1.])
    """
    if len(values) == 1:
        return values[0]
    joined = torch.cat([steps.flatten(0, 1) for steps in values])  # of images, so that channels stay last
    return joined.view(-1, *values[0].shape[1:])


def advance(
    plan: Plan,
    layers: Layers,
    state: State,
    inputs: Mapping[str, Tensor],
    until: int | None = None,
    counter: Counter | None = None,
) -> tuple[dict[str, Tensor], State]:
    """Compute one block of steps: the wanted activities (steps, batch, *shape), and the state after the block.

    `until` is the step at which the recording ends, if that is known: what can no longer reach a wanted node by then
    is not computed. A `counter` counts what every node sends.
    """
    block = Block(plan, layers, state, inputs, until)
    for component in plan.components:
        block.compute(component)
    if counter is not None:
        block.count(counter)
    return {node: block.activity_of(node) for node in plan.wanted}, block.state()


class Block:
    """One block while it is computed: per node the pieces of activity known so far, the past included."""

    def __init__(
        self, plan: Plan, layers: Layers, state: State, inputs: Mapping[str, Tensor], until: int | None
    ) -> None:
        self.plan, self.network, self.layers, self.inputs = plan, plan.network, layers, inputs
        self.first_response = plan.network.first_response
        self.begin, self.until = state.step, until
        self.end = self.begin + len(next(iter(inputs.values())))
        self.segments = {node: list(segments) for node, segments in state.past.items()}
        self.membranes = dict(state.membranes)

    def compute(self, component: Component) -> None:
        """Compute every step of a component; a cyclic one in sub-blocks, its outer edges for the whole block."""
        if component.nodes[0] in self.network.inputs:
            self.segments.setdefault(component.nodes[0], []).append(
                Segment(self.begin, self.inputs[component.nodes[0]])
            )
            return
        if component.steps is None:
            (node,) = component.nodes
            first, last = self.steps_of(node)
            if first < last:
                self.answer_node(node, self.inputs_of(self.network.incoming(node), first, last), first, last)
            return
        members, edges = set(component.nodes), self.network.edges
        incoming = {node: self.network.incoming(node) for node in component.nodes}
        inner = {node: [p for p in incoming[node] if edges[p].source in members] for node in component.nodes}
        outer = {
            node: self.inputs_of([p for p in incoming[node] if edges[p].source not in members], *self.steps_of(node))
            for node in component.nodes
        }
        begin, end = (step + self.plan.lead[component.nodes[0]] for step in (self.begin, self.end))
        closing = [e for p in inner.values() for e in map(edges.__getitem__, p) if e.delay >= component.steps]
        while begin < end:
            until = min(end, *(begin + self._foresee(edge, begin) for edge in closing))
            for node in component.nodes:
                first, last = self.steps_of(node)
                first, last = max(first, begin), min(last, until)
                if first < last:
                    self.answer_node(node, outer[node] + self.inputs_of(inner[node], first, last), first, last)
            begin = until

    def _foresee(self, edge: Edge, begin: int) -> int:
        """For how many steps it is known what an edge brings, when its source is computed up to this one.

        As many as its delay; but of a source that counts for a frame, a part of it may have passed.
        """
        frame = self.plan.latency.get(edge.source, 0) + 1
        return edge.delay - max(begin - self.first_response[edge.source], 0) % frame

    def steps_of(self, node: str) -> tuple[int, int]:
        """The steps to compute with this block: those in which the node answers and can still reach a wanted node."""
        lead = self.plan.lead[node]
        first = max(self.begin + lead, self.first_response[node])
        last = self.end + lead
        return first, last if self.until is None else min(last, self.until - self.plan.slack[node])

    def inputs_of(self, positions: Iterable[int], begin: int, end: int) -> list[Segment]:
        """What these edges bring to the steps begin .. end - 1, from each source's first response on."""
        found = []
        for position in positions:
            edge = self.network.edges[position]
            first, delay = max(begin, self.first_response[edge.source] + edge.delay), self.plan.delays[position]
            if first < end:
                source = self.read(edge.source, first - delay, end - delay)
                found.append(Segment(first, self.layers.connect(position, source)))
        return found

    def read(self, node: str, begin: int, end: int) -> Tensor:
        """Activity of a node in the steps begin .. end - 1, all of them known, or about to be answered."""
        found: list[Tensor] = []
        known = self.segments[node][-1].end
        if known < end:
            membrane, first = self.membranes[node], max(begin, known)
            assert membrane is not None, "it has answered before"
            found.append(self.layers.announce(node, membrane, first - self.first_response[node], end - first))
        for segment in reversed(self.segments[node]):
            if segment.end <= begin:
                break
            if segment.start < end:
                found.append(segment.cut(begin, end))
        return concatenate_steps(found[::-1])

    def answer_node(self, node: str, arrivals: Iterable[Segment], begin: int, end: int) -> None:
        """Sum what arrives in the steps begin .. end - 1, and let the node answer."""
        earliest, *others = sorted(arrivals, key=lambda segment: max(segment.start, begin))
        drive = earliest.cut(begin, end)  # one of the edges brings the first response, so it has every step
        for segment in others:
            if segment.start <= begin:
                drive = drive + segment.cut(begin, end)
            elif segment.start < end:
                late = drive[segment.start - begin :] + segment.cut(begin, end)
                drive = concatenate_steps([drive[: segment.start - begin], late])
        elapsed = begin - self.first_response[node]
        normalized = self.layers.normalize(node, drive)
        activity, self.membranes[node] = self.layers.fire(node, normalized, self.membranes.get(node), elapsed)
        self.segments.setdefault(node, []).append(Segment(begin, activity))

    def activity_of(self, node: str) -> Tensor:
        """Activity of a wanted node in every step of the block, zeros where it is silent."""
        first = min(max(self.begin, self.first_response[node]), self.end)
        if first == self.begin:
            return self.read(node, first, self.end)
        some = next(iter(self.inputs.values()))
        silence = some.new_zeros(first - self.begin, some.shape[1], *self.network.shape_of(node))
        return concatenate_steps([silence, self.read(node, first, self.end)]) if first < self.end else silence

    def count(self, counter: Counter) -> None:
        """Count what every node sends in the steps of this block."""
        for node in self.plan.lead:
            first, _ = self.steps_of(node)
            for segment in self.segments.get(node, ()):
                if segment.start >= first:
                    counter.add(node, segment)

    def state(self) -> State:
        """What the next block needs to know."""
        past = {}
        for node, segments in self.segments.items():
            begin = self.end + self.plan.lead[node] - self.plan.depth[node]
            past[node] = tuple(segment for segment in segments if segment.end > begin)
        return State(self.end, past, self.membranes)
