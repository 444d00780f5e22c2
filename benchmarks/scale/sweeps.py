"""Sweeps: how much faster two workers are than one, what a point costs, and how many bytes travel."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import psutil
import torch
from distributed import Client, LocalCluster

import workbench as wb
from benchmarks.tables import markdown
from workbench.sweeps.crews.local_workers import end_idle_workers

POINTS, EMPTY_POINTS, ROUNDS = 64, 400, 3
STEPS = 60  # of work in a point: some tenths of a second on one thread
SHARED_MB = 64
ASKED_RATIO, ASKED_MS = 1.8, 50
LOCAL, DASK = "workers of our own (loky)", "dask.distributed, on loopback"
PAPER_POINTS, CORES, NETWORK_MB_S, SHARED_GB = 10_000, 16, 110, 1.0
WORKS_S = (1, 10, 60)
MACHINES = (1, 10, 100)


def work(k: int, seed: int) -> float:
    """Convolutions on one thread, the work of a small conversion."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn((8, 16, 34, 34), generator=generator)
    kernel = torch.randn((16, 16, 3, 3), generator=generator) / 12
    for _ in range(STEPS):
        images = torch.nn.functional.conv2d(images, kernel, padding=1)
    return float(images.abs().mean()) * k


def nothing(k: int) -> int:
    """No work at all."""
    return k


def read_shared(k: int, data: np.ndarray) -> int:
    """Look at one number of what is shared."""
    return int(data[k])


def measure_sweeps() -> str:
    """Both executors on two workers of one thread, as a table, and what follows on paper."""
    torch.set_num_threads(1)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster,
        Client(cluster) as client,
        ProcessPoolExecutor(2, get_context("spawn")) as pool,
    ):
        list(pool.map(_work_often, [1, 1]))
        one = client.get_executor(workers=list(client.nthreads())[:1])
        both: dict[str, tuple[Any, Any]] = {LOCAL: (1, 2), DASK: (one, client.get_executor())}
        rows = {name: _measure(single, double, pool) for name, (single, double) in both.items()}
        rows[LOCAL] |= _tell_bytes(lambda points: _count_pipes(points), client)
        rows[DASK] |= _tell_bytes(lambda points: _count_loopback(points, client), client)
    start_s = _measure_start()
    serial_ms = rows[DASK]["ms a point"]
    table = pd.DataFrame(rows).T.rename_axis("executor")
    ratios = [row["two workers against one"] for row in rows.values()]
    met = all(ratio >= ASKED_RATIO for ratio in ratios) and all(row["ms a point"] <= ASKED_MS for row in rows.values())
    shown = table.assign(
        **{
            "two workers against one": [f"{ratio:.2f}" for ratio in ratios],
            "ms a point": table["ms a point"].map("{:.1f}".format),
            "with a store": table["with a store"].map("{:.1f}".format),
        }
    )
    return "\n\n".join(
        [
            f"{POINTS} points of {_time(lambda: work(1, 0)):.2f} s on two workers of one thread against the same on "
            f"one: median of {ROUNDS} ratios, interleaved (asked for: {ASKED_RATIO} or more), and what two bare "
            f"processes without any sweep gain in the same minutes. *ms a point* is what a "
            f"point without any work takes, of {EMPTY_POINTS} on two workers (asked for: at most {ASKED_MS}). Bytes "
            f"are those that workers read ({LOCAL}), or that cross the loopback, where others may send too (dask), "
            f"while points share an array of {SHARED_MB} MB. {'Both are met.' if met else 'Not all of it is met.'}",
            markdown(shown),
            "What is shared leaves the notebook once. Workers of our own map the file that holds it; dask's way is "
            "from the notebook to the scheduler, on to a worker, and from worker to worker, three times here.",
            f"Workers that were not there yet take {start_s:.1f} s to start and import; they stay two minutes for the "
            "next sweep.",
            _extrapolate(serial_ms / 1000, start_s),
        ]
    )


