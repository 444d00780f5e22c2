"""Linear maps that an edge can carry; each owns its shape rule, its weights and its fan-out."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import reduce
from inspect import signature
from types import MappingProxyType
from typing import Any, ClassVar, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.network.projective_field import ProjectiveField
from workbench.validation import whole

Shape = tuple[int, ...]


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

    `elsewhere` tells for the options that such a map has in other tools what to do here.
    """

    elsewhere: ClassVar[Mapping[str, str]] = {}

    def __new__(cls, *values: Any, **options: Any) -> Self:
        """ValueError, with what to use instead, for an option that there is not."""
        for option in options:
            if option not in [f.name for f in fields(cls)]:
                raise UnknownOptionError(cls, option)
        return super().__new__(cls)

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """Shape of the target for a source of this shape; ValueError where the two cannot meet."""

    @abstractmethod
    def footprint(self, shape: Shape) -> ProjectiveField:
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

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Shapes of the weights for a source of this shape, the target axis first; empty where there are none."""
        return ()

    def fan_in(self, shape: Shape) -> int:
        """Number of weights that meet in one target unit, away from the borders; 1 for a map without weights."""
        return math.prod(math.prod(weight[1:]) for weight in self.weight_shapes(shape))

    def fan_out(self, shape: Shape) -> Tensor:
        """Number of target units each source unit reaches, int64 of the source's shape.

        Products with padding are not counted, so a unit at the border has a smaller fan-out.

        >>> Conv(4, kernel=3).fan_out((1, 3, 3))[0]
        tensor([[16, 24, 16],
                [24, 36, 24],
                [16, 24, 16]])
        """
        footprint = self.footprint(shape)
        counts = torch.tensor(float(footprint.channels or 1), dtype=torch.float64)
        for axis in footprint.axes:
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

    def __repr__(self) -> str:
        shown = []
        for position, f in enumerate(fields(self)):
            value = getattr(self, f.name)
            if position == 0:
                shown.append(repr(value))
            elif f.default is MISSING or value != f.default:
                shown.append(f"{f.name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"


@dataclass(frozen=True, repr=False)
class Conv(Operation):
    """Two-dimensional convolution with odd kernel and padding (kernel - 1) / 2, without bias.

    y[c, i, j] = sum over c', u, v of W[c, c', u, v] x[c', stride i + u - p, stride j + v - p], p = (kernel - 1) / 2;
    a source (channels', height, width) gives (channels, ceil(height / stride), ceil(width / stride)).

    >>> Conv(16, kernel=3, stride=2).output_shape((2, 34, 34))
    (16, 17, 17)
    """

    channels: int
    kernel: int
    stride: int = 1

    elsewhere = MappingProxyType(
        {
            "kernel_size": "use kernel=",
            "out_channels": "use channels=",
            "filters": "use channels=",
            "in_channels": "leave it out, for the source has so many",
            "padding": "leave it out, for it is (kernel - 1) / 2",
            "bias": "leave it out, for nodes have biases and edges have none",
        }
    )

    def __post_init__(self) -> None:
        _require_whole(self, "channels", "kernel", "stride")
        if self.kernel % 2 == 0:
            raise ValueError(
                f"{self!r}: the kernel is even, so it has no middle; use {self.kernel - 1} or {self.kernel + 1}"
            )

    def output_shape(self, shape: Shape) -> Shape:
        _require_image(self, shape)
        return (self.channels, -(-shape[1] // self.stride), -(-shape[2] // self.stride))

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return ((self.channels, shape[0], self.kernel, self.kernel),)

    def products(self, shape: Shape) -> int:
        return math.prod(self.output_shape(shape)) * self.fan_in(shape)

    def footprint(self, shape: Shape) -> ProjectiveField:
        return ProjectiveField(self.channels, tuple(self._reach(size) for size in shape[1:]))

    def _reach(self, size: int) -> Tensor:
        source = torch.arange(size).unsqueeze(1)
        target = torch.arange(0, size, self.stride).unsqueeze(0)
        return ((source - target).abs() <= self.kernel // 2).double()

    def __call__(self, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        return F.conv2d(x, weights[0], stride=self.stride, padding=self.kernel // 2)

    def shift(self, x: Tensor, weights: Sequence[Tensor], bias: Tensor) -> Tensor:
        return F.conv2d(x, weights[0], bias, stride=self.stride, padding=self.kernel // 2)


@dataclass(frozen=True, repr=False)
class Dense(Operation):
    """Every unit to every unit: the source is flattened, y = W x, without bias.

    >>> Dense(10).output_shape((32, 9, 9))
    (10,)
    """

    units: int

    elsewhere = MappingProxyType(
        {
            "out_features": "use units=",
            "in_features": "leave it out, for the source has so many",
            "bias": "leave it out, for nodes have biases and edges have none",
        }
    )

    def __post_init__(self) -> None:
        _require_whole(self, "units")

    def output_shape(self, shape: Shape) -> Shape:
        return (self.units,)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return ((self.units, math.prod(shape)),)

    def products(self, shape: Shape) -> int:
        return self.units * math.prod(shape)

    def footprint(self, shape: Shape) -> ProjectiveField:
        return ProjectiveField(self.units, tuple(torch.ones(size, 1, dtype=torch.float64) for size in shape[1:]))

    def __call__(self, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        return F.linear(x.flatten(1), weights[0])

    def shift(self, x: Tensor, weights: Sequence[Tensor], bias: Tensor) -> Tensor:
        return F.linear(x.flatten(1), weights[0], bias)


@dataclass(frozen=True, repr=False)
class Pool(Operation):
    """Average over non-overlapping squares of kernel x kernel; a remainder at the border is left out.

    >>> Pool(2).output_shape((16, 17, 17))
    (16, 8, 8)
    """

    kernel: int

    elsewhere = MappingProxyType(
        {
            "kernel_size": "use kernel=",
            "stride": "leave it out, for squares do not overlap",
            "padding": "leave it out, for a remainder at the border is not pooled",
        }
    )

    def __post_init__(self) -> None:
        _require_whole(self, "kernel")

    def output_shape(self, shape: Shape) -> Shape:
        _require_image(self, shape)
        if min(shape[1:]) < self.kernel:
            raise ValueError(f"{self!r} is larger than its source of shape {shape}; use a smaller kernel")
        return (shape[0], shape[1] // self.kernel, shape[2] // self.kernel)

    def footprint(self, shape: Shape) -> ProjectiveField:
        return ProjectiveField(None, tuple(self._reach(size) for size in shape[1:]))

    def _reach(self, size: int) -> Tensor:
        source = torch.arange(size).unsqueeze(1) // self.kernel
        return (source == torch.arange(size // self.kernel).unsqueeze(0)).double()

    def __call__(self, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        return F.avg_pool2d(x, self.kernel)


@dataclass(frozen=True, repr=False)
class Identity(Operation):
    """Every unit to the same unit: a residual connection, y = x.

    >>> Identity().output_shape((32, 9, 9))
    (32, 9, 9)
    """

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def footprint(self, shape: Shape) -> ProjectiveField:
        return ProjectiveField(None, tuple(torch.eye(size, dtype=torch.float64) for size in shape[1:]))

    def __call__(self, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        return x


@dataclass(frozen=True, repr=False, init=False)
class Chain(Operation):
    """Several linear maps one after the other, without a neuron between them: one map, one delay.

    Its fan-out is that of the composed map: a unit pooled before a convolution reaches what its pool reaches. That is
    what a spike costs that travels through it, and an upper bound for an ANN, which executes a chain link by link:
    `products` adds up the links.

    >>> Chain(Pool(2), Conv(8, kernel=3)).output_shape((2, 34, 34))
    (8, 17, 17)
    """

    operations: tuple[Operation, ...]

    def __init__(self, *operations: Operation) -> None:
        for operation in operations:
            require_operation(operation, "Chain")
        if not operations:
            raise ValueError("Chain() has no operation; give at least one, or use Identity()")
        object.__setattr__(self, "operations", tuple(operations))

    def _shapes(self, shape: Shape) -> list[Shape]:
        """Source shape of every link, and the target's shape last."""
        shapes = [shape]
        for operation in self.operations:
            shapes.append(operation.output_shape(shapes[-1]))
        return shapes

    def output_shape(self, shape: Shape) -> Shape:
        return self._shapes(shape)[-1]

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        links = zip(self.operations, self._shapes(shape), strict=False)
        return tuple(weight for operation, source in links for weight in operation.weight_shapes(source))

    def products(self, shape: Shape) -> int:
        links = zip(self.operations, self._shapes(shape), strict=False)
        return sum(operation.products(source) for operation, source in links)

    def footprint(self, shape: Shape) -> ProjectiveField:
        links = zip(self.operations, self._shapes(shape), strict=False)
        return reduce(ProjectiveField.then, (operation.footprint(source) for operation, source in links))

    def __call__(self, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        x, left = self._approach(x, weights)
        return self.operations[-1](x, left)

    def shift(self, x: Tensor, weights: Sequence[Tensor], bias: Tensor) -> Tensor:
        x, left = self._approach(x, weights)
        return self.operations[-1].shift(x, left, bias)

    def _approach(self, x: Tensor, weights: Sequence[Tensor]) -> tuple[Tensor, Sequence[Tensor]]:
        """What the last link is given, and its weights."""
        for operation in self.operations[:-1]:
            count = len(operation.weight_shapes(tuple(x.shape[1:])))
            x, weights = operation(x, weights[:count]), weights[count:]
        return x, weights

    def to_dict(self) -> dict[str, Any]:
        return {"type": "Chain", "operations": [operation.to_dict() for operation in self.operations]}

    def __repr__(self) -> str:
        return f"Chain({', '.join(map(repr, self.operations))})"


OPERATIONS: dict[str, type[Operation]] = {cls.__name__: cls for cls in (Conv, Dense, Pool, Identity, Chain)}


def operation_from_dict(data: Any) -> Operation:
    """The operation that `Operation.to_dict` wrote; ValueError where the data are none."""
    if not isinstance(data, dict) or data.get("type") not in list(OPERATIONS):
        raise ValueError(f"{data!r} is no operation; 'type' must be one of {', '.join(OPERATIONS)}")
    arguments = {name: value for name, value in data.items() if name != "type"}
    try:
        if data["type"] == "Chain":
            return Chain(*map(operation_from_dict, arguments.pop("operations")), **arguments)
        return OPERATIONS[data["type"]](**arguments)
    except (TypeError, KeyError) as error:
        raise ValueError(f"operation {data!r} does not have the fields of {data['type']}: {error}") from error


def require_operation(operation: object, where: str) -> None:
    """ValueError with advice unless `operation` is one of ours."""
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


def _require_whole(operation: Operation, *names: str) -> None:
    """Make these fields plain integers, or refuse them."""
    for name in names:
        value = getattr(operation, name)
        number = whole(value)
        if number is None or number < 1:
            raise ValueError(f"{operation!r}: {name} must be a whole number of at least 1, not {value!r}")
        object.__setattr__(operation, name, number)


def _require_image(operation: Operation, shape: Shape) -> None:
    if len(shape) != 3:
        raise ValueError(
            f"{operation!r} needs a source of shape (channels, height, width), not {shape}; use Dense after it is flat"
        )
