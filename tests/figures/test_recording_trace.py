"""Recordings on their way through models: the figure is read by its data."""

import numpy as np
import plotly.graph_objects as go
import pytest

import workbench as wb
from tests.support import tiny
from workbench import figures
from workbench.analysis.membrane_trace import trace_membrane
from workbench.analysis.recording_trace import RecordingTrace, trace_recording
from workbench.figures._raster_bands import BAND

RECORDINGS = tiny.recordings()


@pytest.fixture
def both() -> dict[str, RecordingTrace]:
    return {
        "ANN": trace_recording(tiny.ann(), RECORDINGS, recording=1),
        "SNN": trace_recording(tiny.snn(), RECORDINGS, recording=1),
    }


def column(figure: go.Figure, row: int, col: int) -> list[go.Scatter]:
    return list(figure.select_traces(row=row, col=col))


def test_the_operations_are_those_of_compare(both: dict[str, RecordingTrace]) -> None:
    figure = figures.recording_traces(both)
    for col, recording_trace in enumerate(both.values(), start=1):
        for trace in column(figure, 1, col):
            table = recording_trace.costs[trace.name.replace("MACs", "macs").replace(" ", "_")]
            np.testing.assert_allclose(trace.y, table, rtol=1e-6)
            np.testing.assert_allclose(trace.x, recording_trace.costs["frame"], rtol=1e-6)
    assert [trace.name for trace in column(figure, 1, 2)] == ["synaptic operations"]
    assert len({axis.range for axis in figure.select_yaxes(row=1)}) == 1, "operations share their scale"


def test_the_answers_are_drawn_and_named(both: dict[str, RecordingTrace]) -> None:
    figure = figures.recording_traces(both)
    for col, recording_trace in enumerate(both.values(), start=1):
        traces = {trace.name: trace for trace in column(figure, 2, col)}
        assert set(traces) == set(RECORDINGS.classes)
        for number, name in enumerate(RECORDINGS.classes):
            np.testing.assert_allclose(traces[name].y, recording_trace.answers[:, number], rtol=1e-6)
        right, answered = RECORDINGS.classes[recording_trace.label], recording_trace.chosen[-1]
        assert (traces[right].line.color, traces[right].line.dash) == ("#0072B2", "solid")
        if answered != right:
            assert (traces[answered].line.color, traces[answered].line.dash) == ("#D55E00", "dash")
    title = f"ANN: {both['ANN'].chosen[-1]}, SNN: {both['SNN'].chosen[-1]}; the recording shows right"
    assert figure.layout.meta["title"] == title


def test_the_nodes_are_all_but_the_output_in_marks_or_pixels(both: dict[str, RecordingTrace]) -> None:
    figure = figures.recording_traces(both)
    pixels, marks = column(figure, 3, 1), column(figure, 3, 2)
    assert [trace.name for trace in pixels] == [trace.name for trace in marks] == ["eye", "v0", "v1"]
    for band, (image, raster) in enumerate(zip(pixels, marks, strict=True)):
        values = both["ANN"].activity[image.name][:, 0].flatten(1).numpy()
        np.testing.assert_allclose(np.asarray(image.z, dtype=float), values.T, rtol=1e-6)
        spikes = both["SNN"].activity[raster.name][:, 0].flatten(1).numpy()
        places = [
            ((step + 1) / 4, band + BAND * (unit + 0.5) / spikes.shape[1])
            for step, unit in zip(*np.nonzero(spikes), strict=True)
            for _ in range(int(spikes[step, unit]))
        ]
        drawn = zip(raster.x.tolist(), raster.y.tolist(), strict=True)
        np.testing.assert_allclose(sorted(drawn), sorted(places), rtol=1e-6)
    total = sum(int(both["SNN"].activity[node].sum()) for node in ("v0", "v1"))
    assert f"SNN: {total} spikes and" in figure.layout.meta["subtitle"]


@pytest.mark.parametrize("node", ["v0", "hand"])
def test_the_membrane_of_a_unit(both: dict[str, RecordingTrace], node: str) -> None:
    traces = trace_membrane(tiny.snn(), both["SNN"].activity, node, 1)
    figure = figures.recording_trace(both["SNN"], traces, f"{node} 1")
    drawn = {trace.name: trace for trace in column(figure, 3, 1)}
    what = "drive" if node == "hand" else "membrane"
    assert set(drawn) == ({"drive"} if node == "hand" else {"membrane", "threshold", "spikes"})
    np.testing.assert_allclose(drawn[what].y, traces[what], rtol=1e-6)
    if node != "hand":
        fired = traces[traces["activity"] > 0]
        np.testing.assert_allclose(drawn["spikes"].x, fired["frame"])
        assert set(drawn["threshold"].y) == {1.0}
    assert [axis.title.text for axis in figure.select_yaxes()][2] == f"{what}<br>{node} 1"


def test_a_silent_node_is_white() -> None:
    recording_trace = trace_recording(tiny.ann(), tiny.recordings(rate=0.0))
    for trace in column(figures.recording_trace(recording_trace), 3, 1):
        if trace.type == "heatmap":
            assert not np.asarray(trace.z).any()
            assert (trace.zmin, trace.zmax) == (0, 1)


def test_a_late_node_beside_spiking_inputs_is_white() -> None:
    recording_trace = trace_recording(tiny.ann(hidden=7), RECORDINGS)
    last = column(figures.recording_trace(recording_trace), 3, 1)[-1]
    assert (last.name, last.zmin, last.zmax, np.asarray(last.z).any()) == ("v6", 0, 1, np.False_)


def test_no_answer_is_said() -> None:
    figure = figures.recording_trace(trace_recording(tiny.ann(delay=2), RECORDINGS))
    words = "hand answers first at step 6, but the recording has 5 steps; take more frames, or smaller delays"
    assert [note.text.replace("<br>", " ") for note in figure.layout.annotations][-1] == words
    assert figure.layout.meta["title"] == "There is no answer; the recording shows left"
    assert column(figure, 2, 1) == []
    assert "Vermilion" not in figure.layout.meta["subtitle"]


def test_a_single_step_and_no_model() -> None:
    network = wb.Network({"eye": (2, 3, 3)}, [wb.Edge("eye", "hand", wb.Dense(3), delay=0)])
    figure = figures.recording_trace(trace_recording(wb.Model(network).eval(), tiny.recordings(1, 1, 1)))
    assert all("markers" in trace.mode for trace in column(figure, 2, 1)), "one answer makes no line"
    late = figures.recording_trace(trace_recording(tiny.ann(), tiny.recordings(1, 1, 1)))
    assert late.layout.meta["subtitle"] == "no operations."
    assert late.layout.yaxis.range == (0, 1)
    assert figures.recording_traces({}).layout.annotations[0].text == "no model was given"


def test_many_nodes_fit_a_page() -> None:
    edges = [wb.Edge("eye", f"v{i}", wb.Dense(2)) for i in range(198)]
    network = wb.Network({"eye": (2, 3, 3)}, [*edges, wb.Edge("v0", "hand", wb.Dense(3))])
    figure = figures.recording_trace(trace_recording(wb.Model(network).eval(), RECORDINGS))
    assert figure.layout.height < 6000
    assert len(column(figure, 3, 1)) == len(network.nodes) - 1
