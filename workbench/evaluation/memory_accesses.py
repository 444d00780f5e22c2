"""Accesses of memory: which numbers are read and written for what has been counted, and how large their memories are.

Nothing is kept in registers or caches between two operations, as in Lemaire et al. 2022; an access moves one number or
one spike. Per edge and step: a product reads a weight and an activity; a synaptic operation reads a weight and reads
and writes a membrane, and a spike that arrives is read once; an edge with a delay writes what its source sends into its
delay buffer and reads it out when it arrives. Per node and step, from its first response on: a bias is read for every
unit, and an activity written for each in an ANN; in an SNN every membrane is read and written, and every spike written.
The output of an SNN collects its drive as a membrane and writes it as an activity. An edge without weights reads none;
what a sensor writes is not counted, nor what a chain of operations keeps between its links.

Source: Lemaire et al. 2022, arXiv 2210.13107, equations 3 to 15, as their authors' tool Qualia documents them. There a
dense layer of an ANN reads every input once; here once per product, as a convolution does. Delay buffers are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from workbench.evaluation.operation_counts import OperationCounts, carries_spikes, count_units, delay_steps
from workbench.model import Model


@dataclass(frozen=True, eq=False)
class Accesses:
    """Accesses by kind, (steps, edges or nodes) each, and the `words` of the memories accessed."""

    counts: dict[str, np.ndarray]
    words: dict[str, np.ndarray]

    @property
    def total(self) -> np.ndarray:
        """All accesses, (steps, edges or nodes)."""
        total: np.ndarray = np.stack(list(self.counts.values())).sum(axis=0)
        return total

    @property
    def span(self) -> np.ndarray:
        """Every access times the words of the memory accessed, (steps, edges or nodes): larger memories cost more."""
        span: np.ndarray = np.stack([self.counts[kind] * self.words[kind] for kind in self.counts]).sum(axis=0)
        return span


EDGE_ACCESSES = ("weight_reads", "activity_reads", "membrane_accesses", "buffer_accesses")
NODE_ACCESSES = ("bias_reads", "membrane_accesses", "activity_writes")


def access_edges(model: Model, counts: OperationCounts) -> Accesses:
    """Accesses of every edge at every step, summed over the recordings."""
    network = model.network
    units = {node: count_units(model, node) for node in network.nodes}
    places = {node: place for place, node in enumerate(network.nodes)}
    found = {kind: np.zeros_like(counts.dense) for kind in EDGE_ACCESSES}
    words = {kind: np.zeros(len(network.edges)) for kind in EDGE_ACCESSES}
    for position, edge in enumerate(network.edges):
        weights = edge.operation.weight_shapes(network.shape_of(edge.source))
        delay = model.executed_delay(position)
        sizes = (sum(map(prod, weights)), units[edge.source], units[edge.target], delay * units[edge.source])
        for kind, size in zip(EDGE_ACCESSES, sizes, strict=True):
            words[kind][position] = size
        sent = counts.sent[:, places[edge.source]]
        arrived = delay_steps(sent, delay)
        synaptic = counts.synaptic[:, position]
        reads = arrived if carries_spikes(model, edge.source) else counts.dense[:, position]
        found["weight_reads"][:, position] = bool(weights) * (counts.dense[:, position] + synaptic)
        found["activity_reads"][:, position] = reads
        found["membrane_accesses"][:, position] = 2 * synaptic
        found["buffer_accesses"][:, position] = (delay > 0) * (sent + arrived)
    return Accesses(found, words)


def access_nodes(model: Model, counts: OperationCounts, recordings: int) -> Accesses:
    """Accesses of every node at every step, summed over the recordings; none of an input."""
    network = model.network
    found = {kind: np.zeros_like(counts.sent) for kind in NODE_ACCESSES}
    words = {kind: np.zeros(len(network.nodes)) for kind in NODE_ACCESSES}
    for place, node in enumerate(network.nodes):
        if node in network.inputs:
            continue
        units = count_units(model, node)
        words["bias_reads"][place] = network.shape_of(node)[0]
        words["membrane_accesses"][place] = words["activity_writes"][place] = units
        first = network.first_response_of(node)
        found["bias_reads"][first:, place] = units * recordings
        found["membrane_accesses"][first:, place] = 2 * units * recordings * model.spiking
        found["activity_writes"][:, place] = counts.sent[:, place]
    return Accesses(found, words)


def count_buffer_bytes(model: Model, position: int) -> int:
    """What an edge must remember: steps of its source, a byte per event count, 4 per number.

    As many steps as its delay has, less the latency of a source that counts for a frame before it sends. Spikes take as
    many bits as the values that a unit can send in a tick need: 1 for a plain neuron, 7 for bursts up to 127.
    """
    edge = model.network.edges[position]
    units, delay = count_units(model, edge.source), model.executed_delay(position)
    if not carries_spikes(model, edge.source):
        return delay * units * 4
    if edge.source in model.network.inputs:
        return delay * units
    most = model.neuron_of(edge.source).most_values_per_tick()
    return delay * -(-units * most.bit_length() // 8)
