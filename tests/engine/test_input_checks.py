"""What cannot be simulated is refused in words that say what, where and the cure, before it is too late."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import workbench as wb
from workbench.engine import input_checks, memory_check
from workbench.training.gradient_checkpointing import run_segments

EDGES = [
    wb.Edge("eye", "v1", wb.Conv(4, kernel=3)),
    wb.Edge("v1", "v1", wb.Conv(4, kernel=3), 2),
    wb.Edge("v1", "hand", wb.Dense(3)),
]
NETWORK = wb.Network({"eye": (2, 6, 6)}, EDGES)


def some_models() -> list[wb.Model]:
    return [wb.Model(NETWORK), wb.Model(NETWORK, norm=None, neuron=wb.IntegrateAndFire(), ticks_per_frame=4).eval()]


@pytest.mark.parametrize("model", some_models())
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_counted_and_placed(model, wrong):
    frames = torch.zeros(3, 2, 2, 6, 6)
    frames[1, 0, 1, 2, 3] = frames[2, 1, 0, 0, 0] = wrong
    with pytest.raises(ValueError, match=r"input 'eye': 2 of 432 numbers are not finite; clean the recording"):
        model.run(frames)
    model.run(torch.full_like(frames, 1e37), record=["eye"])  # whose sum overflows


@pytest.mark.parametrize("model", some_models())
def test_frames_of_another_type_are_refused(model):
    with pytest.raises(ValueError, match=r"input 'eye': frames are torch.uint8, but .* use frames.to\(torch.float32\)"):
        model.run(torch.zeros(3, 2, 2, 6, 6, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"are torch.float64, but the model computes in torch.float32"):
        model.stream(2).feed(torch.zeros(3, 2, 2, 6, 6, dtype=torch.float64))


def test_frames_on_another_device_are_refused():
    with pytest.raises(ValueError, match=r'on meta, but the model is on cpu; use frames.to\("cpu"\)'):
        input_checks.require_numbers({"eye": torch.zeros(1, device="meta")}, torch.zeros(1))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("weights.1.0", "edge v1 -> v1: its weights are not all finite"),
        ("nodes.1.bias", "node 'v1': its numbers are not all finite"),
        (
            "nodes.2.bias",
            "node 'hand': its numbers are not all finite; train with a lower learning_rate, or load others",
        ),
    ],
)
def test_weights_that_are_not_finite_are_named(name, words):
    for model in some_models():
        dict(model.named_parameters())[name].data.view(-1)[0] = np.nan
        model.eval()
        with pytest.raises(ValueError, match=words):
            model.run(torch.zeros(3, 2, 2, 6, 6))
        with pytest.raises(ValueError, match=words):
            model.stream()


@pytest.fixture
def little_memory(monkeypatch):
    monkeypatch.setattr(memory_check, "ALWAYS_FREE_BYTES", 0)
    monkeypatch.setattr(memory_check, "free_bytes", lambda device: 2_000_000)


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_does_not_fit_is_refused_with_what_does(dtype):
    model, frames = some_models()[1].to(dtype), torch.zeros(400, 8, 2, 6, 6, dtype=dtype)
    asked = memory_check.MemoryRequest(NETWORK, NETWORK.nodes, 400, 8, 24, False, dtype)
    assert (
        asked.bytes == dtype.itemsize // 4 * memory_check.MemoryRequest(NETWORK, NETWORK.nodes, 400, 8, 24, False).bytes
    )
    with pytest.raises(MemoryError) as error:
        model.run(frames, block=24)
    fitting = 8 * 2_000_000 // asked.bytes
    answers = memory_check.name_size(replace(asked, record=["hand"]).bytes)
    asked_bytes = memory_check.name_size(asked.bytes)
    assert str(error.value) == (
        f"400 steps of 8 recordings, 3 of 3 nodes recorded, take about {asked_bytes}, but 2.0 MB are "
        f"free; a batch of {fitting} fits, or record=['hand'] takes {answers}"
    )
    assert 1 <= fitting < 8
    model.run(frames[:, :fitting], block=24)
    model.run(frames, record=["hand"], block=24)


@pytest.mark.usefixtures("little_memory")
def test_training_is_refused_before_its_memory_runs_out():
    with pytest.raises(
        MemoryError, match=r"40 steps .* 2.0 MB are free; a batch of \d+ fits, or train\(.*recompute=.* less"
    ):
        some_models()[0].train()(torch.zeros(40, 64, 2, 6, 6))


@pytest.mark.usefixtures("little_memory")
def test_segments_take_what_a_whole_recording_cannot_and_refuse_the_rest():
    model, frames = wb.Model(NETWORK, norm=None).train(), torch.zeros(40, 64, 2, 6, 6)
    with pytest.raises(MemoryError, match="40 steps of 64 recordings"):
        model(frames)
    assert run_segments(model, frames, recompute=4).shape == (40, 64, 3)
    with pytest.raises(MemoryError, match="39 steps of 64 recordings"):
        run_segments(model, frames, recompute=39)
    frames[3, 0, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match=r"input 'eye': 1 of .* numbers are not finite"):
        run_segments(model, frames, recompute=4)


@pytest.mark.usefixtures("little_memory")
def test_a_stream_is_told_to_take_shorter_blocks():
    with pytest.raises(MemoryError, match=r"feed it to model.stream\(batch=1\) in short blocks"):
        some_models()[1].stream(1).feed(torch.zeros(100_000, 1, 2, 6, 6))


def test_the_machine_tells_what_is_free():
    free = memory_check.free_bytes(torch.device("cpu"))
    assert 1 << 20 < free < 1 << 50


def test_a_container_has_what_is_left_to_it(tmp_path, monkeypatch):
    for name, text in {"limit": "5000\n", "taken": "3000\n", "memory.stat": "anon 1000\ninactive_file 500\n"}.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(
        memory_check, "CONTROL_GROUPS", [(tmp_path, "limit", "taken"), (tmp_path / "missing", "limit", "taken")]
    )
    assert memory_check.free_bytes(torch.device("cpu")) == 2500
    (tmp_path / "limit").write_text("max\n")
    assert memory_check.free_bytes(torch.device("cpu")) > 1 << 20
