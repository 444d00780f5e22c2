"""Modules of torch as networks: the same answers, names, timing; learning and conversion go on from there."""

import copy
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import workbench as wb
from tests.support.random_modules import random_module
from tests.support.torch_modules import IMAGES, MODULES, BasicBlock, MaxLeNet, ResNet, estrange, make_module
from workbench.exchange import read_module


def assert_same(ann: wb.Model, module: nn.Module, example: Tensor, seeds: int = 3) -> None:
    """The same answers to several frames, each scaled otherwise, at every step."""
    generator = torch.Generator().manual_seed(1)
    frames = torch.stack([torch.randn(example.shape, generator=generator) * (1 + i) for i in range(seeds)])
    with torch.no_grad():
        expected = torch.stack([module(frame) for frame in frames])
        answer = ann(frames)
    scale = max(1.0, float(expected.abs().max()))
    assert float((answer - expected).abs().max()) <= 1e-5 * scale


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("seed", range(2))
def test_a_network_answers_as_its_module(name, seed):
    module, example = make_module(name, seed)
    ann = wb.from_torch(module, example)
    assert not ann.training
    assert ann.training_recipe is None
    assert {edge.delay for edge in ann.network.edges} == {0}
    assert_same(ann, module, example)


@pytest.mark.parametrize("seed", range(60))
def test_random_modules_of_images(seed):
    module, example = random_module(seed)
    assert_same(wb.from_torch(module, example), module, example)


@pytest.mark.parametrize("seed", range(30))
def test_random_modules_of_signals(seed):
    module, example = random_module(seed, signal=True)
    assert_same(wb.from_torch(module, example), module, example)


@pytest.mark.parametrize("name", MODULES)
def test_streaming_answers_later_and_a_chain_as_many_frames_later_as_it_has_edges(name):
    module, example = make_module(name)
    streaming = wb.from_torch(module, example, delays="streaming")
    network = streaming.network
    first = network.first_response[network.output]
    assert {edge.delay for edge in network.edges} == {1}
    same = wb.from_torch(module, example).streaming()
    frames = torch.randn(first + 3, *example.shape)
    with torch.no_grad():
        answer = streaming(frames)
        assert torch.equal(answer, same(frames))
        assert not answer[:first].any()
        if len(network.edges) == len(network.nodes) - 1:  # a chain
            assert first == len(network.edges)
            expected = torch.stack([module(frame) for frame in frames[:3]])
            torch.testing.assert_close(answer[first:], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["vgg", "resnet", "densenet", "mobilenet v2"])
def test_a_still_scene_is_answered_as_by_the_module_once_all_paths_have_arrived(name):
    module, example = make_module(name)
    streaming = wb.from_torch(module, example, delays="streaming")
    with torch.no_grad():
        answer = streaming(example.expand(len(streaming.network.nodes) + 1, *example.shape))
        torch.testing.assert_close(answer[-1], module(example), rtol=1e-5, atol=1e-5)


def test_delays_of_single_connections():
    module, example = make_module("lenet")
    ann = wb.from_torch(module, example, delays={("conv1", "conv2"): 2, ("fc1", "fc2"): 1})
    assert [edge.delay for edge in ann.network.edges] == [0, 2, 0, 1]
    with pytest.raises(ValueError, match=r"there is no edge conv1 -> fc2; the edges are image -> conv1"):
        wb.from_torch(module, example, delays={("conv1", "fc2"): 1})
    with pytest.raises(ValueError, match=r"delays='fast' is unknown; choose \"sequential\", \"streaming\", or"):
        wb.from_torch(module, example, delays="fast")


def test_nodes_are_called_as_the_layers_whose_sum_they_answer_to():
    module, example = make_module("resnet")
    network = read_module(module, example)
    assert network.nodes[:5] == ("x", "conv1", "layer1.0.conv1", "layer1.0", "layer1.1.conv1")
    assert network.output == "fc"
    assert repr(network.edges[2]) == 'Edge("conv1", "layer1.0", Identity(), delay=0)' or "Conv" in repr(
        network.edges[2]
    )
    assert network == wb.from_torch(module, example).network == read_module(copy.deepcopy(module), example)


