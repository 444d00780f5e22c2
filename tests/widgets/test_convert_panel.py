"""The panel of a conversion without a browser: what it shows is what wb.convert with its selection gives."""

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
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
from workbench.conversion import ConversionOptions, option_search
from workbench.widgets._background import worker
from workbench.widgets._background.worker import Worker
from workbench.widgets.conversion_settings import (
    ALL_NODES,
    DELAYS,
    KINDS,
    LEARNED,
    NEURONS,
    PERCENTILES,
    RECOMMENDED,
    Settings,
)
from workbench.widgets.convert_panel import VIEWS, ConvertPanel

RECORDINGS = tiny.recordings()
AT_ONCE, SPREAD, BURST, SIGNED = KINDS


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
        ("ticks_per_frame", 3),
        ("neuron", BURST),
        ("percentile", 92.0),
        ("remainder", "keep"),
        ("node", "v1"),
        ("percentile", 80.0),
        ("neuron", SPREAD),
        ("scale", "node"),
        ("neuron", AT_ONCE),
        ("delays", "tick"),
        ("neuron", SIGNED),
        ("neuron", RECOMMENDED),
    ):
        getattr(panel, control).value = value
        panel.wait()
        assert_shows(panel, draw_afresh(panel))


def assert_same_model(panel: widgets.ConvertPanel) -> wb.Model:
    """The SNN in view is the one that `wb.convert` makes of the selection, which is returned."""
    snn = wb.convert(tiny.ann(), RECORDINGS, **panel.selection)
    for ours, theirs in zip(panel.model.state_dict().values(), snn.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)
    assert (panel.model.network, panel.model.neuron) == (snn.network, snn.neuron)
    return snn


def test_the_selection_makes_the_model_in_view(panel: widgets.ConvertPanel) -> None:
    panel.set(neuron=SPREAD, percentile=95.0, scale="node", remainder="keep", ticks_per_frame=3, delays="frame")
    panel.wait()
    assert panel.selection == {
        "percentile": 95.0, "emission": "spread", "remainder": "keep", "ticks_per_frame": 3, "delays": "frame",
    }  # fmt: skip
    snn = assert_same_model(panel)
    pd.testing.assert_frame_equal(panel.table, wb.compare({"ANN": tiny.ann(), "SNN": snn}, RECORDINGS))
    pd.testing.assert_frame_equal(panel.diagnosis, wb.diagnose(tiny.ann(), snn, RECORDINGS))
    last = panel.table.groupby("model")["accuracy"].last()
    assert f"ANN {100 * last['ANN']:.1f} %, SNN {100 * last['SNN']:.1f} %" in panel.note.value


# what is recommended


def recommended() -> ConversionOptions:
    options = wb.convert(tiny.ann(), RECORDINGS).conversion_options
    assert options is not None
    return options


def test_it_opens_on_what_is_recommended_and_says_what_that_is(panel: widgets.ConvertPanel) -> None:
    assert (panel.neuron.value, panel.node.value) == (RECOMMENDED, ALL_NODES)
    assert panel.selection == {"ticks_per_frame": 4, "delays": "matched"}
    options = recommended()
    assert panel.model.conversion_options == options
    assert panel.scale.value == options.scale
    assert panel.remainder.value == (options.remainder or "drop")
    assert panel.remainder.disabled == (options.emission == "at_once")
    for node in ("v0", "v1"):
        panel.node.value = node
        assert panel.percentile.value == options.percentile_of(node)
    panel.node.value = ALL_NODES
    assert panel.percentile.value == min(options.percentile_of(node) for node in ("v0", "v1"))
    assert "<br>Recommended: " in panel.note.value
    assert options.reason.replace("<", "&lt;") in panel.note.value
    assert panel.neuron.value == RECOMMENDED, "to look at a node changes nothing"
    assert_same_model(panel)


