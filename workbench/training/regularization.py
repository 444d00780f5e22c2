"""Regularization for conversion: noise on drives, and a penalty on the spikes that activities would cost."""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.engine import find_mean_square
from workbench.model import Model
from workbench.training.batch_parts import BatchPart


class RegularizedLayers:
    """The layers of a model for the engine, with noise on what drives the neurons and a price on what they send.

    The drive of a hidden node gets Gaussian noise of standard deviation `noise` in its own unit: the learned ceiling,
    or without one the root mean square of its activity. `cost` is the mean number of spikes per synapse and frame that
    its activity stands for: activity L / ceiling, or in units of the root mean square where there are no levels. Noise
    is drawn for the whole batch, of which the recordings may be a `part`.
    """

    def __init__(self, model: Model, noise: float, generator: torch.Generator, part: BatchPart | None = None) -> None:
        self.model, self.noise, self.generator, self.part = model, noise, generator, part
        network = model.network
        self._fan_out = {
            node: sum(
                (network.edges[p].operation.fan_out(network.shape_of(node)) for p in network.outgoing(node)),
                start=torch.zeros(network.shape_of(node), dtype=torch.int64),
            )
            for node in network.nodes
        }
        self._spent: list[Tensor] = []
        self._synapses = 0.0

    def connect(self, position: int, source: Tensor) -> Tensor:
        """As the model does."""
        return self.model.connect(position, source)

    def normalize(self, node: str, drive: Tensor) -> Tensor:
        """As the model does."""
        return self.model.normalize(node, drive)

    def fire(self, node: str, drive: Tensor, membrane: Tensor | None, elapsed: int) -> tuple[Tensor, Tensor | None]:
        """As the model does, with noise on the drive; what is sent is added to the cost."""
        model = self.model
        if node == model.network.output:
            return model.fire(node, drive, membrane, elapsed)
        if self.noise:
            unit = model.ceiling(node) if model.neuron_of(node).bounded else find_mean_square(torch.relu(drive)).sqrt()
            part = self.part or BatchPart.whole(drive.shape[1])
            shape = drive.shape[0], part.of, *drive.shape[2:]
            drawn = torch.randn(shape, generator=self.generator, device=drive.device, dtype=drive.dtype)
            drive = drive + self.noise * unit.detach() * drawn[:, part.begin : part.end]
        activity, membrane = model.fire(node, drive, membrane, elapsed)
        self._add(node, activity)
        return activity, membrane

    def announce(self, node: str, membrane: Tensor, elapsed: int, steps: int) -> Tensor:
        """As the model does."""
        return self.model.announce(node, membrane, elapsed, steps)

    @property
    def cost(self) -> Tensor:
        """Mean spikes per synapse and frame of all hidden nodes so far; ValueError before any has fired."""
        if not self._spent:
            raise ValueError("nothing was sent yet; run the model first")
        return torch.stack(self._spent).sum() / self._synapses

    def _add(self, node: str, activity: Tensor) -> None:
        model, fan_out = self.model, self._fan_out[node]
        if model.spiking:
            spikes = activity.abs()
        elif model.neuron_of(node).bounded:
            spikes = activity * ((model.neuron_of(node).activity_levels or 1) / model.ceiling(node))
        else:
            spikes = activity / find_mean_square(activity).sqrt().clamp(min=1e-12)
        self._spent.append((spikes.sum((0, 1)) * fan_out.to(spikes)).sum())
        frames = activity.shape[0] / model.ticks_per_frame
        self._synapses += frames * activity.shape[1] * int(fan_out.sum())
