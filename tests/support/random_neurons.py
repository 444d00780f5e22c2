"""Spiking neurons with random options, and what drives them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import workbench as wb

SpikingNeuron = wb.IntegrateAndFire | wb.LeakyIntegrateAndFire


def some_neuron(rng: np.random.Generator) -> SpikingNeuron:
    """A neuron of any kind."""
    return some_leaky(rng) if rng.random() < 0.25 else some_integrating(rng)


def some_leaky(rng: np.random.Generator, **known: Any) -> wb.LeakyIntegrateAndFire:
    """A neuron that leaks; `known` are options that are not drawn."""
    drawn = {
        "threshold": float(rng.choice([1.0, 0.5, 2.0, 0.7])),
        "start": float(rng.choice([0.5, 0.0, -0.3])),
        "floor": [-1.0, None, -0.3, -0.6][rng.integers(4)],
        "reset": str(rng.choice(["subtract", "zero"])),
        "leak": int(rng.choice([1, 2, 4, 9])),
        "resolution": [None, 5, 12][rng.integers(3)],
        "saturation": [None, 1.5][rng.integers(2)],
    }
    return wb.LeakyIntegrateAndFire(**drawn | known)


def some_integrating(rng: np.random.Generator, **known: Any) -> wb.IntegrateAndFire:
    """A neuron without leak, with a frame of up to 6 ticks; `known` are options that are not drawn."""
    frame = int(known.get("ticks_per_frame", rng.integers(1, 7)))
    drawn = {
        "threshold": float(rng.choice([1.0, 0.5, 2.0, 0.7])),
        "start": float(rng.choice([0.5, 0.0, 0.3])),
        "floor": [-1.0, None, 0.0, -0.6][rng.integers(4)],
        "ticks_per_frame": frame,
    }
    emission = draw_emission(rng, frame)
    return wb.IntegrateAndFire(**drawn | (draw_at_once(rng) if emission["emission"] == "at_once" else emission) | known)


def draw_at_once(rng: np.random.Generator) -> dict[str, Any]:
    """What a neuron may do that spikes at once."""
    reset = str(rng.choice(["subtract", "zero"]))
    return {
        "reset": reset,
        "membrane": str(rng.choice(["carry", "rectify", "frame"])),
        "burst": int(rng.choice([1, 2, 5, 100])),
        "signed": reset == "subtract" and bool(rng.integers(2)),
    }


def draw_emission(rng: np.random.Generator, frame: int) -> dict[str, Any]:
    """When a neuron spikes, at once or, as often, after counting for a frame; and the options that go with it."""
    emission = str(rng.choice(["at_once", "at_once", "spread", "burst"]))
    return {"emission": emission} if emission == "at_once" else draw_counting(rng, frame, emission)


def draw_counting(rng: np.random.Generator, frame: int, emission: str | None = None) -> dict[str, Any]:
    """The options of a neuron that counts for a frame; with a cap or without."""
    emission = str(rng.choice(["spread", "burst"])) if emission is None else emission
    return {
        "emission": emission,
        "remainder": [None, "drop", "keep"][rng.integers(3)],
        "cap": [None, int(rng.integers(1, (frame if emission == "spread" else 100) + 1))][rng.integers(2)],
    }


def some_drive(rng: np.random.Generator, dyadic: bool, channels_last: bool = False) -> torch.Tensor:
    """(steps, batch, channels, height, width); dyadic numbers meet the threshold exactly, again and again."""
    shape = (14, 3, 4, 5, 6)
    values = rng.integers(-40, 60, shape) / 32 if dyadic else rng.normal(0.2, 1, shape)
    drive = torch.tensor(values, dtype=torch.float32)
    return drive.movedim(2, 4).contiguous().movedim(4, 2) if channels_last else drive
