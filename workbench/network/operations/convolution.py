"""Convolution: the same small map at every place of an image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
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
        require_whole_fields(self, "channels", "kernel", "stride")
        if self.kernel % 2 == 0:
            raise ValueError(
                f"{self!r}: the kernel is even, so it has no middle; use {self.kernel - 1} or {self.kernel + 1}"
            )

    def output_shape(self, shape: Shape) -> Shape:
        require_image(self, shape)
        return (self.channels, -(-shape[1] // self.stride), -(-shape[2] // self.stride))

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return ((self.channels, shape[0], self.kernel, self.kernel),)

    def products(self, shape: Shape) -> int:
        return math.prod(self.output_shape(shape)) * self.fan_in(shape)

    def projective_field(self, shape: Shape) -> ProjectiveField:
        return ProjectiveField(self.channels, tuple(self._reach(size) for size in shape[1:]))

    def _reach(self, size: int) -> Tensor:
        source = torch.arange(size).unsqueeze(1)
        target = torch.arange(0, size, self.stride).unsqueeze(0)
        return ((source - target).abs() <= self.kernel // 2).double()

    def __call__(self, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        return F.conv2d(x, weights[0], stride=self.stride, padding=self.kernel // 2)

    def shift(self, x: Tensor, weights: Sequence[Tensor], bias: Tensor) -> Tensor:
        return F.conv2d(x, weights[0], bias, stride=self.stride, padding=self.kernel // 2)
