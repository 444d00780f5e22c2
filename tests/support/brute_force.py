"""Operations counted unit by unit, synapse by synapse, step by step."""

import numpy as np
import torch

import workbench as wb
from tests.support.reference import taken_ticks

KINDS = {"dense": "dense_macs", "effective": "effective_macs", "synaptic": "synaptic_operations"}


def synapses(network: wb.Network, position: int) -> np.ndarray:
    """0/1 matrix (source units, target units): who is joined to whom, found by pushing single units through the map."""
    edge = network.edges[position]
    shape = network.shapes[edge.source]
    weights = [torch.ones(size) for size in edge.operation.weight_shapes(shape)]
    units = int(np.prod(shape))
    joined = edge.operation(torch.eye(units).view(units, *shape), weights).flatten(1) != 0
    return joined.numpy().astype(np.float64)


def brute_force(model: wb.Model, recordings: wb.Recordings) -> dict[str, np.ndarray]:
    """Operations of every edge at every step, cumulative and per recording, one synapse at a time."""
    network, k = model.network, model.ticks_per_frame
    activity = model.run(torch.tensor(recordings.as_ticks(ticks_per_frame=k)), record=network.nodes)
    steps = recordings.frames * k
    counts = {kind: np.zeros((steps, len(network.edges))) for kind in ("dense", "effective", "synaptic")}
    for position, edge in enumerate(network.edges):
        joined = synapses(network, position)
        real = not model.spiking or edge.source == network.output
        for step in range(edge.delay + network.first_response[edge.source], steps):
            sent = activity[edge.source][step - taken_ticks(model, edge)].flatten(1).detach().numpy().astype(np.float64)
            if real:
                counts["dense"][step, position] = joined.sum()
                counts["effective"][step, position] = ((sent != 0) @ joined).sum() / len(recordings)
            else:
                counts["synaptic"][step, position] = (np.abs(sent) @ joined).sum() / len(recordings)
    return {kind: values.cumsum(0) for kind, values in counts.items()}
