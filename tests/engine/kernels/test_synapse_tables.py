"""Fan-outs as tables: whoever walks along them adds up exactly what the map itself gives."""

import math

import numpy as np
import pytest
import torch

import workbench as wb
from workbench.engine.event_driven.sparse_product import SparseProduct
from workbench.engine.kernels.scatter_kernels import APART, GATHERED, GROUPED, TOGETHER, find_kind
from workbench.engine.kernels.synapse_layouts import arrange_weights, make_table
from workbench.engine.kernels.synapse_tables import SHIFT, SynapseTable, find_sources
from workbench.network.operations import Operation, Shape

IMAGES = [
    wb.Conv(3, kernel=3),
    wb.Conv(4, kernel=5),
    wb.Conv(2, kernel=1, stride=2),
    wb.Conv(3, kernel=3, stride=2),
    wb.Conv(2, kernel=5, stride=3),
    wb.Conv(2, kernel=3, stride=4),
    wb.Pool(2),
    wb.Pool(4),
    wb.Identity(),
    wb.Dense(7),
    wb.Chain(wb.Pool(2), wb.Conv(3, kernel=3)),
    wb.Chain(wb.Conv(2, kernel=3), wb.Pool(2), wb.Dense(3)),
    wb.Conv(3, kernel=(1, 3), stride=(2, 1)),
    wb.Conv(2, kernel=4, stride=2, padding=(0, 3)),
    wb.Conv(2, kernel=2, padding=5),
    wb.Pool((1, 2)),
    wb.Pool((4, 1)),
    wb.GlobalPool(sums=True),
    wb.Chain(wb.Conv(4, kernel=3), wb.Conv(2, kernel=3, groups=2), wb.GlobalPool(sums=True)),
]
SIGNALS = [
    wb.Conv1d(3, kernel=5),
    wb.Conv1d(4, kernel=4, stride=3, padding=2),
    wb.Conv1d(6, kernel=3, groups=2),
    wb.Conv1d(8, kernel=3, stride=2, groups=4),
    wb.Pool(3, sums=True),
    wb.GlobalPool(sums=True),
    wb.Identity(),
    wb.Dense(5),
    wb.Chain(wb.Pool(2), wb.Conv1d(4, kernel=3, groups=2)),
]
GROUPS = [
    wb.Conv(4, kernel=3, groups=4),
    wb.Conv(8, kernel=(3, 5), stride=2, groups=4),
    wb.Conv(6, kernel=3, groups=2),
    wb.Conv(12, kernel=2, padding=(0, 2), groups=2),
    wb.Conv(4, kernel=1, stride=3, groups=2),
]
CASES = [(operation, shape) for operation in IMAGES for shape in [(2, 6, 5), (1, 9, 7), (3, 4, 4)]]
CASES += [(operation, shape) for operation in GROUPS for shape in [(4, 6, 5), (8, 4, 7)]]
CASES += [(operation, shape) for operation in SIGNALS for shape in [(4, 9), (8, 6), (4, 4)]]
CASES += [(wb.GlobalPool(sums=True), (2, 3, 4, 2)), (wb.Identity(), (2, 3, 2, 2)), (wb.Dense(3), (2, 3, 2, 2))]
CASES += [(wb.Conv(5, kernel=3), (3, 1, 1)), (wb.Conv1d(5, kernel=3), (3, 1))]  # of one pixel, the middle of a kernel
CASES += [(operation, (1, 4, 1)) for operation in (wb.Conv(1, kernel=3), wb.Chain(wb.Identity(), wb.Conv(1, kernel=3)))]
CASES += [(operation, shape) for operation in (wb.Dense(5), wb.Identity()) for shape in [(7,), (3, 2)]]


def walk(
    operation: Operation, source: torch.Tensor, weights: list[torch.Tensor], gain: torch.Tensor | None
) -> np.ndarray:
    """The target's units in the order of memory, by the table alone."""
    table = make_table(operation, tuple(source.shape))
    laid = arrange_weights(operation, tuple(source.shape), weights, gain)
    target = np.zeros(math.prod(operation.output_shape(tuple(source.shape))), np.float32)
    for unit, value in enumerate(in_memory(source)):
        place, beside = divmod(unit, table.depth)
        assert unit * table.reciprocal >> SHIFT == place
        first, weight, run, runs, _ = table.runs[place]
        for number in range(runs):
            here = first + number * table.target_row_stride + beside * table.target_unit_stride
            there = weight + number * table.weight_row_stride + beside * table.weight_unit_stride
            target[reached_by(table, beside, here, run)] += value * laid[there : there + run]
    return target


def reached_by(table: SynapseTable, beside: int, first: int, run: int) -> np.ndarray:
    """The targets of a run that begins here, for one of the units of a place: of groups, some of every pixel."""
    if table.groups == 1:
        return first + np.arange(run)
    group, pixel = beside // (table.depth // table.groups), np.arange(run) // table.piece
    return first + group * table.piece + pixel * table.groups * table.piece + np.arange(run) % table.piece