def kind_of(options: ConversionOptions) -> str:
    return {"at_once": AT_ONCE, "spread": SPREAD, "burst": BURST}[options.emission]


def test_to_name_what_is_recommended_makes_the_same_network(panel: widgets.ConvertPanel) -> None:
    before = panel.model
    panel.neuron.value = kind_of(recommended())
    panel.wait()
    assert panel.model.conversion_options == before.conversion_options
    for ours, theirs in zip(panel.model.state_dict().values(), before.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)
    assert "Recommended" not in panel.note.value


@pytest.mark.parametrize(("control", "value"), [("percentile", 99.99), ("scale", "other"), ("remainder", "keep")])
def test_whoever_changes_what_is_recommended_keeps_the_rest(
    panel: widgets.ConvertPanel, control: str, value: Any
) -> None:
    options = recommended()
    if value == "other":
        value = "node" if options.scale == "channel" else "channel"
    assert not panel.remainder.disabled  # what is recommended here counts for a frame
    getattr(panel, control).value = value
    panel.wait()
    assert panel.neuron.value == kind_of(options)
    assert panel.model.conversion_options == replace(options, **{control: value})
    assert_same_model(panel)
    assert_shows(panel, draw_afresh(panel))
    panel.neuron.value = RECOMMENDED
    panel.wait()
    assert panel.model.conversion_options == options
    shown = {
        "percentile": options.percentile_of("v0"),
        "scale": options.scale,
        "remainder": options.remainder or "drop",
    }
    panel.node.value = "v0"
    assert getattr(panel, control).value == shown[control]
    assert_shows(panel, draw_afresh(panel))


def test_other_ticks_and_delays_are_searched_anew(panel: widgets.ConvertPanel) -> None:
    panel.set(delays="tick", ticks_per_frame=3)
    panel.wait()
    assert panel.neuron.value == RECOMMENDED
    assert panel.selection == {"ticks_per_frame": 3, "delays": "tick"}
    snn = assert_same_model(panel)
    assert panel.model.conversion_options == snn.conversion_options
    assert panel.remainder.disabled, "with delays of a tick only neurons at once are recommended"
    panel.percentile.value = 99.99
    assert panel.neuron.value == AT_ONCE


def test_percentiles_are_those_of_a_node_or_of_all(panel: widgets.ConvertPanel) -> None:
    panel.set(neuron=AT_ONCE, percentile=97.0, scale="channel")
    panel.wait()
    assert panel.selection["percentile"] == 97.0
    panel.node.value = "v1"
    assert panel.percentile.value == 97.0
    panel.percentile.value = 90.0
    panel.wait()
    assert panel.selection["percentile"] == {"v0": 97.0, "v1": 90.0}
    assert_same_model(panel)
    panel.node.value = "v0"
    assert panel.percentile.value == 97.0
    panel.node.value = ALL_NODES
    assert panel.percentile.value == 90.0, "the lowest"
    assert panel.selection["percentile"] == {"v0": 97.0, "v1": 90.0}, "to look at all changes none"
    panel.percentile.value = 92.0
    assert panel.selection["percentile"] == 92.0


def test_percentiles_are_moved_one_after_the_other_at_once(panel: widgets.ConvertPanel) -> None:
    panel.set(neuron=SPREAD, percentile=97.0, node="v1")
    panel.set(percentile=50.0)
    assert panel.selection["percentile"] == {"v0": 97.0, "v1": 50.0}


def test_every_percentile_that_may_be_recommended_can_be_shown() -> None:
    assert set(PERCENTILES) >= {float(percentile) for percentile in option_search.PERCENTILES}
    assert list(PERCENTILES) == sorted(set(PERCENTILES))


