"""Inputs as events rather than as frames: where they are silent nothing is written, and nothing is read."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.network import Shape


@dataclass(frozen=True, eq=False)
class EventCounts:
    """Events of several recordings in consecutive ticks, as much of a tensor (ticks, batch, *source) as blocks need.

    `sites` are flat indexes into `source`, one per event; those of recording r in tick t lie from bounds[r, t] to
    bounds[r, t + 1].

    >>> events = EventCounts(np.array([1, 1, 0], np.int32), np.array([[0, 2, 3]]), (2,))
    >>> events.shape, events.to_tensor()[:, 0].tolist()
    ((2, 1, 2), [[0.0, 2.0], [1.0, 0.0]])
    """

    sites: NDArray[np.int32]
    bounds: NDArray[np.int64]
    source: Shape

    @property
    def shape(self) -> Shape:
        """(ticks, batch, *source)."""
        return (len(self), len(self.bounds), *self.source)

    def __len__(self) -> int:
        return len(self.bounds.T) - 1

    def new_zeros(self, *sizes: int) -> Tensor:
        """A tensor of zeros, of the type of numbers that events become."""
        return torch.zeros(sizes, dtype=torch.float32)

    def to_tensor(self) -> Tensor:
        """How many events there are in each tick, recording and place."""
        ticks, batch, units = len(self), len(self.bounds), math.prod(self.source)
        each = np.diff(self.bounds)
        rows = np.repeat(np.add.outer(np.arange(batch), batch * np.arange(ticks)).ravel(), each.ravel())
        counts = np.bincount(rows * units + self.sites, minlength=ticks * batch * units)
        return torch.from_numpy(counts.astype(np.float32)).view(self.shape)

    def find_most(self) -> int:
        """The most events that any place has in a tick."""
        if not len(self.sites):
            return 0
        ticks = np.repeat(np.arange(self.bounds[:, :-1].size), np.diff(self.bounds).ravel())
        places = np.sort(ticks * math.prod(self.source) + self.sites)
        begins = np.flatnonzero(np.diff(places, prepend=-1))
        return int(np.diff(begins, append=len(places)).max())

    def measure_rate(self) -> float:
        """The share of places and ticks with an event, about: more than one in a place counts as often."""
        return len(self.sites) / max(math.prod(self.shape), 1)
