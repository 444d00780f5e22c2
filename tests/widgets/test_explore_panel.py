"""One recording in one model without a browser: one cursor for all, any unit to look at, words where nothing is."""

import json
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
import torch

import workbench as wb
from tests.support import tiny
from tests.support.tiny import assert_saved, assert_shows, labels, point_at
from workbench import figures, widgets
from workbench.analysis.membrane_trace import trace_membrane
from workbench.analysis.recording_trace import trace_recording

RECORDINGS = tiny.recordings()
COUNTS = ["dense_macs", "effective_macs", "synaptic_operations", "neuron_updates", "energy_nj"]


@pytest.fixture(params=["ANN", "SNN"])
def panel(request: pytest.FixtureRequest) -> widgets.ExplorePanel:
    return widgets.explore(tiny.ann() if request.param == "ANN" else tiny.snn(), RECORDINGS, recording=1)


def draw_afresh(panel: widgets.ExplorePanel) -> go.Figure:
    recording_trace = trace_recording(panel.model, panel.recordings, recording=panel.recording.value)
    node, unit = panel.selection
    return figures.recording_trace(
        recording_trace, trace_membrane(panel.model, recording_trace.activity, node, unit), f"{node} {unit}"
    )


def test_every_control_changes_the_figure(panel: widgets.ExplorePanel) -> None:
    assert_shows(panel, draw_afresh(panel))
    panel.recording.value = 2
    assert_shows(panel, draw_afresh(panel))
    for node, unit in (("v1", 3), ("hand", 2), ("v0", 1)):
        panel.node.value, panel.unit.value = node, unit
        assert panel.selection == (node, unit)
        assert_shows(panel, draw_afresh(panel))
        recording_trace = trace_recording(panel.model, RECORDINGS, recording=2)
        pd.testing.assert_frame_equal(panel.trace, trace_membrane(panel.model, recording_trace.activity, node, unit))
    panel.choose("v1", 3)
    panel.node.value = "hand"
    assert panel.selection == ("hand", 2), "a unit that the node lacks becomes its last"
    assert_shows(panel, draw_afresh(panel))


def test_the_table_is_that_of_compare(panel: widgets.ExplorePanel) -> None:
    costs = wb.compare({"model": panel.model}, RECORDINGS[[1]])
    np.testing.assert_array_equal(panel.table[["step", "frame", *COUNTS]], costs[["step", "frame", *COUNTS]])
    assert panel.table["right"].tolist() == (costs["accuracy"] == 1).tolist()
    drive = panel.model.run(torch.from_numpy(RECORDINGS.as_ticks([1], panel.model.ticks_per_frame)))["hand"]
    first = panel.model.network.first_response["hand"]
    mean = drive[first:, 0].double().cumsum(0)
    answers = [None] * first + [RECORDINGS.classes[i] for i in mean.argmax(1)]
    assert [None if pd.isna(answer) else answer for answer in panel.table["answer"]] == answers


def test_the_cursor_moves_without_drawing(panel: widgets.ExplorePanel) -> None:
    revision, step = panel.figure._drawing["revision"], panel.recording_trace.steps // 2
    panel.clock.step.value = step
    k = panel.model.ticks_per_frame
    assert panel.figure._drawing["revision"] == revision
    assert panel.figure.cursor == (step + 1) / k
    seen = RECORDINGS.as_ticks([1], k)[max(0, step + 1 - k) : step + 1, 0].sum(0)
    when = f"ticks {max(0, step + 1 - k)} to {step}" if panel.model.spiking else f"frame {step}"
    scene = figures.image(seen, f"input, {when}")
    assert json.loads(panel.image.plain.to_json()) == json.loads(scene.to_json())
    row = panel.table.iloc[step]
    said = panel.now.value
    assert f"<td>frame {step // k}{f', tick {step}' * panel.model.spiking}</td>" in said
    if row["answer"]:
        assert f"<td>{row['answer']}, {'correct' if row['right'] else 'wrong'}</td>" in said
    assert (row["answer"] or "none yet") in said
    spikes = int(panel.trace["activity"][: step + 1].sum())
    assert (f"{spikes} spike" in said) == panel.model.spiking
    panel.choose("hand", 1)
    assert "spike" not in panel.now.value.split("hand 1")[1], "the output has a drive, no spikes"


def traces_of(panel: widgets.ExplorePanel, node: str, kind: str) -> list[int]:
    return [i for i, trace in enumerate(panel.figure.data) if (trace.name, trace.type) == (node, kind)]


def test_a_click_on_a_spike_chooses_its_unit() -> None:
    panel = widgets.explore(tiny.snn(), RECORDINGS)
    (place,) = traces_of(panel, "v0", "scattergl")
    for point, (_, _, unit) in enumerate(panel.figure.data[place].customdata):
        point_at(panel, place, point, "hover")
        (place,) = traces_of(panel, "v0", "scattergl")
        point_at(panel, place, point)
        assert panel.selection == ("v0", unit)
        x = panel.figure.data[place].x[point]
        assert panel.trace.loc[np.isclose(panel.trace["frame"], x), "activity"].item() == 1
    before = panel.selection
    point_at(panel, traces_of(panel, "eye", "scattergl")[0], 0)
    point_at(panel, 0, 0)
    assert panel.selection == before, "inputs and lines have no membrane"


