"""Training a model over the steps of a rollout: every answer from the first response on counts."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor

from workbench.conversion import loosen, make_exact
from workbench.engine import MemoryRequest, require_finite, require_memory
from workbench.evaluation import batches, bin_batch, evaluate, find_loss, require_match, take_frame_ends
from workbench.events import Dataset, Recordings
from workbench.model import Model, average_answers, require_model, take_test, take_training
from workbench.progress import Progress, show_progress
from workbench.threads import tell_if_spinning
from workbench.training.checkpoints import Checkpoint, TrainingState, identify
from workbench.training.gradient_checkpointing import require_segments, run_segments
from workbench.training.mixed_precision import cast
from workbench.training.options import TrainingOptions
from workbench.training.quantization import with_quantised_relu
from workbench.training.regularization import RegularizedLayers
from workbench.training.schedule import learning_rate_at

if TYPE_CHECKING:
    import pandas as pd

GRADIENT_NORM = 5.0


@dataclass(frozen=True)
class Update:
    """Where a training stands after a batch: of this epoch (from 1), batches done, loss and accuracy so far.

    `history` has a row for every epoch that has ended.
    """

    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    accuracy: float
    history: tuple[dict[str, float], ...]


Callback = Callable[[Update], bool | None]


class StopTraining(Exception):
    """A callback has asked a training to end."""


def train(
    model: Model,
    recordings: Recordings | Dataset,
    validation: Recordings | None = None,
    *,
    epochs: int = 10,
    learning_rate: float = 4e-3,
    weight_decay: float = 1e-2,
    levels: int | None = None,
    spike_cost: float = 0.0,
    noise: float = 0.0,
    recompute: int | None = None,
    precision: str = "fp32",
    checkpoint: str | Path | None = None,
    callback: Callback | None = None,
    answer: str = "running",
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

    Three options prepare the ANN for its conversion. `levels` = L gives it the neurons `QuantisedReLU(L)`, whose
    ceilings are learned too (they begin at the 99th percentile of the first batch): it answers as an SNN with at most L
    spikes a frame will. `spike_cost` adds spike_cost x mean spikes per synapse and frame to the loss, so that it learns
    to spend few. `noise` disturbs every drive by so much of its unit. Both units are those of
    `regularization.RegularizedLayers`.

    Two options spare the machine. `recompute` keeps of every so many steps only what the next ones read, and computes
    the rest again on the way back: long recordings take a fraction of the memory, and about a third more time. Numbers
    and gradients stay the same up to rounding; ValueError with batch norm, noise or spike_cost, where they would not.
    `precision="bf16"` multiplies in bfloat16 (torch's autocast), while weights, statistics, membranes, loss and
    validation stay in float32: a CPU with instructions for it took 0.6 to 0.75 of the time and half the memory at batch
    32; a CPU without them is slower, and a warning says so.

    Source: Loshchilov & Hutter 2019 (AdamW); Bu et al. 2022 (levels and learned ceilings); Chen et al. 2016
    (recomputation).
    """
    model = require_model(model, "wb.train")
    options = TrainingOptions(
        epochs, batch, learning_rate, weight_decay, answer, seed, levels, spike_cost, noise, recompute, precision
    )
    if model.spiking:
        if levels is not None:
            raise ValueError("levels= is for ANNs, and this model spikes, one level a spike; leave it out")
        trained, history = fit(
            "wb.train", loosen(model), recordings, validation, options, checkpoint, progress, callback
        )
        return make_exact(trained, recordings), history
    return fit("wb.train", model, recordings, validation, options, checkpoint, progress, callback)


