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
