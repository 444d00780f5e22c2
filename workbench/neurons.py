"""Neuron dynamics as frozen values over pure scans: drive and state in, activity and state out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor


@dataclass(frozen=True)
class Neuron(ABC):
    """What a node does with its drive, step by step."""

    spiking: ClassVar[bool]

    @abstractmethod
    def scan(self, drive: Tensor, membrane: Tensor | None, age: int) -> tuple[Tensor, Tensor | None]:
        """Activity for each step of `drive` (steps, batch, *shape), and the membrane after the last one.

        `membrane` is None before the node's first response; `age` counts the steps since then.
        """


@dataclass(frozen=True)
class ReLU(Neuron):
    """Rectified linear unit of an ANN, r = max(0, drive); it keeps no state.

    >>> ReLU().scan(torch.tensor([[-1.0, 2.0]]), None, age=0)[0]
    tensor([[0., 2.]])
    """

    spiking = False

    def scan(self, drive: Tensor, membrane: Tensor | None, age: int) -> tuple[Tensor, Tensor | None]:
        return torch.relu(drive), None


@dataclass(frozen=True)
class IntegrateAndFire(Neuron):
    """Integrate-and-fire neuron without leak, at most one spike a tick.

    v(t) = max(floor, v(t-1) + drive(t)); s(t) = 1 if v(t) >= threshold else 0; then, where it spiked, v(t) loses the
    threshold (`reset="subtract"`) or becomes 0 (`reset="zero"`). `start` and `floor` are in units of the threshold;
    `floor=None` lets the membrane fall without bound. With `membrane="frame"` it returns to its start every
    `ticks_per_frame` ticks after the first response, with `"carry"` it never does.

    Source: Rueckauer et al. 2017, Front. Neurosci. 11:682 (reset by subtraction); Bu et al. 2022 (start at 1/2);
    the floor and the handling at frames are ours.

    >>> IntegrateAndFire(start=0.0).scan(torch.full((4, 1), 0.5), None, age=0)[0].flatten()
    tensor([0., 1., 0., 1.])
    """

    threshold: float = 1.0
    start: float = 0.5
    floor: float | None = -1.0
    reset: str = "subtract"
    membrane: str = "carry"
    ticks_per_frame: int = 1

    spiking = True

    def __post_init__(self) -> None:
        if not self.threshold > 0:
            raise ValueError(f"threshold={self.threshold!r} must be positive: a neuron fires when it is reached")
        if not self.start < 1:
            raise ValueError(f"start={self.start!r} is in units of the threshold and must lie below 1")
        if self.floor is not None and not self.floor <= min(self.start, 0):
            raise ValueError(
                f"floor={self.floor!r} must lie at or below 0 and start={self.start!r}, or be None for no floor"
            )
        for option, choices in (("reset", ("subtract", "zero")), ("membrane", ("carry", "frame"))):
            if getattr(self, option) not in choices:
                raise ValueError(f"{option}={getattr(self, option)!r} is unknown; choose from {', '.join(choices)}")
        if not isinstance(self.ticks_per_frame, int) or self.ticks_per_frame < 1:
            raise ValueError(f"ticks_per_frame={self.ticks_per_frame!r} must be a whole number of at least 1")

    def scan(self, drive: Tensor, membrane: Tensor | None, age: int) -> tuple[Tensor, Tensor | None]:
        spikes = torch.empty_like(drive)
        v = torch.full_like(drive[0], self.start * self.threshold) if membrane is None else membrane.clone()
        for tick in range(len(drive)):
            if self.membrane == "frame" and (age + tick) % self.ticks_per_frame == 0:
                v.fill_(self.start * self.threshold)
            v.add_(drive[tick])
            if self.floor is not None:
                v.clamp_(min=self.floor * self.threshold)
            torch.ge(v, self.threshold, out=spikes[tick])
            if self.reset == "subtract":
                v.sub_(spikes[tick], alpha=self.threshold)
            else:
                v.mul_(1 - spikes[tick])
        return spikes, v
