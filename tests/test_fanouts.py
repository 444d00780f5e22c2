"""Fan-outs as tables: whoever walks along them adds up exactly what the map itself gives."""

import math

import numpy as np
import pytest
import torch

import workbench as wb
from workbench.fanouts import lay_out, tabulate
from workbench.ops import Operation, Shape

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
CASES += [(operation, shape) for operation in (wb.Dense(5), wb.Identity()) for shape in [(7,), (3, 2)]]


def walk(
    operation: Operation, source: torch.Tensor, weights: list[torch.Tensor], gain: torch.Tensor | None
) -> np.ndarray:
    """The target's units in the order of memory, by the table alone."""
    table = tabulate(operation, tuple(source.shape))
    laid = lay_out(operation, tuple(source.shape), weights, gain)
    target = np.zeros(math.prod(operation.output_shape(tuple(source.shape))), np.float32)
    for unit, value in enumerate(in_memory(source)):
        first, weight, run, runs, _ = table.runs[unit]
        for number in range(runs):
            here, there = first + number * table.down, weight + number * table.across
            target[here : here + run] += value * laid[there : there + run]
    return target


def in_memory(values: torch.Tensor) -> np.ndarray:
    """Units in the order of memory: the channels of an image side by side."""
    return (values.movedim(0, -1) if values.ndim == 3 else values).flatten().numpy()


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
    assert np.array_equal(tabulate(operation, shape).reached, in_memory(operation.fan_out(shape)))
