"""Ticks of recordings too long to hold."""

import tracemalloc

import numpy as np
import pytest

import workbench as wb
from workbench.events.event_arrays import EVENTS
from workbench.events.online_binning import stream_ticks


def some_events(seed, count=300, end_us=5000):
    rng = np.random.default_rng(seed)
    events = np.zeros(count, dtype=EVENTS)
    events["t"], events["p"] = np.sort(rng.integers(0, end_us, count)), rng.integers(0, 2, count)
    events["x"], events["y"] = rng.integers(0, 5, count), rng.integers(0, 4, count)
    return events


@pytest.mark.parametrize("seed", range(8))
def test_blocks_together_are_the_ticks_of_the_whole(seed):
    rng = np.random.default_rng([seed, 1])
    events = some_events(seed)
    recordings = wb.Recordings.from_events([events], [0], "a", (2, 4, 5), frames=1, ticks_per_frame=50, window_us=5000)
    size = int(rng.integers(1, 120))
    parts = [events[begin : begin + size] for begin in range(0, len(events), size)]
    found = list(stream_ticks(parts, (2, 4, 5), tick_us=100, ticks=int(rng.integers(1, 20))))
    together = np.concatenate(found)
    np.testing.assert_array_equal(together, recordings.as_ticks()[: len(together)])
    assert together.sum() == len(events)
    assert len({len(block) for block in found[:-1]}) <= 1


def test_a_model_hears_a_stream_as_it_hears_the_recording():
    import torch

    network = wb.Network({"eye": (2, 4, 5)}, [wb.Edge("eye", "v1", wb.Dense(6)), wb.Edge("v1", "hand", wb.Dense(2))])
    model = wb.Model(network, norm=None).eval()
    events = some_events(0)
    recordings = wb.Recordings.from_events([events], [0], "a", (2, 4, 5), frames=50, ticks_per_frame=1, window_us=5000)
    stream = model.stream(1)
    with torch.no_grad():
        blocks = [stream.run(torch.from_numpy(b))["hand"] for b in stream_ticks([events], (2, 4, 5), 100, ticks=7)]
        whole = model.run(torch.from_numpy(recordings.as_ticks()))["hand"]
    torch.testing.assert_close(torch.cat(blocks), whole)


def test_memory_does_not_grow_with_the_recording():
    def long(blocks):
        for i in range(blocks):
            events = some_events(i, 20_000, 10_000)
            events["t"] += i * 10_000
            yield events

    def peak(blocks):
        tracemalloc.start()
        ticks = sum(len(block) for block in stream_ticks(long(blocks), (2, 4, 5), tick_us=100))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most, ticks

    (few, some), (many, all_) = peak(3), peak(100)
    assert all_ > 30 * some
    assert many < 1.2 * few


def test_what_is_no_stream_is_refused():
    events = some_events(0)
    with pytest.raises(ValueError, match="time runs backwards to tick 0; give events in order from time 0"):
        list(stream_ticks([events, events], (2, 4, 5), 100))
    with pytest.raises(ValueError, match="outside 0 to 1 of"):
        list(stream_ticks([events], (2, 2, 5), 100))
    with pytest.raises(ValueError, match="tick_us=0 must be a whole number of at least 1"):
        list(stream_ticks([events], (2, 4, 5), 0))
    assert list(stream_ticks([], (2, 4, 5), 100)) == []