def test_a_remainder_is_only_for_neurons_that_count(panel: widgets.ConvertPanel) -> None:
    for neuron, without in ((AT_ONCE, True), (SPREAD, False), (SIGNED, True), (BURST, False)):
        panel.neuron.value = neuron
        assert panel.remainder.disabled == without
    panel.remainder.value = "keep"
    assert panel.selection["remainder"] == "keep"
    panel.neuron.value = AT_ONCE
    assert "remainder" not in panel.selection
    panel.neuron.value = SPREAD
    assert panel.selection["remainder"] == "keep", "it is remembered"
    panel.wait()
    assert_same_model(panel)


def test_ceilings_that_were_learned_are_a_choice() -> None:
    neuron = wb.QuantisedReLU(4)
    ann = wb.Model(tiny.network(), seed=3, norm=None, neuron=neuron).eval()
    panel = widgets.convert(ann, RECORDINGS)
    assert panel.percentile.options == (LEARNED, *PERCENTILES)
    assert panel.percentile.value == LEARNED
    panel.neuron.value = SPREAD
    assert panel.selection["percentile"] is None
    panel.wait()
    assert panel.model.conversion_options.cap == 4
    panel.set(node="v1", percentile=99.0)
    assert panel.selection["percentile"] == 99.0, "all nodes or none"
    panel.percentile.value = LEARNED
    assert panel.selection["percentile"] is None
    assert repr(panel).startswith("ConvertPanel(spread over a frame, percentile as learned of v1, ")
    assert LEARNED not in widgets.convert(tiny.ann(), RECORDINGS).percentile.options


def test_a_network_without_hidden_nodes_has_no_percentile_to_move() -> None:
    ann = wb.Model(wb.Network({"eye": (2, 3, 3)}, [wb.Edge("eye", "hand", wb.Dense(3))]), seed=3, norm=None).eval()
    panel = widgets.convert(ann, RECORDINGS)
    panel.percentile.value = 95.0
    assert (panel.percentile.value, panel.neuron.value) == (99.9, RECOMMENDED)
    panel.neuron.value = AT_ONCE
    panel.wait()
    assert panel.selection == {"percentile": 99.9, "emission": "at_once", "ticks_per_frame": 4, "delays": "matched"}


# what happens in the background


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


def percentiles(v0: float, v1: float) -> tuple[tuple[str, float], ...]:
    return (("v0", v0), ("v1", v1))


def await_idle(panel: widgets.ConvertPanel) -> None:
    """Wait until nothing is left to be computed, and the panel knows."""
    for outcome in list(panel._outcomes._results.values()):
        outcome.exception(20)
    panel._outcomes._worker.submit(lambda nothing: nothing, None).result(20)


def test_neighbours_are_computed_before_they_are_asked_for(held: widgets.ConvertPanel) -> None:
    held._outcomes._worker.go.set()
    held.set(neuron=BURST, percentile=99.0, scale="node", remainder="drop")
    held.wait()
    await_idle(held)
    held._outcomes._worker.begun.clear()
    held.node.value = "v1"
    held.ticks_per_frame.value = 6
    held.wait()
    await_idle(held)
    here = Settings(6, "matched", BURST, percentiles(99.0, 99.0))
    beside = {replace(here, ticks_per_frame=8), replace(here, remainder="keep"), replace(here, scale="channel")}
    beside |= {replace(here, percentiles=percentiles(99.0, percentile)) for percentile in (98.5, 99.5)}
    beside |= {replace(here, delays=delays) for delays in DELAYS[1:]} | {replace(here, neuron=kind) for kind in KINDS}
    assert beside <= {*held._outcomes._results}
    assert not [settings for settings in held._outcomes._worker.begun if isinstance(settings, Settings) and
                settings.neuron == RECOMMENDED]  # fmt: skip
    held._outcomes._worker.go.clear()
    held.percentile.value = 99.5
    assert_shows(held, draw_afresh(held))


