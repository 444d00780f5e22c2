"""A model at work on one recording without end: how long a tick takes, and how much memory many ticks."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pandas as pd
import psutil
import torch

import workbench as wb
from benchmarks.engine.agreement import expect, require_agreement
from benchmarks.engine.networks import draw_ticks, lag
from workbench.engine import ENGINES

BLOCK = 1000
MEGABYTE = 1 << 20


@torch.no_grad()
def measure_latency(model: wb.Model, count: int, rate: float) -> pd.DataFrame:
    """Milliseconds a tick, fed one by one to streams of all engines in turns, after a tenth of them not counted.

    RuntimeError where a stream does not give the drives of a run.
    """
    ticks = draw_ticks(count + count // 10, 1, rate, seed=1)
    streams = {engine: model.stream(batch=1, engine=engine) for engine in ENGINES}
    times: dict[str, list[float]] = {engine: [] for engine in ENGINES}
    drives: dict[str, list[torch.Tensor]] = {engine: [] for engine in ENGINES}
    for tick in ticks.split(1):
        for engine, stream in streams.items():
            begin = time.perf_counter()
            drive = stream.feed(tick)
            times[engine].append(1e3 * (time.perf_counter() - begin))
            drives[engine].append(drive)
    rows = {}
    for engine, taken in times.items():
        require_agreement(
            f"the stream of {engine}", torch.cat(drives[engine])[lag(model) :], expect(model, ticks, "subtract")
        )
        counted = np.array(taken[-count:])
        rows[engine] = {
            "median (ms)": f"{np.median(counted):.3f}",
            "99th percentile (ms)": f"{np.quantile(counted, 0.99):.3f}",
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("engine")


def measure_memory(marks: Sequence[int]) -> pd.DataFrame:
    """Megabytes of a process of its own per engine, after so many ticks of a small network, and how much it grew."""
    rows = {}
    for engine in ENGINES:
        threads = (torch.get_num_threads(),)
        with ProcessPoolExecutor(1, get_context("spawn"), torch.set_num_threads, threads) as alone:
            held, seconds = alone.submit(hold_stream, engine, marks).result()
        named = {f"after {mark:,} ticks (MB)": f"{memory / MEGABYTE:.1f}" for mark, memory in held.items()}
        grown = (held[marks[-1]] - held[marks[0]]) / MEGABYTE
        rows[engine] = named | {"growth (MB)": f"{grown:+.1f}", "us per tick": f"{1e6 * seconds / marks[-1]:.1f}"}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("engine")


@torch.no_grad()
def hold_stream(engine: str, marks: Sequence[int]) -> tuple[dict[int, int], float]:
    """The bytes of this process when its stream has been fed so many ticks, and the seconds it took in all."""
    edges = [
        wb.Edge("in", "a", wb.Conv(4, 3, stride=2)),
        wb.Edge("a", "a", wb.Conv(4, 3), delay=100),
        wb.Edge("a", "out", wb.Dense(3)),
    ]
    model = wb.Model(wb.Network({"in": (1, 8, 8)}, edges), norm=None, neuron=wb.IntegrateAndFire()).eval()
    generator = torch.Generator().manual_seed(0)
    block = (torch.rand(BLOCK, 1, 1, 8, 8, generator=generator) < 0.05).float()
    stream, process, held = model.stream(batch=1, engine=engine), psutil.Process(), {}
    begin = time.perf_counter()
    while stream.step < marks[-1]:
        stream.feed(block)
        if stream.step in marks:
            gc.collect()
            held[stream.step] = process.memory_info().rss
    return held, time.perf_counter() - begin
