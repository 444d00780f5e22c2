"""The torch module: a network with its weights, biases and norms, run by the engine."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn

from workbench.engine import (
    TRAINING_BLOCK_BYTES,
    Frames,
    InferenceLayers,
    Layers,
    MemoryRequest,
    Parameters,
    SpikeCounter,
    TrainingLayers,
    arrange_inputs,
    can_compile,
    can_run_events,
    choose_block,
    concatenate_steps,
    make_hybrid,
    map_exactly,
    plan,
    require_engine,
    require_finite,
    require_memory,
    require_numbers,
    require_one_type,
)
from workbench.model.exactness import is_exact
from workbench.model.grid import counts_are_exact
from workbench.model.network_numbers import NetworkNumbers
from workbench.model.placement import Device, place
from workbench.model.stream import Stream
from workbench.validation import require_whole


class Model(NetworkNumbers):
    """A network with numbers: an ANN (ReLU, steps are frames) or an SNN (integrate-and-fire, steps are ticks).

    Weights belong to edge positions; every node but the inputs has a bias or, with `norm="batch"`, a batch norm whose
    statistics leave out the silent steps (with norm=["v1", ...] these nodes alone); the output has a bias, no norm, no
    neuron. `neuron` is that of every hidden node but those that `neurons` names, or {"v1": ..., "v2": ...}, which names
    that of each; a `QuantisedReLU` works in units of a ceiling that each node learns. All tensors are (step, batch,
    *shape). `ticks_per_frame` is the number of its steps per frame: 1 for an ANN.

    The first edges of an ANN get `input_factor` f(x) of a frame x of counts, where f is the `input_function`: "log1p",
    log(1 + x), or "standardise", every frame of every recording to mean 0 and deviation 1 over all places (a constant
    one to 0); x itself without one. A factor is no obstacle to `convert`, which puts it into the weights; a function
    is, for an SNN sees the ticks whose sum is a frame. A model that spikes takes plain counts.

    >>> network = Network({"image": (1, 4, 4)}, [Edge("image", "hidden", Dense(3)), Edge("hidden", "class", Dense(2))])
    >>> Model(network, seed=0)(torch.zeros(5, 7, 1, 4, 4)).shape
    torch.Size([5, 7, 2])
    >>> Model(network, neuron={"hidden": LeakyIntegrateAndFire(leak=3)}, norm=None, ticks_per_frame=4)
    Model(SNN, 4 ticks per frame, LeakyIntegrateAndFire(leak=3): 3 nodes, 2 edges, 59 parameters, 'class' answers ...)
    """

    def forward(self, frames: Frames) -> Tensor:
        """The output's drive at every step, (steps, batch, classes); zero before its first response."""
        return self.run(frames, record=[self.network.output])[self.network.output]

    def run(
        self,
        frames: Frames,
        record: Iterable[str] | None = None,
        block: int | None = None,
        layers: Layers | None = None,
        engine: str | None = None,
    ) -> dict[str, Tensor]:
        """Activity of the recorded nodes (all unless named) over a whole recording, (steps, batch, *shape) each.

        `frames` (steps, batch, *input shape) holds frames for an ANN and ticks for an SNN; a dict by input node where
        there are several, as tensors or as arrays of numpy. `block` steps are computed at a time; any cut gives the
        same numbers, bit for bit where a model has a grid. Without one sums are rounded, which at a threshold can move
        a whole spike; and batch norm in training takes its statistics over a block, which is the whole recording unless
        `block` is given. `layers` replace the model's own, to record or to perturb them. `engine` is that of `stream`.

        ValueError where frames do not fit the network or numbers are not finite; MemoryError where there is no room.
        """
        inputs = arrange_inputs(self.network, frames, next(self.parameters()))
        steps, batch = next(iter(inputs.values())).shape[:2]
        if block is not None:
            block = require_whole("block", block)
        elif self.training:
            block = self.choose_block(steps, batch) if layers is None else steps
        record, like = list(self.network.nodes if record is None else record), next(self.parameters())
        require_numbers(inputs, like)
        if self.grid is not None and not self.training and self.spiking and not counts_are_exact(self.grid, inputs):
            engine = engine or "dense"  # whose bits do not depend on what was measured
        stream = self._stream(batch, record, engine, steps, layers)
        at_once = block or stream.choose_block()
        require_memory(
            MemoryRequest(self.network, record, steps, batch, at_once, self.training, like.dtype), like.device
        )
        for norm in self._norms():
            norm.discard()  # a run before this one may have been interrupted
        blocks = []
        while stream.step < steps:
            end = stream.step + (block or stream.choose_block())
            blocks.append(stream.advance({node: values[stream.step : end] for node, values in inputs.items()}))
        for norm in self._norms():
            norm.update()
        return {node: concatenate_steps([block[node] for block in blocks]) for node in blocks[0]}

    def stream(
        self,
        batch: int = 1,
        record: Iterable[str] | None = None,
        engine: str | None = None,
        steps: int | None = None,
        counter: SpikeCounter | None = None,
        device: Device | None = None,
    ) -> Stream:
        """A stream that is fed a recording of any length block by block, in constant memory.

        `engine` is how spiking nodes are computed: "dense", by the layers of whole blocks; "events", spike by spike,
        what is silent costing next to nothing; "auto", part by part whichever is cheaper at the activity measured in
        the block before. All give the same bits where the numbers lie on a grid, as those of `wb.convert` do, and then
        "auto" is taken unless another is named. Of other numbers sums are rounded, in an order that depends on the
        engine: where that moves a membrane over its threshold, a whole spike comes, goes or moves to another tick; and
        "dense" is taken unless another is named. `steps`: how long the recording is, if that is known; what can no
        longer reach a recorded node is not computed. `counter` counts what every node sends. On another `device` a copy
        of the model is at work, which takes frames there.
        """
        batch = require_whole("stream: batch", batch)
        model = place(self, device)
        return model._stream(batch, [self.network.output] if record is None else record, engine, steps, None, counter)

    def connect(self, position: int, source: Tensor) -> Tensor:
        """Linear map of the edge at this position, (steps, batch, *source shape) to (steps, batch, *target shape)."""
        target = self.transform(position, source.flatten(0, 1))
        return target.reshape(*source.shape[:2], *target.shape[1:])

    def transform(self, position: int, images: Tensor, bias: Tensor | None = None) -> Tensor:
        """The same map, (images, *source shape) to (images, *target shape), and a bias where it has no gain."""
        operation, weights = self.network.edges[position].operation, [*cast(nn.ParameterList, self.weights[position])]
        if bias is not None:
            target = operation.shift(images, weights, bias)
        elif self.grid is None or self.training:
            target = operation(images, weights)
        else:
            target = map_exactly(operation, images, weights)
        return target * self.gains[str(position)] if str(position) in self.gains else target

    def normalize(self, node: str, drive: Tensor) -> Tensor:
        """Bias or batch norm of a node over (steps, batch, *shape)."""
        layer = self.node_layer(node)
        normalized: Tensor = layer(drive.flatten(0, 1))
        return normalized.reshape(drive.shape)

    def fire(self, node: str, drive: Tensor, membrane: Tensor | None, elapsed: int) -> tuple[Tensor, Tensor | None]:
        """Neuron of a node over (steps, batch, *shape); the output answers with its drive."""
        if node == self.network.output:
            return drive, None
        neuron = self.neuron_of(node)
        if neuron.bounded:
            ceiling = self.ceiling(node)
            activity, membrane = neuron.scan(drive / ceiling, membrane, elapsed)
            return activity * ceiling, membrane
        drive = self.schedule_bias(node, drive, elapsed)
        if neuron.spiking and not self.training:
            drive = drive.detach()  # gradients pass through spikes only in training
        return neuron.scan(drive, membrane, elapsed)

    def announce(self, node: str, membrane: Tensor, elapsed: int, steps: int) -> Tensor:
        """What a node with a latency answers in the next steps (steps, batch, *shape), whatever drives it then."""
        return self.neuron_of(node).announce(membrane, elapsed, steps)

    def schedule_bias(self, node: str, drive: Tensor, elapsed: int) -> Tensor:
        """The drive (steps, batch, *shape) with the biases of a frame in the tick in which the neuron takes them."""
        extra_biases = None if node == self.network.output else self.neuron_of(node).extra_biases(elapsed, len(drive))
        if extra_biases is None:
            return drive
        extra_biases = extra_biases.to(drive).view(-1, *[1] * (drive.ndim - 1))
        return drive + extra_biases * self.node_layer(node).bias.view(-1, *[1] * (drive.ndim - 3))

    def inference_layers(self) -> Layers:
        """The layers to run in eval mode; the model itself in training, and where the nodes do not spike."""
        if self.training or not self.spiking or self.norm is not None:
            return self
        if not can_compile(next(self.parameters()).detach(), None):
            return self
        neurons = self.node_neurons
        compiled = {node: neuron for node, neuron in neurons.items() if neuron.dynamics is not None}
        edges = enumerate(self.network.edges)
        silent = [position for position, edge in edges if edge.source in neurons and neurons[edge.source].silent_ticks]
        return InferenceLayers(self, compiled, {node: self.node_layer(node).bias for node in compiled}, silent)

    def training_layers(self) -> Layers:
        """The layers to run in training."""
        layers = {node: self.node_layer(node) for node in self.network.nodes if node not in self.network.inputs}
        rectified = frozenset(node for node in self.network.hidden if self.neuron_of(node).rectifies)
        return TrainingLayers(self, self.network, self.transform, layers, rectified)

    def choose_block(self, steps: int, batch: int) -> int:
        """How many steps to learn at a time: all where batch norm takes its statistics over them, else what is fast.

        The blocks of so many steps are as even as can be.
        """
        if self._norms():
            return steps
        most = choose_block(self.network, batch, self.ticks_per_frame, TRAINING_BLOCK_BYTES)
        return math.ceil(steps / math.ceil(steps / most))

    def event_driven_parameters(self) -> Parameters:
        """The numbers of a spiking model, as the event-driven engine takes them."""
        most, others = self.neuron.dynamics, {node: neuron.dynamics for node, neuron in self.exceptions.items()}
        found = {node: others.get(node, most) for node in self.network.hidden}
        dynamics = {node: kind for node, kind in found.items() if kind is not None}
        extra = {node: self.neuron_of(node).extra_biases(0, kind.frame) for node, kind in dynamics.items()}
        return Parameters(
            [list(layer.parameters()) for layer in self.weights],
            {int(position): gain for position, gain in self.gains.items()},
            {node: self.node_layer(node).bias for node in self.network.nodes if node not in self.network.inputs},
            dynamics,
            {node: biases for node, biases in extra.items() if biases is not None},
        )

    def _stream(
        self,
        batch: int,
        record: Iterable[str],
        engine: str | None,
        until: int | None = None,
        layers: Layers | None = None,
        counter: SpikeCounter | None = None,
    ) -> Stream:
        """A stream; ValueError where the event-driven engine is asked for and cannot run."""
        exact = not self.training and is_exact(self)
        automatic, engine = engine is None, require_engine(engine or ("auto" if exact else "dense"))
        require_one_type(self.named_parameters())
        if not self.training:  # where the loss shows it
            require_finite(self.network, self.state_dict())
        used = layers or (self.training_layers() if self.training else self.inference_layers())
        ahead = self.training or (layers is None and engine != "events")  # which counts what has arrived
        planned = plan(self.network, record, ahead, whole=counter is not None, latency=self.latencies)
        hybrid = None
        compiled = isinstance(used, InferenceLayers) and not self._without_dynamics()
        if engine != "dense" and compiled and can_run_events():
            hybrid = make_hybrid(planned, self.event_driven_parameters(), batch, engine, self.seen)
        elif engine == "events":
            raise ValueError(
                'engine="events" is for spiking models in eval mode, in float32 on a CPU, with numba, neurons '
                f'that have kernels, and without custom layers=; {self._why_not_events(layers)}, or use engine="auto"'
            )
        like, grid = next(self.parameters()), self.grid if exact else None
        known = planned, used, batch, self.ticks_per_frame, like, until, hybrid, grid, automatic
        return Stream(*known, counter, self.input_encoding, self)

    def _without_dynamics(self) -> list[str]:
        """Hidden nodes with a neuron that kernels do not know."""
        if not self.exceptions:
            return [] if self.neuron.dynamics is not None else [repr(node) for node in self.network.hidden]
        return [repr(node) for node, neuron in self.node_neurons.items() if neuron.dynamics is None]

    def _why_not_events(self, layers: Layers | None) -> str:
        """Why the event-driven engine cannot run this model, and what to do."""
        missing = self._without_dynamics()
        reasons = {
            "this model does not spike: convert it by wb.convert": not self.spiking,
            "this model is in training mode: call model.eval()": self.training,
            f"its numbers are {self.dtype}: call model.float()": self.dtype != torch.float32,
            f"it is on {self.device}: call model.cpu()": self.device.type != "cpu",
            f"{', '.join(missing)} answer by neurons without one: run these densely": bool(missing),
            "layers= were given: leave them out": layers is not None,
            "it has batch norms, which wb.train folds at its end and wb.convert at its begin": self.norm is not None,
        }
        found = [reason for reason, applies in reasons.items() if applies]
        return found[0] if found else "numba cannot compile its kernels here: install numba anew"
