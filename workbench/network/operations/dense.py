"""Dense: every unit to every unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.network.operations.operation import (
    Operation,
    Shape,
    require_whole_fields,
)
from workbench.network.operations.projective_field import ProjectiveField


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
        require_whole_fields(self, "units")

    def output_shape(self, shape: Shape) -> Shape:
        return (self.units,)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return ((self.units, math.prod(shape)),)

    def as_layer(self, shape: Shape) -> nn.Module:
        layer = nn.Linear(math.prod(shape), self.units, bias=False)
        return layer if len(shape) == 1 else nn.Sequential(nn.Flatten(), layer)

    def products(self, shape: Shape) -> int:
        return self.units * math.prod(shape)

    def projective_field(self, shape: Shape) -> ProjectiveField:
        return ProjectiveField(self.units, tuple(torch.ones(size, 1, dtype=torch.float64) for size in shape[1:]))

    def __call__(self, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        return F.linear(x.flatten(1), weights[0])

    def shift(self, x: Tensor, weights: Sequence[Tensor], bias: Tensor) -> Tensor:
        return F.linear(x.flatten(1), weights[0], bias)
