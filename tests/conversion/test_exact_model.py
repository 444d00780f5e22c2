"""Spiking models that were trained themselves, made exact: what changes, what does not, and plain integers."""

from itertools import pairwise

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.exact_models import K, some_recordings, some_trained
from tests.support.random_networks import random_frames, random_network, random_spiking
from workbench.conversion import make_exact
from workbench.model.grid import DIGITS

LIF = wb.LeakyIntegrateAndFire


@pytest.mark.parametrize("seed", range(20))
def test_a_grid_holds_every_number_and_neurons_that_leak_have_the_resolution_of_their_node(seed: int) -> None:
    exact, _ = some_trained(seed)
    assert exact.norm is None
    assert exact.grid is not None
    for node, neuron in exact.node_neurons.items():
        assert neuron.threshold == 1
        assert np.isfinite(neuron.most_potential())
        assert not isinstance(neuron, LIF) or neuron.resolution == exact.grid.bits[node]


@pytest.mark.parametrize("seed", range(12))
def test_a_threshold_in_the_weights_gives_the_same_spikes(seed: int) -> None:
    """Of powers of two, which change no bit of dyadic numbers."""
    network = random_network(seed, longest=3)
    kinds = [{"threshold": 0.5, "burst": 2}, {"threshold": 2.0, "leak": 2, "resolution": 12}, {"reset": "zero"}]
    model = random_spiking(network, seed, kinds)
    model.ticks_per_frame = K
    ticks = random_frames(network, seed, 3 * K, counts=True)
    recordings = wb.Recordings.from_ticks(ticks.numpy().astype(int), [0, 1], ("a", "b", "c"), ticks_per_frame=K)
    before = {name: values.clone() for name, values in model.state_dict().items()}
    neurons = model.node_neurons
    thresholds = {node: neuron.threshold for node, neuron in neurons.items()}
    exact = make_exact(model, recordings)
    expected = model.run(ticks)
    found = exact.run(ticks)
    leaks = {node for node, neuron in neurons.items() if isinstance(neuron, LIF)}  # in other grains from now on
    reached = set(leaks)
    for _ in network.nodes:
        reached |= {edge.target for edge in network.edges if edge.source in reached}
    for node in set(network.nodes) - reached:
        assert torch.equal(found[node], expected[node]), thresholds
    assert model.node_neurons == neurons
    assert all(torch.equal(values, before[name]) for name, values in model.state_dict().items())
    assert model.grid is None


def test_batch_norm_and_pools_go_into_the_numbers() -> None:
    edges = [
        wb.Edge("in", "a", wb.Chain(wb.Pool(2), wb.Conv(4, 3))),
        wb.Edge("a", "b", wb.Pool(2)),
        wb.Edge("b", "out", wb.Dense(3)),
    ]
    network = wb.Network({"in": (2, 8, 8)}, edges).slowed(K)
    model = wb.Model(network, neuron=LIF(leak=3), ticks_per_frame=K)
    recordings = some_recordings(network, 0)
    ticks = torch.from_numpy(recordings.as_ticks())
    with torch.no_grad():
        for _ in range(30):
            model.train()(ticks)
    exact, normed = make_exact(model, recordings), model.eval()
    with torch.no_grad():
        expected, found = normed.run(ticks), exact.run(ticks)
    assert expected["a"].mean() > 0.05
    assert (expected["a"] != found["a"]).double().mean() < 0.01  # a threshold that was met may be missed by rounding
    assert torch.allclose(found["out"].mean(0), expected["out"].mean(0), atol=0.02)
    assert all(torch.equal(exact.run(ticks, engine="events")[node], found[node]) for node in network.nodes)


