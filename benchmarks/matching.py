"""The matching law: how the error of an SNN's rates falls with the ticks per frame, delays matched or not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

import workbench as wb

SETTINGS = {
    "delay K, membrane reset each frame": {"membrane": "frame", "floor": None},
    "delay K, membrane floor -1": {"floor": -1.0},
    "delay K, no floor": {"floor": None},
    "delay 1 tick, membrane floor -1": {"floor": -1.0, "delays": "tick"},
}
FRAMES, UNITS, LAYERS = 40, 32, 5


def dense_network() -> wb.Network:
    """Five fully connected layers, each fed by the two before it, and a loop on the third."""
    nodes = ["in", *(f"n{i}" for i in range(1, LAYERS + 1))]
    edges = [
        wb.Edge(source, target, wb.Dense(UNITS))
        for later, target in enumerate(nodes)
        for source in nodes[max(0, later - 2) : later]
    ]
    edges.append(wb.Edge("n3", "n3", wb.Dense(UNITS)))
    return wb.Network({"in": (UNITS,)}, [*edges, wb.Edge(nodes[-1], "out", wb.Dense(4))])


def slow_counts(seed: int) -> np.ndarray:
    """Event counts (frames, 1, units) that change from frame to frame, 0 to 8 per frame."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, 1.2, (FRAMES, 1, UNITS)), axis=0) + rng.uniform(0, 8, (1, 1, UNITS))
    return np.abs((walk % 16) - 8).round().astype(np.int64)  # reflected, so that it stays within 0 and 8


def measure_matching(ticks: Sequence[int] = (8, 16, 32, 64, 128), seeds: Sequence[int] = (0, 1, 2)) -> pd.DataFrame:
    """Mean |spikes per tick - activity / lambda| over hidden units and frames: a row per setting, K and seed.

    The input is a constant current within each frame, x / K every tick, so that what is measured is the network's own
    error; weights are random, nothing is trained, and no unit saturates (percentile 100).
    """
    rows = []
    for seed in seeds:
        ann = wb.Model(dense_network(), seed=seed, norm=None).eval()
        generator = torch.Generator().manual_seed(seed)
        for node in ann.network.nodes[1:]:
            bias = ann.node_layer(node).bias.data
            bias.copy_(torch.randn(bias.shape, generator=generator))
        counts = slow_counts(seed)
        recordings = wb.Recordings.from_ticks(counts, labels=[0], classes=("0", "1", "2", "3"), frames=FRAMES)
        frames = torch.tensor(counts, dtype=torch.float32)
        for name, options in SETTINGS.items():
            for k in ticks:
                snn = wb.convert(ann, recordings, percentile=100, ticks_per_frame=k, **options)
                rows.append({"setting": name, "K": k, "seed": seed, "error": rate_error(ann, snn, frames, k)})
    return pd.DataFrame(rows)


@torch.no_grad()
def rate_error(ann: wb.Model, snn: wb.Model, frames: torch.Tensor, k: int) -> float:
    """Mean |spikes per tick - activity / lambda| over hidden units, from each node's first response on."""
    snn = snn.copy()
    snn.grid = None  # which is for events, not for parts of them
    first = ann.network.first_response
    hidden = [n for n in first if n not in ann.network.inputs and n != ann.network.output and first[n] < len(frames)]
    rates = snn.run((frames / k).repeat_interleave(k, dim=0), record=hidden)
    activity = ann.run(frames, record=hidden)
    errors = [
        (rates[node].unflatten(0, (len(frames), k)).mean(1) - activity[node] / snn.scales[node]).abs()[first[node] :]
        for node in hidden
    ]
    return float(torch.cat([error.flatten() for error in errors]).mean())


def slopes(table: pd.DataFrame) -> pd.Series:
    """Slope of log error against log K of every setting, over all seeds."""
    return pd.Series(
        {
            name: np.polyfit(np.log(rows["K"]), np.log(rows["error"]), 1)[0]
            for name, rows in table.groupby("setting", sort=False)
        },
        name="slope",
    )
