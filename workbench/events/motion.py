"""The set `motion`: eight ways in which a wallpaper of digits moves; no single frame tells which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.events.camera import Camera
from workbench.events.glyphs import glyphs, spline
from workbench.events.recordings import Dataset, Recordings

CAMERA = Camera(on_threshold=0.25, off_threshold=0.25, noise_hz=0.5, refractory_us=500)
CLASSES = ("left", "right", "up", "down", "clockwise", "counter-clockwise", "approach", "recede")
SIZE = 34
WINDOW_US = 300_000
TRAIN, TEST = 1600, 400

_TIMES_US = np.linspace(-60_000, WINDOW_US, 49)  # the camera is running already when the recording begins
_PERIOD = 17.0  # least distance of two digits of the wallpaper in pixels
_TEXELS = 256  # a power of two, so fine that the nearest texel will do
_RADIUS = 0.38 * SIZE  # mean distance of a pixel from the middle
_GREY = 60.0
_BATCH = 50
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scenes:
    """What is drawn at random for n recordings: wallpapers, how they lie half-way, and how fast they move.

    Half-way ``place``, ``angle`` and ``zoom`` are uniform over one period, hence at every other time too,
    whichever way the wallpaper moves; and a bright wallpaper brightens where a dark one does that moves the
    opposite way. So no single frame tells a class from its opposite: the order of frames does.
    """

    texture: NDArray[np.float32]  # (n, texels, texels) ink from 0 to 1 over one period
    place: Floats  # (n, 2) row and column of the wallpaper's origin, in periods
    angle: Floats  # (n,) radians
    zoom: Floats  # (n,) octaves
    contrast: Floats  # (n,) log intensity of ink less that of the ground: bright > 0, dark < 0
    centre: Floats  # (n, 2) row and column about which it turns and grows, in pixels from the sensor's middle
    speed: Floats  # (n,) mean displacement over the sensor during the window, in pixels


def generate(seed: int) -> Dataset:
    """Record 1600 + 400 random scenes, all classes alike often; no digit's image is in both parts."""
    images, _ = glyphs()
    numbers = np.random.default_rng([seed, 0]).permutation(len(images))
    cut = len(images) * TRAIN // (TRAIN + TEST)
    train = _part(images[numbers[:cut]], TRAIN, "motion train", seed, 1)
    test = _part(images[numbers[cut:]], TEST, "motion test", seed, 2)
    return Dataset("motion", train, test, f"generated from seed {seed}; no digit's image is in both parts")


def draw(images: Floats, rng: np.random.Generator) -> Scenes:
    """Random scenes with these digits (n, 8, 8): bright on dark as often as dark on bright."""
    count = len(images)
    brush = spline(np.arange(_TEXELS) * (9.5 / _TEXELS) - 1.25)
    return Scenes(
        texture=(brush @ images @ brush.T).astype(np.float32),
        place=rng.uniform(0, 1, (count, 2)),
        angle=rng.uniform(0, 2 * np.pi, count),
        zoom=rng.uniform(0, 1, count),
        contrast=rng.choice([-1.0, 1.0], count) * rng.uniform(2.0, 2.6, count),
        centre=rng.uniform(-4, 4, (count, 2)),
        speed=rng.uniform(8, 16, count),
    )


def film(scenes: Scenes, labels: NDArray[np.int64], times_us: Floats = _TIMES_US) -> Floats:
    """The scenes moving as their classes say: intensities (recording, time, height, width).

    Zooming is endless: the wallpaper lies over itself twice as large; growing, the small one fades in and the
    large one out. Played backwards, a film shows the opposite class.
    """
    kind, sign = np.divmod(labels, 2)
    moved = np.where(sign == 0, -1.0, 1.0)[:, None] * scenes.speed[:, None] * (times_us / WINDOW_US - 0.5)
    right, down, back, away = (np.where(kind[:, None] == k, moved, 0.0) for k in range(4))
    shift = np.stack([down, right]) + scenes.centre.T[..., None]
    angle = scenes.angle[:, None] - back / _RADIUS
    octave = (scenes.zoom[:, None] - away / _RADIUS / np.log(2)) % 1
    weight = octave[..., None, None] ** 2 * (3 - 2 * octave[..., None, None])
    small = _look(scenes, shift, angle, _PERIOD * 2**octave)
    large = _look(scenes, shift, angle, _PERIOD * 2 ** (octave + 1))
    ink = weight * small + (1 - weight) * large
    light: Floats = _GREY * np.exp(scenes.contrast[:, None, None, None] * ink)
    return light


def _part(images: Floats, count: int, name: str, seed: int, stream: int) -> Recordings:
    rng = np.random.default_rng([seed, stream])
    labels = rng.permutation(np.arange(count) % len(CLASSES))
    events = []
    for start in range(0, count, _BATCH):
        some = labels[start : start + _BATCH]
        scenes = draw(images[rng.choice(len(images), len(some))], rng)
        seeds = rng.integers(0, 2**31, len(some)).tolist()
        recorded = CAMERA.record_many(film(scenes, some), _TIMES_US, seeds)
        events += [one[one["t"] >= 0] for one in recorded]
    return Recordings.from_events(events, labels, CLASSES, (2, SIZE, SIZE), window_us=WINDOW_US, name=name)


def _look(scenes: Scenes, shift: Floats, angle: Floats, period: Floats) -> NDArray[np.float32]:
    """Ink under every pixel of a wallpaper that is shifted (2, n, time), turned and drawn large (n, time)."""
    across = np.arange(SIZE) - (SIZE - 1) / 2
    y, x = across - shift[..., None]
    cosine, sine = (wave(angle)[..., None] * _TEXELS / period[..., None] for wave in (np.cos, np.sin))
    row, column = scenes.place.T[:, :, None, None] * _TEXELS
    u = (cosine * y + row)[..., :, None] - (sine * x)[..., None, :]
    v = (sine * y + column)[..., :, None] + (cosine * x)[..., None, :]
    u, v = (np.floor(axis, out=axis).astype(np.int32) & (_TEXELS - 1) for axis in (u, v))
    own = np.arange(len(angle), dtype=np.int32).reshape(-1, 1, 1, 1) * _TEXELS
    ink: NDArray[np.float32] = scenes.texture.ravel()[(own + u) * _TEXELS + v]
    return ink
