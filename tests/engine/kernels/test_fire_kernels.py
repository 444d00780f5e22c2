"""The pass from drives to lists: what it leaves out would have stayed as it is, bit for bit, whatever the numbers."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from numba import njit

import workbench as wb
from tests.support.random_networks import random_spiking
from tests.support.random_neurons import some_leaky
from workbench.engine.kernels import parallel
from workbench.engine.kernels.fire_kernels import UNROLL, begin_frame, fire_and_list
from workbench.engine.kernels.simd import WIDTH

AHEAD = 7  # places before the membranes, before the biases, and before the drives


def some_neuron(rng: np.random.Generator, dyadic: bool = False) -> wb.IntegrateAndFire | wb.LeakyIntegrateAndFire:
    """One that spikes at once."""
    if rng.random() < 0.3:
        return some_leaky(rng, **({"threshold": 1.0, "start": 0.25, "floor": -0.5, "resolution": 7} if dyadic else {}))
    frame, reset, burst = int(rng.integers(1, 7)), str(rng.choice(["subtract", "zero"])), int(rng.choice([1, 1, 2, 5]))
    return wb.IntegrateAndFire(
        threshold=float(rng.choice([1.0, 0.5, 2.0] if dyadic else [1.0, 0.5, 2.0, 0.7])),
        start=float(rng.choice([0.5, 0.0, 0.25] if dyadic else [0.5, 0.0, 0.3])),
        floor=[-1.0, None, 0.0, -0.5][rng.integers(4)],
        reset=reset,
        membrane=str(rng.choice(["carry", "rectify", "frame"])),
        burst=burst,
        signed=reset == "subtract" and bool(rng.integers(2)),
        ticks_per_frame=frame,
        bias=str(rng.choice(["tick", "frame"])),
        saturation=[None, burst + 0.5][rng.integers(2)],
    )


@njit
def fire_along(
    drives, ahead, membranes, sent, biases, extra_biases, elapsed, frame, start, threshold, floor, ceiling,
    burst, signed, reset_to_zero, restart, rectify, leak, grain
):  # fmt: skip
    """Overwrite drives (steps, units) by their spikes, which are listed first; what is left of the drives."""
    units, left = drives.shape[1], 0.0
    row, fired = np.zeros(ahead + units, np.float32), np.ones(WIDTH, np.float32)
    listed, values = np.zeros(units + UNROLL, np.int32), np.zeros(units + UNROLL, np.float32)
    restless, biased = np.ones(units // WIDTH + 1, np.bool_), np.any(biases != 0)
    for step in range(len(drives)):
        phase, extra_bias = (elapsed + step) % frame, extra_biases[(elapsed + step) % len(extra_biases)]
        row[ahead : ahead + units] = drives[step]
        if phase == 0:
            begin_frame(membranes, sent, 2 * ahead, 2 * ahead + units, start, signed, restart, rectify)
        end = fire_and_list(
            row, ahead, ahead + units, membranes, sent, ahead, biases, 0, restless, fired,
            biased, extra_bias, threshold, floor, ceiling, burst, signed, reset_to_zero, leak, grain, listed, values, 0,
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
    active = np.repeat(rng.random((15, -(-units // 16))) < 0.15, 16, axis=1)[:, :units]
    drives = (rng.normal(0.3, 1.5, (15, units)) * active).astype(np.float32)
    biases = (rng.normal(0, 0.3, units) * (seed % 3 == 0)).astype(np.float32)
    options, elapsed, plain = neuron.dynamics, int(rng.integers(0, 9)), None
    membranes, sent = np.full(2 * AHEAD + units, options.start, np.float32), np.zeros(2 * AHEAD + units, np.float32)
    extra = neuron.extra_biases(0, options.frame)
    extra = np.zeros(1, np.float32) if extra is None else extra.numpy()
    limits = [np.float32(limit) for limit in options[2:7]]
    for first, last in pairwise([0, 6, 7, 15]):
        each = extra[(elapsed + np.arange(first, last)) % len(extra), None]
        driven = torch.from_numpy((drives[first:last] + biases) + each * biases)
        expected, plain = neuron.scan_plainly(driven, plain, elapsed + first)
        found = drives[first:last].copy()
        given = np.concatenate([np.zeros(AHEAD, np.float32), biases])
        left = fire_along(
            found,
            AHEAD,
            membranes,
            sent,
            given,
            extra,
            elapsed + first,
            options.frame,
            *limits,
            *options[7:11],
            np.float32(options.leak),
            np.float32(options.grain),
        )
        assert left == 0
        assert np.array_equal(found, expected.numpy())
        assert np.array_equal(membranes[2 * AHEAD :], neuron.potential(plain).numpy())
        assert not options.signed or np.array_equal(sent[2 * AHEAD :], plain[1].numpy())
        assert (membranes[: 2 * AHEAD] == np.float32(options.start)).all()


@pytest.mark.usefixtures("several_threads")
@pytest.mark.parametrize("seed", range(60))
def test_large_calm_networks_keep_their_numbers(seed, monkeypatch):
    """Most units are reached by nothing in most ticks; with and without biases, in blocks, batches and bands."""
    rng = np.random.default_rng(seed)
    channels = [16, 3, 32, 10][seed % 4]
    edges = [
        wb.Edge("in", "a", wb.Conv(channels, kernel=3), int(rng.integers(0, 3))),
        wb.Edge("a", "b", wb.Conv(channels, kernel=[3, 5][seed % 2], stride=[1, 2][seed // 2 % 2])),
        wb.Edge("b", "b", wb.Identity()),
        wb.Edge("b", "c", wb.Pool(2)),
        wb.Edge("c", "d", wb.Dense([5, 16, 70][seed % 3])),
        wb.Edge("d", "out", wb.Dense(3)),
    ]
    network = wb.Network({"in": (2, 12, 11)}, edges)
    neuron = some_neuron(rng, dyadic=True)
    model = random_spiking(network, seed)
    model.neuron, model.ticks_per_frame = neuron, neuron.dynamics.frame
    for node in network.hidden:
        model.node_layer(node).bias.data.mul_(float(seed % 3 == 0))
    batch = seed % 3 + 1
    ticks = torch.from_numpy((rng.random((13, batch, 2, 12, 11)) < 0.01) * rng.integers(1, 4, (13, batch, 1, 1, 1)))
    with torch.no_grad():
        expected = model.run(ticks.float(), layers=model)
        for worth in (1 << 16, 0):
            monkeypatch.setattr(parallel, "MIN_PARALLEL_SIZE", worth)
            for block in (1, 4, None):
                found = model.run(ticks.float(), block=block, engine="events")
                assert all(torch.equal(found[node], expected[node]) for node in network.nodes), (worth, block)
