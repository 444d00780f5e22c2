"""Fan-outs as tables: whoever walks along them adds up exactly what the map itself gives."""

import math

import numpy as np
import pytest
import torch

import workbench as wb
from workbench.engine.kernels.scatter_kernels import APART, GATHERED, TOGETHER, find_kind
from workbench.engine.kernels.synapse_layouts import arrange_weights, make_table
from workbench.engine.kernels.synapse_tables import SHIFT, find_sources
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
]
CASES = [(operation, shape) for operation in IMAGES for shape in [(2, 6, 5), (1, 9, 7), (3, 4, 4)]]
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
            target[here : here + run] += value * laid[there : there + run]
    return target


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
    assert table.run_count == table.runs[:, 3].repeat(table.depth).sum()


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
            reached[unit, here : here + run] = True
            within &= run == 0 or here // row == (here + run - 1) // row
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
    assert find_kind(make_table(wb.Dense(10), (2, 5, 5))) == GATHERED
