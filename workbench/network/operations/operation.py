"""What an edge does: the interface of all linear maps, and their registry."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from inspect import signature
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from workbench.json_text import shorten
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

    def as_layer(self, shape: Shape) -> nn.Module:
        """The same map of a source of this shape as layers of torch, whose parameters are its weights in order.

        ValueError where the operation does not say by which.

        >>> Identity().as_layer((2, 4, 4))
        Identity()
        """
        raise ValueError(f"{self!r} does not say by which layers of torch it is made; give {type(self)} an as_layer")

    @property
    def links(self) -> tuple[Operation, ...]:
        """The maps that it applies one after the other: itself, unless it is a chain."""
        return (self,)

    def as_sums(self, shape: Shape) -> tuple[Operation, float]:
        """The same map of a source of this shape in which nothing is averaged, and the factor left: y = factor x sums.

        >>> Chain(Pool(2), Conv(8, kernel=3)).as_sums((2, 34, 34))
        (Chain(Pool(2, sums=True), Conv(8, kernel=3)), 0.25)
        """
        return self, 1.0

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Shapes of the weights for a source of this shape, the target axis first; empty where there are none."""
        return ()

    def weigh_source(self, shape: Shape, factor: Tensor) -> Tensor:
        """A factor per channel of a source of this shape, to multiply the first weights with instead of the source.

        >>> Dense(2).weigh_source((2, 1, 2), torch.tensor([2.0, 3.0]))
        tensor([[2., 2., 3., 3.]])
        """
        first = self.weight_shapes(shape)[0]
        return factor.repeat_interleave(first[1] // len(factor)).view(1, -1, *[1] * (len(first) - 2))

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
        counts = projective_field.count_channels()
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
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {"type": type(self).__name__} | {n: list(v) if isinstance(v, tuple) else v for n, v in values.items()}

    @classmethod
    def from_fields(cls, values: Mapping[str, Any]) -> Self:
        """The operation with these fields, as `to_dict` writes them."""
        return cls(**values)

    def __repr__(self) -> str:
        shown = []
        for position, f in enumerate(fields(self)):
            value = getattr(self, f.name)
            if position == 0 and f.default is MISSING:
                shown.append(repr(value))
            elif f.default is MISSING or value != f.default:
                shown.append(f"{f.name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"


def operation_from_dict(data: Any) -> Operation:
    """The operation that `Operation.to_dict` wrote; ValueError where the data are none."""
    if not isinstance(data, dict) or data.get("type") not in list(OPERATIONS):
        raise ValueError(f"{shorten(data)} is no operation; 'type' must be one of {', '.join(OPERATIONS)}")
    arguments = {name: value for name, value in data.items() if name != "type"}
    try:
        return OPERATIONS[data["type"]].from_fields(arguments)
    except (TypeError, KeyError) as error:
        raise ValueError(f"operation {shorten(data)} does not have the fields of {data['type']}: {error}") from error


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


def hold_axis_fields(operation: Operation, axes: Sequence[str], *names: str, least: int = 1) -> None:
    """Make these fields plain integers, or tuples of one for each axis where they differ; or refuse them."""
    for name in names:
        value = getattr(operation, name)
        pair = isinstance(value, tuple | list) and len(axes) > 1
        several = value if pair else [value] * len(axes)
        numbers = tuple(number for number in map(whole, several) if number is not None and number >= least)
        if len(numbers) != len(several) or len(numbers) != len(axes):
            other = "" if len(axes) == 1 else f", or a pair of them ({', '.join(axes)})"
            raise ValueError(f"{operation!r}: {name} must be a whole number of at least {least}, not {value!r}{other}")
        object.__setattr__(operation, name, numbers[0] if len(set(numbers)) == 1 else numbers)


def spread(number: int | tuple[int, ...], axes: Sequence[object]) -> tuple[int, ...]:
    """What such a field holds, for each of these axes."""
    return (number,) * len(axes) if isinstance(number, int) else number


def require_axes(operation: Operation, shape: Shape, *choices: Sequence[str], advice: str = "") -> None:
    """ValueError unless the source has channels and the axes of one of these choices."""
    if len(shape) - 1 not in map(len, choices):
        wanted = " or ".join(f"({', '.join(('channels', *axes))})" for axes in choices)
        raise ValueError(
            f"{operation!r} needs a source of shape {wanted}, not {shape}; use Dense after it is flat{advice}"
        )
