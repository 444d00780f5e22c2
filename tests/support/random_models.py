"""Random spiking models with loops, identities and dyadic weights, and their ticks."""

import torch

import workbench as wb
from tests.support.random_networks import in_whole_frames, random_frames, random_network, random_spiking

NEURONS = [
    {"membrane": "frame", "floor": None},
    {"burst": 3, "signed": True, "membrane": "rectify"},
    {"reset": "zero"},
    {"burst": 2},
    {"emission": "spread"},
    {"emission": "burst", "remainder": "keep", "cap": 5},
    {"emission": "spread", "remainder": "keep", "cap": 2, "floor": None},
    {"leak": 2, "resolution": 9},
    {"leak": 1, "resolution": 6, "reset": "zero", "floor": None, "start": 0.25},
]
MIXED = [  # nodes of one model, in turn
    {"leak": 3, "resolution": 7, "floor": -0.5},
    {"burst": 3, "signed": True},
    {"emission": "spread"},
    {"reset": "zero", "bias": "frame"},
    {"emission": "burst", "remainder": "keep", "cap": 5},
    {"leak": 1, "resolution": 5, "saturation": 2.0},
]


def some_model(seed: int, channels: int = 3) -> tuple[wb.Model, torch.Tensor]:
    """A spiking network with loops and identities, biases every tick or early, and dyadic weights; and its ticks.

    Inputs are images, flat, or signals with one axis. Nodes of some spike at once, those of others count for a frame or
    leak, and in some every node is another.
    """
    kind = seed % (len(NEURONS) + 2)
    mixed = [*MIXED[seed % len(MIXED) :], *MIXED[: seed % len(MIXED)]] if kind >= len(NEURONS) else []
    neuron = {} if mixed else NEURONS[kind]
    counts = "emission" in neuron or bool(mixed)
    shapes = {"flat": seed % 3 == 0, "signal": seed % 3 == 1 and seed % 5 < 2}
    network = random_network(seed, **shapes, longest=1 if counts else 4, parallel=True, channels=channels)
    network = in_whole_frames(network, 3) if counts else network
    model = random_spiking(network, seed, mixed, ticks_per_frame=3, **neuron)
    model.ticks_per_frame = 3
    return model, random_frames(network, seed, 11, counts=True)
