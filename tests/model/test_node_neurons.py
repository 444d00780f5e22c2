"""The neurons of nodes: what a model computes with them equals the plain step loop, and mistakes are refused."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch

import workbench as wb
from tests.support.random_networks import random_frames, random_network, random_spiking

LEAKY = wb.LeakyIntegrateAndFire(leak=3, resolution=8, saturation=4.0)
OTHER = wb.IntegrateAndFire(burst=3, floor=None, start=0.25, ticks_per_frame=3)


@pytest.mark.parametrize("seed", range(12))
def test_a_neuron_of_its_own_changes_its_node_and_what_follows_alone(seed: int) -> None:
    network = random_network(seed, longest=3)
    plain = random_spiking(network, seed, ticks_per_frame=3)
    node = network.hidden[seed % len(network.hidden)]
    mixed = wb.Model(network, norm=None, neuron=plain.neuron, neurons={node: OTHER}, ticks_per_frame=3).eval()
    mixed.load_state_dict(plain.state_dict())
    ticks = random_frames(network, seed, 9, counts=True)
    found = mixed.run(ticks)
    by_layers = mixed.run(ticks, layers=mixed, block=2)
    assert mixed.neuron_of(node) == OTHER
    assert all(torch.equal(found[other], by_layers[other]) for other in network.nodes)
    expected = plain.run(ticks)
    downstream = {node}
    for _ in network.nodes:
        downstream |= {edge.target for edge in network.edges if edge.source in downstream}
    for other in set(network.nodes) - downstream:
        assert torch.equal(found[other], expected[other])


def test_the_node_itself_follows_the_neuron_that_is_named_for_it() -> None:
    edges = [wb.Edge("eye", "a", wb.Identity()), wb.Edge("a", "b", wb.Identity()), wb.Edge("b", "hand", wb.Dense(1))]
    network = wb.Network({"eye": (1,)}, edges)
    neurons = {"b": wb.IntegrateAndFire(threshold=2.0, start=0.0)}
    model = wb.Model(network, norm=None, neuron=wb.IntegrateAndFire(start=0.0), neurons=neurons).eval()
    activity = model.run(torch.ones(6, 1, 1))
    assert activity["a"].flatten().tolist() == [0, 1, 1, 1, 1, 1]
    assert activity["b"].flatten().tolist() == [0, 0, 0, 1, 0, 1]
    assert "IntegrateAndFire(start=0.0) in a; IntegrateAndFire(threshold=2.0, start=0.0) in b" in repr(model)


@dataclass(frozen=True)
class Unknown(wb.IntegrateAndFire, abstract=True):
    """A neuron that kernels do not know, computed as one that they do."""

    @property
    def dynamics(self) -> None:
        return None

    def scan(self, drive: torch.Tensor, membrane: torch.Tensor | None, elapsed: int) -> tuple[torch.Tensor, ...]:
        return wb.IntegrateAndFire().scan(drive, membrane, elapsed)


def test_a_neuron_without_a_kernel_is_computed_densely_and_events_are_refused_by_node() -> None:
    network = wb.Network({"eye": (2,)}, [wb.Edge("eye", "v1", wb.Dense(3)), wb.Edge("v1", "hand", wb.Dense(1))])
    model = wb.Model(network, norm=None, neuron=Unknown(), ticks_per_frame=2).eval()
    ticks = random_frames(wb.Network({"in": (2,)}, [wb.Edge("in", "out", wb.Dense(1))]), 1, 5, counts=True)
    assert torch.equal(model.run(ticks, engine="auto")["hand"], model.run(ticks)["hand"])
    with pytest.raises(ValueError, match=r"neurons that have kernels, .*; 'v1' answer by neurons without one"):
        model.run(ticks, engine="events")


def named(network: wb.Network) -> dict[str, wb.IntegrateAndFire | wb.LeakyIntegrateAndFire]:
    """Another neuron for every node."""
    leaky = {"leak": 2, "resolution": 9}
    kinds = [wb.LeakyIntegrateAndFire(**leaky, reset="zero"), OTHER, wb.LeakyIntegrateAndFire(leak=1, resolution=7)]
    return {node: kinds[place % 3] for place, node in enumerate(network.hidden)}


@pytest.mark.parametrize("seed", range(12))
def test_a_mapping_names_the_neuron_of_every_node(seed: int) -> None:
    network = random_network(seed, longest=3)
    neurons = named(network)
    given = dict(reversed(neurons.items()))
    plain = random_spiking(network, seed, ticks_per_frame=3)
    model = wb.Model(network, norm=None, neuron=given, ticks_per_frame=3).eval()
    model.load_state_dict(plain.state_dict())
    assert model.node_neurons == neurons
    assert given == neurons
    as_exceptions = wb.Model(network, norm=None, neuron=OTHER, neurons=neurons, ticks_per_frame=3).eval()
    as_exceptions.load_state_dict(plain.state_dict())
    ticks = random_frames(network, seed, 9, counts=True)
    expected = as_exceptions.run(ticks, layers=as_exceptions, block=1)
    for engine in ("dense", "events", "auto"):
        found = model.run(ticks, engine=engine, block=4)
        assert all(torch.equal(found[node], expected[node]) for node in network.nodes), engine


NETWORK = wb.Network(
    {"eye": (2,)},
    [wb.Edge("eye", "v1", wb.Dense(3)), wb.Edge("v1", "v2", wb.Dense(3)), wb.Edge("v2", "hand", wb.Dense(1))],
)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"neuron": {"v1": wb.ReLU()}},
            r"neuron=\{\.\.\.\} names no neuron for 'v2'; name one for every hidden node: v1, v2; or give one neuron",
        ),
        ({"neuron": {}}, "names no neuron for 'v1'"),
        (
            {"neuron": {"v1": wb.ReLU(), "v2": wb.ReLU(), "v3": wb.ReLU()}},
            "names 'v3', which has no neuron; hidden nodes have one: v1, v2",
        ),
        ({"neuron": {"v1": wb.ReLU(), "v2": wb.ReLU(), "hand": wb.ReLU()}}, "names 'hand', which has no neuron"),
        (
            {"neuron": {"v1": wb.ReLU(), "v2": wb.IntegrateAndFire()}},
            r"gives 'v2' IntegrateAndFire\(.*, but the others are ReLU\(\); either all nodes spike or none does",
        ),
        ({"neuron": {"v1": wb.ReLU(), "v2": "relu"}}, "gives 'v2' 'relu'; give a neuron, such as"),
        ({"neuron": {"v1": wb.ReLU, "v2": wb.ReLU()}}, "gives 'v1' <class .*ReLU'>; give a neuron"),
        (
            {"neuron": "relu"},
            r"neuron='relu' is no neuron; give one for all nodes, such as wb\.ReLU\(\), or",
        ),
        (
            {"neuron": {"v1": wb.ReLU(), "v2": wb.ReLU()}, "neurons": {"v1": wb.QuantisedReLU(4)}},
            r"names the neuron of every node already; leave out neurons=",
        ),
    ],
)
def test_mistakes_in_a_mapping_are_told_with_node_and_cure(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        wb.Model(NETWORK, norm=None, **options)


def test_a_network_without_hidden_nodes_takes_an_empty_mapping() -> None:
    network = wb.Network({"eye": (2,)}, [wb.Edge("eye", "hand", wb.Dense(1))])
    assert not wb.Model(network, neuron={}).spiking


@pytest.mark.parametrize(
    ("neuron", "words"),
    [
        (wb.ReLU(), "Model(ANN: "),
        (wb.QuantisedReLU(4), "Model(ANN, QuantisedReLU(levels=4): "),
        ({"v1": wb.ReLU(), "v2": wb.QuantisedReLU(8)}, "Model(ANN, ReLU() in v1; QuantisedReLU(levels=8) in v2: "),
        (wb.LeakyIntegrateAndFire(leak=3), "Model(SNN, 1 ticks per frame, LeakyIntegrateAndFire(leak=3): "),
    ],
)
def test_a_model_shows_its_neurons(neuron: object, words: str) -> None:
    assert repr(wb.Model(NETWORK, neuron=neuron)).startswith(words)


def test_of_many_nodes_only_their_number_is_shown() -> None:
    names = ["eye", *(f"v{place}" for place in range(9)), "hand"]
    network = wb.Network({"eye": (2,)}, [wb.Edge(*ends, wb.Dense(2)) for ends in pairwise(names)])
    model = wb.Model(network, neurons={"v3": wb.QuantisedReLU(4)})
    assert "ReLU() in 8 nodes; QuantisedReLU(levels=4) in v3" in repr(model)


def test_levels_are_those_of_all_nodes() -> None:
    mixed = wb.Model(NETWORK, neuron={"v1": wb.QuantisedReLU(4), "v2": wb.QuantisedReLU(8)})
    assert mixed.bounded
    assert mixed.levels is None
    assert wb.Model(NETWORK, neuron={"v1": wb.QuantisedReLU(4), "v2": wb.QuantisedReLU(4)}).levels == 4
    assert not wb.Model(NETWORK, neuron={"v1": wb.QuantisedReLU(4), "v2": wb.ReLU()}).bounded


def test_a_neuron_that_is_named_again_as_the_default_is_no_exception() -> None:
    network = random_network(2)
    neuron = wb.IntegrateAndFire(burst=2)
    model = wb.Model(network, norm=None, neuron=neuron, neurons={network.hidden[0]: neuron})
    assert model.exceptions == {}


@pytest.mark.parametrize(
    ("neurons", "words"),
    [
        ({"hand": OTHER}, "neurons names 'hand', which has no neuron; hidden nodes have one: v1"),
        ({"eye": OTHER}, "neurons names 'eye', which has no neuron"),
        ({"v1": wb.ReLU()}, "either all nodes spike or none does"),
        ({"v1": "spiking"}, "neurons gives 'v1' 'spiking'; give a neuron"),
    ],
)
def test_mistakes_are_told_with_the_cure(neurons: dict[str, object], words: str) -> None:
    network = wb.Network({"eye": (2,)}, [wb.Edge("eye", "v1", wb.Dense(3)), wb.Edge("v1", "hand", wb.Dense(1))])
    with pytest.raises(ValueError, match=words):
        wb.Model(network, norm=None, neuron=wb.IntegrateAndFire(), neurons=neurons)


@pytest.mark.parametrize("by_node", [False, True])
def test_files_keep_them(tmp_path, by_node: bool) -> None:
    network = random_network(3)
    given = {"neuron": named(network)} if by_node else {"neuron": OTHER, "neurons": {network.hidden[0]: LEAKY}}
    model = wb.Model(network, norm=None, **given).eval()
    wb.save_model(model, tmp_path / "mixed.safetensors")
    back = wb.load_model(tmp_path / "mixed.safetensors")
    assert back.node_neurons == model.node_neurons
    assert repr(back) == repr(model)
    ticks = random_frames(network, 3, 6, counts=True)
    assert torch.equal(back.run(ticks)[network.output], model.run(ticks)[network.output])


def test_the_bias_schedule_is_the_neurons() -> None:
    network = wb.Network({"eye": (1,)}, [wb.Edge("eye", "v1", wb.Identity()), wb.Edge("v1", "hand", wb.Identity())])
    for schedule, sent in (("tick", [0, 1, 0, 1, 0, 1, 0]), ("frame", [0, 1, 1, 0, 1, 0, 0])):
        neuron = wb.IntegrateAndFire(start=0.5, ticks_per_frame=3, bias=schedule)
        model = wb.Model(network, norm=None, neuron=neuron, ticks_per_frame=3).eval()
        with torch.no_grad():
            model.node_layer("v1").bias.fill_(0.5)
        assert model.run(torch.zeros(7, 1, 1))["v1"].flatten().tolist() == sent


def test_a_neuron_that_differs_in_its_saturation_alone_keeps_it():
    network = wb.Network(
        {"eye": (2,)},
        [wb.Edge("eye", "v1", wb.Dense(3)), wb.Edge("v1", "v2", wb.Dense(3)), wb.Edge("v2", "hand", wb.Dense(1))],
    )
    given = {"v1": wb.IntegrateAndFire(saturation=2.0), "v2": wb.IntegrateAndFire(saturation=64.0)}
    for model in (
        wb.Model(network, norm=None, neuron=given),
        wb.Model(network, norm=None, neuron=given["v1"], neurons={"v2": given["v2"]}),
    ):
        assert {node: neuron.saturation for node, neuron in model.node_neurons.items()} == {"v1": 2.0, "v2": 64.0}
