"""A function at every point of a grid, on as many workers as there are."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.progress import Progress, show_progress
from workbench.sweeps.crews.choice import choose_crew
from workbench.sweeps.crews.crew import Crew, CrewError
from workbench.sweeps.crews.this_process import ThisProcess
from workbench.sweeps.execution import Execution, StopSweep
from workbench.sweeps.function_checks import name_function, require_arguments, takes_seed
from workbench.sweeps.job import Job
from workbench.sweeps.outcomes_table import NOT_RUN, mark_different, tabulate
from workbench.sweeps.point_run import Outcome
from workbench.sweeps.point_store import PointStore, identify
from workbench.sweeps.points import SEED, Grid, Point, read_grid
from workbench.sweeps.updates import SweepCallback, SweepUpdate
from workbench.validation import require_seed

if TYPE_CHECKING:
    import pandas as pd


def sweep(
    function: Callable[..., Any],
    grid: Grid,
    executor: Executor | str | int | None = None,
    store: str | Path | None = None,
    *,
    shared: Mapping[str, Any] | None = None,
    timeout: float | None = None,
    callback: SweepCallback | None = None,
    progress: bool = True,
    seed: int = 0,
) -> pd.DataFrame:
    """Call `function(**parameters)` at every point of a grid; a table with a row a point, in the order of the grid.

    `grid` is a dict of lists (every combination), a table, or dicts, one a point. The function returns a number, a
    text, a boolean, or a dict of them (or a table of one row): the columns behind the parameters. `table.attrs` say
    which are which ("parameters", "results"). A point that fails has its traceback in the column `error`.

    `shared` are arguments that are the same at all points, such as recordings: they travel to each worker once, and
    must not be changed. If the function takes a `seed` that nobody gives, each point gets one of its own, which
    follows from `seed` and its parameters alone. Each point runs on one thread, so the table is the same everywhere.

    `executor`: nothing, for a worker a core on this machine; a number of such workers; "here", for this process; or any
    executor of `concurrent.futures`, such as dask's `client.get_executor()`. With a `store`, a folder, finished points
    are kept: the same call goes on where it was interrupted, and tries failed points again. `timeout` (s) ends points
    that take longer. An interrupt, or a `callback` that returns True, ends the sweep with the points that are finished.

    ValueError, before anything runs, for a grid, a store or a worker that does not fit.

    >>> def count(width, depth, recordings):
    ...     return {"weights": width**2 * depth, "steps": len(recordings)}
    >>> found = wb.sweep(count, {"width": [4, 8], "depth": [1, 2]}, executor="here", shared={"recordings": range(5)})
    >>> found[["width", "depth", "weights", "steps"]]
       width  depth  weights  steps
    0      4      1       16      5
    1      4      2       32      5
    2      8      1       64      5
    3      8      2      128      5
    """
    table, remarks = carry_out(function, grid, executor, store, shared, timeout, callback, progress, seed)
    for remark in remarks:
        warnings.warn(remark, stacklevel=2)
    return table


def carry_out(
    function: Callable[..., Any],
    grid: Grid,
    executor: Executor | str | int | None = None,
    store: str | Path | None = None,
    shared: Mapping[str, Any] | None = None,
    timeout: float | None = None,
    callback: SweepCallback | None = None,
    progress: bool = True,
    seed: int = 0,
) -> tuple[pd.DataFrame, list[str]]:
    """What `sweep` does, with what it would warn of: points that failed, and why it ended too soon."""
    plan = _plan(function, grid, store, dict(shared or {}), require_seed(seed))
    crew = choose_crew(executor)
    if timeout is not None:
        _require_time(timeout, crew)
    plan.read_kept()
    end = _run(plan, crew, timeout, callback, progress)
    plan.outcomes = mark_different(plan.points, plan.outcomes)
    return tabulate(plan.points, plan.seeds, plan.outcomes, plan.attrs), _remark(plan, end)


@dataclass
class _Plan:
    """A sweep that is decided on: its points, and what is known of them."""

    function: Callable[..., Any]
    shared: Mapping[str, Any]
    points: list[Point]
    seeds: dict[int, int]
    store: PointStore | None
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    failed: int = 0
    attrs: dict[str, Any] = field(default_factory=dict)

    def read_kept(self) -> None:
        """What the store holds already."""
        if self.store is not None:
            self.store.open()
            self.outcomes = self.store.read(self.points, self.seeds)
            self.attrs["kept"] = len(self.outcomes)
            self.attrs["points of other grids"] = self.store.count_others(self.points)

    @property
    def left(self) -> list[Point]:
        """The points that have not ended."""
        return [point for point in self.points if point.number not in self.outcomes]

    def list_arguments(self) -> dict[int, dict[str, Any]]:
        """What the function is called with at every point, apart from what is shared."""
        seeds = self.seeds
        return {p.number: {**p.parameters, **({SEED: seeds[p.number]} if seeds else {})} for p in self.points}

    def note(self, point: Point, outcome: Outcome) -> None:
        """A point has ended: kept on disk, if it went well."""
        if self.store is not None and not outcome.error:
            self.store.write(point, outcome, self.seeds.get(point.number))
        self.outcomes[point.number] = outcome
        self.failed += bool(outcome.error)

    def describe(self) -> SweepUpdate:
        """How far it has come."""
        outcomes = dict(self.outcomes)
        return SweepUpdate(len(self.points), len(outcomes), self.failed, self.points, self.seeds, outcomes, self.attrs)


def _plan(
    function: Callable[..., Any], grid: Grid, store: str | Path | None, shared: Mapping[str, Any], seed: int
) -> _Plan:
    if not callable(function):
        raise ValueError(f"sweep: {function!r} is no function; give what is to be called at every point")
    points = read_grid(grid)
    seeded = takes_seed(function, [*points[0].parameters, *shared])
    require_arguments(function, points, shared, seeded)
    seeds = {point.number: point.derive_seed(seed) for point in points} if seeded else {}
    kept = None
    if store is not None:
        kept = PointStore(Path(store), identify(function, shared, seed if seeded else None))
    return _Plan(function, shared, points, seeds, kept, attrs={"function": name_function(function), "seed": seed})


def _require_time(timeout: object, crew: Crew) -> None:
    if isinstance(timeout, bool) or not isinstance(timeout, Real) or not float(timeout) > 0:
        raise ValueError(f"sweep: timeout={timeout!r} must be a positive number of seconds")
    if isinstance(crew, ThisProcess):
        raise ValueError('sweep: with executor="here" no point can be ended; leave timeout or executor out')


def _run(plan: _Plan, crew: Crew, timeout: float | None, callback: SweepCallback | None, progress: bool) -> str:
    """Run what is left; why it ended too soon, or nothing."""
    left = plan.left
    if not left:
        if callback is not None:
            callback(plan.describe())
        return ""
    total, done = len(plan.points), len(plan.points) - len(left)
    with (
        tempfile.TemporaryDirectory(prefix="workbench-sweep-", ignore_cleanup_errors=True) as folder,
        show_progress(total, f"sweep {name_function(plan.function)}", "point", progress, done=done) as bar,
    ):
        execution = Execution(
            Job(plan.function, plan.shared), plan.list_arguments(), timeout, Path(folder),
            lambda point, outcome: _note(plan, point, outcome, bar), lambda: _tell(callback, plan),
        )  # fmt: skip
        try:
            execution.run(left, crew)
        except (KeyboardInterrupt, StopSweep) as stop:
            return "was interrupted" if isinstance(stop, KeyboardInterrupt) else "was stopped"
        except CrewError as error:
            if not plan.outcomes:
                raise ValueError(f"sweep: {error}") from error
            return f"ended too soon: {error}"
    return ""


def _note(plan: _Plan, point: Point, outcome: Outcome, bar: Progress) -> None:
    plan.note(point, outcome)
    if plan.failed:
        bar.note(failed=str(plan.failed))
    bar.advance()


def _tell(callback: SweepCallback | None, plan: _Plan) -> None:
    if callback is not None and callback(plan.describe()):
        raise StopSweep


def _remark(plan: _Plan, end: str) -> list[str]:
    """What is missing, and how to go on."""
    total, left = len(plan.points), len(plan.left)
    remarks = []
    if end:
        kept = f"; they are kept in {str(plan.store.folder)!r}" if plan.store else ""
        again = "call it again with the same store to go on" if plan.store else "with store=folder it could go on there"
        remarks.append(f"sweep {end} after {total - left} of {total} points{kept}: {again}; the others say {NOT_RUN!r}")
    failed = [point for point in plan.points if point.number in plan.outcomes and plan.outcomes[point.number].error]
    if failed:
        last = plan.outcomes[failed[0].number].error.strip().splitlines()[-1]
        cure = "; the same call tries them again" if plan.store else ""
        remarks.append(f"{len(failed)} of {total} points failed (column error), the first is {failed[0]}: {last}{cure}")
    return remarks
