"""Synapse tables: for every unit, the targets and weights that a spike of it reaches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from workbench.network import Conv, Dense, Identity, Operation, Pool, Shape

LARGEST = 1 << 22  # synapses that a map may have whose table is written out unit by unit
SHIFT = 40  # bits of the reciprocal of a depth


@dataclass(frozen=True, eq=False)
class SynapseTable:
    """Where each source unit's targets and weights are, in runs that lie next to each other in memory.

    Units lie in memory in places of `depth` each: the channels of an image side by side. `runs` (places, 5) is for the
    first unit of each place: first target, first weight, how many lie next to each other, how many such runs there are,
    and how many targets are reached, which in a matrix written out are fewer than those in the run. From one run to the
    next it is `target_row_stride` targets and `weight_row_stride` weights, from one unit of a place to the next
    `target_unit_stride` targets and `weight_unit_stride` weights.
    """

    runs: NDArray[np.int32]
    depth: int
    target_row_stride: int
    weight_row_stride: int
    target_unit_stride: int
    weight_unit_stride: int

    @property
    def operations(self) -> int:
        """Synaptic operations when every unit spikes once."""
        return int(self.runs[:, 4].sum()) * self.depth

    @property
    def run_count(self) -> int:
        """Runs of weights that are added when every unit spikes once."""
        return int(self.runs[:, 3].sum()) * self.depth

    @property
    def reciprocal(self) -> int:
        """What to multiply a unit with to find its place: unit // depth = unit reciprocal >> SHIFT."""
        return -(-(1 << SHIFT) // self.depth)

    def is_even(self, lanes: int) -> bool:
        """Whether every run is a whole number of lanes, and all units of a place reach the same targets."""
        return self.target_unit_stride == 0 and not (self.runs[:, 2] % lanes).any()

    def is_within(self, row: int) -> bool:
        """Whether no run reaches from one row of so many targets into the next."""
        run, runs = self.runs[:, 2].max(), self.runs[:, 3].max()
        return bool(run <= row and self.target_row_stride == row) or bool(run <= 1 and runs <= 1)


def count_written(operation: Operation, shape: Shape) -> int:
    """Synapses that are written out for a map without a table of its own, such as a chain: every pair of units."""
    return math.prod(shape) * math.prod(operation.output_shape(shape))


def has_table(operation: Operation, shape: Shape) -> bool:
    """Whether there is a table for this map from a source of this shape: a long chain may be too large to write out."""
    units = math.prod(shape)
    depth = _depth(operation, shape)
    if units * depth >= 1 << SHIFT or units // depth >= 1 << (64 - SHIFT):  # a place would not be found by `reciprocal`
        return False
    return isinstance(operation, (Conv, Dense, Pool, Identity)) or count_written(operation, shape) <= LARGEST


@lru_cache(maxsize=256)
def make_table(operation: Operation, shape: Shape) -> SynapseTable:
    """The table of a map from a source of this shape.

    >>> make_table(Conv(4, kernel=3), (1, 3, 3)).operations  # 36 of the unit in the middle, 24 or 16 of the others
    196
    >>> table = make_table(Dense(10), (5,))
    >>> table.runs, table.depth, table.weight_unit_stride
    (array([[ 0,  0, 10,  1, 10]], dtype=int32), 5, 10)
    """
    depth = _depth(operation, shape)
    if isinstance(operation, Conv):
        return _tabulate_convolution(operation, shape)
    if isinstance(operation, Pool):
        return _tabulate_pool(operation, shape)
    places = np.arange(math.prod(shape) // depth)
    if isinstance(operation, Identity):
        of_image = len(shape) == 3
        return _table(
            places * depth,
            places * (not of_image),
            1,
            1,
            depth=depth,
            target_unit_stride=1,
            weight_unit_stride=of_image,
        )
    width = math.prod(operation.output_shape(shape))
    reached = operation.fan_out(shape)
    reached = (reached.movedim(0, -1) if len(shape) == 3 else reached).reshape(-1)[::depth]
    return _table(0 * places, places * width, width, 1, reached=reached.numpy(), depth=depth, weight_unit_stride=width)


def _depth(operation: Operation, shape: Shape) -> int:
    """How many units lie in a place."""
    if isinstance(operation, Dense):
        return math.prod(shape)  # all reach the same targets
    if isinstance(operation, Identity) and len(shape) != 3:
        return math.prod(shape[1:])  # all have the same weight
    return shape[0] if isinstance(operation, (Conv, Pool, Identity)) else 1


@lru_cache(maxsize=4096)  # a stream asks for the same with every run
def find_sources(table: SynapseTable, low: int, high: int) -> tuple[int, int]:
    """The first unit that may reach one of the targets low .. high - 1, and the one after the last; they do so in turn.

    >>> find_sources(make_table(Conv(4, kernel=3), (1, 3, 3)), 0, 12)  # those of the first row of three
    (0, 6)
    """
    first, _, run, runs, _ = table.runs.T
    end = first + (runs - 1) * table.target_row_stride + run + (table.depth - 1) * table.target_unit_stride
    places = np.flatnonzero((run * runs > 0) & (first < high) & (end > low))
    return (int(places[0]) * table.depth, (int(places[-1]) + 1) * table.depth) if len(places) else (0, 0)


def arrange_weights(
    operation: Operation, shape: Shape, weights: Sequence[Tensor], gain: Tensor | None
) -> NDArray[np.float32]:
    """The weights of a map in the order of its table, times the gain that scales what it brings.

    `gain` is a number, or one per target channel (channels, 1, 1) or (channels).
    """
    if isinstance(operation, Conv):
        order = _kernel_order(operation)
        taps = [row * operation.kernel + column for row in order for column in order]
        kernels = weights[0].detach().flatten(2).numpy().transpose(1, 2, 0).take(taps, axis=1)
        given = kernels if gain is None else kernels * gain.detach().flatten().numpy()
    elif isinstance(operation, (Identity, Pool)):
        scale = torch.ones((), dtype=torch.float32) if gain is None else gain.detach().flatten()
        of_one = operation.kernel**2 if isinstance(operation, Pool) else 1
        given = (scale / of_one).expand(operation.output_shape(shape)[0]).numpy()
    else:
        given = _write_out(operation, shape, weights, gain).numpy()
    return np.ascontiguousarray(given, dtype=np.float32).ravel()


def _write_out(operation: Operation, shape: Shape, weights: Sequence[Tensor], gain: Tensor | None) -> Tensor:
    """The whole matrix (source units, target units) of a map: what it answers to one spike of each unit."""
    if isinstance(operation, Dense):
        matrix = weights[0].detach().T.reshape(*shape, -1)
    else:
        units = math.prod(shape)
        each = torch.eye(units, dtype=torch.float32).view(units, *shape)
        matrix = operation(each, [weight.detach() for weight in weights])
        matrix = matrix.view(*shape, *matrix.shape[1:])
    if gain is not None:
        matrix = matrix * gain.detach()
    if len(shape) == 3:
        matrix = matrix.movedim(0, 2)
    return matrix.movedim(-3, -1) if matrix.ndim - len(shape) == 3 else matrix


def _tabulate_convolution(operation: Conv, shape: Shape) -> SynapseTable:
    channels, height, width = operation.output_shape(shape)
    kernel = operation.kernel
    (top, upper, rows), (left, first, columns) = (
        _reach(operation, size, targets) for size, targets in zip(shape[1:], (height, width), strict=True)
    )
    return _table(
        (top[:, None] * width + left) * channels,
        (upper[:, None] * kernel + first) * channels,
        columns * channels,
        rows[:, None],
        depth=shape[0],
        target_row_stride=width * channels,
        weight_row_stride=kernel * channels,
        weight_unit_stride=kernel**2 * channels,
    )


def _kernel_order(operation: Conv) -> list[int]:
    """The positions of a kernel in the order in which a unit uses them next to each other, the nearest target first."""
    return sorted(range(operation.kernel), key=lambda position: (position % operation.stride, -position))


def _reach(operation: Conv, size: int, targets: int) -> tuple[NDArray[np.int64], ...]:
    """Along one axis, of every source position: its first target, the first kernel position it uses, and how many."""
    order, found = _kernel_order(operation), np.zeros((3, size), np.int64)
    for position in range(size):
        shifted = position + operation.kernel // 2
        used = [
            (place, (shifted - k) // operation.stride)
            for place, k in enumerate(order)
            if (shifted - k) % operation.stride == 0 and 0 <= (shifted - k) // operation.stride < targets
        ]
        if used:
            found[:, position] = used[0][1], used[0][0], len(used)
    return tuple(found)


def _tabulate_pool(operation: Pool, shape: Shape) -> SynapseTable:
    channels, height, width = operation.output_shape(shape)
    row, column = (np.arange(size) // operation.kernel for size in shape[1:])
    inside = (row < height)[:, None] & (column < width)
    target = (row[:, None] * width + column) * channels
    return _table(target * inside, 0, inside, 1, depth=channels, target_unit_stride=1, weight_unit_stride=1)


def _table(
    target: NDArray[np.int64],
    weight: ArrayLike,
    run: ArrayLike,
    runs: ArrayLike,
    depth: int,
    target_row_stride: int = 1,
    weight_row_stride: int = 0,
    target_unit_stride: int = 0,
    weight_unit_stride: int = 0,
    reached: NDArray[np.int64] | None = None,
) -> SynapseTable:
    whole = np.multiply(run, runs) if reached is None else reached
    columns = np.broadcast_arrays(target, weight, run, runs, whole)
    table = np.stack([column.ravel() for column in columns], axis=1).astype(np.int32)
    return SynapseTable(table, depth, target_row_stride, weight_row_stride, target_unit_stride, weight_unit_stride)
