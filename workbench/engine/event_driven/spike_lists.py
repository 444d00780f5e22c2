"""Spike lists: what nodes send, as units and values step by step, and back as tensors."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.engine.event_counts import EventCounts
from workbench.engine.kernels.buffer_pool import borrow
from workbench.engine.kernels.event_kernels import (
    OFFSETS,
    ORIGIN,
    STEPS,
    TOGETHER,
    UNITS,
    copy_lists,
    fill_rows,
    list_events,
    list_rows,
    weigh_lists,
)
from workbench.engine.kernels.fire_kernels import UNROLL
from workbench.engine.kernels.parallel import parallel_for
from workbench.network import Shape

SILENT = 16  # units to one spike, about: so many times shorter than an activity a list is


class SpikeLists:
    """The spikes of several nodes in consecutive steps: of every node, recording and step the units and their values.

    `regions` is the table of nodes as the kernels take it. A list ends where the next one begins; before the first is
    written all are empty. There is room for every unit in every step, of which the system only allocates what is used.
    Each recording is held in bands: `cuts` (nodes, bands + 1) is the unit at which each begins; the first has room
    for all. The units in a list rise, but for those nodes that are `unsorted`, where one channel follows the other.
    """

    TOGETHER = TOGETHER  # kinds of weights that are summed at once

    def __init__(self, regions: NDArray[np.int64], batch: int, cuts: NDArray[np.int64]) -> None:
        self.regions, self.batch, self.cuts = regions, batch, cuts
        self.bands = cuts.shape[1] - 1
        self.unsorted: set[int] = set()
        lanes, widths = batch * self.bands, np.diff(cuts)
        widths[:, 0] = regions[:, UNITS]
        rooms = widths * regions[:, STEPS, None] + UNROLL  # as many entries as the kernels may write beyond the end
        lengths = (regions[:, STEPS] + 1) * lanes
        regions[:, OFFSETS] = np.cumsum(lengths) - lengths
        each = rooms[:, None].repeat(batch, axis=1).ravel()  # of every node and lane
        self.offsets = np.repeat(np.cumsum(each) - each, np.repeat(regions[:, STEPS] + 1, lanes))
        self.units, self.values = borrow(self, int(each.sum()))

    @property
    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
        """Offsets, units and values, as every kernel takes them."""
        return self.offsets, self.units, self.values

    def copy(self, number: int, before: SpikeLists, end: int) -> None:
        """Begin the lists of a node by those of its steps before `end`, which another holds."""
        region, old = self.regions[number], before.regions[number]
        if end > region[ORIGIN]:
            numbers = (end - region[ORIGIN]) * region[UNITS] * self.batch // SILENT
            self.unsorted |= before.unsorted & {number}
            bands = self.bands, before.bands
            parallel_for(
                copy_lists.compiled(), self.batch, numbers, *bands, region, old, end, *self.arrays, *before.arrays
            )

    def append(self, number: int, begin: int, activity: Tensor) -> None:
        """List the activity (steps, batch, *shape) of a node from step `begin` on."""
        rows, names = _rows(activity.detach())
        if (names[1:] < names[:-1]).any():
            self.unsorted.add(number)
        region = self.regions[number]
        parallel_for(list_rows.compiled(), self.batch, rows.size, self.bands, rows, names, region, begin, *self.arrays)

    def append_events(self, number: int, begin: int, events: EventCounts) -> float:
        """List the events of an input from step `begin` on; the most that a unit has in a step."""
        region, largest = self.regions[number], np.zeros(self.batch, np.float32)
        size, kernel = len(events) * self.batch * int(region[UNITS]), list_events.compiled()
        names = name_units(events.source)
        where = events.sites, events.bounds, names, region, begin, largest
        parallel_for(kernel, self.batch, size, self.bands, *where, *self.arrays)
        return float(largest.max(initial=0))

    def fill(self, number: int, begin: int, end: int, shape: Shape) -> Tensor:
        """The activity (steps, batch, *shape) of a node in the steps begin .. end - 1, channels last in memory."""
        region = self.regions[number]
        rows = torch.empty(max(0, end - begin), self.batch, int(region[UNITS]), dtype=torch.float32)
        parallel_for(
            fill_rows.compiled(), self.batch, rows.numel(), self.bands, rows.numpy(), region, begin, *self.arrays
        )
        return rows.view(-1, self.batch, *shape[1:], shape[0]).movedim(-1, 2)

    def weigh(self, number: int, begin: int, end: int, weights: NDArray[np.float64]) -> Tensor:
        """The weights (units, kinds) of what a node sends in the steps begin .. end - 1: (steps, batch, kinds).

        There must be a multiple of `TOGETHER` kinds.
        """
        sums, region = np.empty((max(0, end - begin), self.batch, weights.shape[1])), self.regions[number]
        spikes = self.count(number, begin, end) if len(sums) else 0
        numbers = spikes * weights.shape[1] + sums.size
        parallel_for(
            weigh_lists.compiled(), self.batch, numbers, self.bands, region, begin, weights, *self.arrays, sums
        )
        return torch.from_numpy(sums)

    def count(self, number: int, begin: int, end: int) -> int:
        """How many units of a node were active in the steps begin .. end - 1, all recordings together."""
        region = self.regions[number]
        offsets = self.offsets[region[OFFSETS] :][: self.batch * self.bands * (region[STEPS] + 1)]
        offsets = offsets.reshape(self.batch * self.bands, -1)
        return int((offsets[:, end - region[ORIGIN]] - offsets[:, begin - region[ORIGIN]]).sum())


@lru_cache(maxsize=64)
def name_units(shape: Shape) -> NDArray[np.int32]:
    """What the units of a node are called in lists, in the order of a contiguous tensor: there channels lie last.

    >>> name_units((2, 1, 2)).tolist()
    [0, 2, 1, 3]
    """
    units = np.arange(math.prod(shape), dtype=np.int32).reshape(*shape[1:], shape[0])
    return np.ascontiguousarray(np.moveaxis(units, -1, 0)).ravel()


def _rows(activity: Tensor) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """An activity as rows (steps, batch, units) in the order of memory, and the number of each of those units."""
    steps, batch, *shape = activity.shape
    units = math.prod(shape)
    if activity.is_contiguous():
        return activity.numpy().reshape(steps, batch, units), name_units(tuple(shape))
    last = activity.movedim(2, -1).contiguous()
    return last.numpy().reshape(steps, batch, units), np.arange(units, dtype=np.int32)
