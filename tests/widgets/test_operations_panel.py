"""Panels of two models and of what models cost, without a browser: they show what compare and operations give."""

import html

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

import workbench as wb
from tests.support import tiny
from tests.support.tiny import assert_saved, assert_shows, labels
from workbench import figures, widgets
from workbench.analysis.recording_trace import trace_recording
from workbench.evaluation.energy import PRESETS, price, price_all
from workbench.evaluation.literature_bounds import summarise_bounds
from workbench.widgets.operations_panel import BY_EDGE, ENERGY, OVER_TIME, PER_OPERATION, VIEWS

RECORDINGS = tiny.recordings()
TICK_DELAYS = wb.convert(tiny.ann(), RECORDINGS, delays="tick", ticks_per_frame=3)
MODELS = {"ANN": tiny.ann(), "SNN": tiny.snn(), "fast SNN": TICK_DELAYS}
COUNTS = ["dense_macs", "effective_macs", "synaptic_operations", "neuron_updates", "energy_nj"]


# two models side by side


@pytest.fixture
def pair() -> widgets.ComparePanel:
    return widgets.compare(MODELS, RECORDINGS, recording=1)


def draw_afresh(panel: widgets.ComparePanel) -> go.Figure:
    names = (panel.left.value, panel.right.value)
    return figures.recording_traces(
        {
            name: trace_recording(MODELS[name], RECORDINGS, recording=panel.recording.value, answer=panel.answer.value)
            for name in names
        }
    )


def test_every_control_changes_the_figure_of_the_pair(pair: widgets.ComparePanel) -> None:
    assert_shows(pair, draw_afresh(pair))
    for control, value in (("right", "fast SNN"), ("left", "SNN"), ("recording", 3), ("answer", "frame")):
        getattr(pair, control).value = value
        assert_shows(pair, draw_afresh(pair))
    pair.set(left="ANN", right="ANN")
    assert_shows(pair, draw_afresh(pair))
    assert pair.table["model"].tolist() == ["ANN"]


@pytest.mark.parametrize("answer", ["running", "frame"])
@pytest.mark.parametrize("step", [0, 3, 10, 11, 19])
def test_the_table_of_the_pair_holds_at_the_cursor(pair: widgets.ComparePanel, answer: str, step: int) -> None:
    pair.set(right="fast SNN", answer=answer)
    revision = pair.figure._drawing["revision"]
    pair.clock.step.value = step
    time = (step + 1) / 4
    assert pair.selection == (1, time)
    assert pair.figure.cursor == time
    assert pair.figure._drawing["revision"] == revision, "the cursor moves without drawing"
    for row in pair.table.to_dict("records"):
        costs = wb.compare({"model": MODELS[row["model"]]}, RECORDINGS[[1]], answer=answer)
        ended = costs[costs["frame"] <= time + 1e-9]
        if ended.empty:
            assert (row["frame"], row["answer"], row["right"], row["energy_nj"]) == (0, None, False, 0)
            continue
        last = ended.iloc[-1]
        assert row["frame"] == last["frame"]
        np.testing.assert_array_equal([row[column] for column in COUNTS], last[COUNTS].astype(float))
        assert row["right"] == (last["accuracy"] == 1)
        assert (row["answer"] is None) == np.isnan(last["accuracy"])


def test_a_pair_with_a_model_that_never_answers() -> None:
    late = {"late": tiny.ann(delay=2), "ANN": tiny.ann()}
    panel = widgets.compare(late, RECORDINGS)
    notes = [str(note.text).replace("<br>", " ") for note in panel.figure.layout.annotations]
    assert "hand answers first at step 6, but the recording has 5 steps; take more frames, or smaller delays" in notes
    assert panel.figure.layout.meta["title"].startswith("late: no answer, ANN: ")
    assert panel.table["answer"].isna().tolist() == [True, False]
    assert "late</b> at the end of frame 4: answer none yet" in panel.now.value


def test_the_panel_of_a_pair_is_labelled_and_saved(notebook_renderer: None) -> None:
    pair, again = (widgets.compare(MODELS, RECORDINGS) for _ in range(2))
    assert [label for label in labels(pair) if label] == [
        "left", "right", "find", "order", "confusion matrix", "found", "recording", "answer", "play", "tick", "speed",
    ]  # fmt: skip
    assert_saved(pair, again)
    assert repr(pair) == "ComparePanel(ANN beside SNN, recording 0)"


