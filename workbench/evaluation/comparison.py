"""Counting and comparing: accuracy and operations at every step, as tidy tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from workbench.engine import choose_block
from workbench.evaluation.batching import batches, bin_batch, choose_batch, require_fit, require_match
from workbench.evaluation.energy import EnergyPreset, find_preset, price
from workbench.evaluation.memory_accesses import access_edges, access_nodes, count_buffer_bytes
from workbench.evaluation.operation_counts import OperationCounts, count_blocks, count_synapses, count_units
from workbench.events import Dataset, Recordings
from workbench.model import Model, average_answers, require_model, require_models, take_test

if TYPE_CHECKING:
    import pandas as pd

COMPARISON = "comparison"  # what the table of compare says of itself, in its attrs


def compare(
    models: Mapping[str, Model],
    recordings: Recordings | Dataset,
    answer: str = "running",
    *,
    energy: str | EnergyPreset = "fp32",
    padding: bool = False,
    batch: int | None = None,
) -> pd.DataFrame:
    """Accuracy and operations of every model at every step: one row per model and step.

    Of a `Dataset` its test part is run, `batch` recordings side by side: 32, or fewer where memory is short.
    Columns: model, step, frame (when the step ends, in frames: (step + 1) / ticks_per_frame), accuracy (NaN before the
    first response) and, per recording and cumulative, dense_macs, effective_macs, synaptic_operations, neuron_updates,
    energy_nj under the preset `energy`, memory_accesses and memory_span_words (every access times the words of the
    memory it meets, see `evaluation/memory_accesses.py`); of the whole network delay_buffer_bytes and synapses;
    synapse_frames, how often synapses could have been used so far: each once a frame, from the first response of its
    target on; last split, how training and test recordings were told apart, as their `Recordings.divided` says. An edge
    that carries spikes costs synaptic operations, any other one MACs. `padding` as in `operations`.
    """
    import pandas as pd

    named, recordings = require_models(models, "wb.compare"), take_test(recordings, "wb.compare")
    find_preset(energy)
    for model in named.values():
        require_match(model, recordings)
    tables = [
        tabulate_run(name, model, _count(model, recordings, batch, padding), recordings, answer, energy)
        for name, model in named.items()
    ]
    table = pd.concat(tables, ignore_index=True)
    table.attrs["workbench"] = COMPARISON
    return table


def tabulate_run(
    name: str, model: Model, counts: OperationCounts, counted: Recordings, answer: str, energy: str | EnergyPreset
) -> pd.DataFrame:
    """What `compare` says of one model, from what has been counted; NaN accuracies where it has not answered."""
    network, recordings = model.network, len(counted)
    edges, nodes = access_edges(model, counts), access_nodes(model, counts, recordings)
    table = _clock(model, len(counts.drive))
    table.insert(0, "model", name)
    table["accuracy"] = _accuracy(model, counts.drive, counted.labels, answer)
    for column, values in (
        ("dense_macs", counts.dense.sum(1)),
        ("effective_macs", counts.effective.sum(1)),
        ("synaptic_operations", counts.synaptic.sum(1)),
        ("neuron_updates", _updates(model, len(table)).sum(1) * recordings),
        ("energy_nj", np.zeros(len(table))),  # its place among the columns
        ("memory_accesses", edges.total.sum(1) + nodes.total.sum(1)),
        ("memory_span_words", edges.span.sum(1) + nodes.span.sum(1)),
    ):
        table[column] = values.cumsum() / recordings
    table["delay_buffer_bytes"] = sum(count_buffer_bytes(model, position) for position in range(len(network.edges)))
    synapses = [count_synapses(model, position) for position in range(len(network.edges))]
    table["synapses"] = sum(synapses)
    table["synapse_frames"] = _count_uses(model, synapses, len(table))
    table["energy_nj"] = price(table, energy)
    table["split"] = counted.divided
    return table


def operations(
    model: Model,
    recordings: Recordings | Dataset,
    *,
    energy: str | EnergyPreset = "fp32",
    padding: bool = False,
    cumulative: bool = True,
    batch: int | None = None,
) -> pd.DataFrame:
    """Operations of every edge at every step, per recording: one row per edge and step.

    Columns: edge (its position), source, target, delay (steps), step, frame, dense_macs, effective_macs,
    synaptic_operations, energy_nj, delay_buffer_bytes (what the edge must remember: delay steps of its source, see
    `evaluation/memory_accesses.py`), delay_mismatch (the delay in frames less the one the model was trained with),
    synapses, and the accesses of memory by kind, together memory_accesses and memory_span_words. All but the delays,
    bytes and synapses are sums up to the end of the step, with `cumulative=False` those of the step alone. What belongs
    to nodes is in the table of `count_updates`.

    Products with padding are not counted, silent steps cost nothing, and a spike counts at the step at which it
    arrives. A chain counts as the one map it is, whatever its links would take. With `padding` operations are those of
    layer-based tools: link by link, products with padding as well, none in pooling and identity; of these a layer takes
    the share that is the rate of its input. Of a `Dataset` its test part is run, in batches as `compare` does.

    >>> model = Model(Network({"eye": (1, 3, 3)}, [Edge("eye", "v1", Conv(2, kernel=3)), Edge("v1", "hand", Dense(1))]))
    >>> recordings = Recordings.from_ticks(np.ones((3, 1, 1, 3, 3), dtype=int), labels=[0], ticks_per_frame=1)
    >>> operations(model, recordings).query("edge == 0")["dense_macs"].tolist()
    [0.0, 98.0, 196.0]
    >>> operations(model, recordings, padding=True, cumulative=False).query("edge == 0")["dense_macs"].tolist()
    [0.0, 162.0, 162.0]
    """
    import pandas as pd

    model, recordings = require_model(model, "wb.operations"), take_test(recordings, "wb.operations")
    require_match(model, recordings)
    counts = _count(model, recordings, batch, padding)
    accesses = access_edges(model, counts)
    edges, steps = model.network.edges, len(counts.drive)

    def of_edges(values: Iterable[object]) -> pd.Series:
        return pd.Series(list(values)).repeat(steps).reset_index(drop=True)

    positions = range(len(edges))
    table = pd.DataFrame(
        {
            "edge": of_edges(positions),
            "source": of_edges(edge.source for edge in edges),
            "target": of_edges(edge.target for edge in edges),
            "delay": of_edges(edge.delay for edge in edges),
        }
    ).join(_clock(model, steps, len(edges)))
    add = _adder(table, len(recordings), cumulative)
    add(dense_macs=counts.dense, effective_macs=counts.effective, synaptic_operations=counts.synaptic)
    table["energy_nj"] = 0.0  # its place among the columns
    table["delay_buffer_bytes"] = of_edges(count_buffer_bytes(model, position) for position in positions)
    table["delay_mismatch"] = of_edges(find_mismatch(model, position) for position in positions)
    table["synapses"] = of_edges(count_synapses(model, position) for position in positions)
    add(**accesses.counts, memory_accesses=accesses.total, memory_span_words=accesses.span)
    table["energy_nj"] = price(table, energy)
    return table


def count_updates(
    model: Model,
    recordings: Recordings | Dataset,
    *,
    energy: str | EnergyPreset = "fp32",
    cumulative: bool = True,
    batch: int | None = None,
) -> pd.DataFrame:
    """Neuron updates of every node at every step, per recording: one row per node and step.

    Columns: node, step, frame, neuron_updates (every unit of a hidden node from its first response on), energy_nj,
    activity (the spikes that the node sends, or the numbers where it sends none), and the accesses of memory by kind
    (see `evaluation/memory_accesses.py`), together memory_accesses and memory_span_words; sums up to the end of the
    step, with `cumulative=False` those of the step alone. With the table of `operations` they add up to that of
    `compare`. Of a `Dataset` its test part is run, in batches as `compare` does.

    >>> model = Model(Network({"eye": (4,)}, [Edge("eye", "v1", Dense(3)), Edge("v1", "hand", Dense(1))]))
    >>> recordings = Recordings.from_ticks(np.ones((3, 1, 4), dtype=int), labels=[0], ticks_per_frame=1)
    >>> count_updates(model, recordings).pivot(index="node", columns="step", values="neuron_updates").loc["v1"].tolist()
    [0.0, 3.0, 6.0]
    """
    import pandas as pd

    model, recordings = require_model(model, "wb.count_updates"), take_test(recordings, "wb.count_updates")
    require_match(model, recordings)
    counts = _count(model, recordings, batch)
    accesses = access_nodes(model, counts, len(recordings))
    nodes, steps = model.network.nodes, len(counts.drive)
    updates = _updates(model, steps) * len(recordings)
    table = _clock(model, steps, len(nodes))
    table.insert(0, "node", pd.Series(nodes).repeat(steps).reset_index(drop=True))
    add = _adder(table, len(recordings), cumulative)
    add(neuron_updates=updates, energy_nj=np.zeros_like(updates), activity=counts.sent)
    add(**accesses.counts, memory_accesses=accesses.total, memory_span_words=accesses.span)
    table["energy_nj"] = price(table.assign(dense_macs=0.0, effective_macs=0.0, synaptic_operations=0.0), energy)
    return table


def _adder(table: pd.DataFrame, recordings: int, cumulative: bool) -> Callable[..., None]:
    """A function that adds arrays (steps, edges or nodes) to a table with as many rows, by name and per recording."""

    def add(**arrays: np.ndarray) -> None:
        for name, values in arrays.items():
            own = values / recordings
            table[name] = (own.cumsum(0) if cumulative else own).T.ravel()

    return add


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
    model: Model, recordings: Recordings, record: Collection[str], batch: int | None = None
) -> Iterator[tuple[np.ndarray, int, dict[str, Tensor]]]:
    """Run every recording in eval mode: indices of a batch, the first step of a block, activity of the recorded nodes.

    The blocks of a batch come in order of time, before those of the next; memory is constant in the length, for events
    are binned block by block. `batch` as `feeding.choose_batch` takes it.
    """
    require_fit(model, recordings)
    training, steps = model.training, recordings.frames * model.ticks_per_frame
    batch = choose_batch(model, len(recordings), record, batch)
    model.eval()
    try:
        for chosen in batches(len(recordings), batch):
            stream = model.stream(len(chosen), record=record)
            block = choose_block(model.network, len(chosen), model.ticks_per_frame)
            for begin in range(0, steps, block):
                yield chosen, begin, stream.run(bin_batch(model, recordings, chosen, begin, begin + block))
    finally:
        model.train(training)


def collect_answers(model: Model, recordings: Recordings, answer: str = "running", batch: int | None = None) -> Tensor:
    """Answers (steps - first response, recordings, classes) of a model, float64, one per class and step."""
    require_match(model, recordings)
    output = model.network.output
    drives: dict[int, list[Tensor]] = {}
    for chosen, _, activity in run_blocks(model, recordings, [output], batch):
        drives.setdefault(int(chosen[0]), []).append(activity[output].cpu())
    drive = torch.cat([torch.cat(blocks) for blocks in drives.values()], dim=1)
    return average_answers(drive.double(), model.network.first_response[output], model.ticks_per_frame, answer)


def _count(model: Model, recordings: Recordings, batch: int | None, padding: bool = False) -> OperationCounts:
    """Run every recording and count."""
    steps, blocks = recordings.frames * model.ticks_per_frame, run_blocks(model, recordings, model.network.nodes, batch)
    return count_blocks(model, blocks, steps, len(recordings), padding)


def _accuracy(model: Model, drive: Tensor, labels: np.ndarray, answer: str) -> np.ndarray:
    first = model.network.first_response[model.network.output]
    if first >= len(drive):
        return np.full(len(drive), np.nan)
    answers = average_answers(drive.double(), first, model.ticks_per_frame, answer)
    right = (answers.argmax(2) == torch.tensor(labels)).double().mean(1)
    return np.concatenate([np.full(first, np.nan), right.numpy()])


def _updates(model: Model, steps: int) -> np.ndarray:
    """Neurons computed at each step of one recording, (steps, nodes); an input and the output have none."""
    network = model.network
    updates = np.zeros((steps, len(network.nodes)))
    for place, node in enumerate(network.nodes):
        if node not in network.inputs and node != network.output:
            updates[network.first_response_of(node) :, place] = count_units(model, node)
    return updates


def _count_uses(model: Model, synapses: Sequence[int], steps: int) -> np.ndarray:
    """How often so many synapses per edge could have been used up to each step: in every frame of their target."""
    begun = np.zeros(steps)
    for edge, count in zip(model.network.edges, synapses, strict=True):
        begun[model.network.first_response_of(edge.target) :][:1] += count
    uses: np.ndarray = begun.cumsum().cumsum() / model.ticks_per_frame
    return uses


def _clock(model: Model, steps: int, times: int = 1) -> pd.DataFrame:
    """A row for every step, and that so many times over."""
    import pandas as pd

    step = np.tile(np.arange(steps), times)
    return pd.DataFrame({"step": step, "frame": (step + 1) / model.ticks_per_frame})


def find_mismatch(model: Model, position: int) -> float:
    """Delay of an edge in frames less the one the model was trained with; 0 for a model that was not converted."""
    if model.trained_network is None:
        return 0.0
    delay, trained = model.network.edges[position].delay, model.trained_network.edges[position].delay
    return delay / model.ticks_per_frame - trained
