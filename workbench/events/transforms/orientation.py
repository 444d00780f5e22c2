"""Transforms that lay a recording another way round: quarter turns and transposition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.events.event_arrays import Events, Sensor
from workbench.events.transforms.base import EventTransform

_MOST = 1 << 15


@dataclass(frozen=True)
class Turn(EventTransform):
    """Turned by a number of quarters, counterclockwise as ``numpy.rot90`` turns images; clockwise below 0.

    Raises ValueError unless ``quarters`` is a whole number.

    >>> Turn(1).size((20, 30))
    (30, 20)
    """

    quarters: int = 1

    def __post_init__(self) -> None:
        self._require_whole("quarters", -_MOST, _MOST)

    def size(self, sensor: Sensor) -> Sensor:
        return (sensor[1], sensor[0]) if self.quarters % 2 else sensor

    def edit(self, events: Events, sensor: Sensor, rng: np.random.Generator) -> Events:
        (height, width), turned = sensor, events.copy()
        x, y = events["x"], events["y"]
        turned["x"], turned["y"] = (
            (x, y), (y, width - 1 - x), (width - 1 - x, height - 1 - y), (height - 1 - y, x),
        )[self.quarters % 4]  # fmt: skip
        return turned


@dataclass(frozen=True)
class Transpose(EventTransform):
    """Rows and columns exchanged: mirrored at the diagonal from the top left.

    >>> Transpose().size((20, 30))
    (30, 20)
    """

    def size(self, sensor: Sensor) -> Sensor:
        return sensor[1], sensor[0]

    def edit(self, events: Events, sensor: Sensor, rng: np.random.Generator) -> Events:
        transposed = events.copy()
        transposed["x"], transposed["y"] = events["y"], events["x"]
        return transposed
