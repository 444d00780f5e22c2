"""How the synapses of each kind of operation lie in its table; of any other kind they are written out, unit by unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache, singledispatch

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.engine.kernels.synapse_tables import SHIFT, SynapseTable, stack_runs
from workbench.network import Conv, Dense, GlobalPool, Identity, Operation, Pool, Shape, Window

LARGEST = 1 << 22  # synapses that a map may have whose table is written out unit by unit


class WrittenOut:
    """The layout of any operation: a row of weights to every target for each source unit, of which some are 0."""

    compact = False

    def __init__(self, operation: Operation) -> None:
        self.operation = operation

    def depth(self, shape: Shape) -> int:
        """How many units lie in a place."""
        return 1

    def table(self, shape: Shape) -> SynapseTable:
        """The table for a source of this shape."""
        depth, width = self.depth(shape), math.prod(self.operation.output_shape(shape))
        places = np.arange(math.prod(shape) // depth)
        reached = self.operation.fan_out(shape)
        reached = reached.movedim(0, -1).reshape(-1)[::depth]
        columns = 0 * places, places * width, width, 1
        return stack_runs(*columns, reached=reached.numpy(), depth=depth, weight_unit_stride=width)

    def weights(self, shape: Shape, weights: Sequence[Tensor], gain: Tensor | None) -> NDArray[np.float32]:
        """The weights in the order of the table, times the gain."""
        matrix = self.matrix(shape, weights)
        if gain is not None:
            matrix = matrix * gain.detach()
        return matrix.movedim(0, len(shape) - 1).movedim(len(shape), -1).numpy()

    def matrix(self, shape: Shape, weights: Sequence[Tensor]) -> Tensor:
        """(*source shape, *target shape): the answer of the map to one spike of each unit.

        In float64, which neither autocast nor another setting of torch makes coarser.
        """
        units = math.prod(shape)
        each = torch.eye(units, dtype=torch.float64).view(units, *shape)
        matrix = self.operation(each, [weight.detach().double() for weight in weights]).float()
        return matrix.view(*shape, *matrix.shape[1:])


class DenseLayout(WrittenOut):
    """All units reach the same targets, so all are in one place."""

    compact = True

    def depth(self, shape: Shape) -> int:
        return math.prod(shape)

    def matrix(self, shape: Shape, weights: Sequence[Tensor]) -> Tensor:
        return weights[0].detach().T.reshape(*shape, -1)


class ConvLayout(WrittenOut):
    """The channels of a position are in one place; runs are rows of the kernel, in pieces where there are groups."""

    compact = True

    def __init__(self, operation: Conv) -> None:
        super().__init__(operation)
        self.groups, self.windows = operation.groups, operation.windows

    def depth(self, shape: Shape) -> int:
        return shape[0]

    def table(self, shape: Shape) -> SynapseTable:
        channels = self.operation.output_shape(shape)[0]
        piece, (down, across) = channels // self.groups, self._axes(shape)
        (top, upper, rows), (left, first, columns) = self._reach(down), self._reach(across)
        return stack_runs(
            (top[:, None] * across.targets + left) * channels,
            (upper[:, None] * across.kernel + first) * piece,
            columns * piece,
            rows[:, None],
            depth=shape[0],
            target_row_stride=across.targets * channels,
            weight_row_stride=across.kernel * piece,
            weight_unit_stride=down.kernel * across.kernel * piece,
            groups=self.groups,
            piece=piece,
        )

    def weights(self, shape: Shape, weights: Sequence[Tensor], gain: Tensor | None) -> NDArray[np.float32]:
        down, across = self._axes(shape)
        rows, columns = self._kernel_order(down), self._kernel_order(across)
        taps = [row * across.kernel + column for row in rows for column in columns]
        kernels = weights[0].detach().flatten(2)
        kernels = kernels if gain is None else kernels * gain.detach().reshape(-1, 1, 1)
        groups, sources = self.groups, kernels.shape[1]
        arranged: NDArray[np.float32] = kernels.reshape(groups, -1, sources, len(taps)).numpy().transpose(0, 2, 3, 1)
        return arranged.take(taps, axis=2)

    def _axes(self, shape: Shape) -> list[Window]:
        """What is seen along height and width; a single axis is a width."""
        return [*[Window(1, 1, 1, 1, 0)] * (3 - len(shape)), *self.windows(shape)]

    def _kernel_order(self, axis: Window) -> list[int]:
        """The kernel positions in the order in which a unit uses them next to each other, the nearest target first."""
        return sorted(range(axis.kernel), key=lambda position: (position % axis.stride, -position))

    def _reach(self, axis: Window) -> tuple[NDArray[np.int64], ...]:
        """Along one axis, of every source position: its first target, the first kernel position, and how many."""
        order, found = self._kernel_order(axis), np.zeros((3, axis.sources), np.int64)
        for position in range(axis.sources):
            shifted = position + axis.padding
            used = [
                (place, (shifted - k) // axis.stride)
                for place, k in enumerate(order)
                if (shifted - k) % axis.stride == 0 and 0 <= (shifted - k) // axis.stride < axis.targets
            ]
            if used:
                found[:, position] = used[0][1], used[0][0], len(used)
        return tuple(found)


class PoolLayout(WrittenOut):
    """The channels of a position are in one place, and each reaches one target."""

    compact = True

    def __init__(self, operation: Pool | GlobalPool) -> None:
        super().__init__(operation)
        self.kernels, self.sums = operation.kernels, operation.sums

    def depth(self, shape: Shape) -> int:
        return shape[0]

    def table(self, shape: Shape) -> SynapseTable:
        target, inside = np.zeros((), np.int64), np.ones((), np.bool_)
        for size, kernel in zip(shape[1:], self.kernels(shape), strict=True):
            pooled, targets = np.arange(size) // kernel, size // kernel
            target, inside = target[..., None] * targets + pooled, inside[..., None] & (pooled < targets)
        columns = target * inside * shape[0], 0, inside, 1
        return stack_runs(*columns, depth=shape[0], target_unit_stride=1, weight_unit_stride=1)

    def weights(self, shape: Shape, weights: Sequence[Tensor], gain: Tensor | None) -> NDArray[np.float32]:
        return _repeat(gain, shape[0], 1 if self.sums else math.prod(self.kernels(shape)))


class IdentityLayout(WrittenOut):
    """Every unit reaches itself; the channels of a position are in one place, each unit alone where all is flat."""

    compact = True

    def depth(self, shape: Shape) -> int:
        return shape[0] if len(shape) > 1 else 1

    def table(self, shape: Shape) -> SynapseTable:
        depth, flat = self.depth(shape), len(shape) == 1
        places = np.arange(math.prod(shape) // depth)
        columns = places * depth, places * flat, 1, 1
        return stack_runs(*columns, depth=depth, target_unit_stride=1, weight_unit_stride=1 - flat)

    def weights(self, shape: Shape, weights: Sequence[Tensor], gain: Tensor | None) -> NDArray[np.float32]:
        return _repeat(gain, shape[0], 1)


@singledispatch
def find_layout(operation: Operation) -> WrittenOut:
    """The layout of an operation: that of its kind, or for any other kind written out."""
    return WrittenOut(operation)


find_layout.register(Dense, DenseLayout)
find_layout.register(Conv, ConvLayout)
find_layout.register(Pool, PoolLayout)
find_layout.register(GlobalPool, PoolLayout)
find_layout.register(Identity, IdentityLayout)


def count_written(operation: Operation, shape: Shape) -> int:
    """Synapses that are written out for a map without a compact layout, such as a chain: every pair of units."""
    return math.prod(shape) * math.prod(operation.output_shape(shape))


def has_table(operation: Operation, shape: Shape) -> bool:
    """Whether there is a table for this map from a source of this shape: a long chain may be too large to write out."""
    layout, units = find_layout(operation), math.prod(shape)
    depth = layout.depth(shape)
    if units * depth >= 1 << SHIFT or units // depth >= 1 << (64 - SHIFT):  # a place would not be found by `reciprocal`
        return False
    return layout.compact or count_written(operation, shape) <= LARGEST


@lru_cache(maxsize=256)
def make_table(operation: Operation, shape: Shape) -> SynapseTable:
    """The table of a map from a source of this shape.

    >>> make_table(Conv(4, kernel=3), (1, 3, 3)).operations  # 36 of the unit in the middle, 24 or 16 of the others
    196
    >>> table = make_table(Dense(10), (5,))
    >>> table.runs, table.depth, table.weight_unit_stride
    (array([[ 0,  0, 10,  1, 10]], dtype=int32), 5, 10)
    """
    return find_layout(operation).table(shape)


def arrange_weights(
    operation: Operation, shape: Shape, weights: Sequence[Tensor], gain: Tensor | None
) -> NDArray[np.float32]:
    """The weights of a map in the order of its table, times the gain that scales what it brings.

    `gain` is a number, or one per target channel (channels, 1, 1) or (channels).
    """
    given = find_layout(operation).weights(shape, weights, gain)
    return np.ascontiguousarray(given, dtype=np.float32).ravel()


def _repeat(gain: Tensor | None, channels: int, divisor: int) -> NDArray[np.float32]:
    """One weight per channel: the gain, or 1, divided."""
    scale = torch.ones((), dtype=torch.float32) if gain is None else gain.detach().flatten()
    return (scale / divisor).expand(channels).numpy()
