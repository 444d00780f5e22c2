"""Shares of a batch, each computed by a thread of its own: no thread waits for another between two layers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from threading import Barrier
from typing import TypeVar

import torch
from torch import Tensor

SHARE = 1 << 14  # a thread is worth its trouble from about so many numbers on, in one step of the widest node

Result = TypeVar("Result")


def count_shares(batch: int, widest: int) -> int:
    """In how many shares to compute a batch whose widest node has so many units, one thread each.

    >>> count_shares(batch=1, widest=10**6), count_shares(batch=10, widest=10)
    (1, 1)
    """
    return max(1, min(torch.get_num_threads(), batch, batch * widest // SHARE))


def run_together(tasks: Sequence[Callable[[], Result]]) -> list[Result]:
    """The results of these tasks in their order, each from a thread in which torch uses no other; one needs no thread.

    >>> run_together([lambda: 1, lambda: 2])
    [1, 2]
    """
    if len(tasks) == 1:
        return [tasks[0]()]
    learning = torch.is_grad_enabled()

    def run(task: Callable[[], Result]) -> Result:
        with torch.set_grad_enabled(learning):  # of which every thread has its own
            return task()

    return list(_pool(os.getpid(), len(tasks)).map(run, tasks))


def gather(shares: Sequence[Tensor]) -> Tensor:
    """The shares of a batch (steps, batch, *shape) beside each other, images with their channels last.

    >>> gather([torch.zeros(2, 1, 3), torch.ones(2, 2, 3)])[0, :, 0]
    tensor([0., 1., 1.])
    """
    if len(shares) == 1:
        return shares[0]
    return torch.cat([share.movedim(2, -1) for share in shares], dim=1).movedim(-1, 2)


@lru_cache(maxsize=1)
def _pool(process: int, workers: int) -> ThreadPoolExecutor:
    """The threads of this process; one that was forked has to make its own."""
    before = torch.get_num_threads()
    pool = ThreadPoolExecutor(workers, "share", initializer=torch.set_num_threads, initargs=(1,))
    everybody = Barrier(workers)
    list(pool.map(lambda _: everybody.wait(), range(workers)))  # all have begun
    torch.set_num_threads(before)  # for whoever begins later; those that have begun keep theirs
    return pool
