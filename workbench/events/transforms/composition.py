"""What every transform of one recording is, and several of them one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from workbench.events.event_arrays import Events, Sensor
from workbench.events.transforms.base import Seed


class Transform(Protocol):
    """What is done to one recording: ``transform(events, sensor, seed)`` gives new events and a new sensor.

    Events are structured (fields x, y, t in us, p) and sorted by time before and after; ``sensor`` is
    (height, width). What is given is never changed; the same seed gives the same events.
    """

    def size(self, sensor: Sensor) -> Sensor:
        """The new sensor (height, width), whatever the events."""

    def __call__(self, events: Events, sensor: Sensor, seed: Seed = 0) -> tuple[Events, Sensor]:
        """New events and their sensor. Raises ValueError for events off the sensor or not in order of time."""


def apply(transforms: Sequence[Transform], events: Events, sensor: Sensor, seed: Seed = 0) -> tuple[Events, Sensor]:
    """Run transforms in turn, each with its own stream of ``seed``. Raises ValueError as they do.

    >>> import numpy as np
    >>> from workbench.events.transforms import Downsample, Flip
    >>> events = np.array([(9, 3, 250, True)], dtype=[*zip("xytp", ("i2", "i2", "i8", "?"))])
    >>> edited, sensor = apply((Downsample(2), Flip(horizontal=True)), events, (10, 10))
    >>> edited.tolist(), sensor
    ([(0, 1, 250, True)], (5, 5))
    """
    events = events.copy()
    for number, transform in enumerate(transforms):
        events, sensor = transform(events, sensor, [*np.atleast_1d(seed).tolist(), number])
    return events, sensor


def resize(transforms: Sequence[Transform], sensor: Sensor) -> Sensor:
    """The sensor (height, width) that transforms leave, one after the other.

    >>> from workbench.events.transforms import Crop, Downsample
    >>> resize((Crop(30, 30), Downsample(4)), (34, 34))
    (8, 8)
    """
    for transform in transforms:
        sensor = transform.size(sensor)
    return sensor