@pytest.mark.parametrize("name", MODULES)
def test_the_module_stays_as_it_is(name):
    module, example = make_module(name)
    module.train()
    next(iter(module.parameters())).grad = torch.ones_like(next(iter(module.parameters())))
    before = {key: value.clone() for key, value in module.state_dict().items()}
    modes = [inner.training for inner in module.modules()]
    hooks = [len(inner._forward_hooks) + len(inner._forward_pre_hooks) for inner in module.modules()]
    ann = wb.from_torch(module, example)
    with torch.no_grad():
        for parameter in ann.parameters():
            parameter.add_(1)
    assert [inner.training for inner in module.modules()] == modes
    assert [len(i._forward_hooks) + len(i._forward_pre_hooks) for i in module.modules()] == hooks
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    assert all(parameter.requires_grad for parameter in module.parameters())
    assert bool((next(iter(module.parameters())).grad == 1).all())


def test_norms_right_before_an_activation_stay_and_others_are_folded():
    module, example = make_module("resnet")
    ann = wb.from_torch(module, example)
    assert ann.norm == (
        "conv1",
        "layer1.0.conv1",
        "layer1.1.conv1",
        "layer2.0.conv1",
        "layer2.1.conv1",
        "layer3.0.conv1",
    )
    assert ann.origin.startswith("ResNet: batch norms folded into weights and biases, as no activation follows them")
    assert "layer1.0.bn2" in ann.origin
    assert "from ResNet" in repr(ann)
    assert wb.from_torch(*make_module("mobilenet v1")).norm == "batch"
    assert wb.from_torch(*make_module("lenet")).norm is None


def test_statistics_move_on_as_those_of_torch_do():
    module, example = make_module("mobilenet v1")
    ann = wb.from_torch(module, example).train()
    module.train()
    ann(example.unsqueeze(0))
    module(example)
    ours = ann.node_layer("0")
    torch.testing.assert_close(ours.mean, module[1].running_mean, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours.variance, module[1].running_var, rtol=1e-4, atol=1e-5)
    assert int(ours.runs) == 26


def some_recordings(shape: tuple[int, ...], classes: str = "abcdefghij") -> wb.Recordings:
    counts = np.random.default_rng(0).poisson(0.4, (12, 8, *shape))
    return wb.Recordings.from_ticks(counts, np.arange(8) % 4, list(classes), ticks_per_frame=4)


@pytest.mark.parametrize("name", ["resnet", "mobilenet v2", "densenet"])
def test_learning_goes_on(name):
    module, example = make_module(name)
    if name == "resnet":  # of 8 channels: on the way back through fewer oneDNN writes where it must not (issue 6035)
        module, example = estrange(ResNet(BasicBlock, [1, 1], width=8)), torch.zeros(IMAGES)
    ann = wb.from_torch(module, example, delays={})
    learned, history = wb.train(ann, some_recordings(tuple(example.shape[1:])), epochs=1, progress=False)
    assert len(history) == 1
    assert learned.network == ann.network
    assert not torch.equal(learned.weights[0][0], ann.weights[0][0])


def test_levels_keep_what_edges_without_weights_are_multiplied_by():
    module = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.AvgPool2d(2), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
    module.append(nn.Linear(36, 4))
    ann = wb.from_torch(estrange(module), torch.zeros(1, 2, 8, 8))
    assert ann.norm is not None
    assert not ann.gains
    shifted = wb.from_torch(nn.Sequential(*module[:4], Shift(), *module[4:]).eval(), torch.zeros(1, 2, 8, 8))
    assert list(shifted.gains) == ["1"]
    learned, _ = wb.train(shifted, some_recordings((2, 8, 8), "abcd"), epochs=1, levels=8, progress=False)
    assert (list(learned.gains), learned.origin) == (["1"], shifted.origin)
    torch.testing.assert_close(learned.gains["1"], shifted.gains["1"], rtol=0.1, atol=0.1)


