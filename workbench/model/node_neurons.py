"""Neurons of single nodes, where they are not those of the whole model."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.engine import Neuron
from workbench.network import Network


def require_neurons(network: Network, default: Neuron, named: Mapping[str, Neuron]) -> dict[str, Neuron]:
    """The neurons that differ from the default, by node; ValueError for a node without neuron, or of another kind.

    >>> network = Network({"eye": (2,)}, [Edge("eye", "v1", Dense(3)), Edge("v1", "hand", Dense(1))])
    >>> require_neurons(network, IntegrateAndFire(), {"v1": IntegrateAndFire(burst=3)})["v1"].burst
    3
    >>> require_neurons(network, IntegrateAndFire(), {"hand": ReLU()})
    Traceback (most recent call last):
    ValueError: neurons names 'hand', which has no neuron; hidden nodes have one: v1
    """
    for node, neuron in named.items():
        if node not in network.hidden:
            known = ", ".join(network.hidden) or "there are none"
            raise ValueError(f"neurons names {node!r}, which has no neuron; hidden nodes have one: {known}")
        if not isinstance(neuron, Neuron):
            raise ValueError(f"neurons gives {node!r} {neuron!r}; give a neuron, such as wb.IntegrateAndFire()")
        if neuron.spiking != default.spiking:
            raise ValueError(
                f"neurons gives {node!r} {neuron!r}, but the others are {default!r}; either all nodes spike or none "
                "does, for a step is a tick or a frame"
            )
    return {node: neuron for node, neuron in named.items() if neuron != default}


def require_whole_frames(network: Network, latencies: Mapping[str, int]) -> None:
    """ValueError for an edge out of a node that counts for a frame whose delay is no whole number of frames.

    `latencies`: by node one step less than its frame.

    >>> network = Network({"eye": (2,)}, [Edge("eye", "v1", Dense(3)), Edge("v1", "hand", Dense(1), delay=6)])
    >>> require_whole_frames(network, {"v1": 3})
    Traceback (most recent call last):
    ValueError: edge v1 -> hand takes 6 ticks, and 'v1' counts its spikes for a frame of 4 before it sends them, ...
    """
    for edge in network.edges:
        frame = latencies.get(edge.source, 0) + 1
        if frame > 1 and (edge.delay < frame or edge.delay % frame):
            raise ValueError(
                f"edge {edge.name} takes {edge.delay} ticks, and {edge.source!r} counts its spikes for a frame of "
                f"{frame} before it sends them, so it needs whole frames: at least {frame}, a multiple of {frame}; "
                'train the streaming network (network.streaming()) and convert with delays="matched" or "frame", or '
                'use emission="at_once"'
            )
