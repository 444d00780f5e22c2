"""Error decomposition: the error of a spiking node in a frame, as differences of counterfactual counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor

from workbench.engine import SpikingNeuron
from workbench.model import Model

CAUSES = ("quantisation", "saturation", "sources", "delays", "carry", "unevenness", "floor")


@dataclass
class Record:
    """What one node did in one frame, (batch, *shape) each, in thresholds.

    `drive` is the sum over its ticks, `before` the membrane with which it began, `spikes` what was sent, `free` what
    the same neuron without a floor would have sent, `held` how many membranes were held at the floor.
    """

    before: Tensor
    drive: Tensor
    spikes: Tensor
    free: Tensor
    held: int = 0


@dataclass
class RecordingLayers:
    """The layers of an SNN for the engine, which is fed frame by frame; `records` holds the frame at hand by node."""

    model: Model
    records: dict[str, Record] = field(default_factory=dict)
    _unbound: dict[str, Tensor | None] = field(default_factory=dict)

    def connect(self, position: int, source: Tensor) -> Tensor:
        """As the model does."""
        return self.model.connect(position, source)

    def normalize(self, node: str, drive: Tensor) -> Tensor:
        """As the model does."""
        return self.model.normalize(node, drive)

    def fire(self, node: str, drive: Tensor, membrane: Tensor | None, elapsed: int) -> tuple[Tensor, Tensor | None]:
        """As the model does, and record it."""
        if node == self.model.network.output:
            return self.model.fire(node, drive, membrane, elapsed)
        neuron = find_neuron(self.model, node)
        drive = self.model.schedule_bias(node, drive, elapsed)
        if node not in self.records:
            nothing = torch.zeros_like(drive[0])
            self.records[node] = Record(
                neuron.membrane_at_step_start(membrane, drive[0], elapsed), nothing, nothing, nothing
            )
            self._unbound[node] = membrane
        record = self.records[node]
        free, self._unbound[node] = neuron.without_floor().scan(drive, self._unbound[node], elapsed)
        record.held += neuron.count_at_floor(drive, membrane, elapsed)
        spikes, membrane = neuron.scan(drive, membrane, elapsed)
        record.drive, record.free = record.drive + drive.sum(0), record.free + free.sum(0)
        record.spikes = record.spikes + spikes.sum(0)
        return spikes, membrane


def find_neuron(snn: Model, node: str) -> SpikingNeuron:
    """The neuron of a node whose spikes can be decomposed; ValueError for one without a membrane."""
    neuron = snn.neuron_of(node)
    if isinstance(neuron, SpikingNeuron):
        return neuron
    raise ValueError(f"node {node!r} answers by {neuron!r}, which has no membrane; convert the model by wb.convert")


def split_error(neuron: SpikingNeuron, expected: Tensor, presumed: Tensor, record: Record | None) -> dict[str, Tensor]:
    """The parts of spikes - expected in a frame, one for each of `CAUSES`; they add up to it.

    `expected` is the ANN's activity in spikes a frame, a real number; `presumed` the drive that the sources' spikes
    bring with the delays of training; `record` is None where the node is still silent. From one count to the next:
    the expected one in whole numbers (quantisation), as many as the neuron can send (saturation), of what the sources
    sent (sources), as it arrives in this frame (delays), on top of the membrane that was left (carry), tick by tick
    (unevenness), and held at the floor (floor).
    """
    whole = (expected / neuron.threshold + neuron.start).floor().clamp(min=0)
    possible = whole.clamp(max=neuron.most_spikes_per_frame())
    counts = [expected / neuron.threshold, whole, possible, neuron.count_spikes(presumed)]
    if record is None:
        counts += [torch.zeros_like(whole)] * 4
    else:
        counts += [neuron.count_spikes(record.drive), neuron.count_spikes(record.drive, record.before)]
        counts += [record.free, record.spikes]
    return {cause: after - before for cause, (before, after) in zip(CAUSES, pairwise(counts), strict=True)}
