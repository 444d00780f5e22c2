"""A folded ANN's numbers in a spiking network: the scales go into weights and biases, the options into the neurons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch

from workbench.conversion.activation_scales import as_tensor
from workbench.conversion.batchnorm_folding import copy_numbers, scale_source, scale_target
from workbench.conversion.options import ConversionOptions
from workbench.model import Model, Scales
from workbench.network import Network


def build_snn(
    folded: Model, network: Network, ticks_per_frame: int, scales: Scales, options: ConversionOptions
) -> Model:
    """The SNN of an ANN without batch norm: weights W lambda_source / lambda_target, biases b / lambda every tick.

    `network` is the ANN's as `scale_delays` gives it; the inputs' lambda is K = `ticks_per_frame` times the ANN's input
    factor. Its numbers are not rounded yet.
    """
    neuron = options.neuron(ticks_per_frame)
    spiking = Model(network, norm=None, neuron=neuron, ticks_per_frame=ticks_per_frame)
    copy_numbers(folded, spiking)
    scales = {**scales, **dict.fromkeys(network.inputs, ticks_per_frame * folded.input_factor)}
    factors = {node: as_tensor(spiking, scale) for node, scale in scales.items()}
    for position, edge in enumerate(network.edges):
        scale_source(spiking, position, factors[edge.source])
        averaged = folded.network.edges[position].operation.as_sums(network.shape_of(edge.source))[1]
        scale_target(spiking, position, averaged / factors[edge.target])
    with torch.no_grad():
        for node in network.nodes:
            if node not in network.inputs:
                spiking.node_layer(node).bias.div_(factors[node])
    spiking.trained_network, spiking.scales, spiking.conversion_options = folded.network, scales, options
    return spiking.eval()


def with_sums(network: Network) -> Network:
    """The network whose pools are sums: `build_snn` puts what turns them into averages into the numbers beside them."""
    edges = [replace(e, operation=e.operation.as_sums(network.shape_of(e.source))[0]) for e in network.edges]
    return network if edges == [*network.edges] else Network(network.inputs, edges, output=network.output)


def scale_delays(network: Network, k: int, delays: str | Mapping[tuple[str, str], int]) -> Network:
    """The network on a clock of k ticks a frame, with the delays of a conversion, and pools that are sums."""
    matched = with_sums(network).slowed(k)
    if isinstance(delays, Mapping):
        return matched.with_delays(delays)
    uniform = {"frame": k, "tick": 1}
    if delays in uniform:
        return matched.with_delays({edge.ends: uniform[delays] for edge in network.edges})
    if delays != "matched":
        raise ValueError(
            f'delays={delays!r} is unknown; choose "matched", "frame", "tick" or a dict {{(source, target): ticks}}'
        )
    return matched
