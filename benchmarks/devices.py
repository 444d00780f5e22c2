"""What a second process gains a training, and that it learns the same: `python -m benchmarks.devices`.

python -m benchmarks.devices [--rounds 5] [--recordings 320] [--print]

The embedded digits by four convolutions with batch norm, one thread a process. Trainings by one process and by two take
turns; a step is timed from callback to callback, so that neither start nor end of a call is in it. The numbers go into
docs/devices.md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

import workbench as wb
from benchmarks.engine.networks import draw_network
from benchmarks.readme import write_block
from benchmarks.tables import markdown
from workbench.machine import describe_machine

PAGE = Path(__file__).parents[1] / "docs" / "devices.md"
BATCH, FRAMES, SKIPPED = 32, 8, 2  # steps at the begin of a call, in which memory is laid out


@dataclass(frozen=True)
class Taken:
    """One call: medians of a step in milliseconds, of this process's processor too; seconds besides; the losses."""

    step: float
    busy: float
    besides: float
    history: pd.DataFrame


def measure(recordings: wb.Recordings, processes: int) -> Taken:
    """Train for an epoch by so many processes, each on one thread."""
    torch.set_num_threads(processes)  # which they share
    walls, busy = [], []

    def note(update: object) -> None:
        walls.append(time.perf_counter())
        busy.append(time.process_time())

    model = wb.Model(draw_network(), seed=0)
    begin = time.perf_counter()
    _, history = wb.train(model, recordings, epochs=1, batch=BATCH, progress=False, callback=note, fabric=processes)
    taken = time.perf_counter() - begin
    step, work = (
        [1e3 * (later - earlier) for earlier, later in zip(times[SKIPPED:], times[SKIPPED + 1 :], strict=False)]
        for times in (walls, busy)
    )
    return Taken(
        statistics.median(step), statistics.median(work), taken - statistics.mean(step) / 1e3 * len(walls), history
    )


def compare(recordings: wb.Recordings, rounds: int) -> pd.DataFrame:
    """A row for each round: steps of one process and of two, who begins first by turns."""
    rows = []
    for number in range(rounds):
        order = (1, 2) if number % 2 == 0 else (2, 1)
        taken = {processes: measure(recordings, processes) for processes in order}
        one, two = taken[1], taken[2]
        apart = (one.history["loss"] - two.history["loss"]).abs().max() / one.history["loss"].max()
        rows.append(
            {
                "one, ms a step": one.step,
                "two, ms a step": two.step,
                "one to two": one.step / two.step,
                "of the processor": one.busy / two.busy,
                "start and end, s": two.besides - one.besides,
                "losses apart": apart,
            }
        )
    return pd.DataFrame(rows)


def resume(recordings: wb.Recordings) -> pd.DataFrame:
    """By how much losses of three epochs differ where the processes change after the first, in both precisions."""
    rows = []
    for dtype in (torch.float32, torch.float64):
        model = wb.Model(draw_network(), seed=0).to(dtype)
        options = {"epochs": 3, "batch": BATCH, "progress": False, "augment": [wb.transforms.Shift(2)], "dropout": 0.1}
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
    middle = rows.median()
    shared = f"; {load:.1f} other processes wanted to run on its {os.cpu_count()} cores" if load > 0.3 else ""
    table = rows.round({"one, ms a step": 0, "two, ms a step": 0, "one to two": 2, "of the processor": 2})
    table = table.round({"start and end, s": 1}).assign(**{"losses apart": rows["losses apart"].map("{:.0e}".format)})
    table.index = pd.Index(range(1, len(table) + 1), name="round")
    return "\n\n".join(
        [
            f"Written by `python -m benchmarks.devices` on {describe_machine(1)}, a thread a process{shared}.",
            f"{len(recordings)} digits, {FRAMES} frames of 2 x 34 x 34, batches of {BATCH}; four convolutions of 16, "
            f"32, 32 and 64 channels with batch norm: {numbers:,} numbers, {numbers / 250_000:.1f} MB of gradients. "
            f"In the middle of {len(rows)} rounds one process took {middle['one to two']:.2f} times as long as two "
            "for a step; by the processor's time of the first process, in which nobody else on the machine counts, "
            f"{middle['of the processor']:.2f} times. A second process cost {middle['start and end, s']:.1f} s a call, "
            "to start and to end.",
            markdown(table),
            "Three epochs, the first by so many processes and the others by so many, against all by one: how far the "
            "losses lie apart, of their size.",
            markdown(resumed),
        ]
    )


def main() -> None:
    """Measure, write the block of the page, print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds in turns (default 5)")
    parser.add_argument("--recordings", type=int, default=320, help="recordings of an epoch (default 320)")
    parser.add_argument("--print", action="store_true", help="do not write the page")
    options = parser.parse_args()
    recordings = wb.load("digits", frames=FRAMES).train[: options.recordings]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    text = tell(compare(recordings, options.rounds), resume(recordings[: 2 * BATCH]), recordings, load)
    print(text)
    if not options.print:
        write_block("devices", text, PAGE)
        print(f"written to {PAGE}")


if __name__ == "__main__":
    main()
