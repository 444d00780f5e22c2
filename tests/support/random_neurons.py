"""Integrate-and-fire neurons with random options, and what drives them."""

import numpy as np
import torch

import workbench as wb


def some_neuron(rng: np.random.Generator) -> wb.IntegrateAndFire:
    frame, reset = int(rng.integers(1, 7)), str(rng.choice(["subtract", "zero"]))
    return wb.IntegrateAndFire(
        threshold=float(rng.choice([1.0, 0.5, 2.0, 0.7])),
        start=float(rng.choice([0.5, 0.0, 0.3])),
        floor=[-1.0, None, 0.0, -0.6][rng.integers(4)],
        reset=reset,
        membrane=str(rng.choice(["carry", "rectify", "frame"])),
        burst=int(rng.choice([1, 2, 5, 100])),
        signed=reset == "subtract" and bool(rng.integers(2)),
        silence=int(rng.integers(0, frame)),
        ticks_per_frame=frame,
    )


def some_drive(rng: np.random.Generator, dyadic: bool, channels_last: bool = False) -> torch.Tensor:
    """(steps, batch, channels, height, width); dyadic numbers meet the threshold exactly, again and again."""
    shape = (14, 3, 4, 5, 6)
    values = rng.integers(-40, 60, shape) / 32 if dyadic else rng.normal(0.2, 1, shape)
    drive = torch.tensor(values, dtype=torch.float32)
    return drive.movedim(2, 4).contiguous().movedim(4, 2) if channels_last else drive
