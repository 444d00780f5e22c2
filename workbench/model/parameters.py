"""The numbers of a model: weights drawn by the fan-in of their targets, what nodes add, and how others replace them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import nn

from workbench.engine import Bias, Norm
from workbench.network import Network, connected_components


def draw_weights(network: Network, generator: torch.Generator | None) -> list[nn.ParameterList]:
    """Weights of every edge: variance 2 / fan-in, with the fan-in of all edges into the node together.

    Without a generator none is drawn: they are what torch finds on its default device, such as "meta".

    Source: He, Zhang, Ren, Sun 2015, arXiv 1502.01852.

    >>> network = Network({"image": (1, 4, 4)}, [Edge("image", "class", Dense(2))])
    >>> [tuple(weight.shape) for weight in draw_weights(network, torch.Generator().manual_seed(0))[0]]
    [(2, 16)]
    """
    fan_in = dict.fromkeys(network.nodes, 0)
    for edge in network.edges:
        fan_in[edge.target] += edge.operation.fan_in(network.shape_of(edge.source))
    weights = []
    for edge in network.edges:
        shapes = edge.operation.weight_shapes(network.shape_of(edge.source))
        deviation = math.sqrt(2 / fan_in[edge.target]) ** (1 / max(1, len(shapes)))
        if generator is None:
            drawn = [torch.empty(shape) for shape in shapes]
        else:
            drawn = [deviation * torch.randn(shape, generator=generator) for shape in shapes]
        weights.append(nn.ParameterList(map(nn.Parameter, drawn)))
    return weights


def take_norms(network: Network, norm: str | Iterable[str] | None) -> str | tuple[str, ...] | None:
    """Which nodes have a batch norm: "batch" for every hidden one, None for none, else their names in order.

    ValueError for another word, and for a node that is not hidden.

    >>> network = Network({"eye": (2,)}, [Edge("eye", "v1", Dense(3)), Edge("v1", "hand", Dense(1))])
    >>> take_norms(network, ["v1"]), take_norms(network, [])
    ('batch', None)
    """
    if norm is None or norm == "batch":
        return norm
    if isinstance(norm, str) or not isinstance(norm, Iterable):
        raise ValueError(f'norm={norm!r} is unknown; choose "batch", None, or a list of hidden nodes')
    named = list(norm)
    for node in named:
        if node not in network.hidden:
            known = ", ".join(network.hidden) or "there are none"
            raise ValueError(f"norm names {node!r}, which cannot have a batch norm; hidden nodes can: {known}")
    found = tuple(node for node in network.hidden if node in set(named))
    return "batch" if found and found == network.hidden else found or None


def make_layers(network: Network, norm: str | tuple[str, ...] | None) -> dict[str, Bias | Norm]:
    """By node the bias or, where `norm` says so, the batch norm, which must know whether the node lies on a cycle."""
    normed = frozenset(network.hidden if norm == "batch" else norm or ())
    pairs = [edge.ends for edge in network.edges]
    cyclic = {source for source, target in pairs if source == target}
    for part in connected_components(network.nodes, pairs) if normed else ():
        cyclic |= part if len(part) > 1 else set()
    layers: dict[str, Bias | Norm] = {}
    for node in network.nodes:
        if node not in network.inputs:
            shape = network.shape_of(node)
            layers[node] = Norm(node, shape, on_cycle=node in cyclic) if node in normed else Bias(shape)
    return layers


class Loaded(NamedTuple):
    """Which names of a module were not given numbers, and which numbers it has no place for."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def load_parameters(module: nn.Module, numbers: Mapping[str, Any], strict: bool, assign: bool) -> Loaded:
    """Do as `torch.nn.Module.load_state_dict` does, which looks through all numbers once for every module in a list.

    Only modules without others inside may hold numbers. RuntimeError for a wrong shape and, if `strict`, where the
    names are not those of the module.
    """
    groups: dict[str, dict[str, Any]] = {}
    for name, values in numbers.items():
        place, _, own = name.rpartition(".")
        groups.setdefault(place, {})[own] = values
    missing: list[str] = []
    unexpected: list[str] = []
    for place, inner in module.named_modules():
        if next(inner.children(), None) is None:
            found = inner.load_state_dict(groups.pop(place, {}), strict=False, assign=assign)
            missing += [f"{place}.{own}" for own in found.missing_keys]
            unexpected += [f"{place}.{own}" for own in found.unexpected_keys]
    unexpected += [f"{place}.{own}".removeprefix(".") for place, group in groups.items() for own in group]
    if strict and (missing or unexpected):
        raise RuntimeError(f"missing numbers: {missing}, unexpected ones: {unexpected}, for {module!r}")
    return Loaded(missing, unexpected)
