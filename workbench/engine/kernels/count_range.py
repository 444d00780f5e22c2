"""What an input holds: its largest number, and whether all are whole, in one pass."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from workbench.engine.kernels.compilation import find_kernel
from workbench.engine.kernels.neuron_scan import is_plain
from workbench.engine.kernels.parallel import parallel_for

PIECES = 64  # for threads to share


def find_count_range(values: Tensor) -> tuple[float, bool]:
    """The largest magnitude of these numbers, 0 where there are none, and whether all of them are whole.

    >>> find_count_range(torch.tensor([0.0, 3.0, -4.0])), find_count_range(torch.tensor([0.5]))
    ((4.0, True), (0.5, False))
    """
    if values.numel() == 0:
        return 0.0, True
    kernel = find_kernel("neuron_kernels", "measure_counts") if is_plain(values) and values.is_contiguous() else None
    if kernel is None:
        return float(values.abs().max()), bool((values == values.round()).all())
    numbers, found = values.numpy().ravel(), np.zeros((PIECES, 2), np.float32)
    parallel_for(kernel, PIECES, numbers.size, numbers, found)
    return float(found[:, 0].max()), not found[:, 1].any()