def fit(
    verb: str,
    model: Model,
    given: Recordings | Dataset,
    validation: Recordings | None,
    options: TrainingOptions,
    checkpoint: str | Path | None,
    progress: bool,
    callback: Callback | None,
) -> tuple[Model, pd.DataFrame]:
    """Train a copy of a model, ANN or SNN, as `train` says; under torch.no_grad and torch.inference_mode as well."""
    recordings = take_training(given, verb)
    if isinstance(validation, Dataset):
        raise ValueError(
            f"{verb}: validation is a Dataset, of which the test part must not choose the model; hold back some of "
            "the training part: held_back, seen = dataset.train.split(0.2, seed=0)"
        )
    validation = None if validation is None else take_test(validation, f"{verb}(validation=...)")
    tell_if_spinning()
    with torch.inference_mode(False), torch.enable_grad():
        return _fit(model, recordings, validation, options, checkpoint, progress, callback)


def _fit(
    model: Model,
    recordings: Recordings,
    validation: Recordings | None,
    options: TrainingOptions,
    checkpoint: str | Path | None,
    progress: bool,
    callback: Callback | None,
) -> tuple[Model, pd.DataFrame]:
    for part in (recordings, validation):
        if part is not None:
            require_match(model, part)
    require_segments(model, options)
    if options.precision == "bf16" and model.dtype != torch.float32:
        raise ValueError(
            f'precision="bf16" is for models in float32, but this one computes in {model.dtype}; use model.float(), or '
            'precision="fp32", which leaves it as it is'
        )
    _require_room(model, recordings, options)
    state = _begin(model, recordings, options)
    saved = None
    if checkpoint:
        saved = Checkpoint(Path(checkpoint), identify(model, recordings, validation, asdict(options)))
        if saved.path.exists():
            saved.resume(state)
    try:
        rounds = math.ceil(len(recordings) / options.batch)
        done = len(state.history) * rounds
        with show_progress(options.epochs * rounds, "train", "batch", progress, done=done) as bar:
            _train_epochs(state, recordings, validation, options, saved, bar, callback)
        trained = state.model
    except (KeyboardInterrupt, StopTraining) as end:
        trained = state.best if state.history else state.model
        if isinstance(end, KeyboardInterrupt):
            what = "the best model so far" if state.history else "the model as far as it came"
            where = f"epoch {len(state.history) + 1} of {options.epochs}"
            warnings.warn(f"training was interrupted in {where}; this is {what}", stacklevel=2)
    return trained.eval(), _tabulate(state.history)


def _train_epochs(
    state: TrainingState,
    recordings: Recordings,
    validation: Recordings | None,
    options: TrainingOptions,
    saved: Checkpoint | None,
    bar: Progress,
    callback: Callback | None,
) -> None:
    """Train the epochs that are left, and note each in the history and the checkpoint."""
    for epoch in range(len(state.history), options.epochs):
        row = {"epoch": epoch + 1, **_train_epoch(state, recordings, options, epoch, bar, callback)}
        if validation is not None:
            found = evaluate(state.model, validation, answer=options.answer, progress=False)
            row |= {f"validation_{name}": value for name, value in found.items()}
        state.note(row)
        bar.note(**{name: f"{value:.3f}" for name, value in row.items() if name != "epoch"})
        if saved is not None:
            _write_checkpoint(saved, state)


def _write_checkpoint(saved: Checkpoint, state: TrainingState) -> None:
    """Write a checkpoint; a warning where that fails, because a failed file must not end a training."""
    try:
        saved.write(state)
    except (OSError, SafetensorError) as error:
        warnings.warn(
            f"{saved.path} was not written after epoch {len(state.history)} ({error}); training goes on, and tries "
            "again after the next epoch: make room, or stop it to get the model so far",
            stacklevel=7,
        )


