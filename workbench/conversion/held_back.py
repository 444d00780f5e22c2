"""Recordings that conversions are measured on, and the scales that were measured on the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.conversion.activation_scales import CALIBRATION_RECORDINGS, Measured, learned_ceilings, measure_scales
from workbench.conversion.options import SCALES
from workbench.evaluation import choose_evenly
from workbench.events import Recordings
from workbench.model import Model

HELD_BACK = 400  # recordings to measure on, where enough are left to calibrate with
LEFT = 64  # recordings to calibrate with at least; where there are fewer, every one is held back in turn
FOLDS = 4
FEWEST = 8  # recordings, below which none is held back


@dataclass(frozen=True, eq=False)
class HeldBack:
    """Recordings held back, and the scales that others gave."""

    recordings: Recordings
    scales: Measured


def hold_back(
    folded: Model, recordings: Recordings, ticks_per_frame: int, percentiles: Sequence[float], batch: int | None
) -> tuple[list[HeldBack], str]:
    """Recordings to measure on with the scales of others, and how they were held back, in words.

    400 of at least 464 are held back; of fewer every recording once, in four folds; of fewer than eight none. The
    scales are those of an ANN's learned ceilings, where it has them, with the percentile None.
    """
    count, everyone = len(recordings), np.arange(len(recordings))
    if count >= HELD_BACK + LEFT:
        held = [choose_evenly(count, HELD_BACK, nearest=False)]
        words = f"{HELD_BACK} held-back recordings"
    elif count >= FEWEST:
        held = [everyone[fold::FOLDS] for fold in range(FOLDS)]
        words = f"{count} recordings, each held back once"
    else:
        held = [everyone]
        words = f"{count} {'recording' if count == 1 else 'recordings'}, the same that it was calibrated on"
    found = []
    for some in held:
        others = np.setdiff1d(everyone, some) if len(some) < count else everyone
        others = others[choose_evenly(len(others), CALIBRATION_RECORDINGS, nearest=False)]
        scales: Measured = (
            {("node", None): learned_ceilings(folded, ticks_per_frame)}
            if folded.bounded
            else measure_scales(folded, recordings[others], percentiles, SCALES, batch)
        )
        found.append(HeldBack(recordings[some], scales))
    return found, words
