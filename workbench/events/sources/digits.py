"""The set `digits`: handwritten digits moved along three saccades, as N-MNIST was recorded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from workbench.events.camera.camera import Camera
from workbench.events.dataset import Dataset
from workbench.events.recordings import Recordings
from workbench.events.sources.digit_images import load_digit_images, spline_weights
from workbench.events.sources.named_sets import register_generated
from workbench.progress import show_progress

CAMERA = Camera(threshold=0.46, noise_hz=0.5, refractory_us=500, full_scale=255)
SIZE = 34
WINDOW_US = 300_000
CORNERS = np.array([(0.0, 0.0), (7.0, 3.5), (0.0, 7.0), (0.0, 0.0)])
"""Where the camera looks, (row, column) in pixels, at 0, 100, 200 and 300 ms."""

_PIXELS_A_CELL = 3.2  # a digit of 8 x 8 cells is drawn about 26 pixels large
_DARK, _BRIGHT = 10.0, 255.0
_TIMES_US = np.linspace(0, WINDOW_US, 46)
_BATCH = 64
Floats = NDArray[np.float64]


def generate(seed: int, progress: bool = False) -> Dataset:
    """Record every digit once and divide the recordings at random, class by class, 80 to 20."""
    images, labels = load_digit_images()
    events = []
    with show_progress(len(images), "record digits", "recording", progress) as bar:
        for start in range(0, len(images), _BATCH):
            part = images[start : start + _BATCH]
            seeds = [seed * len(images) + i for i in range(start, start + len(part))]
            recorded = CAMERA.record_many(render(part), _TIMES_US, seeds)
            events += [each[each["t"] < WINDOW_US] for each in recorded]  # the film ends where the window does
            bar.advance(len(part))
    whole = Recordings.from_events(
        events, labels, tuple("0123456789"), (2, SIZE, SIZE), window_us=WINDOW_US, name="digits"
    )
    train, test = whole.split(0.8, seed)
    words = f"random 80 to 20 in every class, seed {seed} (no official split; the same writers in both parts)"
    return Dataset("digits", replace(train, name="digits train"), replace(test, name="digits test"), words)


def saccade_positions(times_us: Floats) -> Floats:
    """Where the camera looks, (time, 2) as (row, column) in pixels: a triangle, each side one eased saccade.

    Source: Orchard et al. 2015 (three micro-saccades of about 100 ms along a triangle); the easing is ours.
    """
    turn = np.clip(times_us / WINDOW_US * 3, 0, 3 - 1e-12)
    side = turn.astype(int)
    eased = (1 - np.cos(np.pi * (turn - side))) / 2
    place: Floats = CORNERS[side] + eased[:, None] * (CORNERS[side + 1] - CORNERS[side])
    return place


def render(images: Floats) -> Floats:
    """Images (recording, 8, 8) seen along the saccades: intensities (recording, time, height, width)."""
    place = np.arange(SIZE) - (SIZE - 1) / 2
    centre = CORNERS[:-1].max(axis=0) / 2
    cells = (place[:, None, None] + saccade_positions(_TIMES_US) - centre) / _PIXELS_A_CELL + 3.5
    rows, columns = spline_weights(np.moveaxis(cells, (0, 1, 2), (2, 1, 0)))
    ink = rows @ images[:, None] @ columns.transpose(0, 2, 1)
    light: Floats = _DARK * (_BRIGHT / _DARK) ** ink
    return light


register_generated("digits", generate)