def test_a_click_on_a_pixel_chooses_its_unit() -> None:
    panel = widgets.explore(tiny.ann(), RECORDINGS)
    for node in ("v1", "v0"):
        for unit in range(4):
            (place,) = traces_of(panel, node, "heatmap")
            assert len(panel.figure.data[place].z) == 4
            point_at(panel, place, [unit, 3])
            assert panel.selection == (node, unit)
    assert_shows(panel, draw_afresh(panel))


def test_a_class_may_be_called_as_a_node() -> None:
    recordings = wb.Recordings.from_ticks(
        RECORDINGS.as_ticks().astype(int), RECORDINGS.labels, ("v0", "v1", "hand"), ticks_per_frame=4
    )
    panel = widgets.explore(tiny.snn(), recordings)
    panel.choose("v1", 2)
    for place in traces_of(panel, "v0", "scatter"):
        point_at(panel, place, 0)
    assert panel.selection == ("v1", 2)


def test_the_controls_have_labels_and_the_panel_is_saved(panel: widgets.ExplorePanel, notebook_renderer: None) -> None:
    what = "tick" if panel.model.spiking else "frame"
    assert [label for label in labels(panel) if label] == [
        "find", "order", "confusion matrix", "found", "recording", "node", "unit", "play", what, "speed",
    ]  # fmt: skip
    assert_saved(panel, widgets.explore(panel.model, RECORDINGS, recording=1))
    busiest = int(panel.recording_trace.activity["v0"].sum(0).flatten().argmax())
    assert repr(panel) == f"ExplorePanel(recording 1, v0 {busiest}, step {panel.recording_trace.steps - 1})"


def test_of_another_node_the_busiest_unit_is_looked_at_first(panel: widgets.ExplorePanel) -> None:
    panel.node.value = "v1"
    assert panel.selection == ("v1", int(panel.recording_trace.activity["v1"].sum(0).flatten().argmax()))


def test_a_model_that_answers_too_late_says_so() -> None:
    late = tiny.ann(delay=2)
    panel = widgets.explore(late, RECORDINGS)
    words = "hand answers first at step 6, but the recording has 5 steps; take more frames, or smaller delays"
    notes = [str(note.text).replace("<br>", " ") for note in panel.figure.layout.annotations]
    assert words in notes
    assert words in panel.note.value
    assert "none yet" in panel.now.value
    assert panel.table["answer"].isna().all()
    assert not panel.table["right"].any()
    assert_shows(panel, draw_afresh(panel))
    panel.node.value = "hand"
    panel.clock.step.value = 1
    assert_shows(panel, draw_afresh(panel))


@pytest.mark.parametrize("recordings", [
    tiny.recordings(rate=0.0), tiny.recordings(1), tiny.recordings(1, 1, 1), tiny.recordings(2, 3, 1)
])  # fmt: skip
def test_little_and_nothing_can_be_explored(recordings: wb.Recordings) -> None:
    for model in (tiny.ann(), tiny.snn()):
        panel = widgets.explore(model, recordings)
        assert panel.figure.data
        assert panel.figure.layout.meta["title"]
        assert len(panel.table) == recordings.frames * model.ticks_per_frame
        panel.clock.step.value = 0
        panel.choose("v1", 1)
        assert_shows(panel, draw_afresh(panel))


def test_recordings_that_are_no_images_can_be_explored() -> None:
    panel = widgets.explore(tiny.ann(shape=(5,)), tiny.recordings(shape=(5,)))
    assert panel.image.layout.annotations[0].text == "an input of shape (5,) is no image"
    assert_shows(panel, draw_afresh(panel))


def test_many_nodes_can_be_explored() -> None:
    edges = [wb.Edge("eye", f"v{i}", wb.Dense(2)) for i in range(198)]
    edges += [wb.Edge(f"v{i}", "hand", wb.Dense(3)) for i in range(198)]
    network = wb.Network({"eye": (2, 3, 3)}, edges)
    panel = widgets.explore(wb.Model(network).eval(), RECORDINGS)
    assert len(panel.recording_trace.activity) == 200
    assert panel.figure.layout.height < 6000
    panel.choose("v197", 1)
    assert_shows(panel, draw_afresh(panel))


def test_what_is_no_number_is_said() -> None:
    broken: Any = tiny.ann().copy()
    next(broken.weights[0].parameters()).data.fill_(3e38)  # a number still, but no two of them can be added
    panel = widgets.explore(broken, RECORDINGS)
    assert "'v0' holds values that are no finite numbers, first in step 1" in tiny.said(panel)
    panel.recording.value = 1
    panel.clock.step.value = 2
    assert "'v0' holds values that are no finite numbers, first in step 1" in tiny.said(panel)


def test_mistakes_are_refused_with_a_cure(panel: widgets.ExplorePanel) -> None:
    with pytest.raises(ValueError, match=r"widgets\.explore: recording=4 is not among the 4; count from 0"):
        widgets.explore(panel.model, RECORDINGS, recording=4)
    with pytest.raises(ValueError, match=r"no unit 4 of 'v0'; there are v0 \(0 to 3\), v1 \(0 to 3\), hand \(0 to 2\)"):
        panel.choose("v0", 4)
    with pytest.raises(ValueError, match="no unit 0 of 'eye'"):
        panel.choose("eye", 0)
    with pytest.raises(ValueError, match=r"input 'eye' has shape \(2, 3, 3\), but the recordings have \(5,\)"):
        widgets.explore(panel.model, tiny.recordings(shape=(5,)))