def _train_epoch(
    state: TrainingState,
    recordings: Recordings,
    options: TrainingOptions,
    epoch: int,
    bar: Progress,
    callback: Callback | None,
) -> dict[str, float]:
    state.model.train()
    order = np.random.default_rng([options.seed, epoch]).permutation(len(recordings))
    rounds = math.ceil(len(recordings) / options.batch)
    loss_sum = correct = seen = 0.0
    for number, chosen in enumerate(batches(len(recordings), options.batch, order)):
        rate = learning_rate_at((epoch * rounds + number) / (options.epochs * rounds), options.learning_rate)
        for group in state.optimizer.param_groups:
            group["lr"] = rate
        layers = _regularize(state.model, options, epoch, number)
        with cast(state.model.device, options.precision):
            answers, labels = _answer(state.model, recordings, chosen, options.answer, layers, options.recompute)
            loss = find_loss(answers, labels)
            if layers is not None and options.spike_cost:
                loss = loss + options.spike_cost * layers.cost
        if not torch.isfinite(loss):
            raise ValueError(
                f"the loss became {loss.item()} in epoch {epoch + 1}, batch {number + 1}; lower learning_rate (now "
                f'{options.learning_rate:g}), or give the model norm="batch"'
            )
        state.optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(state.model.parameters(), GRADIENT_NORM)
        state.optimizer.step()
        loss_sum += float(loss.detach()) * len(chosen)
        correct += int((answers[-1].argmax(1) == labels).sum())
        seen += len(chosen)
        bar.advance()
        update = Update(
            epoch + 1, options.epochs, number + 1, rounds, loss_sum / seen, correct / seen, tuple(state.history)
        )
        if callback is not None and callback(update):
            raise StopTraining
    require_finite(state.model.network, state.model.state_dict())  # no loss follows the last step
    return {"loss": loss_sum / len(recordings), "accuracy": correct / len(recordings)}


def _answer(
    model: Model,
    recordings: Recordings,
    chosen: np.ndarray,
    answer: str,
    layers: RegularizedLayers | None = None,
    recompute: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Answers at the end of every frame (frames, batch, classes), from the first response on, and labels."""
    k, output = model.ticks_per_frame, model.network.output
    ticks, first = bin_batch(model, recordings, chosen), model.network.first_response[output]
    if recompute is not None:
        drive = run_segments(model, ticks, recompute)
    else:
        drive = model(ticks) if layers is None else model.run(ticks, record=[output], layers=layers)[output]
    answers = take_frame_ends(model, average_answers(drive, first, k, answer))
    return answers, torch.tensor(recordings.labels[chosen]).to(model.device)


def _regularize(model: Model, options: TrainingOptions, epoch: int, number: int) -> RegularizedLayers | None:
    """The layers to learn on in this batch, where noise or cost ask for others than the model's own."""
    if not options.noise and not options.spike_cost:
        return None
    drawn = np.random.SeedSequence([options.seed, epoch, number]).generate_state(1, np.uint64)[0]
    generator = torch.Generator(model.device).manual_seed(int(drawn) >> 1)
    return RegularizedLayers(model, options.noise, generator)


def _begin(model: Model, recordings: Recordings, options: TrainingOptions) -> TrainingState:
    trained = model.copy()
    if options.levels is not None:
        first = np.random.default_rng([options.seed, 0]).permutation(len(recordings))[: options.batch]
        trained = with_quantised_relu(model, bin_batch(model, recordings, first), options.levels)
    ceilings = list(trained.log_ceilings.parameters())
    others = [p for name, p in trained.named_parameters() if not name.startswith("log_ceilings.")]
    groups: list[dict[str, Any]] = [{"params": others}, {"params": ceilings, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=options.learning_rate, weight_decay=options.weight_decay)
    return TrainingState(trained, optimizer, trained)


def _require_room(model: Model, recordings: Recordings, options: TrainingOptions) -> None:
    """MemoryError, with the batch that fits, where not even a batch can be learned."""
    network, steps = model.network, recordings.frames * model.ticks_per_frame
    batch, held = min(options.batch, len(recordings)), min(options.recompute or steps, steps)
    recorded = [network.output, *network.inputs]
    dtype = next(model.parameters()).dtype
    require_memory(MemoryRequest(network, recorded, held, batch, held, True, dtype), model.device)


def _tabulate(history: list[dict[str, float]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(history, columns=list(history[-1]) if history else ["epoch", "loss", "accuracy"])
