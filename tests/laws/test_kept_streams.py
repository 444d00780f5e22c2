"""Law: a stream saved anywhere in a recording and loaded elsewhere goes on with the bits of one that was not."""

import random
from itertools import pairwise

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.exact_models import some_ann, some_recordings, some_snn, some_trained
from tests.support.random_networks import acquaint, random_frames, random_model, random_network

SEEDS = range(60)
ENGINES = (None, "dense", "events", "auto")


def feed(stream, ticks, cuts):
    """Activity of the recorded nodes in all blocks between these steps, one after the other."""
    blocks = [stream.run(ticks[begin:end]) for begin, end in pairwise(cuts)]
    return {node: torch.cat([block[node] for block in blocks]) for node in blocks[0]}


def assert_goes_on(model, ticks, rng, folder, engine):
    """The recording in drawn blocks, once at a stretch and once with a change of process after each."""
    steps, nodes = len(ticks), list(model.network.nodes)
    record = rng.sample(nodes, rng.randint(1, len(nodes)))
    until = rng.choice([None, steps])
    inner = sorted(rng.sample(range(1, steps), min(3, steps - 1)))
    wb.save_model(model, folder / "model")
    whole = feed(model.stream(ticks.shape[1], record, engine, until), ticks, [0, *inner, steps])
    stream, found = model.stream(ticks.shape[1], record, engine, until), []
    for begin, end in zip([0, *inner], [*inner, steps], strict=True):
        found.append(stream.run(ticks[begin:end]))
        wb.save_stream(stream, folder / "stream")
        stream = wb.load_stream(folder / "stream", wb.load_model(folder / "model"))
        assert stream.step == end
    for node in record:
        assert torch.equal(torch.cat([block[node] for block in found]), whole[node]), (node, engine, until, inner)


@pytest.mark.parametrize("seed", SEEDS)
def test_converted_snns_go_on_on_every_engine(seed, tmp_path):
    model, ticks = some_snn(seed)
    assert_goes_on(model.eval(), ticks, random.Random(seed), tmp_path, ENGINES[seed % 4])


@pytest.mark.parametrize("seed", SEEDS)
def test_so_do_those_whose_nodes_have_neurons_of_their_own(seed, tmp_path):
    model, ticks = some_trained(seed)
    assert_goes_on(model.eval(), ticks, random.Random(seed), tmp_path, ENGINES[seed % 4])


@pytest.mark.parametrize("seed", SEEDS)
def test_so_do_anns_whose_sums_are_rounded(seed, tmp_path):
    ann = some_ann(seed)
    frames = torch.from_numpy(some_recordings(ann.network, seed).as_frames())
    assert_goes_on(ann, frames, random.Random(seed), tmp_path, None)


@pytest.mark.parametrize("seed", range(12))
def test_so_do_random_networks_in_double_precision(seed, tmp_path):
    network = random_network(seed)
    model = random_model(network, seed).double().eval()
    assert_goes_on(model, random_frames(network, seed, steps=12), random.Random(seed), tmp_path, None)


def test_operations_that_were_counted_are_counted_on(tmp_path):
    snn, ticks = some_snn(0)
    whole, stream = (snn.stream(ticks.shape[1], engine="events") for _ in range(2))
    whole.run(ticks)
    stream.run(ticks[:7])
    wb.save_stream(stream, tmp_path / "stream")
    stream = wb.load_stream(tmp_path / "stream", snn)
    stream.run(ticks[7:])
    assert np.array_equal(stream.operations, whole.operations)


def test_norms_that_were_trained_go_on(tmp_path):
    network = random_network(3)
    model = wb.Model(network, seed=3)
    counts = np.random.default_rng(0).poisson(0.5, (12, 3, *network.inputs["in"]))
    classes = network.shapes[network.output][0]
    recordings = wb.Recordings.from_ticks(counts, [0, 0, 0], [str(i) for i in range(classes)])
    assert_goes_on(
        acquaint(model, recordings), torch.from_numpy(recordings.as_frames()), random.Random(0), tmp_path, None
    )