def test_no_search_is_begun_before_it_is_asked_for(held: widgets.ConvertPanel) -> None:
    held._outcomes._worker.go.set()
    await_idle(held)
    options, begun = recommended(), held._outcomes._worker.begun
    assert all(settings.neuron != RECOMMENDED for settings in begun if settings)
    asked = {settings.neuron for settings in held._outcomes._results}
    assert asked == {RECOMMENDED, *KINDS}
    held._outcomes._worker.go.clear()
    place = PERCENTILES.index(min(options.percentile_of(node) for node in ("v0", "v1")))
    held.percentile.value = PERCENTILES[place - 1]
    assert held.neuron.value == kind_of(options)
    assert_shows(held, draw_afresh(held))
    held.neuron.value = RECOMMENDED
    assert_shows(held, draw_afresh(held))
    begun.clear()
    held.ticks_per_frame.value = 6
    assert held.note.value == "Converting …"
    held._outcomes._worker.go.set()
    held._outcomes.submit(held._settings()).result(20)
    await_idle(held)
    assert [settings for settings in begun if settings and settings.neuron == RECOMMENDED] == [Settings(6)]
    assert_shows(held, draw_afresh(held))
    assert held.scale.value == wb.convert(tiny.ann(), RECORDINGS, **held.selection).conversion_options.scale


def test_what_nobody_waits_for_is_left_out(held: widgets.ConvertPanel) -> None:
    before = held.figure.plain
    held.percentile.value = 50.0
    held.percentile.value = 100.0
    held.ticks_per_frame.value = 24
    assert held.note.value == "Converting …"
    assert_shows(held, before)
    held._outcomes._worker.go.set()
    held.wait()
    assert_shows(held, draw_afresh(held))
    held._outcomes._worker.close()
    begun = held._outcomes._worker.begun
    assert begun.index(held._settings()) <= 1, "what is asked for comes before all that waits"
    assert not [s for s in begun if s.percentiles == percentiles(50.0, 50.0)]
    assert len([s for s in begun if s.ticks_per_frame == 4]) <= 1


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


def test_what_was_set_without_a_redraw_is_shown_when_it_is_there(held: widgets.ConvertPanel) -> None:
    held.set(neuron=AT_ONCE, delays="tick")
    assert held.note.value == "Converting …"
    held._outcomes._worker.go.set()
    held._outcomes.submit(held._settings()).result(20)
    await_idle(held)
    assert_shows(held, draw_afresh(held))
    assert "Converting" not in held.note.value


@pytest.mark.parametrize("neuron", [SPREAD, BURST])
def test_neurons_that_count_refuse_delays_of_a_tick_in_words(panel: widgets.ConvertPanel, neuron: str) -> None:
    panel.set(neuron=neuron, delays="tick")
    with pytest.raises(ValueError, match="counts its spikes for a frame of 4"):
        panel.wait()
    panel.refresh()
    assert "counts its spikes for a frame of 4 before it sends them, so it needs whole frames" in said(panel)
    panel.percentile.value = 90.0
    panel.node.value = "v1"
    panel.neuron.value = AT_ONCE
    panel.wait()
    assert_shows(panel, draw_afresh(panel))
    panel.set(neuron=neuron, delays="matched")
    panel.wait()
    assert_shows(panel, draw_afresh(panel))


def test_a_conversion_that_is_refused_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    compute = ConvertPanel._compute

    def refuse(panel: ConvertPanel, settings: Settings) -> Any:
        if settings.delays == "tick":
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
    assert [label for label in labels(panel) if label] == [
        "neuron", "remainder", "percentile", "of node", "ticks per frame", "delays", "a scale for each", "view",
    ]  # fmt: skip
    assert panel.neuron.options == NEURONS
    assert_saved(panel, widgets.convert(tiny.ann(), RECORDINGS))
    assert repr(panel) == "ConvertPanel(recommended, 4 ticks per frame, delays matched)"
    panel.set(neuron=AT_ONCE, node="v1", percentile=99.0)
    assert repr(panel) == "ConvertPanel(at once, percentile 99.0 of v1, 4 ticks per frame, delays matched)"


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
