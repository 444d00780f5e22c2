"""Global pooling: the average, or the sum, of each channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from torch import Tensor, nn

from workbench.network.operations.operation import Operation, Shape
from workbench.network.operations.pooling import pool_axis, require_sums
from workbench.network.operations.projective_field import ProjectiveField


@dataclass(frozen=True, repr=False)
class GlobalPool(Operation):
    """Average of each channel over all of its places: a source (channels, *axes) gives (channels,).

    With `sums` their sum, as for `Pool`: SNNs hold 1 / number of places in weights or gains. ValueError for a source
    that has no places.

    >>> GlobalPool().output_shape((16, 17, 17)), GlobalPool().as_sums((16, 17, 2))
    ((16,), (GlobalPool(sums=True), 0.029411764705882353))
    """

    sums: bool = False

    elsewhere = MappingProxyType(
        {
            "kernel": "leave it out, for all places are pooled, or use Pool(kernel)",
            "output_size": "leave it out, for one number per channel is left, or use Pool(kernel)",
        }
    )

    def __post_init__(self) -> None:
        require_sums(self, self.sums)

    def kernels(self, shape: Shape) -> tuple[int, ...]:
        """How many places are pooled along each axis of a source of this shape: all."""
        if len(shape) < 2:
            raise ValueError(
                f"{self!r} needs a source of shape (channels, *axes), not {shape}, of which nothing is to be averaged; "
                "leave it out"
            )
        return shape[1:]

    def as_sums(self, shape: Shape) -> tuple[Operation, float]:
        return (self, 1.0) if self.sums else (replace(self, sums=True), 1 / math.prod(self.kernels(shape)))

    def output_shape(self, shape: Shape) -> Shape:
        self.kernels(shape)
        return (shape[0],)

    def as_layer(self, shape: Shape) -> nn.Module:
        pool = nn.AvgPool2d((1, math.prod(self.kernels(shape))), divisor_override=1 if self.sums else None)
        return nn.Sequential(nn.Flatten(2), nn.Unflatten(1, (shape[0], 1)), pool, nn.Flatten())

    def projective_field(self, shape: Shape) -> ProjectiveField:
        return ProjectiveField(None, tuple(map(pool_axis, shape[1:], self.kernels(shape))))

    def __call__(self, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        places = tuple(range(2, x.ndim))
        return x.sum(places) if self.sums else x.mean(places)
