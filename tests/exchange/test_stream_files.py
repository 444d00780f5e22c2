"""Streams in files: a state of another model, a damaged one and one that cannot be kept are refused in words."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import workbench as wb
from tests.support import tiny
from tests.support.exact_models import some_snn
from workbench.engine import SpikeCounter
from workbench.exchange.tensor_files import read_header, read_tensors, write_tensors

ROOT = Path(__file__).parents[2]


@pytest.fixture
def kept(tmp_path):
    """An SNN, ticks for it, and the file of a stream that has seen nine of them."""
    snn, ticks = tiny.snn(), torch.from_numpy(tiny.recordings().as_ticks())
    stream = snn.stream(ticks.shape[1], record=["v0", "hand"])
    stream.run(ticks[:9])
    wb.save_stream(stream, tmp_path / "tiny.stream")
    return snn, ticks, tmp_path / "tiny.stream"


def rewrite(path, alter):
    header = read_header(path, "stream")
    tensors, description = read_tensors(header), header.description
    alter(tensors, description)
    write_tensors(path, "stream", tensors, description)


def test_another_process_goes_on(kept, tmp_path):
    snn, ticks, path = kept
    wb.save_model(snn, tmp_path / "model")
    code = (
        "import sys, json, workbench as wb, torch\n"
        "from tests.support import tiny\n"
        "stream = wb.load_stream(sys.argv[1], wb.load_model(sys.argv[2]))\n"
        "ticks = torch.from_numpy(tiny.recordings().as_ticks())\n"
        "print(json.dumps([stream.step, stream.feed(ticks[stream.step :]).tolist()]))\n"
    )
    command = [sys.executable, "-c", code, path, tmp_path / "model"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    step, drives = json.loads(found.stdout)
    assert step == 9
    assert torch.equal(torch.tensor(drives), snn(ticks)[9:])


def test_a_model_with_other_numbers_is_refused_and_one_that_is_called_otherwise_is_not(kept):
    snn, _, path = kept
    renamed = snn.copy()
    renamed.origin = renamed.training_recipe = "somebody else's words"
    assert wb.load_stream(path, renamed).step == 9
    other = snn.copy()
    with torch.no_grad():
        other.weights[0][0][0, 0] += 1
    words = (
        r"tiny.stream: this stream cannot go on here \(field 'model': it is of a model with other numbers, network or"
    )
    for model in (other, tiny.ann()):
        with pytest.raises(ValueError, match=words):
            wb.load_stream(path, model)


DAMAGE = {
    "a field less": (lambda t, d: d.pop("step"), "its description"),
    "a batch of text": (lambda t, d: d.update(batch="4"), "batch='4' must be a whole number"),
    "a step below 0": (lambda t, d: d.update(step=-1), "step=-1 must be a whole number of at least 0"),
    "an end before the step": (lambda t, d: d.update(steps=3), "steps=3 must be a whole number of at least 9"),
    "an unknown node to record": (lambda t, d: d.update(record=["v9"]), "field 'record': .* are not nodes"),
    "an unknown engine": (lambda t, d: d.update(engine="sparse"), "engine='sparse' is unknown"),
    "an engine that is a number": (lambda t, d: d.update(engine=3), "field 'engine': it is 3 and must be text or null"),
    "settled by text": (lambda t, d: d.update(settled="no"), "field 'settled': it is 'no' and must be true or false"),
    "a past of nobody": (lambda t, d: d["past"].update(v9=[]), "field 'past': 'v9' is no node of the network"),
    "a past that is a list": (lambda t, d: d.update(past=[]), r"field 'past': it is \[\] and must be an object"),
    "no past": (lambda t, d: (d.update(past={}), [t.pop(n) for n in list(t) if "past" in n]), "are not all there"),
    "a segment later": (lambda t, d: d["past"]["v0"][0].update(start=90), "its steps .* are not all there"),
    "a segment without its tensor": (lambda t, d: t.pop("past.1.0"), "tensor 'past.1.0' is missing"),
    "a membrane less": (lambda t, d: (d["membranes"].pop("v0"), t.pop("membranes.1")), "'v0': its membrane is not the"),
    "a membrane of another shape": (
        lambda t, d: (t.update({"membranes.1": t["membranes.1"][..., :2].clone()})),
        r"node 'v0': a membrane of shape \(4, 2\), not \(batch",
    ),
    "a membrane that is not finite": (
        lambda t, d: t["membranes.1"].fill_(float("nan")), "tensor 'membranes.1' is torch.float32, empty or not finite"
    ),
    "activity in double precision": (
        lambda t, d: t.update({"past.1.0": t["past.1.0"].double()}), "tensor 'past.1.0' is torch.float64, empty or not"
    ),
    "activity of another batch": (
        lambda t, d: t.update({"past.1.0": t["past.1.0"][:, :2].clone()}), "node 'v0': activity of shape"
    ),
    "axes of nothing": (lambda t, d: d["past"]["v0"][0].update(axes=[0, 0, 1]), r"axes \[0, 0, 1\] are not those"),
    "a tensor more": (lambda t, d: t.update(more=torch.ones(1)), "tensor 'more' belongs to nothing in the stream"),
    "operations of another shape": (lambda t, d: t.update(operations=torch.ones(1)), "tensor 'operations' is not of"),
    "operations that are not finite": (lambda t, d: t["operations"].fill_(float("inf")), "'operations' is not finite"),
}  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGE)
def test_what_lacks_a_part_or_makes_no_sense_is_refused(kept, kind):
    snn, _, path = kept
    alter, words = DAMAGE[kind]
    rewrite(path, alter)
    with pytest.raises(ValueError, match=words) as refused:
        wb.load_stream(path, snn)
    assert str(refused.value).startswith(f"{path}: this stream cannot go on here (")
    assert str(refused.value).endswith("; give the model that it was saved of, or save it again")


def test_what_is_rewritten_unchanged_goes_on(kept):
    snn, ticks, path = kept
    rewrite(path, lambda tensors, description: None)
    assert torch.equal(wb.load_stream(path, snn).feed(ticks[9:]), snn(ticks)[9:])


def test_a_changed_byte_is_found_and_files_of_other_kinds_are_named(kept, tmp_path):
    snn, _, path = kept
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(
        ValueError, match=r"tiny.stream: damaged: description and tensors do not agree with the checksum"
    ):
        wb.load_stream(path, snn)
    wb.save_model(snn, tmp_path / "model")
    with pytest.raises(ValueError, match=r"not a stream of the workbench, but a model: wb.load_model\(path\) reads it"):
        wb.load_stream(tmp_path / "model", snn)
    with pytest.raises(FileNotFoundError, match="save a stream there first"):
        wb.load_stream(tmp_path / "nothing", snn)


def test_a_stream_in_a_file_is_no_model(kept):
    _, _, path = kept
    with pytest.raises(
        ValueError, match=r"not a model of the workbench, but a stream amid a recording: wb.load_stream"
    ):
        wb.load_model(path)


def test_streams_that_cannot_be_kept_are_refused_and_nothing_is_written(kept, tmp_path):
    snn, _, path = kept
    with pytest.raises(
        ValueError, match=r"wb.save_stream takes a stream, not a Model; open one: stream = model.stream"
    ):
        wb.save_stream(snn, tmp_path / "none")
    counter = SpikeCounter({"v0": torch.ones(4, 1, dtype=torch.float64)}, ["v0"])
    with pytest.raises(ValueError, match="this stream counts spikes for a call, which goes on with it; open one by"):
        wb.save_stream(snn.stream(counter=counter), tmp_path / "none")
    learning = snn.copy().train()
    with pytest.raises(
        ValueError, match=r"this stream is of a model in training mode; call model.eval\(\), and open it"
    ):
        wb.save_stream(learning.stream(), tmp_path / "none")
    with pytest.raises(ValueError, match=r"the model is in training mode; call model.eval\(\)"):
        wb.load_stream(path, learning)
    assert not (tmp_path / "none").exists()


def test_saving_changes_nothing_and_a_fresh_stream_can_be_kept(kept, tmp_path):
    snn, ticks, _ = kept
    stream = snn.stream(ticks.shape[1])
    wb.save_stream(stream, tmp_path / "fresh")
    assert torch.equal(stream.feed(ticks[:5]), snn(ticks)[:5])
    wb.save_stream(stream, tmp_path / "later")
    assert torch.equal(stream.feed(ticks[5:]), snn(ticks)[5:])
    assert torch.equal(wb.load_stream(tmp_path / "fresh", snn).feed(ticks), snn(ticks))


def test_what_goes_on_layer_by_layer_does_so_after_a_pause(tmp_path):
    """Counts beyond the bound of the grid: the stream has settled for layers, and so has the one that is loaded."""
    snn, ticks = some_snn(0)
    ticks[0] = snn.grid.input_counts + 1
    stream = snn.stream(ticks.shape[1])
    with pytest.warns(UserWarning, match="where sums of this SNN are exact for at most"):
        stream.run(ticks[:4])
    wb.save_stream(stream, tmp_path / "settled")
    again = wb.load_stream(tmp_path / "settled", snn)
    assert torch.equal(again.feed(ticks[4:]), stream.feed(ticks[4:]))
    assert again.keep().settled
