"""Error decomposition: the error of a spiking node in a frame, as differences of counterfactual counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from workbench.engine import SpikingNeuron, make_sparse_product, require_engine
from workbench.model import Model, is_exact

if TYPE_CHECKING:
    from workbench.engine import SparseProduct

SPARSE = 0.2  # share of active units up to which spikes are added up one by one

CAUSES = ("quantisation", "saturation", "sources", "delays", "carry", "unevenness", "floor")


@dataclass(frozen=True)
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

    def joined(self, later: Record) -> Record:
        """Both as one, this one first."""
        drive, spikes, free = self.drive + later.drive, self.spikes + later.spikes, self.free + later.free
        return Record(self.before, drive, spikes, free, self.held + later.held)


@dataclass
class RecordingLayers:
    """The layers of an SNN for the engine, which is fed frame by frame; `records` holds the frame at hand by node.

    `engine` as `diagnose` takes it; ValueError where "events" cannot run the model.
    """

    model: Model
    engine: str | None = None
    records: dict[str, Record] = field(default_factory=dict)
    _products: dict[int, SparseProduct | None] = field(default_factory=dict)
    _rates: dict[str, float] = field(default_factory=dict)
    _unbound: dict[str, Tensor | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.engine is not None:
            require_engine(self.engine)

    def connect(self, position: int, source: Tensor) -> Tensor:
        """As the model does, bit for bit; of exact numbers sparse activity is added up, spike by spike."""
        if position not in self._products:
            self._products[position] = self._make_product(position)
        product, node = self._products[position], self.model.network.edges[position].source
        busy = self.engine != "events" and self._rates.get(node, 0.0) > SPARSE
        if product is None or busy:
            return self.model.connect(position, source)
        target = product(source.flatten(0, 1))
        return target.view(*source.shape[:2], *target.shape[1:])

    def _make_product(self, position: int) -> SparseProduct | None:
        model, edge = self.model, self.model.network.edges[position]
        if self.engine == "dense" or (self.engine is None and not is_exact(model)):
            return None
        weights = [weight.detach() for weight in model.weights[position].parameters()]
        gain = model.gains[str(position)].detach() if str(position) in model.gains else None
        product = make_sparse_product(edge.operation, model.network.shape_of(edge.source), weights, gain)
        if product is None and self.engine == "events":
            raise ValueError(
                f'engine="events" cannot compute {edge.source} -> {edge.target} spike by spike: it needs numba, '
                'float32 on a CPU and a map that is not too large; use engine="auto"'
            )
        return product

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
            before = neuron.membrane_at_step_start(membrane, drive[0], elapsed)
            self._unbound[node], seen = membrane, None
        else:
            before, seen = self.records[node].before, self.records[node]
        found = neuron.observe(drive, membrane, self._unbound[node], elapsed)
        self._unbound[node] = found.unbound
        record = Record(before, found.drive_sum, found.spike_sum, found.unbound_sum, found.held)
        self.records[node] = record if seen is None else seen.joined(record)
        self._rates[node] = float(found.spike_sum.mean()) / neuron.most_spikes_per_frame()
        return found.spikes, found.membrane

    def announce(self, node: str, membrane: Tensor, elapsed: int, steps: int) -> Tensor:
        """As the model does."""
        return self.model.announce(node, membrane, elapsed, steps)


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
