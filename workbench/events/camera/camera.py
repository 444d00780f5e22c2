"""An emulated event camera: images in, events out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from math import floor, inf

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.events.camera.image_sequence import Exposure, guess_time_unit, to_us
from workbench.events.camera.threshold_crossing import NO_EVENTS, Fired, concatenate, find_crossings
from workbench.events.event_arrays import EVENTS, Events
from workbench.events.formats.time_units import require_unit
from workbench.events.transforms.functional import flat_pixels, is_past_refractory
from workbench.validation import require_seed, require_seeds

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""Share of red, green and blue in the luminance. Source: ITU-R BT.709-6, item 3.2."""

_LEAST_THRESHOLD = 0.01
_PIXELS_AT_ONCE = 1 << 16
_NEVER = -(1 << 62)


@dataclass(frozen=True)
class Camera:
    """An event camera: a pixel fires when its log intensity has changed by a threshold since it last fired.

    A pixel answers L = log I to the intensity I, but below d = ``linear_below`` L = log d + I / d - 1.
    Between two images L moves on a straight line in time, so each crossing has its own microsecond.
    Thresholds are in units of L and differ from pixel to pixel by a Gaussian of standard deviation
    ``threshold_mismatch``, drawn once from ``seed``; ON and OFF may have their own. Noise fires ON or OFF,
    alike often, ``noise_hz`` times a second and pixel. What a pixel would fire within ``refractory_us`` of
    its last event is lost.

    Images are grey, or colour with red, green, blue and perhaps opacity last: then I is the luminance, opacity
    is ignored. Any type of number will do. ``full_scale`` says which number is white: light is multiplied so that white
    is 255. Without it, truth values and fractions of at most 1 are light from 0 to 1 (in a stream the first image that
    is not black decides) and other numbers are light as they are; a warning says where they may be on another scale.
    Fractions are left as they are if ``linear_below`` is less than 1.

    Raises ValueError when a threshold is not positive or another quantity is negative.
    Source: Rebecq et al. 2018 (ESIM), crossings and their times; Hu, Liu and Delbruck 2021 (v2e), linear part
    near black, mismatch and noise. They join line and log in value only; here the slopes agree too.

    >>> import numpy as np
    >>> ramp = 100 * np.exp([0.0, 1.0]).reshape(2, 1, 1)  # (time, height, width)
    >>> Camera(threshold=0.25, threshold_mismatch=0).record(ramp, [0, 1000])["t"].tolist()
    [250, 500, 750, 1000]
    """

    threshold: float = 0.2
    on_threshold: float | None = None
    off_threshold: float | None = None
    threshold_mismatch: float = 0.03
    noise_hz: float = 0.0
    refractory_us: int = 0
    linear_below: float = 1.0
    seed: int = 0
    full_scale: float | None = None

    def __post_init__(self) -> None:
        optional = ("on_threshold", "off_threshold", "full_scale")
        own = [field for field in optional if getattr(self, field) is not None]
        for field in ("threshold", *own, "linear_below"):
            if not 0 < getattr(self, field) < inf:
                raise ValueError(f"camera: {field} is {getattr(self, field)}; give a positive number")
        object.__setattr__(self, "seed", require_seed(self.seed, "camera: seed"))
        for field in ("threshold_mismatch", "noise_hz", "refractory_us"):
            if not getattr(self, field) >= 0:
                raise ValueError(f"camera: {field} is {getattr(self, field)}; give 0 or more")

    def record(self, images: ArrayLike, times_us: ArrayLike, seed: int = 0, unit: str | None = None) -> Events:
        """Record images (time, height, width[, colour]) taken at ``times_us``: events sorted by time.

        ``seed`` is that of the recording's noise; ``unit`` is that of the times where they are not in microseconds:
        "s", "ms" or "ns". Raises ValueError as ``record_many``.
        """
        films = self._expose_film(images, ("time", "height", "width"))[None]
        return self._record(films, _in_us(times_us, unit), [seed])[0]

    def record_many(
        self, images: ArrayLike, times_us: ArrayLike, seeds: Sequence[int] | None = None, unit: str | None = None
    ) -> list[Events]:
        """Record many films (recording, time, height, width[, colour]) at once; seeds default to 0, 1, 2, ...

        A recording depends on the camera, its images and its seed, not on its neighbours, but that they are all on one
        scale of light. Raises ValueError for images of another shape, negative or not finite, or times that do not
        rise.
        """
        films = self._expose_film(images, ("recording", "time", "height", "width"))
        return self._record(films, _in_us(times_us, unit), range(len(films)) if seeds is None else seeds)

    def stream(
        self, images: Iterable[ArrayLike], times_us: Iterable[float], seed: int = 0, unit: str | None = None
    ) -> Iterator[Events]:
        """Record images (height, width[, colour]) as they come, holding two at a time.

        One array of events an image: those from its moment until just before the next image, for the last image
        those at its moment. One after the other they are what ``record`` gives; but noise, as frequent, is drawn
        anew between any two images, and scale and unit are found by the first images. Raises ValueError as ``record``,
        once it comes to the image.

        >>> import numpy as np
        >>> film = (np.full((2, 2), light) for light in (100, 150, 90))
        >>> [len(events) for events in Camera(threshold=0.3).stream(film, [0, 1000, 2000])]
        [4, 4, 0]
        """
        exposure = Exposure(self.full_scale, self.linear_below)
        film = _convert_times(_pair_with_times(images, times_us, exposure), unit)
        light, begin = next(film)
        size, width = light.size, light.shape[1]
        before = reference = self._respond(light).ravel()
        thresholds = self._thresholds(size)
        last = np.full(size, _NEVER)
        waiting = NO_EVENTS
        for number, (light, end) in enumerate(film):
            after = self._respond(light).ravel()
            fired, reference = find_crossings(before, after, (begin, end), reference, thresholds)
            waiting = concatenate([waiting, fired, self._noise(size, (begin, end), seed, number)])
            due = waiting[1] < floor(end)
            yield self._apply_refractory(_sorted_events(_select(waiting, due), 1, size, width)[0], width, last)
            waiting, before, begin = _select(waiting, ~due), after, end
        exposure.warn(stacklevel=2)
        yield self._apply_refractory(_sorted_events(waiting, 1, size, width)[0], width, last)

    def _expose_film(self, images: ArrayLike, axes: tuple[str, ...]) -> Floats:
        exposure = Exposure(self.full_scale, self.linear_below)
        light = _to_light(images, axes, exposure)
        exposure.warn(stacklevel=3)
        return light

    def _record(self, films: Floats, times_us: ArrayLike, seeds: Sequence[int]) -> list[Events]:
        times = _require_rising(times_us, films.shape[1])
        count, _, height, width = films.shape
        if len(seeds) != count:
            raise ValueError(f"camera: {len(seeds)} seeds for {count} recordings; give one seed a recording")
        thresholds = self._thresholds(height * width)
        many = max(1, _PIXELS_AT_ONCE // (height * width))
        events: list[Events] = []
        for start in range(0, count, many):
            part = self._respond(films[start : start + many])
            levels = np.moveaxis(part, 1, 0).reshape(len(times), -1)
            reference, found = levels[0], []
            for step in range(1, len(times)):
                span = (times[step - 1], times[step])
                fired, reference = find_crossings(levels[step - 1], levels[step], span, reference, thresholds)
                found.append(fired)
            for number, seed in enumerate(seeds[start : start + many]):
                pixel, time, on = self._noise(height * width, (times[0], times[-1]), seed)
                found.append((pixel + number * height * width, time, on))
            events += _sorted_events(concatenate(found), len(part), height * width, width)
        return [self._apply_refractory(one, width, np.full(height * width, _NEVER)) for one in events]

    def _respond(self, intensity: Floats) -> Floats:
        """Response L of the pixels to intensities."""
        dark = self.linear_below
        response: Floats = np.log(np.maximum(intensity, dark))
        below = intensity < dark
        response[below] += intensity[below] / dark - 1
        return response

    def _thresholds(self, size: int) -> tuple[Floats, Floats]:
        mean = [self.threshold if own is None else own for own in (self.on_threshold, self.off_threshold)]
        rng = np.random.default_rng(self.seed)
        on, off = rng.normal(mean, self.threshold_mismatch, (size, 2)).T
        least = min(_LEAST_THRESHOLD, *mean)
        return np.maximum(on, least), np.maximum(off, least)

    def _noise(self, size: int, times_us: tuple[float, float], *seeds: int) -> Fired:
        """Poisson events, ON and OFF alike."""
        rng = np.random.default_rng([self.seed, *require_seeds(seeds, "camera: seed of the recording")])
        count = rng.poisson(self.noise_hz * 1e-6 * (times_us[1] - times_us[0]) * size)
        time = rng.integers(int(times_us[0]), int(times_us[1]), count, endpoint=True)
        return rng.integers(0, size, count), time, rng.integers(0, 2, count)

    def _apply_refractory(self, events: Events, width: int, last: Integers) -> Events:
        """Without what a pixel fires too soon after its last event; ``last`` has its time and is kept up to date."""
        if self.refractory_us == 0:
            return events
        pixel = flat_pixels(events, width)
        free = events["t"] - last[pixel] >= self.refractory_us
        free[free] = is_past_refractory(pixel[free], events["t"][free], self.refractory_us)
        last[pixel[free]] = events["t"][free]
        return events[free]


def _sorted_events(fired: Fired, count: int, size: int, width: int) -> list[Events]:
    """One array a recording, by time, then row, column, polarity: each event is sorted as one integer."""
    pixel, time, on = fired
    start = int(time.min(initial=np.iinfo(np.int64).max))
    span = int(time.max(initial=start)) - start + 1
    key = np.sort((((pixel // size) * span + time - start) * size + pixel % size) * 2 + on)
    moment, place = np.divmod(key, 2 * size)
    recording, moment = np.divmod(moment, span)
    events = np.empty(len(key), dtype=EVENTS)
    events["t"] = moment + start
    events["p"] = place % 2
    events["y"], events["x"] = np.divmod(place // 2, width)
    return np.split(events, np.searchsorted(recording, np.arange(1, count)))


def _select(fired: Fired, chosen: NDArray[np.bool_]) -> Fired:
    pixel, time, on = fired
    return pixel[chosen], time[chosen], on[chosen]


def _to_light(images: ArrayLike, axes: tuple[str, ...], exposure: Exposure) -> Floats:
    """Intensities on these axes: grey images as they are, of colour images the luminance."""
    given = np.asarray(images)
    colour = given.ndim == len(axes) + 1 and given.shape[-1] in (3, 4)
    if (given.ndim != len(axes) and not colour) or 0 in given.shape:
        raise ValueError(
            f"camera: images have shape {given.shape}; give ({', '.join(axes)}), in colour with 3 or 4 channels last"
        )
    exposed = exposure.expose(given[..., :3] if colour else given)
    light: Floats = exposed @ LUMINANCE if colour else exposed
    if not np.isfinite(light).all() or light.min() < 0:
        raise ValueError("camera: images hold negative or not finite intensities; give light, >= 0")
    return light


def _in_us(times: ArrayLike, unit: str | None) -> Floats:
    return to_us(times, require_unit(unit) or guess_time_unit(times, stacklevel=3))


def _require_rising(times_us: ArrayLike, images: int) -> Floats:
    times = np.asarray(times_us, dtype=np.float64)
    _require_two(images)
    if times.shape != (images,):
        raise ValueError(f"camera: {times.size} times for {images} images; give one time_us an image")
    if not (np.diff(times) > 0).all() or not np.isfinite(times).all():
        raise ValueError("camera: times_us do not rise; give the images in order, in microseconds")
    return times


def _pair_with_times(
    images: Iterable[ArrayLike], times_us: Iterable[float], exposure: Exposure
) -> Iterator[tuple[Floats, float]]:
    """Checked images with their times, one by one."""
    number, shape, latest = 0, (), -inf
    for image, time in zip_longest(images, times_us):
        if image is None or time is None:
            raise ValueError("camera: images and times_us are not equally many; give one time_us an image")
        light = _to_light(image, ("height", "width"), exposure)
        if number and light.shape != shape:
            raise ValueError(f"camera: image {number} is {light.shape}, not {shape} as before; give one size")
        if not latest < time < inf:
            raise ValueError("camera: times_us do not rise; give the images in order, in microseconds")
        number, shape, latest = number + 1, light.shape, float(time)
        yield light, latest
    _require_two(number)


def _convert_times(film: Iterator[tuple[Floats, float]], unit: str | None) -> Iterator[tuple[Floats, float]]:
    """The images of a film with their times in microseconds; the first two decide the unit unless it is given."""
    first = [*islice(film, 2)]
    times = [time for _, time in first]
    known = require_unit(unit) or guess_time_unit(times, stacklevel=3)
    for light, time in chain(first, film):
        yield light, float(to_us(time, known))


def _require_two(images: int) -> None:
    if images < 2:
        raise ValueError(f"camera: {images} images of a film; give two at least")
