"""The plain step loop: what a network with delays means, node by node and step by step, with nothing clever."""

import math

import networkx
import torch
from torch import Tensor

import workbench as wb


def first_responses(network: wb.Network) -> dict[str, float]:
    """Smallest sum of delays from any input, by an independent library."""
    graph = networkx.DiGraph()
    graph.add_nodes_from(network.nodes)
    for edge in network.edges:
        known = graph.get_edge_data(edge.source, edge.target, {"weight": math.inf})["weight"]
        graph.add_edge(edge.source, edge.target, weight=min(known, edge.delay))
    return networkx.multi_source_dijkstra_path_length(graph, set(network.inputs))


def taken_ticks(model: wb.Model, edge: wb.Edge) -> int:
    """Steps from what the source of an edge sends to where it arrives: less than its delay where the source waits.

    One that counts for a frame takes all of it but the last tick before it sends.
    """
    neuron = model.neuron_of(edge.source) if edge.source in model.network.hidden else None
    waits = isinstance(neuron, wb.IntegrateAndFire) and neuron.emission != "at_once"
    return edge.delay - (neuron.ticks_per_frame - 1 if waits else 0)


def run(model: wb.Model, frames: Tensor) -> dict[str, Tensor]:
    """Activity of every node, (steps, batch, *shape), computed one step and one node at a time."""
    network, first = model.network, first_responses(model.network)
    instant = networkx.DiGraph()
    instant.add_nodes_from(network.nodes)
    instant.add_edges_from(edge.ends for edge in network.edges if edge.delay == 0)
    order = list(networkx.topological_sort(instant))
    steps, batch = frames.shape[:2]
    activity = {n: frames.new_zeros(steps, batch, *network.shapes[n]) for n in network.nodes}
    activity["in"] = frames
    membrane: dict[str, Tensor] = {}
    with torch.no_grad():
        for t in range(steps):
            for node in order:
                if node not in network.inputs and t >= first[node]:
                    drive = torch.zeros(batch, *network.shapes[node], dtype=frames.dtype)
                    for position, edge in enumerate(network.edges):
                        if edge.target == node and t - edge.delay >= first[edge.source]:
                            weights = list(model.weights[position].parameters())
                            drive = drive + edge.operation(activity[edge.source][t - edge.delay], weights)
                    drive = model.node_layer(node)(drive)
                    activity[node][t] = (
                        drive if node == network.output else fire(model, node, drive, membrane, t, first)
                    )
    return activity


def fire(model: wb.Model, node: str, drive: Tensor, membrane: dict[str, Tensor], t: int, first: dict) -> Tensor:
    if not model.spiking:
        return drive.clamp(min=0)
    neuron = model.neuron
    start = torch.full_like(drive, neuron.start * neuron.threshold)
    v = membrane.get(node, start)
    if neuron.membrane == "frame" and (t - first[node]) % neuron.ticks_per_frame == 0:
        v = start
    v = v + drive
    if neuron.floor is not None:
        v = torch.maximum(v, torch.full_like(v, neuron.floor * neuron.threshold))
    spike = (v >= neuron.threshold).to(drive.dtype)
    membrane[node] = v - neuron.threshold * spike if neuron.reset == "subtract" else torch.where(spike > 0, 0.0, v)
    return spike
