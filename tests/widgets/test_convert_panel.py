"""The panel of a conversion without a browser: what it shows is what wb.convert with its selection gives."""

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
import torch

import workbench as wb
from tests.support import tiny
from tests.support.tiny import assert_saved, assert_shows, labels, said
from workbench import figures, widgets
from workbench.widgets._background import worker
from workbench.widgets._background.worker import Worker
from workbench.widgets.convert_panel import DELAYS, NEURONS, VIEWS, ConvertPanel

RECORDINGS = tiny.recordings()


@pytest.fixture
def panel() -> widgets.ConvertPanel:
    return widgets.convert(tiny.ann(), RECORDINGS)


def draw_afresh(panel: widgets.ConvertPanel) -> go.Figure:
    snn = wb.convert(tiny.ann(), RECORDINGS, **panel.selection)
    if panel.view.value == "diagnosis":
        return figures.diagnosis(wb.diagnose(tiny.ann(), snn, RECORDINGS))
    if panel.view.value == "causes":
        return figures.causes(wb.diagnose(tiny.ann(), snn, RECORDINGS))
    costs = wb.compare({"ANN": tiny.ann(), "SNN": snn}, RECORDINGS)
    return figures.accuracy(costs) if panel.view.value == "accuracy" else figures.operations(costs)


@pytest.mark.parametrize("view", VIEWS)
def test_every_control_changes_the_figure(panel: widgets.ConvertPanel, view: str) -> None:
    panel.view.value = view
    assert_shows(panel, draw_afresh(panel))
    for control, value in (
        ("percentile", 99.0),
        ("ticks_per_frame", 8),
        ("delays", "tick"),
        ("neuron", NEURONS[2]),
        ("neuron", NEURONS[1]),
    ):
        getattr(panel, control).value = value
        panel.wait()
        assert_shows(panel, draw_afresh(panel))


def test_the_selection_makes_the_model_in_view(panel: widgets.ConvertPanel) -> None:
    panel.set(percentile=95.0, ticks_per_frame=3, delays="frame")
    panel.wait()
    assert panel.selection == {"percentile": 95.0, "ticks_per_frame": 3, "delays": "frame"}
    snn = wb.convert(tiny.ann(), RECORDINGS, **panel.selection)
    for ours, theirs in zip(panel.model.state_dict().values(), snn.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)
    assert panel.model.network == snn.network
    pd.testing.assert_frame_equal(panel.table, wb.compare({"ANN": tiny.ann(), "SNN": snn}, RECORDINGS))
    pd.testing.assert_frame_equal(panel.diagnosis, wb.diagnose(tiny.ann(), snn, RECORDINGS))
    last = panel.table.groupby("model")["accuracy"].last()
    assert f"ANN {100 * last['ANN']:.1f} %, SNN {100 * last['SNN']:.1f} %" in panel.note.value


class Held(Worker):
    """A worker that begins nothing before it is told to."""

    def __init__(self) -> None:
        self.begun: list[Any] = []
        self.go = threading.Event()
        super().__init__()

    def submit(self, compute: Callable[..., Any], *arguments: Any) -> Future[Any]:
        def later(*arguments: Any) -> Any:
            assert self.go.wait(20)
            self.begun.append(*arguments)
            return compute(*arguments)

        return super().submit(later, *arguments)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> widgets.ConvertPanel:
    monkeypatch.setattr("workbench.widgets._background.prefetch.Worker", Held)
    return widgets.convert(tiny.ann(), RECORDINGS)


def test_neighbours_are_computed_before_they_are_asked_for(held: widgets.ConvertPanel) -> None:
    held._outcomes._worker.go.set()
    for outcome in list(held._outcomes._results.values()):
        outcome.result(20)
    plain = NEURONS[0]
    beside = {
        (percentile, ticks, "matched", plain) for percentile, ticks in ((99.5, 4), (99.99, 4), (99.9, 3), (99.9, 6))
    }
    beside |= {(99.9, 4, delays, plain) for delays in DELAYS[1:]}
    assert set(held._outcomes._worker.begun) == beside | {(99.9, 4, "matched", neuron) for neuron in NEURONS[1:]}
    held._outcomes._worker.go.clear()
    held.percentile.value = 99.5
    assert_shows(held, draw_afresh(held))


