"""What a worker does: it calls the function at one point, and tells what came of it, in plain values."""

from __future__ import annotations

import os
import platform
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from workbench.sweeps.job import Job, JobFile, PackedJob, name_difference
from workbench.sweeps.results import UnfitResultError, read_results

LONGEST = 20_000  # letters of a traceback; its middle is left out
OURS = __file__


@dataclass(frozen=True)
class Outcome:
    """What came of a point: its results, or why there are none."""

    results: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    seconds: float = 0.0
    refused: str = ""  # why this worker runs no point at all


def open_job(job: Job | JobFile | PackedJob) -> None:
    """Import and read what the points need, before the first of them."""
    job.open()


def run_point(job: Job | JobFile | PackedJob, parameters: Mapping[str, Any]) -> Outcome:
    """Call the function with the parameters and what is shared, on one thread; what it raises is part of the outcome.

    >>> run_point(Job(lambda k: {"double": 2 * k}, {}), {"k": 4}).results
    {'double': 8}
    """
    opened = job.open()
    if difference := name_difference(opened.versions):
        return Outcome(refused=f"the worker {name_worker()} has {difference}; install there what is installed here")
    begun = time.perf_counter()
    try:
        with _one_thread():
            returned = opened.function(**opened.shared, **parameters)
        results = read_results(returned, [*opened.shared, *parameters])
    except UnfitResultError as error:
        return Outcome(error=f"{error}", seconds=time.perf_counter() - begun)
    except (Exception, SystemExit) as error:
        return Outcome(error=_write_traceback(error), seconds=time.perf_counter() - begun)
    return Outcome(results, seconds=time.perf_counter() - begun)


def name_worker() -> str:
    """Machine and process."""
    return f"{platform.node()}:{os.getpid()}"


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread of torch: sums are in the same order wherever a point runs, and workers share the cores evenly."""
    before = torch.get_num_threads()
    if before != 1:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if before != 1:
            torch.set_num_threads(before)


def _write_traceback(error: BaseException) -> str:
    """The traceback from the function on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == OURS:
        trace = trace.tb_next
    if isinstance(error, SystemExit):
        error.add_note("a function that is swept must return, not end its process")
    text = "".join(traceback.format_exception(type(error), error, trace)).strip()
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST // 2]}\n...\n{text[-LONGEST // 2 :]}"
