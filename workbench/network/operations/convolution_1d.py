"""Convolution along one axis: the same small map at every place of a signal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor

from workbench.network.operations.convolution import Conv
from workbench.network.operations.operation import spread


@dataclass(frozen=True, repr=False)
class Conv1d(Conv):
    """One-dimensional convolution, without bias: for sound and other sensors with one axis.

    y[c, i] = sum over c', u of W[c, c', u] x[c', stride i + u - padding], c' over the source channels of the group of
    c; a source (channels', length) gives (channels, ceil(length / stride)), or with a padding named
    floor((length + 2 padding - kernel) / stride) + 1. ValueError as for `Conv`.

    >>> Conv1d(16, kernel=9, stride=4).output_shape((2, 700))
    (16, 175)
    """

    axes: ClassVar[tuple[str, ...]] = ("length",)
    sibling: ClassVar[str] = ", or Conv for images"

    def _convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return F.conv1d(x, weight, bias, spread(self.stride, self.axes), self._paddings, groups=self.groups)
