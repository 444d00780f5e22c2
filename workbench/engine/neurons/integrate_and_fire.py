"""The integrate-and-fire neuron without leak: when it spikes, and how often."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import Tensor

from workbench.engine.kernels.neuron_scan import EMISSIONS, Dynamics
from workbench.engine.neurons.frame_counting import (
    AT_ONCE,
    MOST_TICKS,
    REMAINDERS,
    require_at_once,
    require_counting,
)
from workbench.engine.neurons.integrating import IntegratingNeuron, require_choices, require_membrane, round_limits
from workbench.validation import hold_whole


@dataclass(frozen=True)
class IntegrateAndFire(IntegratingNeuron):
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
        require_choices(
            membrane=(self.membrane, ("carry", "rectify", "frame")),
            bias=(self.bias, ("tick", "frame")),
            emission=(self.emission, EMISSIONS),
        )
        hold_whole(self, "ticks_per_frame", "burst")
        if self.cap is not None:
            hold_whole(self, "cap")
        require_membrane(self.threshold, self.start, self.floor, self.reset, self.saturation, self.burst)
        self._hold_emission()
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

    @property
    def dynamics(self) -> Dynamics:
        return Dynamics(
            self.ticks_per_frame,
            EMISSIONS.index(self.emission),
            self.start * self.threshold,
            self.threshold,
            *self._limits(self.saturation),
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

    def rounded(self, bits: int) -> Self:
        return replace(self, **round_limits(self.start, self.floor, self.saturation, bits))

    def most_spikes_per_tick(self) -> int:
        return self.most_spikes_per_frame() if self.emission == "burst" else self.burst

    def most_spikes_per_frame(self) -> int:
        return (self.cap or self.ticks_per_frame) if self.counts_frames else self.ticks_per_frame * self.burst
