"""Models side by side: accuracy and operations at every step, as a tidy table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from workbench.evaluation.batching import require_match
from workbench.evaluation.energy import EnergyPreset, find_preset, price
from workbench.evaluation.memory_accesses import access_edges, access_nodes, count_buffer_bytes
from workbench.evaluation.operation_counts import OperationCounts, count_neuron_updates, count_synapses
from workbench.evaluation.operation_tables import count_operations, tabulate_steps
from workbench.evaluation.votes import Grouping, group_slices, rate_accuracy, vote
from workbench.events import Dataset, Recordings
from workbench.model import Device, Model, average_answers, require_models, take_test
from workbench.progress import show_progress

if TYPE_CHECKING:
    import pandas as pd


def compare(
    models: Mapping[str, Model],
    recordings: Recordings | Dataset,
    *,
    per: str = "slice",
    padding: bool = False,
    answer: str = "running",
    engine: str | None = None,
    device: Device | None = None,
    batch: int | None = None,
    energy: str | EnergyPreset = "fp32",
    progress: bool = True,
) -> pd.DataFrame:
    """Accuracy and operations of every model at every step: one row per model and step.

    Of a `Dataset` its test part is run, `batch` recordings side by side: 32, or fewer where memory is short. Columns:
    model, step, frame (when the step ends, in frames: (step + 1) / ticks_per_frame), accuracy (NaN before the first
    response) and, per recording and cumulative, dense_macs, effective_macs, synaptic_operations, neuron_updates,
    energy_nj under the preset `energy`, memory_accesses and memory_span_words (every access times the words of the
    memory accessed, see `evaluation/memory_accesses.py`); of the whole network delay_buffer_bytes and synapses;
    synapse_frames, how often synapses could have been used so far: each once a frame, from the first response of its
    target on; last per, what has been counted. An edge that carries spikes costs synaptic operations, any other one
    MACs. `padding` as in `operations`. SNNs run on the faster `engine`, unless one is named (see `Model.stream`),
    and all on a `device` as in `evaluate`. A notebook shows a row per model, and the `progress` of a call that
    takes long. How training and test recordings were told apart stands in `attrs["split"]`, as their
    `Recordings.divided` says; tables that are derived keep it.

    Where long recordings were cut into slices (`Recordings.origins`), every slice counts as a recording; with
    `per="recording"` those of one origin vote at every step: the answer is the class that most of them answer there,
    of equally many that with the larger sum of softmax probabilities over the slices, and counts (synapse_frames too)
    are sums over the slices by the number of recordings. The column per says "slice" or "recording", the latter also
    where nothing was cut. ValueError for slices of one origin whose labels differ.
    """
    import pandas as pd

    from workbench.evaluation.cost_table import CostTable

    named, recordings = require_models(models, "wb.compare", device), take_test(recordings, "wb.compare")
    find_preset(energy)
    grouping = group_slices(recordings, per)
    for model in named.values():
        require_match(model, recordings)
    tables, spiking = [], any(model.spiking for model in named.values())
    with show_progress(len(named) * len(recordings), "compare", "recording", progress) as bar:
        for name, model in named.items():
            its_engine = engine if model.spiking or not spiking else None
            counts = count_operations(model, recordings, batch, padding, its_engine, bar)
            tables.append(tabulate_run(name, model, counts, recordings, answer, energy, grouping))
    table = CostTable(pd.concat(tables, ignore_index=True))
    table.attrs["split"] = recordings.divided
    return table


def tabulate_run(
    name: str,
    model: Model,
    counts: OperationCounts,
    counted: Recordings,
    answer: str,
    energy: str | EnergyPreset,
    grouping: Grouping | None = None,
) -> pd.DataFrame:
    """What `compare` says of one model, from what has been counted; NaN accuracies where it has not answered.

    Counts are by the groups of `grouping`, every slice by itself unless given.
    """
    network, grouping = model.network, grouping or group_slices(counted)
    edges, nodes = access_edges(model, counts), access_nodes(model, counts, len(counted))
    table = tabulate_steps(model, len(counts.drive))
    table.insert(0, "model", name)
    table["accuracy"] = _accuracy(model, counts.drive, grouping, answer)
    for column, values in (
        ("dense_macs", counts.dense.sum(1)),
        ("effective_macs", counts.effective.sum(1)),
        ("synaptic_operations", counts.synaptic.sum(1)),
        ("neuron_updates", count_neuron_updates(model, len(table)).sum(1) * len(counted)),
        ("energy_nj", np.zeros(len(table))),  # its place among the columns
        ("memory_accesses", edges.total.sum(1) + nodes.total.sum(1)),
        ("memory_span_words", edges.span.sum(1) + nodes.span.sum(1)),
    ):
        table[column] = values.cumsum() / len(grouping)
    table["delay_buffer_bytes"] = sum(count_buffer_bytes(model, position) for position in range(len(network.edges)))
    synapses = [count_synapses(model, position) for position in range(len(network.edges))]
    table["synapses"] = sum(synapses)
    table["synapse_frames"] = _count_uses(model, synapses, len(table)) * len(counted) / len(grouping)
    table["energy_nj"] = price(table, energy)
    table["per"] = grouping.per
    return table


def _accuracy(model: Model, drive: Tensor, grouping: Grouping, answer: str) -> np.ndarray:
    first = model.network.first_response[model.network.output]
    if first >= len(drive):
        return np.full(len(drive), np.nan)
    answers = average_answers(drive.double(), first, model.ticks_per_frame, answer)
    right = rate_accuracy(vote(answers, grouping), grouping)
    return np.concatenate([np.full(first, np.nan), right.numpy()])


def _count_uses(model: Model, synapses: Sequence[int], steps: int) -> np.ndarray:
    """How often so many synapses per edge could have been used up to each step: in every frame of their target."""
    begun = np.zeros(steps)
    for edge, count in zip(model.network.edges, synapses, strict=True):
        begun[model.network.first_response_of(edge.target) :][:1] += count
    uses: np.ndarray = begun.cumsum().cumsum() / model.ticks_per_frame
    return uses
