"""An ANN as a plain module of torch, unrolled for so many frames."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from keyword import iskeyword

import torch
from torch import Tensor, fx, nn

from workbench.conversion import fold_batchnorm
from workbench.model import Model, require_model
from workbench.network import reachable, topological_order
from workbench.validation import require_whole


def to_torch(model: Model, *, steps: int) -> fx.GraphModule:
    """An ANN as a module of torch alone, unrolled for `steps` frames: code, layers and numbers, nothing of ours.

    It takes frames (steps, batch, *input shape), one tensor for each input in the order of the network's, and gives the
    output's drive at every step (steps, batch, classes), zero before its first response, as the model does in eval
    mode; batch norms are folded, nodes that lead to no answer left out. Its `state_dict` names nodes and edges
    ("nodes.v1.bias", "nodes.v1.from_eye.weight"), its `code` can be read, and torch.export and torch.jit.script take
    it. The model is not changed.

    ValueError for a model that spikes, and where the output answers first after so many steps.

    >>> network = Network({"eye": (1, 4, 4)}, [Edge("eye", "v1", Dense(3)), Edge("v1", "hand", Dense(2))])
    >>> plain = wb.to_torch(Model(network), steps=5)
    >>> plain(torch.zeros(5, 7, 1, 4, 4)).shape, list(plain.state_dict())[-1]
    (torch.Size([5, 7, 2]), 'nodes.hand.from_v1.weight')
    """
    model, steps = require_model(model, "wb.to_torch"), require_whole("to_torch: steps", steps)
    if model.spiking:
        raise ValueError(
            "wb.to_torch takes an ANN, but this model spikes: a plain module has no membranes; give the ANN that it "
            "was converted from, or keep the SNN by wb.save_model"
        )
    first = model.network.first_response_of(model.network.output)
    if steps <= first:
        raise ValueError(
            f"to_torch: steps={steps}, but {model.network.output!r} answers first at step {first}; unroll at least "
            f"{first + 1} steps, or take model.sequential()"
        )
    unrolled = _Unrolled(fold_batchnorm(model))
    return unrolled.build(steps).eval()


class _Unrolled:
    """A graph of torch's operations in the making."""

    def __init__(self, model: Model) -> None:
        self.model, self.network, self.graph = model, model.network, fx.Graph()
        self.keys = _name_attributes(self.network.nodes)
        backwards = [(edge.target, edge.source) for edge in self.network.edges]
        self.answering = reachable([self.network.output], backwards) - set(self.network.inputs)
        self.root = nn.Module()
        self.root.add_module("nodes", self._gather_numbers())
        self.values: dict[tuple[str, int], fx.Node] = {}

    def build(self, steps: int) -> fx.GraphModule:
        """The module: every node at every step from its first response on."""
        for node, shape in self.network.inputs.items():
            frames = self.graph.placeholder(self.keys[node])
            self._require_steps(frames, steps)
            frames = self._encode(frames, len(shape))
            for step in range(steps):
                self.values[node, step] = self.graph.call_function(operator.getitem, (frames, step))
        instant = [edge.ends for edge in self.network.edges if edge.delay == 0]
        nodes = [node for node in topological_order(self.network.nodes, instant) if node in self.answering]
        for step in range(steps):
            for node in nodes:
                if step >= self.network.first_response_of(node):
                    self.values[node, step] = self._answer(node, step)
        answers = [self.values.get((self.network.output, step)) for step in range(steps)]
        silent = self.graph.call_function(torch.zeros_like, (answers[-1],))
        stacked = self.graph.call_function(torch.stack, ([silent if one is None else one for one in answers],))
        self.graph.output(stacked)
        module = fx.GraphModule(self.root, self.graph, "UnrolledNetwork")
        module.graph.eliminate_dead_code()
        module.recompile()
        return module

    def _answer(self, node: str, step: int) -> fx.Node:
        """What a node answers at a step to what arrives there."""
        drive = None
        for position in self.network.incoming(node):
            edge = self.network.edges[position]
            source = self.values.get((edge.source, step - edge.delay))
            if source is not None:
                brought = self._connect(node, position, source)
                drive = brought if drive is None else self.graph.call_function(torch.add, (drive, brought))
        drive = self.graph.call_function(torch.add, (drive, self.graph.get_attr(f"nodes.{self.keys[node]}.bias")))
        return drive if node == self.network.output else self._fire(node, drive)

    def _connect(self, node: str, position: int, source: fx.Node) -> fx.Node:
        place = f"nodes.{self.keys[node]}.{self._edge_key(position)}"
        brought = self.graph.call_module(place, (source,))
        if str(position) not in self.model.gains:
            return brought
        return self.graph.call_function(torch.mul, (brought, self.graph.get_attr(f"{place}_gain")))

    def _fire(self, node: str, drive: fx.Node) -> fx.Node:
        """The neuron: a ReLU, or one clipped at its ceiling and, where it has levels, rounded to them."""
        neuron, call = self.model.neuron_of(node), self.graph.call_function
        if neuron.rectifies:
            return call(torch.relu, (drive,))
        if not neuron.bounded:
            raise ValueError(f"to_torch: {node!r} answers by {neuron!r}, which has no operations of torch; use ReLU()")
        ceiling = self.graph.get_attr(f"nodes.{self.keys[node]}.ceiling")
        activity = call(torch.clamp, (call(torch.div, (drive, ceiling)), 0, 1))
        if neuron.activity_levels is not None:
            steps = call(torch.floor, (call(torch.add, (call(torch.mul, (activity, neuron.activity_levels)), 0.5)),))
            activity = call(torch.div, (steps, neuron.activity_levels))
        return call(torch.mul, (activity, ceiling))

    def _require_steps(self, frames: fx.Node, steps: int) -> None:
        """Have other numbers of frames refused."""
        count = self.graph.call_method("size", (frames, 0))
        right = self.graph.call_function(operator.eq, (count, steps))
        words = f"this module was unrolled for {steps} frames; give so many, or unroll the model anew"
        self.graph.call_function(torch._assert, (right, words))

    def _encode(self, frames: fx.Node, axes: int) -> fx.Node:
        """What the first edges get of the frames."""
        encoding, call = self.model.input_encoding, self.graph.call_function
        if encoding.function is not None:
            frames = ENCODINGS[encoding.function](self.graph, frames, list(range(2, 2 + axes)))
        return frames if encoding.factor == 1 else call(torch.mul, (frames, encoding.factor))

    def _edge_key(self, position: int) -> str:
        """How the edge is called in its node; parallel ones by their delays too."""
        edge = self.network.edges[position]
        several = sum(other.ends == edge.ends for other in self.network.edges) > 1
        return f"from_{self.keys[edge.source]}" + (f"_{edge.delay}_ago" if several else "")

    def _gather_numbers(self) -> nn.Module:
        """The layers of all edges in their nodes, with biases, gains and ceilings."""
        nodes = nn.Module()
        for node in self.network.nodes:
            if node not in self.answering:
                continue
            inner, axes = nn.Module(), len(self.network.shape_of(node)) - 1
            inner.register_parameter("bias", _parameter(self.model.node_layer(node).bias.view(-1, *[1] * axes)))
            if node != self.network.output and self.model.neuron_of(node).bounded:
                inner.register_parameter("ceiling", _parameter(self.model.ceiling(node)))
            for position in self.network.incoming(node):
                edge, key = self.network.edges[position], self._edge_key(position)
                layer = edge.operation.as_layer(self.network.shape_of(edge.source))
                layer.to(self.model.device, self.model.dtype)
                for mine, theirs in zip(layer.parameters(), self.model.weights[position].parameters(), strict=True):
                    mine.data.copy_(theirs.detach())
                inner.add_module(key, layer)
                if str(position) in self.model.gains:
                    inner.register_parameter(f"{key}_gain", _parameter(self.model.gains[str(position)]))
            nodes.add_module(self.keys[node], inner)
        return nodes


