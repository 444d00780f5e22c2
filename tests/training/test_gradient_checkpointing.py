"""Recomputation: the numbers and gradients of the whole recording, in less memory; refused where they would differ."""

import pytest
import torch
from torch.multiprocessing.reductions import StorageWeakRef

import workbench as wb
from tests.support.gradients import SEEDS, STEPS, gradients, learn, some_chain
from tests.support.random_networks import in_whole_frames, random_frames, random_model, random_network, random_spiking
from tests.support.random_recordings import trainable
from tests.support.trainings import OPTIONS, assert_equal_models, interrupt, some_network, some_recordings
from workbench.training import train
from workbench.training.gradient_checkpointing import run_segments


@pytest.mark.parametrize("seed", SEEDS)
def test_segments_give_the_gradients_of_the_whole_recording(seed):
    network = random_network(seed, flat=seed % 3 == 0, signal=seed % 3 == 1, parallel=True)
    model, frames = random_model(network, seed).train(), random_frames(network, seed, STEPS)
    expected = learn(model, frames)
    for recompute in (1, 2 + seed % 4, STEPS, 99):
        drive = run_segments(model, frames, recompute)
        found = [drive, *gradients(model, drive)] if drive.requires_grad else [drive]
        for ours, whole in zip(found, expected, strict=True):
            torch.testing.assert_close(ours, whole)


@pytest.mark.parametrize("seed", SEEDS)
def test_segments_are_bit_for_bit_the_blocks_that_are_kept(seed):
    network = random_network(seed, flat=seed % 3 == 0, signal=seed % 3 == 1, longest=4, parallel=True)
    spiking = random_spiking(network, seed, signed=seed % 2 == 0, floor=None, ticks_per_frame=1 + seed % 3).train()
    recompute = 1 + seed % 5 - (1 + seed % 5) % (1 + seed % 3) or 1 + seed % 3  # whole frames
    ticks = random_frames(network, seed, STEPS, counts=True)
    drive = run_segments(spiking, ticks, recompute)
    found = [drive, *gradients(spiking, drive)] if drive.requires_grad else [drive]
    for ours, kept in zip(found, learn(spiking, ticks, block=recompute), strict=True):
        assert torch.equal(ours, kept)


COUNTING = [{"emission": "spread"}, {"emission": "burst", "cap": 5}, {"emission": "spread", "remainder": "keep"}]


@pytest.mark.parametrize("seed", range(30))
def test_neurons_that_count_learn_the_same_in_any_cut_and_by_segments(seed):
    """What is sent after a count, in another block or segment too, passes on its gradient."""
    network = in_whole_frames(
        random_network(seed, flat=seed % 3 == 0, signal=seed % 3 == 1, longest=1, parallel=True), 2
    )
    spiking = random_spiking(network, seed, ticks_per_frame=2, **COUNTING[seed // 3 % 3]).double().train()
    spiking.ticks_per_frame, ticks = 2, random_frames(network, seed, 15, counts=True).double()
    whole = learn(spiking, ticks, block=15)
    for block in (1, 2, 3, 7):
        for ours, kept in zip(learn(spiking, ticks, block=block), whole, strict=True):
            torch.testing.assert_close(ours, kept)
    for recompute in (2, 4):
        drive = run_segments(spiking, ticks, recompute)
        found = [drive, *gradients(spiking, drive)] if drive.requires_grad else [drive]
        for ours, kept in zip(found, whole, strict=True):
            torch.testing.assert_close(ours, kept)


def count_kept(monkeypatch, run) -> tuple[int, int]:
    """How many results of linear maps are computed, and how many of them are still in memory when it has run."""
    results, transform = [], wb.Model.transform

    def noted(model, position, images, *bias):
        mapped = transform(model, position, images, *bias)
        results.append(StorageWeakRef(mapped.untyped_storage()))
        return mapped

    with monkeypatch.context() as patch:
        patch.setattr(wb.Model, "transform", noted)
        drive = run()
        assert drive.requires_grad
        return len(results), sum(not result.expired() for result in results)


def test_what_is_kept_does_not_grow_with_the_recording(monkeypatch):
    model, frames = some_chain(None), torch.rand(60, 2, 2, 8, 8)
    computed, kept = count_kept(monkeypatch, lambda: model.run(frames, record=["out"], block=5)["out"])
    assert kept > computed / 2
    computed, kept = count_kept(monkeypatch, lambda: run_segments(model, frames, 5))
    assert computed > 40
    assert kept <= 4  # the last segment's, on their way out


def test_training_by_segments_learns_the_same():
    model, recordings = wb.Model(some_network(loop=True), norm=None), some_recordings(frames=9)
    whole, history = train(model, recordings, **OPTIONS)
    again, segments = train(model, recordings, recompute=2, **OPTIONS)
    torch.testing.assert_close(torch.tensor(segments.values), torch.tensor(history.values), rtol=1e-3, atol=1e-3)
    for name, tensor in again.state_dict().items():
        torch.testing.assert_close(tensor, whole.state_dict()[name], rtol=1e-2, atol=1e-3)


def test_an_snn_is_tuned_by_segments():
    network, recordings = trainable()
    ann, _ = wb.train(wb.Model(network, norm=None), recordings, epochs=2, progress=False)
    snn = wb.convert(ann, recordings, percentile=100, ticks_per_frame=2)
    _, history = wb.fine_tune(snn, recordings, epochs=2, recompute=4, progress=False)
    _, whole = wb.fine_tune(snn, recordings, epochs=2, progress=False)
    assert history["loss"].tolist() == pytest.approx(whole["loss"].tolist(), rel=0.02)


@pytest.mark.usefixtures("bfloat16")
@pytest.mark.parametrize("options", [{"recompute": 2}, {"recompute": 3, "precision": "bf16"}], ids=str)
def test_a_resumed_training_by_segments_gives_the_same_bits(tmp_path, monkeypatch, options):
    model, recordings = wb.Model(some_network(loop=True), norm=None), some_recordings()
    whole, _ = train(model, recordings, **OPTIONS, **options)
    with monkeypatch.context() as patch:
        interrupt(patch, after=7)
        with pytest.warns(UserWarning, match="training was interrupted in epoch 3 of 6"):
            train(model, recordings, checkpoint=tmp_path / "half", **OPTIONS, **options)
    resumed, _ = train(model, recordings, checkpoint=tmp_path / "half", **OPTIONS, **options)
    assert_equal_models(resumed, whole)
    with pytest.raises(ValueError, match=r"another training \(it differs in recompute"):
        train(model, recordings, checkpoint=tmp_path / "half", **OPTIONS)


@pytest.mark.parametrize(
    ("norm", "options", "words"),
    [
        (None, {"recompute": 0}, "recompute=0 must be a whole number of at least 1"),
        ("batch", {"recompute": 8}, r"recompute=8 cuts the recording, but batch norm takes its statistics over all of"),
        ("batch", {"recompute": 8}, r"use Model\(network, norm=None\), or recompute=None"),
        (
            None,
            {"recompute": 8, "noise": 0.1},
            "recompute=8 computes the same steps twice, which would draw other noise",
        ),
        (None, {"recompute": 8, "spike_cost": 0.1}, "leave out noise and spike_cost, or use recompute=None"),
    ],
)
def test_recomputation_that_would_learn_something_else_is_refused(norm, options, words):
    with pytest.raises(ValueError, match=words):
        train(wb.Model(some_network(), norm=norm), some_recordings(), **OPTIONS, **options)
