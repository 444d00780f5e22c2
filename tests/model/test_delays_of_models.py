"""A model on other delays: a copy with the same numbers; and norms of some nodes alone."""

import pytest
import torch

import workbench as wb
from tests.support.random_networks import random_frames, random_model, random_network


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("norm", ["batch", None])
def test_the_numbers_are_those_of_the_model_and_the_delays_those_of_the_network(seed, norm):
    network = random_network(seed)
    model = random_model(network, seed, norm)
    edge = network.edges[0].ends
    for changed, wanted in (
        (model.streaming(), network.streaming()),
        (model.sequential(), network.sequential()),
        (model.with_delays({edge: 4}), network.with_delays({edge: 4})),
    ):
        assert changed.network == wanted
        fresh = wb.Model(wanted, norm=norm).double().eval()
        fresh.load_state_dict(model.state_dict())
        frames = random_frames(network, seed, 12)
        assert torch.equal(changed(frames), fresh(frames))
    assert model.network == network


def test_a_copy_shares_nothing_and_keeps_neurons_and_recipe():
    network = random_network(2)
    model = wb.Model(network, neuron=wb.QuantisedReLU(3), input_factor=0.5)
    model.training_recipe = "10 epochs"
    changed = model.streaming()
    with torch.no_grad():
        changed.weights[0][0].add_(1)
    assert not torch.equal(changed.weights[0][0], model.weights[0][0])
    assert (changed.neuron, changed.input_factor, changed.training_recipe) == (model.neuron, 0.5, "10 epochs")


def test_a_model_that_spikes_keeps_its_delays():
    spiking = wb.Model(random_network(2), norm=None, neuron=wb.IntegrateAndFire())
    for change in (spiking.streaming, spiking.sequential, lambda: spiking.with_delays({})):
        with pytest.raises(ValueError, match="its delays belong to its conversion; change those of the ANN"):
            change()


@pytest.mark.parametrize("seed", range(12))
def test_norms_of_some_nodes_fold_and_come_back_from_files(seed, tmp_path):
    network = random_network(seed)
    some = network.hidden[::2]
    model = random_model(network, seed, some)
    assert model.norm == (some if some != network.hidden else "batch")
    assert [isinstance(model.node_layer(node).bias, torch.nn.Parameter) for node in network.hidden]
    frames = random_frames(network, seed, 9)
    wb.save_model(model, tmp_path / "model.safetensors")
    back = wb.load_model(tmp_path / "model.safetensors")
    assert back.norm == model.norm
    assert torch.equal(back(frames), model(frames))
    plain = wb.to_torch(model, steps=network.first_response["out"] + 4)
    frames = random_frames(network, seed, network.first_response["out"] + 4)
    torch.testing.assert_close(plain(frames), model(frames))


def test_norms_are_asked_for_by_names_of_hidden_nodes():
    network = random_network(3)
    assert wb.Model(network, norm=network.hidden).norm == "batch"
    assert wb.Model(network, norm=[]).norm is None
    with pytest.raises(ValueError, match=r"norm names 'out', which cannot have a batch norm; hidden nodes can: n0"):
        wb.Model(network, norm=["n0", "out"])
    with pytest.raises(ValueError, match=r"norm='layer' is unknown; choose \"batch\", None, or a list of hidden nodes"):
        wb.Model(network, norm="layer")
