"""Pooling: averages, or sums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.network.operations.operation import (
    Operation,
    Shape,
    hold_axis_fields,
    require_axes,
    spread,
)
from workbench.network.operations.projective_field import ProjectiveField

IMAGE, SIGNAL = ("height", "width"), ("length",)


@dataclass(frozen=True, repr=False)
class Pool(Operation):
    """Average over non-overlapping squares of kernel x kernel; a remainder at the border is left out.

    `kernel` may be a pair (height, width); of a source (channels, length) it is along the one axis. With `sums` their
    sum, of which spikes have no use for fractions: SNNs hold the 1 / kernel^2 in weights or gains.

    >>> Pool(2).output_shape((16, 17, 17)), Pool((1, 4)).output_shape((16, 17, 17)), Pool(4).output_shape((16, 700))
    ((16, 8, 8), (16, 17, 4), (16, 175))
    """

    kernel: int | tuple[int, ...]
    sums: bool = False

    elsewhere = MappingProxyType(
        {
            "kernel_size": "use kernel=",
            "stride": "leave it out, for squares do not overlap",
            "padding": "leave it out, for a remainder at the border is not pooled",
            "output_size": "use GlobalPool(), or a kernel that divides the source",
        }
    )

    def __post_init__(self) -> None:
        hold_axis_fields(self, IMAGE, "kernel")
        require_sums(self, self.sums)

    def kernels(self, shape: Shape) -> tuple[int, ...]:
        """How many places are pooled along each axis of a source of this shape; ValueError where they cannot be."""
        require_axes(self, shape, *([SIGNAL, IMAGE] if isinstance(self.kernel, int) else [IMAGE]))
        return spread(self.kernel, shape[1:])

    def as_sums(self, shape: Shape) -> tuple[Operation, float]:
        return (self, 1.0) if self.sums else (replace(self, sums=True), 1 / math.prod(self.kernels(shape)))

    def output_shape(self, shape: Shape) -> Shape:
        places = tuple(size // kernel for size, kernel in zip(shape[1:], self.kernels(shape), strict=True))
        if 0 in places:
            raise ValueError(f"{self!r} is larger than its source of shape {shape}; use a smaller kernel")
        return (shape[0], *places)

    def as_layer(self, shape: Shape) -> nn.Module:
        kernels, divisor = self.kernels(shape), 1 if self.sums else None
        if len(kernels) == 2:
            return nn.AvgPool2d((kernels[0], kernels[1]), divisor_override=divisor)
        pool = nn.AvgPool2d((1, kernels[0]), divisor_override=divisor)
        return nn.Sequential(nn.Unflatten(1, (shape[0], 1)), pool, nn.Flatten(1, 2))

    def projective_field(self, shape: Shape) -> ProjectiveField:
        return ProjectiveField(None, tuple(map(pool_axis, shape[1:], self.kernels(shape))))

    def __call__(self, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        kernels, divisor = self.kernels(tuple(x.shape[1:])), 1 if self.sums else None
        if len(kernels) == 1:  # torch has sums of squares alone
            return F.avg_pool2d(x.unsqueeze(-2), (1, *kernels), divisor_override=divisor).squeeze(-2)
        return F.avg_pool2d(x, kernels, divisor_override=divisor)


def pool_axis(size: int, kernel: int) -> Tensor:
    """The 0/1 matrix (source positions, target positions) of an axis pooled by so many; a remainder reaches none."""
    source = torch.arange(size).unsqueeze(1) // kernel
    return (source == torch.arange(size // kernel).unsqueeze(0)).double()


def require_sums(operation: Operation, sums: object) -> None:
    """ValueError unless it is said whether sums are wanted."""
    if not isinstance(sums, bool):
        raise ValueError(f"{operation!r}: sums must be True or False, not {sums!r}")
