"""The loop of a training: epochs of batches, each a step of the optimizer; what is best is kept, and written."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor

from workbench.engine import Layers, MemoryRequest, require_finite, require_memory
from workbench.evaluation import bin_batch, evaluate, require_match, take_frame_ends
from workbench.events import Dataset, Recordings, require_augmentation
from workbench.model import Model, TrainingRecord, average_answers, take_test, take_training
from workbench.progress import Progress, show_progress
from workbench.threads import tell_if_spinning
from workbench.training.averaging import follow
from workbench.training.checkpoints import Checkpoint, TrainingState
from workbench.training.drawn_batches import DrawnBatch, count_batches, draw_batches
from workbench.training.dropout import DropoutLayers
from workbench.training.gradient_checkpointing import require_segments, run_segments
from workbench.training.identity import fingerprint, identify
from workbench.training.losses import find_training_loss
from workbench.training.mixed_precision import cast
from workbench.training.named_functions import name_function
from workbench.training.optimizers import make_optimizer
from workbench.training.options import TrainingOptions
from workbench.training.quantization import with_quantised_relu
from workbench.training.regularization import RegularizedLayers
from workbench.training.schedule import learning_rate_at
from workbench.training.selection import find_best, hold_back, is_over, selects_best
from workbench.training.updates import Callback, StopTraining, Update

if TYPE_CHECKING:
    import pandas as pd

GRADIENT_NORM = 5.0


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
        trained, history = _fit(model, recordings, validation, options, checkpoint, progress, callback)
        name = given.name if isinstance(given, Dataset) else recordings.name
        trained.provenance = model.provenance.trained(_record(verb, name, recordings, options, len(history)))
        return trained, history


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
    require_augmentation(options.augment, recordings)
    if options.precision == "bf16" and model.dtype != torch.float32:
        raise ValueError(
            f'precision="bf16" is for models in float32, but this one computes in {model.dtype}; use model.float(), or '
            'precision="fp32", which leaves it as it is'
        )
    recordings, validation = hold_back(recordings, validation, options.select, options.patience, options.seed)
    _require_room(model, recordings, options)
    state = _begin(model, recordings, options)
    saved = None
    if checkpoint:
        identity = identify(model, recordings, validation, options.describe())
        saved = Checkpoint(Path(checkpoint), identity, options.optimizer)
        if saved.path.exists():
            saved.resume(state)
    try:
        rounds = count_batches(recordings, options)
        done = len(state.history) * rounds
        with show_progress(options.epochs * rounds, "train", "batch", progress, done=done) as bar:
            _train_epochs(state, recordings, validation, options, saved, bar, callback)
        trained = state.best if selects_best(options.select, options.patience) else state.answering
    except (KeyboardInterrupt, StopTraining) as end:
        trained = state.best if state.history else state.model
        if isinstance(end, KeyboardInterrupt):
            what = "the best model so far" if state.history else "the model as far as it came"
            where = f"epoch {len(state.history) + 1} of {options.epochs}"
            warnings.warn(f"training was interrupted in {where}; this is {what}", stacklevel=2)
    trained.training_recipe = options.recipe
    return trained.eval(), _tabulate(state.history, options)


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
        if is_over(state.history, options.patience):
            return
        row = {"epoch": epoch + 1, **_train_epoch(state, recordings, options, epoch, bar, callback)}
        if validation is not None:
            found = evaluate(state.answering, validation, answer=options.answer, progress=False)
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
    rounds = count_batches(recordings, options)
    loss_sum = correct = seen = 0.0
    for number, drawn in draw_batches(state.model, recordings, options, epoch):
        count = len(drawn.labels)
        done = epoch * rounds + number
        rate = learning_rate_at(done / (options.epochs * rounds), options.learning_rate, options.schedule)
        for group in state.optimizer.param_groups:
            group["lr"] = rate
        loss, answers = _find_loss(state.model, drawn, options, (epoch, number))
        state.optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(state.model.parameters(), GRADIENT_NORM)
        state.optimizer.step()
        if state.averaged is not None and options.average is not None:
            follow(state.averaged, state.model, options.average, done + 1)
        loss_sum += float(loss.detach()) * count
        correct += int((answers[-1].argmax(1) == drawn.labels).sum())
        seen += count
        bar.advance()
        update = Update(
            epoch + 1, options.epochs, number + 1, rounds, loss_sum / seen, correct / seen, tuple(state.history)
        )
        if callback is not None and callback(update):
            raise StopTraining
    require_finite(state.model.network, state.model.state_dict())  # no loss follows the last step
    return {"loss": loss_sum / len(recordings), "accuracy": correct / len(recordings)}


def _find_loss(
    model: Model, drawn: DrawnBatch, options: TrainingOptions, where: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """The loss of a batch, `where` in the training, and its answers; ValueError where it is not finite."""
    layers, regularized = _choose_layers(model, options, where)
    with cast(model.device, options.precision):
        answers = _answer(model, drawn, options, layers)
        found = [
            find_training_loss(answers, labels, options.loss, options.label_smoothing)
            for labels in ((drawn.labels, drawn.other_labels) if drawn.share < 1 else (drawn.labels,))
        ]
        loss = found[0] if len(found) == 1 else drawn.share * found[0] + (1 - drawn.share) * found[1]
        if regularized is not None and options.spike_cost:
            loss = loss + options.spike_cost * regularized.cost
    if not torch.isfinite(loss):
        own = "" if options.loss is None else f"mend loss={name_function(options.loss)}, or "
        raise ValueError(
            f"the loss became {loss.item()} in epoch {where[0] + 1}, batch {where[1] + 1}; {own}lower learning_rate "
            f'(now {options.learning_rate:g}), or give the model norm="batch"'
        )
    return loss, answers


def _answer(model: Model, drawn: DrawnBatch, options: TrainingOptions, layers: Layers | None) -> Tensor:
    """Answers at the end of every frame (frames, batch, classes), from the first response on."""
    output = model.network.output
    if options.recompute is not None:
        drive = run_segments(model, drawn.ticks, options.recompute)
    else:
        drive = model(drawn.ticks) if layers is None else model.run(drawn.ticks, [output], layers=layers)[output]
    first = model.network.first_response[output]
    return take_frame_ends(model, average_answers(drive, first, model.ticks_per_frame, options.answer))


def _choose_layers(
    model: Model, options: TrainingOptions, where: tuple[int, int]
) -> tuple[Layers | None, RegularizedLayers | None]:
    """The layers to learn a batch on, where noise, cost or dropout ask for others than the model's own."""
    if not options.noise and not options.spike_cost and not options.dropout:
        return None, None
    drawn = np.random.SeedSequence([options.seed, *where]).generate_state(1, np.uint64)[0]
    generator = torch.Generator(model.device).manual_seed(int(drawn) >> 1)
    regularized = RegularizedLayers(model, options.noise, generator) if options.noise or options.spike_cost else None
    layers: Layers = regularized or model.training_layers()
    return DropoutLayers(layers, model, options.dropout, int(drawn)) if options.dropout else layers, regularized


