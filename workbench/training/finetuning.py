"""Fine-tuning: an SNN trained itself, through surrogate gradients, its delays kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.conversion import can_run_by_frames, round_to_grid, to_frames, to_ticks, warn_of_coarse
from workbench.events import Dataset, EventTransform, Recordings
from workbench.model import Device, Model, require_model
from workbench.training.fitting import fit
from workbench.training.losses import Loss
from workbench.training.options import TrainingOptions
from workbench.training.schedule import Schedule
from workbench.training.updates import Callback

if TYPE_CHECKING:
    import pandas as pd


def fine_tune(
    snn: Model,
    recordings: Recordings | Dataset,
    validation: Recordings | None = None,
    *,
    epochs: int = 2,
    learning_rate: float = 3e-4,
    weight_decay: float = 0.0,
    augment: Sequence[EventTransform] = (),
    dropout: float = 0.0,
    label_smoothing: float = 0.0,
    loss: Loss | None = None,
    optimizer: str | Callable[..., Any] = "adamw",
    schedule: str | Schedule = "one_cycle",
    select: str | float | None = None,
    patience: int | None = None,
    average: float | None = None,
    accumulate: int = 1,
    spike_cost: float = 0.0,
    noise: float = 0.0,
    recompute: int | None = None,
    precision: str = "fp32",
    checkpoint: str | Path | None = None,
    callback: Callback | None = None,
    fabric: int | Any = None,
    answer: str = "running",
    device: Device | None = None,
    batch: int = 32,
    progress: bool = True,
    seed: int = 0,
) -> tuple[Model, pd.DataFrame]:
    """Train a copy of an SNN for a few epochs; returns it with its history, one row per epoch.

    Everything is as in `wb.train`, loss, options and history included, in the same engine: spikes go forward, and
    backward goes the surrogate gradient of `integrate_and_fire.Surrogate`. The loss is over the answers at the end of
    every frame. Weights and biases change, delays, neurons and scales do not; at the end they are rounded to a grid
    again, where the SNN given has one. Neurons that count for a frame are trained frame by frame, which gives the same
    spikes and gradients in a fraction of the time. ValueError for an ANN.

    Source: Neftci, Mostafa, Zenke 2019, IEEE Signal Processing Magazine (surrogate gradients).
    """
    snn = require_model(snn, "wb.fine_tune")
    if not snn.spiking:
        raise ValueError("fine_tune takes an SNN; this model does not spike: convert it first, or train it by wb.train")
    options = TrainingOptions(
        epochs, batch, learning_rate, weight_decay, answer, seed, None, spike_cost, noise, recompute, precision,
        augment, dropout, label_smoothing, loss, optimizer, schedule, select, patience, average, accumulate,
    )  # fmt: skip
    run = checkpoint, progress, callback, fabric, device
    loose = snn.copy()
    loose.grid = None  # whose numbers learning moves off
    by_frames = can_run_by_frames(loose)
    learning = to_frames(loose) if by_frames else loose
    tuned, history = fit("wb.fine_tune", learning, recordings, validation, options, *run)
    tuned = to_ticks(tuned, loose) if by_frames else tuned
    if snn.grid is not None:
        tuned = warn_of_coarse(round_to_grid(tuned, snn.grid.input_counts, snn.grid.weight_bits))
    return tuned, history
