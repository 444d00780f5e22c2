"""Data that do not fit: memory of loads and trainings over the number of recordings, and how long training waits."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch

import workbench as wb
from benchmarks.tables import markdown
from workbench.training import fitting

COUNTS = (1_000, 10_000, 100_000)
EVENTS = 1_000  # of a recording
BATCH = 100
SAMPLE_S = 0.02
ASKED_WAITING = 0.03


def measure_data(folder: Path | None = None) -> str:
    """The curve on recordings written for it, and what training waits for, on these or on N-MNIST in a folder."""
    rows = []
    for count in COUNTS:
        with TemporaryDirectory() as place:
            write_recordings(Path(place), count)
            rows.append({"recordings": f"{count:,}", "events": f"{count * EVENTS:,}", **_run_apart(place, "set")})
    table = pd.DataFrame(rows)
    sizes = table["while training (MB)"].astype(float)
    growth = sizes.iloc[-1] - sizes.iloc[0]
    text = [
        f"Files in the format of N-MNIST, {EVENTS:,} events each, read with `wb.load` and learned for an epoch in "
        f"batches of {BATCH} by a process of its own. Memory is what the process holds that is no mapped file (RssAnon "
        "in Linux), at its largest in each phase.",
        markdown(table.set_index("recordings")),
        f"From {COUNTS[0]:,} to {COUNTS[-1]:,} recordings the memory of the training changes by {growth:+.0f} MB.",
    ]
    if folder is not None:
        found = _run_apart(str(folder), "n-mnist")
        waited = found["waiting for data (%)"]
        text.append(
            f"On {found['to train']} recordings of N-MNIST training waits for data {waited} % of its time "
            f"(asked for: at most {ASKED_WAITING:.0%})."
        )
    return "\n\n".join(text)


def write_recordings(folder: Path, count: int) -> None:
    """So many recordings of two classes, four fifths to train, five bytes an event as N-MNIST has them."""
    rng = np.random.default_rng(0)
    for number in range(count):
        part = "test" if number % 5 == 4 else "train"
        place = folder / part / ("left", "right")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        time_us = np.sort(rng.integers(0, 300_000, EVENTS))
        packed = np.empty((EVENTS, 5), np.uint8)
        packed[:, :2] = rng.integers(0, 34, (EVENTS, 2))
        packed[:, 2] = (rng.integers(0, 2, EVENTS) << 7) | (time_us >> 16)
        packed[:, 3], packed[:, 4] = time_us >> 8, time_us
        (place / f"{number}.bin").write_bytes(packed.tobytes())


def _run_apart(folder: str, kind: str) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scale.data", folder, kind], check=True, capture_output=True, text=True
    )
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


@contextmanager
def _watch_memory() -> Iterator[dict[str, float]]:
    """The largest anonymous memory of this process meanwhile, in MB, under "most"."""
    found, ended = {"most": 0.0}, threading.Event()

    def sample() -> None:
        while not ended.wait(SAMPLE_S):
            found["most"] = max(found["most"], read_anonymous_mb())

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def read_anonymous_mb() -> float:
    """What this process holds that is no file, in MB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))


def _measure_here(folder: str, kind: str) -> dict[str, Any]:
    torch.set_num_threads(1)
    options: dict[str, Any] = {"frames": 4, "ticks_per_frame": 1, "window_us": 300_000, "progress": False}
    if kind == "set":
        options |= {"sensor": (34, 34), "clock": "own"}
    times, most = [], []
    for _ in range(2):
        begin = time.perf_counter()
        with _watch_memory() as memory:
            dataset = wb.load(folder, **options) if kind == "set" else wb.load(kind, folder, **options)
        times.append(time.perf_counter() - begin)
        most.append(memory["most"])
    network = wb.Network(
        {"eye": dataset.shape},
        [wb.Edge("eye", "v1", wb.Conv(4, 3, stride=2)), wb.Edge("v1", "hand", wb.Dense(len(dataset.classes)))],
    )
    waited = 0.0
    draw = fitting.draw_batches

    def watch(*given: Any) -> Iterator[Any]:
        nonlocal waited
        drawn = draw(*given)
        while True:
            begin = time.perf_counter()
            item = next(drawn, None)
            waited += time.perf_counter() - begin
            if item is None:
                return
            yield item

    with _watch_memory() as memory, patch.object(fitting, "draw_batches", watch):
        begin = time.perf_counter()
        wb.train(wb.Model(network, seed=0), dataset.train, epochs=1, batch=BATCH, progress=False)
        whole = time.perf_counter() - begin
    return {
        "to train": f"{len(dataset.train):,}", "first load (s)": f"{times[0]:.1f}", "next load (s)": f"{times[1]:.1f}",
        "first load (MB)": f"{most[0]:.0f}", "next load (MB)": f"{most[1]:.0f}",
        "while training (MB)": f"{memory['most']:.0f}", "waiting for data (%)": f"{100 * waited / whole:.1f}",
    }  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("kind", choices=["set", "n-mnist"])
    given = parser.parse_args()
    print(json.dumps(_measure_here(given.folder, given.kind)))
