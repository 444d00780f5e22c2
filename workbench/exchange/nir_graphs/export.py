"""An SNN as a graph of NIR: its neurons, its linear maps and the delays that its edges execute."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from workbench.exchange.nir_graphs.files import require_nir, write_nir
from workbench.exchange.nir_graphs.links import Written, write_bias, write_link
from workbench.exchange.nir_graphs.neurons import write_neuron
from workbench.model import Model, require_model
from workbench.network import Edge, Identity, Shape

if TYPE_CHECKING:
    from nir import NIRGraph, NIRNode


def to_nir(model: Model, path: str | Path | None = None, *, tick_s: float = 1.0, expand: bool = True) -> NIRGraph:
    """An SNN as a graph of NIR, written to a file too where a path is given.

    Every hidden node becomes an IF or LIF of its own name, every edge the nodes of its linear maps, behind a Delay of
    the ticks that it executes; pools of sums stay pools. What NIR has no field for stands in the metadata "workbench"
    of the node that it belongs to (the options of its neuron that differ from those of a neuron that starts at 0, has
    no floor and is reset to 0; `bits` of the grid), and of the graph: `tick_s`, `ticks_per_frame`, `output`,
    `input_counts`, and `bias_begins` "first response", for NIR gives a bias from the first tick on. Nothing is there
    twice.

    `tick_s`: seconds of a tick; 1 makes every time constant a number of ticks, which those who do not multiply by the
    time step read alike. `expand`: kernels that are no squares, and groups, are filled up with zeros, for NIR up to
    1.0.8 reads others only with `nir.read(path, type_check=False)`; the metadata say what they were.

    ValueError, with the node and what to do, for a model that does not spike or is not float32, and for what NIR has no
    node for: neurons other than IntegrateAndFire and LeakyIntegrateAndFire, edges out of the output. ImportError where
    the package nir is not installed.

    Source: Pedersen et al. 2024, Nature Communications 15:8122 (NIR).

    >>> network = Network({"eye": (2,)}, [Edge("eye", "v1", Dense(3)), Edge("v1", "hand", Dense(2))])
    >>> graph = to_nir(Model(network, neuron=IntegrateAndFire(), norm=None))
    >>> [(name, type(node).__name__) for name, node in graph.nodes.items()][:4]
    [('eye', 'Input'), ('eye_v1_delay', 'Delay'), ('eye_v1_dense', 'Affine'), ('v1', 'IF')]
    """
    nir, model = require_nir(), require_model(model, "wb.to_nir")
    _require_writable(model, tick_s)
    graph = _Graph(model, float(tick_s), expand)
    for node in model.network.nodes:
        graph.add_node(node)
    for position, _ in enumerate(model.network.edges):
        graph.add_edge(position)
    described = _describe(model, float(tick_s))
    checked = expand and not graph.unchecked
    built: NIRGraph = nir.NIRGraph(graph.in_order(), graph.edges, metadata=described, type_check=checked)
    if path is not None:
        write_nir(built, path)
    return built


def escape_name(node: str) -> str:
    """The name of a node in a file, where "/" begins a group.

    >>> escape_name("layer/1"), escape_name("50%")
    ('layer%2F1', '50%25')
    """
    escaped = node.replace("%", "%25").replace("/", "%2F")
    return escaped.replace(".", "%2E") if set(node) == {"."} else escaped


def _require_writable(model: Model, tick_s: float) -> None:
    """ValueError for what no file of NIR can hold."""
    network = model.network
    if not isinstance(tick_s, int | float) or isinstance(tick_s, bool) or not 0 < tick_s < math.inf:
        raise ValueError(f"tick_s={tick_s!r} must be a positive number of seconds, such as 0.001")
    if not model.spiking:
        raise ValueError(
            "wb.to_nir takes an SNN, and this model is an ANN, for whose ReLU NIR has no node: convert it by wb.convert"
        )
    if model.norm is not None:
        raise ValueError("this SNN has batch norms, for which NIR has no node; wb.train folds them at its end")
    if str(model.dtype) != "torch.float32":
        raise ValueError(f"this SNN has numbers of {model.dtype}, and files of NIR hold float32: call model.float()")
    for edge in network.edges:
        if edge.source == network.output:
            raise ValueError(
                f"edge {edge.name}: NIR's Output is an end, and {network.output!r} feeds others; name another output="
            )


def _describe(model: Model, tick_s: float) -> dict[str, Any]:
    """What belongs to the whole graph and NIR has no field for."""
    described = {
        "tick_s": tick_s,
        "ticks_per_frame": model.ticks_per_frame,
        "output": escape_name(model.network.output),
        "bias_begins": "first response",
    }
    if model.grid is not None:
        described["input_counts"] = model.grid.input_counts
    return {"workbench": described}


class _Graph:
    """The nodes and edges of a graph of NIR while it is being made."""

    def __init__(self, model: Model, tick_s: float, expand: bool) -> None:
        self.model, self.tick_s, self.expand = model, tick_s, expand
        self.nodes: dict[str, NIRNode] = {}
        self.edges: list[tuple[str, str]] = []
        self.taken = {escape_name(node) for node in model.network.nodes}
        self.unchecked = False
        self.biases = {node: _bias_of(model, node) for node in model.network.nodes if node not in model.network.inputs}
        self.before: dict[str, list[str]] = {}

    def add_node(self, node: str) -> None:
        """An input, a neuron or the output, by its own name."""
        nir, network, shape = require_nir(), self.model.network, np.array(self.model.network.shape_of(node))
        if node in network.inputs:
            written = nir.Input({"input": shape})
        elif node == network.output:
            written = nir.Output({"output": shape})
        else:
            written = write_neuron(self.model.neuron_of(node), node, network.shape_of(node), self.tick_s)
        grid = self.model.grid
        if grid is not None and node in grid.bits:
            written.metadata.setdefault("workbench", {})["bits"] = grid.bits[node]
        self.nodes[escape_name(node)] = written

    def add_edge(self, position: int) -> None:
        """The delay and the maps of an edge, and the bias of its target where this is the edge that carries it."""
        edge, network = self.model.network.edges[position], self.model.network
        shape, target = network.shape_of(edge.source), network.shape_of(edge.target)
        parts = self._delay(self.model.executed_delay(position), shape)
        parts += self._maps(edge, shape, [*self.model.weights[position].parameters()])
        if str(position) in self.model.gains:
            scale = self.model.gains[str(position)].detach().cpu().expand(target).numpy().copy()
            parts.append(Written("scale", require_nir().Scale(scale, metadata={"workbench": {"gain": 1}})))
        parts = self._with_bias(edge.target, target, parts)
        named = self._name(edge, parts)
        names = [escape_name(edge.source), *named, escape_name(edge.target)]
        self.nodes.update({name: part.node for name, part in zip(named, parts, strict=True)})
        self.edges += list(pairwise(names))
        self.before.setdefault(edge.target, []).extend(named)

    def in_order(self) -> dict[str, NIRNode]:
        """The nodes, each map before the neuron that it drives."""
        ordered: dict[str, NIRNode] = {}
        for node in self.model.network.nodes:
            for name in (*self.before.get(node, []), escape_name(node)):
                ordered[name] = self.nodes[name]
        return ordered

    def _delay(self, ticks: int, shape: Shape) -> list[Written]:
        if not ticks:
            return []
        delay = np.full(shape, ticks * self.tick_s)  # in float64, which holds every number of ticks
        return [Written("delay", require_nir().Delay(delay))]

    def _maps(self, edge: Edge, shape: Shape, weights: Sequence[Tensor]) -> list[Written]:
        parts: list[Written] = []
        if edge.operation == Identity():
            return parts
        for link in edge.operation.links:
            count = len(link.weight_shapes(shape))
            parts += write_link(link, shape, weights[:count], self.expand)
            shape, weights = link.output_shape(shape), weights[count:]
        self.unchecked |= any(_is_rectangular(part.node) for part in parts)
        return parts

    def _with_bias(self, node: str, shape: Shape, parts: list[Written]) -> list[Written]:
        """The parts, the last of which adds the bias of the node, unless that is 0 or an edge before has added it."""
        bias = self.biases.get(node)
        if bias is None:
            return parts
        del self.biases[node]
        if not parts or parts[-1].kind not in ("dense", "conv"):
            return [*parts, write_bias(shape, bias)]
        parts[-1].node.bias = bias
        return parts

    def _name(self, edge: Edge, parts: Sequence[Written]) -> list[str]:
        """Names for the parts of an edge that no other node has."""
        stem, names = f"{escape_name(edge.source)}_{escape_name(edge.target)}", []
        for part in parts:
            name, number = f"{stem}_{part.kind}", 1
            while name in self.taken:
                number += 1
                name = f"{stem}_{part.kind}_{number}"
            self.taken.add(name)
            names.append(name)
        return names


def _bias_of(model: Model, node: str) -> NDArray[Any] | None:
    """The bias of a node; None where it is 0."""
    bias = model.node_layer(node).bias.detach().cpu()
    return bias.numpy().copy() if bool(bias.any()) else None


def _is_rectangular(node: NIRNode) -> bool:
    """Whether NIR's check of types, which looks at the first axis of a kernel alone, fails for a node."""
    kernel = np.shape(getattr(node, "weight", 0))[2:]
    return len(set(kernel)) > 1
