"""Sets of recordings at a glance, read by their data."""

import numpy as np
import plotly.graph_objects as go
import pytest

import workbench as wb
from workbench import figures


def recordings(labels: list[int], shape: tuple[int, ...] = (2, 6, 5), frames: int = 8) -> wb.Recordings:
    counts = np.random.default_rng(0).poisson(0.3, (2 * frames, len(labels), *shape))
    return wb.Recordings.from_ticks(counts, labels=labels, ticks_per_frame=2, tick_us=500, name="sparks")


def tiles(figure: go.Figure) -> list[go.Image]:
    return [trace for trace in figure.data if trace.type == "image"]


def test_the_first_recording_of_four_classes_is_shown_frame_by_frame():
    some = recordings([0, 0, 1, 2, 3, 4, 4])
    figure = figures.recordings(some)
    assert len(tiles(figure)) == 4 * 8
    assert [note.text for note in figure.layout.annotations] == ["0", "1", "3", "4"]
    for row, index in enumerate((0, 2, 4, 5)):
        counts = some.as_frames([index])[:, 0]
        for frame in range(8):
            shown = np.asarray(tiles(figure)[8 * row + frame].customdata)
            np.testing.assert_array_equal(shown, np.moveaxis(counts[frame], 0, -1))


def test_every_class_is_counted_in_both_parts_of_a_data_set():
    data = wb.Dataset("sparks", recordings([0, 0, 1, 2]), recordings([2, 1, 1, 0]), split="by hand")
    train, test = (trace for trace in figures.recordings(data).data if trace.type == "bar")
    assert (train.name, train.x.tolist()) == ("train", [2, 1, 1])
    assert (test.name, test.x.tolist()) == ("test", [1, 2, 1])
    assert train.marker.pattern.shape != test.marker.pattern.shape
    assert "Split: by hand." in figures.recordings(data).layout.meta["subtitle"]


def test_size_duration_and_rate_are_said():
    some = recordings([0, 1])
    sizes = np.diff(some.starts)
    words = figures.recordings(some).layout.meta["subtitle"]
    assert (
        f"8 frames of 2 ticks over 8 ms; {sizes.mean():,.0f} events each ({sizes.min():,} to {sizes.max():,})" in words
    )
    assert f"{sizes.mean() / 8:,.1f} per ms" in words


@pytest.mark.parametrize("frames", [1, 3, 40])
def test_of_many_frames_an_even_choice_is_shown(frames):
    figure = figures.recordings(recordings([0], frames=frames))
    assert len(tiles(figure)) == min(frames, 8)
    assert (tiles(figure)[0].name, tiles(figure)[-1].name) == ("frame 0", f"frame {frames - 1}")


@pytest.mark.parametrize("shape", [(3,), (1, 4, 4), (2, 4, 4)])
def test_recordings_of_any_shape_are_counted(shape):
    figure = figures.recordings(recordings([0, 1, 1], shape))
    assert figure.data[-1].x.tolist() == [1, 2]


def test_a_hundred_classes_have_room():
    figure = figures.recordings(recordings([*range(100)], frames=2))
    axis = next(axis for axis in figure.select_yaxes() if axis.side == "right")
    assert len(axis.tickvals) <= 25
    assert figure.layout.height < 700
