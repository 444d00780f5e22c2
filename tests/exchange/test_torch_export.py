"""ANNs as plain modules of torch: the same answers at every step, silence included; nothing of ours inside."""

import re
import warnings

import pytest
import torch

import workbench as wb
from tests.support.random_networks import random_frames, random_model, random_network
from tests.support.shrinking_networks import shrinking_network

SHAPES = {"image": {}, "flat": {"flat": True}, "signal": {"signal": True}}


def assert_same(model: wb.Model, frames: torch.Tensor) -> torch.nn.Module:
    plain = wb.to_torch(model, steps=len(frames))
    expected = model(frames)
    answer = plain(frames)
    assert answer.shape == expected.shape
    torch.testing.assert_close(answer, expected, rtol=1e-9, atol=1e-9)
    return plain


@pytest.mark.parametrize("norm", ["batch", None])
@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("seed", range(12))
def test_a_plain_module_answers_as_the_model_at_every_step(seed, kind, norm):
    network = random_network(seed, parallel=True, **SHAPES[kind])
    model = random_model(network, seed, norm)
    steps = network.first_response["out"] + 4
    with torch.no_grad():
        assert_same(model, random_frames(network, seed, steps))


@pytest.mark.parametrize("seed", range(8))
def test_sizes_that_shrink(seed):
    network = shrinking_network(seed)
    model = random_model(network, seed, "batch")
    with torch.no_grad():
        assert_same(model, random_frames(network, seed, network.first_response[network.output] + 3))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(
    "options",
    [
        {"neuron": wb.QuantisedReLU(levels=4)},
        {"neuron": wb.QuantisedReLU(levels=None), "input_factor": 0.25},
        {"input_function": "standardise"},
        {"input_function": "log1p", "input_factor": 2.0},
        {"norm": ["n0"], "neurons": {"n0": wb.QuantisedReLU(levels=3)}},
    ],
    ids=["levels", "ceiling", "standardise", "logarithm", "mixed"],
)
def test_neurons_with_ceilings_and_encodings_of_inputs(seed, options):
    network = random_network(seed)
    model = wb.Model(network, seed=seed, **({"norm": None} | options)).double().eval()
    with torch.no_grad():
        for node in network.hidden:
            model.node_layer(node).bias.normal_(generator=torch.Generator().manual_seed(seed)).mul_(0.3)
            if model.neuron_of(node).bounded:
                model.ceiling_parameter(node).fill_(0.4)
        assert_same(model, random_frames(network, seed, network.first_response["out"] + 4).abs())


def test_pools_sums_and_gains_have_layers_too():
    edges = [
        wb.Edge("in", "a", wb.Conv(4, kernel=3)),
        wb.Edge("a", "b", wb.Pool(2, sums=True)),
        wb.Edge("a", "b", wb.Pool(2), 2),
        wb.Edge("b", "c", wb.GlobalPool(sums=True)),
        wb.Edge("b", "c", wb.Chain(wb.Identity(), wb.GlobalPool()), 3),
        wb.Edge("c", "c", wb.Identity()),
        wb.Edge("c", "out", wb.Dense(3), 0),
    ]
    signals = [
        wb.Edge("in", "a", wb.Conv1d(4, kernel=4, padding=1)),
        wb.Edge("a", "b", wb.Pool(3, sums=True)),
        edges[-1],
    ]
    signals[-1] = wb.Edge("b", "out", wb.Dense(3))
    for shape, some in (((2, 6, 8), edges), ((2, 13), signals)):
        model = random_model(wb.Network({"in": shape}, some), 1)
        model.gains["1"] = torch.nn.Parameter(
            torch.tensor([0.5, 1, 2, -1], dtype=torch.float64).view(4, *[1] * (len(shape) - 1))
        )
        with torch.no_grad():
            plain = assert_same(model, random_frames(model.network, 3, 9))
        assert "nodes.b.from_a_1_ago_gain" in plain.state_dict() or "nodes.b.from_a_gain" in plain.state_dict()


