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
from workbench.network import Conv, Dense, Identity, Operation, Pool, Shape

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
        reached = (reached.movedim(0, -1) if len(shape) == 3 else reached).reshape(-1)[::depth]
        columns = 0 * places, places * width, width, 1
        return stack_runs(*columns, reached=reached.numpy(), depth=depth, weight_unit_stride=width)

    def weights(self, shape: Shape, weights: Sequence[Tensor], gain: Tensor | None) -> NDArray[np.float32]:
        """The weights in the order of the table, times the gain."""
        matrix = self.matrix(shape, weights)
        if gain is not None:
            matrix = matrix * gain.detach()
        if len(shape) == 3:
            matrix = matrix.movedim(0, 2)
        return (matrix.movedim(-3, -1) if matrix.ndim - len(shape) == 3 else matrix).numpy()

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
    """The channels of a pixel are in one place; runs are rows of the kernel."""

    compact = True

    def __init__(self, operation: Conv) -> None:
        super().__init__(operation)
        self.kernel, self.stride = operation.kernel, operation.stride

    def depth(self, shape: Shape) -> int:
        return shape[0]

    def table(self, shape: Shape) -> SynapseTable:
        channels, height, width = self.operation.output_shape(shape)
        kernel = self.kernel
        (top, upper, rows), (left, first, columns) = (
            self._reach(size, targets) for size, targets in zip(shape[1:], (height, width), strict=True)
        )
        return stack_runs(
            (top[:, None] * width + left) * channels,
            (upper[:, None] * kernel + first) * channels,
            columns * channels,
            rows[:, None],
            depth=shape[0],
            target_row_stride=width * channels,
            weight_row_stride=kernel * channels,
            weight_unit_stride=kernel**2 * channels,
        )

    def weights(self, shape: Shape, weights: Sequence[Tensor], gain: Tensor | None) -> NDArray[np.float32]:
        order = self._kernel_order()
        taps = [row * self.kernel + column for row in order for column in order]
        kernels: NDArray[np.float32] = weights[0].detach().flatten(2).numpy().transpose(1, 2, 0).take(taps, axis=1)
        return kernels if gain is None else kernels * gain.detach().flatten().numpy()

    def _kernel_order(self) -> list[int]:
        """The kernel positions in the order in which a unit uses them next to each other, the nearest target first."""
        return sorted(range(self.kernel), key=lambda position: (position % self.stride, -position))

    def _reach(self, size: int, targets: int) -> tuple[NDArray[np.int64], ...]:
        """Along one axis, of every source position: its first target, the first kernel position, and how many."""
        order, found = self._kernel_order(), np.zeros((3, size), np.int64)
        for position in range(size):
            shifted = position + self.kernel // 2
            used = [
                (place, (shifted - k) // self.stride)
                for place, k in enumerate(order)
                if (shifted - k) % self.stride == 0 and 0 <= (shifted - k) // self.stride < targets
            ]
            if used:
                found[:, position] = used[0][1], used[0][0], len(used)
        return tuple(found)


class PoolLayout(WrittenOut):
    """The channels of a pixel are in one place, and each reaches one target."""

    compact = True

    def __init__(self, operation: Pool) -> None:
        super().__init__(operation)
        self.kernel, self.sums = operation.kernel, operation.sums

    def depth(self, shape: Shape) -> int:
        return shape[0]

    def table(self, shape: Shape) -> SynapseTable:
        channels, height, width = self.operation.output_shape(shape)
        row, column = (np.arange(size) // self.kernel for size in shape[1:])
        inside = (row < height)[:, None] & (column < width)
        target = (row[:, None] * width + column) * channels
        return stack_runs(target * inside, 0, inside, 1, depth=channels, target_unit_stride=1, weight_unit_stride=1)

    def weights(self, shape: Shape, weights: Sequence[Tensor], gain: Tensor | None) -> NDArray[np.float32]:
        return _repeat(gain, self.operation.output_shape(shape)[0], 1 if self.sums else self.kernel**2)


class IdentityLayout(WrittenOut):
    """Every unit reaches itself; in one place are the channels of a pixel, else the units of a channel."""

    compact = True

    def depth(self, shape: Shape) -> int:
        return shape[0] if len(shape) == 3 else math.prod(shape[1:])

    def table(self, shape: Shape) -> SynapseTable:
        depth, of_image = self.depth(shape), len(shape) == 3
        places = np.arange(math.prod(shape) // depth)
        columns = places * depth, places * (not of_image), 1, 1
        return stack_runs(*columns, depth=depth, target_unit_stride=1, weight_unit_stride=of_image)

    def weights(self, shape: Shape, weights: Sequence[Tensor], gain: Tensor | None) -> NDArray[np.float32]:
        return _repeat(gain, shape[0], 1)


@singledispatch
def find_layout(operation: Operation) -> WrittenOut:
    """The layout of an operation: that of its kind, or for any other kind written out."""
    return WrittenOut(operation)


find_layout.register(Dense, DenseLayout)
find_layout.register(Conv, ConvLayout)
find_layout.register(Pool, PoolLayout)
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
