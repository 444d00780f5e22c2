"""Counting and comparing: accuracy and operations at every step, as tidy tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from workbench.energy import EnergyPreset, find_preset, price
from workbench.events.recordings import Recordings
from workbench.model import Model
from workbench.readout import average_answers
from workbench.training import batches, require_fit, require_match

if TYPE_CHECKING:
    import pandas as pd

COMPARISON = "comparison"  # what the table of compare says of itself, in its attrs
BATCH = 32
BLOCK_STEPS = 16


@dataclass(frozen=True)
class Counts:
    """Sums over recordings, float64 (steps, edges) each; `answers` (steps, recordings, classes) from the output."""

    dense: np.ndarray
    effective: np.ndarray
    synaptic: np.ndarray
    drive: Tensor


def compare(
    models: Mapping[str, Model],
    recordings: Recordings,
    answer: str = "running",
    *,
    energy: str | EnergyPreset = "fp32",
) -> pd.DataFrame:
    """Accuracy and operations of every model at every step: one row per model and step.

    Columns: model, step, frame (when the step ends, in frames: (step + 1) / ticks_per_frame), accuracy (NaN before the
    first response) and, per recording and cumulative, dense_macs, effective_macs, synaptic_operations, neuron_updates,
    energy_nj under the preset `energy`. An edge that carries spikes costs synaptic operations, any other one MACs.
    """
    import pandas as pd

    if not models:
        raise ValueError('compare: no models; give at least one, as {"ANN": ann}')
    find_preset(energy)
    for model in models.values():
        require_match(model, recordings)
    tables = [
        tabulate_run(name, model, _count(model, recordings), recordings.labels, answer, energy)
        for name, model in models.items()
    ]
    table = pd.concat(tables, ignore_index=True)
    table.attrs["workbench"] = COMPARISON
    return table


def tabulate_run(
    name: str, model: Model, counts: Counts, labels: np.ndarray, answer: str, energy: str | EnergyPreset
) -> pd.DataFrame:
    """What `compare` says of one model, from what has been counted; NaN accuracies where it has not answered."""
    table = _clock(model, len(counts.drive))
    table.insert(0, "model", name)
    table["accuracy"] = _accuracy(model, counts.drive, labels, answer)
    for column, values in (
        ("dense_macs", counts.dense),
        ("effective_macs", counts.effective),
        ("synaptic_operations", counts.synaptic),
    ):
        table[column] = values.sum(1).cumsum() / len(labels)
    table["neuron_updates"] = _neuron_updates(model, len(table)).cumsum()
    table["energy_nj"] = price(table, energy)
    return table


def operations(model: Model, recordings: Recordings, *, energy: str | EnergyPreset = "fp32") -> pd.DataFrame:
    """Operations of every edge at every step, per recording and cumulative: one row per edge and step.

    Columns: edge (its position), source, target, delay (steps), step, frame, dense_macs, effective_macs,
    synaptic_operations, energy_nj, delay_buffer_bytes (what the edge must remember: delay steps of its source, a bit
    per spike, a byte per event count, four bytes per real number) and delay_mismatch (the delay in frames less the one
    the model was trained with). Products with padding are not counted, silent steps cost nothing, and a spike counts
    at the step at which it arrives.
    """
    import pandas as pd

    require_match(model, recordings)
    counts = _count(model, recordings)
    tables = []
    for position, edge in enumerate(model.network.edges):
        table = _clock(model, len(counts.drive))
        table.insert(0, "edge", position)
        table.insert(1, "source", edge.source)
        table.insert(2, "target", edge.target)
        table.insert(3, "delay", edge.delay)
        table["dense_macs"] = counts.dense[:, position].cumsum() / len(recordings)
        table["effective_macs"] = counts.effective[:, position].cumsum() / len(recordings)
        table["synaptic_operations"] = counts.synaptic[:, position].cumsum() / len(recordings)
        table["energy_nj"] = price(table, energy)
        table["delay_buffer_bytes"] = _buffer_bytes(model, position)
        table["delay_mismatch"] = find_mismatch(model, position)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def summarise(costs: pd.DataFrame) -> pd.DataFrame:
    """Every model at its last step, accuracy at the first answer and at every full frame beside it: a wide table."""
    import pandas as pd

    whole = costs[np.isclose(costs["frame"] % 1, 0)]
    accuracy = whole.pivot_table(index="model", columns="frame", values="accuracy", sort=False, dropna=False)
    accuracy.columns = pd.Index([f"frame {frame:.0f}" for frame in accuracy.columns])
    last = costs.groupby("model", sort=False).tail(1).set_index("model")
    columns = ["dense_macs", "effective_macs", "synaptic_operations", "neuron_updates", "energy_nj"]
    return accuracy.sort_index(axis=1, key=lambda names: names.str.extract(r"(\d+)")[0].astype(int)).join(last[columns])


@torch.no_grad()
def run_blocks(
    model: Model, recordings: Recordings, record: Iterable[str]
) -> Iterator[tuple[np.ndarray, int, dict[str, Tensor]]]:
    """Run every recording in eval mode: indices of a batch, the first step of a block, activity of the recorded nodes.

    The blocks of a batch come in order of time, before those of the next; memory is constant in the length.
    """
    require_fit(model, recordings)
    training, steps = model.training, recordings.frames * model.ticks_per_frame
    model.eval()
    try:
        for chosen in batches(len(recordings), BATCH):
            stream = model.stream(len(chosen), record=record)
            ticks = torch.from_numpy(recordings.as_ticks(chosen, model.ticks_per_frame))
            for begin in range(0, steps, BLOCK_STEPS):
                yield chosen, begin, stream.run(ticks[begin : begin + BLOCK_STEPS].to(model.device))
    finally:
        model.train(training)


def collect_answers(model: Model, recordings: Recordings, answer: str = "running") -> Tensor:
    """Answers (steps - first response, recordings, classes) of a model, float64, one per class and step."""
    require_match(model, recordings)
    output = model.network.output
    drives: dict[int, list[Tensor]] = {}
    for chosen, _, activity in run_blocks(model, recordings, [output]):
        drives.setdefault(int(chosen[0]), []).append(activity[output].cpu())
    drive = torch.cat([torch.cat(blocks) for blocks in drives.values()], dim=1)
    return average_answers(drive.double(), model.network.first_response[output], model.ticks_per_frame, answer)


def _count(model: Model, recordings: Recordings) -> Counts:
    """Run every recording and count."""
    steps = recordings.frames * model.ticks_per_frame
    return count_blocks(model, run_blocks(model, recordings, model.network.nodes), steps, len(recordings))


@torch.no_grad()
def count_blocks(
    model: Model, blocks: Iterable[tuple[np.ndarray, int, dict[str, Tensor]]], steps: int, recordings: int
) -> Counts:
    """Add up what each edge has to do at each step; `blocks` as `run_blocks` gives them, all nodes recorded."""
    network, device = model.network, model.device
    fan_out = [_fan_out(model, position).to(device) for position in range(len(network.edges))]
    nonzero = torch.zeros(steps, len(network.edges), dtype=torch.float64, device=device)
    total = torch.zeros_like(nonzero)
    drives: dict[int, list[Tensor]] = {}
    for chosen, begin, activity in blocks:
        sums = {node: _sums(values) for node, values in activity.items()}
        for position, edge in enumerate(network.edges):
            active, amount = sums[edge.source]
            nonzero[begin : begin + len(active), position] += active @ fan_out[position]
            total[begin : begin + len(active), position] += amount @ fan_out[position]
        drives.setdefault(int(chosen[0]), []).append(activity[network.output].cpu())
    drive = torch.cat([torch.cat(blocks) for blocks in drives.values()], dim=1)
    return _arrive(model, nonzero, total, drive, recordings)


def _sums(activity: Tensor) -> tuple[Tensor, Tensor]:
    """Per step and unit, over the batch: how many are not zero, and the sum; float64 (steps, units)."""
    flat = activity.flatten(2)
    return (flat != 0).sum(1).double(), flat.sum(1, dtype=torch.float64)


def _arrive(model: Model, nonzero: Tensor, total: Tensor, drive: Tensor, recordings: int) -> Counts:
    """Move what sources send to the steps at which it arrives, and tell spikes from real numbers."""
    network, steps = model.network, len(drive)
    dense, effective, synaptic = (np.zeros((steps, len(network.edges))) for _ in range(3))
    for position, edge in enumerate(network.edges):
        arrives = slice(min(edge.delay, steps), None)
        sent = slice(None, max(0, steps - edge.delay))
        if _carries_spikes(model, edge.source):
            synaptic[arrives, position] = total[sent, position].cpu().numpy()
        else:
            effective[arrives, position] = nonzero[sent, position].cpu().numpy()
            first = network.first_response[edge.source] + edge.delay
            dense[first:, position] = float(_fan_out(model, position).sum()) * recordings
    return Counts(dense, effective, synaptic, drive)


def _carries_spikes(model: Model, node: str) -> bool:
    """Whether a node answers with spikes: all of an SNN but its output, whose drive is a real number."""
    return model.spiking and node != model.network.output


def _fan_out(model: Model, position: int) -> Tensor:
    edge = model.network.edges[position]
    return edge.operation.fan_out(model.network.shapes[edge.source]).flatten().double()


def _accuracy(model: Model, drive: Tensor, labels: np.ndarray, answer: str) -> np.ndarray:
    first = model.network.first_response[model.network.output]
    if first >= len(drive):
        return np.full(len(drive), np.nan)
    answers = average_answers(drive.double(), first, model.ticks_per_frame, answer)
    right = (answers.argmax(2) == torch.tensor(labels)).double().mean(1)
    return np.concatenate([np.full(first, np.nan), right.numpy()])


def _neuron_updates(model: Model, steps: int) -> np.ndarray:
    """Neurons computed at each step: every unit of a hidden node from its first response on."""
    network = model.network
    updates = np.zeros(steps)
    for node, shape in network.shapes.items():
        if node not in network.inputs and node != network.output:
            updates[network.first_response[node] :] += np.prod(shape)
    return updates


def _clock(model: Model, steps: int) -> pd.DataFrame:
    import pandas as pd

    step = np.arange(steps)
    return pd.DataFrame({"step": step, "frame": (step + 1) / model.ticks_per_frame})


def _buffer_bytes(model: Model, position: int) -> int:
    edge = model.network.edges[position]
    units = int(np.prod(model.network.shapes[edge.source]))
    if not _carries_spikes(model, edge.source):
        return edge.delay * units * 4
    return edge.delay * (units if edge.source in model.network.inputs else -(-units // 8))


def find_mismatch(model: Model, position: int) -> float:
    """Delay of an edge in frames less the one the model was trained with; 0 for a model that was not converted."""
    if model.trained_network is None:
        return 0.0
    delay, trained = model.network.edges[position].delay, model.trained_network.edges[position].delay
    return delay / model.ticks_per_frame - trained
