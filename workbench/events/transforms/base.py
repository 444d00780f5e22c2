"""What transforms of one recording share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.events.event_arrays import Events, Sensor, flatten, unflatten, volume
from workbench.events.event_batch import EventBatch
from workbench.events.transforms import functional
from workbench.validation import require_seeds, require_whole

Seed = int | Sequence[int]


class EventTransform:
    """A transform: a subclass says by ``edit`` which events come of checked ones, and by ``size`` on which sensor."""

    def size(self, sensor: Sensor) -> Sensor:
        """The new sensor (height, width), whatever the events."""
        return sensor

    def edit(self, events: Events, sensor: Sensor, rng: np.random.Generator) -> Events:
        """New events from checked ones; all randomness comes from ``rng``."""
        raise NotImplementedError

    def edit_batch(self, batch: EventBatch, shape: tuple[int, ...], rng: np.random.Generator) -> EventBatch:
        """What ``edit`` does, to each of several recordings of a shape, which stays; of one it makes the same."""
        sensor = volume(shape)[1:]
        edited = (self.edit(unflatten(*batch[one], shape), sensor, rng) for one in range(len(batch)))
        return EventBatch.join([flatten(events, shape, repr(self)) for events in edited])

    def __call__(self, events: Events, sensor: Sensor, seed: Seed = 0) -> tuple[Events, Sensor]:
        """New events and their sensor. Raises ValueError for events off the sensor or not in order of time."""
        functional.require_valid_events(events, sensor, type(self).__name__)
        seeds = require_seeds(seed, f"{type(self).__name__}: seed")
        return self.edit(events, sensor, np.random.default_rng(seeds)), self.size(sensor)

    def _require(self, holds: bool, field: str, cure: str) -> None:
        """Refuse the value of a field, with ValueError that says what to give, unless something holds."""
        if not holds:
            raise ValueError(f"{type(self).__name__}: {field} is {getattr(self, field)!r}; give {cure}")

    def _require_whole(self, field: str, least: int, most: int | None = None) -> None:
        """Make the value of a field a plain integer; ValueError unless it is a whole number from ``least`` on."""
        value = require_whole(f"{type(self).__name__}: {field}", getattr(self, field), least, most)
        object.__setattr__(self, field, value)
