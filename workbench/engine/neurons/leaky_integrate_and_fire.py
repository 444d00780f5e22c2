"""The leaky integrate-and-fire neuron of integer chips: its membrane decays by a right shift in every tick."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

from workbench.engine.kernels.neuron_scan import Dynamics
from workbench.engine.neurons.integrating import IntegratingNeuron, require_membrane, round_limits
from workbench.validation import require_whole, whole

MOST = 23  # binary digits behind the point that membranes of about a threshold have in float32


@dataclass(frozen=True)
class LeakyIntegrateAndFire(IntegratingNeuron):
    """Integrate-and-fire neuron with a leak; it spikes at most once a tick, and is trained from scratch.

    In every tick, the first after its first response included, the membrane leaks before it is driven:
    u(t) = v(t-1) - lost(t); v(t) = min(saturation, max(floor, u(t) + drive(t))); s(t) = 1 where v(t) >= threshold, else
    0; then, where it spiked, v(t) loses the threshold (`reset="subtract"`) or becomes 0 (`reset="zero"`). `start`,
    `floor` and `saturation` are in units of the threshold; None is no limit. `start` is 0 unless named, for a membrane
    that leaks forgets it, and there is no ANN whose rounding it could centre.

    `leak` = k, from 1 to 23: what is lost is the 2^-k-th part, so that without drive a membrane falls to 1/e in about
    2^k ticks; k is a whole number on integer chips, and wherever there is a resolution. While weights are learned,
    lost(t) = v(t-1) 2^-k. With a `resolution` of r bits, as rounding to a grid sets it, membranes are integers
    V = v 2^r, and lost(t) = (V >> k) 2^-r: V becomes V - (V >> k), rounded down for negative V too. Then what is below
    2^k of it stays, what is negative decays to 0, and every sum is exact. Its gradient is 1 - 2^-k in either case.

    Source: Davies et al. 2018, IEEE Micro 38(1) (Loihi: leaky integrate-and-fire in integers of fixed size); Neftci,
    Mostafa, Zenke 2019 (trained by surrogate gradients). The decay by V - (V >> k), the order in a tick, floor and
    saturation are ours.

    >>> LeakyIntegrateAndFire(leak=1).scan(torch.full((4, 1), 0.625), None, elapsed=0)[0].flatten()
    tensor([0., 0., 1., 0.])
    >>> LeakyIntegrateAndFire(leak=2, resolution=4).scan(torch.tensor([[0.5], [0.0], [0.0]]), None, elapsed=0)[1] * 16
    tensor([5.])
    """

    start: float = 0.0
    leak: float = 4
    resolution: int | None = None
    saturation: float | None = field(default=None, compare=False)

    telling = ("leak",)

    def __post_init__(self) -> None:
        require_membrane(self.threshold, self.start, self.floor, self.reset, self.saturation)
        object.__setattr__(self, "leak", _require_leak(self.leak, self.resolution))
        if self.resolution is not None:
            object.__setattr__(self, "resolution", require_whole("resolution", self.resolution, 0, MOST))

    @property
    def dynamics(self) -> Dynamics:
        least, most = self._limits(self.saturation)
        return Dynamics(
            start=self.start * self.threshold,
            threshold=self.threshold,
            floor=least,
            ceiling=most,
            reset_to_zero=self.reset == "zero",
            leak=2.0**-self.leak,
            grain=0.0 if self.resolution is None else 2.0**-self.resolution,
        )

    def rounded(self, bits: int) -> Self:
        return replace(self, resolution=bits, **round_limits(self.start, self.floor, self.saturation, bits))

    def most_spikes_per_tick(self) -> int:
        return 1

    def most_spikes_per_frame(self) -> int:
        return 1  # it knows of no frames: every tick is one


def _require_leak(leak: object, resolution: int | None) -> float:
    """A leak as a plain number, whole where it can be; ValueError for one that is none, or is not whole on a grid."""
    if whole(leak) is not None or not isinstance(leak, float) or not 1 < leak < MOST:
        return require_whole("leak", leak, 1, MOST)
    if resolution is not None:
        raise ValueError(
            f"leak={leak!r} is no whole number, and membranes on a grid, as integer chips have them, lose the 2^-k-th "
            f"part by a shift of k binary digits; use leak={round(leak)}"
        )
    return leak
