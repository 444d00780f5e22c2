"""Memory for lists, lent and given back: to get fresh memory from the machine takes as long as to fill it."""

from __future__ import annotations

import weakref
from collections import deque

import numpy as np
import torch
from numpy.typing import NDArray

KEPT, LARGEST = 2, 1 << 25  # how many arenas are kept for the next who asks, and of how many spikes at most

BufferPool = tuple[NDArray[np.int32], NDArray[np.float32]]

_spare: deque[BufferPool] = deque(maxlen=KEPT)


def borrow(owner: object, size: int) -> BufferPool:
    """Room for the units and values of at least so many spikes, until the owner is gone; what is in it is left over."""
    try:
        arena = _spare.pop()
    except IndexError:  # to look first would not do: another thread may borrow meanwhile
        arena = np.empty(0, np.int32), np.empty(0, np.float32)
    if len(arena[0]) < size:
        # of torch, for numpy would ask for huge pages, each of which is cleared as a whole
        arena = torch.empty(size, dtype=torch.int32).numpy(), torch.empty(size, dtype=torch.float32).numpy()
    if len(arena[0]) <= LARGEST:
        weakref.finalize(owner, _spare.append, arena).atexit = False
    return arena