def in_memory(values: torch.Tensor) -> np.ndarray:
    """Units in the order of memory: the channels of a position side by side."""
    return values.movedim(0, -1).flatten().numpy()


@pytest.mark.parametrize("gained", [None, "number", "channels"])
@pytest.mark.parametrize(("operation", "shape"), CASES, ids=str)
def test_a_walk_along_the_table_is_the_map(operation: Operation, shape: Shape, gained: str | None) -> None:
    generator = torch.Generator().manual_seed(0)
    dyadic = [
        torch.randint(-32, 32, size, generator=generator) / 32
        for size in [*operation.weight_shapes(shape), shape, operation.output_shape(shape)[:1]]
    ]
    *weights, source, gain = dyadic
    target = operation.output_shape(shape)
    gain = {None: None, "number": torch.tensor(0.5), "channels": gain.view(-1, *[1] * (len(target) - 1))}[gained]
    expected = operation(source[None], weights)[0] * (1.0 if gain is None else gain)
    assert np.array_equal(walk(operation, source, weights, gain), in_memory(expected))


@pytest.mark.parametrize(("operation", "shape"), CASES, ids=str)
def test_it_reaches_as_many_units_as_the_operation_says(operation: Operation, shape: Shape) -> None:
    table, expected = make_table(operation, shape), in_memory(operation.fan_out(shape))
    assert np.array_equal(table.runs[:, 4].repeat(table.depth), expected)
    assert table.operations == expected.sum()
    pieces = table.runs[:, 2] // table.piece if table.groups > 1 else 1
    assert table.run_count == (table.runs[:, 3] * pieces).repeat(table.depth).sum()


@pytest.mark.parametrize(("operation", "shape"), CASES, ids=str)
def test_who_may_reach_some_rows_is_found_and_where_runs_stay_within_rows_is_known(
    operation: Operation, shape: Shape
) -> None:
    table, target = make_table(operation, shape), operation.output_shape(shape)
    row = target[0] * target[-1] if len(target) == 3 else math.prod(target)
    reached = np.zeros((math.prod(shape), math.prod(target)), bool)
    within = True
    for unit in range(len(reached)):
        place, beside = divmod(unit, table.depth)
        first, _, run, runs, _ = table.runs[place]
        for number in range(runs):
            here = first + number * table.target_row_stride + beside * table.target_unit_stride
            targets = reached_by(table, beside, here, run)
            reached[unit, targets] = True
            within &= run == 0 or targets[0] // row == targets[-1] // row
    assert within or not table.is_within(row)
    if not table.is_within(row):
        return
    for low in range(0, math.prod(target), row):
        for high in range(low + row, math.prod(target) + 1, row):
            begin, end = find_sources(table, low, high)
            some = reached[:, low:high].any(1)
            assert not some[:begin].any()
            assert not some[end:].any()
            assert not some.any() or (some[begin : begin + table.depth].any() and some[end - table.depth : end].any())


def test_every_table_finds_its_kernel() -> None:
    assert find_kind(make_table(wb.Conv(32, kernel=3, stride=2), (2, 5, 5))) == TOGETHER
    assert find_kind(make_table(wb.Chain(wb.Pool(2), wb.Conv(3, kernel=3)), (2, 6, 5))) == TOGETHER
    assert find_kind(make_table(wb.Pool(2), (16, 4, 4))) == APART  # its units reach one target each, not the same ones
    assert find_kind(make_table(wb.Conv(32, kernel=3, groups=2), (2, 5, 5))) == GROUPED
    assert find_kind(make_table(wb.Conv(4, kernel=1, groups=2), (2, 1, 1))) == GROUPED
    assert find_kind(make_table(wb.Dense(10), (2, 5, 5))) == GATHERED


@pytest.mark.parametrize(("operation", "shape"), CASES, ids=str)
@pytest.mark.parametrize("busy", [0.05, 0.6])
def test_the_kernel_adds_up_what_the_map_gives(operation: Operation, shape: Shape, busy: float) -> None:
    generator = torch.Generator().manual_seed(1)
    images = (torch.rand(7, *shape, generator=generator) < busy) * torch.randint(-3, 4, (7, *shape)).float()
    weights = [torch.randint(-32, 32, size, generator=generator) / 32 for size in operation.weight_shapes(shape)]
    sums, _ = operation.as_sums(shape)
    found = SparseProduct(sums, shape, weights, None)(images)
    assert torch.equal(found, sums(images, weights))


def test_a_table_of_groups_is_no_larger_than_one_without() -> None:
    plain, grouped = (make_table(wb.Conv(16, kernel=3, groups=groups), (16, 9, 9)) for groups in (1, 16))
    assert grouped.runs.shape == plain.runs.shape == (81, 5)
    assert 16 * grouped.operations == plain.operations
    weights = {groups: [torch.ones(16, 16 // groups, 3, 3)] for groups in (1, 16)}
    laid = {
        groups: arrange_weights(wb.Conv(16, kernel=3, groups=groups), (16, 9, 9), given, None)
        for groups, given in weights.items()
    }
    assert laid[1].size == 16 * laid[16].size
