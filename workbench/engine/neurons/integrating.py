"""What neurons whose membranes sum up their drives share: everything that their `Dynamics` say."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor

from workbench.engine.kernels.neuron_scan import Dynamics, can_compile, scan_in_place
from workbench.engine.kernels.observed_scan import Observation, scan_observed
from workbench.engine.neurons.frame_counting import scan_counts, send_counts
from workbench.engine.neurons.neuron import SpikingNeuron
from workbench.engine.neurons.plain_scan import begin_tick, scan_at_once
from workbench.engine.neurons.surrogate import whole_spikes

MARGIN = 8  # times the spikes of a tick, or of a frame where they are counted for one, that a membrane may reach
FRAME = 256  # thresholds that one that counts may reach before its frame ends, when others may take them back


@dataclass(frozen=True)
class IntegratingNeuron(SpikingNeuron, abstract=True):
    """A neuron whose membrane sums up its drives: what it does is what its `dynamics` say; `floor` is in thresholds."""

    floor: float | None = -1.0
    reset: str = "subtract"

    @property
    @abstractmethod
    def dynamics(self) -> Dynamics:
        """The options as the compiled scan takes them."""

    def scan(self, drive: Tensor, membrane: Tensor | None, elapsed: int) -> tuple[Tensor, Tensor | None]:
        if can_compile(drive, membrane):
            return scan_in_place(self.dynamics, drive.clone(), membrane, elapsed)
        return self.scan_plainly(drive, membrane, elapsed)

    def scan_plainly(self, drive: Tensor, membrane: Tensor | None, elapsed: int) -> tuple[Tensor, Tensor]:
        """The same scan in torch alone: on every device, for every type of number, and to learn through."""
        dynamics = self.dynamics
        level, sent = self._initial_state(dynamics, drive[0], membrane)
        if dynamics.counts_frames:
            assert sent is not None, "a neuron that counts keeps its count"
            return scan_counts(dynamics, drive, level, sent, elapsed)
        return scan_at_once(dynamics, drive, level, sent, elapsed)

    def announce(self, membrane: Tensor, elapsed: int, steps: int) -> Tensor:
        return send_counts(self.dynamics, membrane[1], elapsed, steps)

    def membrane_at_step_start(self, membrane: Tensor | None, drive: Tensor, elapsed: int) -> Tensor:
        dynamics = self.dynamics
        level, sent = self._initial_state(dynamics, drive, membrane)
        return level if dynamics.counts_frames else begin_tick(dynamics, level, sent, elapsed)[0]

    def potential(self, membrane: Tensor) -> Tensor:
        # of signed neurons a scan also leaves what they have sent, of those that count what they send
        return membrane[0] if self.dynamics.keeps_count else membrane

    def most_potential(self) -> float:
        return self.dynamics.ceiling

    def most_values_per_tick(self) -> int:
        return self.most_spikes_per_tick() * (1 + self.dynamics.signed)

    def count_spikes(self, drive: Tensor, membrane: Tensor | None = None) -> Tensor:
        # clip(floor((drive + membrane) / threshold), 0, most)
        before = self.start * self.threshold if membrane is None else membrane
        return ((drive + before) / self.threshold).floor().clamp(0, self.most_spikes_per_frame())

    def limited(self, ticks_per_frame: int) -> Self:
        dynamics = self.dynamics
        if math.isfinite(dynamics.ceiling):
            return self
        # a power of two that a membrane reaches only where its answers are wrong already
        most = max(2 * ticks_per_frame, MARGIN * dynamics.burst, FRAME * dynamics.counts_frames, -(self.floor or 0))
        limits: dict[str, Any] = {"saturation": float(1 << (math.ceil(most) - 1).bit_length())}
        return replace(self, **limits)

    def without_floor(self) -> Self:
        return replace(self, floor=None)

    def observe(self, drive: Tensor, membrane: Tensor | None, unbound: Tensor | None, elapsed: int) -> Observation:
        known = None
        if can_compile(drive, membrane):
            known = scan_observed(self.dynamics, self._is_held(), drive, membrane, unbound, elapsed)
        return super().observe(drive, membrane, unbound, elapsed) if known is None else known

    def sum_counted(self, drive: Tensor, membrane: Tensor | None, spikes: Tensor, elapsed: int) -> Tensor:
        dynamics = self.dynamics
        if not dynamics.counts_frames:
            return super().sum_counted(drive, membrane, spikes, elapsed)
        total = torch.zeros_like(drive[0])
        for tick, now in enumerate(drive, elapsed):
            membrane = self.scan(now.unsqueeze(0), membrane, tick)[1]
            if (tick + 1) % dynamics.frame == 0 and membrane is not None:
                total += membrane[1]
        return total

    def count_at_floor(self, drive: Tensor, membrane: Tensor | None, elapsed: int) -> int:
        if not self._is_held():
            return 0
        held, dynamics = 0, self.dynamics
        for tick, now in enumerate(drive, elapsed):
            left = self.membrane_at_step_start(membrane, now, tick) + now
            if dynamics.counts_frames:
                left = left.clamp(-dynamics.ceiling, dynamics.ceiling)
                left = left - self.threshold * whole_spikes(left / self.threshold, 0, self.most_spikes_per_frame())
            if not dynamics.counts_frames or (tick + 1) % dynamics.frame == 0:
                held += int((left < dynamics.floor).sum())
            membrane = self.scan(now.unsqueeze(0), membrane, tick)[1]
        return held

    def _is_held(self) -> bool:
        """Whether a floor holds its membrane, which one that drops what it has not counted does not need."""
        return self.floor is not None and not (self.dynamics.counts_frames and self.dynamics.restart)

    def _limits(self, saturation: float | None) -> tuple[float, float]:
        """The least and the largest membrane that is left after what arrives in a tick."""
        most = math.inf if saturation is None else saturation * self.threshold
        return -most if self.floor is None else self.floor * self.threshold, most

    def _initial_state(self, dynamics: Dynamics, like: Tensor, membrane: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The membrane, and of signed neurons the spikes sent in this frame less those taken back."""
        if membrane is None:
            level = torch.full_like(like, dynamics.start)
            return level, torch.zeros_like(level) if dynamics.keeps_count else None
        return (membrane[0].clone(), membrane[1]) if dynamics.keeps_count else (membrane.clone(), None)