def test_what_nobody_waits_for_is_left_out(held: widgets.ConvertPanel) -> None:
    before = held.figure.plain
    held.percentile.value = 95.0
    held.percentile.value = 100.0
    held.ticks_per_frame.value = 24
    assert held.note.value == "Converting …"
    assert_shows(held, before)
    held._outcomes._worker.go.set()
    held.wait()
    assert_shows(held, draw_afresh(held))
    held._outcomes._worker.close()
    begun = held._outcomes._worker.begun
    assert begun.index((100.0, 24, "matched", NEURONS[0])) <= 1, "what is asked for comes before all that waits"
    assert not {(percentile, 4, "matched", NEURONS[0]) for percentile in (95.0, 99.0, 100.0)} & set(begun)


def test_what_is_computed_in_the_background_is_shown_when_it_is_there(held: widgets.ConvertPanel) -> None:
    held.delays.value = "tick"
    revision = held.figure._drawing["revision"]
    held._outcomes._worker.go.set()
    held._outcomes.submit(held._settings()).result(20)
    held._outcomes._worker.submit(lambda nothing: nothing, None).result(
        20
    )  # the worker has also told the panel by then
    assert held.figure._drawing["revision"] > revision
    assert_shows(held, draw_afresh(held))
    assert "Converting" not in held.note.value


def test_a_conversion_that_is_refused_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    compute = ConvertPanel._compute

    def refuse(panel: ConvertPanel, settings: tuple[float, int, str]) -> Any:
        if settings[2] == "tick":
            raise ValueError("no delays of <one> tick; choose others")
        return compute(panel, settings)

    monkeypatch.setattr(ConvertPanel, "_compute", refuse)
    panel = widgets.convert(tiny.ann(), RECORDINGS)
    panel.delays.value = "tick"
    with pytest.raises(ValueError, match="no delays of <one> tick"):
        panel.wait()
    panel.refresh()
    assert said(panel) == "no delays of &lt;one&gt; tick; choose others"
    assert panel.note.value == ""
    panel.delays.value = "matched"
    assert_shows(panel, draw_afresh(panel))


def test_at_most_so_many_recordings_are_looked_at() -> None:
    many = tiny.recordings(12)
    assert widgets.convert(tiny.ann(), many, limit=5).validation.labels.tolist() == [
        many.labels[i] for i in (0, 3, 6, 8, 11)
    ]
    assert len(widgets.convert(tiny.ann(), RECORDINGS, validation=many).validation) == 12
    with pytest.raises(ValueError, match="limit=0 must be at least 1 recording"):
        widgets.convert(tiny.ann(), RECORDINGS, limit=0)


def test_silent_recordings_to_validate_and_a_single_one() -> None:
    panel = widgets.convert(tiny.ann(), RECORDINGS, validation=tiny.recordings(rate=0.0))
    for view in VIEWS:
        panel.view.value = view
        assert panel.figure.data or panel.figure.layout.annotations[0].text
        assert panel.note.value
    assert "No node has answered" in panel.note.value
    assert len(widgets.convert(tiny.ann(), RECORDINGS, validation=tiny.recordings(1)).table["model"].unique()) == 2


def test_what_cannot_be_converted_is_refused_with_a_cure() -> None:
    with pytest.raises(ValueError, match="this model spikes already"):
        widgets.convert(tiny.snn(), RECORDINGS)
    with pytest.raises(ValueError, match=r"node 'v0' is silent on all .* train the model"):
        widgets.convert(tiny.ann(), tiny.recordings(rate=0.0))
    with pytest.raises(ValueError, match="output 'hand' answers first at step 6, but the recordings have 5 steps"):
        widgets.convert(tiny.ann(delay=2), RECORDINGS)


def test_the_controls_have_labels_and_the_panel_is_saved(panel: widgets.ConvertPanel, notebook_renderer: None) -> None:
    assert [label for label in labels(panel) if label] == ["percentile", "ticks per frame", "delays", "neuron", "view"]
    assert_saved(panel, widgets.convert(tiny.ann(), RECORDINGS))
    assert repr(panel) == "ConvertPanel(percentile 99.9, 4 ticks per frame, delays matched)"


def test_python_ends_without_computing_what_waits() -> None:
    code = (
        "import runpy, sys, threading, time\n"
        "worker, begun = runpy.run_path(sys.argv[1])['Worker'](), threading.Event()\n"
        "worker.submit(lambda: (begun.set(), time.sleep(0.1), print('first')))\n"
        "begun.wait()\n"
        "worker.submit(print, 'second')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, worker.__file__], capture_output=True, text=True, check=True, timeout=60
    )
    assert ended.stdout == "first\n"
    assert ended.stderr == ""


def test_a_worker_gives_errors_to_who_asks() -> None:
    one = Worker()
    with pytest.raises(ZeroDivisionError):
        one.submit(lambda: 1 / 0).result()
    assert one.submit(np.sqrt, 4.0).result() == 2.0
    one.close()
