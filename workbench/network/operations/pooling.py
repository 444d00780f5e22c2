"""Pooling: averages, or sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.network.operations.operation import (
    Operation,
    Shape,
    require_image,
    require_whole_fields,
)
from workbench.network.operations.projective_field import ProjectiveField


@dataclass(frozen=True, repr=False)
class Pool(Operation):
    """Average over non-overlapping squares of kernel x kernel; a remainder at the border is left out.

    With `sums` their sum, of which spikes have no use for fractions: SNNs hold the 1 / kernel^2 in weights or gains.

    >>> Pool(2).output_shape((16, 17, 17))
    (16, 8, 8)
    """

    kernel: int
    sums: bool = False

    elsewhere = MappingProxyType(
        {
            "kernel_size": "use kernel=",
            "stride": "leave it out, for squares do not overlap",
            "padding": "leave it out, for a remainder at the border is not pooled",
        }
    )

    def __post_init__(self) -> None:
        require_whole_fields(self, "kernel")
        if not isinstance(self.sums, bool):
            raise ValueError(f"{self!r}: sums must be True or False, not {self.sums!r}")

    def as_sums(self) -> tuple[Operation, float]:
        return (self, 1.0) if self.sums else (replace(self, sums=True), self.kernel**-2)

    def output_shape(self, shape: Shape) -> Shape:
        require_image(self, shape)
        if min(shape[1:]) < self.kernel:
            raise ValueError(f"{self!r} is larger than its source of shape {shape}; use a smaller kernel")
        return (shape[0], shape[1] // self.kernel, shape[2] // self.kernel)

    def projective_field(self, shape: Shape) -> ProjectiveField:
        return ProjectiveField(None, tuple(self._reach(size) for size in shape[1:]))

    def _reach(self, size: int) -> Tensor:
        source = torch.arange(size).unsqueeze(1) // self.kernel
        return (source == torch.arange(size // self.kernel).unsqueeze(0)).double()

    def __call__(self, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        return F.avg_pool2d(x, self.kernel, divisor_override=1 if self.sums else None)
