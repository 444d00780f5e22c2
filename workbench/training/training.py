"""Training an ANN, or a spiking network from scratch: every answer from the first response on counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.conversion import loosen, make_exact
from workbench.events import Dataset, EventTransform, Recordings
from workbench.model import Device, Model, require_model
from workbench.training.fitting import fit
from workbench.training.losses import Loss
from workbench.training.options import TrainingOptions
from workbench.training.schedule import Schedule
from workbench.training.updates import Callback

if TYPE_CHECKING:
    import pandas as pd


def train(
    model: Model,
    recordings: Recordings | Dataset,
    validation: Recordings | None = None,
    *,
    epochs: int = 10,
    learning_rate: float = 4e-3,
    weight_decay: float = 1e-2,
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
    levels: int | None = None,
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
    """Train a copy of an ANN, or of an SNN by surrogate gradients; returns it with its history, one row per epoch.

    Of a `Dataset` its training part is learned; `validation` takes recordings that were held back of it, as `held_back,
    seen = digits.train.split(0.2, seed=0)` does, for the best model is chosen by them: not the test part. Loss = mean
    over the steps from the output's first response on of the cross-entropy of each step's answer. AdamW, one cycle of
    the learning rate. The history has the columns epoch, loss, accuracy and, with `validation`, validation_loss,
    validation_accuracy: fractions, of the last step's answer. An interrupt (Ctrl-C, the stop button) ends it cleanly
    with the best model so far. `checkpoint` names a file that is written after every epoch; if it exists already,
    training goes on from there and gives bit for bit the numbers of an uninterrupted run on as many threads of the same
    machine. `callback` is called with an `Update` after every batch; if it returns True, training ends as on an
    interrupt, without a warning.

    As papers train: `augment`, a list of `wb.transforms`, changes the recordings anew in every epoch, those that are
    learned alone; what each does to directions is in its own words, for nothing checks that classes stay what they are.
    `dropout` silences that share of hidden units for a whole recording. `label_smoothing` and `loss`, a function of
    answers (frames, recordings, classes) and labels, replace the cross-entropy; validation_loss stays one. `optimizer`
    is a name (`optimizers.OPTIMIZERS`) or a factory of one of torch's, called as factory(groups, lr=learning_rate);
    `schedule` a name (`schedule.SCHEDULES`) or a function from the fraction of training done to the share of
    `learning_rate`. `select="best"` returns the best epoch by validation accuracy, then loss, instead of the last; a
    share, such as 0.1, holds back that part of every class to choose by, and "best" a tenth where no `validation` is
    given. `patience` ends a training that has not become better for so many epochs, and returns the best one unless
    `select="last"`. `average` returns a moving average of the weights, of which every batch keeps that share. The
    recipe stands in `history.attrs["recipe"]` and in the display of the model.

    Three options prepare the ANN for its conversion. `levels` = L gives it the neurons `QuantisedReLU(L)`, whose
    ceilings are learned too (they begin at the 99th percentile of the first batch): it answers as an SNN with at most L
    spikes a frame will. `spike_cost` adds spike_cost x mean spikes per synapse and frame to the loss, so that it learns
    to spend few. `noise` disturbs every drive by so much of its unit. Both units are those of
    `regularization.RegularizedLayers`.

    Two options spare the machine. `recompute` keeps of every so many steps only what the next ones read, and computes
    the rest again on the way back: long recordings take a fraction of the memory, and about a third more time. Numbers
    and gradients stay the same up to rounding; ValueError with batch norm, noise, spike_cost or dropout, where they
    would not. `precision="bf16"` multiplies in bfloat16 (torch's autocast), while weights, statistics, membranes, loss
    and validation stay in float32: a CPU with instructions for it took 0.6 to 0.75 of the time and half the memory at
    batch 32; a CPU without them is slower, and a warning says so.

    Three options are for larger machines and batches. `device="cuda"` computes there; the model that is returned lies
    where the one given lies. `fabric=2` learns by two processes, on so many cores or GPUs, which it starts itself; or
    it is a `lightning_fabric.Fabric` that a script has launched in each of its processes. `batch` stays the number of
    recordings of a step of all processes together, drawn, changed and normalised as by one, so that losses agree up to
    rounding and checkpoints go on with any number of processes. `accumulate` learns a batch in so many turns, which
    take a fraction of the memory; statistics of batch norm are then those of a turn. ValueError, with the cure, for a
    batch that is too small to divide, and for a loss, optimizer or schedule that cannot be sent to other processes, as
    a lambda; LostProcessError, with its words, where a process ends before the others.

    Source: Loshchilov & Hutter 2019 (AdamW); Bu et al. 2022 (levels and learned ceilings); Chen et al. 2016
    (recomputation).
    """
    model = require_model(model, "wb.train")
    options = TrainingOptions(
        epochs, batch, learning_rate, weight_decay, answer, seed, levels, spike_cost, noise, recompute, precision,
        augment, dropout, label_smoothing, loss, optimizer, schedule, select, patience, average, accumulate,
    )  # fmt: skip
    run = checkpoint, progress, callback, fabric, device
    if model.spiking:
        if levels is not None:
            raise ValueError("levels= is for ANNs, and this model spikes, one level a spike; leave it out")
        trained, history = fit("wb.train", loosen(model), recordings, validation, options, *run)
        return make_exact(trained, recordings), history
    return fit("wb.train", model, recordings, validation, options, *run)
