"""A model at work on recordings that arrive block by block."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from workbench.engine import (
    EventCounts,
    Frames,
    Layers,
    MemoryRequest,
    Plan,
    Segment,
    SpikeCounter,
    State,
    advance,
    arrange_inputs,
    choose_block,
    require_memory,
    require_numbers,
)
from workbench.model.grid import Grid, counts_are_exact, fits_grid
from workbench.model.input_encoding import InputEncoding

if TYPE_CHECKING:
    from workbench.engine import Hybrid
    from workbench.model.network_numbers import NetworkNumbers


@dataclass(frozen=True, eq=False)
class KeptStream:
    """What a stream needs to go on: how it was opened (`engine` None: taken automatically), where it stands, and what
    it remembers. `settled`: it goes on layer by layer, because inputs held what is not exact. `counted`: synaptic
    operations (edges, batch).
    """

    batch: int
    record: tuple[str, ...]
    engine: str | None
    steps: int | None
    settled: bool
    state: State
    counted: NDArray[np.float64]


class Stream:
    """A model at work on a recording that arrives block by block; it carries the state from block to block.

    `like` is one of the model's numbers, whose type and device frames must have; `until` the step at which the
    recordings end, if that is known; `hybrid` computes some parts spike by spike. That is given up where the engine was
    taken automatically and inputs hold what is not exact on the `grid`. `encoding` is what becomes of inputs first.

    >>> network = Network({"image": (1, 4, 4)}, [Edge("image", "class", Dense(2))])
    >>> stream = Model(network).stream(batch=3)
    >>> stream.feed(torch.zeros(5, 3, 1, 4, 4)).shape, stream.step
    (torch.Size([5, 3, 2]), 5)
    """

    def __init__(
        self,
        plan: Plan,
        layers: Layers,
        batch: int,
        ticks_per_frame: int,
        like: Tensor,
        until: int | None,
        hybrid: Hybrid | None,
        grid: Grid | None,
        automatic: bool,
        counter: SpikeCounter | None = None,
        encoding: InputEncoding | None = None,
        model: NetworkNumbers | None = None,
    ) -> None:
        self.network, self.batch, self.ticks_per_frame, self._like = plan.network, batch, ticks_per_frame, like
        self._plan, self._layers, self._until, self._hybrid = plan, layers, until, hybrid
        self._automatic, self._grid, self._counter = automatic, grid, counter
        self._exact = grid is not None
        self._encoding, self._model = encoding or InputEncoding(), model
        self._state = State() if hybrid is None else hybrid.begin(until)
        self._counted = np.zeros((len(plan.network.edges), batch))

    @property
    def step(self) -> int:
        """Number of steps fed so far."""
        return self._state.step

    @property
    def operations(self) -> NDArray[np.float64]:
        """Synaptic operations of every edge and recording so far (edges, batch), counted as they happened.

        ValueError unless the engine is "events": no other one counts.
        """
        if self._hybrid is None or self._hybrid.adapts:
            raise ValueError('only engine="events" counts as it goes; wb.operations counts for all')
        return self._counted.copy()

    @property
    def takes_events(self) -> bool:
        """Whether `run_events` is quicker than a tensor: some nodes may be computed spike by spike."""
        return self._hybrid is not None and len(self.network.inputs) == 1

    def restart(self, batch: int) -> Stream:
        """A stream for so many other recordings; what this one has made and measured is not made and measured again."""
        other = copy(self)
        other.batch, other._counted = batch, np.zeros((len(self.network.edges), batch))
        other._hybrid = None if self._hybrid is None else self._hybrid.with_batch(batch)
        other._state = State() if other._hybrid is None else other._hybrid.begin(self._until)
        return other

    @property
    def model(self) -> NetworkNumbers:
        """The model at work: on another device its copy there."""
        assert self._model is not None, "streams are opened by models"
        return self._model

    def keep(self) -> KeptStream:
        """Everything that a stream needs to go on, in memory of its own; ValueError for one that learns or counts."""
        if self._counter is not None:
            raise ValueError("this stream counts spikes for a call, which goes on with it; open one by model.stream()")
        if self.model.training:
            raise ValueError("this stream is of a model in training mode; call model.eval(), and open it anew")
        settled = self._grid is None and self._automatic and self._exact
        named = "dense" if self._hybrid is None else self._hybrid.choice.engine
        state = self._state if self._hybrid is None else self._hybrid.without_lists(self._state, self._until)
        past = {}
        for node, segments in state.past.items():
            first, last = self._plan.needed(node, state.step, self._until)
            kept = [Segment(max(one.start, first), one.cut(first, last).detach().clone()) for one in segments]
            past[node] = tuple(one for one in kept if one.start < one.end)
        membranes = {node: None if one is None else one.detach().clone() for node, one in state.membranes.items()}
        engine, plain = None if self._automatic else named, State(state.step, past, membranes)
        return KeptStream(self.batch, self._plan.wanted, engine, self._until, settled, plain, self._counted.copy())

    def resume(self, kept: KeptStream) -> None:
        """Go on where another stream of the same model and options stood; ValueError, with node, where a part lacks."""
        for node in self._plan.lead:
            self._require_past(node, kept.state)
        self._state, self._counted = kept.state, kept.counted.copy()
        if kept.settled:
            self._settle()

    def _require_past(self, node: str, state: State) -> None:
        """ValueError unless the state has of a node whatever the next steps read."""
        first, last = self._plan.needed(node, state.step, self._until)
        held = state.past.get(node, ())
        starts, ends = [one.start for one in held], [one.end for one in held]
        whole = bool(held) and starts[0] <= first and ends[-1] >= last and starts[1:] == ends[:-1]
        if first < last and not whole:
            raise ValueError(f"node {node!r}: its steps {first} to {last - 1} are not all there, once each")
        begun = state.step + self._plan.lead[node] > self.network.first_response[node]
        neuron = self.model.node_neurons.get(node)
        if begun and neuron is not None and neuron.spiking and state.membranes.get(node) is None:
            raise ValueError(f"node {node!r}: its membrane is not there")

    def choose_block(self) -> int:
        """How many steps to feed next so that it takes least time.

        Any number gives the same activities; without a grid sums are rounded, which can move a whole spike.
        """
        block = choose_block(self.network, self.batch, self.ticks_per_frame)
        return (
            block
            if self._hybrid is None
            else self._hybrid.choose_block(self._state, block, self.ticks_per_frame, self._until)
        )

    def run(self, block: Frames) -> dict[str, Tensor]:
        """Activity of the recorded nodes over the next steps, (steps, batch, *shape) each."""
        inputs = arrange_inputs(self.network, block, self._like)
        steps, batch = next(iter(inputs.values())).shape[:2]
        if batch != self.batch:
            raise ValueError(f"this stream was opened for batch={self.batch}, but the block holds {batch} recordings")
        require_numbers(inputs, self._like)
        if self._grid is not None and not counts_are_exact(self._grid, inputs):
            self._settle()
        like = self._like
        require_memory(
            MemoryRequest(self.network, self._plan.wanted, steps, batch, steps, False, like.dtype), like.device
        )
        return self.advance(inputs)

    def run_events(self, events: EventCounts) -> dict[str, Tensor]:
        """The same as `run` for the events of the only input: no tensor is made where the engine goes by spikes."""
        node = next(iter(self.network.inputs))
        if self._hybrid is None:
            return self.run({node: events.to_tensor().to(self._like)})
        activity = self.advance({node: events})
        if self._grid is not None and not fits_grid(self._grid, node, self._state.largest_count):
            self._settle()
        return activity

    def _settle(self) -> None:
        """Go on layer by layer, unless an engine was named: sums are rounded, in an order that must not depend on what
        was measured.
        """
        self._grid = None
        if self._hybrid is not None and self._automatic:
            self._hybrid = self._hybrid.with_engine("dense")

    def advance(self, inputs: Mapping[str, Tensor | EventCounts]) -> dict[str, Tensor]:
        """The same as `run`, without checks of the inputs."""
        if self._hybrid is None:
            tensors = self._encoding.encode(cast(Mapping[str, Tensor], inputs))
            known = self._plan, self._layers, self._state, tensors, self._until, self._counter
            activity, self._state = advance(*known)
        else:
            activity, state = self._hybrid.advance(self._layers, self._state, inputs, self._until, self._counter)
            self._state, self._counted = state, self._counted + state.counted
        return activity

    def __call__(self, block: Frames) -> Tensor:
        """The same as `feed`: a stream is called like its model."""
        return self.feed(block)

    def feed(self, block: Frames) -> Tensor:
        """The output's drive over the next steps, (steps, batch, classes)."""
        output = self.network.output
        if output not in self._plan.wanted:
            raise ValueError(f"this stream does not record the output {output!r}; use run(), or record it as well")
        return self.run(block)[output]
