"""What is linear is gathered exactly: parallel paths, slices, operations in place, constants, groups, paddings."""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import workbench as wb
from tests.support.torch_modules import estrange

SHAPE = (2, 4, 7, 6)


class Program(nn.Module):
    """A stem of a convolution and a ReLU, a program of some layers, and a head."""

    def __init__(self, program: Callable[["Program", Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.program = program
        self.stem = nn.Conv2d(4, 4, 3, padding=1)
        self.a, self.b = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.one, self.wide = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 5, padding=2)
        self.grouped, self.depth = nn.Conv2d(4, 4, 3, padding=1, groups=2), nn.Conv2d(4, 4, 3, padding=1, groups=4)
        self.halved, self.shortcut = nn.Conv2d(4, 4, 3, 2, 1), nn.Conv2d(4, 4, 1, 2)
        self.even, self.far = nn.Conv2d(4, 4, (2, 4), padding="same"), nn.Conv2d(4, 4, 3, padding=2, dilation=2)
        self.norm = nn.BatchNorm2d(4, eps=1e-2)
        self.spread, self.head = nn.Conv2d(4, 4, 5, padding=2, bias=False), nn.LazyLinear(3)
        self.register_buffer("table", torch.linspace(-1, 1, 4).view(1, 4, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.program(self, torch.relu(self.stem(x)), x).flatten(1))


def in_place(m: Program, x: Tensor, frame: Tensor) -> Tensor:
    y = m.a(x)
    F.relu(y, inplace=True)
    y += x
    y.mul_(2)
    return m.b(torch.relu(y))


PROGRAMS: dict[str, Callable[[Program, Tensor, Tensor], Tensor]] = {
    "in place": in_place,
    "two convolutions": lambda m, x, f: torch.relu(m.a(x) + m.wide(x)),
    "identity and convolution": lambda m, x, f: torch.relu(x + m.a(x) + m.one(x)),
    "identity and groups": lambda m, x, f: torch.relu(x + m.grouped(x) - m.depth(x)),
    "twice": lambda m, x, f: torch.relu(x + x - 3 * x + m.table),
    "strides": lambda m, x, f: torch.relu(m.halved(x) + m.shortcut(x)),
    "pool and convolution": lambda m, x, f: torch.relu(m.halved(x) + F.avg_pool2d(x, 3, 2, 1)),
    "chains that share their begin": lambda m, x, f: torch.relu(m.b(m.b(x)) + m.b(x) + m.wide(m.b(x))),
    "chains that cannot be added": lambda m, x, f: torch.relu(m.b(m.b(x)) + m.b(m.spread(x)) + m.spread(m.spread(x))),
    "chains from the input": lambda m, x, f: torch.relu(m.b(m.b(f)) + m.b(m.spread(f)) + x),
    "twice the same chain": lambda m, x, f: torch.relu(m.b(m.b(x)) + 2 * m.b(m.b(x))),
    "slices": lambda m, x, f: m.a(torch.cat([x[:, 2:], f[:, :1], x[:, :1]], 1)),
    "slices of sums": lambda m, x, f: torch.cat([*torch.chunk(m.grouped(x), 2, 1)][::-1], 1),
    "groups over slices": lambda m, x, f: m.grouped(torch.cat([x[:, :1], f[:, 1:]], 1)),
    "groups in slices": lambda m, x, f: torch.relu(m.depth(torch.cat([x[:, :1], f[:, 1:]], 1))),
    "even kernels": lambda m, x, f: torch.relu(m.even(x)),
    "far": lambda m, x, f: m.far(x),
    "constants": lambda m, x, f: torch.relu((1 - x) * m.table / 4 + 0.5 - m.table),
    "norm of a norm": lambda m, x, f: torch.relu(m.norm(m.norm(x) + 1)),
    "norm read twice": lambda m, x, f: torch.relu(m.norm(m.a(x))) + m.one(m.norm(m.a(x))),
    "ceilings": lambda m, x, f: torch.clamp(F.relu6(m.a(x)).clamp(max=0.5) + x, 0, 0.75).clip(min=0),
    "averages": lambda m, x, f: m.one(F.avg_pool2d(m.a(x), 2, divisor_override=3)).mean((2, 3), keepdim=True),
    "one axis": lambda m, x, f: m.one(x.mean(3, keepdim=True)).sum((2, 3)),
    "one place": lambda m, x, f: torch.relu(F.adaptive_avg_pool2d(x, 1)).squeeze(-1).squeeze(-1) + x.mean((2, 3)),
    "vectors and images": lambda m, x, f: torch.cat([x.flatten(1), m.one(x).mean((2, 3)), f.flatten(1)], 1),
    "activities": lambda m, x, f: torch.relu(F.avg_pool2d(torch.relu(x), 2)),
    "input": lambda m, x, f: torch.relu(f),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_answer_as_their_networks(name):
    torch.manual_seed(0)
    example = torch.randn(SHAPE)
    module = Program(PROGRAMS[name])
    even = pytest.warns(UserWarning, match="even kernel") if name == "even kernels" else nullcontext()
    with even, torch.no_grad():
        module(example)
        estrange(module)
        expected = [module(frame) for frame in (example, 3 * example, -example)]
    ann = wb.from_torch(module, example)
    with torch.no_grad():
        answer = ann(torch.stack([example, 3 * example, -example]))
    torch.testing.assert_close(answer, torch.stack(expected), rtol=1e-5, atol=1e-5)


def network_of(name: str) -> wb.Network:
    torch.manual_seed(0)
    module = Program(PROGRAMS[name])
    module(torch.randn(SHAPE))
    return wb.from_torch(estrange(module), torch.randn(SHAPE)).network


def test_parallel_paths_become_one_where_they_can():
    edges = network_of("identity and convolution").edges
    assert [repr(edge) for edge in edges if edge.source == "stem"] == [
        'Edge("stem", "add_1", Conv(4, kernel=3), delay=0)'
    ]
    assert "Conv(4, kernel=5)" in repr(network_of("two convolutions").edges[1])


def test_a_second_path_that_cannot_be_added_goes_through_a_node_that_repeats_its_source():
    network = network_of("chains that cannot be added")
    assert {"stem.relay", "stem.relay2"} <= set(network.nodes)
    assert 'Edge("stem", "stem.relay", Identity(), delay=0)' in map(repr, network.edges)
    assert {"x.positive", "x.negative"} <= set(network_of("chains from the input").nodes)


def test_parts_of_a_concatenation_are_nodes_of_their_own():
    assert network_of("input").nodes == ("x", "relu_1", "head")
    assert {"cat.0", "cat.1"} <= {node.replace("depth", "cat") for node in network_of("groups in slices").nodes}


def test_weights_that_are_computed_from_parameters_alone():
    torch.manual_seed(0)
    for made in (nn.utils.parametrizations.weight_norm, nn.utils.parametrizations.spectral_norm):
        module = nn.Sequential(made(nn.Linear(5, 4)), nn.ReLU(), nn.Linear(4, 2)).eval()
        example = torch.randn(3, 5)
        with torch.no_grad():
            torch.testing.assert_close(wb.from_torch(module, example)(example.unsqueeze(0))[0], module(example))


def test_what_is_shared_and_what_is_left_out_is_told():
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.line, self.unused = nn.Linear(4, 4), nn.Linear(2, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.line(torch.relu(self.line(x)))

    ann = wb.from_torch(Tied(), torch.randn(2, 4))
    assert "parameters without a part in the answer left out (unused.weight, unused.bias)" in ann.origin
    assert "weights that several layers share copied for each (line.weight)" in ann.origin