def test_mistakes_with_pairs_are_refused_with_a_cure() -> None:
    with pytest.raises(ValueError, match="1 models; give at least two"):
        widgets.compare({"ANN": tiny.ann()}, RECORDINGS)
    for recording in (-1, 4):
        with pytest.raises(ValueError, match=f"recording={recording} is not among the 4; count from 0"):
            widgets.compare(MODELS, RECORDINGS, recording=recording)
    with pytest.raises(ValueError, match=r"input 'eye' has shape \(5,\), but the recordings have \(2, 3, 3\)"):
        widgets.compare(MODELS | {"other": tiny.ann(shape=(5,))}, RECORDINGS)


# what models cost


@pytest.fixture
def costs() -> widgets.OperationsPanel:
    return widgets.operations(MODELS, RECORDINGS)


@pytest.mark.parametrize("preset", list(PRESETS)[:2])
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_shows_what_was_counted(costs: widgets.OperationsPanel, view: str, preset: str) -> None:
    counted = wb.compare(MODELS, RECORDINGS, energy=preset)
    costs.view.value, costs.preset.value = view, preset
    if view == BY_EDGE:
        for model, frame in (("SNN", 4), ("SNN", 1), ("ANN", 2), ("fast SNN", 0)):
            costs.model.value, costs.frame.value = model, frame
            assert costs.selection == (model, frame)
            by_edge = wb.operations(MODELS[model], RECORDINGS, energy=preset)
            pd.testing.assert_frame_equal(costs.table, by_edge)
            assert_shows(costs, figures.operations_by_edge(by_edge, (frame + 1) * MODELS[model].ticks_per_frame - 1))
            assert f"{model} {spent(by_edge, frame + 1)} up to the end of frame {frame}" in costs.note.value
        return
    pd.testing.assert_frame_equal(costs.table, counted)
    drawn = {
        OVER_TIME: figures.operations(counted),
        ENERGY: figures.energy(counted, preset),
        PER_OPERATION: figures.accuracy_per_operation(counted),
    }
    assert_shows(costs, drawn[view])
    assert costs.model.disabled
    assert costs.frame.disabled


def spent(by_edge: pd.DataFrame, frame: int) -> str:
    energy = by_edge.loc[np.isclose(by_edge["frame"], frame), "energy_nj"].sum()
    unit, factor = ("nJ", 1) if energy < 999.5 else ("µJ", 1000)
    return f"{float(f'{energy / factor:.3g}'):g} {unit}"


def test_the_critics_are_heard_and_what_has_no_price_is_said(costs: widgets.OperationsPanel) -> None:
    said = summarise_bounds(wb.compare(MODELS, RECORDINGS))
    assert "fast SNN, with " in said
    for view in VIEWS:
        costs.view.value = view
        assert html.escape(said) in costs.note.value
    costs.set(view=ENERGY, preset="Loihi")
    assert "under Loihi: ANN without a price, SNN " in costs.note.value
    assert "nan" not in costs.note.value
    assert widgets.operations(tiny.ann(), RECORDINGS).critics == ""


def test_all_prices_are_there(costs: widgets.OperationsPanel) -> None:
    counted = wb.compare(MODELS, RECORDINGS)
    pd.testing.assert_frame_equal(costs.prices, price_all(counted))
    costs.preset.value = list(PRESETS)[-1]
    np.testing.assert_array_equal(costs.table["energy_nj"], price(counted, list(PRESETS)[-1]))


def test_the_panel_of_costs_is_labelled_and_saved(costs: widgets.OperationsPanel, notebook_renderer: None) -> None:
    assert [label for label in labels(costs) if label] == ["view", "prices", "model", "up to frame"]
    assert_saved(costs, widgets.operations(MODELS, RECORDINGS))
    assert repr(costs) == "OperationsPanel(ANN, SNN, fast SNN; operations over time, fp32)"


@pytest.mark.parametrize(
    "recordings",
    [tiny.recordings(rate=0.0), tiny.recordings(1), tiny.recordings(1, 4, 1)],
    ids=["silent", "one", "few"],
)
def test_little_and_nothing_is_counted(recordings: wb.Recordings) -> None:
    panel = widgets.operations({"ANN": tiny.ann(), "SNN": tiny.snn()}, recordings)
    for view in VIEWS:
        panel.view.value = view
        assert panel.figure.data or panel.figure.layout.annotations[0].text
        assert panel.note.value
    panel.view.value = BY_EDGE
    panel.frame.value = 0
    assert panel.figure.data or "nothing has arrived anywhere up to" in tiny.said(panel)


def test_one_model_needs_no_name_and_a_late_one_is_refused() -> None:
    assert widgets.operations(tiny.ann(), RECORDINGS).table["model"].unique().tolist() == ["model"]
    with pytest.raises(ValueError, match="output 'hand' answers first at step 6, but the recordings have 5 steps"):
        widgets.operations(tiny.ann(delay=2), RECORDINGS)
    with pytest.raises(ValueError, match="no models; give at least one"):
        widgets.operations({}, RECORDINGS)
