"""Where pixels go: affine maps of a sensor and boxes that are emptied, composed before anything is rounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import prod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from workbench.events.event_arrays import Events, Numbers, Sensor, volume
from workbench.events.event_batch import EventBatch
from workbench.events.transforms.base import EventTransform
from workbench.events.transforms.transforms import Drop

Values = Any
"""A number, or an array of as many as there are recordings, in axes that pixels can be broadcast with."""


@dataclass(frozen=True, eq=False)
class Placement:
    """What happens to pixels; a subclass has numbers, or arrays of them for several recordings."""

    def reshape(self, *shape: int) -> Self:
        """The same with its arrays (recordings) in this shape."""
        return replace(self, **{f.name: np.reshape(getattr(self, f.name), shape) for f in fields(self)})

    def per_event(self, batch: EventBatch) -> Self:
        """The same with its arrays (recordings) given to the events of a batch."""
        return replace(self, **{f.name: batch.per_event(getattr(self, f.name)) for f in fields(self)})


@dataclass(frozen=True, eq=False)
class Affine(Placement):
    """x' = xx x + xy y + right, y' = yx x + yy y + down, in pixels.

    >>> Affine(right=2.0).then(Affine(xx=-1.0)).apply(np.array([1.0]), np.array([0.0]))
    (array([-3.]), array([0.]))
    """

    xx: Values = 1.0
    xy: Values = 0.0
    right: Values = 0.0
    yx: Values = 0.0
    yy: Values = 1.0
    down: Values = 0.0

    def then(self, other: Affine) -> Affine:
        """This map followed by the other."""
        return Affine(
            other.xx * self.xx + other.xy * self.yx,
            other.xx * self.xy + other.xy * self.yy,
            other.xx * self.right + other.xy * self.down + other.right,
            other.yx * self.xx + other.yy * self.yx,
            other.yx * self.xy + other.yy * self.yy,
            other.yx * self.right + other.yy * self.down + other.down,
        )

    def apply(self, x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where these columns and rows go, not rounded."""
        return (self.xx * x + self.right) + self.xy * y, (self.yx * x + self.down) + self.yy * y

    @classmethod
    def about_middle(cls, sensor: Sensor, xx: Values, xy: Values, yx: Values, yy: Values) -> Affine:
        """The map that leaves the middle of a sensor (height, width) where it is."""
        middle_y, middle_x = ((size - 1) / 2 for size in sensor)
        right = middle_x - xx * middle_x - xy * middle_y
        return cls(xx, xy, right, yx, yy, middle_y - yx * middle_x - yy * middle_y)


@dataclass(frozen=True, eq=False)
class Box(Placement):
    """The pixels of rows top .. bottom - 1 and columns left .. right - 1, all of whose events are dropped."""

    top: Values
    bottom: Values
    left: Values
    right: Values

    def holds(self, x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.bool_]:
        """Which of these columns and rows lie in it."""
        held: NDArray[np.bool_] = (x >= self.left) & (x < self.right) & (y >= self.top) & (y < self.bottom)
        return held


def place(
    placements: Sequence[Placement], x: NDArray[Any], y: NDArray[Any], sensor: Sensor
) -> tuple[Numbers, Numbers, NDArray[np.bool_]]:
    """Columns and rows after these placements, and which are still on the sensor (height, width).

    Maps that follow each other are composed, so that places are rounded once. Columns, rows and what placements hold
    are broadcast.

    >>> place([Affine(right=0.4), Affine(right=0.4), Box(0, 1, 2, 3)], np.array([0, 1, 2]), np.zeros(3), (1, 4))
    (array([1, 2, 3], dtype=int32), array([0, 0, 0], dtype=int32), array([ True, False,  True]))
    """
    inside = np.ones((), np.bool_)
    pending: Affine | None = None
    for placement in [*placements, None]:
        if isinstance(placement, Affine):
            pending = placement if pending is None else pending.then(placement)
            continue
        if pending is not None:
            x, y = (np.rint(values).astype(np.int32) for values in pending.apply(x, y))
            within = (x.view(np.uint32) < sensor[1]) & (y.view(np.uint32) < sensor[0])  # below 0 is far beyond
            inside = inside & within
            pending = None
        if isinstance(placement, Box):
            inside = inside & ~placement.holds(x, y)
    return x.astype(np.int32), y.astype(np.int32), inside


