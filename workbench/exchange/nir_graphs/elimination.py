"""The neurons of a graph and what drives each: all linear nodes between them become paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from workbench.engine import Neuron
from workbench.exchange.nir_graphs import linear_maps, neurons
from workbench.exchange.nir_graphs.drives import DelayedPath, Drive, add_drives, merge_paths
from workbench.exchange.nir_graphs.flat_graph import FlatGraph
from workbench.exchange.nir_graphs.linear_maps import LinearNode, read_map
from workbench.exchange.nir_graphs.neurons import Reading, ReadNeuron, read_neuron
from workbench.network import Shape

CURES: Mapping[str, str] = {
    "CubaLIF": "it filters spikes by a synaptic current, of which neurons here have none; retrain it with LIF",
    "CubaLI": "it filters spikes by a synaptic current and does not spike; end in Linear, whose mean is the answer",
    "LI": "it leaks and does not spike; end in Linear, whose mean over time is the answer here",
    "I": "it does not spike; end in Linear, whose mean over time is the answer here",
}
MOST_PATHS = 20_000


class Connection(NamedTuple):
    """A path to a neuron or the output, and where among the edges of the file it ends."""

    rank: int
    target: str
    path: DelayedPath


@dataclass(frozen=True, eq=False)
class Driven:
    """What is left without linear nodes: inputs and their shapes, neurons, connections in order, biases (channels)."""

    inputs: Mapping[str, Shape]
    neurons: Mapping[str, Neuron]
    connections: Sequence[Connection]
    biases: Mapping[str, Tensor]


def find_drives(flat: FlatGraph, output: str, reading: Reading) -> Driven:
    """The neurons, and by which paths inputs and neurons drive each of them and the output.

    ValueError, with all nodes that cannot be expressed, each with a cure; and for loops of linear nodes alone.
    """
    _require_kinds(flat)
    inputs = {name: _shape_of_input(name, flat.nodes[name]) for name in flat.inputs}
    read = {
        name: read_neuron(node, name, reading)
        for name, node in flat.nodes.items()
        if type(node).__name__ in neurons.READERS
    }
    linear = _collect_linear(flat, inputs, read, reading)
    shapes = _find_shapes(flat, inputs, read, linear)
    before, rank = flat.before(), {pair: number for number, pair in enumerate(flat.edges)}
    drives = {name: Drive((DelayedPath(name, shapes[name][0]),), shapes[name][1]) for name in (*inputs, *read)}
    for name in _order(flat, linear):
        drives[name] = read_map(linear[name], add_drives([drives[source] for source in before[name]], name))
        if len(drives[name].paths) > MOST_PATHS:
            raise ValueError(f"more than {MOST_PATHS:,} paths lead to node {name!r}; put neurons between them")
    connections: list[Connection] = []
    biases: dict[str, Tensor] = {}
    for target in (*read, output):
        arriving = [_enter(target, drives[source], read.get(target)) for source in before[target]]
        bias = add_drives(arriving, target).bias
        for source, drive in zip(before[target], arriving, strict=True):
            connections += [Connection(rank[source, target], target, path) for path in drive.paths]
        own = read[target].bias if target in read else None
        if own is not None:
            offset = _in_channels(arriving[0], own, target)
            bias = offset if bias is None else bias + offset
        if bias is not None:
            biases[target] = bias
    kept = _merge(connections, [*read, output])
    return Driven(inputs, {name: one.neuron for name, one in read.items()}, kept, biases)


def _require_kinds(flat: FlatGraph) -> None:
    """ValueError that names every node of a kind that cannot be expressed, each with its cure."""
    known = {*linear_maps.READERS, *neurons.READERS}
    foreign = [(name, type(node).__name__) for name, node in flat.nodes.items() if type(node).__name__ not in known]
    if foreign:
        other = f"no such node is known here, but {', '.join(sorted(known))}"
        raise ValueError("; ".join(f"node {name!r} ({kind}): {CURES.get(kind, other)}" for name, kind in foreign))


def _collect_linear(
    flat: FlatGraph, inputs: Mapping[str, Shape], read: Mapping[str, ReadNeuron], reading: Reading
) -> dict[str, LinearNode]:
    after = flat.after()
    return {
        name: LinearNode(
            name,
            node,
            bool(after[name]) and all(type(flat.nodes[one]).__name__ == "Flatten" for one in after[name]),
            reading.tick_s,
            reading.metadata,
        )
        for name, node in flat.nodes.items()
        if name not in inputs and name not in read
    }


def _find_shapes(
    flat: FlatGraph, inputs: Mapping[str, Shape], read: Mapping[str, ReadNeuron], linear: Mapping[str, LinearNode]
) -> dict[str, tuple[Shape, Shape]]:
    """By node the shape in which it has channels, and that in which the file sees it; from the inputs on.

    ValueError for nodes that nothing reaches.
    """
    after = flat.after()
    found = {name: Drive((DelayedPath(name, shape),), shape) for name, shape in inputs.items()}
    pending = [*inputs]
    for name in pending:  # which grows
        for target in after[name]:
            if target in found or target in inputs:
                continue
            given = replace(found[name], bias=None)
            found[target] = read_map(linear[target], given) if target in linear else _see(target, given, flat)
            pending.append(target)
    missing = [name for name in flat.nodes if name not in found]
    if missing:
        raise ValueError(f"no Input leads to {', '.join(map(repr, missing))}; connect them, or leave them out")
    return {name: (drive.arrival, drive.shape) for name, drive in found.items()}


def _see(name: str, drive: Drive, flat: FlatGraph) -> Drive:
    """A neuron as others see it; ValueError where its numbers have another shape than what arrives."""
    node: Any = flat.nodes[name]
    given = tuple(np.shape(node.threshold if hasattr(node, "threshold") else node.v_threshold))
    if given != drive.shape and int(np.prod(given)) != 1:
        raise ValueError(f"node {name!r} has shape {given}, and what arrives has {drive.shape}; mend the file")
    return Drive((DelayedPath(name, drive.arrival),), drive.shape)


def _order(flat: FlatGraph, linear: Mapping[str, LinearNode]) -> list[str]:
    """The linear nodes, each after those that lead into it; ValueError for a loop of them."""
    before = flat.before()
    sorter = TopologicalSorter({name: [one for one in before[name] if one in linear] for name in linear})
    try:
        return [name for name in sorter.static_order() if before[name]]
    except CycleError as error:
        loop = " -> ".join(reversed(error.args[1]))
        raise ValueError(f"{loop} is a loop without a neuron in it; put one into it") from error


def _enter(target: str, drive: Drive, read: ReadNeuron | None) -> Drive:
    """The drive as a neuron gets it: times its factor."""
    if read is None or read.factor is None:
        return drive
    factor = _in_channels(drive, read.factor, target)
    paths = tuple(path.times(factor) for path in drive.paths)
    return replace(drive, paths=paths).with_bias(None if drive.bias is None else drive.bias * factor)


def _in_channels(drive: Drive, values: Tensor, target: str) -> Tensor:
    """Numbers of the units of a neuron as one for each of its channels."""
    units = drive.paths[0].shape
    several = values.flatten() if values.numel() > 1 else values.flatten().expand(int(np.prod(units)))
    factor = drive.per_channel(several)
    if factor is None:
        raise ValueError(
            f"node {target!r}: r, v_threshold, v_reset or v_leak differ within a channel, and a neuron here has one of "
            "each for all its units, a weight one for each channel; split the node"
        )
    return factor


def _merge(connections: Sequence[Connection], targets: Sequence[str]) -> list[Connection]:
    """The connections in the order of the file, those of the same ends and delay as one."""
    kept: list[Connection] = []
    by_target: dict[str, list[Connection]] = {target: [] for target in targets}
    for connection in connections:
        by_target[connection.target].append(connection)
    for target, some in by_target.items():
        merged = merge_paths([connection.path for connection in some], target)
        ranks: dict[tuple[str, int], int] = {}
        for connection in some:
            ranks.setdefault((connection.path.source, connection.path.delay), connection.rank)
        kept += [Connection(ranks[path.source, path.delay], target, path) for path in merged]
    return sorted(kept, key=lambda connection: connection.rank)


def _shape_of_input(name: str, node: Any) -> Shape:
    sizes = np.asarray(node.input_type["input"]).reshape(-1)
    if not len(sizes) or (sizes != np.round(sizes)).any() or (sizes < 1).any():
        raise ValueError(f"node {name!r} (Input) has shape {sizes.tolist()}; give it whole numbers of at least 1")
    return tuple(int(size) for size in sizes)
