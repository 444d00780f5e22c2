"""The space-time cloud: every event at its place, an even choice of too many."""

import numpy as np
import pytest

import workbench as wb
from workbench import figures

SHAPE = (2, 20, 30)


def recording(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t = np.sort(rng.integers(0, 250_000, count))
    events = np.zeros(count, dtype=[("x", np.int16), ("y", np.int16), ("t", np.int64), ("p", bool)])
    events["x"], events["y"], events["t"] = rng.integers(0, 30, count), rng.integers(0, 20, count), t
    events["p"] = rng.random(count) < 0.4
    return events


@pytest.mark.parametrize("seed", range(8))
def test_every_event_is_drawn_where_and_when_it_happened(seed: int) -> None:
    events = recording(seed, 300)
    for trace, polarity in zip(figures.events(events, SHAPE).data, (False, True), strict=True):
        chosen = events[events["p"] == polarity]
        assert trace.name == ("ON" if polarity else "OFF")
        assert np.array_equal(trace.x, (chosen["t"] / 1e3).astype(np.float32))
        assert np.array_equal(trace.y, chosen["x"])
        assert np.array_equal(trace.z, chosen["y"])


def test_recordings_of_the_workbench_are_drawn_as_they_are() -> None:
    events = recording(3, 100)
    recordings = wb.Recordings.from_events([events], [0], ["noise"], SHAPE, window_us=250_000)
    figure = figures.events(recordings[0], recordings.shape, recordings.window_us)
    assert sum(len(trace.x) for trace in figure.data) == 100
    assert figure.layout.scene.xaxis.range == (0, 250)


def test_the_image_stands_upright_and_its_pixels_are_square() -> None:
    scene = figures.events(recording(0, 50), SHAPE).layout.scene
    assert scene.yaxis.range == (-0.5, 29.5)
    assert scene.zaxis.range == (19.5, -0.5)
    assert scene.aspectratio.y / scene.aspectratio.z == 30 / 20
    assert scene.aspectratio.x > 2 * scene.aspectratio.y
    assert [axis.title.text for axis in (scene.xaxis, scene.yaxis, scene.zaxis)] == [
        "time (ms)", "x (pixels)", "y (pixels)",
    ]  # fmt: skip


def test_polarities_differ_by_symbol_and_not_by_colour_alone() -> None:
    off, on = figures.events(recording(0, 50), SHAPE).data
    assert off.marker.symbol != on.marker.symbol
    assert off.marker.color != on.marker.color


@pytest.mark.parametrize("count", [20_000, 20_001, 50_000])
def test_of_too_many_events_an_even_choice_is_drawn_and_said(count: int) -> None:
    events = recording(1, count)
    figure = figures.events(events, SHAPE)
    times = np.sort(np.concatenate([trace.x for trace in figure.data]))
    assert len(times) == 20_000
    assert ("20,000 drawn" in figure.layout.meta["subtitle"]) == (count > 20_000)
    assert figure.layout.meta["title"].startswith(f"{count:,} events")
    halves = np.histogram(times, bins=10, range=(0, 250))[0] / np.histogram(events["t"], bins=10, range=(0, 250e3))[0]
    assert np.allclose(halves, 20_000 / count, atol=0.001)


def test_only_events_in_the_window_are_drawn_and_counted() -> None:
    events = recording(2, 1000)
    figure = figures.events(events, SHAPE, window_us=100_000)
    inside = events[events["t"] < 100_000]
    assert sum(len(trace.x) for trace in figure.data) == len(inside)
    assert figure.layout.meta["title"] == f"{len(inside)} events in 100 ms"


def test_nothing_to_show_is_said() -> None:
    assert figures.events(recording(0, 0), SHAPE).layout.annotations[0].text == "no events in this recording"
    late = recording(0, 5)
    late["t"] += 10**6
    assert figures.events(late, SHAPE, window_us=1000).layout.annotations[0].text == "no events in this window"


def test_mistakes_are_refused_with_a_cure() -> None:
    events = recording(0, 5)
    with pytest.raises(ValueError, match="the events lack the field p; give one recording"):
        figures.events(events[["x", "y", "t"]], SHAPE)
    with pytest.raises(ValueError, match="lack the field x, y, t, p"):
        figures.events(np.zeros(4), SHAPE)
    with pytest.raises(ValueError, match=r"shape=\(20, 30\) does not fit"):
        figures.events(events, (20, 30))
    with pytest.raises(ValueError, match="window_us=0 must be a positive time"):
        figures.events(events, SHAPE, window_us=0)


def test_looking_changes_nothing_and_twice_gives_the_same() -> None:
    events = recording(4, 500)
    before = events.copy()
    assert figures.events(events, SHAPE).to_json() == figures.events(events, SHAPE).to_json()
    assert np.array_equal(events, before)
