"""The scan of spiking neurons, compiled: drives become spikes in place, in one pass over memory."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from workbench.engine.kernels.compilation import find_kernel
from workbench.engine.kernels.parallel import parallel_for

EMISSIONS = ("at_once", "spread", "burst")
AT_ONCE, SPREAD, BURST = range(len(EMISSIONS))  # as kernels know them


class Dynamics(NamedTuple):
    """The options of integrate-and-fire neurons as kernels take them: start and limits are membranes, not thresholds.

    Of neurons that count for a frame, `burst` is the most that they count, and `restart` whether they drop the rest.
    Those at once lose the share `leak` of their membranes before every drive, in whole multiples of `grain` below it;
    as it is where that is 0.
    """

    frame: int = 1
    emission: int = AT_ONCE
    start: float = 0.5
    threshold: float = 1.0
    floor: float = -math.inf
    ceiling: float = math.inf
    burst: float = 1.0
    signed: bool = False
    reset_to_zero: bool = False
    restart: bool = False
    rectify: bool = False
    leak: float = 0.0
    grain: float = 0.0

    @property
    def counts_frames(self) -> bool:
        """Whether neurons count for a frame before they answer."""
        return self.emission != AT_ONCE

    @property
    def keeps_count(self) -> bool:
        """Whether its state is a membrane and a count of spikes: those sent in this frame, or those being sent."""
        return self.signed or self.counts_frames


def is_plain(*tensors: Tensor) -> bool:
    """Whether compiled kernels can take these: float32 numbers of a CPU through which nothing is learned."""
    return all(t.device.type == "cpu" and t.dtype == torch.float32 and not t.requires_grad for t in tensors)


def can_compile(drive: Tensor, membrane: Tensor | None) -> bool:
    """Whether the compiled scan can take these, and is there."""
    plain = is_plain(drive) if membrane is None else is_plain(drive, membrane)
    return plain and find_kernel("neuron_kernels", "scan_rows") is not None


def order_axes(values: Tensor) -> tuple[int, ...]:
    """The axes of (steps, batch, *shape): steps, batch, and then those of the shape as they follow in memory.

    >>> order_axes(torch.zeros(2, 3, 5, 4, 16).movedim(-1, 2))
    (0, 1, 3, 4, 2)
    """
    strides = values.stride()
    return (0, 1, *sorted(range(2, values.ndim), key=lambda axis: -strides[axis]))


def scan_in_place(
    dynamics: Dynamics,
    drive: Tensor,
    membrane: Tensor | None,
    elapsed: int,
    bias: Tensor | None = None,
    extra_biases: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """What the `scan` of such a neuron gives, the spikes written over the drive, which is lost, where `can_compile`.

    `drive` (steps, batch, *shape) costs a copy only where it has gaps in memory. `bias` (channels) is added to it at
    every step, and then `extra_biases` (steps) times the bias: (drive + bias) + extra_biases * bias.

    >>> drive = torch.full((4, 1, 1), 0.25)
    >>> scan_in_place(Dynamics(start=0.0), drive, None, elapsed=0, bias=torch.tensor([0.25]))[0].flatten()
    tensor([0., 1., 0., 1.])
    """
    kernel = find_kernel("neuron_kernels", "scan_rows")
    assert kernel is not None, "can_compile has said so"
    order = order_axes(drive)
    dense = np.ascontiguousarray(drive.numpy().transpose(order))
    batch, *shape = dense.shape[1:]
    before = np.zeros((0, *dense.shape[1:]), np.float32)
    if membrane is not None:  # with a count, its first axis stands where that of the drive does
        known = membrane.numpy() if dynamics.keeps_count else membrane.numpy()[np.newaxis]
        before = np.ascontiguousarray(known.transpose(order))
    state = torch.empty(2, *dense.shape[1:], dtype=torch.float32).numpy()
    given = np.zeros(shape, np.float32)
    if bias is not None:
        wide = bias.detach().numpy().reshape(-1, *[1] * (drive.ndim - 3))
        given[:] = wide.transpose([axis - 2 for axis in order[2:]])
    extra = np.zeros(len(dense), np.float32) if extra_biases is None else extra_biases.numpy()
    tables = [values.reshape(len(values), batch, given.size) for values in (dense, before, state)]
    parts = torch.get_num_threads() if batch < torch.get_num_threads() else 1
    parallel_for(kernel, batch * parts, dense.size, parts, *tables, given.ravel(), extra, elapsed, *dynamics)
    back = np.argsort(order)
    membranes = torch.from_numpy(state.transpose(back))
    return torch.from_numpy(dense.transpose(back)), membranes if dynamics.keeps_count else membranes[0]
