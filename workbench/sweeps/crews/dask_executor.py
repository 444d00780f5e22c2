"""An executor of dask.distributed: workers on this machine and on others, which may come and go."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.sweeps.crews.crew import MOST_DEATHS, Crew, CrewError, LostWorkerError
from workbench.sweeps.job import Job, name_difference, pack_job
from workbench.sweeps.point_run import Outcome, run_point

PATIENCE_S = 10.0  # before it is said that no worker has come
LOOK_S = 1.0  # between two looks at how many there are


class DaskExecutor(Crew):
    """The job is scattered once, and passed on by workers; the scheduler runs points of lost workers again."""

    def __init__(self, executor: Executor) -> None:
        self._executor: Any = executor
        self._client: Any = executor._client  # type: ignore[attr-defined]  # what ClientExecutor is made from
        self._scattered: Any = None
        self._running: set[Future[Outcome]] = set()
        self._abandoned = 0
        self._looked = -LOOK_S
        self.workers = 0

    def begin(self, job: Job, folder: Path, timed: bool) -> None:
        if self._client.asynchronous:
            raise CrewError("the client of dask is asynchronous; make one without asynchronous=True")
        self._timed, self._begun = timed, time.monotonic()
        self._versions, self._packed = job.versions, pack_job(job)

    def has_room(self, running: int) -> bool:
        if self._executor._shutdown or self._client.status != "running":
            raise CrewError("the executor of dask was shut down, or its client lost the scheduler; make a new one")
        if time.monotonic() - self._looked >= LOOK_S:
            with _talking():
                self._looked, self.workers = time.monotonic(), sum(self._client.nthreads().values())
        if not self.workers:
            self._tell_waiting()
            return False
        if self._abandoned >= self.workers:
            raise CrewError(f"all {self.workers} threads of dask's workers are held by points that do not end")
        return not self._timed or running < self.workers - self._abandoned

    def _tell_waiting(self) -> None:
        if time.monotonic() - self._begun > PATIENCE_S:
            self._begun = float("inf")
            logging.getLogger(__name__).warning(
                "The scheduler at %s has no worker yet; the sweep waits for one.", self._client.scheduler.address
            )

    def start(self, parameters: Mapping[str, Any]) -> Future[Outcome]:
        if self._scattered is None:
            with _talking():
                self._scatter()
        try:
            future: Future[Outcome] = self._executor.submit(run_point, self._scattered, parameters, pure=False)
        except RuntimeError as error:
            raise CrewError(f"the executor of dask takes no point ({error}); make a new one") from error
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        return future

    def _scatter(self) -> None:
        """Look at every worker that is there, then send the job once."""
        answers = self._client.run(name_difference, self._versions, on_error="return")
        for address, found in answers.items():
            if isinstance(found, Exception):
                raise CrewError(f"at {address}: {super().explain(found)}")
            if found:
                raise CrewError(f"the worker {address} has {found}; install there what is installed here")
        self._scattered = self._client.scatter(self._packed, hash=False, broadcast=True)

    def end(self, future: Future[Outcome]) -> str:
        self._running.discard(future)
        self._abandoned += 1
        future.cancel()
        return "dask cannot end it, so it goes on in its worker, abandoned, until that worker is restarted"

    def leave(self, finished: bool) -> None:
        for future in list(self._running):
            future.cancel()
        self._scattered = None

    def explain(self, error: BaseException) -> Exception:
        if isinstance(error, CancelledError):  # with the last worker that had it, the job is gone
            self._scattered = None
            return LostWorkerError("dask lost what the point needs, or took it back")
        if type(error).__name__ == "KilledWorker":
            return LostWorkerError(str(error), deaths=MOST_DEATHS)
        return super().explain(error)


@contextmanager
def _talking() -> Iterator[None]:
    """What goes wrong between client and scheduler, in words."""
    try:
        yield
    except (OSError, TimeoutError, RuntimeError) as error:
        raise CrewError(f"the scheduler of dask does not answer ({type(error).__name__}: {error})") from error