def _begin(model: Model, recordings: Recordings, options: TrainingOptions) -> TrainingState:
    trained = model.copy()
    if options.levels is not None:
        first = np.random.default_rng([options.seed, 0]).permutation(len(recordings))[: options.batch]
        trained = with_quantised_relu(model, bin_batch(model, recordings, first), options.levels)
    optimizer = make_optimizer(trained, options.optimizer, options.learning_rate, options.weight_decay)
    averaged = trained.copy() if options.average is not None else None
    return TrainingState(trained, optimizer, trained, averaged=averaged)


def _require_room(model: Model, recordings: Recordings, options: TrainingOptions) -> None:
    """MemoryError, with the batch that fits, where not even a batch can be learned."""
    network, steps = model.network, recordings.frames * model.ticks_per_frame
    batch, held = min(options.batch, len(recordings)), min(options.recompute or steps, steps)
    recorded = [network.output, *network.inputs]
    dtype = next(model.parameters()).dtype
    require_memory(MemoryRequest(network, recorded, held, batch, held, True, dtype), model.device)


def _record(verb: str, name: str, recordings: Recordings, options: TrainingOptions, epochs: int) -> TrainingRecord:
    """What is kept of a training with the model."""
    version = fingerprint(recordings) or ""
    return TrainingRecord(verb, name, recordings.divided, version, epochs, options.seed, options.recipe)


def _tabulate(history: list[dict[str, float]], options: TrainingOptions) -> pd.DataFrame:
    """A row an epoch; where the best is selected, a column says which, and the recipe stands in its attributes."""
    import pandas as pd

    table = pd.DataFrame(history, columns=list(history[-1]) if history else ["epoch", "loss", "accuracy"])
    if selects_best(options.select, options.patience):
        table["selected"] = [place == find_best(history) for place in range(len(history))]
    table.attrs["recipe"] = options.recipe
    return table
