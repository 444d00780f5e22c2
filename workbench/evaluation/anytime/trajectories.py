"""Every recording on its way through one model: what was answered at every step, and what it had cost by then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from workbench.engine import count_weighted
from workbench.evaluation.batching import require_match
from workbench.evaluation.comparison import run_blocks
from workbench.evaluation.energy import EnergyPreset, price
from workbench.evaluation.operation_counts import carries_spikes, find_fan_out
from workbench.events import Recordings
from workbench.model import Model, average_answers

if TYPE_CHECKING:
    import pandas as pd

COUNTS = ("dense_macs", "effective_macs", "synaptic_operations", "neuron_updates")


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
        preset `energy`. All that was computed until then counts, also what the answer has not heard of yet.
        """
        import pandas as pd

        step, recording = self.first_response + steps, np.arange(len(self.labels))
        table = pd.DataFrame({"step": step, "frame": (step + 1) / self.ticks_per_frame})
        for column in COUNTS:
            table[column] = self.counts[column][step, recording]
        table["energy_nj"] = price(table, energy)
        return table


def run_trajectories(
    model: Model, recordings: Recordings, answer: str = "running", batch: int | None = None
) -> Trajectories:
    """Run every recording and count for each alone; ValueError for recordings that do not fit the model.

    >>> ticks = np.ones((4, 3, 1, 2, 2), dtype=int)
    >>> recordings = Recordings.from_ticks(ticks, labels=[0, 1, 1], ticks_per_frame=2)
    >>> model = Model(Network({"eye": (1, 2, 2)}, [Edge("eye", "hand", Dense(2))]))
    >>> courses = run_trajectories(model, recordings)
    >>> courses.answers.shape, courses.counts["effective_macs"].tolist()
    (torch.Size([1, 3, 2]), [[0.0, 0.0, 0.0], [8.0, 8.0, 8.0]])
    """
    require_match(model, recordings)
    network, steps = model.network, recordings.frames * model.ticks_per_frame
    fan_outs = {source: _fan_outs(model, source) for source in dict.fromkeys(edge.source for edge in network.edges)}
    sent = {source: np.zeros((steps, len(recordings), fan_out.shape[1])) for source, fan_out in fan_outs.items()}
    drive = torch.zeros(steps, len(recordings), len(recordings.classes), dtype=torch.float64)
    for chosen, begin, activity in run_blocks(model, recordings, network.nodes, batch):
        block = slice(begin, begin + len(activity[network.output]))
        drive[block, chosen] = activity[network.output].double().cpu()
        for source, fan_out in fan_outs.items():
            sent[source][block, chosen] = (
                count_weighted(activity[source], fan_out, carries_spikes(model, source)).cpu().numpy()
            )
    first = network.first_response[network.output]
    answers = average_answers(drive, first, model.ticks_per_frame, answer)
    counts = {column: values.cumsum(0) for column, values in _arrive(model, sent, (steps, len(recordings))).items()}
    return Trajectories(first, model.ticks_per_frame, answers, recordings.labels, recordings.classes, counts)


def _fan_outs(model: Model, source: str) -> Tensor:
    """Fan-out of every unit of a node along every edge that leaves it, float64 (units, edges)."""
    return torch.stack([find_fan_out(model, position) for position in model.network.outgoing(source)], 1)


def _arrive(model: Model, sent: dict[str, np.ndarray], size: tuple[int, int]) -> dict[str, np.ndarray]:
    """Operations of each step and recording, at the steps at which they arrive; float64 (steps, recordings)."""
    network = model.network
    counts = {column: np.zeros(size) for column in COUNTS}
    for source, amounts in sent.items():
        totals = _fan_outs(model, source).sum(0).tolist()
        for place, position in enumerate(network.outgoing(source)):
            delay = network.edges[position].delay
            column = "synaptic_operations" if carries_spikes(model, source) else "effective_macs"
            counts[column][delay:] += amounts[: max(0, len(amounts) - delay), :, place]
            if not carries_spikes(model, source):
                counts["dense_macs"][network.first_response_of(source) + delay :] += totals[place]
    for node, shape in network.shapes.items():
        if node not in network.inputs and node != network.output:
            counts["neuron_updates"][network.first_response_of(node) :] += np.prod(shape)
    return counts
