"""One point after the other, in this process."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from workbench.sweeps.crews.crew import Crew
from workbench.sweeps.job import Job
from workbench.sweeps.point_run import Outcome, run_point


class ThisProcess(Crew):
    """Runs a point when it is given; nothing travels, and nothing can be ended."""

    workers = 1

    def begin(self, job: Job, folder: Path, timed: bool) -> None:
        self._job = job

    def has_room(self, running: int) -> bool:
        return running == 0

    def start(self, parameters: Mapping[str, Any]) -> Future[Outcome]:
        done: Future[Outcome] = Future()
        done.set_result(run_point(self._job, parameters))
        return done

    def end(self, future: Future[Outcome]) -> str:
        raise NotImplementedError("a point that runs in this process has ended when anybody could ask for that")

    def leave(self, finished: bool) -> None:
        pass
