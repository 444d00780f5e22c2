"""A pool of buffers for spike lists: new memory from the system takes as long as filling it."""

from __future__ import annotations

import weakref
from collections import deque

import numpy as np
import torch
from numpy.typing import NDArray

KEPT, LARGEST = 2, 1 << 25  # how many buffers are kept for reuse, and of how many spikes at most

Buffers = tuple[NDArray[np.int32], NDArray[np.float32]]

_spare: deque[Buffers] = deque(maxlen=KEPT)


def borrow(owner: object, size: int) -> Buffers:
    """Buffers for the units and values of at least so many spikes, returned when the owner is gone; not cleared."""
    try:
        buffers = _spare.pop()
    except IndexError:  # to look first would not do: another thread may borrow meanwhile
        buffers = np.empty(0, np.int32), np.empty(0, np.float32)
    if len(buffers[0]) < size:
        # of torch, for numpy would ask for huge pages, each of which is cleared as a whole
        buffers = torch.empty(size, dtype=torch.int32).numpy(), torch.empty(size, dtype=torch.float32).numpy()
    if len(buffers[0]) <= LARGEST:
        weakref.finalize(owner, _spare.append, buffers).atexit = False
    return buffers
