"""The set `motion`: eight ways in which a wallpaper of digits moves; no single frame shows which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.events.camera.camera import Camera
from workbench.events.dataset import Dataset
from workbench.events.event_arrays import Events
from workbench.events.recordings import Recordings
from workbench.events.sources.digit_images import load_digit_images, spline_weights
from workbench.events.sources.named_sets import register_generated
from workbench.progress import Progress, show_progress

CAMERA = Camera(threshold=0.25, noise_hz=0.5, refractory_us=500, full_scale=255)
CLASSES = ("left", "right", "up", "down", "clockwise", "counter-clockwise", "approach", "recede")
SIZE = 34
WINDOW_US = 300_000

_TIMES_US = np.concatenate([np.linspace(-240_000, -15_000, 16), np.linspace(0, WINDOW_US, 41)])
"""The camera has been running when the recording begins, so that no pixel shows how it started."""
_PERIOD = 17.0  # least distance of two digits of the wallpaper in pixels
_TEXELS = 256  # a power of two, so fine that the nearest texel will do
_RADIUS = 0.38 * SIZE  # mean distance of a pixel from the middle
_GREY = np.float32(60)
_BATCH = 20
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scenes:
    """What is drawn at random for n recordings: wallpapers, how they lie half-way, and how fast they move.

    Half-way ``place``, ``angle`` and ``zoom`` are uniform over their periods, hence at every other time too,
    whichever way the wallpaper moves; and a bright wallpaper brightens where a dark one does that moves the
    opposite way. So no single frame distinguishes a class from its opposite: the order of frames does.
    """

    texture: NDArray[np.float32]  # (n, texels, texels) ink from 0 to 1 over one period
    place: Floats  # (n, 2, 2) of two copies of the wallpaper: row and column of the origin, in periods
    angle: Floats  # (n,) radians
    zoom: Floats  # (n,) octaves
    contrast: Floats  # (n,) log intensity of ink less that of the ground: bright > 0, dark < 0
    centre: Floats  # (n, 2) row and column about which it turns and grows, in pixels from the sensor's middle
    speed: Floats  # (n,) mean displacement over the sensor during the window, in pixels


def generate(seed: int, train: int = 1600, test: int = 400, progress: bool = False) -> Dataset:
    """Record random scenes, all classes alike often; no digit's image is in both parts.

    A pixel fires a little after its light has changed, so a pattern's front and back differ and would betray
    the way it moves. Hence half of the recordings show the opposite class and are played backwards.
    """
    images, _ = load_digit_images()
    numbers = np.random.default_rng([seed, 0]).permutation(len(images))
    cut = len(images) * train // (train + test)
    with show_progress(train + test, "record motion", "recording", progress) as bar:
        parts = (
            _part(images[numbers[:cut]], train, "motion train", seed, 1, bar),
            _part(images[numbers[cut:]], test, "motion test", seed, 2, bar),
        )
    return Dataset("motion", *parts, f"generated from seed {seed}; no digit's image is in both parts")


def draw_scenes(images: Floats, rng: np.random.Generator) -> Scenes:
    """Random scenes with these digits (n, 8, 8): bright on dark as often as dark on bright."""
    count = len(images)
    brush = spline_weights(np.arange(_TEXELS) * (9.5 / _TEXELS) - 1.25)
    return Scenes(
        texture=(brush @ images @ brush.T).astype(np.float32),
        place=rng.uniform(0, 1, (count, 2, 2)),
        angle=rng.uniform(0, 2 * np.pi, count),
        zoom=rng.uniform(0, 1, count),
        contrast=rng.choice([-1.0, 1.0], count) * rng.uniform(2.0, 2.6, count),
        centre=rng.uniform(-4, 4, (count, 2)),
        speed=rng.uniform(8, 16, count),
    )


def render(scenes: Scenes, labels: NDArray[np.int64], times_us: Floats = _TIMES_US) -> NDArray[np.float32]:
    """The scenes moving as their classes say: intensities (recording, time, height, width).

    Zooming is endless: a copy of the wallpaper lies over another one twice as large; growing, the small one
    fades in, and the large one fades out to come back as the next small one. Played backwards, a film shows
    the opposite class.
    """
    kind, sign = np.divmod(labels, 2)
    moved = np.where(sign == 0, -1.0, 1.0)[:, None] * scenes.speed[:, None] * (times_us / WINDOW_US - 0.5)
    right, down, back, away = (np.where(kind[:, None] == k, moved, 0.0) for k in range(4))
    shift = np.stack([down, right]) + scenes.centre.T[..., None]
    angle = scenes.angle[:, None] - back / _RADIUS
    turns, octave = np.divmod(scenes.zoom[:, None] - away / _RADIUS / np.log(2), 1)
    weight = (octave**2 * (3 - 2 * octave)).astype(np.float32)[..., None, None]
    small = _sample_texture(scenes, turns % 2, shift, angle, _PERIOD * 2**octave)
    large = _sample_texture(scenes, 1 - turns % 2, shift, angle, _PERIOD * 2 ** (octave + 1))
    ink = weight * small + (1 - weight) * large
    light: NDArray[np.float32] = _GREY * np.exp(scenes.contrast.astype(np.float32)[:, None, None, None] * ink)
    return light


def crop_and_reverse(events: Events, backwards: bool) -> Events:
    """The events in the window, or these played backwards: what brightened (ON) then darkens (OFF).

    >>> import numpy as np
    >>> events = np.array([(3, 4, 100_000, True)], dtype=[*zip("xytp", ("i2", "i2", "i8", "?"))])
    >>> crop_and_reverse(events, backwards=True).tolist()
    [(3, 4, 199999, False)]
    """
    events = events[(events["t"] >= 0) & (events["t"] < WINDOW_US)]
    if backwards:
        events = events[::-1].copy()
        events["t"] = WINDOW_US - 1 - events["t"]
        events["p"] = ~events["p"]
    return events


def _part(images: Floats, count: int, name: str, seed: int, stream: int, bar: Progress) -> Recordings:
    rng = np.random.default_rng([seed, stream])
    labels = rng.permutation(np.arange(count) % len(CLASSES))
    events = []
    for start in range(0, count, _BATCH):
        some = labels[start : start + _BATCH]
        scenes = draw_scenes(images[rng.choice(len(images), len(some))], rng)
        backwards = rng.integers(0, 2, len(some))
        seeds = rng.integers(0, 2**31, len(some)).tolist()
        recorded = CAMERA.record_many(render(scenes, some ^ backwards), _TIMES_US, seeds)
        events += [crop_and_reverse(one, bool(back)) for one, back in zip(recorded, backwards, strict=True)]
        bar.advance(len(some))
    return Recordings.from_events(events, labels, CLASSES, (2, SIZE, SIZE), window_us=WINDOW_US, name=name)


def _sample_texture(scenes: Scenes, copy: Floats, shift: Floats, angle: Floats, period: Floats) -> NDArray[np.float32]:
    """Ink under every pixel of a copy, shifted (2, n, time), turned and drawn with this period (n, time)."""
    across = np.arange(SIZE) - (SIZE - 1) / 2
    y, x = across - shift[..., None]
    cosine, sine = (wave(angle)[..., None] * _TEXELS / period[..., None] for wave in (np.cos, np.sin))
    first, second = np.moveaxis(scenes.place, (1, 2), (0, 1))[..., None, None] * _TEXELS
    row, column = np.where(copy[..., None] == 0, first, second)
    u = _texel(cosine * y + row, -sine * x)
    v = _texel(sine * y + column, cosine * x)
    own = np.arange(len(angle), dtype=np.int32).reshape(-1, 1, 1, 1) * _TEXELS
    ink: NDArray[np.float32] = scenes.texture.ravel()[(own + u) * _TEXELS + v]
    return ink


def _texel(down: Floats, right: Floats) -> NDArray[np.int32]:
    """The whole part, around the period, of every sum of both, in fixed point."""
    fine_down, fine_right = (np.rint(part * 256).astype(np.int32) for part in (down, right))
    return (fine_down[..., :, None] + fine_right[..., None, :]) >> 8 & (_TEXELS - 1)


register_generated("motion", generate)
