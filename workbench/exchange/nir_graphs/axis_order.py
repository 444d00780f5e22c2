"""Images whose axes a file counts the other way round: channels, width, height."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import singledispatch
from typing import Any

from torch import Tensor

from workbench.network import Chain, Conv, Conv1d, Dense, Edge, Network, Operation, Pool, Shape

AXIS_ORDERS = ("yx", "xy")

Turned = tuple[Operation, Sequence[Tensor]]


def require_axis_order(axis_order: str) -> None:
    """ValueError for an order of axes that there is not."""
    if axis_order not in AXIS_ORDERS:
        raise ValueError(
            f'axis_order={axis_order!r} is unknown; choose "yx", channels, height, width, or "xy", channels, width, '
            "height"
        )


def turn_images(
    network: Network, weights: Mapping[int, Sequence[Tensor]]
) -> tuple[Network, dict[int, Sequence[Tensor]]]:
    """The network, and its weights by edge, that do with images what these do with their mirror at the diagonal.

    >>> network = Network({"eye": (1, 4, 6)}, [Edge("eye", "v1", Conv(2, (1, 3))), Edge("v1", "hand", Dense(2))])
    >>> turn_images(network, {0: [torch.ones(2, 1, 1, 3)], 1: [torch.ones(2, 48)]})[0].edges[0]
    Edge("eye", "v1", Conv(2, kernel=(3, 1)))
    """
    edges: list[Edge] = []
    turned: dict[int, Sequence[Tensor]] = {}
    for position, edge in enumerate(network.edges):
        operation, turned[position] = turn(edge.operation, network.shape_of(edge.source), weights[position])
        edges.append(replace(edge, operation=operation))
    inputs = {node: _swap(shape) for node, shape in network.inputs.items()}
    return Network(inputs, edges, output=network.output), turned


@singledispatch
def turn(operation: Operation, shape: Shape, weights: Sequence[Tensor]) -> Turned:
    """The operation of a source whose two last axes are exchanged, and its weights."""
    return operation, weights


@turn.register
def _(operation: Conv, shape: Shape, weights: Sequence[Tensor]) -> Turned:
    pairs = {name: getattr(operation, name) for name in ("kernel", "stride", "padding")}
    swapped: dict[str, Any] = {
        name: value[::-1] if isinstance(value, tuple) else value for name, value in pairs.items()
    }
    return replace(operation, **swapped), [weights[0].transpose(2, 3).contiguous()]


@turn.register
def _(operation: Conv1d, shape: Shape, weights: Sequence[Tensor]) -> Turned:
    return operation, weights


@turn.register
def _(operation: Pool, shape: Shape, weights: Sequence[Tensor]) -> Turned:
    kernel = operation.kernel
    return replace(operation, kernel=kernel[::-1] if isinstance(kernel, tuple) else kernel), weights


@turn.register
def _(operation: Dense, shape: Shape, weights: Sequence[Tensor]) -> Turned:
    if len(shape) != 3:
        return operation, weights
    return operation, [weights[0].view(-1, *shape).transpose(2, 3).flatten(1)]


@turn.register
def _(operation: Chain, shape: Shape, weights: Sequence[Tensor]) -> Turned:
    links: list[Operation] = []
    turned: list[Tensor] = []
    for link in operation.links:
        count = len(link.weight_shapes(shape))
        changed, numbers = turn(link, shape, weights[:count])
        links, turned = [*links, changed], [*turned, *numbers]
        shape, weights = link.output_shape(shape), weights[count:]
    return Chain(*links), turned


def _swap(shape: Shape) -> Shape:
    return (shape[0], shape[2], shape[1]) if len(shape) == 3 else shape
