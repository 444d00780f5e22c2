"""Trajectories of recordings through one model: what was answered at every step, and what it had cost by then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from workbench.evaluation.batching import require_match
from workbench.evaluation.energy import EnergyPreset, price
from workbench.evaluation.operation_counts import (
    COUNTS,
    count_neuron_updates,
    deliver,
    make_counter,
    reach_everything,
)
from workbench.evaluation.runs import run_blocks
from workbench.events import Recordings
from workbench.model import Model, average_answers
from workbench.progress import Progress

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Trajectories:
    """What a model did with each recording, step by step.

    `answers` (steps from the first response on, recordings, classes); `labels` (recordings,); `counts` by the columns
    of `wb.compare`: float64 (steps, recordings), cumulative.
    """

    first_response: int
    ticks_per_frame: int
    answers: Tensor
    labels: np.ndarray
    classes: tuple[str, ...]
    counts: dict[str, np.ndarray]

    @property
    def chosen(self) -> np.ndarray:
        """Index of the class answered, (steps from the first response on, recordings)."""
        return np.asarray(self.answers.argmax(2))

    @property
    def right(self) -> np.ndarray:
        """Whether it is the true one, (steps from the first response on, recordings)."""
        return np.asarray(self.chosen == self.labels)

    def count_until(self, steps: np.ndarray, energy: str | EnergyPreset = "fp32") -> pd.DataFrame:
        """What each recording has cost by its step (recordings,), counted from the first response: a row each.

        Columns: step, frame, dense_macs, effective_macs, synaptic_operations, neuron_updates, energy_nj under the
        preset `energy`. All that was computed until then counts, also what has not reached the answer yet.
        """
        import pandas as pd

        step, recording = self.first_response + steps, np.arange(len(self.labels))
        table = pd.DataFrame({"step": step, "frame": (step + 1) / self.ticks_per_frame})
        for column in COUNTS:
            table[column] = self.counts[column][step, recording]
        table["energy_nj"] = price(table, energy)
        return table


def run_trajectories(
    model: Model,
    recordings: Recordings,
    answer: str = "running",
    batch: int | None = None,
    engine: str | None = None,
    bar: Progress | None = None,
) -> Trajectories:
    """Run every recording and count for each alone; ValueError for recordings that do not fit the model.

    >>> ticks = np.ones((4, 3, 1, 2, 2), dtype=int)
    >>> recordings = Recordings.from_ticks(ticks, labels=[0, 1, 1], ticks_per_frame=2)
    >>> model = Model(Network({"eye": (1, 2, 2)}, [Edge("eye", "hand", Dense(2))]))
    >>> trajectories = run_trajectories(model, recordings)
    >>> trajectories.answers.shape, trajectories.counts["effective_macs"].tolist()
    (torch.Size([1, 3, 2]), [[0.0, 0.0, 0.0], [8.0, 8.0, 8.0]])
    """
    require_match(model, recordings)
    network, steps = model.network, recordings.frames * model.ticks_per_frame
    counter = make_counter(model)
    reached = np.zeros((len(network.edges), steps, len(recordings)))
    drive = torch.zeros(steps, len(recordings), len(recordings.classes), dtype=torch.float64)
    for chosen, begin, activity in run_blocks(model, recordings, [network.output], batch, engine, counter, bar):
        block = slice(begin, begin + len(activity[network.output]))
        drive[block, chosen] = activity[network.output].double().cpu()
        for node, segments in counter.take().items():
            for segment in segments:
                counted = slice(segment.start, segment.end)
                for place, position in enumerate(network.outgoing(node), 1):
                    reached[position][counted, chosen] = segment.values[:, :, place].cpu().numpy()
    first = network.first_response[network.output]
    answers = average_answers(drive, first, model.ticks_per_frame, answer)
    everything = reach_everything(model, counter.weights)
    done = [deliver(model, position, reached[position], everything[position]) for position in range(len(network.edges))]
    updates = np.repeat(count_neuron_updates(model, steps).sum(1)[:, None], len(recordings), 1)
    counts = dict(zip(COUNTS, (*(sum(kind) for kind in zip(*done, strict=True)), updates), strict=True))
    cumulative = {column: np.asarray(values).cumsum(0) for column, values in counts.items()}
    return Trajectories(first, model.ticks_per_frame, answers, recordings.labels, recordings.classes, cumulative)
