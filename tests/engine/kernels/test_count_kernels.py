"""The pass from drives to lists where neurons count for a frame: what it leaves out would have changed nothing."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import torch
from numba import njit

import workbench as wb
from tests.support.random_networks import in_whole_frames, random_spiking
from tests.support.random_neurons import draw_counting
from workbench.engine.kernels import parallel
from workbench.engine.kernels.count_kernels import count_and_list
from workbench.engine.kernels.fire_kernels import UNROLL
from workbench.engine.kernels.simd import WIDTH

AHEAD = 7  # places before the membranes, before the biases, and before the drives


def some_neuron(rng: np.random.Generator, dyadic: bool = False) -> wb.IntegrateAndFire:
    """One that counts for a frame."""
    frame = int(rng.integers(1, 7))
    return wb.IntegrateAndFire(
        threshold=float(rng.choice([1.0, 0.5, 2.0] if dyadic else [1.0, 0.5, 2.0, 0.7])),
        start=float(rng.choice([0.5, 0.0, 0.25] if dyadic else [0.5, 0.0, 0.3])),
        floor=[-1.0, None, 0.0, -0.5][rng.integers(4)],
        ticks_per_frame=frame,
        saturation=[None, 2.5][rng.integers(2)],
        **draw_counting(rng, frame),
    )


@njit
def count_along(
    drives, ahead, membranes, sent, biases, extra_biases, elapsed, frame, emission, start, threshold, floor, ceiling,
    burst, restart
):  # fmt: skip
    """Overwrite drives (steps, units) by their spikes, which are listed first; what is left of the drives."""
    units, left = drives.shape[1], 0.0
    row, fired = np.zeros(ahead + units, np.float32), np.ones(WIDTH, np.float32)
    listed, values = np.zeros(units + UNROLL, np.int32), np.zeros(units + UNROLL, np.float32)
    waiting, biased = np.ones(units // WIDTH + 1, np.bool_), np.any(biases != 0)
    for step in range(len(drives)):
        phase, extra_bias = (elapsed + step) % frame, extra_biases[(elapsed + step) % len(extra_biases)]
        row[ahead : ahead + units] = drives[step]
        end = count_and_list(
            row, ahead, ahead + units, membranes, sent, ahead, biases, 0, waiting, fired, biased, extra_bias, phase,
            frame, emission, start, threshold, floor, ceiling, burst, restart, listed, values, 0,
        )  # fmt: skip
        left += np.abs(row).sum()
        drives[step] = 0
        for i in range(end):
            drives[step, listed[i] - ahead] = values[i]
    return left


@pytest.mark.parametrize("seed", range(200))
def test_listed_spikes_are_those_of_the_scan_where_most_units_are_left_alone(seed):
    rng = np.random.default_rng(seed)
    neuron, units = some_neuron(rng), int(rng.choice([1, 30, 64, 130, 320, 401]))
    active = np.repeat(rng.random((19, -(-units // 16))) < 0.15, 16, axis=1)[:, :units]
    drives = (rng.normal(0.6, 1.5, (19, units)) * active).astype(np.float32)
    biases = (rng.normal(0, 0.3, units) * (seed % 3 == 0)).astype(np.float32)
    options, elapsed, plain = neuron.dynamics, int(rng.integers(0, 9)), None
    membranes, sent = np.full(2 * AHEAD + units, options.start, np.float32), np.zeros(2 * AHEAD + units, np.float32)
    extra = neuron.extra_biases(0, neuron.ticks_per_frame).numpy()
    limits = [np.float32(limit) for limit in options[2:7]]
    given = np.concatenate([np.zeros(AHEAD, np.float32), biases])
    for first, last in pairwise([0, 6, 7, 19]):
        each = extra[(elapsed + np.arange(first, last)) % len(extra), None]
        driven = torch.from_numpy((drives[first:last] + biases) + each * biases)
        expected, plain = neuron.scan_plainly(driven, plain, elapsed + first)
        found = drives[first:last].copy()
        kind = options.frame, options.emission, *limits, options.restart
        left = count_along(found, AHEAD, membranes, sent, given, extra, elapsed + first, *kind)
        assert left == 0
        assert np.array_equal(found, expected.numpy())
        assert np.array_equal(membranes[2 * AHEAD :], plain[0].numpy())
        assert np.array_equal(sent[2 * AHEAD :], plain[1].numpy())
        assert (membranes[: 2 * AHEAD] == np.float32(options.start)).all()
        assert not sent[: 2 * AHEAD].any()


def test_the_neurons_drawn_do_spike():
    """Or else the law above could not fail."""
    active, several = 0, 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        spikes, _ = some_neuron(rng).scan(torch.from_numpy(rng.normal(0.6, 1.5, (19, 40, 1))).float(), None, 0)
        active, several = active + bool(spikes.any()), several + bool((spikes > 1).any())
    assert active == 100
    assert several > 20


@pytest.mark.usefixtures("several_threads")
@pytest.mark.parametrize("seed", range(60))
def test_large_calm_networks_keep_their_numbers(seed, monkeypatch):
    """Most units are reached by nothing in most ticks; with and without biases, in blocks, batches and bands."""
    rng = np.random.default_rng(seed)
    channels, neuron = [16, 3, 32, 10][seed % 4], some_neuron(rng, dyadic=True)
    edges = [
        wb.Edge("in", "a", wb.Conv(channels, kernel=3), int(rng.integers(0, 3))),
        wb.Edge("a", "b", wb.Conv(channels, kernel=[3, 5][seed % 2], stride=[1, 2][seed // 2 % 2]), 0),
        wb.Edge("b", "b", wb.Identity()),
        wb.Edge("b", "c", wb.Pool(2), 0),
        wb.Edge("c", "d", wb.Dense([5, 16, 70][seed % 3]), 0),
        wb.Edge("d", "out", wb.Dense(3), 0),
    ]
    network = in_whole_frames(wb.Network({"in": (2, 12, 11)}, edges), neuron.ticks_per_frame)
    model = random_spiking(network, seed, **{f.name: getattr(neuron, f.name) for f in dataclasses.fields(neuron)})
    model.ticks_per_frame = neuron.ticks_per_frame
    for node in network.hidden:
        model.node_layer(node).bias.data.mul_(float(seed % 3 == 0))
    steps, batch = 5 * neuron.ticks_per_frame + 4, seed % 3 + 1
    few, counts = rng.random((steps, batch, 2, 12, 11)) < 0.01, rng.integers(1, 4, (steps, batch, 1, 1, 1))
    ticks = torch.from_numpy(few * counts).float()
    with torch.no_grad():
        expected = model.run(ticks, layers=model)
        for worth in (1 << 16, 0):
            monkeypatch.setattr(parallel, "MIN_PARALLEL_SIZE", worth)
            for block in (1, 4, None):
                found = model.run(ticks, block=block, engine="events")
                assert all(torch.equal(found[node], expected[node]) for node in network.nodes), (worth, block)
