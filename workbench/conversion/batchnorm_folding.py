"""Numbers moved through linear maps: batch norm into weights and biases, scales into edges."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from workbench.engine import NORM_EPSILON, Norm
from workbench.model import Model


def fold_batchnorm(model: Model) -> Model:
    """The same model without batch norm: W gain / sqrt(variance + eps), bias - mean gain / sqrt(variance + eps).

    Source: Rueckauer et al. 2017.
    """
    folded = Model(
        model.network, norm=None, neuron=model.neuron, neurons=model.exceptions, ticks_per_frame=model.ticks_per_frame,
        input_factor=model.input_factor, input_function=model.input_function,
    )  # fmt: skip
    copy_numbers(model, folded)
    for node in model.network.nodes:
        layer = None if node in model.network.inputs else model.node_layer(node)
        if isinstance(layer, Norm):
            factor = (layer.gain / (layer.variance + NORM_EPSILON).sqrt()).detach()
            for position in model.network.incoming(node):
                scale_target(folded, position, factor)
            with torch.no_grad():
                folded.node_layer(node).bias.copy_(layer.bias - layer.mean * factor)
    return folded.eval()


def copy_numbers(model: Model, into: Model) -> None:
    """Give a model of the same nodes and edges the numbers of another, as far as it has a place for them."""
    into.to(model.device, model.dtype)
    into.load_state_dict({n: t for n, t in model.state_dict().items() if not n.startswith("gains")}, strict=False)
    for key, gain in model.gains.items():
        into.gains[key] = nn.Parameter(gain.detach().clone())
    into.provenance = model.provenance


@torch.no_grad()
def scale_target(model: Model, position: int, factor: Tensor) -> None:
    """Multiply what an edge brings by a factor, one number or one per channel of its target."""
    weights = list(model.weights[position].parameters())
    if weights:
        weights[-1].mul_(factor.view(-1, *[1] * (weights[-1].ndim - 1)) if factor.ndim else factor)
        return
    shape = model.network.shape_of(model.network.edges[position].target)
    gain = factor.expand(shape[0]).reshape(-1, *[1] * (len(shape) - 1)).clone()
    key = str(position)
    model.gains[key] = nn.Parameter(model.gains[key] * gain if key in model.gains else gain)


@torch.no_grad()
def scale_source(model: Model, position: int, factor: Tensor) -> None:
    """Multiply the source of an edge by a factor, one number or one per channel of its source."""
    edge = model.network.edges[position]
    weights = list(model.weights[position].parameters())
    if not weights or factor.ndim == 0:
        scale_target(model, position, factor)  # a map without weights keeps channels apart
        return
    weights[0].mul_(edge.operation.weigh_source(model.network.shape_of(edge.source), factor))
