"""An SNN whose neurons count for a frame, run on the clock of frames: the same answers at their ends, sooner."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from workbench.conversion.batchnorm_folding import copy_numbers
from workbench.engine import IntegrateAndFire
from workbench.model import Model
from workbench.network import Network


def can_run_by_frames(snn: Model) -> bool:
    """Whether all neurons count for a frame, and all delays are whole frames: then nothing depends on the ticks."""
    neurons = [snn.neuron_of(node) for node in snn.network.hidden]
    counting = all(isinstance(neuron, IntegrateAndFire) and neuron.counts_frames for neuron in neurons)
    return counting and has_whole_frames(snn.network, snn.ticks_per_frame)


def has_whole_frames(network: Network, ticks_per_frame: int) -> bool:
    """Whether all delays are whole frames, of so many ticks."""
    return all(edge.delay % ticks_per_frame == 0 for edge in network.edges)


def to_frames(snn: Model) -> Model:
    """An SNN of which `can_run_by_frames`, one step a frame: its neurons send what they count all at once.

    What the output gets is the mean over the ticks of a frame. What a node counts in a frame is the same, but for the
    rounding of numbers.
    """
    k, network = snn.ticks_per_frame, snn.network
    edges = [replace(edge, delay=edge.delay // k) for edge in network.edges]
    neurons = {node: _by_frames(snn, node) for node in network.hidden}
    default = next(iter(neurons.values()), IntegrateAndFire())
    frames = Model(Network(network.inputs, edges, output=network.output), norm=None, neuron=default, neurons=neurons)
    copy_numbers(snn, frames)
    with torch.no_grad():
        for node in network.hidden:
            frames.node_layer(node).bias.mul_(k)
        for position in network.incoming(network.output):
            key, mean = str(position), torch.full_like(frames.node_layer(network.output).bias, 1 / k)
            if key in frames.gains:
                frames.gains[key].mul_(1 / k)
            else:  # beside the weights, which learn as fast as they did; it does not learn
                frames.gains[key] = nn.Parameter(mean, requires_grad=False)
    return frames.train(snn.training)


def to_ticks(frames: Model, snn: Model) -> Model:
    """A copy of the SNN with the numbers of what `to_frames` made of it: what was learned frame by frame."""
    k, ticks = snn.ticks_per_frame, snn.copy()
    with torch.no_grad():
        ticks.load_state_dict(
            {name: values for name, values in frames.state_dict().items() if name in ticks.state_dict()}
        )
        for node in ticks.network.hidden:
            ticks.node_layer(node).bias.div_(k)
        for position in ticks.network.incoming(ticks.network.output):
            if str(position) in ticks.gains:
                ticks.gains[str(position)].mul_(k)
    ticks.provenance, ticks.training_recipe = frames.provenance, frames.training_recipe
    return ticks


def _by_frames(snn: Model, node: str) -> IntegrateAndFire:
    neuron = snn.neuron_of(node)
    assert isinstance(neuron, IntegrateAndFire), "it counts"
    return replace(neuron, emission="burst", cap=neuron.most_spikes_per_frame(), ticks_per_frame=1)
