"""Random spiking models with loops, identities and dyadic weights, and their ticks."""

import torch

import workbench as wb
from tests.support.random_networks import random_frames, random_network, random_spiking

NEURONS = [
    {"membrane": "frame", "floor": None},
    {"burst": 3, "signed": True, "membrane": "rectify"},
    {"reset": "zero", "silence": 1},
    {"burst": 2},
]


def some_model(seed: int, channels: int = 3) -> tuple[wb.Model, torch.Tensor]:
    """A spiking network with loops and identities, biases every tick or early, and dyadic weights; and its ticks."""
    network = random_network(seed, flat=seed % 3 == 0, longest=4, parallel=True, channels=channels)
    model = random_spiking(network, seed, ticks_per_frame=3, **NEURONS[seed % 4])
    model.ticks_per_frame = 3
    return model, random_frames(network, seed, 11, counts=True)
