"""The same table from every executor, bit for bit; workers that die, hang or are of another version; what travels."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import loky
import numpy as np
import pandas as pd
import psutil
import pytest
import torch

import workbench as wb
from tests.support import swept
from workbench.sweeps import SweepUpdate
from workbench.sweeps.crews import local_workers

ARRAY = np.arange(7)


@pytest.fixture(scope="module", autouse=True)
def _end_of_workers() -> Iterator[None]:
    """Workers stay from test to test, and not for other files."""
    yield
    local_workers.end_idle_workers()


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Two workers of dask on this machine."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as found,
    ):
        yield found


def draw(seed: int) -> dict[str, Any]:
    """A random grid and a seed."""
    rng = np.random.default_rng(seed)
    grid = {"a": rng.permutation(8)[: rng.integers(1, 6)], "b": rng.normal(size=rng.integers(1, 4))}
    return {"grid": grid, "seed": seed, "shared": {"data": ARRAY}}


def run(executor: Any, seed: int, **options: Any) -> pd.DataFrame:
    return wb.sweep(swept.measure, **draw(seed), executor=executor, **options)


@pytest.mark.parametrize("seed", range(9))
def test_workers_of_our_own_and_threads_give_the_same_table(seed: int, tmp_path: Path) -> None:
    wanted = run("here", seed)
    assert run(2, seed, store=tmp_path / "kept").equals(wanted)
    assert run(2, seed, store=tmp_path / "kept").equals(wanted)
    with ThreadPoolExecutor(3) as threads:
        before = torch.get_num_threads()
        assert run(threads, seed, timeout=60.0).equals(wanted)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("seed", range(3))
def test_dask_gives_the_same_table(seed: int, client: Any) -> None:
    wanted = run("here", seed)
    assert run(client.get_executor(), seed).equals(wanted)
    assert run(client, seed, timeout=60.0).equals(wanted)


def test_pools_of_others_give_the_same_table() -> None:
    wanted = run("here", 0)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        assert run(pool, 0).equals(wanted)
    pool = loky.ProcessPoolExecutor(1)
    assert run(pool, 0).equals(wanted)
    pool.shutdown()


class Strange(ThreadPoolExecutor):
    """An executor of which nobody knows where its workers are."""


class Unknown(Executor):
    """One that is no pool at all, and packs what it is given."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(function(*args, **options))
        return done


def test_executors_that_nobody_knows_give_the_same_table() -> None:
    wanted = run("here", 0)
    assert run(Unknown(), 0).equals(wanted)
    with Strange(2) as threads:
        assert run(threads, 0).equals(wanted)


NOTEBOOK = """
import sys
sys.path[:0] = {path!r}
import numpy as np
import workbench as wb
OFFSET = 3
def offset(a):
    return a + OFFSET
table = wb.sweep(lambda a, data: offset(a) + int(data.sum()), {{"a": [1, 2]}}, 1, shared={{"data": np.arange(3)}})
print(table["result"].tolist())
"""


def test_functions_of_a_notebook_travel() -> None:
    code = NOTEBOOK.format(path=[os.getcwd()])
    done = subprocess.run([sys.executable, "-"], input=code, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr.strip()) == ("[7, 8]", "")


# what travels


def test_what_is_shared_is_packed_once_and_unpacked_once_by_a_worker() -> None:
    swept.Counted.packed = 0
    table = wb.sweep(swept.count_loads, {"a": range(12)}, 2, shared={"thing": swept.Counted(1000)})
    assert swept.Counted.packed == 1
    assert table["size"].eq(1000).all()
    first = table.groupby("process")["loaded"].min()
    assert (table["loaded"].to_numpy() == first[table["process"]].to_numpy()).all()


def test_dask_is_sent_what_is_shared_once(client: Any) -> None:
    swept.Counted.packed = 0
    table = wb.sweep(swept.count_loads, {"a": range(12)}, client, shared={"thing": swept.Counted(1000)})
    assert swept.Counted.packed == 1
    assert table.groupby("process")["loaded"].nunique().eq(1).all()


def test_arrays_are_mapped_from_one_file() -> None:
    data = np.arange(100_000)
    table = wb.sweep(swept.describe_array, {"a": range(4)}, 2, shared={"data": data})
    assert table["total"].eq(data.sum()).all()
    assert not table["writable"].any()
    assert data.flags.writeable


@pytest.mark.parametrize("data", [np.zeros(0), np.zeros((3, 0), dtype=int), np.asfortranarray(np.ones((3, 4)))[:, ::2]])
def test_arrays_of_any_layout_travel(data: np.ndarray[Any, Any], client: Any) -> None:
    for executor in (1, Unknown(), client):
        table = wb.sweep(swept.describe_array, {"a": [1]}, executor, shared={"data": data})
        assert table["total"].tolist() == [int(data.sum())]


