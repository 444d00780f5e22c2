"""What every edge and node has to do at every step, counted while a model runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from workbench.engine import SpikeCounter
from workbench.model import Model

OPERATION_COUNTS = ("dense_macs", "effective_macs", "synaptic_operations")
"""The columns of what edges do in every table of operations."""

COUNTS = (*OPERATION_COUNTS, "neuron_updates")
"""The columns of counts in every table of operations."""


@dataclass(frozen=True, eq=False)
class OperationCounts:
    """Sums over recordings, float64 (steps, edges) each; `sent` (steps, nodes): the spikes or numbers a node sends.

    `drive` (steps, recordings, classes) is that of the output. What an edge does counts at the step at which it
    arrives, what a node sends at the step at which it is sent.
    """

    dense: np.ndarray
    effective: np.ndarray
    synaptic: np.ndarray
    sent: np.ndarray
    drive: Tensor


@torch.no_grad()
def count_blocks(
    model: Model,
    counter: SpikeCounter,
    blocks: Iterable[tuple[np.ndarray, int, dict[str, Tensor]]],
    steps: int,
    recordings: int,
) -> OperationCounts:
    """Add up what each edge has to do at each step; `blocks` as `run_blocks` gives them, the output recorded.

    The `counter`, of `make_counter`, has counted them. n spikes of a unit in one step, of either sign, are n synaptic
    operations at each unit that they reach.
    """
    network, weights = model.network, counter.weights
    active, sent = np.zeros((steps, len(network.edges))), np.zeros((steps, len(network.nodes)))
    drives: dict[int, list[Tensor]] = {}
    for chosen, _, activity in blocks:
        for place, (node, segments) in enumerate(counter.take().items()):
            for segment in segments:
                total = segment.values.sum(1).cpu().numpy()
                sent[segment.start : segment.end, place] += total[:, 0]
                active[segment.start : segment.end, list(network.outgoing(node))] += total[:, 1:]
        drives.setdefault(int(chosen[0]), []).append(activity[network.output].cpu())
    drive = torch.cat([torch.cat(blocks) for blocks in drives.values()], dim=1)
    everything = reach_everything(model, weights)
    done = [deliver(model, p, active[:, p], everything[p] * recordings) for p in range(len(network.edges))]
    dense, effective, synaptic = (np.stack(kind, 1) for kind in zip(*done, strict=True))
    return OperationCounts(dense, effective, synaptic, _numbers(model, sent, recordings), drive)


def weigh_units(model: Model, padding: bool = False) -> dict[str, Tensor]:
    """By node what each of its units counts for when it is active: 1, and what it reaches along every edge.

    float64 (units, 1 + edges that leave the node).
    """
    network = model.network
    weights = {}
    for node in network.nodes:
        fan_outs = [find_fan_out(model, position, padding) for position in network.outgoing(node)]
        weights[node] = torch.stack([torch.ones(count_units(model, node)).double(), *fan_outs], 1)
    return weights


def make_counter(model: Model, padding: bool = False) -> SpikeCounter:
    """Who counts what the units of each node send and reach, while recordings run."""
    spiking = [node for node in model.network.nodes if carries_spikes(model, node)]
    return SpikeCounter(weigh_units(model, padding), spiking)


def reach_everything(model: Model, weights: Mapping[str, Tensor]) -> list[float]:
    """By edge what its source would reach if every unit of it were active once."""
    reached = [0.0] * len(model.network.edges)
    for node, its_weights in weights.items():
        for position, total in zip(model.network.outgoing(node), its_weights[:, 1:].sum(0).tolist(), strict=True):
            reached[position] = total
    return reached


class Operations(NamedTuple):
    """Operations of one edge at the steps at which they are done, float64 (steps, ...) each."""

    dense: np.ndarray
    effective: np.ndarray
    synaptic: np.ndarray


def deliver(model: Model, position: int, reached: np.ndarray, everything: float) -> Operations:
    """What an edge does with what its source sends: `reached` (steps, ...) units, at the steps at which it is sent.

    It arrives `delay` steps later. Spikes cost synaptic operations, real numbers effective MACs, and dense MACs, which
    are `everything` that the source can reach, from its first response on.
    """
    edge, nothing = model.network.edges[position], np.zeros_like(reached)
    arrived = delay_steps(reached, model.executed_delay(position))
    if carries_spikes(model, edge.source):
        return Operations(nothing, nothing, arrived)
    dense = np.zeros_like(reached)
    dense[model.network.first_response_of(edge.source) + edge.delay :] = everything
    return Operations(dense, arrived, nothing)


def _numbers(model: Model, sent: np.ndarray, recordings: int) -> np.ndarray:
    """What nodes send: a node without spikes sends a number per unit from its first response on, zeros as well."""
    for place, node in enumerate(model.network.nodes):
        if not carries_spikes(model, node):
            sent[:, place] = 0
            sent[model.network.first_response_of(node) :, place] = count_units(model, node) * recordings
    return sent


def delay_steps(values: np.ndarray, delay: int) -> np.ndarray:
    """Values per step, `delay` steps later; zeros before, and what comes after the last step is left out.

    >>> delay_steps(np.array([1, 2, 3]), 1)
    array([0, 1, 2])
    """
    later = np.zeros_like(values)
    later[delay:] = values[: max(0, len(values) - delay)]
    return later


def count_neuron_updates(model: Model, steps: int) -> np.ndarray:
    """Neurons computed at each step of one recording, (steps, nodes); an input and the output have none."""
    network = model.network
    updates = np.zeros((steps, len(network.nodes)))
    for place, node in enumerate(network.nodes):
        if node not in network.inputs and node != network.output:
            updates[network.first_response_of(node) :, place] = count_units(model, node)
    return updates


def carries_spikes(model: Model, node: str) -> bool:
    """Whether a node answers with spikes: all of an SNN but its output, whose drive is a real number."""
    return model.spiking and node != model.network.output


def count_units(model: Model, node: str) -> int:
    """Number of units of a node."""
    return math.prod(model.network.shape_of(node))


def find_fan_out(model: Model, position: int, padding: bool = False) -> Tensor:
    """Operations that each unit of an edge's source causes when it is active, float64 (units,).

    Exactly: how many units it reaches. With `padding` as tools count that multiply the products of a layer by the rate
    of its input: every unit has its share of `Operation.products`.
    """
    edge = model.network.edges[position]
    shape = model.network.shape_of(edge.source)
    if not padding:
        return edge.operation.fan_out(shape).flatten().double()
    units = count_units(model, edge.source)
    return torch.full((units,), edge.operation.products(shape) / units, dtype=torch.float64)


def count_synapses(model: Model, position: int) -> int:
    """Number of synapses of an edge: pairs of units that it joins."""
    return int(find_fan_out(model, position).sum())
