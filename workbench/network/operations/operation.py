"""What an edge does: the interface of all linear maps, and their registry."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from inspect import signature
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from workbench.network.operations.projective_field import ProjectiveField
from workbench.validation import whole

Shape = tuple[int, ...]

OPERATIONS: dict[str, type[Operation]] = {}
"""Every kind of operation by its name in files; a subclass of `Operation` registers itself."""


class UnknownOptionError(ValueError, TypeError):
    """An option that an operation has not; the message names it, what to use instead, and those that there are."""

    def __init__(self, operation: type[Operation], option: str) -> None:
        taken = list(signature(operation.__init__).parameters.values())[1:]
        known = [
            f"*{p.name}" if p.kind is p.VAR_POSITIONAL else f"{p.name}={'...' if p.default is p.empty else p.default}"
            for p in taken
        ]
        advice = operation.elsewhere.get(option, "leave it out")
        super().__init__(
            f"{operation.__name__} has no option {option}; {advice}: {operation.__name__}({', '.join(known)})"
        )


@dataclass(frozen=True, repr=False)
class Operation(ABC):
    """A linear map from one activity to another, without bias: what an edge does.

    A new kind is a subclass in a file beside this one, and nothing else: engines, counts and files take what it
    defines. `elsewhere` says for options that such a map has in other tools what to do here.
    """

    elsewhere: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        OPERATIONS[cls.__name__] = cls

    def __new__(cls, *values: Any, **options: Any) -> Self:
        """ValueError, with what to use instead, for an option that there is not."""
        for option in options:
            if option not in [f.name for f in fields(cls)]:
                raise UnknownOptionError(cls, option)
        return super().__new__(cls)

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """Shape of the target for a source of this shape; ValueError where the map cannot be applied to it."""

    @abstractmethod
    def projective_field(self, shape: Shape) -> ProjectiveField:
        """Which targets each source unit reaches, exact at the borders (padding is no target)."""

    @abstractmethod
    def __call__(self, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        """Apply the map to `x` of shape (items, *source shape), giving (items, *target shape)."""

    def shift(self, x: Tensor, weights: Sequence[Tensor], bias: Tensor) -> Tensor:
        """The map, and a bias of the target (channels) added to it; in one pass where torch can.

        >>> Identity().shift(torch.zeros(1, 2), [], torch.tensor([1.0, 2.0]))
        tensor([[1., 2.]])
        """
        y = self(x, weights)
        return y + bias.view(-1, *[1] * (y.ndim - 2))

    @property
    def links(self) -> tuple[Operation, ...]:
        """The maps that it applies one after the other: itself, unless it is a chain."""
        return (self,)

    def as_sums(self) -> tuple[Operation, float]:
        """The same map in which nothing is averaged, and the factor that is left: y = factor x sums.

        >>> Chain(Pool(2), Conv(8, kernel=3)).as_sums()
        (Chain(Pool(2, sums=True), Conv(8, kernel=3)), 0.25)
        """
        return self, 1.0

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Shapes of the weights for a source of this shape, the target axis first; empty where there are none."""
        return ()

    def fan_in(self, shape: Shape) -> int:
        """Number of weights of one target unit, away from the borders; 1 for a map without weights."""
        return math.prod(math.prod(weight[1:]) for weight in self.weight_shapes(shape))

    def fan_out(self, shape: Shape) -> Tensor:
        """Number of target units each source unit reaches, int64 of the source's shape.

        Products with padding are not counted, so a unit at the border has a smaller fan-out.

        >>> Conv(4, kernel=3).fan_out((1, 3, 3))[0]
        tensor([[16, 24, 16],
                [24, 36, 24],
                [16, 24, 16]])
        """
        projective_field = self.projective_field(shape)
        counts = torch.tensor(float(projective_field.channels or 1), dtype=torch.float64)
        for axis in projective_field.axes:
            counts = counts.unsqueeze(-1) * axis.sum(1)
        return counts.long().expand(shape).contiguous()

    def products(self, shape: Shape) -> int:
        """Number of products that layer-based tools count: those with padding too, none for a map without weights.

        >>> Conv(4, kernel=3).products((1, 3, 3)), int(Conv(4, kernel=3).fan_out((1, 3, 3)).sum())
        (324, 196)
        """
        return 0

    def to_dict(self) -> dict[str, Any]:
        """The operation as plain data: its type and its fields."""
        return {"type": type(self).__name__} | {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_fields(cls, values: Mapping[str, Any]) -> Self:
        """The operation with these fields, as `to_dict` writes them."""
        return cls(**values)

    def __repr__(self) -> str:
        shown = []
        for position, f in enumerate(fields(self)):
            value = getattr(self, f.name)
            if position == 0:
                shown.append(repr(value))
            elif f.default is MISSING or value != f.default:
                shown.append(f"{f.name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"


def operation_from_dict(data: Any) -> Operation:
    """The operation that `Operation.to_dict` wrote; ValueError where the data are none."""
    if not isinstance(data, dict) or data.get("type") not in list(OPERATIONS):
        raise ValueError(f"{data!r} is no operation; 'type' must be one of {', '.join(OPERATIONS)}")
    arguments = {name: value for name, value in data.items() if name != "type"}
    try:
        return OPERATIONS[data["type"]].from_fields(arguments)
    except (TypeError, KeyError) as error:
        raise ValueError(f"operation {data!r} does not have the fields of {data['type']}: {error}") from error


def require_operation(operation: object, where: str) -> None:
    """ValueError with advice unless `operation` is an `Operation`."""
    if isinstance(operation, Operation):
        return
    shown = repr(operation)
    if "max" in shown.lower() and "pool" in shown.lower():
        advice = "a max-pool is no linear map, so it has no spiking counterpart; use Pool(kernel), which averages"
    elif "relu" in shown.lower():
        advice = "edges are linear and nodes are not: every hidden node has its neuron already; leave it out"
    else:
        advice = f"use one of {', '.join(OPERATIONS)}"
    raise ValueError(f"{where}: {shown} is no operation of the workbench; {advice}")


def require_whole_fields(operation: Operation, *names: str) -> None:
    """Make these fields plain integers, or refuse them."""
    for name in names:
        value = getattr(operation, name)
        number = whole(value)
        if number is None or number < 1:
            raise ValueError(f"{operation!r}: {name} must be a whole number of at least 1, not {value!r}")
        object.__setattr__(operation, name, number)


def require_image(operation: Operation, shape: Shape) -> None:
    """ValueError unless the source has channels, height and width."""
    if len(shape) != 3:
        raise ValueError(
            f"{operation!r} needs a source of shape (channels, height, width), not {shape}; use Dense after it is flat"
        )
