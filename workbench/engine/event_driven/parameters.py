"""What a spiking model has learned, as the event-driven engine takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from workbench.engine.kernels.neuron_scan import Dynamics


@dataclass(frozen=True, eq=False)
class Parameters:
    """Weights and gains by edge position, biases by node, and the dynamics of the hidden nodes.

    `extra_biases` are how many more biases than one arrive in each tick of a frame, of nodes where these are others.
    """

    weights: Sequence[Sequence[Tensor]]
    gains: Mapping[int, Tensor]
    biases: Mapping[str, Tensor]
    dynamics: Mapping[str, Dynamics]
    extra_biases: Mapping[str, Tensor]