def require_membrane(
    threshold: float, start: float, floor: float | None, reset: str, saturation: float | None, burst: int = 1
) -> None:
    """ValueError for a threshold, a start, limits or a reset that make no membrane.

    >>> require_membrane(threshold=1.0, start=2.0, floor=None, reset="zero", saturation=None)
    Traceback (most recent call last):
    ValueError: start=2.0 is in units of the threshold and must lie below 1
    """
    if not threshold > 0:
        raise ValueError(f"threshold={threshold!r} must be positive: a neuron fires when it is reached")
    if not start < 1:
        raise ValueError(f"start={start!r} is in units of the threshold and must lie below 1")
    if floor is not None and not floor <= min(start, 0):
        raise ValueError(f"floor={floor!r} must lie at or below 0 and start={start!r}, or be None for no floor")
    require_choices(reset=(reset, ("subtract", "zero")))
    if saturation is not None and not saturation >= max(burst, -(floor or 0)):
        raise ValueError(
            f"saturation={saturation!r} must be at least burst={burst} and at least as far from 0 as "
            f"floor={floor!r}, or be None for no limit"
        )


def require_choices(**given: tuple[str, tuple[str, ...]]) -> None:
    """ValueError for an option whose value is none of those that are known: (value, known).

    >>> require_choices(reset=("hard", ("subtract", "zero")))
    Traceback (most recent call last):
    ValueError: reset='hard' is unknown; choose from subtract, zero
    """
    for option, (value, known) in given.items():
        if value not in known:
            raise ValueError(f"{option}={value!r} is unknown; choose from {', '.join(known)}")


def round_limits(start: float, floor: float | None, saturation: float | None, bits: int) -> Mapping[str, Any]:
    """The nearest whole multiples of 2^-bits of what is in thresholds, the start below 1, by option.

    >>> dict(round_limits(0.3, -0.6, None, bits=2))
    {'start': 0.25, 'floor': -0.5, 'saturation': None}
    """
    step = 2.0**-bits

    def nearest(value: float | None) -> float | None:
        return None if value is None else round(value / step) * step

    start = min(round(start / step) * step, 1 - step)
    return {"start": start, "floor": nearest(floor), "saturation": nearest(saturation)}