def move_events(
    placements: Sequence[Placement], batch: EventBatch, sensor: Sensor, kept: NDArray[np.bool_] | bool = True
) -> EventBatch:
    """The events where their pixels go, event by event or pixel by pixel, whichever are fewer.

    Placements hold arrays (recordings); `kept` says which events are kept, wherever they go.

    >>> batch = EventBatch.join([(np.arange(3, dtype=np.int32), np.array([0, 1, 4], np.int32))])
    >>> move_events([Shift(0).draw((1, 3), np.random.default_rng(0), 1)], batch, (1, 3)).site
    array([0, 1, 4], dtype=int32)
    """
    pixels, width = np.int32(prod(sensor)), np.int32(sensor[1])
    if len(batch.site) < len(batch) * pixels:
        polarity, pixel = np.divmod(batch.site, pixels)
        down, across = np.divmod(pixel, width)
        x, y, inside = place([placement.per_event(batch) for placement in placements], across, down, sensor)
        return batch.keep(inside & kept, polarity * pixels + y * width + x)
    columns, rows = np.arange(sensor[1])[None, None], np.arange(sensor[0])[None, :, None]
    x, y, inside = place([placement.reshape(-1, 1, 1) for placement in placements], columns, rows, sensor)
    polarities = np.arange(int(batch.site.max(initial=0)) // pixels + 1, dtype=np.int32)
    moved = np.where(inside, y * width + x, np.iinfo(np.int32).min)[:, None]
    table = moved + polarities[:, None, None] * pixels
    at = batch.site + batch.per_event(np.arange(len(batch)) * int(pixels) * len(polarities))
    site = table.ravel().take(at)
    return batch.keep((site >= 0) & kept, site)


class PlacingTransform(EventTransform):
    """A transform that only moves pixels, all events of a pixel alike: a subclass says by ``draw`` where to."""

    def draw(self, sensor: Sensor, rng: np.random.Generator, count: int) -> Placement:
        """Where the pixels of a sensor go this time, in so many recordings; all randomness comes from ``rng``."""
        raise NotImplementedError

    def edit(self, events: Events, sensor: Sensor, rng: np.random.Generator) -> Events:
        x, y, inside = place([self.draw(sensor, rng, 1)], events["x"], events["y"], sensor)
        moved = events[inside]
        moved["x"], moved["y"] = x[inside], y[inside]
        return moved

    def edit_batch(self, batch: EventBatch, shape: tuple[int, ...], rng: np.random.Generator) -> EventBatch:
        return place_together([self], batch, shape, rng)


def place_together(
    transforms: Sequence[EventTransform], batch: EventBatch, shape: tuple[int, ...], rng: np.random.Generator
) -> EventBatch:
    """A batch after transforms that move pixels, and some that drop events wherever they are, in one pass.

    Moves are composed first, so that places are rounded once; what is dropped does not depend on where it went.
    """
    sensor = volume(shape)[1:]
    moves = [
        transform.draw(sensor, rng, len(batch)) for transform in transforms if isinstance(transform, PlacingTransform)
    ]
    kept = np.ones(len(batch.site), np.bool_)
    for transform in transforms:
        if isinstance(transform, Drop):
            kept = kept & transform.draw_kept(len(batch.site), rng)
    return move_events(moves, batch, sensor, kept) if moves else batch.keep(kept)


@dataclass(frozen=True)
class Shift(PlacingTransform):
    """All events moved by the same random whole number of at most ``pixels``; what leaves the sensor is dropped.

    Directions stay as they are. Raises ValueError unless ``pixels`` is a whole number of at least 0.
    """

    pixels: int

    def __post_init__(self) -> None:
        self._require_whole("pixels", 0)

    def draw(self, sensor: Sensor, rng: np.random.Generator, count: int) -> Affine:
        right, down = rng.integers(-self.pixels, self.pixels, (count, 2), endpoint=True).T
        return _fill(count, right=right, down=down)


@dataclass(frozen=True)
class RandomFlip(PlacingTransform):
    """All mirrored left to right with this ``probability``: what moves to the left moves to the right then.

    So where left and right are classes, as in "motion", a mirrored recording carries the wrong label. Raises ValueError
    unless the probability is 0 to 1.
    """

    probability: float = 0.5

    def __post_init__(self) -> None:
        self._require(0 <= self.probability <= 1, "probability", "a share from 0 to 1")

    def draw(self, sensor: Sensor, rng: np.random.Generator, count: int) -> Affine:
        mirrored = rng.random(count) < self.probability
        return _fill(count, xx=np.where(mirrored, -1.0, 1.0), right=np.where(mirrored, sensor[1] - 1.0, 0.0))


@dataclass(frozen=True)
class Rotate(PlacingTransform):
    """All turned about the middle of the sensor by the same random angle of at most so many ``degrees``, either way.

    Directions turn with the image: where they are classes, as the eight of "motion" that lie 45 degrees apart, half of
    what lies between two of them is too much. What leaves the sensor is dropped. Raises ValueError unless the degrees
    are 0 to 180.

    >>> Rotate(12)
    Rotate(degrees=12)
    """

    degrees: float

    def __post_init__(self) -> None:
        self._require(0 <= self.degrees <= 180, "degrees", "an angle from 0 to 180")

    def draw(self, sensor: Sensor, rng: np.random.Generator, count: int) -> Affine:
        angle = np.radians(rng.uniform(-self.degrees, self.degrees, count))
        cosine, sine = np.cos(angle), np.sin(angle)
        return Affine.about_middle(sensor, cosine, -sine, sine, cosine)


@dataclass(frozen=True)
class Scale(PlacingTransform):
    """All enlarged about the middle of the sensor by the same random factor, 1 - ``share`` to 1 + ``share``.

    No event is added, so that what is enlarged has gaps. Directions stay as they are, speeds change by the factor. What
    leaves the sensor is dropped. Raises ValueError unless 0 <= share < 1.

    >>> Scale(0.12)
    Scale(share=0.12)
    """

    share: float

    def __post_init__(self) -> None:
        self._require(0 <= self.share < 1, "share", "a share from 0 to less than 1")

    def draw(self, sensor: Sensor, rng: np.random.Generator, count: int) -> Affine:
        factor = rng.uniform(1 - self.share, 1 + self.share, count)
        return Affine.about_middle(sensor, factor, np.zeros(count), np.zeros(count), factor)


@dataclass(frozen=True)
class CutOut(PlacingTransform):
    """Without the events of a square of ``pixels`` by ``pixels`` around a random pixel of the sensor.

    Directions stay as they are. Raises ValueError unless ``pixels`` is a whole number of at least 1.

    Source: DeVries & Taylor 2017, arXiv 1708.04552.

    >>> CutOut(8)
    CutOut(pixels=8)
    """

    pixels: int

    def __post_init__(self) -> None:
        self._require_whole("pixels", 1)

    def draw(self, sensor: Sensor, rng: np.random.Generator, count: int) -> Box:
        top, left = rng.integers((0, 0), sensor, (count, 2)).T - self.pixels // 2
        return Box(top, top + self.pixels, left, left + self.pixels)


def _fill(count: int, **values: NDArray[Any]) -> Affine:
    """A map that moves so many recordings by these values alone."""
    plain = {field.name: np.full(count, field.default, np.float64) for field in fields(Affine)}
    return Affine(**plain | values)
