"""The precision of training: bfloat16 in the linear maps and nowhere else."""

import warnings

import pytest
import torch

import workbench as wb
from tests.support.random_recordings import trainable
from tests.support.trainings import OPTIONS, some_network, some_recordings
from workbench.evaluation import evaluate
from workbench.training import mixed_precision, train

pytestmark = pytest.mark.usefixtures("bfloat16")  # on a processor with the instructions, and on one without


@pytest.mark.parametrize("norm", ["batch", None])
@pytest.mark.parametrize("loop", [False, True])
def test_training_in_bfloat16_learns_and_keeps_its_numbers_in_float32(monkeypatch, norm, loop):
    seen, transform = set(), wb.Model.transform

    def noted(model, position, images, *bias):
        mapped = transform(model, position, images, *bias)
        seen.add((model.training, mapped.dtype))
        return mapped

    monkeypatch.setattr(wb.Model, "transform", noted)
    recordings, validation = some_recordings(0), some_recordings(1)
    model = wb.Model(some_network(loop), norm=norm)
    options = {"epochs": 25, "batch": 14, "progress": False, "precision": "bf16"}
    ann, history = train(model, recordings, validation=validation, **options)
    assert seen == {(True, torch.bfloat16), (False, torch.float32)}
    assert all(tensor.dtype in (torch.float32, torch.int64) for tensor in ann.state_dict().values())
    assert history["loss"].iloc[-1] < history["loss"].iloc[0] / 2
    assert evaluate(ann, validation)["accuracy"] > 0.9
    again, _ = train(model, recordings, validation=validation, **options)
    assert all(torch.equal(a, b) for a, b in zip(ann.parameters(), again.parameters(), strict=True))


def test_an_snn_is_tuned_in_bfloat16():
    network, recordings = trainable()
    ann, _ = wb.train(wb.Model(network), recordings, epochs=4, progress=False)
    snn = wb.convert(ann, recordings, percentile=100, ticks_per_frame=2)
    tuned, history = wb.fine_tune(snn, recordings, epochs=3, progress=False, precision="bf16", spike_cost=0.01)
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]
    assert evaluate(tuned, recordings)["loss"] < evaluate(snn, recordings)["loss"]


def test_the_levels_of_a_conversion_are_learned_in_bfloat16():
    _, history = train(wb.Model(some_network()), some_recordings(), precision="bf16", levels=4, noise=0.05, **OPTIONS)
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]


def test_a_cpu_without_the_instructions_is_told_once(bfloat16):
    call = {"model": wb.Model(some_network()), "recordings": some_recordings(), **OPTIONS, "epochs": 1}
    train(**call)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        train(**call, precision="bf16")
        train(**call, precision="bf16")
    words = [str(one.message) for one in told]
    assert len(words) == (0 if bfloat16 else 1)
    assert all("this CPU has no instructions for bfloat16, so training is right but slower" in one for one in words)


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx2": True, "avx512_bf16": False, "amx_bf16": False}, False),
        ({"avx2": True, "avx512_bf16": True, "amx_bf16": False}, True),
        ({"avx2": True, "avx512_bf16": False, "amx_bf16": True}, True),
        ({"asimd": True, "bf16": True}, True),
        ({"asimd": True, "bf16": False}, False),
        ({}, False),
        (None, True),
    ],
    ids=str,
)
def test_what_the_processor_can_do_is_read_off_its_capabilities(monkeypatch, capabilities, expected):
    monkeypatch.undo()  # of what stands in for the processor
    if capabilities is None:  # a torch that does not tell
        monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    else:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert mixed_precision.multiplies_natively() is expected


def test_a_precision_that_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="precision='fp16' is unknown; choose from fp32, bf16"):
        train(wb.Model(some_network()), some_recordings(), precision="fp16", **OPTIONS)


def test_a_checkpoint_in_another_precision_is_refused(tmp_path):
    call = {"model": wb.Model(some_network()), "recordings": some_recordings(), **OPTIONS, "epochs": 1}
    train(**call, checkpoint=tmp_path / "checkpoint")
    with pytest.raises(ValueError, match=r"another training \(it differs in precision\)"):
        train(**call, checkpoint=tmp_path / "checkpoint", precision="bf16")
