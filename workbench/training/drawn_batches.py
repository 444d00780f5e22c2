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
from workbench.training.options import TrainingOptions


@dataclass(frozen=True, eq=False)
class DrawnBatch:
    """Steps (steps, recordings, *shape) to learn, with their labels; 1 - `share` of the events have `other_labels`."""

    ticks: Tensor
    labels: Tensor
    other_labels: Tensor
    share: float


def count_batches(recordings: Recordings, options: TrainingOptions) -> int:
    """How many batches an epoch has."""
    return math.ceil(len(recordings) / options.batch)


def draw_batches(
    model: Model, recordings: Recordings, options: TrainingOptions, epoch: int
) -> Iterator[tuple[int, DrawnBatch]]:
    """The batches of an epoch with their numbers: every recording once, in an order and with changes of this epoch.

    While one is learned the next is made by another thread: the numbers are those of the seed, the epoch and the batch.
    """
    order = np.random.default_rng([options.seed, epoch]).permutation(len(recordings))
    all_chosen = list(batches(len(recordings), options.batch, order))
    with ThreadPoolExecutor(1, "batches") as beside:
        ahead = beside.submit(draw_batch, model, recordings, options, all_chosen[0], (epoch, 0))
        for number in range(len(all_chosen)):
            drawn = ahead.result()
            if number + 1 < len(all_chosen):
                where = epoch, number + 1
                ahead = beside.submit(draw_batch, model, recordings, options, all_chosen[number + 1], where)
            yield number, drawn


def draw_batch(
    model: Model, recordings: Recordings, options: TrainingOptions, chosen: np.ndarray, where: tuple[int, int]
) -> DrawnBatch:
    """One batch, with the changes that are drawn for it, `where`: in which epoch, and as the how-manieth of it."""
    labels = torch.from_numpy(np.array(recordings.labels)[chosen]).to(model.device)
    if not options.augment:
        return DrawnBatch(bin_batch(model, recordings, chosen), labels, labels, 1.0)
    changed = augment(recordings, chosen, options.augment, [options.seed, *where])
    others = torch.from_numpy(changed.other_labels).to(model.device)
    ticks = bin_batch(model, changed.recordings, np.arange(len(chosen)))
    return DrawnBatch(ticks, labels, others, changed.share)
