"""What every edge and node has to do at every step, counted while a model runs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from workbench.engine import count_weighted
from workbench.model import Model


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
    blocks: Iterable[tuple[np.ndarray, int, dict[str, Tensor]]],
    steps: int,
    recordings: int,
    padding: bool = False,
) -> OperationCounts:
    """Add up what each edge has to do at each step; `blocks` as `run_blocks` gives them, all nodes recorded.

    n spikes of a unit in one step, of either sign, are n synaptic operations at each unit that they reach.
    """
    network = model.network
    fan_out = [find_fan_out(model, position, padding) for position in range(len(network.edges))]
    leaving = {node: list(network.outgoing(node)) for node in network.nodes}
    weights = {  # of a unit: itself, and what it reaches along every edge
        node: torch.stack([torch.ones(count_units(model, node)).double(), *(fan_out[p] for p in leaving[node])], 1)
        for node in network.nodes
    }
    active, sent = np.zeros((steps, len(network.edges))), np.zeros((steps, len(network.nodes)))
    drives: dict[int, list[Tensor]] = {}
    for chosen, begin, activity in blocks:
        window = slice(begin, begin + len(activity[network.output]))
        for place, node in enumerate(network.nodes):
            amounts = count_weighted(activity[node], weights[node], carries_spikes(model, node)).sum(1).cpu().numpy()
            sent[window, place] += amounts[:, 0]
            active[window, leaving[node]] += amounts[:, 1:]
        drives.setdefault(int(chosen[0]), []).append(activity[network.output].cpu())
    drive = torch.cat([torch.cat(blocks) for blocks in drives.values()], dim=1)
    everything = [float(values.sum()) * recordings for values in fan_out]
    return _arrive(model, active, _numbers(model, sent, recordings), drive, everything)


def _numbers(model: Model, sent: np.ndarray, recordings: int) -> np.ndarray:
    """What nodes send: a node without spikes sends a number per unit from its first response on, zeros as well."""
    for place, node in enumerate(model.network.nodes):
        if not carries_spikes(model, node):
            sent[:, place] = 0
            sent[model.network.first_response_of(node) :, place] = count_units(model, node) * recordings
    return sent


def _arrive(
    model: Model, active: np.ndarray, sent: np.ndarray, drive: Tensor, everything: list[float]
) -> OperationCounts:
    """Move what sources send to the steps at which it arrives, and tell spikes from real numbers."""
    dense, effective, synaptic = (np.zeros_like(active) for _ in range(3))
    for position, edge in enumerate(model.network.edges):
        kind = synaptic if carries_spikes(model, edge.source) else effective
        kind[:, position] = delayed(active[:, position], edge.delay)
        if kind is effective:
            dense[model.network.first_response_of(edge.source) + edge.delay :, position] = everything[position]
    return OperationCounts(dense, effective, synaptic, sent, drive)


def delayed(values: np.ndarray, delay: int) -> np.ndarray:
    """Values per step, `delay` steps later; zeros before, and what comes after the last step is left out.

    >>> delayed(np.array([1, 2, 3]), 1)
    array([0, 1, 2])
    """
    later = np.zeros_like(values)
    later[delay:] = values[: max(0, len(values) - delay)]
    return later


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
