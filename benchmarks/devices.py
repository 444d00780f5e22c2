"""What a second process gains a training, and that it learns the same: `python -m benchmarks.devices`.

python -m benchmarks.devices [--rounds 3] [--recordings 640] [--print]

The embedded digits by four convolutions with batch norm, one thread a process. Trainings by one process, by two, and by
one beside another that has nothing to do with it take turns; a step is timed from callback to callback, so that neither
start nor end of a call is in it. The numbers go into docs/devices.md.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path

import pandas as pd
import torch

import workbench as wb
from benchmarks.engine.networks import draw_network
from benchmarks.readme import write_block
from benchmarks.tables import markdown
from workbench.machine import describe_machine

PAGE = Path(__file__).parents[1] / "docs" / "devices.md"
BATCHES, FRAMES, STEPS = (32, 64, 160), 8, 10  # steps of a call, at least
SKIPPED = 2  # of them, in which memory is laid out
KINDS = "one", "two", "apart"


@dataclass(frozen=True)
class Taken:
    """One call: the median of a step in milliseconds, seconds besides all steps, and the losses."""

    step: float
    besides: float
    history: pd.DataFrame


def measure(recordings: wb.Recordings, processes: int, batch: int) -> Taken:
    """Train for some steps by so many processes, each on one thread."""
    torch.set_num_threads(processes)  # which they share
    walls: list[float] = []
    begin = time.perf_counter()
    _, history = wb.train(
        wb.Model(draw_network(), seed=0), recordings, epochs=math.ceil(STEPS * batch / len(recordings)), batch=batch,
        progress=False, fabric=processes, callback=lambda update: walls.append(time.perf_counter()),
    )  # fmt: skip
    taken = time.perf_counter() - begin
    steps = [later - earlier for earlier, later in pairwise(walls[SKIPPED:])]
    return Taken(1e3 * statistics.median(steps), taken - statistics.mean(steps) * len(walls), history)


def train_aside(recordings: wb.Recordings, batch: int, begun: Event) -> None:
    """Train on one thread, and go on until somebody ends this process."""
    torch.set_num_threads(1)
    model = wb.Model(draw_network(), seed=1)
    wb.train(model, recordings, epochs=1000, batch=batch, progress=False, callback=lambda update: begun.set())


@contextmanager
def another_training(recordings: wb.Recordings, batch: int) -> Iterator[None]:
    """Another process trains by itself meanwhile: what a machine has for two that say nothing to each other."""
    context = get_context("spawn")
    begun = context.Event()
    process = context.Process(target=train_aside, args=(recordings, batch, begun), daemon=True)
    process.start()
    try:
        begun.wait()
        yield
    finally:
        process.terminate()
        process.join()


def compare(recordings: wb.Recordings, rounds: int, batch: int) -> pd.DataFrame:
    """A row for each round: steps of one process, of two together, and of one beside another, in turns."""
    rows = []
    for number in range(rounds):
        taken: dict[str, Taken] = {}
        for name in [*KINDS[number % 3 :], *KINDS[: number % 3]]:
            with another_training(recordings, batch) if name == "apart" else nullcontext():
                taken[name] = measure(recordings, 2 if name == "two" else 1, batch)
        one, two, apart = (taken[name] for name in KINDS)
        losses = (one.history["loss"] - two.history["loss"]).abs().max() / one.history["loss"].max()
        rows.append(
            {
                "batch": batch,
                "one, ms": one.step,
                "two together, ms": two.step,
                "one beside another, ms": apart.step,
                "gain": one.step / two.step,
                "most": 2 * one.step / apart.step,
                "start and end, s": two.besides - one.besides,
                "losses apart": losses,
            }
        )
    return pd.DataFrame(rows)


def resume(recordings: wb.Recordings) -> pd.DataFrame:
    """By how much losses of three epochs differ where the processes change after the first, in both precisions."""
    rows = []
    for dtype in (torch.float32, torch.float64):
        model = wb.Model(draw_network(), seed=0).to(dtype)
        options = {
            "epochs": 3,
            "batch": BATCHES[0],
            "progress": False,
            "augment": [wb.transforms.Shift(2)],
            "dropout": 0.1,
        }
        _, whole = wb.train(model, recordings, **options)
        for before, after in ((2, 1), (1, 2)):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "checkpoint")
                wb.train(model, recordings, **options, checkpoint=path, fabric=before, callback=lambda u: u.epoch == 2)
                _, resumed = wb.train(model, recordings, **options, checkpoint=path, fabric=after)
            apart = ((resumed["loss"] - whole["loss"]).abs() / whole["loss"]).max()
            rows.append(
                {"": f"{before} to {after}", "numbers": str(dtype).removeprefix("torch."), "losses": f"{apart:.0e}"}
            )
    return pd.DataFrame(rows).pivot(index="", columns="numbers", values="losses")


def tell(rows: pd.DataFrame, resumed: pd.DataFrame, recordings: wb.Recordings, load: float) -> str:
    """The page's part."""
    model = wb.Model(draw_network(), seed=0)
    numbers = sum(parameter.numel() for parameter in model.parameters())
    middle = rows.groupby("batch").median()
    shared = f"; {load:.1f} other processes wanted to run on its {os.cpu_count()} cores" if load > 0.3 else ""
    digits = dict.fromkeys(("one, ms", "two together, ms", "one beside another, ms"), 0) | {"start and end, s": 1}
    table = middle.round(digits | {"gain": 2, "most": 2})
    table["losses apart"] = middle["losses apart"].map("{:.0e}".format)
    gains = ", ".join(f"{gain:.2f} with batches of {batch}" for batch, gain in middle["gain"].items())
    return "\n\n".join(
        [
            f"Written by `python -m benchmarks.devices` on {describe_machine(1)}, a thread a process{shared}.",
            f"{len(recordings)} digits, {FRAMES} frames of 2 x 34 x 34; four convolutions of 16, 32, 32 and 64 "
            f"channels with batch norm: {numbers:,} numbers, {numbers / 250_000:.1f} MB of gradients. Two processes "
            f"together made a step so many times as fast as one: {gains} (*gain*). *Most* is how many times as many "
            "steps as one alone two trainings make that say nothing to each other. The processes wait for each other "
            "ten times a step, twice at each of the four batch norms, so that small batches gain little. Medians of "
            f"{len(rows) // len(middle)} rounds.",
            markdown(table),
            "Three epochs, the first by so many processes and the others by so many, against all by one: how far the "
            "losses lie apart, of their size.",
            markdown(resumed),
        ]
    )


def main() -> None:
    """Measure, write the block of the page, print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="rounds in turns (default 3)")
    parser.add_argument("--recordings", type=int, default=640, help="recordings of an epoch (default 640)")
    parser.add_argument("--print", action="store_true", help="do not write the page")
    options = parser.parse_args()
    recordings = wb.load("digits", frames=FRAMES).train[: options.recordings]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    rows = pd.concat([compare(recordings, options.rounds, batch) for batch in BATCHES])
    text = tell(rows, resume(recordings[: 4 * BATCHES[0]]), recordings, load)
    print(text)
    if not options.print:
        write_block("devices", text, PAGE)
        print(f"written to {PAGE}")


if __name__ == "__main__":
    main()
