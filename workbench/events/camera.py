"""An emulated event camera: images in, events out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.events.layout import EVENTS, Events

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

_SLACK = 1e-9  # a change that equals the threshold up to rounding crosses it
_LEAST_THRESHOLD = 0.01
_PIXELS_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Camera:
    """An event camera: a pixel fires when its log intensity has changed by a threshold since it last fired.

    A pixel answers L = log I to the intensity I, but below d = ``linear_below`` L = log d + I / d - 1.
    Between two images L moves on a straight line in time, so each crossing has its own microsecond.
    Thresholds are in units of L and differ from pixel to pixel by a Gaussian of standard deviation
    ``threshold_mismatch``, drawn once from ``seed``. Noise fires ON or OFF, alike often, ``noise_hz`` times a
    second and pixel. What a pixel would fire within ``refractory_us`` of its last event is lost.

    Raises ValueError when a threshold is not positive or another quantity is negative.
    Source: Rebecq et al. 2018 (ESIM), crossings and their times; Hu, Liu and Delbruck 2021 (v2e), linear part
    near black, mismatch and noise. They join line and log in value only; here the slopes agree too.

    >>> import numpy as np
    >>> ramp = 100 * np.exp([0.0, 1.0]).reshape(2, 1, 1)  # (time, height, width)
    >>> Camera(on_threshold=0.25, threshold_mismatch=0).record(ramp, [0, 1000])["t"].tolist()
    [250, 500, 750, 1000]
    """

    on_threshold: float = 0.2
    off_threshold: float = 0.2
    threshold_mismatch: float = 0.03
    noise_hz: float = 0.0
    refractory_us: int = 0
    linear_below: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for field in ("on_threshold", "off_threshold", "linear_below"):
            if not getattr(self, field) > 0:
                raise ValueError(f"camera: {field} is {getattr(self, field)}; give a positive number")
        for field in ("threshold_mismatch", "noise_hz", "refractory_us", "seed"):
            if not getattr(self, field) >= 0:
                raise ValueError(f"camera: {field} is {getattr(self, field)}; give 0 or more")

    def record(self, images: ArrayLike, times_us: ArrayLike, seed: int = 0) -> Events:
        """Record images (time, height, width) of intensity >= 0 taken at ``times_us``: events sorted by time.

        ``seed`` is that of the recording's noise. Raises ValueError as ``record_many``.
        """
        return self.record_many(np.asarray(images)[None], times_us, [seed])[0]

    def record_many(self, images: ArrayLike, times_us: ArrayLike, seeds: Sequence[int] | None = None) -> list[Events]:
        """Record many films (recording, time, height, width) at once; seeds default to 0, 1, 2, ...

        A recording depends on the camera, its images and its seed, not on its neighbours.
        Raises ValueError for images of another shape, negative or not finite, or times that do not rise.
        """
        films, times = _checked(images, times_us)
        count, _, height, width = films.shape
        seeds = range(count) if seeds is None else seeds
        if len(seeds) != count:
            raise ValueError(f"camera: {len(seeds)} seeds for {count} recordings; give one seed a recording")
        thresholds = self._thresholds(height * width)
        many = max(1, _PIXELS_AT_ONCE // (height * width))
        events: list[Events] = []
        for start in range(0, count, many):
            part = films[start : start + many]
            pixel, time, on = _crossings(self._respond(part), times, *thresholds)
            noise = [self._noise(height * width, times, seed) for seed in seeds[start : start + many]]
            pixel = np.concatenate([pixel, *(one[0] + i * height * width for i, one in enumerate(noise))])
            time = np.concatenate([time, *(one[1] for one in noise)])
            on = np.concatenate([on, *(one[2] for one in noise)])
            events += _sorted_events(*self._rest(pixel, time, on), len(part), height, width)
        return events

    def _respond(self, films: Floats) -> Floats:
        """Response (time, recording * pixel) of the pixels to intensities."""
        dark = self.linear_below
        response = np.log(np.maximum(films, dark))
        below = films < dark
        response[below] += films[below] / dark - 1
        return np.moveaxis(response, 1, 0).reshape(films.shape[1], -1)

    def _thresholds(self, pixels: int) -> tuple[Floats, Floats]:
        rng = np.random.default_rng(self.seed)
        on, off = rng.normal((self.on_threshold, self.off_threshold), self.threshold_mismatch, (pixels, 2)).T
        least = min(_LEAST_THRESHOLD, self.on_threshold, self.off_threshold)
        return np.maximum(on, least), np.maximum(off, least)

    def _noise(self, pixels: int, times: Floats, seed: int) -> tuple[Whole, Whole, Whole]:
        """Poisson events, ON and OFF alike: pixel, time, polarity."""
        rng = np.random.default_rng([self.seed, seed])
        count = rng.poisson(self.noise_hz * 1e-6 * (times[-1] - times[0]) * pixels)
        time = rng.integers(int(times[0]), int(times[-1]), count, endpoint=True)
        return rng.integers(0, pixels, count), time, rng.integers(0, 2, count)

    def _rest(self, pixel: Whole, time: Whole, on: Whole) -> tuple[Whole, Whole, Whole]:
        """Drop what follows the last kept event of its pixel by less than the refractory time."""
        if self.refractory_us == 0:
            return pixel, time, on
        start, span = _span(time)
        key = np.sort((pixel * span + time - start) * 2 + on)
        pixel, time, on = key // (2 * span), key // 2 % span + start, key % 2
        while (close := (np.diff(pixel) == 0) & (np.diff(time) < self.refractory_us)).any():
            close[1:] &= ~close[:-1]  # drop only what follows an event kept for certain
            kept = np.concatenate([[True], ~close])
            pixel, time, on = pixel[kept], time[kept], on[kept]
        return pixel, time, on


def _crossings(levels: Floats, times: Floats, on: Floats, off: Floats) -> tuple[Whole, Whole, Whole]:
    """Pixel, time and polarity of every threshold crossing of ``levels`` (time, recording * pixel)."""
    reference = levels[0].copy()
    found = [(np.zeros(0, dtype=np.int64),) * 3]
    for step in range(1, len(levels)):
        change = (levels[step] - reference).reshape(-1, len(on))
        for sign, threshold in ((1, on), (-1, off)):
            hit = np.flatnonzero(sign * change > threshold - _SLACK)
            size = threshold[hit % len(on)]
            count = np.maximum(1, (sign * change.ravel()[hit] / size + _SLACK).astype(np.int64))
            rank = 1 + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
            where = np.repeat(np.arange(len(hit)), count)
            pixel = hit[where]
            level = reference[pixel] + sign * rank * size[where]
            before, after = levels[step - 1][pixel], levels[step][pixel]
            share = np.clip((level - before) / (after - before), 0, 1)
            time = np.rint(times[step - 1] + share * (times[step] - times[step - 1])).astype(np.int64)
            found.append((pixel, time, np.full(len(pixel), sign == 1, dtype=np.int64)))
            reference[hit] += sign * count * size
    pixel, time, polarity = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return pixel, time, polarity


def _sorted_events(pixel: Whole, time: Whole, on: Whole, count: int, height: int, width: int) -> list[Events]:
    """One array a recording, by time, then row, column, polarity: each event is sorted as one integer."""
    size = height * width
    start, span = _span(time)
    key = np.sort((((pixel // size) * span + time - start) * size + pixel % size) * 2 + on)
    moment, place = np.divmod(key, 2 * size)
    recording, moment = np.divmod(moment, span)
    events = np.empty(len(key), dtype=EVENTS)
    events["t"] = moment + start
    events["p"] = place % 2
    events["y"], events["x"] = np.divmod(place // 2, width)
    return np.split(events, np.searchsorted(recording, np.arange(1, count)))


def _span(time: Whole) -> tuple[int, int]:
    """First time and length of the stretch that holds all of ``time``."""
    if len(time) == 0:
        return 0, 1
    return int(time.min()), int(time.max() - time.min()) + 1


def _checked(images: ArrayLike, times_us: ArrayLike) -> tuple[Floats, Floats]:
    films = np.asarray(images, dtype=np.float64)
    times = np.asarray(times_us, dtype=np.float64)
    if films.ndim != 4 or films.shape[1] < 2 or 0 in films.shape:
        raise ValueError(
            f"camera: images have shape {films.shape}; give (recording, time, height, width) to record_many,"
            " (time, height, width) to record, and two times at least"
        )
    if not np.isfinite(films).all() or films.min() < 0:
        raise ValueError("camera: images hold negative or not finite intensities; give light, >= 0")
    if times.shape != films.shape[1:2]:
        raise ValueError(f"camera: {times.size} times for {films.shape[1]} images; give one time_us an image")
    if not (np.diff(times) > 0).all():
        raise ValueError("camera: times_us do not rise; give the images in order, in microseconds")
    return films, times
