"""What is counted: with padding as torch's own counter does, without as NeuroBench does, spike by spike and by step."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import workbench as wb
from tests.support.brute_force import KINDS, brute_force, synapses
from tests.support.exact_models import some_trained
from tests.support.random_networks import random_model, random_network
from tests.support.random_recordings import random_recordings
from tests.support.reference import taken_ticks
from tests.support.shrinking_networks import shrinking_network
from workbench.engine import Segment
from workbench.evaluation.energy import PRESETS
from workbench.evaluation.operation_counts import count_blocks, make_counter

ROLLOUTS = {
    "streaming": wb.Network.streaming,
    "sequential": wb.Network.sequential,
    "hybrid": lambda network: network,
}


@pytest.mark.parametrize("rollout", ROLLOUTS)
@pytest.mark.parametrize("seed", range(16))
def test_with_padding_dense_macs_are_those_of_torchs_own_counter(seed: int, rollout: str) -> None:
    network = random_network(seed, longest=2) if seed % 2 else shrinking_network(seed)
    network = ROLLOUTS[rollout](network)
    model, recordings = random_model(network, seed).float(), random_recordings(seed, 9, 3, network.inputs["in"])
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.run(torch.tensor(recordings.as_frames()))
    table = wb.operations(model, recordings, padding=True)
    last = table.groupby("edge").tail(1)
    assert 2 * 3 * last["dense_macs"].sum() == pytest.approx(counter.get_total_flops(), rel=1e-12)
    total = wb.compare({"it": model}, recordings, padding=True)
    for column in KINDS.values():
        np.testing.assert_allclose(total[column], table.groupby("step")[column].sum(), rtol=1e-9)
    assert (last["effective_macs"] <= last["dense_macs"] * (1 + 1e-12)).all()


@pytest.mark.parametrize("seed", range(10))
def test_with_padding_a_layer_takes_its_products_times_the_rate_of_its_input(seed: int) -> None:
    network = shrinking_network(seed)
    recordings = random_recordings(seed, 9, 3, network.inputs["in"])
    snn = wb.convert(random_model(network, seed).float(), recordings, ticks_per_frame=3)
    activity = snn.run(torch.tensor(recordings.as_ticks(ticks_per_frame=3)))
    last = wb.operations(snn, recordings, padding=True).groupby("edge").tail(1).set_index("edge")
    for position, edge in enumerate(snn.network.edges):
        spikes = activity[edge.source][: 27 - taken_ticks(snn, edge)].flatten(2).double()
        rate = float(spikes.sum(0).mean())  # per unit and recording
        products = edge.operation.products(network.shapes[edge.source])
        assert last.loc[position, "synaptic_operations"] == pytest.approx(products * rate)


@pytest.mark.parametrize("spiking", [False, True])
@pytest.mark.parametrize("rollout", ROLLOUTS)
@pytest.mark.parametrize("seed", range(200, 212))
def test_operations_equal_brute_force_in_every_rollout(seed: int, rollout: str, spiking: bool) -> None:
    network = ROLLOUTS[rollout](shrinking_network(seed) if seed % 2 else random_network(seed, longest=2))
    recordings = random_recordings(seed, frames=9, shape=network.inputs["in"])
    model = random_model(network, seed).float()
    if spiking:
        model = wb.convert(model, recordings, ticks_per_frame=2)
    assert rollout != "sequential" or 0 in {edge.delay for edge in network.edges}
    engine = ["auto", "events", "dense"][seed // 2 % 3] if spiking else None
    expected, found = brute_force(model, recordings), wb.operations(model, recordings, engine=engine)
    for kind, column in KINDS.items():
        table = found.pivot(index="step", columns="edge", values=column).to_numpy()
        np.testing.assert_allclose(table, expected[kind], rtol=1e-9)


@pytest.mark.parametrize("seed", range(0, 24, 2))
def test_nodes_with_neurons_of_their_own_are_counted_like_brute_force(seed: int) -> None:
    model, ticks = some_trained(seed)
    recordings = wb.Recordings.from_ticks(
        ticks.numpy().astype(int), np.arange(ticks.shape[1]) % 3, ("a", "b", "c"), ticks_per_frame=model.ticks_per_frame
    )
    expected, network = brute_force(model, recordings), model.network
    activity = model.run(ticks)
    for engine in ("dense", "events"):
        found = wb.operations(model, recordings, engine=engine)
        for kind, column in KINDS.items():
            table = found.pivot(index="step", columns="edge", values=column).to_numpy()
            np.testing.assert_allclose(table, expected[kind], rtol=1e-9)
        nodes = wb.count_updates(model, recordings, engine=engine, cumulative=False)
        for node in network.hidden:
            rows, units = nodes[nodes["node"] == node], float(np.prod(network.shapes[node]))
            alive = np.arange(len(ticks)) >= network.first_response[node]
            sent = activity[node].abs().flatten(1).double().sum(1).numpy() / ticks.shape[1]
            np.testing.assert_allclose(rows["neuron_updates"], units * alive)
            np.testing.assert_allclose(rows["membrane_accesses"], 2 * units * alive)
            np.testing.assert_allclose(rows["activity_writes"], sent)


@pytest.mark.parametrize("seed", range(15))
def test_bursts_and_signed_spikes_count_one_by_one(seed: int) -> None:
    network, recordings = random_network(seed, longest=2), random_recordings(seed)
    snn = wb.convert(random_model(network, seed).float(), recordings, ticks_per_frame=2)
    generator, steps = torch.Generator().manual_seed(seed), 7
    activity = {
        node: torch.randint(-2, 4, (steps, 2, *shape), generator=generator).float()
        for node, shape in network.shapes.items()
    }
    cut = [
        (np.arange(2), begin, {node: values[begin : begin + 3] for node, values in activity.items()})
        for begin in (0, 3, 6)
    ]
    counter = make_counter(snn)
    for _, begin, block in cut:
        for node, values in block.items():
            counter.add(node, Segment(begin, values))
    counts = count_blocks(snn, counter, cut, steps, 2)
    assert not counts.dense.any()
    for position, edge in enumerate(snn.network.edges):
        fan_out, expected, delay = synapses(network, position).sum(1), np.zeros(steps), taken_ticks(snn, edge)
        for step in range(delay, steps):
            for recording in range(2):
                units = activity[edge.source][step - delay, recording].flatten()
                expected[step] += sum(abs(int(n)) * fan_out[unit] for unit, n in enumerate(units))
        np.testing.assert_array_equal(counts.synaptic[:, position], expected)


class Layers(nn.Module):
    """A chain network of ours as plain layers of torch, each of which tells what it was given."""

    def __init__(self, model: wb.Model) -> None:
        super().__init__()
        self.links = nn.ModuleList()
        self.given: list[list[torch.Tensor]] = []
        for position, edge in enumerate(model.network.edges):
            weight = next(iter(model.weights[position].parameters()))
            bias = model.node_layer(edge.target).bias
            if isinstance(edge.operation, wb.Conv):
                kernel, stride = edge.operation.kernel, edge.operation.stride
                layer: nn.Module = nn.Conv2d(weight.shape[1], weight.shape[0], kernel, stride, kernel // 2)
            else:
                layer = nn.Linear(weight.shape[1], weight.shape[0])
            layer.load_state_dict({"weight": weight.detach(), "bias": bias.detach()})
            self.given.append([])
            layer.register_forward_pre_hook(lambda _, given, place=position: self.given[place].append(given[0]))
            self.links.append(layer)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        for place, layer in enumerate(self.links):
            frames = layer(frames.flatten(1) if isinstance(layer, nn.Linear) else frames)
            frames = torch.relu(frames) if place < len(self.links) - 1 else frames
        return frames


def neurobench(layers: Layers, samples: int) -> dict[str, float]:
    """Dense, Effective_MACs and Effective_ACs as NeuroBench defines them, from what the layers were given.

    Weights and inputs become 1 where they are not 0 (for Dense everywhere), biases 0; what comes out is summed. A layer
    adds rather than multiplies where all its input is -1, 0 or 1.
    """
    found = {"Dense": 0.0, "Effective_MACs": 0.0, "Effective_ACs": 0.0}
    for layer, given in zip(layers.links, layers.given, strict=True):
        for inputs in given:
            spikes = bool(torch.isin(inputs, torch.tensor([-1.0, 0.0, 1.0])).all())
            found["Effective_ACs" if spikes else "Effective_MACs"] += sum_binary(layer, inputs != 0, layer.weight != 0)
            found["Dense"] += sum_binary(layer, torch.ones_like(inputs), torch.ones_like(layer.weight))
    return {name: value / samples for name, value in found.items()}


def sum_binary(layer: nn.Module, inputs: torch.Tensor, weight: torch.Tensor) -> float:
    """What comes out of a layer without bias whose weights and inputs are 0 or 1, summed."""
    inputs, weight = inputs.float(), weight.float()
    if isinstance(layer, nn.Linear):
        return float(nn.functional.linear(inputs, weight).double().sum())
    return float(nn.functional.conv2d(inputs, weight, None, layer.stride, layer.padding).double().sum())


def random_chain(seed: int) -> wb.Network:
    """Two convolutions and a dense map, without delays."""
    rng = np.random.default_rng(seed)
    convs = [
        wb.Conv(int(rng.integers(1, 5)), kernel=int(rng.choice([1, 3, 5])), stride=int(rng.integers(1, 4)))
        for _ in range(2)
    ]
    ends = [("in", "a"), ("a", "b"), ("b", "out")]
    return wb.Network(
        {"in": (2, 6, 5)}, [wb.Edge(*pair, op, delay=0) for pair, op in zip(ends, [*convs, wb.Dense(3)], strict=True)]
    )


@pytest.mark.parametrize("seed", range(15))
def test_an_ann_counts_as_neurobench_defines_it(seed: int) -> None:
    network, recordings = random_chain(seed), random_recordings(seed, frames=4)
    model = random_model(network, seed).float()
    layers = Layers(model)
    frames = torch.tensor(recordings.as_frames())
    with torch.no_grad():
        torch.testing.assert_close(layers(frames.flatten(0, 1)), model(frames).flatten(0, 1))
    expected = neurobench(layers, len(recordings))
    last = wb.compare({"ANN": model}, recordings).iloc[-1]
    assert last["dense_macs"] == pytest.approx(expected["Dense"])
    assert last["effective_macs"] == pytest.approx(expected["Effective_MACs"] + expected["Effective_ACs"])


@pytest.mark.parametrize("seed", range(15))
def test_an_snn_of_single_spikes_counts_as_neurobench_defines_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ticks = rng.integers(0, 2, (8, 3, 2, 6, 5))  # at most an event a tick and pixel: there a count is a spike
    recordings = wb.Recordings.from_ticks(ticks, labels=[0, 1, 2], ticks_per_frame=2)
    network = random_chain(seed)
    snn = wb.convert(random_model(network, seed).float(), recordings, percentile=99.9, ticks_per_frame=2)
    activity = snn.run(torch.tensor(recordings.as_ticks(ticks_per_frame=2)))
    layers = Layers(snn)
    layers.given = [list(activity[edge.source].split(1)) for edge in snn.network.edges]
    layers.given = [[values[0].flatten(1) if isinstance(layer, nn.Linear) else values[0] for values in given]
                    for layer, given in zip(layers.links, layers.given, strict=True)]  # fmt: skip
    expected = neurobench(layers, len(recordings))
    last = wb.compare({"SNN": snn}, recordings).iloc[-1]
    assert last["synaptic_operations"] == pytest.approx(expected["Effective_ACs"])
    assert expected["Effective_MACs"] == 0
    assert last["synapses"] * 8 == pytest.approx(expected["Dense"])


MODELS = pytest.mark.parametrize("kind", ["ANN", "SNN"])


def random_pair(seed: int, kind: str) -> tuple[wb.Model, wb.Recordings]:
    network, recordings = random_network(seed, longest=2), random_recordings(seed, frames=9)
    ann = random_model(network, seed).float()
    return (ann if kind == "ANN" else wb.convert(ann, recordings, ticks_per_frame=2)), recordings


@MODELS
@pytest.mark.parametrize("seed", range(5))
def test_the_steps_alone_add_up_to_the_sums(seed: int, kind: str) -> None:
    model, recordings = random_pair(seed, kind)
    mine = dataclasses.replace(PRESETS["int8 with memory"], name="mine")
    for verb, key in ((wb.operations, "edge"), (wb.count_updates, "node")):
        alone = verb(model, recordings, energy=mine, cumulative=False)
        summed = verb(model, recordings, energy=mine)
        fixed = {key, "source", "target", "delay", "step", "frame", "delay_buffer_bytes", "delay_mismatch", "synapses"}
        assert alone.columns.tolist() == summed.columns.tolist()
        for column in set(alone.columns) - fixed:
            np.testing.assert_allclose(alone.groupby(key, sort=False)[column].cumsum(), summed[column], rtol=1e-9)
        pd.testing.assert_frame_equal(alone[list(fixed & set(alone))], summed[list(fixed & set(alone))])


@MODELS
@pytest.mark.parametrize("preset", ["fp32", "int32 with memory"])
@pytest.mark.parametrize("seed", range(5))
def test_edges_and_nodes_together_are_the_model(seed: int, preset: str, kind: str) -> None:
    model, recordings = random_pair(seed, kind)
    edges, nodes = (verb(model, recordings, energy=preset) for verb in (wb.operations, wb.count_updates))
    total = wb.compare({"it": model}, recordings, energy=preset)
    for column in ("energy_nj", "memory_accesses", "memory_span_words"):
        both = edges.groupby("step")[column].sum() + nodes.groupby("step")[column].sum()
        np.testing.assert_allclose(total[column], both, rtol=1e-9)
    np.testing.assert_allclose(total["neuron_updates"], nodes.groupby("step")["neuron_updates"].sum())
    for column in ("delay_buffer_bytes", "synapses"):
        assert set(total[column]) == {edges.groupby("edge")[column].first().sum()}


@MODELS
def test_a_node_updates_its_neurons_from_its_first_response_on(kind: str) -> None:
    model, recordings = random_pair(3, kind)
    table = wb.count_updates(model, recordings, cumulative=False)
    with torch.no_grad():
        activity = model.run(torch.tensor(recordings.as_ticks(ticks_per_frame=model.ticks_per_frame)))
    for node, rows in table.groupby("node"):
        units, first = np.prod(model.network.shapes[node]), model.network.first_response[node]
        neuron = node not in ("in", "out")
        assert rows["neuron_updates"].tolist() == [units * neuron * (step >= first) for step in range(len(rows))]
        sent = activity[node].flatten(2).double().sum(2).mean(1).numpy()
        numbers = units * (np.arange(len(rows)) >= first)
        spikes = kind == "SNN" and node != "out"
        np.testing.assert_allclose(rows["activity"], sent if spikes else numbers, rtol=1e-6)
