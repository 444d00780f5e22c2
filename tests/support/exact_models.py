"""Converted SNNs of random graphs, with every option of conversions and neurons, and the ticks that they run on."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

import workbench as wb
from tests.support.random_networks import in_whole_frames, random_network
from tests.support.random_neurons import SpikingNeuron, draw_counting, some_integrating, some_leaky
from workbench.conversion import make_exact

K, FRAMES, RECORDINGS = 3, 6, 4


def draw_options(seed: int) -> dict[str, Any]:
    """Options of a conversion; most starts, floors and ceilings are no whole multiples of any power of two."""
    rng = np.random.default_rng([seed, 0])
    reset = str(rng.choice(["subtract", "subtract", "zero"]))
    burst = int(rng.choice([1, 1, 2, 3, 127]))
    start = float(rng.choice([0.5, rng.uniform(-0.4, 0.9)]))
    options = {
        "percentile": float(rng.choice([99.0, 90.0])),
        "scale": str(rng.choice(["node", "channel"])),
        "start": start,
        "floor": rng.choice([None, -1.0, min(start, 0.0) - rng.uniform(0, 2)]),
        "reset": reset,
        "membrane": str(rng.choice(["carry", "frame", "rectify"])),
        "burst": burst,
        "signed": bool(reset == "subtract" and rng.random() < 0.5),
        "bias": str(rng.choice(["tick", "frame"])),
        "saturation": rng.choice([None, int(rng.integers(max(2 * K, burst), 300))]),
        "weight_bits": rng.choice([None, None, 8, 5]),
        "emission": "at_once",
        "remainder": None,
        "cap": None,
    }
    if not counts_frames(seed):
        return options
    usual = {"reset": "subtract", "membrane": "carry", "burst": 1, "signed": False, "bias": "tick"}
    return options | usual | draw_counting(rng, K)


def counts_frames(seed: int) -> bool:
    """Whether the neurons count for a frame."""
    return seed // 2 % 4 == 1


def some_network(seed: int) -> wb.Network:
    """A random network with loops; in some of images or signals an edge that pools alone, and one before weights.

    Where neurons count for a frame, every connection takes one or more.
    """
    network = random_network(
        seed,
        flat=seed % 3 == 0,
        signal=seed % 3 == 1 and seed // 3 % 5 < 2,
        longest=1 + seed % 2,
        parallel=not counts_frames(seed),
        channels=[3, 16, 5][seed // 3 % 3],
    )
    network = network.streaming() if counts_frames(seed) else network
    if seed % 6 != 1:
        return network
    pool = [wb.Pool(3), wb.GlobalPool()][seed // 6 % 2]
    pooled = wb.Chain(pool, wb.Dense(3))
    edges = [replace(edge, operation=pooled) if edge.target == "out" else edge for edge in network.edges]
    edges += [wb.Edge("in", "pool", pool), wb.Edge("pool", "out", wb.Dense(3))]
    return wb.Network(network.inputs, edges, output="out")


def some_ann(seed: int) -> wb.Model:
    """An ANN with positive biases, so that no node is silent."""
    ann = wb.Model(some_network(seed), seed=seed, norm=None)
    generator = torch.Generator().manual_seed(seed)
    for node in ann.network.nodes:
        if node not in ann.network.inputs:
            bias = ann.node_layer(node).bias.data
            bias.copy_(0.2 * torch.rand(bias.shape, generator=generator))
    return ann.eval()


def some_recordings(network: wb.Network, seed: int) -> wb.Recordings:
    """Recordings of K ticks a frame for a network with one input."""
    counts = np.random.default_rng([seed, 1]).poisson(0.3, (K * FRAMES, RECORDINGS, *network.inputs["in"]))
    labels = np.arange(RECORDINGS) % 3
    return wb.Recordings.from_ticks(counts, labels, ("a", "b", "c"), ticks_per_frame=K)


def some_trained(seed: int) -> tuple[wb.Model, Tensor]:
    """An SNN whose nodes have neurons of all kinds, leaky ones among them, as if it were trained itself; and ticks.

    Every neuron has another threshold; in some there was batch norm, or weights are integers of few bits.
    """
    rng, network = np.random.default_rng([seed, 2]), in_whole_frames(some_network(seed), K)
    neurons = {node: draw_neuron(rng) for node in network.hidden}
    norm = str(rng.choice(["batch", ""])) or None
    norm = norm if all(neuron.extra_biases(0, 1) is None for neuron in neurons.values()) else None
    model = wb.Model(network, seed=seed, norm=norm, neuron=neurons, ticks_per_frame=K)
    recordings = some_recordings(network, seed)
    ticks = torch.from_numpy(recordings.as_ticks())
    if norm is not None:
        model.train()(ticks)  # which the norms take their statistics from
    with torch.no_grad():
        for node in (node for node in network.nodes if node not in network.inputs):
            bias = model.node_layer(node).bias
            bias.copy_(torch.from_numpy(rng.uniform(0.0, 0.3, bias.shape)))
    return make_exact(model.eval(), recordings, weight_bits=[None, None, 7][seed % 3]), ticks


def draw_neuron(rng: np.random.Generator) -> SpikingNeuron:
    """A neuron of any kind for frames of K ticks."""
    return some_leaky(rng) if rng.random() < 0.6 else some_integrating(rng, ticks_per_frame=K)


def some_snn(seed: int) -> tuple[wb.Model, Tensor]:
    """A converted SNN, with drawn options, and ticks (steps, recordings, *shape); a copy for everyone who asks."""
    snn, ticks = _convert(seed)
    return snn.copy(), ticks.clone()


@cache
def _convert(seed: int) -> tuple[wb.Model, Tensor]:
    ann = some_ann(seed)
    recordings = some_recordings(ann.network, seed)
    return wb.convert(ann, recordings, **draw_options(seed)), torch.from_numpy(recordings.as_ticks())
