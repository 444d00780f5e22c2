"""Identity: every unit to the same unit, a residual connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from workbench.network.operations.operation import (
    Operation,
    Shape,
)
from workbench.network.operations.projective_field import ProjectiveField


@dataclass(frozen=True, repr=False)
class Identity(Operation):
    """Every unit to the same unit: a residual connection, y = x.

    >>> Identity().output_shape((32, 9, 9))
    (32, 9, 9)
    """

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def as_layer(self, shape: Shape) -> nn.Module:
        return nn.Identity()

    def projective_field(self, shape: Shape) -> ProjectiveField:
        return ProjectiveField(None, tuple(torch.eye(size, dtype=torch.float64) for size in shape[1:]))

    def __call__(self, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        return x
