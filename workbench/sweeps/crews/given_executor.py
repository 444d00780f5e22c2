"""Any executor of concurrent.futures: threads, processes, or what others offer under that name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import loky

from workbench.sweeps.crews.crew import BrokenCrewError, Crew, CrewError
from workbench.sweeps.job import Job, JobFile, PackedJob, pack_job, write_job
from workbench.sweeps.point_run import Outcome, run_point

ON_THIS_MACHINE = (ProcessPoolExecutor, loky.ProcessPoolExecutor)


class GivenExecutor(Crew):
    """Points are submitted as far as there are workers; one that never ends is abandoned, with its worker."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.workers = int(getattr(executor, "_max_workers", None) or os.cpu_count() or 1)
        self._abandoned = 0
        self._running: set[Future[Outcome]] = set()

    def begin(self, job: Job, folder: Path, timed: bool) -> None:
        self._ahead = 0 if timed else self.workers  # points that wait at the workers, so that none idles
        self._job = self._hand_over(job, folder)

    def _hand_over(self, job: Job, folder: Path) -> Job | JobFile | PackedJob:
        """The job, in the way that reaches these workers."""
        if isinstance(self._executor, ThreadPoolExecutor):
            return job
        if isinstance(self._executor, ON_THIS_MACHINE):
            return write_job(job, folder / f"job-{os.getpid()}")
        return pack_job(job)

    def has_room(self, running: int) -> bool:
        if self._abandoned >= self.workers:
            raise CrewError(
                f"all {self.workers} workers of the {type(self._executor).__name__} are held by points that do not "
                "end; give a new executor, or none, whose workers can be ended"
            )
        return running < self.workers - self._abandoned + self._ahead

    def start(self, parameters: Mapping[str, Any]) -> Future[Outcome]:
        try:
            future = self._executor.submit(run_point, self._job, parameters)
        except BrokenExecutor as error:
            raise self.explain(error) from error
        except RuntimeError as error:
            raise CrewError(f"the {type(self._executor).__name__} was shut down ({error}); give a new one") from error
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        return future

    def end(self, future: Future[Outcome]) -> str:
        self._running.discard(future)
        if future.cancel():
            return "it had not begun, because all workers were busy, and was taken back"
        self._abandoned += 1
        where = "; it keeps Python from ending" if isinstance(self._executor, ThreadPoolExecutor) else ""
        return f"a {type(self._executor).__name__} cannot end it, so it goes on there, abandoned{where}"

    def leave(self, finished: bool) -> None:
        for future in list(self._running):
            future.cancel()

    def explain(self, error: BaseException) -> Exception:
        if isinstance(error, BrokenExecutor):
            return BrokenCrewError(f"a worker of the {type(self._executor).__name__} died")
        return super().explain(error)
