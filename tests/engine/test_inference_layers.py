"""Inference: the numbers of the model's own layers, bit for bit, in less time; and nobody's memory is written over."""

import itertools

import pytest
import torch

import workbench as wb
from tests.support.random_models import some_model
from tests.support.random_networks import random_frames, random_spiking
from workbench.engine import inference_layers
from workbench.engine.inference_layers import InferenceLayers, put_channels_last
from workbench.engine.scheduler import BLOCK_BYTES, choose_block


@pytest.mark.parametrize("seed", range(100))
def test_inference_gives_the_numbers_of_the_models_own_layers(seed):
    model, ticks = some_model(seed)
    assert isinstance(model.inference_layers(), InferenceLayers)
    expected = model.run(ticks, layers=model, block=11)
    for block in (1, 4, 11):
        found = model.run(ticks, block=block)
        assert all(torch.equal(found[node], expected[node]) for node in model.network.nodes)


@pytest.mark.parametrize("seed", range(40))
def test_neither_the_input_nor_what_was_recorded_is_written_over(seed):
    model, ticks = some_model(seed)
    before = ticks.clone()
    stream, given, kept = model.stream(batch=2, record=model.network.nodes), [], []
    for block in ticks.split([3, 1, 5, 2]):
        given.append(stream.run(block))
        kept.append({node: values.clone() for node, values in given[-1].items()})
    assert torch.equal(ticks, before)
    for values, copies in zip(given, kept, strict=True):
        assert all(torch.equal(values[node], copies[node]) for node in values)


def test_an_identity_from_the_input_does_not_write_over_it():
    network = wb.Network({"in": (3,)}, [wb.Edge("in", "a", wb.Identity(), 0), wb.Edge("a", "out", wb.Dense(2), 0)])
    model, ticks = random_spiking(network, 0), torch.full((4, 1, 3), 0.5)
    model.run(ticks)
    assert torch.equal(ticks, torch.full((4, 1, 3), 0.5))


@pytest.mark.parametrize("seed", range(12))
def test_where_the_scan_is_not_compiled_nothing_changes(seed, monkeypatch):
    model, ticks = some_model(seed)
    expected = model.run(ticks)
    monkeypatch.setattr(inference_layers, "can_compile", lambda drive, membrane: False)
    found = model.run(ticks)
    assert all(torch.equal(found[node], expected[node]) for node in model.network.nodes)
    assert model.double().run(ticks.double())["out"].dtype == torch.float64


def test_the_output_still_learns_in_eval_mode_and_the_spikes_do_not():
    model, ticks = some_model(1)
    model(ticks).square().sum().backward()
    for position, edge in enumerate(model.network.edges):
        for weight in model.weights[position].parameters():
            assert (weight.grad is not None) == (edge.target == "out")


def test_training_and_models_that_do_not_spike_keep_their_own_layers():
    model, _ = some_model(1)
    assert model.train().inference_layers() is model
    ann = wb.Model(model.network).eval()
    assert ann.inference_layers() is ann


def chain(delay: int) -> wb.Network:
    nodes = ["in", "a", "b", "c"]
    edges = [wb.Edge(source, target, wb.Conv(3, kernel=3), delay) for source, target in itertools.pairwise(nodes)]
    return wb.Network({"in": (2, 6, 5)}, [*edges, wb.Edge("c", "out", wb.Dense(2), delay)])


@pytest.mark.parametrize("delay", [0, 1, 12])
def test_a_chain_reads_its_sources_without_a_copy_whatever_its_delays(delay, monkeypatch):
    model, ticks = random_spiking(chain(delay), 0), random_frames(chain(delay), 0, 60, counts=True)
    expected = model.run(ticks, layers=model)["out"]
    stream = model.stream(batch=2, record=["out"])
    plain = torch.cat

    def cat(parts, dim=0):
        assert parts[0].ndim != 4, "a copy of images"
        return plain(parts, dim)

    monkeypatch.setattr(torch, "cat", cat)
    for block in ticks.split(10):
        stream.run(block)
    monkeypatch.undo()
    assert torch.equal(model.run(ticks, block=10)["out"], expected)


def test_a_stream_holds_no_more_the_longer_it_runs():
    for seed in range(20):
        model, _ = some_model(seed)
        stream, held = model.stream(batch=2), []
        for _ in range(12):
            stream.run(random_frames(model.network, seed, 5, counts=True))
            held.append(sum(len(p.values) for pieces in stream._state.past.values() for p in pieces))
        assert max(held[4:]) == max(held[4:8])


def test_images_get_their_channels_last_once():
    images = torch.arange(2 * 3 * 4 * 5 * 6).view(2, 3, 4, 5, 6)
    last = put_channels_last(images)
    assert torch.equal(last, images)
    assert last.flatten(0, 1).is_contiguous(memory_format=torch.channels_last)
    assert put_channels_last(last).data_ptr() == last.data_ptr()
    flat = torch.zeros(2, 3, 4)
    assert put_channels_last(flat) is flat


def test_blocks_fill_the_cache_in_whole_frames():
    small = chain(1)  # its widest node holds 90 numbers
    assert choose_block(small, 10**6, 12) == 1
    assert choose_block(small, 1, 12) == BLOCK_BYTES // 360 // 12 * 12
    assert choose_block(small, BLOCK_BYTES // 360 // 9, 12) == 9  # no frame: as many ticks as there is room for
    assert choose_block(small, 0) > 1
