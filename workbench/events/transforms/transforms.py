"""Transforms of one recording: frozen values that crop, thin, jitter and clean events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.events.event_arrays import Events, Sensor
from workbench.events.event_batch import EventBatch
from workbench.events.transforms import functional
from workbench.events.transforms.base import EventTransform

_LARGEST = 1 << 15  # coordinates are 16-bit


@dataclass(frozen=True)
class Crop(EventTransform):
    """The pixels of a box ``height`` by ``width``, in the middle unless its ``top`` and ``left`` pixel are given.

    A box that reaches beyond the sensor adds pixels that never fire. Middle: ``(sensor - box) // 2``.

    Raises ValueError for a box that is empty or that 16-bit coordinates do not span.

    >>> Crop(20, 30).size((34, 34))
    (20, 30)
    """

    height: int
    width: int
    top: int | None = None
    left: int | None = None

    def __post_init__(self) -> None:
        for field in ("height", "width"):
            self._require_whole(field, 1, _LARGEST)
        for field in ("top", "left"):
            if getattr(self, field) is not None:
                self._require_whole(field, -_LARGEST, _LARGEST)

    def size(self, sensor: Sensor) -> Sensor:
        return self.height, self.width

    def edit(self, events: Events, sensor: Sensor, rng: np.random.Generator) -> Events:
        top = (sensor[0] - self.height) // 2 if self.top is None else self.top
        left = (sensor[1] - self.width) // 2 if self.left is None else self.left
        return functional.shift(events, -left, -top, self.size(sensor))


@dataclass(frozen=True)
class CropTime(EventTransform):
    """The events from ``begin_us`` until just before ``end_us``; their clock then starts at ``begin_us``.

    Raises ValueError unless both are whole numbers and the end is later.
    """

    begin_us: int
    end_us: int

    def __post_init__(self) -> None:
        self._require_whole("begin_us", -(1 << 62))
        self._require_whole("end_us", self.begin_us + 1)

    def edit(self, events: Events, sensor: Sensor, rng: np.random.Generator) -> Events:
        kept = events[(events["t"] >= self.begin_us) & (events["t"] < self.end_us)]
        kept["t"] -= self.begin_us
        return kept


@dataclass(frozen=True)
class Downsample(EventTransform):
    """Squares of ``factor`` by ``factor`` pixels become one: ``x // factor``, on a sensor rounded up.

    All events are kept, unless ``merge_us`` > 0: then a new pixel drops, polarity by polarity, what follows its
    last kept event by less than ``merge_us`` microseconds.

    Raises ValueError for a factor below 1 or a negative time.

    >>> Downsample(4).size((34, 34))
    (9, 9)
    """

    factor: int
    merge_us: int = 0

    def __post_init__(self) -> None:
        self._require_whole("factor", 1)
        self._require_whole("merge_us", 0)

    def size(self, sensor: Sensor) -> Sensor:
        return -(-sensor[0] // self.factor), -(-sensor[1] // self.factor)

    def edit(self, events: Events, sensor: Sensor, rng: np.random.Generator) -> Events:
        x, y = (events[field].astype(np.int64) // self.factor for field in "xy")
        height, width = self.size(sensor)
        fewer = functional.move(events, x, y, (height, width))
        pixel = functional.flat_pixels(fewer, width) + (fewer["p"] > 0) * height * width
        return fewer[functional.is_past_refractory(pixel, fewer["t"], self.merge_us)]


@dataclass(frozen=True)
class Flip(EventTransform):
    """Mirror images: left and right (horizontal), top and bottom (vertical), ON and OFF (polarity).

    What moves to the left moves to the right then, what moves up moves down.
    """

    horizontal: bool = False
    vertical: bool = False
    polarity: bool = False

    def edit(self, events: Events, sensor: Sensor, rng: np.random.Generator) -> Events:
        flipped = events.copy()
        if self.horizontal:
            flipped["x"] = sensor[1] - 1 - flipped["x"]
        if self.vertical:
            flipped["y"] = sensor[0] - 1 - flipped["y"]
        if self.polarity:
            flipped["p"] = flipped["p"] == 0
        return flipped


@dataclass(frozen=True)
class Jitter(EventTransform):
    """Every event displaced by a Gaussian: standard deviation in ``pixels``, both ways, and in ``time_us``.

    Places and times are rounded to whole numbers. What leaves the sensor is dropped; a clock that starts at 0
    or later does not go below 0. Directions stay, but blur where events are displaced by as much as things move
    meanwhile. Raises ValueError for a negative deviation.
    """

    pixels: float = 0.0
    time_us: float = 0.0

    def __post_init__(self) -> None:
        for field in ("pixels", "time_us"):
            self._require(0 <= getattr(self, field) < np.inf, field, "a standard deviation, 0 for none")

    def edit(self, events: Events, sensor: Sensor, rng: np.random.Generator) -> Events:
        right, down, late = self._draw(len(events), rng)
        earliest = events["t"][:1].min(initial=0)
        timed = events.copy()
        timed["t"] = np.maximum(events["t"] + late, earliest)
        moved = functional.move(timed, events["x"] + right, events["y"] + down, sensor)
        return moved[np.argsort(moved["t"], kind="stable")]

    def edit_batch(self, batch: EventBatch, shape: tuple[int, ...], rng: np.random.Generator) -> EventBatch:
        if self.pixels or not self.time_us:
            return super().edit_batch(batch, shape, rng)
        firsts = np.append(batch.time_us, np.int32(0))[batch.starts[:-1]]
        _, _, late = self._draw(len(batch.site), rng)
        timed = np.maximum(batch.time_us + late, batch.per_event(np.minimum(firsts, 0)))
        order = np.argsort(timed + (batch.per_event(np.arange(len(batch))) << 33), kind="stable")
        return EventBatch(timed[order].astype(np.int32), batch.site[order], batch.starts)

    def _draw(self, events: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """By how much each event is moved right, down and late, (3, events)."""
        scale = np.array([[self.pixels], [self.pixels], [self.time_us]])
        displaced: NDArray[np.int64] = np.rint(rng.standard_normal((3, events)) * scale).astype(np.int64)
        return displaced


@dataclass(frozen=True)
class Centre(EventTransform):
    """The box around all events moved to the middle of the sensor: ``(sensor - box) // 2``."""

    def edit(self, events: Events, sensor: Sensor, rng: np.random.Generator) -> Events:
        if len(events) == 0:
            return events.copy()
        right, down = (
            (size - int(np.ptp(events[field])) - 1) // 2 - int(events[field].min())
            for field, size in (("x", sensor[1]), ("y", sensor[0]))
        )
        return functional.shift(events, right, down, sensor)


