"""Sums over units of how far spikes are from what was expected, and why, in one compiled pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor

from workbench.engine.kernels.compilation import find_kernel
from workbench.engine.kernels.neuron_scan import is_plain
from workbench.engine.kernels.parallel import parallel_for

SUMS = 13  # target, activity, error, magnitude, saturated, silent, and seven causes


class Counting(NamedTuple):
    """How a neuron turns the drive of a frame into spikes: `most` of them, and with it the ticks of a frame."""

    ticks: float
    start: float  # in thresholds
    threshold: float
    most: float


def sum_errors(
    counting: Counting, scale: Tensor, target: Tensor, presumed: Tensor, before: Tensor, sums: Sequence[Tensor]
) -> list[float] | None:
    """Sums of errors over all units, as `record_kernels.sum_error_rows` takes them; None where there is no kernel.

    (batch, *shape) each: `target` is the activity of the ANN, `presumed` the drive with the delays of training,
    `before` the membrane at the frame's begin, `sums` the drive, the spikes and those without a floor. `scale` is one
    number, or is broadcast to the shape.

    >>> one = torch.ones(1, 1)
    >>> sum_errors(Counting(1, 0.5, 1.0, 1), one[0], 2 * one, one, 0.5 * one, (one, one, one))
    [2.0, 1.0, 1.0, 2.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    given = (target, presumed, before, *sums)
    kernel = find_kernel("record_kernels", "sum_error_rows") if is_plain(*given, scale) else None
    if kernel is None:
        return None
    like, strides = sums[0], sums[0].stride()
    order = (0, *sorted(range(1, like.ndim), key=lambda axis: -strides[axis]))  # as the sums lie in memory
    rows = [np.ascontiguousarray(values.numpy().transpose(order)).reshape(len(values), -1) for values in given]
    scales = scale.expand(like.shape[1:]).numpy().transpose([axis - 1 for axis in order[1:]])
    found = np.zeros((len(like), SUMS))
    parallel_for(kernel, len(like), like.numel(), *rows, np.ascontiguousarray(scales).ravel(), found, *counting)
    return [float(total) for total in found.sum(0)]
