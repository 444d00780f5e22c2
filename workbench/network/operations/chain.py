"""Several linear maps one after the other, as one edge."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Self

from torch import Tensor, nn

from workbench.network.operations.operation import (
    Operation,
    Shape,
    operation_from_dict,
    require_operation,
)
from workbench.network.operations.projective_field import ProjectiveField


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

    @property
    def links(self) -> tuple[Operation, ...]:
        return tuple(link for operation in self.operations for link in operation.links)

    def as_sums(self, shape: Shape) -> tuple[Operation, float]:
        links = zip(self.operations, self._shapes(shape), strict=False)
        found = [operation.as_sums(source) for operation, source in links]
        return Chain(*(operation for operation, _ in found)), math.prod(factor for _, factor in found)

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

    def as_layer(self, shape: Shape) -> nn.Module:
        links = zip(self.operations, self._shapes(shape), strict=False)
        return nn.Sequential(*(operation.as_layer(source) for operation, source in links))

    def products(self, shape: Shape) -> int:
        links = zip(self.operations, self._shapes(shape), strict=False)
        return sum(operation.products(source) for operation, source in links)

    def weigh_source(self, shape: Shape, factor: Tensor) -> Tensor:
        links = zip(self.operations, self._shapes(shape), strict=False)  # those without weights keep channels apart
        first, source = next((link, source) for link, source in links if link.weight_shapes(source))
        return first.weigh_source(source, factor)

    def projective_field(self, shape: Shape) -> ProjectiveField:
        links = zip(self.operations, self._shapes(shape), strict=False)
        return reduce(ProjectiveField.then, (operation.projective_field(source) for operation, source in links))

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

    @classmethod
    def from_fields(cls, values: Mapping[str, Any]) -> Self:
        rest = {name: value for name, value in values.items() if name != "operations"}
        return cls(*map(operation_from_dict, values["operations"]), **rest)

    def __repr__(self) -> str:
        return f"Chain({', '.join(map(repr, self.operations))})"
