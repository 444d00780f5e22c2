"""Neurons of an ANN, which keep no state: a ReLU, and one that is clipped and quantised."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from workbench.engine.neurons.neuron import Neuron
from workbench.validation import hold_whole


@dataclass(frozen=True)
class ReLU(Neuron):
    """Rectified linear unit of an ANN, r = max(0, drive); it keeps no state.

    >>> ReLU().scan(torch.tensor([[-1.0, 2.0]]), None, elapsed=0)[0]
    tensor([[0., 2.]])
    """

    spiking = False
    rectifies = True

    def scan(self, drive: Tensor, membrane: Tensor | None, elapsed: int) -> tuple[Tensor, Tensor | None]:
        return torch.relu(drive), None


@dataclass(frozen=True)
class QuantisedReLU(Neuron):
    """What a spiking neuron can say in a frame: a clipped ReLU in equal steps, in units of the node's learned ceiling.

    r = clip(floor(drive L + 1/2), 0, L) / L with L = `levels`; `levels=None` only clips. Its gradient is 1 where the
    drive lies between 0 and the ceiling (straight through the steps), else 0. It keeps no state.

    Source: Bu et al. 2022, ICLR (quantisation clip-floor-shift activation, its threshold trained).

    >>> QuantisedReLU(levels=4).scan(torch.tensor([[-1.0, 0.3, 0.4, 7.0]]), None, elapsed=0)[0]
    tensor([[0.0000, 0.2500, 0.5000, 1.0000]])
    """

    levels: int | None = 4

    spiking = False
    bounded = True
    telling = ("levels",)

    def __post_init__(self) -> None:
        if self.levels is not None:
            hold_whole(self, "levels")

    @property
    def activity_levels(self) -> int | None:
        return self.levels

    def scan(self, drive: Tensor, membrane: Tensor | None, elapsed: int) -> tuple[Tensor, Tensor | None]:
        clipped = drive.clamp(0, 1)
        if self.levels is None:
            return clipped, None
        steps = (clipped.detach() * self.levels + 0.5).floor_() / self.levels
        return clipped + (steps - clipped.detach()), None
