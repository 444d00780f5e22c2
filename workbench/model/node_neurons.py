"""The neurons of nodes: one for all with exceptions, or one for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import fields

from workbench.engine import Neuron, ReLU
from workbench.network import Network

MOST_NAMES = 6  # of nodes that are listed where a model is shown


def take_neurons(
    network: Network, neuron: Neuron | Mapping[str, Neuron] | None, neurons: Mapping[str, Neuron] | None
) -> tuple[Neuron, dict[str, Neuron]]:
    """The neuron of most nodes and those of the others, by node, from one for all and exceptions, or from one for each.

    ValueError, with node and cure, for what is no neuron, for a node without one, and where some spike and some do not.

    >>> network = Network({"eye": (2,)}, [Edge("eye", "v1", Dense(3)), Edge("v1", "hand", Dense(1))])
    >>> take_neurons(network, {"v1": QuantisedReLU(4)}, None)
    (QuantisedReLU(levels=4), {})
    >>> take_neurons(network, {}, None)
    Traceback (most recent call last):
    ValueError: neuron={...} names no neuron for 'v1'; name one for every hidden node: v1; or give ...
    """
    if not isinstance(neuron, Mapping):
        default: object = ReLU() if neuron is None else neuron
        if not isinstance(default, Neuron):
            raise ValueError(
                f"neuron={default!r} is no neuron; give one for all nodes, such as wb.ReLU(), or one for each: "
                '{"v1": wb.ReLU(), ...}'
            )
        return default, require_neurons(network, default, neurons or {})
    if neurons:
        raise ValueError("neuron={...} names the neuron of every node already; leave out neurons=")
    for node in network.hidden:
        if node not in neuron:
            raise ValueError(
                f"neuron={{...}} names no neuron for {node!r}; name one for every hidden node: "
                f"{', '.join(network.hidden)}; or give one neuron for all of them, and the others by neurons="
            )
    require_neurons(network, next(iter(neuron.values()), ReLU()), neuron, "neuron={...}")
    alike = Counter(_all_of(one) for one in neuron.values()).most_common(1)
    most = next((one for one in neuron.values() if _all_of(one) == alike[0][0]), ReLU())
    return most, {node: neuron[node] for node in network.hidden if _all_of(neuron[node]) != _all_of(most)}


def require_neurons(
    network: Network, default: Neuron, named: Mapping[str, Neuron], option: str = "neurons"
) -> dict[str, Neuron]:
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
            raise ValueError(f"{option} names {node!r}, which has no neuron; hidden nodes have one: {known}")
        if not isinstance(neuron, Neuron):
            raise ValueError(f"{option} gives {node!r} {neuron!r}; give a neuron, such as wb.IntegrateAndFire()")
        if neuron.spiking != default.spiking:
            raise ValueError(
                f"{option} gives {node!r} {neuron!r}, but the others are {default!r}; either all nodes spike or none "
                "does, for a step is a tick or a frame"
            )
    return {node: neuron for node, neuron in named.items() if _all_of(neuron) != _all_of(default)}


def _all_of(neuron: Neuron) -> tuple[object, ...]:
    """Its kind and every option, those that do not count when neurons are compared too."""
    return type(neuron), *(getattr(neuron, f.name) for f in fields(neuron))


def describe_neurons(neurons: Mapping[str, Neuron]) -> str:
    """Which neurons nodes have, in few words: one where all have the same, else each with its nodes.

    >>> describe_neurons({"v1": ReLU(), "v2": QuantisedReLU(levels=8), "v3": ReLU()})
    'ReLU() in v1, v3; QuantisedReLU(levels=8) in v2'
    """
    nodes: dict[str, list[str]] = {}
    for node, neuron in neurons.items():
        nodes.setdefault(neuron.brief, []).append(node)
    if len(nodes) < 2:
        return "".join(nodes)
    places = {
        brief: ", ".join(some) if len(some) <= MOST_NAMES else f"{len(some)} nodes" for brief, some in nodes.items()
    }
    return "; ".join(f"{brief} in {place}" for brief, place in places.items())


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
