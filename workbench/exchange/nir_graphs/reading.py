"""A graph of NIR as a model: its neurons become nodes, and what lies between them edges with a delay."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from workbench.engine import IntegrateAndFire, Neuron
from workbench.exchange.nir_graphs.axis_order import require_axis_order, turn_images
from workbench.exchange.nir_graphs.drives import DelayedPath
from workbench.exchange.nir_graphs.elimination import Driven, find_drives
from workbench.exchange.nir_graphs.files import read_nir
from workbench.exchange.nir_graphs.flat_graph import FlatGraph, flatten_graph, unescape_name
from workbench.exchange.nir_graphs.neurons import READERS as NEURONS
from workbench.exchange.nir_graphs.neurons import Reading, exceed_threshold
from workbench.exchange.nir_graphs.node_fields import require_notes
from workbench.model import Grid, Model, count_digits, find_off_grid
from workbench.network import Edge, Network, find_cycle, keep_acyclic
from workbench.validation import require_whole

if TYPE_CHECKING:
    from nir import NIRGraph


def from_nir(
    source: str | PathLike[str] | NIRGraph,
    *,
    tick_s: float | None = None,
    ticks_per_frame: int | None = None,
    reset: str | None = None,
    burst: int | None = None,
    strict_threshold: bool = False,
    loop_delay: int | None = None,
    axis_order: str = "yx",
    output: str | None = None,
    metadata: bool = True,
) -> Model:
    """The SNN of a file or graph of NIR, its neurons as nodes, what lies between them as edges with a delay.

    Input, Output, Conv1d, Conv2d, Affine, Linear, Scale, Flatten, IF, LIF, Threshold, SumPool2d, AvgPool2d, Delay and
    graphs within the graph are read, recurrent ones too. A neuron that leads into an Output becomes a node of its own,
    and an Identity edge brings its spikes to the output. What `to_nir` wrote comes back as it was, bit for bit.

    What a file leaves open, and changes numbers: `tick_s`, the seconds of a tick, by which delays, r / tau and r become
    numbers of a tick (what the metadata say, else 1); `ticks_per_frame` of the model (else 1); `reset`, "zero", to
    v_reset as NIR says, or "subtract", by v_threshold - v_reset; `burst`, at most so many spikes a tick (else 1);
    `strict_threshold`, whether a neuron fires only above its threshold, as NIR's equation has it, and not when it is
    reached, as most simulators do; `loop_delay`, ticks of a loop that the file gives no delay, as simulators take one
    that compute node by node; `axis_order`, "yx" for channels, height, width, "xy" for channels, width, height;
    `output`, where there are several. `metadata=False` reads a file as those do who know nothing of the workbench.

    ValueError, with file, node and cure, for what cannot be expressed: CubaLIF, CubaLI, LI and I, a loop without delay,
    numbers that differ within a channel, a leak that is no power of two, shapes that disagree. A warning for biases
    that begin later than in the file: here a node is silent before its first response.

    Source: Pedersen et al. 2024, Nature Communications 15:8122 (NIR).

    >>> network = Network({"eye": (2,)}, [Edge("eye", "v1", Dense(3), delay=4), Edge("v1", "hand", Dense(2))])
    >>> snn = Model(network, neuron=IntegrateAndFire(start=0.5), norm=None, ticks_per_frame=4)
    >>> again = from_nir(wb.to_nir(snn))
    >>> again.network == network, again.neuron == snn.neuron, again.ticks_per_frame
    (True, True, 4)
    """
    require_axis_order(axis_order)
    where = str(source) if isinstance(source, str | PathLike) else "this graph"
    graph: NIRGraph = read_nir(source) if isinstance(source, str | PathLike) else _require_graph(source)
    with _naming(where):
        notes = _notes(graph, metadata)
        tick = _take_tick(tick_s, notes)
        reading = Reading(tick, reset, burst, metadata)
        flat = flatten_graph(graph)
        chosen = _choose_output(flat, output, notes)
        driven = find_drives(flat, chosen, reading)
        network, paths = _build(driven, chosen, loop_delay, axis_order)
        k = _plain_number(notes.get("ticks_per_frame", 1)) if ticks_per_frame is None else ticks_per_frame
        model = _fill(network, paths, driven, require_whole("ticks_per_frame", k), strict_threshold)
        model.grid = _find_grid(model, flat, notes, metadata)
    if notes.get("bias_begins") != "first response":
        _warn_of_biases(model, where)
    return model.eval()


@contextmanager
def _naming(where: str) -> Iterator[None]:
    """ValueError, with the file, for whatever is wrong with it."""
    try:
        yield
    except (ValueError, OverflowError, RuntimeError) as error:
        raise ValueError(f"{where}: {error}") from error


def _require_graph(source: Any) -> NIRGraph:
    if not hasattr(source, "nodes") or not hasattr(source, "edges"):
        raise ValueError(
            f"wb.from_nir takes a path or a nir.NIRGraph, not a {type(source).__name__}; read it by nir.read"
        )
    graph: NIRGraph = source
    return graph


def _notes(graph: NIRGraph, metadata: bool) -> Mapping[str, Any]:
    """What the workbench wrote beside the whole graph."""
    if not metadata:
        return {}
    require_notes("the graph", graph.metadata)
    notes: Mapping[str, Any] = graph.metadata.get("workbench", {})
    return notes


def _take_tick(tick_s: float | None, notes: Mapping[str, Any]) -> float:
    tick = _plain_number(notes.get("tick_s", 1.0)) if tick_s is None else tick_s
    if isinstance(tick, bool) or not isinstance(tick, int | float) or not 0 < tick < math.inf:
        raise ValueError(f"tick_s={tick!r} must be a positive number of seconds, such as 0.001")
    return float(tick)


def _plain_number(value: Any) -> Any:
    """A number as Python's, which comes out of a file as numpy's."""
    return value.item() if hasattr(value, "item") and getattr(value, "size", 1) == 1 else value


def _choose_output(flat: FlatGraph, output: str | None, notes: Mapping[str, Any]) -> str:
    """The Output whose node answers; ValueError where that is not said."""
    noted = notes.get("output")
    if noted is not None and not isinstance(noted, str | bytes):
        raise ValueError(f"output={noted!r} of its metadata is no name; choose output=, or read it with metadata=False")
    noted = unescape_name(noted.decode() if isinstance(noted, bytes) else noted) if noted is not None else None
    chosen = output or noted or (flat.outputs[0] if len(flat.outputs) == 1 else None)
    if chosen is None or chosen not in flat.outputs:
        known = ", ".join(map(repr, flat.outputs))
        raise ValueError(f"output={chosen!r} is none of its outputs; choose output= from {known}")
    before = flat.before()
    linear = [one for one in flat.outputs if one != chosen and any(_is_linear(flat, node) for node in before[one])]
    if linear:
        warnings.warn(f"left out: what leads to {', '.join(map(repr, linear))} alone, beside {chosen!r}", stacklevel=4)
    return chosen


def _is_linear(flat: FlatGraph, name: str) -> bool:
    return type(flat.nodes[name]).__name__ not in NEURONS


def _build(driven: Driven, output: str, loop_delay: int | None, axis_order: str) -> tuple[Network, list[DelayedPath]]:
    """The network, and by edge its numbers."""
    latencies = {node: neuron.latency for node, neuron in driven.neurons.items()}
    edges = []
    for _, target, path in driven.connections:
        edges.append(Edge(path.source, target, path.operation, path.delay + latencies.get(path.source, 0)))
    edges = _delay_loops(edges, loop_delay)
    network = Network(driven.inputs, edges, output=output)
    paths = [connection.path for connection in driven.connections]
    if axis_order == "yx":
        return network, paths
    network, turned = turn_images(network, {position: path.weights for position, path in enumerate(paths)})
    return network, [replace(path, weights=tuple(turned[position])) for position, path in enumerate(paths)]


def _delay_loops(edges: Sequence[Edge], loop_delay: int | None) -> list[Edge]:
    """The edges, of which those that close a loop without delay get one; ValueError where none is named."""
    at_once = [edge.ends for edge in edges if edge.delay == 0]
    if loop_delay is None:
        loop = find_cycle(at_once)
        if loop:
            raise ValueError(
                f"{' -> '.join(loop)} is a loop without delay; add a Delay node to it, or read it with "
                "loop_delay=1, as simulators run it that compute node by node"
            )
        return [*edges]
    ticks, kept = require_whole("loop_delay", loop_delay), iter(keep_acyclic(at_once))
    return [edge if edge.delay or next(kept) else replace(edge, delay=ticks) for edge in edges]


def _fill(
    network: Network, paths: Sequence[DelayedPath], driven: Driven, ticks_per_frame: int, strict_threshold: bool
) -> Model:
    """The model with the numbers of the paths."""
    neurons: dict[str, Neuron] = dict(driven.neurons)
    if strict_threshold:
        for node in neurons:
            neurons[node] = exceed_threshold(neurons[node], _count_digits(network, paths, driven, node))
    given = {node: neurons[node] for node in network.hidden}
    model = Model(network, norm=None, neuron=given or IntegrateAndFire(), ticks_per_frame=ticks_per_frame)
    with torch.no_grad():
        for position, path in enumerate(paths):
            for parameter, weight in zip(model.weights[position].parameters(), path.weights, strict=True):
                parameter.copy_(weight)
            if path.gain is not None:
                axes = [1] * (len(network.shape_of(network.edges[position].target)) - 1)
                model.gains[str(position)] = nn.Parameter(path.gain.float().view(-1, *axes).clone())
        for node, bias in driven.biases.items():
            model.node_layer(node).bias.copy_(bias)
    return model


def _count_digits(network: Network, paths: Sequence[DelayedPath], driven: Driven, node: str) -> int:
    """Binary digits behind the point that drives of a node have."""
    digits = [count_digits(driven.biases[node])] if node in driven.biases else [0]
    for position in network.incoming(node):
        path = paths[position]
        gain = [path.gain] if path.gain is not None else []
        digits.append(sum(map(count_digits, [*path.weights, *gain])))
    return max(digits)


def _find_grid(model: Model, flat: FlatGraph, notes: Mapping[str, Any], metadata: bool) -> Grid | None:
    """The grid that the metadata name, where the numbers are on it."""
    if not metadata or "input_counts" not in notes:
        return None
    bits = {}
    for node in model.network.nodes:
        noted = flat.nodes[node].metadata.get("workbench", {})
        if "bits" in noted and node not in model.network.inputs:
            bits[node] = require_whole(f"metadata of {node!r}: bits", _plain_number(noted["bits"]), 0)
    if len(bits) + len(model.network.inputs) < len(model.network.nodes):
        return None
    counts = require_whole("metadata: input_counts", _plain_number(notes["input_counts"]))
    grid = Grid(bits, counts, rounding=dict.fromkeys(bits, 0.0))
    off = find_off_grid(model, grid)
    if off is not None:
        warnings.warn(f"{off} are not on the grid that the metadata name; sums of this SNN are rounded", stacklevel=4)
        return None
    return grid


def _warn_of_biases(model: Model, where: str) -> None:
    """A warning that names nodes whose biases begin later than in a file, where they begin with the first tick."""
    network = model.network
    later = {
        node: network.first_response_of(node)
        for node in network.nodes
        if node not in network.inputs and network.first_response_of(node) and bool(model.node_layer(node).bias.any())
    }
    if later:
        named = ", ".join(f"{node!r} with tick {tick}" for node, tick in later.items())
        warnings.warn(
            f"{where}: biases begin with the first response here, and with tick 0 in the file: {named}", stacklevel=3
        )
