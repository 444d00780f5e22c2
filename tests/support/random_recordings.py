"""Random recordings, and models to train or convert on them."""

import numpy as np

import workbench as wb
from tests.support.random_networks import IMAGE


def random_recordings(seed: int, frames: int = 6, count: int = 5, shape: tuple[int, ...] = IMAGE) -> wb.Recordings:
    counts = np.random.default_rng(seed).poisson(0.8, (frames, count, *shape))
    return wb.Recordings.from_ticks(counts, labels=np.arange(count) % 3, classes=("a", "b", "c"), frames=frames)


def trainable(seed: int = 0) -> tuple[wb.Network, wb.Recordings]:
    """A small network with a shortcut and a loop, and recordings in which events of one class move the other way."""
    rng = np.random.default_rng(seed)
    labels = np.arange(120) % 2
    counts = rng.poisson(0.05, (6 * 8, 120, 1, 4, 6))
    for tick in range(6 * 8):
        place = tick * 6 // (6 * 8)
        counts[tick, np.arange(120), 0, :, np.where(labels == 0, place, 5 - place)] += rng.poisson(1.2, (120, 4))
    recordings = wb.Recordings.from_ticks(counts, labels, ("right", "left"), ticks_per_frame=8)
    edges = [
        wb.Edge("eye", "v1", wb.Conv(6, kernel=3)),
        wb.Edge("v1", "v2", wb.Conv(6, kernel=3)),
        wb.Edge("eye", "v2", wb.Conv(6, kernel=3)),
        wb.Edge("v2", "v2", wb.Conv(6, kernel=3)),
        wb.Edge("v2", "hand", wb.Dense(2)),
    ]
    return wb.Network({"eye": (1, 4, 6)}, edges), recordings
