"""One recording through one model: what is kept equals the run, the answers by hand, and the table of compare."""

import numpy as np
import pandas as pd
import pytest
import torch

import workbench as wb
from tests.support import tiny
from workbench.analysis.recording_trace import compare_traces, tabulate_trace, trace_recording

RECORDINGS = tiny.recordings()


@pytest.mark.parametrize("answer", ["running", "frame"])
@pytest.mark.parametrize("recording", [0, 3])
@pytest.mark.parametrize("kind", ["ANN", "SNN"])
def test_everything_is_kept(kind: str, recording: int, answer: str) -> None:
    model = tiny.ann() if kind == "ANN" else tiny.snn()
    recording_trace = trace_recording(model, RECORDINGS, recording=recording, answer=answer)
    k, first = model.ticks_per_frame, model.network.first_response["hand"]
    with torch.no_grad():
        activity = model.run(torch.from_numpy(RECORDINGS.as_ticks([recording], k)))
    assert list(recording_trace.activity) == list(activity)
    assert all(torch.equal(recording_trace.activity[node], activity[node]) for node in activity)
    drive = activity["hand"][:, 0].double().numpy()
    for step, answers in enumerate(recording_trace.answers):
        since = first if answer == "running" else max(first, step + 1 - k)
        if step < first:
            assert np.isnan(answers).all()
            assert recording_trace.chosen[step] is None
        else:
            np.testing.assert_allclose(answers, drive[since : step + 1].mean(axis=0))
            assert recording_trace.chosen[step] == RECORDINGS.classes[answers.argmax()]
    costs = wb.compare({"model": model}, RECORDINGS[[recording]], answer=answer)
    pd.testing.assert_frame_equal(recording_trace.costs, pd.DataFrame(costs))
    right = [name == RECORDINGS.classes[recording_trace.label] for name in recording_trace.chosen[first:]]
    assert (costs["accuracy"][first:] == 1).tolist() == right
    assert (recording_trace.label, recording_trace.steps) == (RECORDINGS.labels[recording], 5 * k)
    assert recording_trace.lateness == ""


def test_a_model_is_followed_as_it_answers_and_stays_as_it_was() -> None:
    model = tiny.ann().copy().train()
    before = {name: values.clone() for name, values in model.state_dict().items()}
    recording_trace = trace_recording(model, RECORDINGS)
    assert model.training
    assert all(torch.equal(values, before[name]) for name, values in model.state_dict().items())
    np.testing.assert_array_equal(recording_trace.answers, trace_recording(tiny.ann(), RECORDINGS).answers)


@pytest.mark.parametrize("kind", ["ANN", "SNN"])
def test_a_model_that_answers_too_late_has_no_answers(kind: str) -> None:
    late = tiny.ann(delay=2)
    model = late if kind == "ANN" else wb.convert(late, RECORDINGS)
    recording_trace, k = trace_recording(model, RECORDINGS), model.ticks_per_frame
    assert np.isnan(recording_trace.answers).all()
    assert recording_trace.answers.shape == (5 * k, 3)
    assert set(recording_trace.chosen) == {None}
    assert recording_trace.costs["accuracy"].isna().all()
    assert recording_trace.lateness == (
        f"hand answers first at step {6 * k}, but the recording has {5 * k} steps; take more frames, or smaller delays"
    )
    longer = wb.compare({"model": model}, tiny.recordings(frames=7)).iloc[: 5 * k]
    assert (recording_trace.costs["neuron_updates"] == longer["neuron_updates"]).all()
    for verb in (lambda: wb.compare({"m": model}, RECORDINGS), lambda: wb.operations(model, RECORDINGS)):
        with pytest.raises(ValueError, match=f"answers first at step {6 * k}, but the recordings have {5 * k} steps"):
            verb()
    if kind == "ANN":
        with pytest.raises(ValueError, match="answers first at step 6, but the recordings have 5 steps"):
            wb.train(model, RECORDINGS, epochs=1, progress=False)


def test_mistakes_are_refused_with_a_cure() -> None:
    for recording in (-1, 4, True):
        with pytest.raises(ValueError, match=f"recording={recording} is not among the 4 of recordings; from 0 on"):
            trace_recording(tiny.ann(), RECORDINGS, recording=recording)
    with pytest.raises(ValueError, match=r"input 'eye' has shape \(5,\), but the recordings have \(2, 3, 3\)"):
        trace_recording(tiny.ann(shape=(5,)), RECORDINGS)
    with pytest.raises(ValueError, match="answer='best' is unknown"):
        trace_recording(tiny.ann(), RECORDINGS, answer="best")


def test_tables_of_traces_are_those_of_the_models():
    models = {"ANN": tiny.ann(), "SNN": tiny.snn()}
    traces = {name: trace_recording(model, RECORDINGS) for name, model in models.items()}
    for name, trace in traces.items():
        table = tabulate_trace(trace)
        assert len(table) == trace.steps
        assert table["answer"].tolist() == trace.chosen
        for step in range(trace.steps):
            row = compare_traces(traces, (step + 1) / trace.ticks_per_frame).set_index("model").loc[name]
            assert row["frame"] == table["frame"].iloc[step]
            assert row["answer"] == table["answer"].iloc[step]
            assert row["dense_macs"] == table["dense_macs"].iloc[step]
    assert compare_traces(traces, 0.0)["synaptic_operations"].tolist() == [0.0, 0.0]
