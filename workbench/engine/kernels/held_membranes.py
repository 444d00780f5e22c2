"""How many membranes a floor holds, counted in one compiled pass."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from workbench.engine.kernels.compilation import find_kernel
from workbench.engine.kernels.neuron_scan import Dynamics, is_plain, order_axes
from workbench.engine.kernels.parallel import parallel_for


def count_held(dynamics: Dynamics, drive: Tensor, membrane: Tensor | None, elapsed: int) -> int | None:
    """How many membranes lie below the floor after what arrives, over all ticks of a drive (steps, batch, *shape).

    None where there is no compiled kernel for it.

    >>> count_held(Dynamics(floor=-1.0), torch.full((3, 1, 2), -1.0), None, elapsed=0)
    4
    """
    plain = is_plain(drive) if membrane is None else is_plain(drive, membrane)
    kernel = find_kernel("record_kernels", "count_held_rows") if plain else None
    if kernel is None:
        return None
    order = order_axes(drive)
    rows = drive.numpy().transpose(order).copy()
    (steps, batch), units = rows.shape[:2], rows[0, 0].size
    state = np.zeros((2, *rows.shape[1:]), np.float32)
    if membrane is None:
        state[0] = dynamics.start
    else:
        known = membrane.numpy() if dynamics.signed else membrane.numpy()[np.newaxis]
        state[: len(known)] = known.transpose(order)
    potential, sent = state.reshape(2, batch, units)
    held = np.zeros(batch, np.int64)
    where = rows.reshape(steps, batch, units), potential, sent, elapsed, held, dynamics.floor
    parallel_for(kernel, batch, rows.size, *where, *dynamics)
    return int(held.sum())
