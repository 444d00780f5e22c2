"""Operations of every edge and updates of every node at every step, as tidy tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from workbench.evaluation.batching import require_match
from workbench.evaluation.energy import EnergyPreset, price
from workbench.evaluation.memory_accesses import access_edges, access_nodes, count_buffer_bytes
from workbench.evaluation.operation_counts import (
    OperationCounts,
    count_blocks,
    count_neuron_updates,
    count_synapses,
    make_counter,
)
from workbench.evaluation.runs import run_blocks
from workbench.events import Dataset, Recordings
from workbench.model import Device, Model, require_model, take_test
from workbench.progress import Progress, show_progress

if TYPE_CHECKING:
    import pandas as pd


def operations(
    model: Model,
    recordings: Recordings | Dataset,
    *,
    padding: bool = False,
    cumulative: bool = True,
    engine: str | None = None,
    device: Device | None = None,
    batch: int | None = None,
    energy: str | EnergyPreset = "fp32",
    progress: bool = True,
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
    the share that is the rate of its input. Of a `Dataset` its test part is run, in batches, on the engine and
    with the progress that `compare` has.

    >>> model = Model(Network({"eye": (1, 3, 3)}, [Edge("eye", "v1", Conv(2, kernel=3)), Edge("v1", "hand", Dense(1))]))
    >>> recordings = Recordings.from_ticks(np.ones((3, 1, 1, 3, 3), dtype=int), labels=[0], ticks_per_frame=1)
    >>> operations(model, recordings).query("edge == 0")["dense_macs"].tolist()
    [0.0, 98.0, 196.0]
    >>> operations(model, recordings, padding=True, cumulative=False).query("edge == 0")["dense_macs"].tolist()
    [0.0, 162.0, 162.0]
    """
    import pandas as pd

    model, recordings = require_model(model, "wb.operations", device), take_test(recordings, "wb.operations")
    require_match(model, recordings)
    with show_progress(len(recordings), "operations", "recording", progress) as bar:
        counts = count_operations(model, recordings, batch, padding, engine, bar)
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
    ).join(tabulate_steps(model, steps, len(edges)))
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
    cumulative: bool = True,
    engine: str | None = None,
    device: Device | None = None,
    batch: int | None = None,
    energy: str | EnergyPreset = "fp32",
    progress: bool = True,
) -> pd.DataFrame:
    """Neuron updates of every node at every step, per recording: one row per node and step.

    Columns: node, step, frame, neuron_updates (every unit of a hidden node from its first response on; a leak is part
    of its update), energy_nj, activity (the spikes that the node sends, or the numbers where it sends none), and the
    accesses of memory by kind (see `evaluation/memory_accesses.py`), together memory_accesses and memory_span_words;
    sums up to the end of the step, with `cumulative=False` those of the step alone. With the table of `operations` they
    add up to that of `compare`. Of a `Dataset` its test part is run, in batches, on the engine and with the progress
    that `compare` has.

    >>> model = Model(Network({"eye": (4,)}, [Edge("eye", "v1", Dense(3)), Edge("v1", "hand", Dense(1))]))
    >>> recordings = Recordings.from_ticks(np.ones((3, 1, 4), dtype=int), labels=[0], ticks_per_frame=1)
    >>> count_updates(model, recordings).pivot(index="node", columns="step", values="neuron_updates").loc["v1"].tolist()
    [0.0, 3.0, 6.0]
    """
    import pandas as pd

    model, recordings = require_model(model, "wb.count_updates", device), take_test(recordings, "wb.count_updates")
    require_match(model, recordings)
    with show_progress(len(recordings), "count_updates", "recording", progress) as bar:
        counts = count_operations(model, recordings, batch, engine=engine, bar=bar)
    accesses = access_nodes(model, counts, len(recordings))
    nodes, steps = model.network.nodes, len(counts.drive)
    updates = count_neuron_updates(model, steps) * len(recordings)
    table = tabulate_steps(model, steps, len(nodes))
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


def count_operations(
    model: Model,
    recordings: Recordings,
    batch: int | None = None,
    padding: bool = False,
    engine: str | None = None,
    bar: Progress | None = None,
) -> OperationCounts:
    """Run every recording and count."""
    counter, output = make_counter(model, padding), [model.network.output]
    blocks = run_blocks(model, recordings, output, batch, engine, counter, bar)
    return count_blocks(model, counter, blocks, recordings.frames * model.ticks_per_frame, len(recordings))


def tabulate_steps(model: Model, steps: int, times: int = 1) -> pd.DataFrame:
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
