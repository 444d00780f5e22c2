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


@dataclass(frozen=True)
class HybridState(State):
    """The state of a hybrid between two blocks: of each node its past as activity, as lists, or both.

    `levels` are the membranes of nodes that were computed in one call, as the next call takes them. Of the last block:
    the nodes `chosen` to be computed spike by spike, the `rates`, shares of its units and late steps in which each
    node was active, and the synaptic operations `counted` (edges, batch). `spent_ns`: nanoseconds spent since the last
    choice; `work`: steps times recordings of the block.
    """

    levels: Mapping[tuple[str, ...], Membranes] = field(default_factory=dict)
    lists: SpikeLists | None = None
    chosen: frozenset[str] = frozenset()
    listed: frozenset[str] = frozenset()
    rates: Mapping[str, float] = field(default_factory=dict)
    counted: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    spent_ns: int = 0
    work: int = 1


def measure_input_rate(values: Input) -> float:
    """The share of an input that is not 0, of every eighth recording."""
    return values.measure_rate() if isinstance(values, EventCounts) else measure_rate(values[:, ::8])


def measure_rate(values: Tensor) -> float:
    """The share of these that is not 0.

    >>> measure_rate(torch.tensor([0.0, 2.0]))
    0.5
    """
    return float(values.count_nonzero()) / max(values.numel(), 1)
