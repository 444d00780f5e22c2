"""Recordings run through a model, block by block: activities, answers and their loss."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.engine import EventCounts, SpikeCounter
from workbench.evaluation.batching import batches, bin_batch, choose_batch, require_fit, require_match
from workbench.events import Recordings
from workbench.model import Model, average_answers, evaluation_mode
from workbench.progress import Progress


@torch.no_grad()
def run_blocks(
    model: Model,
    recordings: Recordings,
    record: Collection[str],
    batch: int | None = None,
    engine: str | None = None,
    counter: SpikeCounter | None = None,
    bar: Progress | None = None,
) -> Iterator[tuple[np.ndarray, int, dict[str, Tensor]]]:
    """Run every recording in eval mode: indices of a batch, the first step of a block, activity of the recorded nodes.

    The blocks of a batch come in order of time, before those of the next; memory is constant in the length, for events
    are binned block by block. `batch` as `choose_batch` takes it, `engine` as `Model.stream`: the faster one for an SNN
    unless named. What a `counter` has counted when a block comes is that of this block. A `bar` advances by recordings.
    """
    require_fit(model, recordings)
    steps = recordings.frames * model.ticks_per_frame
    batch = choose_batch(model, len(recordings), record, batch)
    with evaluation_mode(model):
        stream = model.stream(min(batch, len(recordings)), record, engine, steps, counter)
        for chosen in batches(len(recordings), batch):
            stream = stream.restart(len(chosen))
            while stream.step < steps:
                begin, end = stream.step, min(stream.step + stream.choose_block(), steps)
                if stream.takes_events:
                    sites = recordings.as_sites(chosen, model.ticks_per_frame, begin, end)
                    yield chosen, begin, stream.run_events(EventCounts(*sites, recordings.shape))
                else:
                    yield chosen, begin, stream.run(bin_batch(model, recordings, chosen, begin, end))
            if bar is not None:
                bar.advance(len(chosen))


def collect_answers(
    model: Model,
    recordings: Recordings,
    answer: str = "running",
    batch: int | None = None,
    engine: str | None = None,
    bar: Progress | None = None,
) -> Tensor:
    """Answers (steps - first response, recordings, classes) of a model, float64, one per class and step."""
    require_match(model, recordings)
    output = model.network.output
    drives: dict[int, list[Tensor]] = {}
    for chosen, _, activity in run_blocks(model, recordings, [output], batch, engine, bar=bar):
        drives.setdefault(int(chosen[0]), []).append(activity[output].cpu())
    drive = torch.cat([torch.cat(blocks) for blocks in drives.values()], dim=1)
    return average_answers(drive.double(), model.network.first_response[output], model.ticks_per_frame, answer)


def take_frame_ends(model: Model, answers: Tensor) -> Tensor:
    """The answers at the end of every frame, of those at every step from the first response on."""
    k, first = model.ticks_per_frame, model.network.first_response[model.network.output]
    return answers[(k - 1 - first) % k :: k]


def find_loss(answers: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of each answer (steps, recordings, classes), averaged."""
    return F.cross_entropy(answers.flatten(0, 1), labels.repeat(len(answers)))
