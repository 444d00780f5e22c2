"""Linear maps: shapes against torch, fan-out against brute force, and the words of refusals."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from workbench.network.operations import (
    OPERATIONS,
    Chain,
    Conv,
    Conv1d,
    Dense,
    GlobalPool,
    Identity,
    Operation,
    Pool,
    ProjectiveField,
    operation_from_dict,
)

SIZES = [1, 2, 3, 4, 5, 7, 8, 11]

CHAINS = [
    Chain(Pool(2), Conv(3, kernel=3)),
    Chain(Conv(3, kernel=3), Pool(2)),
    Chain(Conv(3, kernel=5, stride=3), Pool(2)),
    Chain(Conv(3, kernel=1, stride=2), Conv(2, kernel=3)),
    Chain(Conv(2, kernel=3), Conv(4, kernel=1, stride=4)),
    Chain(Conv(2, kernel=3, stride=2), Conv(3, kernel=7, stride=2)),
    Chain(Pool(3), Dense(4)),
    Chain(Conv(2, kernel=1, stride=2), Dense(3)),
    Chain(Dense(4), Dense(3)),
    Chain(Dense(4), Identity()),
    Chain(Identity(), Conv(3, kernel=5)),
    Chain(Identity(), Pool(2)),
    Chain(Identity(), Identity()),
    Chain(Pool(2), Pool(2)),
    Chain(Pool(2), Chain(Conv(2, kernel=3), Identity()), Dense(5)),
    Chain(Conv(6, kernel=3), Conv(4, kernel=(2, 3), padding=1, groups=2), Conv(6, kernel=1, groups=2)),
    Chain(Conv(6, kernel=1), Conv(6, kernel=3, groups=2), Conv(9, kernel=1, groups=3)),
    Chain(Conv(4, kernel=3), Conv(8, kernel=3, stride=2, groups=4), Pool((1, 2)), Dense(2)),
    Chain(Conv(4, kernel=(1, 3), stride=(1, 2)), GlobalPool(), Dense(3)),
    Chain(Conv(4, kernel=(1, 3)), Conv(2, kernel=4, padding=3, groups=2), GlobalPool()),
]
OTHERS = [
    Dense(1),
    Dense(6),
    Pool(1),
    Pool(2),
    Pool(3),
    Pool(4),
    Pool((1, 3)),
    Pool((4, 2)),
    GlobalPool(),
    Identity(),
    Conv(2, kernel=7, stride=4),
    Conv(2, kernel=(3, 1), stride=(2, 3)),
    Conv(3, kernel=2, padding=0),
    Conv(2, kernel=(4, 3), stride=2, padding=(1, 4)),
]
SIGNALS = [
    Conv1d(3, kernel=5),
    Conv1d(2, kernel=3, stride=3),
    Conv1d(4, kernel=4, stride=2, padding=1),
    Conv1d(3, kernel=2, padding=3),
    Conv1d(6, kernel=3, groups=2),
    Conv1d(8, kernel=3, stride=2, groups=4),
    Pool(2),
    Pool(3),
    GlobalPool(),
    Identity(),
    Dense(3),
    Chain(Conv1d(4, kernel=3, groups=4), Pool(2), Conv1d(6, kernel=1, groups=2)),
    Chain(Pool(2), Conv1d(2, kernel=2, padding=0), GlobalPool(), Dense(2)),
]


def random_shape(seed: int, smallest: int = 1) -> tuple[int, int, int]:
    rng = np.random.default_rng(seed)
    return (int(rng.integers(1, 4)), int(rng.integers(smallest, 10)), int(rng.integers(smallest, 10)))


def count_targets(operation: Operation, shape: tuple[int, ...]) -> torch.Tensor:
    """Brute force: one source unit at a time through the map, all of whose weights are one."""
    units = torch.eye(math.prod(shape), dtype=torch.float64).reshape(-1, *shape)
    weights = [torch.ones(weight, dtype=torch.float64) for weight in operation.weight_shapes(shape)]
    return (operation(units, weights) != 0).flatten(1).sum(1).reshape(shape)


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
def test_a_convolution_has_the_shape_and_the_values_of_torch(kernel, stride):
    for height in SIZES:
        for width in SIZES:
            theirs = nn.Conv2d(2, 3, kernel, stride, padding=(kernel - 1) // 2, bias=False)
            x, ours = torch.randn(4, 2, height, width), Conv(3, kernel=kernel, stride=stride)
            assert (4, *ours.output_shape((2, height, width))) == theirs(x).shape
            assert ours.output_shape((2, height, width)) == (3, math.ceil(height / stride), math.ceil(width / stride))
            assert ours.weight_shapes((2, height, width)) == (tuple(theirs.weight.shape),)
            torch.testing.assert_close(ours(x, [theirs.weight]), theirs(x))


@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
def test_a_pool_has_the_shape_and_the_values_of_torch(kernel):
    for height in range(kernel, 12):
        for width in range(kernel, 12):
            x = torch.randn(2, 3, height, width)
            assert (2, *Pool(kernel).output_shape((3, height, width))) == nn.AvgPool2d(kernel)(x).shape
            torch.testing.assert_close(Pool(kernel)(x, []), nn.AvgPool2d(kernel)(x))


@pytest.mark.parametrize("shape", [(1,), (5,), (3, 4), (2, 3, 5), (2, 1, 1)])
def test_a_dense_map_flattens_and_has_the_values_of_torch(shape):
    theirs, x = nn.Linear(math.prod(shape), 4, bias=False), torch.randn(6, *shape)
    assert Dense(4).output_shape(shape) == (4,)
    torch.testing.assert_close(Dense(4)(x, [theirs.weight]), theirs(x.flatten(1)))


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("operation", [*CHAINS, *OTHERS], ids=repr)
def test_weights_of_the_declared_shapes_give_the_declared_shape(operation, seed):
    shape = random_shape(seed, smallest=4)
    weights = [torch.randn(weight) for weight in operation.weight_shapes(shape)]
    assert operation(torch.randn(5, *shape), weights).shape == (5, *operation.output_shape(shape))


@pytest.mark.parametrize("operation", [*CHAINS, *OTHERS], ids=repr)
def test_a_bias_is_added_to_every_channel_of_the_target(operation):
    shape = random_shape(3, smallest=6)
    x = torch.randn(3, *shape, dtype=torch.float64)
    weights = [torch.randn(weight, dtype=torch.float64) for weight in operation.weight_shapes(shape)]
    bias = torch.randn(operation.output_shape(shape)[0], dtype=torch.float64)
    mapped = operation(x, weights)
    torch.testing.assert_close(operation.shift(x, weights, bias).movedim(1, -1), mapped.movedim(1, -1) + bias)


@pytest.mark.parametrize("seed", range(10))
def test_a_chain_is_its_links_one_after_the_other(seed):
    shape = random_shape(seed, smallest=4)
    x, first, second = torch.randn(3, *shape), torch.randn(2, shape[0], 3, 3), torch.randn(4, 2, 5, 5)
    links = nn.functional.conv2d(nn.functional.avg_pool2d(x, 2), first, padding=1)
    chain = Chain(Pool(2), Conv(2, kernel=3), Identity(), Conv(4, kernel=5, stride=2))
    torch.testing.assert_close(chain(x, [first, second]), nn.functional.conv2d(links, second, stride=2, padding=2))


def random_convolution(rng: np.random.Generator, axes: int, most: int = 5) -> tuple[Operation, tuple[int, ...]]:
    """Any convolution and a source for it, whose channels are multiples of its groups."""
    groups = int(rng.integers(1, 4))
    channels, inputs = groups * int(rng.integers(1, 4)), groups * int(rng.integers(1, 4))
    padded = bool(rng.integers(2))
    numbers = {
        "kernel": [int(rng.integers(1, most) if padded else rng.choice([1, 3, 5])) for _ in range(axes)],
        "stride": [int(rng.integers(1, 4)) for _ in range(axes)],
        "padding": [int(rng.integers(0, most)) for _ in range(axes)],
    }
    numbers = {name: values[0] if axes == 1 else values for name, values in numbers.items()}
    numbers = numbers if padded else numbers | {"padding": None}
    convolution = {1: Conv1d, 2: Conv}[axes](channels, groups=groups, **numbers)
    return convolution, (inputs, *(int(size) for size in rng.integers(most, 9, axes)))


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("seed", range(150))
def test_any_convolution_has_the_shape_the_values_the_products_and_the_fan_out_of_torchs_own(seed, axes):
    operation, shape = random_convolution(np.random.default_rng([seed, axes]), axes)
    kernel, stride, padding = (
        values if isinstance(values, tuple) else (values,) * axes
        for values in (operation.kernel, operation.stride, operation.padding)
    )
    padding = tuple((size - 1) // 2 for size in kernel) if operation.padding is None else padding
    layer, bias = {1: nn.Conv1d, 2: nn.Conv2d}[axes], torch.randn(operation.channels)
    theirs = layer(shape[0], operation.channels, kernel, stride, padding, groups=operation.groups, bias=False)
    x = torch.randn(3, *shape)
    assert (3, *operation.output_shape(shape)) == theirs(x).shape
    assert operation.weight_shapes(shape) == (tuple(theirs.weight.shape),)
    numbers = zip(shape[1:], kernel, stride, padding, strict=True)
    assert operation.output_shape(shape)[1:] == tuple((n + 2 * pad - size) // by + 1 for n, size, by, pad in numbers)
    torch.testing.assert_close(operation(x, [theirs.weight]), theirs(x))
    shifted = operation.shift(x, [theirs.weight], bias)
    torch.testing.assert_close(shifted, theirs(x) + bias.view(-1, *[1] * axes), rtol=1e-4, atol=1e-5)
    assert torch.equal(operation.fan_out(shape), count_targets(operation, shape))
    with FlopCounterMode(display=False) as counter:
        theirs(x[:1])
    assert 2 * operation.products(shape) == counter.get_total_flops()
    assert operation_from_dict(json.loads(json.dumps(operation.to_dict()))) == operation == eval(repr(operation))


@pytest.mark.parametrize("multiplier", [1, 2, 3])
def test_a_depthwise_convolution_keeps_channels_apart(multiplier):
    operation, shape = Conv(4 * multiplier, kernel=3, groups=4), (4, 5, 6)
    assert operation.weight_shapes(shape) == ((4 * multiplier, 1, 3, 3),)
    assert operation.fan_out(shape)[:, 2, 2].tolist() == [9 * multiplier] * 4
    x = torch.zeros(1, *shape)
    x[0, 2] = 1.0
    reached = operation(x, [torch.ones(4 * multiplier, 1, 3, 3)])[0].flatten(1).any(1)
    assert reached.nonzero().flatten().tolist() == [2 * multiplier + place for place in range(multiplier)]


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
def test_a_pool_of_one_axis_or_a_rectangle_has_the_values_of_torch(kernel):
    for size in range(kernel, 12):
        x = torch.randn(2, 3, size)
        torch.testing.assert_close(Pool(kernel)(x, []), nn.AvgPool1d(kernel)(x))
        torch.testing.assert_close(Pool(kernel, sums=True)(x, []), kernel * nn.AvgPool1d(kernel)(x))
        assert (2, *Pool(kernel).output_shape((3, size))) == nn.AvgPool1d(kernel)(x).shape
        image, pool = torch.randn(2, 3, size, 7), (kernel, 2)
        torch.testing.assert_close(Pool(pool)(image, []), nn.AvgPool2d(pool)(image))
        assert (2, *Pool(pool).output_shape((3, size, 7))) == nn.AvgPool2d(pool)(image).shape


@pytest.mark.parametrize("shape", [(3, 1), (3, 7), (2, 4, 5), (2, 3, 4, 2)])
def test_a_global_pool_averages_every_place_of_a_channel(shape):
    x, (sums, factor) = torch.randn(2, *shape), GlobalPool().as_sums(shape)
    torch.testing.assert_close(GlobalPool()(x, []), x.flatten(2).mean(2))
    torch.testing.assert_close(sums(x, []), x.flatten(2).sum(2))
    assert factor == 1 / math.prod(shape[1:])
    assert GlobalPool().output_shape(shape) == (shape[0],)
    assert torch.equal(GlobalPool().fan_out(shape), count_targets(GlobalPool(), shape))
    assert GlobalPool().fan_out(shape).unique().tolist() == [1]


@pytest.mark.parametrize("shape", [(4, 9), (4, 12), (8, 10)])
@pytest.mark.parametrize("operation", SIGNALS, ids=repr)
def test_what_a_signal_goes_through_has_its_shape_fan_out_and_sums(operation, shape):
    weights = [torch.randint(-9, 9, size).double() for size in operation.weight_shapes(shape)]
    x = torch.randint(0, 9, (3, *shape)).double()
    assert operation(x, weights).shape == (3, *operation.output_shape(shape))
    assert torch.equal(operation.fan_out(shape), count_targets(operation, shape))
    sums, factor = operation.as_sums(shape)
    torch.testing.assert_close(factor * sums(x, weights), operation(x, weights))
    assert torch.equal(sums(x, weights), sums(x, weights).round())
    assert operation_from_dict(json.loads(json.dumps(operation.to_dict()))) == operation == eval(repr(operation))


@pytest.mark.parametrize("operation", [*CHAINS, *OTHERS, *SIGNALS, Conv(4, kernel=3, groups=2)], ids=repr)
def test_a_factor_per_channel_of_the_source_may_be_in_the_first_weights(operation):
    shape = (4, 11, 10)[: 2 if operation in SIGNALS else 3]
    weights = [torch.randn(size, dtype=torch.float64) for size in operation.weight_shapes(shape)]
    if not weights:
        return
    x, factor = torch.randn(3, *shape, dtype=torch.float64), torch.rand(4, dtype=torch.float64) + 0.5
    expected = operation((x.movedim(1, -1) * factor).movedim(-1, 1), weights)
    found = operation(x, [weights[0] * operation.weigh_source(shape, factor), *weights[1:]])
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("seed", range(120))
def test_fan_out_of_chains_of_grouped_and_pooled_maps_equals_brute_force(seed):
    rng = np.random.default_rng([seed, 2])
    axes = int(rng.integers(1, 3))
    shape = (int(rng.choice([2, 4, 6])), *(int(size) for size in rng.integers(4, 9, axes)))
    links: list[Operation] = []
    while len(links) < 4:
        source = Chain(*links).output_shape(shape) if links else shape
        if len(source) == 1:
            links += [Dense(3)] * int(rng.integers(0, 2))
            break
        pools = [Pool(int(rng.integers(1, 3))), Pool((1, 2)), GlobalPool()]
        grouped = int(rng.choice([groups for groups in range(1, source[0] + 1) if source[0] % groups == 0]))
        many = grouped * int(rng.integers(1, 3))
        kernels = {1: int(rng.integers(1, 4)), 2: [int(size) for size in rng.integers(1, 4, 2)]}
        convolve = {1: Conv1d, 2: Conv}[axes]
        conv = convolve(many, kernel=kernels[axes], padding=1, stride=int(rng.integers(1, 3)), groups=grouped)
        link = [conv, conv, conv, *pools][rng.integers(6)]
        fits = not isinstance(link, Pool) or (min(source[1:]) > 1 and (axes == 2 or isinstance(link.kernel, int)))
        links += [link] if fits and (len(links) > 1 or not isinstance(link, GlobalPool)) else []
    chain = Chain(*links)
    assert torch.equal(chain.fan_out(shape), count_targets(chain, shape))


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
def test_fan_out_of_a_convolution_equals_brute_force(kernel, stride):
    operation = Conv(3, kernel=kernel, stride=stride)
    for shape in [(1, 1, 1), (2, 1, 5), (1, 7, 3), (2, 5, 4), (1, 8, 9)]:
        fan_out = operation.fan_out(shape)
        assert fan_out.dtype == torch.int64
        assert torch.equal(fan_out, count_targets(operation, shape))


@pytest.mark.parametrize("shape", [(1, 4, 4), (2, 5, 7), (3, 9, 6), (2, 11, 4)])
@pytest.mark.parametrize("operation", [*CHAINS, *OTHERS], ids=repr)
def test_fan_out_equals_brute_force(operation, shape):
    assert torch.equal(operation.fan_out(shape), count_targets(operation, shape))


@pytest.mark.parametrize("operation", [Dense(3), Identity(), Chain(Dense(4), Identity(), Dense(2)), Chain(Identity())])
@pytest.mark.parametrize("shape", [(1,), (6,)])
def test_fan_out_of_flat_sources_equals_brute_force(operation, shape):
    assert torch.equal(operation.fan_out(shape), count_targets(operation, shape))


@pytest.mark.parametrize("seed", range(60))
def test_fan_out_of_random_chains_equals_brute_force(seed):
    rng = np.random.default_rng(seed)
    shape = random_shape(seed, smallest=3)
    links: list[Operation] = []
    for _ in range(rng.integers(1, 4)):
        choices = [
            Conv(int(rng.integers(1, 4)), kernel=int(rng.choice([1, 3, 5, 7])), stride=int(rng.integers(1, 5))),
            Pool(int(rng.integers(1, 3))),
            Identity(),
            Dense(3),
        ]
        link = choices[rng.integers(len(choices))]
        source = Chain(*links).output_shape(shape) if links else shape
        if isinstance(link, Conv | Pool) and (len(source) != 3 or min(source[1:]) < getattr(link, "kernel", 1)):
            continue
        links.append(link)
    chain = Chain(*links, Identity())
    assert torch.equal(chain.fan_out(shape), count_targets(chain, shape))


@pytest.mark.parametrize("shape", [(1, 4, 4), (2, 5, 7), (3, 9, 6)])
@pytest.mark.parametrize("operation", [*CHAINS, *OTHERS, Conv(3, kernel=5, stride=2)], ids=repr)
def test_products_are_those_of_torchs_own_counter(operation, shape):
    weights = [torch.randn(weight) for weight in operation.weight_shapes(shape)]
    with FlopCounterMode(display=False) as counter:
        operation(torch.randn(1, *shape), weights)
    assert 2 * operation.products(shape) == counter.get_total_flops()


def test_a_composed_map_may_take_more_products_than_its_links():
    chain, shape = Chain(Conv(2, kernel=3), Conv(3, kernel=3)), (2, 12, 12)
    assert chain.products(shape) == 144 * (9 * 2 * 2 + 9 * 2 * 3)
    assert chain.fan_out(shape)[0, 6, 6] == 25 * 3
    assert int(chain.fan_out(shape).sum()) > chain.products(shape)


@pytest.mark.parametrize("operation", [Conv(3, kernel=5), Dense(4), Chain(Conv(2, kernel=3), Conv(3, kernel=3))])
def test_fan_in_is_the_number_of_products_a_unit_in_the_middle_sums(operation):
    shape = (2, 11, 11)
    weights = [torch.ones(weight) for weight in operation.weight_shapes(shape)]
    target = operation(torch.ones(1, *shape), weights)
    middle = target[0, 0, 5, 5] if target.ndim == 4 else target[0, 0]
    assert operation.fan_in(shape) == middle


@pytest.mark.parametrize("operation", [*CHAINS, *OTHERS, Conv(2, kernel=3)], ids=repr)
def test_an_operation_prints_as_typed_and_goes_through_plain_data(operation):
    assert eval(repr(operation)) == operation
    assert hash(eval(repr(operation))) == hash(operation)
    assert operation_from_dict(operation.to_dict()) == operation
    assert operation.to_dict()["type"] in OPERATIONS


def test_what_is_default_is_not_printed():
    assert repr(Conv(16, 3)) == "Conv(16, kernel=3)"
    assert repr(Conv(16, 3, 2)) == "Conv(16, kernel=3, stride=2)"
    assert repr(Chain(Pool(2), Identity())) == "Chain(Pool(2), Identity())"
    assert repr(GlobalPool()) == "GlobalPool()"
    assert repr(Conv(8, kernel=(2, 4), padding=0, groups=2)) == "Conv(8, kernel=(2, 4), padding=0, groups=2)"
    assert repr(Conv1d(8, 9, stride=4)) == "Conv1d(8, kernel=9, stride=4)"


def test_a_pair_of_equal_numbers_is_one_number():
    assert Conv(2, kernel=(3, 3), stride=[2, 2], padding=(1, 1)) == Conv(2, kernel=3, stride=2, padding=1)
    assert Conv(2, kernel=np.array([3, 5])[[0, 0]].tolist()).kernel == 3
    assert hash(Conv(2, kernel=[3, 5])) == hash(Conv(2, kernel=(3, 5)))
    assert Conv(2, kernel=[3, 5]).to_dict()["kernel"] == [3, 5]
    assert Pool((2, 2)) == Pool(2) != Pool((2, 1))
    assert Conv1d(2, kernel=3) != Conv(2, kernel=3)


def test_files_that_know_of_no_padding_and_no_groups_are_read():
    assert operation_from_dict({"type": "Conv", "channels": 3, "kernel": 5, "stride": 2}) == Conv(3, 5, 2)
    assert operation_from_dict({"type": "Pool", "kernel": 2}) == Pool(2)


def test_operations_are_frozen_and_differ_by_their_fields():
    assert Conv(2, kernel=3) != Conv(2, kernel=3, stride=2)
    assert Dense(2) != Pool(2)
    assert Chain(Identity()) != Identity()
    with pytest.raises(dataclasses.FrozenInstanceError):
        Conv(2, kernel=3).channels = 4


def test_a_new_operation_is_one_class():
    @dataclasses.dataclass(frozen=True, repr=False)
    class Mirror(Operation):
        def output_shape(self, shape):
            return shape

        def projective_field(self, shape):
            return ProjectiveField(None, tuple(torch.eye(size, dtype=torch.float64).flip(0) for size in shape[1:]))

        def __call__(self, x, weights):
            return x.flip(2, 3)

    chain = Chain(Mirror(), Conv(2, kernel=3, stride=2))
    assert torch.equal(chain.fan_out((1, 5, 4)), count_targets(chain, (1, 5, 4)))
    assert repr(chain) == "Chain(Mirror(), Conv(2, kernel=3, stride=2))"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: Conv(4, kernel=4),
            r"Conv\(4, kernel=4\): the kernel is even.*use 3 or 5, or name the padding, such as",
        ),
        (lambda: Conv(4, kernel=(3, 2)), r"kernel=\(3, 2\)\): the kernel is even.*use 1 or 3, or .* padding=0"),
        (
            lambda: Conv(4, kernel=(3, 0)),
            r"kernel must be a whole number .* 1, not \(3, 0\), or a pair .*height, width",
        ),
        (lambda: Conv(4, kernel=(3, 3, 3)), r"kernel must be a whole number of at least 1, not \(3, 3, 3\), or a pair"),
        (lambda: Conv(4, kernel=()), r"kernel must be a whole number of at least 1, not \(\)"),
        (lambda: Conv(4, kernel=3, padding=-1), r"padding must be a whole number of at least 0, not -1"),
        (lambda: Conv(4, kernel=3, padding="same"), r"padding must be a whole number of at least 0, not 'same'"),
        (lambda: Conv(4, kernel=3, groups=0), r"groups must be a whole number of at least 1, not 0"),
        (lambda: Conv(4, kernel=3, groups=3), r"4 channels are no multiple of 3 groups; use channels=6, or groups=1"),
        (lambda: Conv1d(4, kernel=(3, 3)), r"Conv1d.*kernel must be a whole number of at least 1, not \(3, 3\)$"),
        (lambda: Conv1d(4, kernel=[3]), r"Conv1d.*kernel must be a whole number of at least 1, not \[3\]$"),
        (lambda: Conv1d(4, kernel=2), r"the kernel is even.*use 1 or 3, or name the padding"),
        (lambda: Pool((2, 0)), r"Pool\(\(2, 0\)\): kernel must be a whole number"),
        (lambda: GlobalPool(2), r"GlobalPool\(sums=2\): sums must be True or False, not 2"),
        (lambda: Conv(4, kernel=0), r"Conv\(4, kernel=0\): kernel must be a whole number of at least 1, not 0"),
        (lambda: Conv(4, kernel=-3), r"kernel must be a whole number of at least 1, not -3"),
        (lambda: Conv(4, kernel=3.0), r"kernel must be a whole number of at least 1, not 3\.0"),
        (lambda: Conv(4, kernel=True), r"kernel must be a whole number of at least 1, not True"),
        (lambda: Conv(4, kernel="3"), r"kernel must be a whole number of at least 1, not '3'"),
        (lambda: Conv(0, kernel=3), r"Conv\(0, kernel=3\): channels must be a whole number of at least 1, not 0"),
        (lambda: Conv(4, kernel=3, stride=0), r"stride must be a whole number of at least 1, not 0"),
        (lambda: Conv(4, kernel=3, stride=1.5), r"stride must be a whole number of at least 1, not 1\.5"),
        (lambda: Dense(0), r"Dense\(0\): units must be a whole number of at least 1"),
        (lambda: Dense(2.5), r"Dense\(2\.5\): units must be a whole number of at least 1"),
        (lambda: Pool(0), r"Pool\(0\): kernel must be a whole number of at least 1"),
        (lambda: Pool(False), r"Pool\(False\): kernel must be a whole number of at least 1"),
        (lambda: Chain(), r"Chain\(\) has no operation; give at least one, or use Identity\(\)"),
    ],
)
def test_fields_that_make_no_map_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(
    ("operation", "shape", "words"),
    [
        (Pool(3), (2, 2, 9), r"Pool\(3\) is larger than its source of shape \(2, 2, 9\); use a smaller kernel"),
        (Pool(2), (10,), r"Pool\(2\) needs .* \(channels, length\) or \(channels, height, width\), not \(10,\)"),
        (Conv(4, kernel=3), (10,), r"Conv\(4, kernel=3\) needs a source of shape .* not \(10,\); use Dense"),
        (
            Conv(4, kernel=3),
            (2, 9),
            r"needs a source of shape \(channels, height, width\), not \(2, 9\);.* Conv1d along",
        ),
        (Conv1d(4, kernel=3), (2, 9, 9), r"Conv1d.* of shape \(channels, length\), not \(2, 9, 9\); .* or Conv for im"),
        (Conv(4, kernel=4, padding=0), (2, 3, 9), r"is larger than its source of shape \(2, 3, 9\), padded; use a sm"),
        (Conv1d(4, kernel=9, padding=1), (2, 6), r"is larger than its source of shape \(2, 6\), padded"),
        (Conv(4, kernel=3, groups=4), (6, 5, 5), r"the 6 channels of its source .* multiple of 4 groups; use groups=2"),
        (Pool((2, 1)), (2, 9), r"Pool\(\(2, 1\)\) needs a source of shape \(channels, height, width\), not \(2, 9\)"),
        (Pool((2, 4)), (2, 9, 3), r"Pool\(\(2, 4\)\) is larger than its source of shape \(2, 9, 3\)"),
        (Pool(4), (2, 3), r"Pool\(4\) is larger than its source of shape \(2, 3\)"),
        (GlobalPool(), (5,), r"GlobalPool\(\) needs a source of shape \(channels, \*axes\), not \(5,\).*leave it out"),
        (Chain(Dense(5), Conv(4, kernel=3)), (2, 3, 3), r"Conv\(4, kernel=3\) needs a source .* not \(5,\)"),
        (Chain(Pool(2), Pool(4)), (1, 6, 6), r"Pool\(4\) is larger than its source of shape \(1, 3, 3\)"),
    ],
)
def test_sources_that_do_not_fit_are_refused(operation, shape, words):
    with pytest.raises(ValueError, match=words):
        operation.output_shape(shape)


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (nn.MaxPool2d(2), r"MaxPool2d.* a max-pool is no linear map.*use Pool\(kernel\), which averages"),
        (nn.ReLU(), r"ReLU\(\) is no operation.*every hidden node has its neuron already; leave it out"),
        (nn.Conv2d(1, 2, 3), r"Conv2d.* is no operation of the workbench; use one of Conv, Dense, Pool, Identity"),
        (lambda x: x, r"lambda.* is no operation of the workbench; use one of Conv, Dense, Pool, Identity, Chain"),
        (Conv, r"Conv.* is no operation of the workbench; use one of"),
        (None, r"None is no operation of the workbench"),
    ],
)
def test_what_is_no_operation_is_refused_with_advice(operation, words):
    with pytest.raises(ValueError, match=f"Chain: .*{words}"):
        Chain(Pool(2), operation)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"type": "Softmax"}, r"'Softmax'.* is no operation; 'type' must be one of Conv, Dense, Pool, Identity, Chain"),
        ({"type": ["Conv"]}, r"is no operation; 'type' must be one of"),
        ({"channels": 3}, r"is no operation; 'type' must be one of"),
        ("Conv", r"'Conv' is no operation"),
        (None, r"None is no operation"),
        ({"type": "Conv", "channels": 3}, r"does not have the fields of Conv: .*kernel"),
        ({"type": "Dense", "units": 3, "bias": True}, r"does not have the fields of Dense: .*bias"),
        ({"type": "Chain"}, r"does not have the fields of Chain: 'operations'"),
        ({"type": "Chain", "operations": 3}, r"does not have the fields of Chain"),
        ({"type": "Chain", "operations": [], "stride": 2}, r"does not have the fields of Chain|has no operation"),
        ({"type": "Chain", "operations": [{"type": "Pool", "kernel": 2}], "stride": 2}, r"fields of Chain: .*stride"),
        ({"type": "Chain", "operations": ["Pool"]}, r"'Pool' is no operation"),
        ({"type": "Conv", "channels": 3, "kernel": 2}, r"the kernel is even"),
        ({"type": "Pool", "kernel": "2"}, r"kernel must be a whole number"),
    ],
)
def test_data_that_describe_no_operation_are_refused(data, words):
    with pytest.raises(ValueError, match=words):
        operation_from_dict(data)


@pytest.mark.parametrize("operation", [*CHAINS, *OTHERS], ids=repr)
def test_as_sums_a_map_is_the_same_but_for_a_factor_and_averages_nothing(operation):
    shape = (2, 9, 10)
    sums, factor = operation.as_sums(shape)
    images = torch.randint(0, 9, (3, *shape), generator=torch.Generator().manual_seed(0)).double()
    weights = [torch.randint(-9, 9, size).double() for size in operation.weight_shapes(shape)]
    torch.testing.assert_close(factor * sums(images, weights), operation(images, weights))
    assert torch.equal(sums(images, weights), sums(images, weights).round())
    assert sums.as_sums(shape) == (sums, 1.0)
    assert sums.weight_shapes(shape) == operation.weight_shapes(shape)
    assert torch.equal(sums.fan_out(shape), operation.fan_out(shape))
    assert operation_from_dict(sums.to_dict()) == sums


@pytest.mark.parametrize("operation", [*CHAINS, *OTHERS], ids=repr)
def test_links_one_after_the_other_are_the_map(operation):
    images = torch.randn(3, 2, 9, 10, dtype=torch.float64)
    weights = [torch.randn(size, dtype=torch.float64) for size in operation.weight_shapes((2, 9, 10))]
    found, left = images, list(weights)
    for link in operation.links:
        assert link.links == (link,)
        count = len(link.weight_shapes(tuple(found.shape[1:])))
        found, left = link(found, left[:count]), left[count:]
    torch.testing.assert_close(found, operation(images, weights))


def test_sums_of_a_pool_are_true_or_false():
    with pytest.raises(ValueError, match=r"sums must be True or False, not 'yes'"):
        Pool(2, sums="yes")
    assert repr(Pool(2, sums=True)) == "Pool(2, sums=True)"


@pytest.mark.parametrize("channels", range(1, 9))
@pytest.mark.parametrize("stride", [2, 3])
def test_gradients_of_strided_pointwise_convolutions_are_right_in_every_layout(channels, stride):
    """oneDNN writes beyond its memory where images with few channels are channels last (its issue 6035)."""
    operation, generator = Conv(6, kernel=1, stride=stride, padding=0), torch.Generator().manual_seed(channels)
    for size in (6, 8, 9):
        images = torch.rand(4, channels, size, size, generator=generator)
        weight = torch.rand(6, channels, 1, 1, generator=generator)
        turned, found = images.contiguous(memory_format=torch.channels_last), []
        for x, w in ((turned, weight), (images.double(), weight.double())):
            x, w = x.requires_grad_(), w.requires_grad_()
            operation(x, [w]).square().sum().backward()
            found.append([x.grad, w.grad])
        assert all(torch.allclose(one.double(), two, rtol=1e-4, atol=1e-3) for one, two in zip(*found, strict=True))
