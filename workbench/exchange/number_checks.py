"""The numbers in a file beside those that a model needs: names, shapes and types, before anything is made of them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from workbench.exchange.tensor_files import Layout
from workbench.model import Model
from workbench.network import Network

FLOATS = {"F32": torch.float32, "F64": torch.float64, "F16": torch.float16, "BF16": torch.bfloat16}
WHOLE = {"I64": torch.int64}
_GAINS = "gains"
MOST = 1 << 31  # numbers of one edge or node, up to which `require_layout` may compare shapes


def require_enough(network: Network, layout: Layout) -> None:
    """ValueError where a network needs many more numbers than there are, found without making one of them.

    >>> require_enough(Network({"image": (10**6,)}, [Edge("image", "class", Dense(10**12))]), {})
    Traceback (most recent call last):
    ValueError: edge image -> class needs 1,000,000,000,000,000,000 numbers, and the file holds 0 in all; save it again
    """
    held = sum(math.prod(shape) for _, shape in layout.values())
    for edge in network.edges:
        needed = sum(math.prod(shape) for shape in edge.operation.weight_shapes(network.shape_of(edge.source)))
        _require_held(f"edge {edge.name}", needed, held)
    for node in network.nodes:
        if node not in network.inputs:
            _require_held(f"node {node!r}", network.shape_of(node)[0], held)


def require_layout(model: Model, layout: Layout, prefix: str = "", *, same: bool = False) -> None:
    """ValueError, with edge or node, for a tensor that is missing, too much, or of another shape or type.

    The model may have no values yet. `prefix` stands before the names in the file. The types must be the `same` as
    those of the model, or else any that a model can have.
    """
    own = model.state_dict()
    for name, values in own.items():
        shape = tuple(values.shape)
        owner = f"tensor {prefix + name!r}, of {_owner(model.network, name)},"
        if name not in layout:
            raise ValueError(f"{owner} is missing; it has the shape {shape}: save it again")
        kind, found = layout[name]
        if found != shape:
            raise ValueError(f"{owner} has the shape {found}, but the network needs {shape}; save it again")
        kinds = FLOATS if values.is_floating_point() else WHOLE
        known = [one for one, dtype in kinds.items() if not same or dtype == values.dtype]
        if kind not in known:
            raise ValueError(f"{owner} is of type {kind}, where only {', '.join(known)} will do; save it again")
    unknown = [name for name in layout if name not in own]
    if unknown:
        raise ValueError(f"tensor {prefix + unknown[0]!r} belongs to nothing in the network; save it again")


def add_gains(model: Model, layout: Layout) -> None:
    """Give a model without values the gains that a file holds, without values too.

    ValueError unless each is that of an edge, and can be multiplied with its target: one number, or one for each
    channel, place or unit.
    """
    for name in sorted((name for name in layout if name.startswith(f"{_GAINS}.")), key=lambda name: (len(name), name)):
        place, shape = name.partition(".")[2], layout[name][1]
        if not _is_place(place, len(model.network.edges)):
            raise ValueError(f"tensor {name!r} belongs to nothing in the network; save it again")
        edge = model.network.edges[int(place)]
        target = model.network.shape_of(edge.target)
        ends = target[len(target) - len(shape) :] if len(shape) <= len(target) else ()
        if len(shape) > len(target) or any(size not in (1, most) for size, most in zip(shape, ends, strict=True)):
            raise ValueError(
                f"tensor {name!r}, of edge {edge.name}, has the shape {shape}, by which no target of shape {target} "
                "can be multiplied; save it again"
            )
        model.gains[place] = nn.Parameter(torch.empty(shape, device="meta"))


def require_sound(model: Model, tensors: Mapping[str, Tensor]) -> None:
    """ValueError for what no training leaves in a batch norm: variances or counts of runs below 0."""
    for name, values in tensors.items():
        if name.startswith("nodes.") and name.endswith((".runs", ".variance")) and bool((values < 0).any()):
            raise ValueError(
                f"tensor {name!r}, of {_owner(model.network, name)}, is negative, which neither a variance nor a count "
                "can be; save it again"
            )


def _require_held(owner: str, needed: int, held: int) -> None:
    if needed > max(held, MOST):
        raise ValueError(f"{owner} needs {needed:,} numbers, and the file holds {held:,} in all; save it again")


def _is_place(text: str, count: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10 and int(text) < count and str(int(text)) == text


def _owner(network: Network, name: str) -> str:
    """The edge or node that a tensor belongs to, in words."""
    kind, _, rest = name.partition(".")
    place = rest.partition(".")[0]
    if kind in ("weights", _GAINS) and _is_place(place, len(network.edges)):
        return f"edge {network.edges[int(place)].name}"
    if kind in ("nodes", "log_ceilings") and _is_place(place, len(network.nodes)):
        return f"node {network.nodes[int(place)]!r}"
    return "nothing in the network"