def test_several_inputs_come_in_the_order_of_the_network():
    edges = [
        wb.Edge("left eye", "v1", wb.Dense(3)),
        wb.Edge("right eye", "v1", wb.Dense(3), delay=2),
        wb.Edge("v1", "hand", wb.Dense(2)),
    ]
    model = random_model(wb.Network({"left eye": (4,), "right eye": (5,)}, edges), 2)
    left, right = torch.randn(6, 3, 4).double(), torch.randn(6, 3, 5).double()
    plain = wb.to_torch(model, steps=6)
    torch.testing.assert_close(plain(left, right), model({"left eye": left, "right eye": right}))
    assert "nodes.v1.from_left_eye.weight" in plain.state_dict()


def test_nothing_of_ours_is_inside_and_torch_can_export_script_and_train_it():
    network = random_network(4)
    model = random_model(network, 4, "batch").float()
    frames = random_frames(network, 4, network.first_response["out"] + 3).float()
    plain = wb.to_torch(model, steps=len(frames))
    assert "workbench" not in plain.code
    kinds = {type(inner).__module__.split(".")[0] for inner in plain.modules()}
    assert kinds <= {"torch", "abc"} | {type(plain).__module__.split(".")[0]}
    expected = model(frames).detach()
    exported = torch.export.export(plain, (frames,)).module()
    torch.testing.assert_close(exported(frames).detach(), expected)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch.jit, which is old, and which some still use
        scripted = torch.jit.script(plain)
    torch.testing.assert_close(scripted(frames).detach(), expected)
    plain(frames).square().sum().backward()
    assert all(parameter.grad is not None for parameter in plain.parameters())


def test_names_that_no_attribute_can_have():
    edges = [
        wb.Edge("in", "layer1.0", wb.Dense(3)),
        wb.Edge("in", "layer1_0", wb.Dense(3)),
        wb.Edge("layer1.0", "forward", wb.Dense(2)),
        wb.Edge("layer1_0", "forward", wb.Dense(2)),
        wb.Edge("forward", "2", wb.Dense(2)),
    ]
    model = random_model(wb.Network({"in": (4,)}, edges), 0)
    frames = torch.randn(5, 2, 4).double()
    plain = assert_same(model, frames)
    assert {"nodes.layer1_0.bias", "nodes.layer1_0_.bias", "nodes.node_forward.bias", "nodes.node_2.bias"} <= set(
        plain.state_dict()
    )


def test_the_model_stays_as_it_is_and_shares_nothing():
    model = random_model(random_network(3), 3, "batch").train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    plain = wb.to_torch(model, steps=12)
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.add_(1)
    assert model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_another_number_of_frames_is_refused():
    model = random_model(random_network(3), 3)
    frames = random_frames(model.network, 3, 12)
    with pytest.raises(AssertionError, match="unrolled for 11 frames; give so many, or unroll the model anew"):
        wb.to_torch(model, steps=11)(frames)


def test_what_cannot_be_unrolled_is_refused_with_a_cure():
    network = random_network(3, longest=3).streaming()
    first = network.first_response["out"]
    with pytest.raises(ValueError, match=rf"'out' answers first at step {first}; unroll at least {first + 1} steps"):
        wb.to_torch(random_model(network, 3), steps=first)
    with pytest.raises(ValueError, match=r"this model spikes: .*give the ANN that it was converted from"):
        wb.to_torch(wb.Model(network, norm=None, neuron=wb.IntegrateAndFire()), steps=9)
    with pytest.raises(ValueError, match=re.escape("wb.to_torch takes a wb.Model, not a Network; give it numbers")):
        wb.to_torch(network, steps=9)
    with pytest.raises(ValueError, match="to_torch: steps"):
        wb.to_torch(random_model(network, 3), steps=0)
