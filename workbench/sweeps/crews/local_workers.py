"""Processes of our own, by loky: each runs one point at a time, so one that dies or is ended concerns that point alone.

They have one thread each, hear no Ctrl-C, and stay for a while after a sweep for the next one: a worker takes seconds
to import what it needs.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Mapping
from concurrent.futures import BrokenExecutor, CancelledError, Future
from pathlib import Path
from typing import Any

from loky import ProcessPoolExecutor, cpu_count

from workbench.sweeps.crews.crew import MOST_DEATHS, Crew, CrewError, LostWorkerError
from workbench.sweeps.job import Job, JobFile, write_job
from workbench.sweeps.point_run import Outcome, open_job, run_point

IDLE_S = 120.0  # before a worker that nobody needs ends
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
ENVIRONMENT = {**dict.fromkeys(THREADS, "1"), "OMP_WAIT_POLICY": "passive", "WORKBENCH_PROGRESS": "0"}


class Worker:
    """One process; `ready_at` tells since when it has had the job, None before that."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(max_workers=1, timeout=IDLE_S, initializer=_prepare, env=ENVIRONMENT)
        self.ready_at: float | None = None

    def take(self, job: JobFile) -> None:
        """Let it open a job; RuntimeError where it has died meanwhile."""
        self.ready_at = None
        self._pool.submit(open_job, job).add_done_callback(self._note_ready)

    def _note_ready(self, opened: Future[None]) -> None:
        if not opened.cancelled() and not isinstance(opened.exception(), BrokenExecutor):
            self.ready_at = time.monotonic()

    def start(self, job: JobFile, parameters: Mapping[str, Any]) -> Future[Outcome]:
        """Run a point, once the job is open; RuntimeError where it has died meanwhile."""
        future: Future[Outcome] = self._pool.submit(run_point, job, parameters)
        return future

    def end(self) -> None:
        """End the process, whatever it does."""
        self._pool.shutdown(wait=True, kill_workers=True)


_idle: list[Worker] = []
_lock = threading.Lock()


class LocalWorkers(Crew):
    """So many processes (one a core by default), each with one thread."""

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or cpu_count()
        self._free: list[Worker] = []
        self._busy: dict[Future[Outcome], Worker] = {}
        self._stillborn = 0

    def begin(self, job: Job, folder: Path, timed: bool) -> None:
        self._job = write_job(job, folder / f"job-{os.getpid()}")

    def has_room(self, running: int) -> bool:
        return running < self.workers

    def start(self, parameters: Mapping[str, Any]) -> Future[Outcome]:
        worker = self._free.pop() if self._free else self._take_worker()
        try:
            future = worker.start(self._job, parameters)
        except RuntimeError:  # it died while it had nothing to do
            worker.end()
            worker = Worker()
            worker.take(self._job)
            future = worker.start(self._job, parameters)
        self._busy[future] = worker
        return future

    def _take_worker(self) -> Worker:
        """A worker that stayed from the last sweep, or a new one, which is told the job."""
        with _lock:
            worker = _idle.pop() if _idle else Worker()
        try:
            worker.take(self._job)
        except RuntimeError:
            worker.end()
            worker = Worker()
            worker.take(self._job)
        return worker

    def began_at(self, future: Future[Outcome], given_at: float) -> float | None:
        ready_at = self._busy[future].ready_at
        return None if ready_at is None else max(ready_at, given_at)

    def settle(self, future: Future[Outcome]) -> None:
        worker = self._busy.pop(future, None)
        if worker is None:
            return
        if future.cancelled() or future.exception() is not None:
            self._stillborn = self._stillborn + 1 if worker.ready_at is None else 0
            worker.end()
        else:
            self._stillborn = 0
            self._free.append(worker)

    def end(self, future: Future[Outcome]) -> str:
        self._busy.pop(future).end()
        return "its worker was ended"

    def leave(self, finished: bool) -> None:
        for worker in self._busy.values():
            worker.end()
        with _lock:
            _idle.extend(self._free)
        self._busy, self._free = {}, []

    def explain(self, error: BaseException) -> Exception:
        if not isinstance(error, BrokenExecutor | CancelledError):
            return super().explain(error)
        why = str(error).partition("\n")[0]
        if self._stillborn > MOST_DEATHS * self.workers:
            return CrewError(f"workers die before they can begin; free some memory, or give fewer workers ({why})")
        return LostWorkerError(why, deaths=0 if self._stillborn else 1)


def end_idle_workers() -> None:
    """End all processes that stayed for the next sweep."""
    with _lock:
        while _idle:
            _idle.pop().end()


def _prepare() -> None:
    """Whoever interrupts the sweep ends its workers, too: they need not hear it themselves."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
