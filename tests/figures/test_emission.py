"""The figure of emission: what is drawn is what the three neurons do with the drive."""

from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
import pytest
import torch

import workbench as wb
from workbench import figures
from workbench.analysis.membrane_trace import trace_membrane
from workbench.figures._style import BLUE, DARK, FAINT, INK, ORANGE, QUIET, SKY, VERMILION

K = 6
KINDS = {"at_once": "at once", "spread": "spread over a frame", "burst": "in a burst"}


def some_drive(seed: int, ticks: int = 4 * K) -> np.ndarray:
    """Multiples of 1/8, so that all sums are exact."""
    return np.random.default_rng(seed).integers(-4, 11, ticks) / 8


def traces(figure: go.Figure) -> dict[str, go.Scatter]:
    return {trace.name: trace for trace in figure.data}


def neuron(kind: str, k: int, remainder: str) -> wb.IntegrateAndFire:
    options = {} if kind == "at_once" else {"emission": kind, "remainder": remainder}
    return wb.IntegrateAndFire(ticks_per_frame=k, **options)


@pytest.mark.parametrize("remainder", ["drop", "keep"])
@pytest.mark.parametrize("seed", range(6))
def test_every_row_is_a_neuron_that_is_given_the_drive(seed: int, remainder: str) -> None:
    drive = some_drive(seed)
    padded = np.concatenate([drive, np.zeros(K - 1)])
    found = traces(figures.emission(drive, K, remainder))
    assert found["drive"].y.tolist() == padded.tolist()
    for kind, name in KINDS.items():
        spikes, _ = neuron(kind, K, remainder).scan(torch.tensor(padded, dtype=torch.float32)[:, None], None, 0)
        sent = found[f"spikes, {name}"]
        ticks = spikes.flatten().nonzero().flatten()
        assert sent.x.tolist() == ((ticks + 1).double() / K).tolist()
        assert sent.y.tolist() == spikes.flatten()[ticks].tolist()
        stems = found[f"stems, {name}"]
        assert stems.y[1::3].tolist() == sent.y.tolist()
        assert stems.x[0::3].tolist() == stems.x[1::3].tolist() == sent.x.tolist()


@pytest.mark.parametrize("remainder", ["drop", "keep"])
@pytest.mark.parametrize("kind", KINDS)
def test_membranes_are_those_of_a_model_before_the_reset(kind: str, remainder: str) -> None:
    drive = some_drive(7)
    padded = np.concatenate([drive, np.zeros(K - 1)])
    network = wb.Network(
        {"eye": (1,)}, [wb.Edge("eye", "v1", wb.Identity(), delay=0), wb.Edge("v1", "hand", wb.Identity(), delay=K)]
    )
    model = wb.Model(network, norm=None, neuron=neuron(kind, K, remainder), ticks_per_frame=K)
    activity = model.run(torch.tensor(padded, dtype=torch.float32)[:, None, None])
    drawn = traces(figures.emission(drive, K, remainder))[f"membrane, {KINDS[kind]}"]
    with torch.no_grad():
        told = trace_membrane(model, activity, "v1", 0)
    assert drawn.y.tolist() == told["membrane"].tolist()
    assert drawn.x.tolist() == told["frame"].tolist()


def test_counts_stand_over_their_frames_and_over_the_ticks_that_send_them() -> None:
    drive = [0.5, 0.5, 0.5, 0.5, 0.25, 0.0, 0.0, 0.0, 0.75, 0.75, 0.75]  # with the start: 2.5, 0.75, 2.75
    figure = figures.emission(drive, ticks_per_frame=4)
    found = traces(figure)
    assert figure.layout.meta["title"] == "The same drive: 5 spikes at once, 4 spread, 4 in bursts"
    for name in ("spread over a frame", "in a burst"):
        assert found[f"counts, {name}"].text == ("counts 2", "counts 0", "counts 2")
        assert found[f"counts, {name}"].x.tolist() == [0.5, 1.5, 2.5]
        assert found[f"sends, {name}"].text == ("sends 2", "sends 0", "sends 2")
        assert found[f"sends, {name}"].x.tolist() == [1.25, 2.25, 3.25]
    assert found["spikes, spread over a frame"].x.tolist() == [1.0, 1.5, 3.0, 3.5]
    assert found["spikes, in a burst"].x.tolist() == [1.0, 3.0]
    assert found["spikes, in a burst"].y.tolist() == [2, 2]
    rects = [(shape.yref, shape.x0, shape.fillcolor) for shape in figure.layout.shapes if shape.type == "rect"]
    assert len(rects) == 2 * 2 * 3
    for row in ("y4", "y6"):
        colours = [colour for yref, *_, colour in rects if yref.startswith(f"{row} ")]
        later = [colour for yref, *_, colour in rects if yref.startswith(f"y{int(row[1]) + 1} ")]
        assert colours == later
        assert len(set(colours)) == 2
    begins = [begin for yref, begin, _ in rects if yref.startswith("y5 ")]
    assert begins == [0.75, 1.75, 2.75]
    assert figure.layout.xaxis7.range == (0, 4)
    assert figure.layout.meta["subtitle"].endswith("the rest is dropped.")
    assert "In a burst: [2, 0, 2]" in figure.layout.meta["alt"]


