"""Points given to a crew, and what comes back of them: retried where a worker died, ended where one takes too long."""

from __future__ import annotations

import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from workbench.interrupts import holding_interrupts
from workbench.sweeps.crews.crew import MOST_DEATHS, BrokenCrewError, Crew, CrewError, LostWorkerError
from workbench.sweeps.crews.local_workers import LocalWorkers
from workbench.sweeps.job import Job
from workbench.sweeps.point_run import Outcome
from workbench.sweeps.points import Point

POLL_S = 0.2  # between two looks at the clock and the stop button


class StopSweep(Exception):
    """Somebody wants no further point."""


@dataclass
class Execution:
    """The points that are left, those that run, and whom to tell: `note` of every end, `look` now and then.

    `look` may raise StopSweep, and KeyboardInterrupt may come at any time: what has been noted by then is whole.
    """

    job: Job
    arguments: Mapping[int, Mapping[str, Any]]
    timeout: float | None
    folder: Path
    note: Callable[[Point, Outcome], None]
    look: Callable[[], None]
    _waiting: deque[Point] = field(default_factory=deque)
    _running: dict[Future[Outcome], tuple[Point, float]] = field(default_factory=dict)
    _ended: SimpleQueue[Future[Outcome]] = field(default_factory=SimpleQueue)
    _deaths: Counter[int] = field(default_factory=Counter)

    def run(self, points: Sequence[Point], crew: Crew) -> None:
        """Run the points; CrewError where nobody runs those that are left."""
        self._waiting.extend(points)
        finished = False
        try:
            crew.begin(self.job, self.folder, self.timeout is not None)
            while self._waiting or self._running:
                try:
                    self._step(crew)
                except BrokenCrewError as error:
                    crew = self._replace(crew, error)
            finished = True
        finally:
            self._note_finished()
            crew.leave(finished)

    def _step(self, crew: Crew) -> None:
        """Give points as long as there is room, then wait for one that ends."""
        while self._waiting and self._ended.empty() and crew.has_room(len(self._running)):
            point = self._waiting[0]
            future = crew.start(self.arguments[point.number])
            self._running[future] = self._waiting.popleft(), time.monotonic()
            future.add_done_callback(self._ended.put)
        try:
            future = self._ended.get(timeout=POLL_S)
        except Empty:
            pass
        else:
            with holding_interrupts():  # what is finished is noted, too
                self._take(crew, future)
        self._end_overdue(crew)
        self.look()

    def _take(self, crew: Crew, future: Future[Outcome]) -> None:
        """Note what came of a point; or let it run again where it is not to blame."""
        crew.settle(future)
        if future not in self._running:  # ended before
            return
        point, _ = self._running.pop(future)
        error = CancelledError("somebody took it back") if future.cancelled() else future.exception()
        if error is not None:
            self._retry(point, crew.explain(error))
            return
        outcome = future.result()
        if outcome.refused:
            self._waiting.appendleft(point)
            raise CrewError(outcome.refused)
        self.note(point, outcome)

    def _note_finished(self) -> None:
        """Note what has come back meanwhile, when the sweep ends before anybody took it."""
        for future, (point, _) in list(self._running.items()):
            if future.done() and not future.cancelled() and future.exception() is None:
                outcome = future.result()
                if not outcome.refused:
                    self.note(point, outcome)

    def _retry(self, point: Point, error: Exception) -> None:
        """Run a point again when its worker died, but not for ever."""
        if not isinstance(error, LostWorkerError):
            self._waiting.appendleft(point)
            raise error
        self._deaths[point.number] += error.deaths
        if self._deaths[point.number] < MOST_DEATHS:
            self._waiting.appendleft(point)
            return
        words = "killed from outside, out of memory, or crashed in compiled code"
        self.note(point, Outcome(error=f"its worker died {self._deaths[point.number]} times ({words}): {error}"))

    def _end_overdue(self, crew: Crew) -> None:
        if self.timeout is None:
            return
        now = time.monotonic()
        for future, (point, given_at) in list(self._running.items()):
            begun = None if future.done() else crew.began_at(future, given_at)
            if begun is not None and now - begun > self.timeout:
                del self._running[future]
                words = f"it took longer than timeout={self.timeout:g} s: {crew.end(future)}"
                self.note(point, Outcome(error=words, seconds=now - begun))

    def _replace(self, crew: Crew, error: BrokenCrewError) -> Crew:
        """Workers of our own for those who broke: of ours one is lost at a time, with the one point it runs."""
        points = sorted((point for point, _ in self._running.values()), key=lambda point: point.number)
        self._waiting.extendleft(reversed(points))
        self._running.clear()
        crew.leave(finished=True)
        workers = LocalWorkers(crew.workers)
        warnings.warn(
            f"sweep: {error}, and with it the executor; the {len(self._waiting)} points that are left run on "
            f"{workers.workers} workers of our own",
            stacklevel=6,
        )
        workers.begin(self.job, self.folder, self.timeout is not None)
        return workers
