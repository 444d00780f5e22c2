"""The integrate-and-fire neuron as a pure scan, drive and state in, spikes and state out, and how it learns."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import Tensor

from workbench.engine.kernels.neuron_scan import EMISSIONS, Dynamics, can_compile, scan_in_place
from workbench.engine.kernels.observed_scan import Observation, scan_observed
from workbench.engine.neurons.frame_counting import (
    AT_ONCE,
    MOST_TICKS,
    REMAINDERS,
    require_at_once,
    require_counting,
    scan_counts,
    send_counts,
)
from workbench.engine.neurons.neuron import SpikingNeuron
from workbench.engine.neurons.surrogate import send_spikes, whole_spikes
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
    them, at most `burst` and never more than it has sent in this frame. `membrane`: at the begin of every frame v
    returns to its start ("frame"), loses what is negative ("rectify"), or stays ("carry"). Frames have
    K = `ticks_per_frame` ticks from the first response on. `bias`: the node's bias arrives every "tick", or that of a
    whole "frame" in its first tick.

    All that is a neuron that spikes at once, `emission="at_once"`. The others count for a frame: at its last tick
    N = clip(floor(v / threshold), 0, `cap`), K unless a cap is named. In the K ticks that begin with this one, spike
    m = 0 .. N - 1 is sent in the tick floor(m K / N) ("spread"), or all in the first ("burst"): a latency of K - 1.
    Then v returns to its start (`remainder="drop"`), or loses N thresholds and is at least the floor ("keep"). The
    biases of a frame, K b, arrive in its last tick. What is said of `burst`, `signed`, `membrane`, `bias` and `reset`
    is for neurons at once, and refused for those that count.

    Source: Rueckauer et al. 2017, Front. Neurosci. 11:682 (reset by subtraction); Bu et al. 2022 (start at 1/2);
    Li & Zeng 2022 (burst); Wang et al. 2022 (signed; there over the whole run, not over a frame); Hwang et al. 2021
    (to answer only after a delay); the floor, the saturation, the handling at frames, and counting in time that the
    delay of a connection gives, are ours.

    >>> IntegrateAndFire(start=0.0).scan(torch.full((4, 1), 0.5), None, elapsed=0)[0].flatten()
    tensor([0., 1., 0., 1.])
    >>> neuron = IntegrateAndFire(burst=3, signed=True, ticks_per_frame=2)
    >>> neuron.scan(torch.tensor([[2.0], [-1.0]]), None, elapsed=0)[0].flatten()
    tensor([ 2., -1.])
    >>> neuron = IntegrateAndFire(emission="spread", ticks_per_frame=4)
    >>> neuron.scan(torch.tensor([[2.0], [0.0], [0.0], [0.0], [0.0], [0.0]]), None, elapsed=0)[0].flatten()
    tensor([0., 0., 0., 1., 0., 1.])
    """

    floor: float | None = -1.0
    reset: str = "subtract"
    membrane: str = "carry"
    ticks_per_frame: int = 1
    burst: int = 1
    signed: bool = False
    bias: str = "tick"
    emission: str = "at_once"
    remainder: str | None = None  # "drop" where a neuron counts and none is named
    cap: int | None = None
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
            ("reset", ("subtract", "zero")), ("membrane", ("carry", "rectify", "frame")), ("bias", ("tick", "frame")),
            ("emission", EMISSIONS),
        )  # fmt: skip
        for option, known in choices:
            if getattr(self, option) not in known:
                raise ValueError(f"{option}={getattr(self, option)!r} is unknown; choose from {', '.join(known)}")
        hold_whole(self, "ticks_per_frame", "burst")
        if self.cap is not None:
            hold_whole(self, "cap")
        self._hold_emission()
        if self.saturation is not None and not self.saturation >= max(self.burst, -(self.floor or 0)):
            raise ValueError(
                f"saturation={self.saturation!r} must be at least burst={self.burst} and at least as far from 0 as "
                f"floor={self.floor!r}, or be None for no limit"
            )
        if self.signed and self.reset == "zero":
            raise ValueError('signed=True takes spikes back, which reset="zero" cannot; use reset="subtract"')

    def _hold_emission(self) -> None:
        """ValueError for options that are not for this emission; the remainder of a neuron that counts is named."""
        if not self.counts_frames:
            require_at_once(remainder=self.remainder, cap=self.cap)
            return
        require_counting(self.emission, {option: (getattr(self, option), usual) for option, usual in AT_ONCE.items()})
        object.__setattr__(self, "remainder", "drop" if self.remainder is None else self.remainder)
        if self.remainder not in REMAINDERS:
            raise ValueError(f"remainder={self.remainder!r} is unknown; choose from {', '.join(REMAINDERS)}")
        if self.emission == "spread" and (self.cap or 1) > self.ticks_per_frame:
            raise ValueError(
                f"cap={self.cap} single spikes do not fit into the ticks_per_frame={self.ticks_per_frame} of a frame; "
                f'use at most {self.ticks_per_frame}, more ticks, or emission="burst"'
            )
        if self.ticks_per_frame > MOST_TICKS:
            raise ValueError(
                f"ticks_per_frame={self.ticks_per_frame} are more than emission={self.emission!r} can count; use at "
                f"most {MOST_TICKS}"
            )

    @property
    def counts_frames(self) -> bool:
        """Whether it counts for a frame before it answers."""
        return self.emission != "at_once"

    @property
    def latency(self) -> int:
        return self.ticks_per_frame - 1 if self.counts_frames else 0

    def scan(self, drive: Tensor, membrane: Tensor | None, elapsed: int) -> tuple[Tensor, Tensor | None]:
        if can_compile(drive, membrane):
            return scan_in_place(self.dynamics, drive.clone(), membrane, elapsed)
        return self.scan_plainly(drive, membrane, elapsed)

    @property
    def dynamics(self) -> Dynamics:
        """The options as the compiled scan takes them."""
        return Dynamics(
            self.ticks_per_frame,
            EMISSIONS.index(self.emission),
            self.start * self.threshold,
            self.threshold,
            *self._limits(),
            self.most_spikes_per_frame() if self.counts_frames else self.burst,
            self.signed,
            reset_to_zero=self.reset == "zero",
            restart=self.membrane == "frame" or self.remainder == "drop",
            rectify=self.membrane == "rectify",
        )

    @property
    def silent_ticks(self) -> int:
        return self.latency if self.emission == "burst" else 0

    def extra_biases(self, elapsed: int, steps: int) -> Tensor | None:
        if self.bias == "tick" and not self.counts_frames:
            return None
        when = self.latency  # the last tick of a frame where it is counted, else its first
        begins = torch.arange(elapsed, elapsed + steps) % self.ticks_per_frame == when
        return (begins * self.ticks_per_frame - 1).to(torch.float32)

    def announce(self, membrane: Tensor, elapsed: int, steps: int) -> Tensor:
        return send_counts(self.dynamics, membrane[1], elapsed, steps)

    def scan_plainly(self, drive: Tensor, membrane: Tensor | None, elapsed: int) -> tuple[Tensor, Tensor]:
        """The same scan in torch alone: on every device, for every type of number, and to learn through."""
        v, sent = self._initial_state(drive[0], membrane)
        if self.counts_frames:
            assert sent is not None, "a neuron that counts keeps its count"
            return scan_counts(self.dynamics, drive, v, sent, elapsed)
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
        # of signed neurons a scan also leaves what they have sent, of those that count what they send
        return membrane[0] if self.signed or self.counts_frames else membrane

    def most_potential(self) -> float:
        return self._limits()[1]

    def rounded(self, bits: int) -> Self:
        step = 2.0**-bits

        def nearest(value: float | None) -> float | None:
            return None if value is None else round(value / step) * step

        start = min(round(self.start / step) * step, 1 - step)
        return replace(self, start=start, floor=nearest(self.floor), saturation=nearest(self.saturation))

    def most_spikes_per_tick(self) -> int:
        return self.most_spikes_per_frame() if self.emission == "burst" else self.burst

    def most_values_per_tick(self) -> int:
        return self.most_spikes_per_tick() * (1 + self.signed)

    def most_spikes_per_frame(self) -> int:
        return (self.cap or self.ticks_per_frame) if self.counts_frames else self.ticks_per_frame * self.burst

    def count_spikes(self, drive: Tensor, membrane: Tensor | None = None) -> Tensor:
        # clip(floor((drive + membrane) / threshold), 0, most)
        before = self.start * self.threshold if membrane is None else membrane
        return ((drive + before) / self.threshold).floor().clamp(0, self.most_spikes_per_frame())

    def without_floor(self) -> IntegrateAndFire:
        return replace(self, floor=None)

    def observe(self, drive: Tensor, membrane: Tensor | None, unbound: Tensor | None, elapsed: int) -> Observation:
        known, has_floor = None, self.floor is not None and self.remainder != "drop"
        if can_compile(drive, membrane):
            known = scan_observed(self.dynamics, has_floor, drive, membrane, unbound, elapsed)
        return super().observe(drive, membrane, unbound, elapsed) if known is None else known

    def sum_counted(self, drive: Tensor, membrane: Tensor | None, spikes: Tensor, elapsed: int) -> Tensor:
        if not self.counts_frames:
            return super().sum_counted(drive, membrane, spikes, elapsed)
        total = torch.zeros_like(drive[0])
        for tick, now in enumerate(drive, elapsed):
            membrane = self.scan(now.unsqueeze(0), membrane, tick)[1]
            if (tick + 1) % self.ticks_per_frame == 0 and membrane is not None:
                total += membrane[1]
        return total

    def count_at_floor(self, drive: Tensor, membrane: Tensor | None, elapsed: int) -> int:
        if self.floor is None or self.remainder == "drop":
            return 0
        held, most = 0, self._limits()[1]
        for tick, now in enumerate(drive, elapsed):
            left = self.membrane_at_step_start(membrane, now, tick) + now
            if self.counts_frames:
                left = left.clamp(-most, most)
                left = left - self.threshold * whole_spikes(left / self.threshold, 0, self.most_spikes_per_frame())
            if not self.counts_frames or (tick + 1) % self.ticks_per_frame == 0:
                held += int((left < self.floor * self.threshold).sum())
            membrane = self.scan(now.unsqueeze(0), membrane, tick)[1]
        return held

    def _limits(self) -> tuple[float, float]:
        """The least and the largest membrane that is left after what arrives in a tick."""
        most = math.inf if self.saturation is None else self.saturation * self.threshold
        return -most if self.floor is None else self.floor * self.threshold, most

    def _initial_state(self, like: Tensor, membrane: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The membrane, and of signed neurons the spikes sent in this frame less those taken back."""
        if membrane is None:
            v = torch.full_like(like, self.start * self.threshold)
            return v, torch.zeros_like(v) if self.signed or self.counts_frames else None
        return self.potential(membrane).clone(), membrane[1] if self.signed or self.counts_frames else None

    def _begin_frame(self, v: Tensor, sent: Tensor | None, into: Tensor | None) -> tuple[Tensor, Tensor | None]:
        if self.membrane == "frame":
            start = self.start * self.threshold
            v = torch.full_like(v, start) if into is None else into.fill_(start)
        elif self.membrane == "rectify":
            v = torch.clamp(v, min=0.0, out=into)
        return v, None if sent is None else torch.zeros_like(sent)

    def _fire(self, v: Tensor, sent: Tensor | None) -> Tensor:
        """Whole numbers of spikes, those taken back negative."""
        if self.burst == 1 and sent is None and not v.requires_grad:
            return (v >= self.threshold).to(v.dtype)
        return send_spikes(v / self.threshold, 0 if sent is None else -sent.clamp(0, self.burst), self.burst)
