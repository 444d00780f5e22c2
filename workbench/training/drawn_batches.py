"""The batches of an epoch, drawn, augmented and binned one ahead of the one that is learned."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from workbench.evaluation import batches, bin_batch
from workbench.events import Recordings, augment
from workbench.model import Model
from workbench.training.batch_parts import BatchPart, divide_batch
from workbench.training.options import TrainingOptions


@dataclass(frozen=True, eq=False)
class DrawnBatch:
    """Steps (steps, recordings, *shape) to learn, with their labels; 1 - `share` of the events have `other_labels`.

    They are a `part` of a batch, or all of it.
    """

    ticks: Tensor
    labels: Tensor
    other_labels: Tensor
    share: float
    part: BatchPart


def count_batches(recordings: Recordings, options: TrainingOptions) -> int:
    """How many batches an epoch has."""
    return math.ceil(len(recordings) / options.batch)


def draw_batches(
    model: Model, recordings: Recordings, options: TrainingOptions, epoch: int, process: int = 0, processes: int = 1
) -> Iterator[tuple[int, list[DrawnBatch]]]:
    """The batches of an epoch with their numbers: every recording once, in an order and with changes of this epoch.

    Of each come the parts that one process of several learns, one a turn. While a batch is learned the next is made by
    another thread: the numbers are those of the seed, the epoch and the batch, however many processes there are.
    """
    order = np.random.default_rng([options.seed, epoch]).permutation(len(recordings))
    all_chosen = list(batches(len(recordings), options.batch, order))

    def draw(number: int) -> list[DrawnBatch]:
        chosen = all_chosen[number]
        parts = divide_batch(len(chosen), options.accumulate, process, processes)
        return draw_batch(model, recordings, options, chosen, (epoch, number), parts)

    with ThreadPoolExecutor(1, "batches") as beside:
        ahead = beside.submit(draw, 0)
        for number in range(len(all_chosen)):
            drawn = ahead.result()
            if number + 1 < len(all_chosen):
                ahead = beside.submit(draw, number + 1)
            yield number, drawn


def draw_batch(
    model: Model,
    recordings: Recordings,
    options: TrainingOptions,
    chosen: np.ndarray,
    where: tuple[int, int],
    parts: list[BatchPart],
) -> list[DrawnBatch]:
    """Parts of one batch, with the changes that are drawn for it, `where`: in which epoch, and as the how-manieth.

    Changes are drawn for the whole batch, whichever parts of it are wanted.
    """
    labels = others = np.array(recordings.labels)[chosen]
    share, source, places = 1.0, recordings, chosen
    if options.augment:
        changed = augment(recordings, chosen, options.augment, [options.seed, *where])
        others, share, source, places = (
            changed.other_labels,
            changed.share,
            changed.recordings,
            np.arange(len(chosen)),
        )
    found = []
    for part in parts:
        own = slice(part.begin, part.end)
        own_labels = torch.from_numpy(labels[own]).to(model.device)
        own_others = torch.from_numpy(others[own]).to(model.device) if options.augment else own_labels
        found.append(DrawnBatch(bin_batch(model, source, places[own]), own_labels, own_others, share, part))
    return found
