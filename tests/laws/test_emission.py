"""Law: neurons that count for a frame send what the words say, in every engine, cut at every phase."""

import math
from dataclasses import replace

import networkx
import numpy as np
import pytest
import torch
from torch import Tensor

import workbench as wb
from tests.support.random_networks import random_frames, random_network, random_spiking
from tests.support.reference import first_responses

SEEDS = range(60)
EMISSIONS = [("spread", "drop"), ("spread", "keep"), ("burst", "drop"), ("burst", "keep")]


def some_model(seed: int) -> tuple[wb.Model, Tensor]:
    """A network with loops and shortcuts, dyadic numbers and neurons that count for K ticks; and its ticks."""
    rng = np.random.default_rng(seed)
    k, (emission, remainder) = int(rng.integers(1, 6)), EMISSIONS[seed % 4]
    drawn = random_network(seed, flat=seed % 3 == 0, signal=seed % 3 == 1, longest=2, parallel=True)
    edges = [replace(edge, delay=k * (edge.delay + 1)) for edge in drawn.edges]  # none within less than a frame
    network = wb.Network(drawn.inputs, edges, output="out")
    odd = {edge.ends: int(rng.integers(1, 2 * k + 1)) for edge in network.edges if edge.source == "in"}
    if seed % 2 and all(len([e for e in network.edges if e.ends == ends]) == 1 for ends in odd):
        network = network.with_delays(odd)  # frames of different nodes then begin in different ticks
    cap = None if rng.random() < 0.6 else int(rng.integers(1, k + 1 if emission == "spread" else 9))
    model = random_spiking(
        network,
        seed,
        ticks_per_frame=k,
        emission=emission,
        remainder=remainder,
        cap=cap,
        start=float(rng.choice([0.5, 0.25, 0.0])),
        floor=[-1.0, None, -0.25][rng.integers(3)],
        saturation=[None, 12.0][rng.integers(2)],
    )
    model.ticks_per_frame = k
    return model, random_frames(network, seed, 5 * k + 3, counts=True)


def run_plainly(model: wb.Model, ticks: Tensor) -> dict[str, Tensor]:
    """Activity of every node in float64, tick by tick: each count is known in one tick and sent in those after it."""
    network, first = model.network, first_responses(model.network)
    neurons, k = {node: model.neuron_of(node) for node in network.hidden}, model.ticks_per_frame
    taken = {node: 0 if neuron.emission == "at_once" else k - 1 for node, neuron in neurons.items()}
    instant = networkx.DiGraph([edge.ends for edge in network.edges if edge.delay == 0])
    instant.add_nodes_from(network.nodes)
    steps, batch = ticks.shape[:2]
    activity = {n: torch.zeros(steps + k, batch, *network.shapes[n], dtype=torch.float64) for n in network.nodes}
    activity["in"][:steps] = ticks
    level = {n: torch.full((batch, *network.shapes[n]), neurons[n].start, dtype=torch.float64) for n in network.hidden}
    for t in range(steps):
        for node in networkx.topological_sort(instant):
            if node in network.inputs or t < first[node]:
                continue
            drive = torch.zeros(batch, *network.shapes[node], dtype=torch.float64)
            drive += model.node_layer(node).bias.double().view(-1, *[1] * (drive.ndim - 2))
            for position, edge in enumerate(network.edges):
                sent = t - edge.delay + taken.get(edge.source, 0)
                if edge.target == node and sent >= 0:
                    weights = [weight.double() for weight in model.weights[position].parameters()]
                    drive += edge.operation(activity[edge.source][sent], weights)
            if node == network.output:
                activity[node][t] = drive
            else:
                level[node] = answer(neurons[node], level[node] + drive, t - int(first[node]), activity[node][t:])
    return {node: values[:steps] for node, values in activity.items()}


def answer(neuron: wb.IntegrateAndFire, level: Tensor, elapsed: int, later: Tensor) -> Tensor:
    """The membrane after a tick; the spikes are added to those of this tick and of `later` ones."""
    k, most = neuron.ticks_per_frame, neuron.cap or neuron.ticks_per_frame
    if neuron.saturation is not None:
        level = level.clamp(-neuron.saturation, neuron.saturation)
    if neuron.emission == "at_once":
        level = level if neuron.floor is None else level.clamp(min=neuron.floor)
        later[0] += level >= 1
        return level - (level >= 1).double()
    if elapsed % k != k - 1:
        return level
    counts = level.floor().clamp(0, most)
    for place in np.ndindex(counts.shape):
        for m in range(int(counts[place])):
            later[(math.floor(m * k / counts[place].item()) if neuron.emission == "spread" else 0, *place)] += 1
    kept = level - counts
    kept = kept if neuron.floor is None else kept.clamp(min=neuron.floor)
    return torch.full_like(kept, neuron.start) if neuron.remainder == "drop" else kept


def differing(found: dict[str, Tensor], expected: dict[str, Tensor]) -> list[str]:
    return [node for node, values in expected.items() if not torch.equal(found[node].double(), values)]


@pytest.mark.parametrize("seed", SEEDS)
@torch.no_grad()
def test_counts_are_sent_as_a_plain_loop_sends_them_in_every_engine_cut_at_every_phase(seed):
    model, ticks = some_model(seed)
    expected = run_plainly(model, ticks)
    for engine in ("dense", "events", "auto"):
        assert differing(model.run(ticks, engine=engine), expected) == [], engine
        for block in range(1, 2 * model.ticks_per_frame + 2):
            assert differing(model.run(ticks, engine=engine, block=block), expected) == [], (engine, block)
    assert differing(model.run(ticks, layers=model, block=len(ticks)), expected) == []


@pytest.mark.parametrize("seed", SEEDS)
@torch.no_grad()
def test_what_cannot_reach_the_answer_any_more_is_left_out_and_nothing_else(seed):
    model, ticks = some_model(seed)
    expected = run_plainly(model, ticks)["out"]
    for engine in ("dense", "events", "auto"):
        assert differing(model.run(ticks, record=["out"], engine=engine), {"out": expected}) == [], engine


@pytest.mark.parametrize("seed", SEEDS)
@torch.no_grad()
def test_nodes_may_differ_in_when_they_send(seed):
    model, ticks = some_model(seed)
    k, kinds = model.ticks_per_frame, [("at_once", None), *EMISSIONS]
    drawn = np.random.default_rng([seed, 1]).integers(len(kinds), size=len(model.network.hidden))
    neurons = {
        node: wb.IntegrateAndFire(emission=kinds[kind][0], remainder=kinds[kind][1], ticks_per_frame=k)
        for node, kind in zip(model.network.hidden, drawn, strict=True)
    }
    mixed = wb.Model(model.network, norm=None, neuron=wb.IntegrateAndFire(), neurons=neurons, ticks_per_frame=k).eval()
    mixed.load_state_dict(model.state_dict())
    expected = run_plainly(mixed, ticks)
    for block in (None, 1, k, 2 * k - 1, len(ticks)):
        assert differing(mixed.run(ticks, block=block), expected) == [], block
    assert differing(mixed.run(ticks, record=["out"]), {"out": expected["out"]}) == []


def test_spikes_are_sent_at_all():
    """Or else the laws above could not fail."""
    sent = [float(run_plainly(*some_model(seed))["n0"].sum()) for seed in list(SEEDS)[::6]]
    assert sum(map(bool, sent)) > 5
