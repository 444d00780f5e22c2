"""Modules that a network cannot express: all problems at once, each with path, operation and cure; and bad input."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import workbench as wb

IMAGE = (2, 4, 8, 8)


class Wrong(nn.Module):
    """Much that is wrong, in several places."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(4, 6, 3), nn.LeakyReLU(), nn.MaxPool2d(2))
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(6, 6, 1), nn.Sigmoid())
        self.norm = nn.GroupNorm(2, 6)
        self.head = nn.Linear(6 * 9, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = self.norm(x * self.gate(x))
        return F.log_softmax(self.head(F.gelu(x).flatten(1)), 1)


def test_all_problems_are_named_at_once_with_path_and_cure():
    with pytest.raises(ValueError, match=r"Wrong holds 7 that a network cannot express") as caught:
        wb.from_torch(Wrong(), torch.randn(IMAGE))
    lines = str(caught.value).splitlines()[1:]
    expected = [
        ("stem.1", "leaky ReLU", "put nn.ReLU()"),
        ("stem.2", "max pooling", 'max_pooling="average"'),
        ("gate.2", "sigmoid", "put nn.ReLU()"),
        ("the module itself", "product or quotient of two activities", "leave out gates"),
        ("norm", "group norm", "put batch norm in its place"),
        ("the module itself", "GELU", "put nn.ReLU()"),
        ("the module itself", "log-softmax", "leave it out"),
    ]
    assert len(lines) == len(expected)
    for line, (path, operation, cure) in zip(lines, expected, strict=True):
        assert line.startswith(f"  {path}: {operation}")
        assert cure in line


class Followed(nn.Module):
    """A convolution, a ReLU, and a layer."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.conv, self.layer = nn.Conv2d(4, 4, 3, padding=1), layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(torch.relu(self.conv(x)))


class Functional(nn.Module):
    """A convolution, a ReLU, and a function."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv, self.function = nn.Conv2d(4, 4, 3, padding=1), function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(torch.relu(self.conv(x)))


LAYERS = {
    "silu": (lambda: nn.SiLU(), r"layer: SiLU: .*put nn\.ReLU"),
    "tanh": (lambda: nn.Tanh(), r"layer: tanh: "),
    "prelu": (lambda: nn.PReLU(), r"layer: PReLU: "),
    "hardswish": (lambda: nn.Hardswish(), r"layer: hardswish: "),
    "hardtanh": (lambda: nn.Hardtanh(), r"layer: limits of -1\.0 and 1\.0: a neuron answers from 0 to a ceiling"),
    "layer norm": (lambda: nn.LayerNorm([4, 8, 8]), r"layer: layer norm: .*put batch norm in its place"),
    "batch statistics": (
        lambda: nn.BatchNorm2d(4, track_running_stats=False),
        r"layer: batch norm that takes the statistics of its batch: .*track_running_stats=True",
    ),
    "adaptive": (lambda: nn.AdaptiveAvgPool2d(3), r"adaptive pooling from \(8, 8\) to \(3, 3\), whose windows differ"),
    "ceil": (lambda: nn.AvgPool2d(3, ceil_mode=True), r"ceil_mode=True whose last windows .*use ceil_mode=False"),
    "exclude": (lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False), r"count_include_pad=False: use count_include"),
    "transposed": (lambda: nn.ConvTranspose2d(4, 2, 2), r"layer: transposed convolution: "),
    "upsample": (lambda: nn.Upsample(scale_factor=2), r"layer: enlarging of images: leave it out"),
    "shuffle": (lambda: nn.ChannelShuffle(2), r"layer: channel shuffle: leave the order of numbers"),
    "borders": (
        lambda: nn.Sequential(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 3, padding=1)),
        r"layer\.1: padded convolution of a tensor with a bias: put a ReLU between, leave out the bias",
    ),
}

FUNCTIONS = {
    "permute": (lambda x: x.permute(0, 2, 3, 1), r"permutation of axes: leave the order"),
    "gate": (lambda x: x * x, r"product or quotient of two activities"),
    "softmax": (lambda x: F.softmax(x, 1), r"softmax: leave it out: the largest"),
    "pad": (lambda x: F.pad(x, (1, 1)), r"padding by itself: give it to the convolution"),
    "places": (lambda x: torch.cat([x, x], 2), r"concatenation of places: .*dim=1"),
    "rows": (lambda x: x[:, :, ::2], r"slice of places: slice channels in one piece"),
    "batch": (lambda x: x.reshape(4, -1), r"reshape of the batch: keep the batch"),
    "channels": (lambda x: x.mean(1), r"mean over channels or the batch"),
    "several": (lambda x: (x, x + 1), r"returns 2 tensors: return one, the logits"),
    "map": (
        lambda x: x + torch.arange(8.0),
        r"sum with a constant of shape \(8,\): give one number, or one per",
    ),
    "dropout": (lambda x: F.dropout(x, 0.5), r"dropout that is never off: use nn\.Dropout"),
    "flat": (lambda x: torch.flatten(x, 1), r"answer of \(batch, 256\): return what a linear layer gives"),
    "last axis": (lambda x: F.linear(x, torch.ones(2, 8)), r"linear layer along the last axis of \(batch, 4, 8, 8\)"),
    "unknown": (lambda x: torch.erf(x), r"erf: edges carry convolutions, linear layers and averages"),
}


