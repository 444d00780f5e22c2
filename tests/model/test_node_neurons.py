"""Neurons of single nodes: what a model computes with them equals the plain step loop, and mistakes are refused."""

import pytest
import torch

import workbench as wb
from tests.support.random_networks import random_frames, random_network, random_spiking

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
    assert "other neurons in b" in repr(model)


def test_with_several_neurons_auto_is_dense_and_events_are_refused() -> None:
    network = random_network(1)
    model = wb.Model(network, norm=None, neuron=wb.IntegrateAndFire(), neurons={network.hidden[0]: OTHER}).eval()
    ticks = random_frames(network, 1, 5, counts=True)
    output = network.output
    assert torch.equal(model.run(ticks, engine="auto")[output], model.run(ticks)[output])
    with pytest.raises(ValueError, match=r'engine="events" is for spiking models .* one neuron for all nodes'):
        model.run(ticks, engine="events")


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


def test_files_keep_them(tmp_path) -> None:
    network = random_network(3)
    model = wb.Model(network, norm=None, neuron=wb.IntegrateAndFire(), neurons={network.hidden[0]: OTHER}).eval()
    wb.save_model(model, tmp_path / "mixed.safetensors")
    back = wb.load_model(tmp_path / "mixed.safetensors")
    assert back.exceptions == model.exceptions
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