class Shift(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + 0.5


@pytest.mark.parametrize("name", ["resnet", "mobilenet v2"])
def test_what_came_in_is_converted_and_its_snn_approaches_it(name):
    module, example = make_module(name)
    ann = wb.from_torch(module, example, delays="streaming")
    scene, errors = np.random.default_rng(0).poisson(2, (4, *example.shape[1:])), []
    for ticks in (4, 32):
        counts = np.zeros((16 * ticks, *scene.shape), dtype=np.int64)
        counts[::ticks] = scene
        recordings = wb.Recordings.from_ticks(counts, [0, 1, 2, 3], list("abcdefghij"), ticks_per_frame=ticks)
        snn = wb.convert(ann, recordings, percentile=100, emission="spread", remainder="keep", floor=None)
        with torch.no_grad():
            wanted = ann(torch.from_numpy(recordings.as_frames()))[-1]
            got = snn(torch.from_numpy(recordings.as_ticks()))[-4 * ticks :].mean(0)
        errors.append(float((got - wanted).norm() / wanted.norm()))
    assert errors[1] < errors[0] / 2
    assert errors[1] < 0.1


def test_a_file_keeps_origin_norms_and_ceilings(tmp_path):
    for name in ("mobilenet v2", "resnet", "pre-activation resnet", "inception"):
        module, example = make_module(name)
        ann = wb.from_torch(module, example)
        wb.save_model(ann, tmp_path / "ann.safetensors")
        back = wb.load_model(tmp_path / "ann.safetensors")
        assert (back.norm, back.origin, back.network) == (ann.norm, ann.origin, ann.network)
        assert torch.equal(back(example.unsqueeze(0)), ann(example.unsqueeze(0)))


def test_max_pools_are_replaced_where_that_is_asked_for_and_counted():
    torch.manual_seed(0)
    module, example = estrange(MaxLeNet()), torch.randn(2, 1, 26, 26)
    with pytest.raises(ValueError, match=r"max pooling, which is no linear map: .*max_pooling=\"average\""):
        wb.from_torch(module, example)
    with pytest.warns(UserWarning, match=r"2 max pools replaced by average pools .*fine-tune: .*wb\.train"):
        ann = wb.from_torch(module, example, max_pooling="average")

    class Averaged(MaxLeNet):
        def forward(self, x: Tensor) -> Tensor:
            x = F.relu(F.avg_pool2d(self.conv1(x), 2))
            return self.fc(torch.flatten(F.relu(F.avg_pool2d(self.conv2(x), 2)), 1))

    averaged = Averaged()
    averaged.load_state_dict(module.state_dict())
    assert_same(ann, averaged, example)
    assert "max pools replaced by average pools" in ann.origin
    with pytest.raises(ValueError, match=r"max_pooling='mean' is unknown; choose \"average\", or None"):
        wb.from_torch(module, example, max_pooling="mean")
    with pytest.warns(UserWarning, match=r"^2 max pools replaced by average pools \(max_pool2d, max_pool2d_1\)$"):
        assert read_module(module, example, max_pooling="average") == ann.network


def test_a_stem_that_pools_maxima_with_overlap():
    torch.manual_seed(0)
    net = estrange(ResNet(BasicBlock, [1, 1], pool=nn.MaxPool2d(3, 2, 1)))
    example = torch.randn(2, 3, 16, 16)
    with pytest.warns(UserWarning, match=r"1 max pool replaced by an average pool \(maxpool\)"):
        ann = wb.from_torch(net, example, max_pooling="average")
    net.maxpool = nn.AvgPool2d(3, 2, 1)
    assert_same(ann, net, example)


class Several(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.eye, self.ear = nn.Conv2d(1, 3, 3, padding=1), nn.Linear(5, 4)
        self.both = nn.Linear(3 * 16 + 4, 2)

    def forward(self, image: Tensor, sound: Tensor) -> Tensor:
        seen, heard = torch.relu(self.eye(image)), torch.relu(self.ear(sound))
        return self.both(torch.cat([seen.flatten(1), heard], 1))


@pytest.mark.parametrize("kind", ["tuple", "dict"])
def test_several_inputs_are_called_as_the_arguments(kind):
    torch.manual_seed(0)
    module, image, sound = Several(), torch.randn(3, 1, 4, 4), torch.randn(3, 5)
    ann = wb.from_torch(module, (image, sound) if kind == "tuple" else {"image": image, "sound": sound})
    assert dict(ann.network.inputs) == {"image": (1, 4, 4), "sound": (5,)}
    with torch.no_grad():
        answer = ann({"image": image.unsqueeze(0), "sound": sound.unsqueeze(0)})[0]
        torch.testing.assert_close(answer, module(image, sound))


def test_double_precision_stays():
    module, example = make_module("resnet")
    ann = wb.from_torch(module.double(), example.double())
    assert ann.dtype == torch.float64
    with torch.no_grad():
        torch.testing.assert_close(
            ann(example.double().unsqueeze(0))[0], module(example.double()), rtol=1e-12, atol=1e-12
        )


def test_out_and_in_again():
    module, example = make_module("vgg")
    plain = wb.to_torch(wb.from_torch(module, example), steps=2)
    with torch.no_grad():
        answer = plain(torch.stack([example, -example]))
        torch.testing.assert_close(answer, torch.stack([module(example), module(-example)]), rtol=1e-5, atol=1e-5)


def test_nothing_warns_where_no_number_changes():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wb.from_torch(*make_module("densenet"))
