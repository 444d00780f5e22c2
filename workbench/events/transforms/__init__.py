"""Transforms of one recording: frozen values that crop, thin, jitter and clean events.

transforms   crops, flips, jitter, denoising and others
placement    shifts, turns, scalings and other moves of whole pixels
mixing       recordings mixed with each other
orientation  quarter turns and transposition
composition  several transforms one after the other
base         what all transforms share
functional   plain functions from events to events
"""

from workbench.events.transforms.composition import Transform, apply, resize
from workbench.events.transforms.mixing import Mix
from workbench.events.transforms.orientation import Transpose, Turn
from workbench.events.transforms.placement import CutOut, RandomFlip, Rotate, Scale, Shift
from workbench.events.transforms.transforms import (
    Centre,
    Crop,
    CropTime,
    Denoise,
    Downsample,
    Drop,
    DropHotPixels,
    Flip,
    Jitter,
    Refractory,
    Unsigned,
)

__all__ = [
    "Transform",
    "apply",
    "resize",
    "Crop",
    "CropTime",
    "Downsample",
    "Flip",
    "RandomFlip",
    "Jitter",
    "Shift",
    "Rotate",
    "Scale",
    "CutOut",
    "Mix",
    "Centre",
    "Drop",
    "DropHotPixels",
    "Refractory",
    "Denoise",
    "Unsigned",
    "Turn",
    "Transpose",
]


def __dir__() -> list[str]:
    return list(__all__)
