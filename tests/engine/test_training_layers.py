"""Learning in blocks: numbers, gradients and statistics of the plain layers, nothing superfluous computed or kept."""

import pytest
import torch

from tests.support import reference
from tests.support.gradients import SEEDS, STEPS, backwards, learn, some_chain
from tests.support.random_networks import random_frames, random_model, random_network, random_spiking


@pytest.mark.parametrize("seed", SEEDS)
def test_any_block_gives_the_gradients_of_the_whole_recording_by_the_plain_layers(seed):
    network = random_network(seed, flat=seed % 3 == 0, signal=seed % 3 == 1, parallel=True)
    model, frames = random_model(network, seed).train(), random_frames(network, seed, STEPS)
    expected = learn(model, frames, layers=model)
    for block in (None, 1, 2, 1 + seed % 5, STEPS):
        for ours, plain in zip(learn(model, frames, block=block), expected, strict=True):
            torch.testing.assert_close(ours, plain)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_snn_learns_by_the_same_gradients_in_any_block(seed):
    network = random_network(seed, flat=seed % 3 == 0, signal=seed % 3 == 1, longest=4, parallel=True)
    model = random_spiking(network, seed, floor=[-1.0, None][seed % 2], ticks_per_frame=3).train()
    ticks = random_frames(network, seed, STEPS, counts=True)
    expected = learn(model, ticks, layers=model)
    for block in (None, 1, 1 + seed % 5):
        drive, *found = learn(model, ticks, block=block)
        assert torch.equal(drive, expected[0])
        for ours, plain in zip(found, expected[1:], strict=True):
            torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-4 * float(plain.abs().max()))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_node_answers_in_training_as_in_the_plain_step_loop(seed):
    """No node writes over what another one still reads."""
    network = random_network(seed, flat=seed % 3 == 0, signal=seed % 3 == 1, parallel=True)
    model, frames = random_model(network, seed).train(), random_frames(network, seed, STEPS)
    kept = frames.clone()
    for block in (None, 3):
        activity = model.run(frames, block=block)
        for node, expected in reference.run(model, frames).items():
            torch.testing.assert_close(activity[node], expected)
    assert torch.equal(frames, kept)


@pytest.mark.parametrize("seed", SEEDS)
def test_batch_norm_learns_the_same_by_the_plain_layers(seed):
    network = random_network(seed, signal=seed % 3 == 1, parallel=True)
    model, frames = random_model(network, seed, norm="batch").train(), random_frames(network, seed, STEPS) + 1
    plain = model.copy()
    for _ in range(2):  # the second time with renormalisation on cycles
        for ours, expected in zip(learn(model, frames), learn(plain, frames, layers=plain), strict=True):
            torch.testing.assert_close(ours, expected, rtol=1e-6, atol=1e-7)
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, plain.state_dict()[name])


@pytest.mark.parametrize("norm", ["batch", None])
@pytest.mark.parametrize("seed", range(60))
def test_no_image_is_computed_that_cannot_reach_an_answer(seed, norm):
    network = random_network(seed, parallel=True)
    model, frames = random_model(network, seed, norm=norm).train(), random_frames(network, seed, STEPS)
    computed = dict.fromkeys(range(len(network.edges)), 0)
    transform = model.transform

    def counting(position, images, *bias):
        computed[position] += len(images)
        return transform(position, images, *bias)

    model.transform = counting
    model(frames)
    first, last = reference.first_responses(network), reference.first_responses(backwards(network))
    for position, edge in enumerate(network.edges):
        begin, end = first[edge.source] + edge.delay, STEPS - last.get(edge.target, STEPS)
        assert computed[position] == frames.shape[1] * max(0, end - begin)


@pytest.mark.parametrize("block", [None, 1, 4])
def test_of_every_node_one_tensor_is_kept(block):
    model, frames, kept = some_chain(None), torch.rand(12, 2, 2, 8, 8), {}
    parameters = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}

    def keep(tensor):
        if tensor.untyped_storage().data_ptr() not in parameters:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        drive = model.run(frames, record=["out"], block=block)["out"]
    assert drive.requires_grad
    steps = 12 - 4  # reach an answer: each as input, as activity of a and b, and of c once more in rows for Dense
    assert sum(kept.values()) <= 4 * steps * 2 * 8 * 8 * (2 + 4 + 4 + 2 * 4)


def test_images_stay_channels_last_in_training():
    model, seen = some_chain("batch"), []
    transform = model.transform
    model.transform = lambda position, images, *bias: (seen.append(images), transform(position, images, *bias))[1]
    model(torch.rand(9, 2, 2, 8, 8))
    assert len(seen) == 4
    assert all(images.is_contiguous(memory_format=torch.channels_last) for images in seen)


def test_blocks_in_training_hold_so_many_images_and_batch_norm_is_never_cut():
    model = some_chain(None)
    blocks = [model.choose_block(10**6, batch) for batch in (1, 32, 1 << 20)]
    assert blocks[0] == pytest.approx(32 * blocks[1], rel=0.05)
    assert blocks[2] == 1
    for steps in range(1, 60):
        block, most = model.choose_block(steps, 250), model.choose_block(10**6, 250)
        assert block <= most < 30
        assert -(-steps // block) == -(-steps // most)  # no more blocks than need be, and as even as can be
    assert some_chain("batch").choose_block(100, 1 << 20) == 100
