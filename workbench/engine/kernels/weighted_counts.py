"""What the active units of a node weigh together, step by step: the sum behind every count of operations."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from workbench.engine.kernels.compilation import find_kernel
from workbench.engine.kernels.neuron_scan import is_plain, order_axes
from workbench.engine.kernels.parallel import parallel_for


def count_weighted(activity: Tensor, weights: Tensor, spikes: bool) -> Tensor:
    """Of every step and recording the sum of the weights of active units, float64 (steps, batch, kinds).

    Every unit of `activity` (steps, batch, *shape) counts as often as it spikes, in either direction, or once where it
    is not 0; it has `weights` (units, kinds), float64.

    >>> weights = torch.tensor([[1.0], [10.0], [100.0]], dtype=torch.float64)
    >>> count_weighted(torch.tensor([[[2.0, 0.0, -1.0]]]), weights, True)
    tensor([[[102.]]], dtype=torch.float64)
    """
    kernel = find_kernel("neuron_kernels", "weighted_count_rows") if is_plain(activity) else None
    if kernel is None:
        weights = weights.to(activity.device)
        counted = (step.flatten(1).abs() if spikes else step.flatten(1) != 0 for step in activity)
        return torch.stack([step.double() @ weights for step in counted])  # all steps at once take much room
    order = order_axes(activity)
    dense = np.ascontiguousarray(activity.numpy().transpose(order))
    (steps, batch), (units, kinds) = dense.shape[:2], weights.shape
    laid = weights.numpy().reshape(*activity.shape[2:], kinds).transpose(-1, *(axis - 2 for axis in order[2:]))
    rows, columns = dense.reshape(steps, batch, units), np.ascontiguousarray(laid).reshape(kinds, units)
    sums = np.empty((steps, batch, kinds))
    parallel_for(kernel, steps, dense.size, rows, columns, spikes, sums)
    return torch.from_numpy(sums)
