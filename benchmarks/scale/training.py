"""A whole training on paper: what CIFAR10-DVS takes on 1, 10 and 100 machines, from a step that is measured here."""

from __future__ import annotations

import time
from inspect import signature
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
import torch

import workbench as wb
from benchmarks.tables import markdown
from workbench.evaluation import bin_batch
from workbench.events import augment
from workbench.events.event_arrays import EVENTS
from workbench.study.recipes import RECIPES
from workbench.training.updates import Update

NAME, TRAIN, SENSOR = "cifar10-dvs", 9_000, (128, 128)
EVENTS_EACH = 200_000  # about what a recording of CIFAR10-DVS holds
BATCHES = 6  # of which the first is not counted
MACHINES, CORES, NETWORK_MB_S, LATENCY_MS = (1, 10, 100), 16, 110, 0.1


def measure_training() -> str:
    """The time of a step, and of a training of the whole set by it."""
    torch.set_num_threads(1)
    recipe = RECIPES[NAME]
    batch = int(signature(wb.train).parameters["batch"].default)
    recordings = _make_recordings(batch, recipe)
    model = wb.Model(recipe.make_network(recordings.shape, 10), seed=0)
    numbers = sum(parameter.numel() for parameter in model.parameters())
    norms = sum(name.endswith("variance") for name, _ in model.named_buffers())
    return tell(*_time_steps(model, recordings, recipe, batch), 1, batch, numbers, norms)


def tell(step_s: float, drawing_s: float, cores: int, batch: int, numbers: int, norms: int) -> str:
    """What a whole training takes by a step, and by the drawing of its batch, on so many cores."""
    recipe = RECIPES[NAME]
    steps, rows = recipe.epochs * TRAIN / batch, []
    for machines in MACHINES:
        learned_s = step_s * cores / CORES * -(-batch // machines) / batch
        exchanged_s = 0.0 if machines == 1 else 8 * numbers / (NETWORK_MB_S * 1e6) + 2 * norms * LATENCY_MS / 1e3
        row = {
            "machines": machines,
            "learning (ms a step)": f"{1e3 * learned_s:.0f}",
            "drawing the whole batch (ms, beside it)": f"{1e3 * drawing_s:.0f}",
            "exchange (ms a step)": f"{1e3 * exchanged_s:.0f}",
            "whole training (h)": f"{steps * (max(learned_s, drawing_s) + exchanged_s) / 3600:.1f}",
        }
        rows.append(row)
    words = [
        f"On paper: {recipe.epochs} epochs of {TRAIN:,} recordings by the recipe of {recipe.title}, {batch} a batch.",
        f"Measured here, on {cores} thread{'s' * (cores > 1)} with random events: a step takes {step_s:.2f} s, drawing",
        f"and changing a batch, which is done beside it, {drawing_s:.2f} s; {numbers:,} numbers are learned.",
        f"Assumed: machines of {CORES} cores, {CORES / cores:g} times as fast, {NETWORK_MB_S} MB/s between them,",
        f"gradients that are sent twice a step, and {2 * norms} messages of {LATENCY_MS} ms for {norms} batch norms.",
    ]
    end = (
        f"A batch of {batch} cannot be divided among more than {batch} machines, and every process changes the events "
        "of the whole batch: where that takes longer than learning, more machines do not help."
    )
    return "\n\n".join([" ".join(words), markdown(pd.DataFrame(rows).set_index("machines")), end])


def _make_recordings(count: int, recipe: Any) -> wb.Recordings:
    def draw(number: int) -> np.ndarray:
        rng, events = np.random.default_rng(number), np.zeros(EVENTS_EACH, EVENTS)
        events["t"] = np.sort(rng.integers(0, recipe.window_us, EVENTS_EACH))
        events["p"] = rng.integers(0, 2, EVENTS_EACH)
        events["y"], events["x"] = (rng.integers(0, size, EVENTS_EACH) for size in SENSOR)
        return events

    held = {str(kind): [draw(10 * number + kind) for number in range(-(-2 * count // 10))] for kind in range(10)}
    dataset = wb.load(
        held, frames=recipe.frames, ticks_per_frame=recipe.ticks_per_frame, window_us=recipe.window_us, sensor=SENSOR,
        clock="own", cache=False, progress=False, **recipe.loading,
    )  # fmt: skip
    return dataset.train[:count]


def _time_steps(model: wb.Model, recordings: wb.Recordings, recipe: Any, batch: int) -> tuple[float, float]:
    """Seconds of a step as it is, and of drawing its batch alone."""
    moments: list[float] = []

    def note(_: Update) -> bool:
        moments.append(time.perf_counter())
        return False

    wb.train(
        model, recordings, epochs=BATCHES, batch=batch, augment=list(recipe.augment), progress=False, callback=note,
        **recipe.training,
    )  # fmt: skip
    begin = time.perf_counter()
    changed = augment(recordings, np.arange(batch), recipe.augment, [0])
    bin_batch(model, changed.recordings, np.arange(batch))
    return median(np.diff(moments)), time.perf_counter() - begin
