"""What every crew can do: take points while it has room, end one that takes too long, and leave."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from workbench.sweeps.job import Job
from workbench.sweeps.point_run import Outcome


class CrewError(Exception):
    """Why this crew runs no further point, in words for the user."""


MISSING = re.compile(r"No module named '([^']+)'")
MOST_DEATHS = 3  # of workers, before it is taken to be the point that kills them


class LostWorkerError(Exception):
    """The worker of one point died, and of no other, or several did one after the other."""

    def __init__(self, words: str, deaths: int = 1) -> None:
        super().__init__(words)
        self.deaths = deaths


class BrokenCrewError(CrewError):
    """The crew broke when one of its workers died; whoever ran may run again elsewhere."""


class Crew(ABC):
    """Whoever runs points. It is begun once, before the first point, and left once."""

    workers: int
    """How many points run at a time, as far as is known."""

    @abstractmethod
    def begin(self, job: Job, folder: Path, timed: bool) -> None:
        """Take what all points share; `folder` lives as long as the sweep. CrewError where that cannot be.

        `timed`: a point begins when it is given, so that its time can be taken.
        """

    @abstractmethod
    def has_room(self, running: int) -> bool:
        """Whether it takes one more point beside so many."""

    @abstractmethod
    def start(self, parameters: Mapping[str, Any]) -> Future[Outcome]:
        """Run a point; CrewError where nobody does so any more."""

    def began_at(self, future: Future[Outcome], given_at: float) -> float | None:
        """When a point that was given began to run, None if it has not; the same clock."""
        return given_at

    @abstractmethod
    def end(self, future: Future[Outcome]) -> str:
        """End a point that runs; what became of it, in words."""

    def settle(self, future: Future[Outcome]) -> None:  # noqa: B027  # most have nothing to do
        """A point has come back, well or not."""

    @abstractmethod
    def leave(self, finished: bool) -> None:
        """Let go of all workers; of those that are at work still unless the sweep has `finished`."""

    def explain(self, error: BaseException) -> Exception:
        """What went wrong outside of the function, as CrewError, BrokenCrewError or LostWorkerError."""
        if missing := MISSING.search(str(error)):  # dask passes on no more than these words
            return CrewError(
                f"a worker has no module {missing[1]}; install there what is installed here, the same versions, or "
                "define the function in the notebook, with which it travels"
            )
        return CrewError(f"a point could not be sent or its results not be fetched ({type(error).__name__}: {error})")
