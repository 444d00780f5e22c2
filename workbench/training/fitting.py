"""The loop of a training: epochs of batches, each a step of the optimizer; what is best is kept, and written."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor

from workbench.engine import Layers, MemoryRequest, require_finite, require_memory, sharing_batch
from workbench.evaluation import bin_batch, evaluate, take_frame_ends
from workbench.events import Dataset, Recordings
from workbench.model import Device, Model, TrainingRecord, average_answers, place, take_test, take_training
from workbench.progress import Progress, show_progress
from workbench.threads import tell_if_spinning
from workbench.training.averaging import follow
from workbench.training.batch_parts import BatchPart
from workbench.training.checkpoints import Checkpoint, TrainingState
from workbench.training.drawn_batches import DrawnBatch, count_batches, draw_batches
from workbench.training.dropout import DropoutLayers
from workbench.training.gradient_checkpointing import run_segments
from workbench.training.identity import fingerprint, identify
from workbench.training.lessons import Lesson, prepare
from workbench.training.losses import find_training_loss
from workbench.training.mixed_precision import cast
from workbench.training.named_functions import name_function
from workbench.training.optimizers import make_optimizer
from workbench.training.options import TrainingOptions
from workbench.training.processes.agreement import average_together, require_same, resume_together, take_share
from workbench.training.processes.fabrics import open_group
from workbench.training.processes.group import Group, LostProcessError
from workbench.training.quantization import with_quantised_relu
from workbench.training.regularization import RegularizedLayers
from workbench.training.schedule import learning_rate_at
from workbench.training.selection import find_best, is_over, selects_best
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
    fabric: Any = None,
    device: Device | None = None,
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
        lesson = prepare(place(model, device), recordings, validation, options)
        with open_group(fabric, lesson, device, learn) as group:
            trained, history = learn(group, lesson, checkpoint, progress, callback)
        trained = trained.to(model.device)
        name = given.name if isinstance(given, Dataset) else recordings.name
        trained.provenance = model.provenance.trained(_record(verb, name, recordings, options, len(history)))
        return trained, history


def learn(
    group: Group,
    lesson: Lesson,
    checkpoint: str | Path | None = None,
    progress: bool = False,
    callback: Callback | None = None,
) -> tuple[Model, pd.DataFrame]:
    """Train, by one process or as one of several; the first one alone writes, shows and calls back."""
    recordings, options, first = lesson.recordings, lesson.options, group.rank == 0
    model = lesson.model if group.device is None else place(lesson.model, group.device)
    validation = take_share(lesson.validation, group)
    _require_room(model, recordings, options, group)
    if group.size > 1:
        own = identify(model, recordings, lesson.validation, options.describe())
        require_same(group.of_all(own | {"kind of device": model.device.type}))
    state = _begin(model, recordings, options)
    saved = None
    if checkpoint and first:
        identity = identify(model, recordings, lesson.validation, options.describe())
        saved = Checkpoint(Path(checkpoint), identity, options.optimizer)
    resume_together(group, saved, state)
    try:
        rounds = count_batches(recordings, options)
        done = len(state.history) * rounds
        with show_progress(options.epochs * rounds, "train", "batch", progress and first, done=done) as bar:
            lesson = replace(lesson, model=model, validation=validation)
            _train_epochs(state, group, lesson, saved, bar, callback if first else None)
        trained = state.best if selects_best(options.select, options.patience) else state.answering
    except (KeyboardInterrupt, StopTraining) as end:
        trained = state.best if state.history else state.model
        if isinstance(end, KeyboardInterrupt):
            what = "the best model so far" if state.history else "the model as far as it came"
            where = f"epoch {len(state.history) + 1} of {options.epochs}"
            warnings.warn(f"training was interrupted in {where}; this is {what}", stacklevel=2)
    except LostProcessError as error:
        kept = f"epochs 1 to {len(state.history)} are in {checkpoint}, from which the same call goes on"
        what = kept if checkpoint and state.history else "with checkpoint= every epoch is kept"
        raise LostProcessError(f"{error}; {what}") from error
    trained.training_recipe = options.recipe
    return trained.eval(), _tabulate(state.history, options)


def _train_epochs(
    state: TrainingState,
    group: Group,
    lesson: Lesson,
    saved: Checkpoint | None,
    bar: Progress,
    callback: Callback | None,
) -> None:
    """Train the epochs that are left, and note each in the history and the checkpoint."""
    options = lesson.options
    for epoch in range(len(state.history), options.epochs):
        if is_over(state.history, options.patience):
            return
        row = {"epoch": epoch + 1, **_train_epoch(state, group, lesson, epoch, bar, callback)}
        if lesson.validation is not None:
            found = evaluate(state.answering, lesson.validation, answer=options.answer, progress=False)
            found = average_together(group, found, len(lesson.validation))
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
    state: TrainingState, group: Group, lesson: Lesson, epoch: int, bar: Progress, callback: Callback | None
) -> dict[str, float]:
    state.model.train()
    recordings, options = lesson.recordings, lesson.options
    rounds = count_batches(recordings, options)
    loss_sum = correct = seen = 0.0
    for number, parts in draw_batches(state.model, recordings, options, epoch, group.rank, group.size):
        done = epoch * rounds + number
        rate = learning_rate_at(done / (options.epochs * rounds), options.learning_rate, options.schedule)
        for one in state.optimizer.param_groups:
            one["lr"] = rate
        losses, right = _learn_batch(state, group, parts, options, (epoch, number))
        torch.nn.utils.clip_grad_norm_(state.model.parameters(), GRADIENT_NORM)
        state.optimizer.step()
        if state.averaged is not None and options.average is not None:
            follow(state.averaged, state.model, options.average, done + 1)
        loss_sum += losses
        correct += int(right)
        seen += parts[0].part.of
        bar.advance()
        update = Update(
            epoch + 1, options.epochs, number + 1, rounds, loss_sum / seen, correct / seen, tuple(state.history)
        )
        group.settle(callback is not None and bool(callback(update)))
    require_finite(state.model.network, state.model.state_dict())  # no loss follows the last step
    return {"loss": loss_sum / len(recordings), "accuracy": correct / len(recordings)}


def _learn_batch(
    state: TrainingState, group: Group, parts: Sequence[DrawnBatch], options: TrainingOptions, where: tuple[int, int]
) -> tuple[float, float]:
    """Find the gradient of a batch, part by part; gives the sum of its losses, and how many answers are right."""
    state.optimizer.zero_grad()
    losses = right = 0.0
    for drawn in parts:
        with sharing_batch(group.gather):
            loss, answers = _find_loss(state.model, drawn, options, where)
        weight = drawn.part.weight
        torch.autograd.backward(loss if weight == 1 else loss * weight)
        losses += float(loss.detach()) * len(drawn.labels)
        right += int((answers[-1].argmax(1) == drawn.labels).sum())
    losses, right = group.total([losses, right])
    _require_finite_loss(losses / parts[0].part.of, options, where)
    group.sum_gradients(state.model.parameters())
    return losses, right


def _find_loss(
    model: Model, drawn: DrawnBatch, options: TrainingOptions, where: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """The loss of a batch, `where` in the training, and its answers."""
    layers, regularized = _choose_layers(model, options, where, drawn.part)
    with cast(model.device, options.precision):
        answers = _answer(model, drawn, options, layers)
        found = [
            find_training_loss(answers, labels, options.loss, options.label_smoothing)
            for labels in ((drawn.labels, drawn.other_labels) if drawn.share < 1 else (drawn.labels,))
        ]
        loss = found[0] if len(found) == 1 else drawn.share * found[0] + (1 - drawn.share) * found[1]
        if regularized is not None and options.spike_cost:
            loss = loss + options.spike_cost * regularized.cost
    return loss, answers


def _require_finite_loss(loss: float, options: TrainingOptions, where: tuple[int, int]) -> None:
    """ValueError, in all processes alike, where the loss of a batch is not finite."""
    if not math.isfinite(loss):
        own = "" if options.loss is None else f"mend loss={name_function(options.loss)}, or "
        raise ValueError(
            f"the loss became {loss} in epoch {where[0] + 1}, batch {where[1] + 1}; {own}lower learning_rate "
            f'(now {options.learning_rate:g}), or give the model norm="batch"'
        )


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
    model: Model, options: TrainingOptions, where: tuple[int, int], part: BatchPart
) -> tuple[Layers | None, RegularizedLayers | None]:
    """The layers to learn a part of a batch on, where noise, cost or dropout ask for others than the model's own."""
    if not options.noise and not options.spike_cost and not options.dropout:
        return None, None
    drawn = np.random.SeedSequence([options.seed, *where]).generate_state(1, np.uint64)[0]
    generator = torch.Generator(model.device).manual_seed(int(drawn) >> 1)
    regularizes = options.noise or options.spike_cost
    regularized = RegularizedLayers(model, options.noise, generator, part) if regularizes else None
    layers: Layers = regularized or model.training_layers()
    return DropoutLayers(layers, model, options.dropout, int(drawn), part) if options.dropout else layers, regularized


def _begin(model: Model, recordings: Recordings, options: TrainingOptions) -> TrainingState:
    trained = model.copy()
    if options.levels is not None:
        first = np.random.default_rng([options.seed, 0]).permutation(len(recordings))[: options.batch]
        trained = with_quantised_relu(model, bin_batch(model, recordings, first), options.levels)
    optimizer = make_optimizer(trained, options.optimizer, options.learning_rate, options.weight_decay)
    averaged = trained.copy() if options.average is not None else None
    return TrainingState(trained, optimizer, trained, averaged=averaged)


def _require_room(model: Model, recordings: Recordings, options: TrainingOptions, group: Group) -> None:
    """MemoryError, with the batch that fits, where not even a part of a batch can be learned."""
    network, steps = model.network, recordings.frames * model.ticks_per_frame
    batch, held = min(options.batch, len(recordings)), min(options.recompute or steps, steps)
    batch = math.ceil(batch / options.accumulate / group.size)
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
