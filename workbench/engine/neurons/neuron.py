"""What a node does with its drive: the interface of all neurons, and their registry."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import ClassVar, Self

from torch import Tensor

from workbench.engine.kernels.neuron_scan import Dynamics
from workbench.engine.kernels.observed_scan import Observation, sum_steps

NEURONS: dict[str, type[Neuron]] = {}
"""Every kind of neuron by the name under which models are saved; a subclass of `Neuron` registers itself."""


@dataclass(frozen=True)
class Neuron(ABC):
    """What a node does with its drive, step by step; a new kind is a subclass, in one file, and nothing else."""

    spiking: ClassVar[bool]
    bounded: ClassVar[bool] = False  # whether it works in units of a ceiling that each node learns
    telling: ClassVar[tuple[str, ...]] = ()  # options that are shown whatever they are
    rectifies: ClassVar[bool] = False  # whether its activity is max(0, drive) and nothing else, as in-place code wants

    def __init_subclass__(cls, abstract: bool = False) -> None:
        super().__init_subclass__()
        if not abstract:
            NEURONS[cls.__name__] = cls

    @abstractmethod
    def scan(self, drive: Tensor, membrane: Tensor | None, elapsed: int) -> tuple[Tensor, Tensor | None]:
        """Activity for each step of `drive` (steps, batch, *shape), and the membrane after the last one.

        `membrane` is None before the node's first response; `elapsed` counts the steps since then.
        """

    @property
    def brief(self) -> str:
        """How it is made, without the options that are as they are where nobody names them, but for those `telling`."""
        shown = [f for f in fields(self) if f.name in self.telling or getattr(self, f.name) != f.default]
        return f"{type(self).__name__}({', '.join(f'{f.name}={getattr(self, f.name)!r}' for f in shown)})"

    @property
    def activity_levels(self) -> int | None:
        """Steps between silence and ceiling of its activity; None where it takes any value."""
        return None

    @property
    def dynamics(self) -> Dynamics | None:
        """Its options as the compiled scan takes them; None where there is no compiled scan for it."""
        return None

    @property
    def latency(self) -> int:
        """Steps after the first of its drive before it answers; the edges that it feeds take so many less."""
        return 0

    @property
    def silent_ticks(self) -> int:
        """In how many ticks of every frame it sends nothing, whatever it gets."""
        return 0

    def extra_biases(self, elapsed: int, steps: int) -> Tensor | None:
        """How many more biases than one arrive in each of these steps (steps); None where one arrives in every step."""
        return None

    def most_values_per_tick(self) -> int:
        """How many values other than 0 its spikes of one tick can take."""
        return 1

    def announce(self, membrane: Tensor, elapsed: int, steps: int) -> Tensor:
        """What it answers in the next steps (steps, batch, *shape), whatever drives it then: at most its latency."""
        raise NotImplementedError(f"{type(self).__name__} has a latency, so it must say what it will answer")


@dataclass(frozen=True)
class SpikingNeuron(Neuron, abstract=True):
    """A neuron that keeps a membrane and sends spikes when it reaches the threshold; `start` is in thresholds."""

    threshold: float = 1.0
    start: float = 0.5

    spiking = True

    @abstractmethod
    def membrane_at_step_start(self, membrane: Tensor | None, drive: Tensor, elapsed: int) -> Tensor:
        """The membrane to which the drive of this step is added: after what the begin of a frame does to it."""

    @abstractmethod
    def potential(self, membrane: Tensor) -> Tensor:
        """The membrane itself, in what a scan leaves behind."""

    @abstractmethod
    def most_potential(self) -> float:
        """The largest membrane, of either sign, that is left after what arrives in a tick; inf where there is none."""

    @abstractmethod
    def rounded(self, bits: int) -> Self:
        """The same neuron, whose start and limits are the nearest whole multiples of 2^-bits."""

    def limited(self, ticks_per_frame: int) -> Self:
        """The same neuron with limits for its membrane, if it can have some and none are named."""
        return self

    def is_on_grid(self, bits: int) -> bool:
        """Whether its threshold is 1, and its start and limits are finite whole multiples of 2^-bits."""
        return self.threshold == 1 and self.rounded(bits) == self and math.isfinite(self.most_potential())

    @abstractmethod
    def most_spikes_per_tick(self) -> int:
        """How many spikes it can send in a tick."""

    @abstractmethod
    def most_spikes_per_frame(self) -> int:
        """How many spikes it can send in a frame."""

    @abstractmethod
    def count_spikes(self, drive: Tensor, membrane: Tensor | None = None) -> Tensor:
        """The spikes of a frame whose drive comes all at once, on top of a membrane or of the start."""

    @abstractmethod
    def without_floor(self) -> SpikingNeuron:
        """The same neuron, whose membrane may fall without bound."""

    def observe(self, drive: Tensor, membrane: Tensor | None, unbound: Tensor | None, elapsed: int) -> Observation:
        """What `scan` gives, with what arrived and was sent, and what would have been sent without a floor.

        `unbound` is the membrane that there would be without one.
        """
        spikes, after = self.scan(drive, membrane, elapsed)
        other = self.without_floor()
        free, without = (spikes, after) if other == self else other.scan(drive, unbound, elapsed)
        held = self.count_at_floor(drive, membrane, elapsed)
        counted = self.sum_counted(drive, membrane, spikes, elapsed)
        without_floor = counted if other == self else other.sum_counted(drive, unbound, free, elapsed)
        return Observation(spikes, after, without, sum_steps(drive), counted, without_floor, held)

    def sum_counted(self, drive: Tensor, membrane: Tensor | None, spikes: Tensor, elapsed: int) -> Tensor:
        """The spikes that these drives have led to, which are those sent unless they are counted first."""
        return sum_steps(spikes)

    @abstractmethod
    def count_at_floor(self, drive: Tensor, membrane: Tensor | None, elapsed: int) -> int:
        """How many membranes the floor holds, over all steps of a drive (steps, batch, *shape)."""
