"""Spikes of one node as address events: who spiked when, as event cameras and chips say it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from workbench.analysis.spike_trains import choose_recording
from workbench.events import EVENTS, Events
from workbench.validation import require_whole


def list_events(
    activity: Tensor | ArrayLike, *, recording: int = 0, tick_us: int = 1000, name: str = "activity"
) -> Events:
    """The spikes of one recording of a node's activity (tick, batch, *shape) as events (x, y, t, p), in order of time.

    t = tick x `tick_us` microseconds, y the row; channels lie side by side, so that x = channel x width + column, or
    the unit where there is one axis. Several spikes in a tick are several events; p is False for spikes taken back.
    ValueError for fractions, and for more columns or rows than an event can name (32,767).

    >>> list_events(np.array([[[0, 2]], [[1, 0]]]), tick_us=500).tolist()
    [(1, 0, 0, True), (1, 0, 0, True), (0, 0, 500, True)]
    """
    tick_us = require_whole("tick_us", tick_us)
    values = choose_recording(activity, recording, name)
    image = values.reshape(len(values), -1, *(1, 1, *values.shape[1:])[-2:])  # tick, channel, row, column
    width, most = image.shape[3], np.iinfo(np.int16).max
    if image.shape[1] * width > most + 1 or image.shape[2] > most + 1:
        raise ValueError(
            f"{name!r} has {image.shape[1]} channels of {image.shape[2]} x {width}, side by side more than the "
            f"{most + 1:,} columns or rows that events can name; take a node of fewer channels"
        )
    tick, channel, row, column = np.nonzero(image)
    counts = image[tick, channel, row, column]
    if (counts != np.round(counts)).any():
        raise ValueError(f"{name!r} holds fractions, and events are whole; take the spikes of an SNN")
    times = np.abs(counts).astype(np.int64)
    events = np.empty(int(times.sum()), dtype=EVENTS)
    for field, found in (("x", channel * width + column), ("y", row), ("t", tick * tick_us), ("p", counts > 0)):
        events[field] = np.repeat(found, times)
    return events
