"""Where the spikes of every unit land: tables for an engine that walks along them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from workbench.ops import Conv, Dense, Identity, Operation, Pool, Shape

LARGEST = 1 << 22  # weights that a map which is written out unit by unit may have


@dataclass(frozen=True, eq=False)
class FanOut:
    """Where each source unit's targets and weights are, in runs that lie next to each other in memory.

    `runs` (units, 5): first target, first weight, how many lie next to each other, how many such runs there are, and
    how many targets are reached, which in a matrix written out are fewer than those in the run; from one run to the
    next it is `down` targets and `across` weights. Units lie in memory with the channels of an image side by side.
    """

    runs: NDArray[np.int32]
    down: int
    across: int

    @property
    def reached(self) -> NDArray[np.int64]:
        """How many targets each unit reaches (units)."""
        return self.runs[:, 4].astype(np.int64)


def is_tabled(operation: Operation, shape: Shape) -> bool:
    """Whether there is a table for this map from a source of this shape: a long chain may be too large to write out."""
    if isinstance(operation, (Conv, Dense, Pool, Identity)):
        return True
    return math.prod(shape) * math.prod(operation.output_shape(shape)) <= LARGEST


@lru_cache(maxsize=256)
def tabulate(operation: Operation, shape: Shape) -> FanOut:
    """The table of a map from a source of this shape.

    >>> tabulate(Conv(4, kernel=3), (1, 3, 3)).reached
    array([16, 24, 16, 24, 36, 24, 16, 24, 16])
    >>> tabulate(Dense(10), (5,)).runs[:2]
    array([[ 0,  0, 10,  1, 10],
           [ 0, 10, 10,  1, 10]], dtype=int32)
    """
    if isinstance(operation, Conv):
        return _tabulate_convolution(operation, shape)
    if isinstance(operation, Pool):
        return _tabulate_pool(operation, shape)
    units = np.arange(math.prod(shape))
    if isinstance(operation, Identity):
        channel = units % shape[0] if len(shape) == 3 else units // math.prod(shape[1:])
        return _table(units, channel, 1, 1)
    width = math.prod(operation.output_shape(shape))
    reached = operation.fan_out(shape)
    reached = reached.movedim(0, -1) if len(shape) == 3 else reached
    return _table(np.zeros_like(units), units * width, width, 1, reached=reached.numpy())


def lay_out(operation: Operation, shape: Shape, weights: Sequence[Tensor], gain: Tensor | None) -> NDArray[np.float32]:
    """The weights of a map in the order of its table, times the gain that scales what it brings.

    `gain` is a number, or one per target channel (channels, 1, 1) or (channels).
    """
    channels = operation.output_shape(shape)[0]
    scale = torch.ones(channels) if gain is None else gain.detach().flatten().expand(channels)
    if isinstance(operation, Conv):
        given = weights[0].detach()
        order = _kernel_order(operation)
        given = given[:, :, order][:, :, :, order].permute(1, 2, 3, 0) * scale
    elif isinstance(operation, Identity):
        given = scale
    elif isinstance(operation, Pool):
        given = scale / operation.kernel**2
    else:
        given = _write_out(operation, shape, weights, gain)
    return np.ascontiguousarray(given.numpy(), dtype=np.float32).ravel()


def _write_out(operation: Operation, shape: Shape, weights: Sequence[Tensor], gain: Tensor | None) -> Tensor:
    """The whole matrix (source units, target units) of a map: what it answers to one spike of each unit."""
    if isinstance(operation, Dense):
        matrix = weights[0].detach().T.reshape(*shape, -1)
    else:
        units = math.prod(shape)
        matrix = operation(torch.eye(units).view(units, *shape), [weight.detach() for weight in weights])
        matrix = matrix.view(*shape, *matrix.shape[1:])
    if gain is not None:
        matrix = matrix * gain.detach()
    if len(shape) == 3:
        matrix = matrix.movedim(0, 2)
    return matrix.movedim(-3, -1) if matrix.ndim - len(shape) == 3 else matrix


def _tabulate_convolution(operation: Conv, shape: Shape) -> FanOut:
    channels, height, width = operation.output_shape(shape)
    kernel = operation.kernel
    (top, upper, rows), (left, first, columns) = (
        _reach(operation, size, targets) for size, targets in zip(shape[1:], (height, width), strict=True)
    )
    target = (top[:, None] * width + left) * channels
    weight = (np.arange(shape[0]) * kernel + upper[:, None, None]) * kernel + first[:, None]
    whole = (*shape[1:], shape[0])
    return _table(
        np.broadcast_to(target[:, :, None], whole),
        weight * channels,
        np.broadcast_to(columns[:, None] * channels, whole),
        np.broadcast_to(rows[:, None, None], whole),
        down=width * channels,
        across=kernel * channels,
    )


def _kernel_order(operation: Conv) -> list[int]:
    """The positions of a kernel so that those which one unit meets lie next to each other, the nearest target first."""
    return sorted(range(operation.kernel), key=lambda position: (position % operation.stride, -position))


def _reach(operation: Conv, size: int, targets: int) -> tuple[NDArray[np.int64], ...]:
    """Along one axis, of every source position: its first target, which kernel position it meets, and how many."""
    order, found = _kernel_order(operation), np.zeros((3, size), np.int64)
    for position in range(size):
        shifted = position + operation.kernel // 2
        met = [
            (place, (shifted - k) // operation.stride)
            for place, k in enumerate(order)
            if (shifted - k) % operation.stride == 0 and 0 <= (shifted - k) // operation.stride < targets
        ]
        if met:
            found[:, position] = met[0][1], met[0][0], len(met)
    return tuple(found)


def _tabulate_pool(operation: Pool, shape: Shape) -> FanOut:
    channels, height, width = operation.output_shape(shape)
    down, right = (np.arange(size) // operation.kernel for size in shape[1:])
    channel = np.arange(channels)
    target = (down[:, None, None] * width + right[:, None]) * channels + channel
    inside = (down < height)[:, None, None] & (right < width)[:, None]
    return _table(target * inside, np.broadcast_to(channel, target.shape), inside, 1)


def _table(
    target: NDArray[np.int64],
    weight: NDArray[np.int64],
    run: ArrayLike,
    runs: ArrayLike,
    down: int = 0,
    across: int = 0,
    reached: NDArray[np.int64] | None = None,
) -> FanOut:
    whole = np.multiply(run, runs) if reached is None else reached.ravel()
    columns = np.broadcast_arrays(target, weight, np.asarray(run), np.asarray(runs), whole)
    return FanOut(np.stack([c.ravel() for c in columns], axis=1).astype(np.int32), down, across)
