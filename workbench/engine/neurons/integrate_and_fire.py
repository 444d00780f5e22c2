"""The integrate-and-fire neuron as a pure scan, drive and state in, spikes and state out, and how it learns."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Self

import torch
from torch import Tensor

from workbench.engine.kernels.neuron_scan import Dynamics, can_compile, scan_in_place
from workbench.engine.kernels.observed_scan import Observation, scan_observed
from workbench.engine.neurons.neuron import SpikingNeuron
from workbench.validation import hold_whole


@dataclass(frozen=True)
class IntegrateAndFire(SpikingNeuron):
    """Integrate-and-fire neuron without leak; how often it may spike in a tick, and when, are options.

    v(t) = max(floor, v(t-1) + drive(t)); s(t) = clip(floor(v(t) / threshold), 0, burst); then, where it spiked, v(t)
    loses the threshold for every spike (`reset="subtract"`) or becomes 0 (`reset="zero"`). `start`, `floor` and
    `saturation` are in units of the threshold; `floor=None` lets the membrane fall without bound. With a `saturation`
    it is held within -saturation .. saturation as well, in every tick, after all that arrives and before it spikes: a
    limit of the arithmetic, which does not count when neurons are compared.

    `burst`: at most so many spikes a tick. `signed`: where v(t) < 0, it takes spikes back, floor(v(t) / threshold) of
    them, at most `burst` and never more than it has sent in this frame. `silence`: it does not spike in the first so
    many ticks of a frame. `membrane`: at the begin of every frame v returns to its start ("frame"), loses what is
    negative ("rectify"), or stays ("carry"). Frames have `ticks_per_frame` ticks from the first response on. `bias`:
    the node's bias arrives every "tick", or that of a whole "frame" in its first tick.

    Source: Rueckauer et al. 2017, Front. Neurosci. 11:682 (reset by subtraction); Bu et al. 2022 (start at 1/2);
    Li & Zeng 2022 (burst); Wang et al. 2022 (signed; there over the whole run, not over a frame); the floor, the
    saturation, silence and the handling at frames are ours.

    >>> IntegrateAndFire(start=0.0).scan(torch.full((4, 1), 0.5), None, elapsed=0)[0].flatten()
    tensor([0., 1., 0., 1.])
    >>> neuron = IntegrateAndFire(burst=3, signed=True, ticks_per_frame=2)
    >>> neuron.scan(torch.tensor([[2.0], [-1.0]]), None, elapsed=0)[0].flatten()
    tensor([ 2., -1.])
    """

    floor: float | None = -1.0
    reset: str = "subtract"
    membrane: str = "carry"
    ticks_per_frame: int = 1
    burst: int = 1
    signed: bool = False
    silence: int = 0
    bias: str = "tick"
    saturation: float | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not self.threshold > 0:
            raise ValueError(f"threshold={self.threshold!r} must be positive: a neuron fires when it is reached")
        if not self.start < 1:
            raise ValueError(f"start={self.start!r} is in units of the threshold and must lie below 1")
        if self.floor is not None and not self.floor <= min(self.start, 0):
            raise ValueError(
                f"floor={self.floor!r} must lie at or below 0 and start={self.start!r}, or be None for no floor"
            )
        choices = (
            ("reset", ("subtract", "zero")), ("membrane", ("carry", "rectify", "frame")), ("bias", ("tick", "frame"))
        )  # fmt: skip
        for option, known in choices:
            if getattr(self, option) not in known:
                raise ValueError(f"{option}={getattr(self, option)!r} is unknown; choose from {', '.join(known)}")
        hold_whole(self, "ticks_per_frame", "burst")
        hold_whole(self, "silence", least=0)
        if self.silence >= self.ticks_per_frame:
            raise ValueError(
                f"silence={self.silence} of {self.ticks_per_frame} ticks a frame leaves no tick to spike in; use at "
                f"most {self.ticks_per_frame - 1}"
            )
        if self.saturation is not None and not self.saturation >= max(self.burst, -(self.floor or 0)):
            raise ValueError(
                f"saturation={self.saturation!r} must be at least burst={self.burst} and at least as far from 0 as "
                f"floor={self.floor!r}, or be None for no limit"
            )
        if self.signed and self.reset == "zero":
            raise ValueError('signed=True takes spikes back, which reset="zero" cannot; use reset="subtract"')

    def scan(self, drive: Tensor, membrane: Tensor | None, elapsed: int) -> tuple[Tensor, Tensor | None]:
        if can_compile(drive, membrane):
            return scan_in_place(self.dynamics, drive.clone(), membrane, elapsed)
        return self.scan_plainly(drive, membrane, elapsed)

    @property
    def dynamics(self) -> Dynamics:
        """The options as the compiled scan takes them."""
        return Dynamics(
            self.ticks_per_frame,
            self.silence,
            self.start * self.threshold,
            self.threshold,
            *self._limits(),
            self.burst,
            self.signed,
            reset_to_zero=self.reset == "zero",
            restart=self.membrane == "frame",
            rectify=self.membrane == "rectify",
        )

    @property
    def silent_ticks(self) -> int:
        return self.silence

    def extra_biases(self, elapsed: int, steps: int) -> Tensor | None:
        if self.bias == "tick":
            return None
        begins = torch.arange(elapsed, elapsed + steps) % self.ticks_per_frame == 0
        return (begins * self.ticks_per_frame - 1).to(torch.float32)

    def scan_plainly(self, drive: Tensor, membrane: Tensor | None, elapsed: int) -> tuple[Tensor, Tensor]:
        """The same scan in torch alone: on every device, for every type of number, and to learn through."""
        v, sent = self._initial_state(drive[0], membrane)
        learning = drive.requires_grad or v.requires_grad
        into = None if learning else v  # where nothing is learned, the membrane is written in place
        (least, most), spikes = self._limits(), []
        for tick, now in enumerate(drive.unbind(0), elapsed):
            phase = tick % self.ticks_per_frame
            if phase == 0:
                v, sent = self._begin_frame(v, sent, into)
            v = torch.add(v, now, out=into)
            if self.floor is not None or self.saturation is not None:
                v = torch.clamp(v, least, most, out=into)
            if phase < self.silence:
                spikes.append(torch.zeros_like(v))
                continue
            fired = self._fire(v, sent)
            if self.reset == "subtract":
                v = torch.sub(v, fired if self.threshold == 1 else fired * self.threshold, out=into)
            else:
                v = torch.mul(v, fired == 0, out=into)
            sent = None if sent is None else sent + fired
            spikes.append(fired)
        return torch.stack(spikes), v if sent is None else torch.stack([v, sent])

    def membrane_at_step_start(self, membrane: Tensor | None, drive: Tensor, elapsed: int) -> Tensor:
        v, sent = self._initial_state(drive, membrane)
        return self._begin_frame(v, sent, None)[0] if elapsed % self.ticks_per_frame == 0 else v

    def potential(self, membrane: Tensor) -> Tensor:
        # of signed neurons a scan also leaves what they have sent
        return membrane[0] if self.signed else membrane

    def most_potential(self) -> float:
        return self._limits()[1]

    def rounded(self, bits: int) -> Self:
        step = 2.0**-bits

        def nearest(value: float | None) -> float | None:
            return None if value is None else round(value / step) * step

        start = min(round(self.start / step) * step, 1 - step)
        return replace(self, start=start, floor=nearest(self.floor), saturation=nearest(self.saturation))

    def most_spikes_per_tick(self) -> int:
        return self.burst

    def most_values_per_tick(self) -> int:
        return self.burst * (1 + self.signed)

    def most_spikes_per_frame(self) -> int:
        return (self.ticks_per_frame - self.silence) * self.burst

    def count_spikes(self, drive: Tensor, membrane: Tensor | None = None) -> Tensor:
        # clip(floor((drive + membrane) / threshold), 0, most)
        before = self.start * self.threshold if membrane is None else membrane
        return ((drive + before) / self.threshold).floor().clamp(0, self.most_spikes_per_frame())

    def without_floor(self) -> IntegrateAndFire:
        return replace(self, floor=None)

    def observe(self, drive: Tensor, membrane: Tensor | None, unbound: Tensor | None, elapsed: int) -> Observation:
        known, has_floor = None, self.floor is not None
        if can_compile(drive, membrane):
            known = scan_observed(self.dynamics, has_floor, drive, membrane, unbound, elapsed)
        return super().observe(drive, membrane, unbound, elapsed) if known is None else known

    def count_at_floor(self, drive: Tensor, membrane: Tensor | None, elapsed: int) -> int:
        if self.floor is None:
            return 0
        held = 0
        for tick, now in enumerate(drive):
            before = self.membrane_at_step_start(membrane, now, elapsed + tick)
            held += int((before + now < self.floor * self.threshold).sum())
            membrane = self.scan(drive[tick : tick + 1], membrane, elapsed + tick)[1]
        return held

    def _limits(self) -> tuple[float, float]:
        """The least and the largest membrane that is left after what arrives in a tick."""
        most = math.inf if self.saturation is None else self.saturation * self.threshold
        return -most if self.floor is None else self.floor * self.threshold, most

    def _initial_state(self, like: Tensor, membrane: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The membrane, and of signed neurons the spikes sent in this frame less those taken back."""
        if membrane is None:
            v = torch.full_like(like, self.start * self.threshold)
            return v, torch.zeros_like(v) if self.signed else None
        return self.potential(membrane).clone(), membrane[1] if self.signed else None

    def _begin_frame(self, v: Tensor, sent: Tensor | None, into: Tensor | None) -> tuple[Tensor, Tensor | None]:
        if self.membrane == "frame":
            start = self.start * self.threshold
            v = torch.full_like(v, start) if into is None else into.fill_(start)
        elif self.membrane == "rectify":
            v = torch.clamp(v, min=0.0, out=into)
        return v, None if sent is None else torch.zeros_like(sent)

    def _fire(self, v: Tensor, sent: Tensor | None) -> Tensor:
        """Whole numbers of spikes, those taken back negative."""
        if v.requires_grad:
            level = v / self.threshold
            least = torch.zeros_like(v) if sent is None else -sent.detach().clamp(0, self.burst)
            learned: Tensor = Surrogate.apply(level, least, self.burst)  # type: ignore[no-untyped-call]  # torch's own
            return learned
        if self.burst == 1 and sent is None:
            return (v >= self.threshold).to(v.dtype)
        return _whole_spikes(v / self.threshold, 0 if sent is None else -sent.clamp(0, self.burst), self.burst)


class Surrogate(torch.autograd.Function):
    """Spikes of a membrane in thresholds, clip(floor(v), least, burst), with a gradient to learn by.

    ds/dv = max(0, 1 - distance of v from the interval [least + 1, burst]): a triangle around the threshold for a
    neuron with one spike a tick, and 1 wherever one spike more or less is at stake.

    Source: Esser et al. 2016, PNAS (triangle); its extension to several spikes is ours.
    """

    @staticmethod
    def forward(ctx: Any, level: Tensor, least: Tensor, burst: int) -> Tensor:
        """The spikes, whole numbers."""
        ctx.save_for_backward(level, least)
        ctx.burst = burst
        return _whole_spikes(level, least, burst)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        """The gradient of the membrane."""
        level, least = ctx.saved_tensors
        distance = torch.relu(least + 1 - level) + torch.relu(level - ctx.burst)
        return gradients[0] * (1 - distance).clamp(min=0), None, None


def _whole_spikes(level: Tensor, least: Tensor | int, burst: int) -> Tensor:
    whole = level.floor()
    return (torch.maximum(whole, least) if isinstance(least, Tensor) else whole.clamp_(min=least)).clamp_(max=burst)