def _measure(single: Any, double: Any, pool: ProcessPoolExecutor) -> dict[str, Any]:
    """The ratio of one worker to two, and what an empty point costs, in memory and with a store."""
    for executor in (single, double):
        wb.sweep(work, {"k": range(4)}, executor, progress=False)  # workers start and import
    ratios, bare = [], []
    for _ in range(ROUNDS):
        alone = _time(lambda: wb.sweep(work, {"k": range(POINTS)}, single, progress=False))
        ratios.append(alone / _time(lambda: wb.sweep(work, {"k": range(POINTS)}, double, progress=False)))
        bare.append(_time(lambda: list(pool.map(_work_often, [POINTS]))) / _time(lambda: _halve(pool)))
    grid = {"k": range(EMPTY_POINTS)}
    plain = [_time(lambda: wb.sweep(nothing, grid, double, progress=False)) for _ in range(ROUNDS)]
    stored = []
    for _ in range(ROUNDS):
        with TemporaryDirectory() as folder:
            stored.append(_time(lambda: wb.sweep(nothing, grid, double, Path(folder) / "kept", progress=False)))
    taken = {"ms a point": plain, "with a store": stored}
    cost = {name: 1000 * median(times) / EMPTY_POINTS for name, times in taken.items()}
    return {"two workers against one": median(ratios), "two bare processes against one": f"{median(bare):.2f}", **cost}


def _halve(pool: ProcessPoolExecutor) -> list[None]:
    """The same work, divided between two processes that have nothing else to do."""
    return list(pool.map(_work_often, [POINTS // 2, POINTS // 2]))


def _work_often(points: int) -> None:
    torch.set_num_threads(1)
    for k in range(points):
        work(k, k)


def _tell_bytes(count: Callable[[int], int], client: Client) -> dict[str, str]:
    """What travels for eight points and for 64: once what is shared, and so much for every point."""
    few, many = count(8), count(POINTS)
    return {
        "MB for 8 points": f"{few / 1e6:.1f}",
        f"MB for {POINTS} points": f"{many / 1e6:.1f}",
        "kB a point more": f"{(many - few) / (POINTS - 8) / 1e3:.1f}",
    }


def _count_pipes(points: int) -> int:
    """Bytes that the workers of our own read, and once those of the file that they map."""
    shared = {"data": np.arange(SHARED_MB * 125_000)}
    wb.sweep(nothing, {"k": range(8)}, 2, progress=False)  # they read what they import, and another job
    before = _sum_read()
    wb.sweep(read_shared, {"k": range(points)}, 2, shared=shared, progress=False)
    return _sum_read() - before + shared["data"].nbytes


def _sum_read() -> int:
    """What all workers of our own have read so far, files and pipes."""
    workers = [child for child in psutil.Process().children() if "loky.backend.popen" in " ".join(child.cmdline())]
    return sum(worker.io_counters().read_chars for worker in workers)


def _count_loopback(points: int, client: Client) -> int:
    """Bytes that cross the loopback."""
    shared = {"data": np.arange(SHARED_MB * 125_000)}
    with _counting() as sent:
        wb.sweep(read_shared, {"k": range(points)}, client, shared=shared, progress=False)
    return sent[0]


@contextmanager
def _counting() -> Iterator[list[int]]:
    found: list[int] = []
    before = psutil.net_io_counters(pernic=True)["lo"].bytes_sent
    yield found
    found.append(psutil.net_io_counters(pernic=True)["lo"].bytes_sent - before)


def _measure_start() -> float:
    """Seconds until two new workers have done a point."""
    end_idle_workers()
    return _time(lambda: wb.sweep(nothing, {"k": [0, 1]}, 2, progress=False))


def _extrapolate(serial_s: float, start_s: float) -> str:
    """Times on paper: start, what is shared sent from machine to machine, the slower of points and scheduler."""
    rows = []
    for seconds in WORKS_S:
        row: dict[str, Any] = {"a point takes": f"{seconds} s"}
        for machines in MACHINES:
            sent_s = SHARED_GB * 1000 / NETWORK_MB_S * np.ceil(np.log2(machines + 1))
            whole_s = start_s + sent_s + max(PAPER_POINTS * seconds / (machines * CORES), PAPER_POINTS * serial_s)
            row[f"{machines} machine{'s' if machines > 1 else ''}"] = _say_time(whole_s)
        row["workers beyond which more do not help"] = f"{seconds / serial_s:,.0f}"
        rows.append(row)
    return (
        f"On paper, from these constants: {PAPER_POINTS:,} points on machines of {CORES} cores, a worker a core, "
        f"through one dask scheduler that takes {1000 * serial_s:.1f} ms for a point, with {SHARED_GB:g} GB shared "
        f"over a network of {NETWORK_MB_S} MB/s from machine to machine. A sweep scales as long as its points take "
        "longer than the scheduler needs to hand out one to every worker.\n\n"
        + markdown(pd.DataFrame(rows).set_index("a point takes"))
    )


def _say_time(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 5400 else f"{seconds / 60:.1f} min"


def _time(call: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun
