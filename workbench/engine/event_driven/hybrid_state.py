"""What the hybrid engine remembers between two blocks, and how active nodes were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from workbench.engine.event_counts import EventCounts
from workbench.engine.event_driven.simulator import Membranes
from workbench.engine.event_driven.spike_lists import SpikeLists
from workbench.engine.scheduler import State

Input = Tensor | EventCounts
PATIENCE_NS = 8_000_000  # that blocks take before nodes are chosen anew, which takes about a thirtieth of that
ENOUGH = 1 << 14  # numbers to estimate a rate by


@dataclass(frozen=True)
class HybridState(State):
    """The state of a hybrid between two blocks: of each node its past as activity, as lists, or both.

    `levels` are the membranes of nodes that were computed in one call, as the next call takes them. Of the last block:
    the nodes `chosen` to be computed spike by spike, the `rates`, shares of its units and late steps in which each
    node was active, and the synaptic operations `counted` (edges, batch). `spent_ns`: nanoseconds spent since the last
    choice.
    """

    levels: Mapping[tuple[str, ...], Membranes] = field(default_factory=dict)
    lists: SpikeLists | None = None
    chosen: frozenset[str] = frozenset()
    listed: frozenset[str] = frozenset()
    rates: Mapping[str, float] = field(default_factory=dict)
    counted: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    spent_ns: int = 0

    @property
    def is_due(self) -> bool:
        """Whether nodes are chosen anew."""
        return is_due(self.spent_ns)


def is_due(spent_ns: int) -> bool:
    """Whether nodes are chosen anew after so many nanoseconds."""
    return spent_ns >= PATIENCE_NS


def measure_input_rate(values: Input) -> float:
    """The share of an input that is not 0, of every eighth recording."""
    return values.measure_rate() if isinstance(values, EventCounts) else measure_rate(values)


def measure_rate(values: Tensor) -> float:
    """The share of these (steps, batch, *shape) that is not 0: of every eighth recording, of large images of some rows.

    In every step, for what happens in one tick of a frame must not be missed.

    >>> measure_rate(torch.tensor([[[0.0, -2.0]]]))
    0.5
    """
    some = values.detach()[:, ::8]
    if some.ndim > 3:
        spacing = max(min(some.numel() // ENOUGH, some.shape[-2] // 3), 1)
        some = some[..., spacing // 2 :: spacing, :]
    return float(some.sign().abs_().sum()) / max(some.numel(), 1)  # several times as quick as count_nonzero
