"""What the controls of the panel of a conversion say, and the options of `wb.convert` that they stand for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

PERCENTILES = (
    50.0, 65.0, 80.0, 85.0, 90.0, 92.0, 94.0, 95.0, 96.0, 97.0, 98.0, 98.5, 99.0, 99.5, 99.7, 99.9, 99.99, 100.0,
)  # fmt: skip  # with all of those that `wb.convert` recommends
USUAL = 99.9
Percentile = float | str
LEARNED = "as learned"  # instead of a percentile: the ceilings that the ANN was trained with
TICKS = (2, 3, 4, 6, 8, 12, 16, 24)
DELAYS = ("matched", "frame", "tick")
RECOMMENDED = "recommended"
KINDS: dict[str, dict[str, Any]] = {
    "at once": {"emission": "at_once"},
    "spread over a frame": {"emission": "spread"},
    "all at a frame's end": {"emission": "burst"},
    "takes spikes back": {"membrane": "frame", "floor": None, "signed": True},
}
NEURONS = (RECOMMENDED, *KINDS)
COUNTING = ("spread over a frame", "all at a frame's end")
ALL_NODES = "all nodes"
SCALES, REMAINDERS = ("node", "channel"), ("drop", "keep")

HINTS = {
    "neuron": (
        "When a neuron sends its spikes. Recommended: the kind that a search on held-back recordings finds best. "
        "At once: as soon as the membrane reaches the threshold. Spread over a frame, or all at a frame's end: it "
        "counts for a frame and sends in the next, so that the order of arrivals no longer matters. Takes spikes "
        "back: spikes too many are cancelled by negative ones."
    ),
    "remainder": (
        "What a frame's count leaves of the charge, of neurons that count for a frame: dropped, or kept for the "
        "next frame."
    ),
    "percentile": (
        "The activity of the ANN that becomes one spike a tick, as a percentile over recordings. A low one cuts "
        "large activities off; a high one makes spikes coarse and rare."
    ),
    "of node": "The node whose percentile the slider sets; of all nodes, the lowest is shown.",
    "ticks per frame": (
        "Steps of the SNN for each frame of the ANN: more ticks follow the ANN more closely, and cost more operations."
    ),
    "delays": (
        "Matched: every delay of the ANN times the ticks per frame, as it was trained. Frame: one frame for every "
        "connection. Tick: one tick for every connection."
    ),
    "a scale for each": (
        "Whether all units of a node share one scale, or every channel has its own, which wastes fewer levels "
        "where channels differ."
    ),
    "view": "What the figure shows: accuracy or operations over time, the errors of every node, or what causes them.",
}


@dataclass(frozen=True)
class Settings:
    """What the controls say, with the percentile of every hidden node; of recommended options only ticks and delays.

    >>> named = Settings(6, neuron="spread over a frame", percentiles=(("v1", 99.0), ("v2", 99.0)), remainder="keep")
    >>> named.options
    {'percentile': 99.0, 'emission': 'spread', 'remainder': 'keep', 'ticks_per_frame': 6, 'delays': 'matched'}
    >>> named.with_percentile("v2", 95.0).options["percentile"]
    {'v1': 99.0, 'v2': 95.0}
    """

    ticks_per_frame: int
    delays: str = "matched"
    neuron: str = RECOMMENDED
    percentiles: tuple[tuple[str, Percentile], ...] = ()
    scale: str = "node"
    remainder: str = "drop"

    @property
    def options(self) -> dict[str, Any]:
        """The options of `wb.convert` that they stand for."""
        clock = {"ticks_per_frame": self.ticks_per_frame, "delays": self.delays}
        if self.neuron == RECOMMENDED:
            return clock
        several = {node: None if percentile == LEARNED else percentile for node, percentile in self.percentiles}
        percentile = several if len(set(several.values())) > 1 else next(iter(several.values()), USUAL)
        named = {"scale": self.scale, "remainder": self.remainder}
        changed = {option: value for option, value in named.items() if value not in (SCALES[0], REMAINDERS[0])}
        return {"percentile": percentile, **KINDS[self.neuron], **changed, **clock}

    def percentile_of(self, node: str) -> Percentile:
        """The percentile of a node, or the lowest of all."""
        known = [percentile for name, percentile in self.percentiles if node in (name, ALL_NODES)]
        return LEARNED if LEARNED in known else min(known, key=float, default=USUAL)

    def with_percentile(self, node: str, percentile: Percentile) -> Settings:
        """Another percentile for a node, or for all; what was learned is taken for all nodes or for none."""
        for_all = node == ALL_NODES or LEARNED in (percentile, self.percentile_of(ALL_NODES))
        changed = ((name, percentile if for_all or name == node else known) for name, known in self.percentiles)
        return replace(self, percentiles=tuple(changed))
