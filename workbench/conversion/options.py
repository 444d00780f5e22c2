"""How an ANN becomes spiking: every option of a conversion as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from workbench.engine import IntegrateAndFire
from workbench.validation import hold_whole

DEFAULT_PERCENTILE = 99.9
SCALES = ("node", "channel")


class Percentiles(dict[str, float]):
    """Percentiles by node, as a value: hashable, and never changed once made."""

    def __hash__(self) -> int:  # type: ignore[override]  # dict declares that it has none
        return hash(frozenset(self.items()))


@dataclass(frozen=True, repr=False)
class ConversionOptions:
    """Every option of a conversion but delays and clock; `wb.convert` takes the same names.

    `percentile`: of its non-zero activations, the activity that one spike in every tick stands for (0 to 100], one
    for all of a `scale="node"` or one for each `"channel"`; {node: percentile} where nodes differ, 99.9 for those not
    named; None takes the ceilings that the ANN was trained with.
    `start`, `floor` (in thresholds), `reset`, `membrane`, `burst`, `signed`, `bias` (b / lambda every "tick", or those
    of a whole "frame" in its first tick), `emission` ("at_once", or counted for a frame and then "spread" over the next
    one or sent in a "burst"), `remainder` ("drop" or "keep" what a count leaves) and `cap` (of a count; K, or the
    levels that the ANN was trained with, where none is named): as `wb.IntegrateAndFire` has them.
    `saturation`: thresholds at which membranes are held, on both sides of 0; where none is named, the next power of two
    from 2 K and 8 times the burst on, or from 8 times the cap and 256 on where neurons count for a frame.
    `input_counts`: events a tick and pixel up to which arithmetic is exact; where none is named, 4 times the most that
    the recordings have. `weight_bits`: weights are signed integers of so many bits, times a power of two; where none is
    named, they are as fine as exact sums allow (see `Grid`).
    `reason` says who chose it, and does not count when options are compared.

    Source: Rueckauer et al. 2017 (percentile of non-zero activations, bias every tick); Kim et al. 2020, AAAI
    (channels); the bias of a frame at once is ours.

    >>> ConversionOptions(percentile=99.0, burst=3)
    ConversionOptions(percentile=99.0, burst=3)
    """

    percentile: float | Percentiles | None = 99.9
    scale: str = "node"
    start: float = 0.5
    floor: float | None = -1.0
    reset: str = "subtract"
    membrane: str = "carry"
    burst: int = 1
    signed: bool = False
    bias: str = "tick"
    emission: str = "at_once"
    remainder: str | None = None
    cap: int | None = None
    saturation: int | None = None
    input_counts: int | None = None
    weight_bits: int | None = None
    reason: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if isinstance(self.percentile, Mapping):
            object.__setattr__(self, "percentile", Percentiles(self.percentile))
        for percentile in self.percentiles:
            if not 0 < percentile <= 100:
                raise ValueError(f"percentile={percentile!r} must lie above 0 and at most at 100")
        if self.scale not in SCALES:
            raise ValueError(f"scale={self.scale!r} is unknown; choose from {', '.join(SCALES)}")
        for option, least in (("saturation", 1), ("input_counts", 1), ("weight_bits", 2)):
            if getattr(self, option) is not None:
                hold_whole(self, option, least=least)

    @property
    def percentiles(self) -> list[float]:
        """Every percentile that it needs, each once."""
        if isinstance(self.percentile, Percentiles):
            return list(dict.fromkeys([*self.percentile.values(), DEFAULT_PERCENTILE]))
        return [] if self.percentile is None else [self.percentile]

    def percentile_of(self, node: str) -> float | None:
        """The percentile of a node."""
        if isinstance(self.percentile, Percentiles):
            return self.percentile.get(node, DEFAULT_PERCENTILE)
        return self.percentile

    def neuron(self, ticks_per_frame: int) -> IntegrateAndFire:
        """The neuron of every hidden node; ValueError for options that make none."""
        if self.saturation is not None and self.saturation < 2 * ticks_per_frame:
            raise ValueError(
                f"saturation={self.saturation} would hold membranes of neurons that are well; use at least 2 K = "
                f"{2 * ticks_per_frame}, or leave it out"
            )
        plain = IntegrateAndFire(
            start=self.start,
            floor=self.floor,
            reset=self.reset,
            membrane=self.membrane,
            ticks_per_frame=ticks_per_frame,
            burst=self.burst,
            signed=self.signed,
            bias=self.bias,
            emission=self.emission,
            remainder=self.remainder,
            cap=self.cap,
        )
        if self.saturation is None:
            return plain.limited(ticks_per_frame)
        return replace(plain, saturation=float(self.saturation))

    def to_dict(self) -> dict[str, Any]:
        """The options as plain data."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def __repr__(self) -> str:
        shown = [
            f for f in fields(self) if f.name == "percentile" or (f.compare and getattr(self, f.name) != f.default)
        ]
        return f"ConversionOptions({', '.join(f'{f.name}={getattr(self, f.name)!r}' for f in shown)})"


def require_room(options: ConversionOptions, levels: int | None, ticks_per_frame: int) -> None:
    """ValueError where an ANN has learned more levels than single spikes fit into a frame.

    >>> require_room(ConversionOptions(None, emission="spread", cap=8), 8, ticks_per_frame=4)
    Traceback (most recent call last):
    ValueError: this ANN was trained with levels=8, which do not fit as single spikes into ticks_per_frame=4; ...
    """
    if levels is not None and options.emission == "spread" and options.cap == levels > ticks_per_frame:
        raise ValueError(
            f"this ANN was trained with levels={levels}, which do not fit as single spikes into "
            f"ticks_per_frame={ticks_per_frame}; convert with ticks_per_frame={levels} or more, with emission="
            f'"burst", or train with levels={ticks_per_frame}'
        )