def test_the_last_count_of_a_frame_that_is_not_full_is_seen_being_sent() -> None:
    found = traces(figures.emission([1.0] * 5, ticks_per_frame=4))
    assert found["drive"].y.tolist() == [1.0] * 5 + [0.0] * 6
    assert found["spikes, spread over a frame"].x.tolist() == [1.0, 1.25, 1.5, 1.75, 2.0]
    assert sum(found["spikes, in a burst"].y) == 5


def test_what_is_kept_is_counted_later() -> None:
    titles = [
        figures.emission([0.3, 0.3] * 4, ticks_per_frame=2, remainder=r).layout.meta["title"] for r in ("drop", "keep")
    ]
    assert titles == [
        "The same drive: 2 spikes at once, 4 spread, 4 in bursts",
        "The same drive: 2 spikes at once, 2 spread, 2 in bursts",
    ]


@pytest.mark.parametrize(("frames", "named"), [(4, True), (14, True), (15, False), (41, False)])
def test_of_many_frames_fewer_words_are_written(frames: int, named: bool) -> None:
    figure = figures.emission(some_drive(1, frames * K), K)
    found = traces(figure)
    assert ("counts, in a burst" in found) == named
    if named:
        assert found["counts, in a burst"].text[0].startswith("counts") == (frames <= 4)
    assert any(shape.type == "rect" for shape in figure.layout.shapes) == (frames <= 40)
    assert ("colour" in figure.layout.meta["subtitle"]) == (frames <= 40)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("scale", [0.1, 1.0, 8.0])
def test_words_and_lines_keep_apart(seed: int, scale: float) -> None:
    """What is written stands above all that is drawn, and inside of its row; lines of words fit 400 px."""
    figure = figures.emission(scale * some_drive(seed), K, "keep")
    found = traces(figure)
    for place, name in ((4, "spread over a frame"), (6, "in a burst")):
        for word, line, axis in (("counts", "membrane", place), ("sends", "spikes", place + 1)):
            top = figure.layout[f"yaxis{axis}"].range[1]
            drawn = found[f"{line}, {name}"].y
            assert max([*drawn, 1]) < found[f"{word}, {name}"].y[0] < top
    words = figure.layout.title.text.split("<br><span")[0].split("<br>")
    assert max(map(len, words)) <= 34
    domains = sorted(axis.domain for axis in figure.select_yaxes())
    assert domains[0][0] == 0
    assert domains[-1][1] == 1
    assert all(below[1] < above[0] for below, above in pairwise(domains))


def test_on_a_dark_page_no_light_colour_is_left() -> None:
    dark = figures.darken(figures.emission(some_drive(3), K))
    assert dark.layout.meta == figures.emission(some_drive(3), K).layout.meta
    for light in (INK, QUIET, FAINT, BLUE, VERMILION, SKY):
        assert light.lower() not in dark.to_json().lower()
    assert {shape.fillcolor for shape in dark.layout.shapes if shape.type == "rect"} == {DARK[SKY], DARK[ORANGE]}


def test_a_drive_that_no_neuron_answers_is_drawn() -> None:
    figure = figures.emission([-1.0] * 5, ticks_per_frame=3)
    assert figure.layout.meta["title"] == "The same drive: 0 spikes at once, 0 spread, 0 in bursts"
    assert min(traces(figure)["membrane, at once"].y) == -1, "the floor holds it"


@pytest.mark.parametrize(
    ("drive", "options", "words"),
    [
        ([], {}, "the drive is empty; give one number for every tick, in thresholds"),
        ([[0.5]], {}, r"the drive has shape \(1, 1\); give one number for every tick"),
        (["much"], {}, r"drive=\['much'\] must be numbers, one for every tick"),
        ([0.5, float("nan")], {}, "the drive is nan in tick 1; every one must be finite"),
        ([float("inf")], {}, "the drive is inf in tick 0; every one must be finite"),
        ([0.5], {"ticks_per_frame": 1}, "ticks_per_frame=1 must be a whole number of at least 2"),
        ([0.5], {"ticks_per_frame": 2.5}, r"ticks_per_frame=2\.5 must be a whole number of at least 2"),
        ([0.5], {"remainder": "lose"}, "remainder='lose' is unknown; choose from drop, keep"),
    ],
)
def test_mistakes_are_refused_in_words(drive: list[float], options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=f"figures.emission: {words}"):
        figures.emission(drive, **options)
