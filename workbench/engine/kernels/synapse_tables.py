"""Synapse tables: for every unit, the targets and weights that a spike of it reaches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

SHIFT = 40  # bits of the reciprocal of a depth


@dataclass(frozen=True, eq=False)
class SynapseTable:
    """Where each source unit's targets and weights are, in runs that lie next to each other in memory.

    Units lie in memory in places of `depth` each: the channels of a pixel side by side. `runs` (places, 5) is for the
    first unit of each place: first target, first weight, how many lie next to each other, how many such runs there are,
    and how many targets are reached, which in a matrix written out are fewer than those in the run. From one run to the
    next it is `target_row_stride` targets and `weight_row_stride` weights, from one unit of a place to the next
    `target_unit_stride` targets and `weight_unit_stride` weights.

    The units of a place may be in `groups`, one after the other, with as many channels of the target each: then the
    weights of a run are for pieces of `piece` targets, as many as a group has next to each other; from one piece to the
    next it is groups x piece targets, and `piece` from one group to the next.
    """

    runs: NDArray[np.int32]
    depth: int
    target_row_stride: int
    weight_row_stride: int
    target_unit_stride: int
    weight_unit_stride: int
    groups: int = 1
    piece: int = 0

    @property
    def operations(self) -> int:
        """Synaptic operations when every unit spikes once."""
        return int(self.runs[:, 4].sum()) * self.depth

    @property
    def run_count(self) -> int:
        """Runs of weights that are added when every unit spikes once."""
        run, runs = self.runs[:, 2], self.runs[:, 3]
        return int(runs.sum() if self.groups == 1 else (runs * (run // self.piece)).sum()) * self.depth

    @property
    def spans(self) -> NDArray[np.int32]:
        """From the first to the last target of the first run of each place, of all groups together."""
        span: NDArray[np.int32] = self.runs[:, 2] * self.groups
        return span

    @property
    def reciprocal(self) -> int:
        """What to multiply a unit with to find its place: unit // depth = unit reciprocal >> SHIFT."""
        return -(-(1 << SHIFT) // self.depth)

    def is_within(self, row: int) -> bool:
        """Whether no run reaches from one row of so many targets into the next."""
        run, runs = self.spans.max(), self.runs[:, 3].max()
        return bool(run <= row and self.target_row_stride == row) or bool(run <= 1 and runs <= 1)


@lru_cache(maxsize=4096)  # a stream asks for the same with every run
def find_sources(table: SynapseTable, low: int, high: int) -> tuple[int, int]:
    """The first unit that may reach one of the targets low .. high - 1, and the one after the last; they do so in turn.

    >>> from workbench.engine.kernels.synapse_layouts import make_table
    >>> find_sources(make_table(Conv(4, kernel=3), (1, 3, 3)), 0, 12)  # those of the first row of three
    (0, 6)
    """
    first, _, run, runs, _ = table.runs.T
    end = first + (runs - 1) * table.target_row_stride + table.spans + (table.depth - 1) * table.target_unit_stride
    places = np.flatnonzero((run * runs > 0) & (first < high) & (end > low))
    return (int(places[0]) * table.depth, (int(places[-1]) + 1) * table.depth) if len(places) else (0, 0)


def stack_runs(
    target: NDArray[np.int64],
    weight: ArrayLike,
    run: ArrayLike,
    runs: ArrayLike,
    depth: int,
    target_row_stride: int = 1,
    weight_row_stride: int = 0,
    target_unit_stride: int = 0,
    weight_unit_stride: int = 0,
    reached: NDArray[np.int64] | None = None,
    groups: int = 1,
    piece: int = 0,
) -> SynapseTable:
    """A table from its columns, one number or one per place each; by default whole runs are reached."""
    whole = np.multiply(run, runs) if reached is None else reached
    columns = np.broadcast_arrays(target, weight, run, runs, whole)
    table = np.stack([column.ravel() for column in columns], axis=1).astype(np.int32)
    strides = target_row_stride, weight_row_stride, target_unit_stride, weight_unit_stride
    return SynapseTable(table, depth, *strides, groups, piece)