def _parameter(values: Tensor) -> nn.Parameter:
    return nn.Parameter(values.detach().clone())


def _name_attributes(nodes: tuple[str, ...]) -> dict[str, str]:
    """For every node a name that an attribute of a module can have."""
    found: dict[str, str] = {}
    for node in nodes:
        key = re.sub(r"\W", "_", node)
        key = f"node_{key}" if not key.isidentifier() or iskeyword(key) or hasattr(nn.Module(), key) else key
        while key in found.values():
            key += "_"
        found[node] = key
    return found


def _take_logarithm(graph: fx.Graph, frames: fx.Node, places: list[int]) -> fx.Node:
    return graph.call_function(torch.log1p, (frames,))


def _standardise(graph: fx.Graph, frames: fx.Node, places: list[int]) -> fx.Node:
    """Every frame to mean 0 and deviation 1; constant ones to 0."""
    call = graph.call_function
    highest, lowest = (call(limit, (frames, places, True)) for limit in (torch.amax, torch.amin))
    varied = call(torch.gt, (highest, lowest))
    centred = call(torch.sub, (frames, call(torch.mean, (frames, places, True))))
    deviation = call(torch.sqrt, (call(torch.mean, (call(torch.square, (centred,)), places, True)),))
    ones = call(torch.ones_like, (deviation,))
    scaled = call(torch.div, (centred, call(torch.where, (varied, deviation, ones))))
    return call(torch.where, (varied, scaled, call(torch.zeros_like, (scaled,))))


ENCODINGS: Mapping[str, Callable[[fx.Graph, fx.Node, list[int]], fx.Node]] = {
    "log1p": _take_logarithm,
    "standardise": _standardise,
}