# workers that die


def test_a_worker_that_is_killed_costs_no_point(tmp_path: Path) -> None:
    table = wb.sweep(swept.die_once, {"a": range(6)}, 2, shared={"folder": str(tmp_path)})
    assert table["result"].tolist() == list(range(6))
    assert (tmp_path / "died-1").exists()


@pytest.mark.parametrize("seed", range(2))
def test_workers_that_are_killed_at_random_cost_no_point(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    killed: list[int] = []

    def kill(update: Any) -> None:
        workers = find_workers()
        if len(killed) < 2 and workers and rng.random() < 0.5:
            chosen = workers[rng.integers(len(workers))]
            killed.append(chosen.pid)
            chosen.kill()

    wanted = run("here", seed + 20)
    assert run(2, seed + 20, callback=kill, store=tmp_path / "kept").equals(wanted)


def find_workers() -> list[psutil.Process]:
    """The workers of our own that live."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # it has just ended
            if "loky.backend.popen" in " ".join(child.cmdline()):
                found.append(child)
    return found


def test_a_point_that_kills_its_workers_is_named_and_the_others_go_on() -> None:
    with pytest.warns(UserWarning, match=r"1 of 4 points failed .*point 1 \(a=1\): its worker died 3 times"):
        table = wb.sweep(swept.die, {"a": range(4)}, 2)
    assert table["error"][1].startswith(
        "its worker died 3 times (killed from outside, out of memory, or crashed in compiled code)"
    )
    assert table["result"].tolist()[::2] == [0, 2]


def test_a_pool_that_breaks_is_replaced(tmp_path: Path) -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        with pytest.warns(UserWarning, match=r"a worker of the ProcessPoolExecutor died.* run on 1 workers of our own"):
            table = wb.sweep(swept.die_once, {"a": range(4)}, pool, shared={"folder": str(tmp_path)})
        assert table["result"].tolist() == list(range(4))
        with pytest.warns(UserWarning, match="a worker of the ProcessPoolExecutor died"):
            assert wb.sweep(swept.hang, {"a": [0]}, pool)["result"].tolist() == [0]


def test_a_worker_of_dask_that_is_killed_costs_no_point(client: Any, tmp_path: Path) -> None:
    table = wb.sweep(swept.die_once, {"a": range(6)}, client, shared={"folder": str(tmp_path)})
    assert table["result"].tolist() == list(range(6))
    assert (tmp_path / "died-1").exists()


# points that never end


def test_a_point_that_never_ends_is_named_and_its_worker_ended(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"point 1 \(a=1\): it took longer than timeout=1 s: its worker was ended"):
        table = wb.sweep(swept.hang, {"a": range(6)}, 2, timeout=1, store=tmp_path / "kept")
    assert table["result"].tolist()[2:] == [2, 3, 4, 5]
    assert len(list((tmp_path / "kept").glob("point-*"))) == 5


def test_a_point_that_never_ends_in_threads_is_abandoned() -> None:
    threads = ThreadPoolExecutor(2)
    with pytest.warns(UserWarning, match="a ThreadPoolExecutor cannot end it, so it goes on there, abandoned"):
        table = wb.sweep(swept.hang, {"a": range(5)}, threads, timeout=1.0, shared={"seconds": 4.0})
    assert table["result"].tolist()[2:] == [2, 3, 4]
    rows = [{"a": 1, "seconds": 4.0 + more} for more in (0.1, 0.2)] + [{"a": 0, "seconds": 0.0}]
    with (
        pytest.warns(UserWarning, match="2 of 3 points failed"),
        pytest.warns(UserWarning, match="all 2 workers of the ThreadPoolExecutor are held by points that do not end"),
    ):
        table = wb.sweep(swept.hang, rows, ThreadPoolExecutor(2), timeout=1.0)
    assert table["error"][2] == "not run"


def test_a_point_that_never_ends_in_dask_is_abandoned(client: Any) -> None:
    with pytest.warns(UserWarning, match="dask cannot end it, so it goes on in its worker, abandoned"):
        table = wb.sweep(swept.hang, {"a": range(4)}, client, timeout=1.5, shared={"seconds": 4.0})
    assert table["result"].tolist()[2:] == [2, 3]


# workers that do not fit


class Bare(Executor):
    """An executor whose workers lack a package."""

    def __init__(self, name: str, good: int = 0) -> None:
        self.name, self.good = name, good

    def submit(self, function: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        done: Future[Any] = Future()
        self.good -= 1
        if self.good >= 0:
            done.set_result(function(*args, **options))
        else:
            done.set_exception(ModuleNotFoundError(f"No module named '{self.name}'", name=self.name))
        return done


def test_a_worker_without_the_package_is_named_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a worker has no module workbench; install there what is installed here"):
        run(Bare("workbench"), 0)
    with pytest.warns(UserWarning, match=r"too soon: a worker has no module thesis.* after 2 of 8 points; they are"):
        table = wb.sweep(swept.hang, {"a": range(2, 10)}, Bare("thesis", good=2), store=tmp_path / "kept")
    assert table["error"].tolist() == [""] * 2 + ["not run"] * 6
    assert wb.sweep(swept.hang, {"a": range(2, 10)}, "here", store=tmp_path / "kept").attrs["kept"] == 2


def test_a_module_that_workers_of_dask_lack_is_named(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "thesis_module.py").write_text("def double(a):\n    return 2 * a\n")
    monkeypatch.syspath_prepend(tmp_path)
    function = importlib.import_module("thesis_module").double
    with pytest.raises(ValueError, match=r"has no module thesis_module; .* define the function in the notebook"):
        wb.sweep(function, {"a": [1]}, client)
    assert wb.sweep(lambda a: 2 * a, {"a": [1]}, client)["result"].tolist() == [2]


def test_a_worker_of_another_version_is_named(monkeypatch: pytest.MonkeyPatch, client: Any) -> None:
    monkeypatch.setattr("workbench.sweeps.job.find_version", lambda: "9.9")
    with pytest.raises(ValueError, match=rf"the worker .* has workbench {wb.__version__}, not 9.9; install there what"):
        run(1, 0)
    with pytest.raises(ValueError, match=rf"the worker tcp://.* has workbench {wb.__version__}, not 9.9"):
        run(client, 0)


def test_an_executor_that_was_shut_down_is_named(client: Any) -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(ValueError, match=r"the ThreadPoolExecutor was shut down .*; give a new one"):
        run(pool, 0)
    executor = client.get_executor()
    executor.shutdown()
    with pytest.raises(ValueError, match="the executor of dask was shut down, or its client lost the scheduler"):
        run(executor, 0)


def test_a_scheduler_that_goes_away_costs_nothing_that_was_finished(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": 50}
    with distributed.LocalCluster(processes=False, **options) as cluster, distributed.Client(cluster) as client:

        def leave(update: SweepUpdate) -> None:
            if update.done == 2 and cluster.status.name == "running":
                cluster.close()

        with pytest.warns(UserWarning, match=r"ended too soon: .*(dask|scheduler).* after \d+ of 300 points; they"):
            table = wb.sweep(swept.hang, {"a": range(2, 302)}, client, tmp_path / "kept", callback=leave)
    kept = len(list((tmp_path / "kept").glob("point-*")))
    assert 2 <= kept == table["error"].eq("").sum() < 300


def test_what_cannot_be_sent_is_named() -> None:
    with pytest.raises(ValueError, match=r'shared data cannot be sent to another process .*executor="here"'):
        wb.sweep(swept.describe_array, {"a": [1]}, 1, shared={"data": (number for number in range(3))})


# interrupts


def test_an_interrupt_keeps_what_is_finished_and_says_how_to_go_on(tmp_path: Path) -> None:
    shared, kept = {"at": 3, "parent": os.getpid()}, tmp_path / "kept"
    with pytest.warns(UserWarning, match=r"sweep was interrupted after 3 of 8 points; they are kept in .*kept': call"):
        table = wb.sweep(swept.interrupt, {"a": range(8)}, 1, store=kept, shared=shared)
    done = table["error"].eq("")
    assert done.tolist() == [True] * 3 + [False] * 5
    assert len(list(kept.glob("point-*"))) == 3
    table = wb.sweep(swept.interrupt, {"a": [0, 1, 2, 4]}, 1, store=kept, shared=shared)
    assert table["result"].tolist() == [0, 1, 2, 4]
    assert table.attrs["kept"] == 3


def test_a_stop_keeps_all_that_has_come_back() -> None:
    def watch(update: SweepUpdate) -> bool:
        time.sleep(0.3)  # the other one has ended, too
        return update.done == 1

    both = {"barrier": threading.Barrier(2)}
    with ThreadPoolExecutor(2) as threads, pytest.warns(UserWarning, match="sweep was stopped after 2 of 2 points"):
        table = wb.sweep(
            lambda a, barrier: barrier.wait(20) * 0 + a, {"a": [1, 2]}, threads, callback=watch, shared=both
        )
    assert table["result"].tolist() == [1, 2]


def test_a_stop_ends_what_runs(client: Any) -> None:
    shared = {"seconds": 8.0}
    for executor in (2, client):
        with pytest.warns(UserWarning, match="sweep was stopped after 1 of 2 points"):
            table = wb.sweep(swept.hang, {"a": [0, 1]}, executor, callback=lambda told: told.done == 1, shared=shared)
        assert table["error"].tolist() == ["", "not run"]
