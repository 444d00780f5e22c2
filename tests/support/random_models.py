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
]


def some_model(seed: int, channels: int = 3) -> tuple[wb.Model, torch.Tensor]:
    """A spiking network with loops and identities, biases every tick or early, and dyadic weights; and its ticks.

    Inputs are images, flat, or signals with one axis. Nodes of some spike at once, those of others count for a frame.
    """
    neuron = NEURONS[seed % len(NEURONS)]
    counts = "emission" in neuron
    longest = 1 if counts else 4
    kind = {"flat": seed % 3 == 0, "signal": seed % 3 == 1 and seed % 5 < 2}
    network = random_network(seed, **kind, longest=longest, parallel=True, channels=channels)
    network = in_whole_frames(network, 3) if counts else network
    model = random_spiking(network, seed, ticks_per_frame=3, **neuron)
    model.ticks_per_frame = 3
    return model, random_frames(network, seed, 11, counts=True)
