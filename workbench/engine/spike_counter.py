"""What nodes send, counted while blocks are computed: every unit with a weight of its own, step by step."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from workbench.engine.kernels.weighted_counts import count_weighted
from workbench.engine.scheduler import Segment
from workbench.network import Shape

if TYPE_CHECKING:
    from workbench.engine.event_driven.spike_lists import SpikeLists  # which would import numba


class SpikeCounter:
    """Sums over the active units of every node: `weights` (units, kinds), float64, of a unit as often as it spikes.

    Units of nodes that are not `spiking` count once where they are not 0. What was counted since the last `take` is
    held by node as segments (steps, batch, kinds); steps in which a node is silent may be missing.

    >>> counter = SpikeCounter({"v1": torch.tensor([[1.0], [10.0]], dtype=torch.float64)}, ["v1"])
    >>> counter.add("v1", Segment(5, torch.tensor([[[2.0, 1.0]]])))
    >>> counter.take()["v1"][0].start, counter.take()
    (5, {'v1': []})
    """

    def __init__(self, weights: Mapping[str, Tensor], spiking: Collection[str]) -> None:
        self.weights, self.spiking = weights, frozenset(spiking)
        self._listed: dict[str, NDArray[np.float64]] = {}
        self._counts: dict[str, list[Segment]] = {node: [] for node in weights}

    def add(self, node: str, activity: Segment) -> None:
        """Count an activity (steps, batch, *shape)."""
        counted = count_weighted(activity.values, self.weights[node], node in self.spiking)
        self._counts[node].append(Segment(activity.start, counted))

    def add_listed(self, node: str, shape: Shape, lists: SpikeLists, number: int, begin: int, end: int) -> None:
        """Count the listed spikes of a node in the steps begin .. end - 1."""
        if node not in self._listed:  # in the order of units in lists: the channels of a position side by side
            weights = self.weights[node].numpy().reshape(*shape, -1)
            weights = np.ascontiguousarray(np.moveaxis(weights, 0, -2)).reshape(-1, weights.shape[-1])
            self._listed[node] = np.pad(weights, ((0, 0), (0, -weights.shape[1] % lists.TOGETHER)))
        sums = lists.weigh(number, begin, end, self._listed[node])[..., : self.weights[node].shape[-1]]
        self._counts[node].append(Segment(begin, sums))

    def take(self) -> dict[str, list[Segment]]:
        """What was counted since the last time, by node."""
        taken = self._counts
        self._counts = {node: [] for node in self.weights}
        return taken
