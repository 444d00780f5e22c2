"""What both engines, the counting and a training give, as digests: run in a process that uses fewer instructions.

Weights are multiples of 1/32, so that every sum is exact and digests are the same on every processor.
"""

import hashlib
import json
import sys

import numpy as np
import torch

import workbench as wb
from tests.support import tiny
from tests.support.random_networks import in_whole_frames, random_network, random_spiking
from workbench.engine.kernels.weighted_counts import count_weighted

NEURONS = [
    {"floor": None},
    {"burst": 3, "signed": True, "ticks_per_frame": 3},
    {"emission": "burst", "ticks_per_frame": 3, "cap": 9},
    {"reset": "zero", "membrane": "rectify", "ticks_per_frame": 2},
    {"emission": "spread", "remainder": "keep", "ticks_per_frame": 3},
    {"leak": 2, "resolution": 8, "ticks_per_frame": 3},
]


def some_model(seed: int) -> wb.Model:
    """A random SNN whose numbers come from numpy, which draws the same on every processor."""
    rng, neuron = np.random.default_rng(seed), NEURONS[seed % len(NEURONS)]
    counts = "emission" in neuron
    network = random_network(seed, flat=seed % 3 == 0, longest=1 if counts else 4, parallel=True)
    model = random_spiking(in_whole_frames(network, 3) if counts else network, seed, **neuron)
    model.ticks_per_frame = neuron.get("ticks_per_frame", 1)
    for tensor in model.parameters():
        tensor.data.copy_(torch.tensor(rng.integers(-24, 32, tuple(tensor.shape)) / 32, dtype=torch.float32))
    return model


def digest(values: torch.Tensor) -> str:
    positive = values.detach() + 0.0  # -0 is 0
    return hashlib.sha256(positive.contiguous().numpy().tobytes()).hexdigest()[:16]


def check(count: int) -> dict[str, list[str]]:
    """Digests by what gave them; those of the engines must be the same in one process as well."""
    found: dict[str, list[str]] = {engine: [] for engine in ("dense", "events", "auto")} | {"weighed": []}
    for seed in range(count):
        model, rng = some_model(seed), np.random.default_rng([seed, 1])
        shape = next(iter(model.network.inputs.values()))
        ticks = torch.tensor(rng.integers(0, 3, (14, 3, *shape)), dtype=torch.float32)
        for engine in ("dense", "events", "auto"):
            run = model.run(ticks, engine=engine, block=5)
            found[engine].append(digest(torch.cat([values.flatten() for values in run.values()])))
        units = int(np.prod(shape))
        weights = torch.tensor(rng.integers(0, 99, (units, 3)), dtype=torch.float64)
        found["weighed"].append(digest(count_weighted(ticks, weights, spikes=True)))
    return found


def learn() -> list[float]:
    """Losses of two epochs in both precisions: the same but for rounding on every processor."""
    model, recordings = wb.Model(tiny.network(), seed=1), tiny.recordings(24)
    losses: list[float] = []
    for precision in ("fp32", "bf16"):
        _, history = wb.train(model, recordings, epochs=2, batch=8, precision=precision, progress=False)
        losses += history["loss"].tolist()
    return losses


if __name__ == "__main__":
    torch.set_num_threads(2)
    print(json.dumps({"digests": check(int(sys.argv[1])), "losses": learn()}))
