"""How long the workbench takes to start: its import beside torch's, and the first run, compiled or from the cache."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from benchmarks.engine.timing import interleave
from workbench.engine import ENGINES

ROOT = Path(__file__).parents[2]
IMPORTS = {"Python alone": "pass", "import torch": "import torch", "import workbench": "import workbench"}
FIRST_RUN = """
import time, torch
import workbench as wb
edges = [wb.Edge("in", "a", wb.Conv(4, 3)), wb.Edge("a", "out", wb.Dense(3))]
model = wb.Model(wb.Network({{"in": (1, 8, 8)}}, edges), norm=None, neuron=wb.IntegrateAndFire()).eval()
ticks = torch.ones(10, 1, 1, 8, 8)
for _ in range(2):
    begin = time.perf_counter()
    model.run(ticks, record=["out"], engine={engine!r})
    print(time.perf_counter() - begin)
"""


def measure_imports(rounds: int) -> pd.DataFrame:
    """Seconds of a new interpreter that imports, medians of interleaved rounds."""
    runs = {name: lambda code=code: run_python(code) for name, code in IMPORTS.items()}
    for run in runs.values():
        run()  # so that the files are in the memory of the system for all of them
    times = pd.Series(interleave(runs, rounds)) / 1e3
    return pd.DataFrame({"s": times.round(2)}).rename_axis("a new interpreter")


def measure_first_runs(rounds: int) -> pd.DataFrame:
    """The first run in a process, with an empty cache of numba and with the one it has filled, and the second run."""
    rows = {}
    for engine in ENGINES:
        taken = []
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as cache:
                (compiled, _), (read, again) = (run_first(engine, cache) for _ in range(2))
                taken.append((compiled, read, again))
        compiled, read, again = (statistics.median(times) for times in zip(*taken, strict=True))
        rows[engine] = {
            "first run, compiled (s)": f"{compiled:.2f}",
            "first run, from the cache (s)": f"{read:.2f}",
            "second run (ms)": f"{1e3 * again:.2f}",
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("engine")


def run_first(engine: str, cache: str) -> tuple[float, float]:
    """Seconds of the first run and of the second one in a new process that compiles into this folder."""
    first, second = run_python(FIRST_RUN.format(engine=engine), NUMBA_CACHE_DIR=cache).split()
    return float(first), float(second)


def run_python(code: str, **environment: str) -> str:
    """What a new interpreter prints; CalledProcessError where it fails."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout
