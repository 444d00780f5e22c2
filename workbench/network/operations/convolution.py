"""Convolution: the same small map at every place of an image."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.network.operations.operation import (
    Operation,
    Shape,
    hold_axis_fields,
    require_axes,
    require_whole_fields,
    spread,
)
from workbench.network.operations.projective_field import ProjectiveField


class Window(NamedTuple):
    """Along one axis: `targets` of a source of so many positions, target t sees those from stride t - padding on."""

    sources: int
    targets: int
    kernel: int
    stride: int
    padding: int

    def reach(self) -> Tensor:
        """The 0/1 matrix (source positions, target positions) of who is seen by whom."""
        seen = torch.arange(self.sources).unsqueeze(1) - self.stride * torch.arange(self.targets) + self.padding
        return ((seen >= 0) & (seen < self.kernel)).double()


@dataclass(frozen=True, repr=False)
class Conv(Operation):
    """Two-dimensional convolution, without bias.

    y[c, i, j] = sum over c', u, v of W[c, c', u, v] x[c', stride i + u - padding, stride j + v - padding], c' over the
    source channels of the group of c. `kernel`, `stride` and `padding` are one number or a pair (height, width).

    Without padding named, kernels are odd and it is (kernel - 1) / 2: a source (channels', height, width) gives
    (channels, ceil(height / stride), ceil(width / stride)). With a padding, kernels may be even, and along each axis
    there are floor((size + 2 padding - kernel) / stride) + 1. Both numbers of channels must be multiples of `groups`;
    groups = channels' is a depthwise convolution. ValueError where no map has these numbers.

    >>> Conv(16, kernel=3, stride=2).output_shape((2, 34, 34))
    (16, 17, 17)
    >>> Conv(16, kernel=(2, 4), stride=2, padding=0, groups=2).output_shape((2, 34, 34))
    (16, 17, 16)
    """

    channels: int
    kernel: int | tuple[int, ...]
    stride: int | tuple[int, ...] = 1
    padding: int | tuple[int, ...] | None = None
    groups: int = 1

    axes: ClassVar[tuple[str, ...]] = ("height", "width")
    sibling: ClassVar[str] = ", or Conv1d along one axis"
    elsewhere = MappingProxyType(
        {
            "kernel_size": "use kernel=",
            "out_channels": "use channels=",
            "filters": "use channels=",
            "in_channels": "leave it out, for the source has so many",
            "dilation": "use a larger kernel, or Pool before it in a Chain, which sees as far",
            "depth_multiplier": "use groups= the channels of the source, and channels= a multiple of them",
            "padding_mode": "leave it out, for all beyond the border is 0",
            "bias": "leave it out, for nodes have biases and edges have none",
        }
    )

    def __post_init__(self) -> None:
        require_whole_fields(self, "channels", "groups")
        hold_axis_fields(self, self.axes, "kernel", "stride")
        if self.padding is not None:
            hold_axis_fields(self, self.axes, "padding", least=0)
        for size in spread(self.kernel, self.axes):
            if size % 2 == 0 and self.padding is None:
                raise ValueError(
                    f"{self!r}: the kernel is even, so it has no middle; use {size - 1} or {size + 1}, or name "
                    "the padding, such as padding=0"
                )
        if self.channels % self.groups:
            raise ValueError(
                f"{self!r}: {self.channels} channels are no multiple of {self.groups} groups; use channels="
                f"{-(-self.channels // self.groups) * self.groups}, or groups={math.gcd(self.channels, self.groups)}"
            )

    @property
    def _paddings(self) -> tuple[int, ...]:
        kernels = spread(self.kernel, self.axes)
        return spread(self.padding, self.axes) if self.padding is not None else tuple(size // 2 for size in kernels)

    def windows(self, shape: Shape) -> tuple[Window, ...]:
        """What is seen along each axis of a source of this shape; ValueError where nothing can be."""
        require_axes(self, shape, self.axes, advice=self.sibling)
        numbers = (spread(self.kernel, self.axes), spread(self.stride, self.axes), self._paddings)
        found = []
        for size, kernel, stride, padding in zip(shape[1:], *numbers, strict=True):
            if kernel > size + 2 * padding:
                raise ValueError(
                    f"{self!r} is larger than its source of shape {shape}, padded; use a smaller kernel, or more "
                    "padding"
                )
            found.append(Window(size, (size + 2 * padding - kernel) // stride + 1, kernel, stride, padding))
        return tuple(found)

    def output_shape(self, shape: Shape) -> Shape:
        windows = self.windows(shape)
        if shape[0] % self.groups:
            raise ValueError(
                f"{self!r}: the {shape[0]} channels of its source of shape {shape} are no multiple of {self.groups} "
                f"groups; use groups={math.gcd(shape[0], self.groups)}, or change the channels of the source"
            )
        return (self.channels, *(window.targets for window in windows))

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return ((self.channels, shape[0] // self.groups, *spread(self.kernel, self.axes)),)

    def as_layer(self, shape: Shape) -> nn.Module:
        kind: Callable[..., nn.Module] = nn.Conv2d if len(self.axes) == 2 else nn.Conv1d
        sizes = (spread(self.kernel, self.axes), spread(self.stride, self.axes), self._paddings)
        return kind(shape[0], self.channels, *sizes, groups=self.groups, bias=False)

    def products(self, shape: Shape) -> int:
        return math.prod(self.output_shape(shape)) * self.fan_in(shape)

    def projective_field(self, shape: Shape) -> ProjectiveField:
        axes = tuple(window.reach() for window in self.windows(shape))
        if self.groups == 1:
            return ProjectiveField(self.channels, axes)
        same = torch.eye(self.groups, dtype=torch.float64).repeat_interleave(shape[0] // self.groups, 0)
        return ProjectiveField(same.repeat_interleave(self.channels // self.groups, 1), axes)

    def weigh_source(self, shape: Shape, factor: Tensor) -> Tensor:
        inputs, outputs = shape[0] // self.groups, self.channels // self.groups
        each = factor.view(self.groups, 1, inputs).expand(-1, outputs, -1)
        return each.reshape(self.channels, inputs, *[1] * len(self.axes))

    def __call__(self, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        return self._convolve(x, weights[0], None)

    def shift(self, x: Tensor, weights: Sequence[Tensor], bias: Tensor) -> Tensor:
        return self._convolve(x, weights[0], bias)

    def _convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        stride = spread(self.stride, self.axes)
        if torch.is_grad_enabled() and weight.shape[2] == weight.shape[3] == 1 and max(stride) > 1:
            x = x.contiguous()  # channels last, oneDNN writes beyond its memory on the way back (its issue 6035)
        return F.conv2d(x, weight, bias, stride, self._paddings, groups=self.groups)
