"""Compiled kernels on the threads of torch: further threads would compete for the same cores.

Where torch's threads cannot be asked, a pool of as many does it.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from itertools import pairwise
from typing import Any

import torch

from workbench.interrupts import holding_interrupts

MIN_PARALLEL_SIZE = 1 << 16  # numbers to process: with fewer, waking a thread costs more than it saves
PIECES = 4  # of the work for each thread, because threads do not run equally fast
DIVIDED = 16  # times as many numbers before one recording is divided, because that has costs of its own


def parallel_for(kernel: Callable[..., None], lanes: int, numbers: int, *arguments: Any) -> None:
    """Call `kernel(first, last, *arguments)` for the ranges of all lanes, in parallel where that is faster.

    As many threads work as `torch.set_num_threads` says: with one, the caller does it all. The kernel must release the
    GIL, and no lane may write what another reads. `numbers` is how many numbers it processes in all. An exception of
    any range, and an interrupt, is raised here, after the others have ended.

    >>> doubled = np.arange(4)
    >>> parallel_for(lambda first, last, row: np.multiply(row[first:last], 2, out=row[first:last]), 4, 1 << 20, doubled)
    >>> doubled.tolist()
    [0, 2, 4, 6]
    """
    threads = min(torch.get_num_threads(), lanes) if numbers >= MIN_PARALLEL_SIZE else 1
    if threads == 1:
        kernel(0, lanes, *arguments)
        return
    segments = min(PIECES * threads, lanes)
    bounds = [lanes * segment // segments for segment in range(segments + 1)]
    ranges = iter(list(pairwise(bounds)))
    errors: list[BaseException] = []

    def work(_: object) -> None:
        try:
            for first, last in ranges:  # each range goes to the first free thread
                kernel(first, last, *arguments)
        except BaseException as error:  # it would end in a C function; it is raised again below
            errors.append(error)

    with holding_interrupts():  # raised in a C function, one would be lost, and some of the work undone
        _run_on_threads(work, threads)
    if errors:
        raise errors[0]


def divide(batch: int, numbers: int) -> int:
    """Into how many bands to divide each recording, so that every thread has something to do.

    >>> divide(batch=1000, numbers=1 << 30)
    1
    """
    return -(-torch.get_num_threads() // batch) if numbers >= DIVIDED * MIN_PARALLEL_SIZE else 1


_WORK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def _run_on_threads(work: Callable[[object], None], threads: int) -> None:
    """Call `work` on so many threads at once, this one among them, and wait for all."""
    parallel = find_parallel()
    if parallel is not None:
        parallel(_WORK(work), None, threads, 0)
        return
    others = [_pool(threads - 1).submit(work, None) for _ in range(threads - 1)]
    work(None)
    wait(others)


@cache
def find_parallel() -> Callable[..., None] | None:
    """OpenMP's way to run a function on several threads, of the library that torch uses; None where there is none.

    Source: the GNU OpenMP ABI, which LLVM's library offers as well.
    """
    try:
        parallel = ctypes.CDLL(None).GOMP_parallel
    except (AttributeError, OSError, TypeError):  # another compiler's OpenMP, or Windows
        return None
    parallel.argtypes, parallel.restype = [_WORK, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint], None
    found: Callable[..., None] = parallel
    return found


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads of our own, for where OpenMP's cannot be asked; a forked process makes new ones."""
    return ThreadPoolExecutor(threads, "workbench")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)