@pytest.mark.parametrize("name", [*LAYERS, *FUNCTIONS])
def test_what_cannot_be_expressed_is_named_with_a_cure(name):
    make, words = (LAYERS | FUNCTIONS)[name]
    net = Followed(make()) if name in LAYERS else Functional(make)
    with pytest.raises(ValueError, match=words):
        wb.from_torch(net, torch.randn(IMAGE))


def test_recurrent_modules_are_named():
    class Listener(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.memory, self.head = nn.LSTM(4, 6, batch_first=True), nn.Linear(6, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.memory(x)[0][:, -1])

    with pytest.raises(ValueError, match=r"memory: LSTM: write the recurrence as a wb\.Network"):
        wb.from_torch(Listener(), torch.randn(2, 5, 4))


def test_ways_that_depend_on_numbers_are_told_in_words():
    class Moody(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Inner()

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x)

    class Inner(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * 2 if x.sum() > 0 else x

    with pytest.raises(ValueError, match=r"inner: what the module computes depends on the numbers it sees .*`if`"):
        wb.from_torch(Moody(), torch.randn(IMAGE))


def test_shapes_that_disagree_are_told_by_path():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 2))
    with pytest.raises(ValueError, match=r"^0: the module cannot be called with this example: .*expected input"):
        wb.from_torch(net, torch.randn(IMAGE))
    with pytest.raises(ValueError, match=r"^2: the module cannot be called with this example: .*; give an example"):
        wb.from_torch(net, torch.randn(2, 3, 9, 9))


@pytest.mark.parametrize("example", [[], torch.zeros(3), torch.zeros(2, 3).long(), None, {"x": 3}, torch.tensor(1.0)])
def test_an_example_must_be_tensors_with_a_batch(example):
    with pytest.raises(ValueError, match=r"example must be a tensor of floating point numbers as the module takes it"):
        wb.from_torch(nn.Linear(3, 2), example)


def test_what_is_no_module_or_has_several_batches():
    with pytest.raises(ValueError, match=r"wb\.from_torch takes a torch\.nn\.Module, not a str"):
        wb.from_torch("resnet18", torch.zeros(1, 3))
    with pytest.raises(ValueError, match="must have one batch, of at least one"):
        wb.from_torch(nn.Bilinear(3, 3, 2), (torch.zeros(1, 3), torch.zeros(2, 3)))


def test_a_module_that_remembers_or_answers_by_a_hook():
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("seen", torch.zeros(3))

        def forward(self, x: Tensor) -> Tensor:
            self.seen.add_(1)
            return x + self.seen

    with pytest.raises(ValueError, match=r"change of 'seen' when the module answers: what it remembers is no part"):
        wb.from_torch(Counting(), torch.zeros(2, 3))


def test_a_tensor_that_is_changed_in_place_while_it_is_viewed():
    class Hasty(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            x = x + 0.5
            flat = x.flatten(1)
            F.relu(x, inplace=True)
            return F.linear(flat, torch.ones(2, 256))

    with pytest.raises(ValueError, match=r"relu_ changes a tensor in place that is also read as flatten: .*inplace"):
        wb.from_torch(Hasty(), torch.randn(IMAGE))


def test_half_precision_is_refused():
    with pytest.raises(ValueError, match=r"its numbers are torch\.bfloat16; give module\.float\(\)"):
        wb.from_torch(nn.Linear(3, 2).bfloat16(), torch.zeros(2, 3).bfloat16())


def test_sums_that_are_copied_too_often():
    class Stream(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lines = nn.ModuleList([nn.Linear(256, 256, bias=False) for _ in range(80)])

        def forward(self, x: Tensor) -> Tensor:
            for line in self.lines:
                x = x + line(torch.relu(x))
            return x

    with pytest.raises(ValueError, match=r"need copies of weights, .*: put a ReLU behind the sums"):
        wb.from_torch(Stream(), torch.randn(2, 256))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("net.pt", "not a str; files of torch, Keras and ONNX are not read here"),
        (Path("net.onnx"), "files of torch, Keras and ONNX are not read here"),
        ({"weight": torch.ones(2)}, r"not a dict; a state_dict holds numbers and no layers: module.load_state_dict"),
        (
            wb.Model(wb.Network({"in": (2,)}, [wb.Edge("in", "out", wb.Dense(2))])),
            "it is a model of the workbench already",
        ),
        (None, "not a NoneType; give module, example"),
    ],
    ids=["torch", "ONNX", "state_dict", "model", "nothing"],
)
def test_what_is_no_module_is_refused_with_the_way_that_works(given, words):
    with pytest.raises(ValueError, match=words):
        wb.from_torch(given, torch.ones(1, 2))
