"""Binning: ticks are half-open stretches of exact length, as a plain loop and tonic's frames count them."""

from math import prod

import numpy as np
import pytest

from workbench.events import Recordings
from workbench.events.event_arrays import EVENTS


def random_events(rng, height, width, count, window_us):
    """Sorted events, some before and after the window, half of them on the very edges of ticks."""
    events = np.zeros(count, dtype=EVENTS)
    events["x"], events["y"] = rng.integers(0, width, count), rng.integers(0, height, count)
    events["p"] = rng.integers(0, 2, count)
    free = rng.integers(-window_us // 5, window_us + window_us // 5, count)
    edges = rng.integers(-2, 15, count) * window_us // 12 + rng.integers(-1, 2, count)
    events["t"] = np.sort(np.where(rng.random(count) < 0.5, free, edges))
    return events


def gathered(seed, count=5, window_us=12_000, frames=3, ticks=4, shape=(2, 5, 7)):
    rng = np.random.default_rng(seed)
    events = [random_events(rng, *shape[1:], int(rng.integers(0, 300)), window_us) for _ in range(count)]
    recordings = Recordings.from_events(
        events, [0] * count, ["a"], shape, frames=frames, ticks_per_frame=ticks, window_us=window_us
    )
    return events, recordings


@pytest.mark.parametrize("window_us", [12_000, 12_001, 11_999, 13, 300_000])
@pytest.mark.parametrize(("frames", "ticks"), [(3, 4), (1, 1), (5, 7), (12, 8)])
def test_ticks_equal_a_plain_loop(window_us, frames, ticks):
    events, recordings = gathered(window_us, window_us=window_us, frames=frames, ticks=ticks)
    expected = np.zeros((frames * ticks, 5, 2, 5, 7), dtype=np.float32)
    for number, recording in enumerate(events):
        for x, y, t, p in recording.tolist():
            if 0 <= t < window_us:
                expected[t * frames * ticks // window_us, number, int(p), y, x] += 1
    counted = recordings.as_ticks()
    assert counted.dtype == np.float32
    np.testing.assert_array_equal(counted, expected)
    np.testing.assert_array_equal(recordings.as_frames(), expected.reshape(frames, ticks, *expected.shape[1:]).sum(1))


def test_a_batch_is_in_the_order_asked_for():
    _, recordings = gathered(1)
    whole = recordings.as_ticks()
    for chosen in ([3], [4, 0, 2], [1, 1, 0], slice(3, None), [], np.array([True, False, True, True, False])):
        np.testing.assert_array_equal(recordings.as_ticks(chosen), whole[:, chosen])


@pytest.mark.parametrize("shape", [(2, 34, 34), (2, 128, 128), (2, 3, 200)])
def test_ticks_are_the_frames_of_tonic_told_where_to_start_and_end(tonic, shape):
    events, recordings = gathered(2, count=3, window_us=9600, frames=8, ticks=12, shape=shape)
    to_frame = tonic.transforms.ToFrame(sensor_size=shape[::-1], time_window=100, start_time=0, end_time=9600)
    theirs = np.stack([to_frame(recording) for recording in events], axis=1)
    np.testing.assert_array_equal(recordings.as_ticks(), theirs)


def test_where_ticks_are_no_whole_microseconds_none_is_lost():
    for seed, window_us in enumerate((9_601, 9_599, 100_003)):
        events, recordings = gathered(seed, window_us=window_us, frames=8, ticks=12)
        inside = sum(((one["t"] >= 0) & (one["t"] < window_us)).sum() for one in events)
        assert recordings.as_ticks().sum() == inside
        edges = [-(-tick * window_us // 96) for tick in range(97)]  # the first microsecond of every tick
        per_tick = [np.searchsorted(one["t"], edges) for one in events]
        np.testing.assert_array_equal(recordings.as_ticks().sum(axis=(2, 3, 4)).T, np.diff(per_tick, axis=1))


def test_any_number_of_events_fits_a_tick():
    events = np.zeros(40_000, dtype=EVENTS)
    recordings = Recordings.from_events([events], [0], ["a"], (2, 1, 1), frames=1, ticks_per_frame=1, window_us=10)
    assert recordings.as_ticks().max() == 40_000 == recordings.as_frames().sum()
    assert prod(recordings.as_ticks().shape) == 2
