"""The numbers of a model: weights drawn by the fan-in of their targets, what nodes add, and how others replace them."""

from __future__ import annotations

import math
from collections.abc import Mapping
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


def make_layers(network: Network, normed: bool) -> dict[str, Bias | Norm]:
    """By node the bias or, `normed` and hidden, the batch norm, which must know whether the node lies on a cycle."""
    pairs = [edge.ends for edge in network.edges]
    cyclic = {source for source, target in pairs if source == target}
    for part in connected_components(network.nodes, pairs) if normed else ():
        cyclic |= part if len(part) > 1 else set()
    layers: dict[str, Bias | Norm] = {}
    for node in network.nodes:
        if node not in network.inputs:
            shape = network.shape_of(node)
            plain = not normed or node == network.output
            layers[node] = Bias(shape) if plain else Norm(node, shape, on_cycle=node in cyclic)
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
