"""Windows cut from long recordings, against a plain reading of what they should be."""

import numpy as np
import pytest

from workbench.events.event_arrays import EVENTS
from workbench.events.windowing import cut_windows


def some_events(times):
    events = np.zeros(len(times), dtype=EVENTS)
    events["t"] = np.sort(times)
    events["x"] = np.arange(len(times)) % 97
    return events


def blocks(events, size):
    return [events[begin : begin + size] for begin in range(0, len(events), size)]


def plain(events, window_us):
    """What the windows should be: of all events at once."""
    number = events["t"] // window_us
    last = number[-1]
    if last - 1 in number and events["t"][-1] + 1 < (last + 0.9) * window_us:
        number = np.where(number == last, last - 1, number)
    found = []
    for one in np.unique(number):
        part = events[number == one].copy()
        part["t"] -= one * window_us
        found.append(part)
    return found


@pytest.mark.parametrize("seed", range(60))
def test_cutting_equals_a_plain_reading_in_blocks_of_any_size(seed):
    rng = np.random.default_rng(seed)
    events = some_events(rng.integers(0, rng.integers(50, 5000), rng.integers(1, 300)))
    events["t"][0] = 0
    window = int(rng.integers(20, 700))
    expected = plain(events, window)
    for size in (1, 7, len(events)):
        found = list(cut_windows(blocks(events, size), window))
        assert len(found) == len(expected)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_no_event_is_lost_and_none_is_there_twice():
    rng = np.random.default_rng(5)
    events = some_events(rng.integers(0, 100_000, 2000))
    found = np.concatenate(list(cut_windows(blocks(events, 100), 7000)))
    np.testing.assert_array_equal(found["x"], events["x"])


@pytest.mark.parametrize(
    ("times", "slices"),
    [([0, 99], 1), ([0, 150], 1), ([0, 189], 2), ([0, 188], 1), ([0, 100, 250], 2), ([0, 100, 290], 3), ([5], 1)],
)
def test_the_rest_is_a_slice_if_it_is_nine_tenths_full(times, slices):
    assert len(list(cut_windows([some_events(times)], 100))) == slices


def test_a_recording_begins_at_its_clock_s_zero_or_at_its_first_event():
    late = some_events([1_000_000, 1_000_050, 1_000_130])
    assert [one["t"].tolist() for one in cut_windows([late], 100, running=True)] == [[0, 50, 130]]
    assert [one["t"].tolist() for one in cut_windows([late], 100)] == [[0, 50, 130]]
    late["t"] += 7
    assert [one["t"].tolist() for one in cut_windows([late], 100)] == [[7, 57, 137]]
    early = some_events([30, 50, 80])
    assert [one["t"].tolist() for one in cut_windows([early], 100)] == [[30, 50, 80]]
    assert [one["t"].tolist() for one in cut_windows([early], 100, running=True)] == [[0, 20, 50]]
    before = some_events([-70, 20])
    assert [one["t"].tolist() for one in cut_windows([before], 100, running=True)] == [[0, 90]]
    assert [one["t"].tolist() for one in cut_windows([before], 100)] == [[-70, 20]]


def test_silence_of_hours_makes_no_slices():
    events = some_events([0, 10, 3_600_000_000_000])
    assert [one["t"].tolist() for one in cut_windows([events], 100)] == [[0, 10], [0]]


def test_nothing_gives_nothing_and_arguments_stay():
    assert list(cut_windows([], 100)) == list(cut_windows([some_events([])], 100)) == []
    events = some_events([150, 260])
    before = events.copy()
    list(cut_windows([events], 100))
    np.testing.assert_array_equal(events, before)
