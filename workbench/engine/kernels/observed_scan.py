"""The compiled scan, observed: what arrives and is sent is summed, with a floor and without one, in one pass."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.engine.kernels.compilation import find_kernel
from workbench.engine.kernels.neuron_scan import Dynamics, order_axes
from workbench.engine.kernels.parallel import parallel_for


class Observation(NamedTuple):
    """Of a drive (steps, batch, *shape): what came of it.

    `spikes` (steps, batch, *shape) and the `membrane` are what a scan gives, `unbound` is the membrane of the same
    neuron without a floor. `drive_sum`, `spike_sum` and `unbound_sum` (batch, *shape) are sums over the steps: of the
    drive, and of what is sent with and without a floor. `held` is how many membranes the floor held.
    """

    spikes: Tensor
    membrane: Tensor | None
    unbound: Tensor | None
    drive_sum: Tensor
    spike_sum: Tensor
    unbound_sum: Tensor
    held: int


def scan_observed(
    dynamics: Dynamics, has_floor: bool, drive: Tensor, membrane: Tensor | None, unbound: Tensor | None, elapsed: int
) -> Observation | None:
    """The scan of a drive (steps, batch, *shape), observed; None where there is no compiled kernel for it.

    `unbound` is the membrane that the same neuron would have without a floor.

    >>> seen = scan_observed(Dynamics(start=0.0, floor=-1.0), True, torch.tensor([[[-3.0]], [[2.0]]]), None, None, 0)
    >>> seen.spikes.flatten(), seen.spike_sum.item(), seen.unbound_sum.item(), seen.held
    (tensor([0., 1.]), 1.0, 0.0, 1)
    """
    kernel = find_kernel("record_kernels", "observe_rows")
    if kernel is None:
        return None
    order = order_axes(drive)
    back, rows = np.argsort(order), drive.numpy().transpose(order).copy()
    batch, *shape = rows.shape[1:]
    units = rows[0, 0].size

    def open_state(known: Tensor | None) -> NDArray[np.float32]:
        state = np.zeros((2, batch, *shape), np.float32)
        if known is None:
            state[0] = dynamics.start
        else:
            given = known.numpy() if dynamics.keeps_count else known.numpy()[np.newaxis]
            state[: len(given)] = given.transpose(order)
        return state

    def close_state(state: NDArray[np.float32]) -> Tensor:
        found = torch.from_numpy(state.transpose(back))
        return found if dynamics.keeps_count else found[0]

    state, free = open_state(membrane), open_state(unbound) if has_floor else np.zeros((0, batch, *shape), np.float32)
    sums, held = np.zeros((3, batch, *shape), np.float32), np.zeros(batch, np.int64)
    tables = [values.reshape(len(values), batch, units) for values in (rows, state, free, sums)]
    parallel_for(kernel, batch, rows.size, *tables, elapsed, held, *dynamics)
    drive_sum, spike_sum, unbound_sum = torch.from_numpy(sums.transpose(back))
    spikes, after = torch.from_numpy(rows.transpose(back)), close_state(state)
    without = close_state(free) if has_floor else after
    return Observation(spikes, after, without, drive_sum, spike_sum, unbound_sum, int(held.sum()))


def sum_steps(values: Tensor) -> Tensor:
    """The sum over the steps of (steps, batch, *shape), contiguous; in the order in which images lie in memory.

    >>> sum_steps(torch.ones(3, 1, 2)).tolist()
    [[3.0, 3.0]]
    """
    if values.ndim == 5 and values.movedim(2, -1).is_contiguous():  # along channels first it takes ten times as long
        return values.movedim(2, -1).sum(0).movedim(-1, 1).contiguous()
    return values.sum(0).contiguous()
