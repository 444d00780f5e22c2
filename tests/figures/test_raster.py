"""Figures of activity and of events: a mark per spike, an image where they are many, frames in two colours."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch

from workbench import figures
from workbench.analysis.spike_trains import gather_spikes
from workbench.figures._raster import EXACT
from workbench.figures._raster_bands import ALL_ROWS, BAND, COLUMNS, ROWS


def spikes(steps: int, units: tuple[int, ...], rate: float, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(steps, 2, *units, generator=generator) < rate).float()


def test_there_are_as_many_marks_as_spikes() -> None:
    activity = {"retina": spikes(24, (2, 5, 5), 0.1), "v1": spikes(24, (7,), 0.3, seed=1)}
    activity["retina"][3, 1, 0, 0, 0] = 4  # four events in one tick and pixel
    for recording in (0, 1):
        retina, v1 = figures.raster(activity, recording, ticks_per_frame=12).data
        assert len(retina.x) == activity["retina"][:, recording].sum()
        assert len(v1.x) == activity["v1"][:, recording].sum()


def test_a_spike_stands_at_its_tick_and_its_unit() -> None:
    values = np.zeros((6, 1, 2, 3))
    values[4, 0, 1, 2] = 1
    mark = figures.raster({"eye": values}, ticks_per_frame=2).data[0]
    assert mark.x.tolist() == [2.5]
    assert mark.customdata.tolist() == [[2, 4, 5]]
    assert "frame %{customdata[0]}, tick %{customdata[1]}" in mark.hovertemplate
    assert 0 < mark.y[0] < 1
    assert mark.x.dtype == np.float32


def test_nodes_are_stacked_from_bottom_to_top() -> None:
    figure = figures.raster({"a": np.ones((2, 1, 3)), "b": np.ones((2, 1, 3))})
    assert [set(np.floor(trace.y)) for trace in figure.data] == [{0}, {1}]
    assert figure.layout.yaxis.ticktext == ("a<br>3 units", "b<br>3 units")


@pytest.mark.parametrize("steps", [40, 1700])
def test_many_spikes_become_an_image_that_loses_none(steps: int) -> None:
    activity = spikes(steps, (1000,), 0.7)
    assert activity[:, 0].sum() > EXACT
    image = figures.raster({"v1": activity}).data[0]
    assert image.type == "heatmap"
    assert image.z.shape == (ROWS, min(COLUMNS, steps))
    assert image.z.sum() == activity[:, 0].sum()
    right = image.x0 + image.dx * (image.z.shape[1] - 0.5)
    assert (image.x0 - image.dx / 2, right) == pytest.approx((0, steps))


def test_the_drive_of_the_output_is_one_line_per_class() -> None:
    drive = torch.randn(24, 1, 10, generator=torch.Generator().manual_seed(0))
    drive[:, :, 7] += 3
    band, *lines = figures.raster({"v1": spikes(24, (9,), 0.5), "digit": drive}).data
    assert band.name == "v1"
    assert len(lines) == 10
    assert lines[-1].name == "digit 7 (largest mean)"
    assert lines[-1].y.tolist() == drive[:, 0, 7].tolist()
    assert len(figures.raster({"digit": drive}).data) == 10


def test_activity_may_still_carry_gradients() -> None:
    drive = torch.rand(5, 1, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert len(figures.raster({"digit": drive}).data) == 3


def test_analog_nodes_with_many_units_are_images() -> None:
    activity = torch.rand(5, 1, 64, generator=torch.Generator().manual_seed(0))
    figure = figures.raster({"v1": activity})
    assert figure.data[0].type == "heatmap"
    assert figure.layout.title.text == "Activity over 5 frames"


def test_a_view_shows_what_lies_in_it_and_nothing_else() -> None:
    values = {"a": spikes(40, (10,), 0.3), "b": spikes(40, (20,), 0.3, seed=1)}
    whole = {trace.name: trace for trace in figures.raster(values, ticks_per_frame=4).data}
    for view in ((0.0, 10.0, 0.0, 1.86), (2.0, 5.5, 0.2, 1.3), (3.1, 3.3, 1.0, 1.5), (1.0, 9.0, 0.9, 0.95)):
        begin, end, low, high = view
        figure = figures.raster(values, ticks_per_frame=4, view=view)
        seen = {trace.name: trace for trace in figure.data}
        for node, trace in whole.items():
            inside = (trace.x >= begin) & (trace.x <= end) & (trace.y >= low) & (trace.y <= high)
            expected = set(zip(trace.x[inside], trace.y[inside], strict=True))
            found = set(zip(seen[node].x, seen[node].y, strict=True)) if node in seen else set()
            assert expected <= found
            for x, y in found:  # what hangs in from the edge: less than a step, less than a unit
                assert begin <= x < end + 0.25
                assert low - BAND / 10 <= y <= high + BAND / 10
        assert figure.layout.xaxis.range == (begin, end)
        assert figure.layout.yaxis.range == (low, high)
    assert figure.layout.meta["title"].startswith("0 of ")


def test_a_view_of_many_spikes_is_binned_and_one_of_few_is_exact() -> None:
    train = gather_spikes(spikes(2000, (500,), 0.5))
    many = figures.raster({"v1": train}, view=(500.0, 1500.0, 0.0, BAND / 2)).data[0]
    assert many.z.sum() == train.counts[(train.steps >= 499) & (train.steps < 1500) & (train.units < 250)].sum()
    assert many.x0 - many.dx / 2 == pytest.approx(499)
    assert many.y0 - many.dy / 2 == pytest.approx(0)
    assert many.y0 + many.dy * (len(many.z) - 0.5) == pytest.approx(BAND / 2)
    few = figures.raster({"v1": train}, view=(500.0, 550.0, 0.0, 1.0)).data[0]
    assert few.type == "scattergl"
    assert len(few.x) == ((train.steps >= 499) & (train.steps < 550)).sum()


def test_dense_sparse_and_gathered_activity_give_the_same_figure() -> None:
    dense = spikes(50, (3, 4), 0.3)
    gathered = gather_spikes(dense, 1, "v1")
    forms = (dense, dense.to_sparse(), dense.bool(), dense.to(torch.uint8).numpy(), gathered)
    assert len({figures.raster({"v1": form}, recording=1).to_json() for form in forms}) == 1


@pytest.mark.parametrize("nodes", [1, 6, 60])
def test_no_figure_grows_with_the_number_of_spikes(nodes: int) -> None:
    train = gather_spikes(spikes(3000, (400,), 0.6))
    figure = figures.raster({f"v{node}": train for node in range(nodes)})
    assert sum(trace.z.shape[0] for trace in figure.data) <= ALL_ROWS + nodes
    assert len(figure.to_json()) < 2_000_000
    drive = torch.rand(10_000, 1, 20, generator=torch.Generator().manual_seed(0))
    assert len(figures.raster({"digit": drive}).to_json()) < 1_000_000


def test_a_line_keeps_to_the_view_and_to_a_number_of_points() -> None:
    drive = torch.rand(10_000, 1, 2, generator=torch.Generator().manual_seed(0)) - 0.5
    line = figures.raster({"digit": drive}, view=(100.0, 200.0, 0.0, 1.0)).data[0]
    assert line.x.tolist() == list(range(100, 201))
    assert len(figures.raster({"digit": drive}).data[0].x) == 2000


@pytest.mark.parametrize(
    ("activity", "words"),
    [({"eye": np.zeros((3, 1, 2))}, "no spikes"), ({"eye": np.zeros((0, 1, 2))}, "no spikes"), ({}, "no node")],
)
def test_no_spikes_are_said(activity: Mapping[str, np.ndarray], words: str) -> None:
    assert words in figures.raster(activity).layout.annotations[0].text


def test_frames_are_images_in_two_colours() -> None:
    counts = np.zeros((3, 2, 4, 6), dtype=int)
    counts[0, 0, 1, 2] = 3
    counts[1, 1, 1, 2] = 3
    counts[2, :, 1, 2] = 3
    figure = figures.frames(counts, window_us=12_500 * len(counts))
    off, on, both = (trace.z for trace in figure.data)
    assert off.shape == (4, 6, 3)
    assert off[1, 2].tolist() == [0, 114, 178]
    assert on[1, 2].tolist() == [213, 94, 0]
    assert both[1, 2].sum() < min(off[1, 2].sum(), on[1, 2].sum())
    assert (off[0, 0] == 255).all()
    assert figure.data[0].customdata[1, 2].tolist() == [3, 0]
    titles = ["0<br>0 to 12.5 ms", "1<br>12.5 to 25 ms", "2<br>25 to 37.5 ms"]
    assert [note.text for note in figure.layout.annotations] == titles
    assert "6" in figure.layout.meta["subtitle"]


def test_of_many_frames_an_even_choice_is_shown() -> None:
    figure = figures.frames(np.ones((100, 2, 2, 2)))
    assert len(figure.data) == 24
    assert (figure.data[0].name, figure.data[-1].name) == ("frame 0", "frame 99")
    assert "24 of 100 shown" in figure.layout.meta["subtitle"]


def test_empty_recordings_are_said() -> None:
    assert "no events" in figures.frames(np.zeros((2, 2, 3, 3))).layout.annotations[0].text
    assert "no frames" in figures.frames(np.zeros((0, 2, 3, 3))).layout.annotations[0].text


def test_mistakes_are_refused_with_a_cure() -> None:
    with pytest.raises(ValueError, match=r"'eye' has shape \(3, 2\); expected \(step, batch, \*shape\)"):
        figures.raster({"eye": np.ones((3, 2))})
    with pytest.raises(ValueError, match="recording=2 is not among the 2 of 'eye'"):
        figures.raster({"eye": np.ones((3, 2, 1))}, recording=2)
    with pytest.raises(ValueError, match="ticks_per_frame=0"):
        figures.raster({"eye": np.ones((3, 2, 1))}, ticks_per_frame=0)
    with pytest.raises(ValueError, match=r"must be \(begin_frame, end_frame, low, high\), each pair rising"):
        figures.raster({"eye": np.ones((3, 2, 1))}, view=(2.0, 1.0, 0.0, 1.0))
    with pytest.raises(ValueError, match=r"expected \(frames, 2, height, width\)"):
        figures.frames(np.ones((3, 4, 4)))
