"""The scan of spiking neurons, compiled: in place, over slices of the units, in as many threads as torch has."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

SIGNATURE = (
    "void(float32[:,:,::1], float32[:,:,::1], float32[::1], float32[::1], int64, int64, int64, int64, int64, "
    "float32, float32, float32, float32, boolean, boolean, boolean, boolean)"
)
SLICE = 1 << 17  # a thread is worth its call from about so many drives on
SHARES = 4  # slices for each thread


class Dynamics(NamedTuple):
    """The options of `IntegrateAndFire` as the kernel takes them: start and floor are membranes, not in thresholds."""

    frame: int = 1
    silence: int = 0
    start: float = 0.5
    threshold: float = 1.0
    floor: float = -math.inf
    burst: float = 1.0
    signed: bool = False
    zero: bool = False
    returns: bool = False
    rectify: bool = False


@cache
def kernel() -> Callable[..., None] | None:
    """The compiled `scan_slice`; None, and a warning once, where numba is missing or fails."""
    try:
        from numba import njit  # when first needed: it takes longer to import than the workbench

        compiled: Callable[..., None] = njit(SIGNATURE, nogil=True, cache=True)(scan_slice)
    except Exception as error:  # whatever it is, torch can do without
        reason = f"{type(error).__name__}: {error}"
        warnings.warn(
            f"numba cannot compile the scan of spiking neurons, torch does it slower ({reason})", stacklevel=2
        )
        return None
    return compiled


def scan_slice(
    rows: Any, state: Any, bias: Any, moved: Any, first: int, last: int, age: int, frame: int, silence: int,
    start: float, threshold: float, floor: float, burst: float, signed: bool, zero: bool, returns: bool, rectify: bool
) -> None:  # fmt: skip
    """Turn the drives of the units first .. last - 1 into their spikes, one recording and one tick after the other.

    `rows` (steps, batch, units) holds drives and, afterwards, spikes; `state` (2, batch, units) the membranes, and what
    signed neurons have sent in this frame. Unit u is driven by (row[u] + bias[u]) + moved[step] bias[u]. The rest are
    the options of `IntegrateAndFire`. Plain Python, for numba to compile.
    """
    nothing = np.float32(0)
    for recording in range(rows.shape[1]):
        levels, sent, given = state[0, recording, first:last], state[1, recording, first:last], bias[first:last]
        for step in range(len(rows)):
            row, more, phase = rows[step, recording, first:last], moved[step], (age + step) % frame
            if phase == 0 and signed:
                sent[:] = nothing
            if phase == 0 and returns:
                levels[:] = start
            if phase == 0 and rectify:
                levels[:] = np.maximum(levels, nothing)
            most = nothing if phase < silence else burst
            for u in range(len(row)):
                level = levels[u] + ((row[u] + given[u]) + more * given[u])
                level = floor if level < floor else level
                fired = np.floor(level / threshold)
                least = -min(max(sent[u], nothing), most) if signed else nothing
                fired = fired if fired > least else least
                fired = fired if fired < most else most
                if signed:  # not after the next two lines: the loop would no longer become vector instructions
                    sent[u] += fired
                levels[u] = level * np.float32(fired == 0) if zero else level - fired * threshold
                row[u] = fired


def suits(drive: Tensor, membrane: Tensor | None) -> bool:
    """Whether the compiled scan can take these: float32 numbers of a CPU through which nothing is learned."""
    tensors = [drive] if membrane is None else [drive, membrane]
    plain = all(t.device.type == "cpu" and t.dtype == torch.float32 and not t.requires_grad for t in tensors)
    return plain and kernel() is not None


def overwrite(
    dynamics: Dynamics,
    drive: Tensor,
    membrane: Tensor | None,
    age: int,
    bias: Tensor | None = None,
    moved: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """What `IntegrateAndFire.scan` gives, the spikes written over the drive, which is lost; both must suit.

    `drive` (steps, batch, *shape) costs a copy only where it has gaps in memory. `bias` (channels) is added to it at
    every step, and then `moved` (steps) times the bias: (drive + bias) + moved bias.

    >>> drive = torch.full((4, 1, 1), 0.25)
    >>> overwrite(Dynamics(start=0.0), drive, None, age=0, bias=torch.tensor([0.25]))[0].flatten()
    tensor([0., 1., 0., 1.])
    """
    order = [0, 1, *sorted(range(2, drive.ndim), key=drive.stride, reverse=True)]  # as the axes lie in memory
    back = [order.index(axis) for axis in range(drive.ndim)]
    dense = drive.permute(order).contiguous()
    state = dense.new_empty(2, *dense.shape[1:])
    if membrane is None:
        state[0], state[1] = dynamics.start, 0
    else:
        known = membrane if dynamics.signed else membrane.unsqueeze(0)
        state[: len(known)] = known.permute(0, *order[1:])
    if bias is None:
        given = dense.new_zeros(dense.shape[2:])
    else:
        wide = bias.detach().view(-1, *[1] * (drive.ndim - 3)).expand(drive.shape[2:])
        given = wide.permute([axis - 2 for axis in order[2:]]).contiguous()
    rows = dense.view(*dense.shape[:2], given.numel())
    _scan(dynamics, rows, state.view(2, *rows.shape[1:]), given.view(-1), moved, age)
    left = state.permute(back)
    return dense.permute(back), left if dynamics.signed else left[0]


def _scan(dynamics: Dynamics, rows: Tensor, state: Tensor, bias: Tensor, moved: Tensor | None, age: int) -> None:
    """Scan every slice of the units; threads that are free take one after the other, so a busy core delays nobody."""
    compiled = kernel()
    assert compiled is not None, "suits() says whether there is a kernel"
    more = rows.new_zeros(len(rows)) if moved is None else moved
    arrays = [values.numpy() for values in (rows, state, bias, more)]
    helpers = min(torch.get_num_threads(), rows.numel() // SLICE) - 1
    left = iter(split_units(rows.shape[2], 1 if helpers < 1 else SHARES * (helpers + 1)))

    def work() -> None:
        for first, last in left:
            compiled(*arrays, first, last, age, *dynamics)

    jobs = [_pool(os.getpid(), helpers).submit(work) for _ in range(helpers)]
    work()
    for job in jobs:
        if not job.cancel():  # one that has not begun is not needed any more
            job.result()


def split_units(units: int, count: int) -> list[tuple[int, int]]:
    """Where each of at most so many slices begins and ends; whole lines of the cache, 16 numbers each."""
    size = max(16, -(-units // (16 * max(1, count))) * 16)
    return [(first, min(first + size, units)) for first in range(0, units, size)]


@lru_cache(maxsize=1)
def _pool(process: int, workers: int) -> ThreadPoolExecutor:
    """The threads of this process; one that was forked has to make its own."""
    return ThreadPoolExecutor(workers, thread_name_prefix="scan")
