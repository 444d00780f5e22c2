"""Which crew an argument names."""

from __future__ import annotations

from concurrent.futures import Executor

from workbench.sweeps.crews.crew import Crew
from workbench.sweeps.crews.dask_executor import DaskExecutor
from workbench.sweeps.crews.given_executor import GivenExecutor
from workbench.sweeps.crews.local_workers import LocalWorkers
from workbench.sweeps.crews.this_process import ThisProcess
from workbench.validation import whole

HERE = "here"


def choose_crew(executor: object) -> Crew:
    """None: a worker a core; a number: so many; "here": this process; an executor, or a client of dask: itself.

    ValueError for anything else.

    >>> choose_crew(2).workers
    2
    >>> choose_crew("loky")
    Traceback (most recent call last):
    ValueError: sweep: executor='loky' is none; give nothing, a number of workers, "here", or an executor of \
concurrent.futures, such as client.get_executor() of dask.distributed
    """
    if executor is None:
        return LocalWorkers()
    if executor == HERE:
        return ThisProcess()
    if (number := whole(executor)) is not None and number >= 1:
        return LocalWorkers(number)
    if type(executor).__module__.partition(".")[0] == "distributed" and hasattr(executor, "get_executor"):
        executor = executor.get_executor()
    if isinstance(executor, Executor):
        return (
            DaskExecutor(executor) if type(executor).__module__.startswith("distributed.") else GivenExecutor(executor)
        )
    raise ValueError(
        f'sweep: executor={executor!r} is none; give nothing, a number of workers, "here", or an executor of '
        "concurrent.futures, such as client.get_executor() of dask.distributed"
    )