@dataclass(frozen=True)
class Drop(EventTransform):
    """Every event dropped with this ``probability``, each for itself. Raises ValueError unless it is 0 to 1.

    Directions stay as they are.
    """

    probability: float

    def __post_init__(self) -> None:
        self._require(0 <= self.probability <= 1, "probability", "a share from 0 to 1")

    def edit(self, events: Events, sensor: Sensor, rng: np.random.Generator) -> Events:
        return events[self.draw_kept(len(events), rng)]

    def edit_batch(self, batch: EventBatch, shape: tuple[int, ...], rng: np.random.Generator) -> EventBatch:
        return batch.keep(self.draw_kept(len(batch.site), rng))

    def draw_kept(self, events: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Which of so many events are kept this time."""
        return rng.random(events) >= self.probability


@dataclass(frozen=True)
class DropHotPixels(EventTransform):
    """Without the pixels that fire, ON and OFF together, more often than ``above_hz`` from first to last event.

    A pixel that fires once is never hot. Raises ValueError unless the rate is positive.
    """

    above_hz: float

    def __post_init__(self) -> None:
        self._require(self.above_hz > 0, "above_hz", "a positive rate")

    def edit(self, events: Events, sensor: Sensor, rng: np.random.Generator) -> Events:
        return events[~functional.is_hot_pixel(events, sensor, self.above_hz)]


@dataclass(frozen=True)
class Refractory(EventTransform):
    """Without events that follow the last kept event of their pixel, ON or OFF, by less than ``microseconds``.

    Raises ValueError unless these are whole and at least 0.
    """

    microseconds: int

    def __post_init__(self) -> None:
        self._require_whole("microseconds", 0)

    def edit(self, events: Events, sensor: Sensor, rng: np.random.Generator) -> Events:
        return events[
            functional.is_past_refractory(functional.flat_pixels(events, sensor[1]), events["t"], self.microseconds)
        ]


@dataclass(frozen=True)
class Denoise(EventTransform):
    """Only events of which one of the 8 neighbouring pixels fired at the same time, or at most ``microseconds`` before.

    Raises ValueError unless these are whole and at least 0. Source: Delbruck 2008, background activity filter.
    """

    microseconds: int

    def __post_init__(self) -> None:
        self._require_whole("microseconds", 0)

    def edit(self, events: Events, sensor: Sensor, rng: np.random.Generator) -> Events:
        return events[functional.has_recent_neighbour(events, sensor, self.microseconds)]


@dataclass(frozen=True)
class Unsigned(EventTransform):
    """All events ON, whatever their polarity; the channel OFF stays and is silent."""

    def edit(self, events: Events, sensor: Sensor, rng: np.random.Generator) -> Events:
        unsigned = events.copy()
        unsigned["p"] = 1
        return unsigned