def simulate(model: wb.Model, ticks: list[list[int]]) -> dict[str, list[list[int]]]:
    """A dense model whose nodes leak, in Python's integers: spikes of every node, the drive of the output in grains."""
    network, bits = model.network, model.grid.bits
    found = {node: [] for node in network.nodes}

    def whole(values: torch.Tensor, node: str) -> list:
        scaled = values.detach().double() * 2.0 ** bits[node]
        assert torch.equal(scaled, scaled.round())
        return scaled.long().tolist()

    weights = [whole(model.weights[place][0], edge.target) for place, edge in enumerate(network.edges)]
    biases = {node: whole(model.node_layer(node).bias, node) for node in network.nodes if node not in network.inputs}
    levels = {node: [0] * len(biases[node]) for node in network.hidden}
    for tick, counts in enumerate(ticks):
        found["in"].append(counts)
        for node in [*network.hidden, network.output]:
            drives = list(biases[node])
            for place in network.incoming(node):
                edge = network.edges[place]
                sent = found[edge.source][tick - edge.delay] if tick >= edge.delay else [0] * 99
                for unit, row in enumerate(weights[place]):
                    drives[unit] += sum(w * n for w, n in zip(row, sent, strict=False))
            if tick < network.first_response[node]:
                found[node].append([0] * len(drives))
                continue
            if node == network.output:
                found[node].append(drives)
                continue
            neuron, spikes = model.neuron_of(node), []
            unit, least, most = 1 << bits[node], -1 << bits[node], int(neuron.saturation) << bits[node]
            for place, drive in enumerate(drives):
                v = levels[node][place]
                v = min(max(v - (v >> neuron.leak) + drive, least), most)
                spikes.append(int(v >= unit))
                levels[node][place] = v - unit * spikes[-1]
            found[node].append(spikes)
    return found


@pytest.mark.parametrize("seed", range(10))
def test_a_network_that_leaks_is_one_of_integers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    edges = [wb.Edge(*ends, wb.Dense(4)) for ends in pairwise(["in", "a", "b"])]
    edges += [wb.Edge("b", "a", wb.Dense(4)), wb.Edge("b", "b", wb.Dense(4), 2), wb.Edge("b", "out", wb.Dense(3))]
    network = wb.Network({"in": (3,)}, edges, output="out").slowed(2)
    neuron = {"a": LIF(leak=1 + seed % 5), "b": LIF(leak=2)}
    model = wb.Model(network, seed=seed, neuron=neuron, norm=None, ticks_per_frame=K)
    counts = rng.poisson(0.7, (3 * K * 5, 1, 3))
    recordings = wb.Recordings.from_ticks(counts, [0], ("a", "b", "c"), ticks_per_frame=K)
    with torch.no_grad():
        for node in ("a", "b"):
            model.node_layer(node).bias.fill_(0.13)
    exact = make_exact(model, recordings, weight_bits=[None, 6][seed % 2])
    expected = simulate(exact, counts[:, 0].tolist())
    for engine in ("dense", "events"):
        found = exact.run(torch.from_numpy(counts).float(), engine=engine)
        for node in ("a", "b"):
            assert found[node][:, 0].tolist() == expected[node]
        assert (found["out"][:, 0].double() * 2.0 ** exact.grid.bits["out"]).tolist() == expected["out"]
    assert 0.02 < np.mean(expected["b"]) < 0.98
    assert max(abs(n) for row in expected["out"] for n in row) < 2**DIGITS


def test_a_model_that_is_exact_already_stays_as_it_is() -> None:
    exact, ticks = some_trained(0)
    recordings = wb.Recordings.from_ticks(
        ticks.numpy().astype(int), np.arange(ticks.shape[1]) % 3, ("a", "b", "c"), ticks_per_frame=K
    )
    again = make_exact(exact, recordings, weight_bits=exact.grid.weight_bits)
    assert again.node_neurons == exact.node_neurons
    assert torch.equal(again.run(ticks)["out"], exact.run(ticks)["out"])


def test_models_that_cannot_be_made_exact_are_refused_by_node() -> None:
    network = wb.Network({"in": (2,)}, [wb.Edge("in", "v1", wb.Dense(3)), wb.Edge("v1", "out", wb.Dense(3))])
    recordings = some_recordings(network, 0)
    with pytest.raises(ValueError, match="this model does not spike, so it needs no grid; convert it by wb"):
        make_exact(wb.Model(network), recordings)
    counting = wb.IntegrateAndFire(emission="burst", ticks_per_frame=K)
    with pytest.raises(ValueError, match=r"node 'v1' has a batch norm, and its neuron, IntegrateAndFire\(.*norm=None"):
        make_exact(wb.Model(network.slowed(K), neuron=counting, ticks_per_frame=K), recordings)
