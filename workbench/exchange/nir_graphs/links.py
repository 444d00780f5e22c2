"""Operations as nodes of NIR, and kernels as its own checks of shapes can read them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import singledispatch
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.exchange.nir_graphs.files import require_nir
from workbench.network import Conv, Conv1d, Dense, GlobalPool, Identity, Operation, Pool, Shape, Window

if TYPE_CHECKING:
    from nir import NIRNode

Array = NDArray[Any]


class Written(NamedTuple):
    """A node of NIR and what to call it."""

    kind: str
    node: NIRNode


@singledispatch
def write_link(link: Operation, shape: Shape, weights: Sequence[Tensor], expand: bool) -> list[Written]:
    """The nodes of NIR for a link of a source of this shape; ValueError for one that NIR has no node for.

    `expand`: kernels become square and groups are filled up with zeros, for NIR up to 1.0.8 reads no others with its
    check of types; the metadata then hold what they were.
    """
    raise ValueError(f"NIR has no node for {link!r}; use Conv, Conv1d, Dense, Pool, GlobalPool or Identity")


@write_link.register
def _(link: Identity, shape: Shape, weights: Sequence[Tensor], expand: bool) -> list[Written]:
    return [Written("identity", require_nir().Scale(np.ones(shape, dtype=np.float32)))]


@write_link.register
def _(link: Dense, shape: Shape, weights: Sequence[Tensor], expand: bool) -> list[Written]:
    weight = _as_array(weights[0])
    bias = np.zeros(link.units, dtype=weight.dtype)  # which more tools read than a Linear
    return [*flatten(shape), Written("dense", require_nir().Affine(weight, bias))]


@write_link.register
def _(link: Conv, shape: Shape, weights: Sequence[Tensor], expand: bool) -> list[Written]:
    windows, weight, groups = link.windows(shape), _as_array(weights[0]), link.groups
    kernel, padding = [w.kernel for w in windows], [w.padding for w in windows]
    notes: dict[str, Any] = {}
    if link.padding is not None and padding == [size // 2 for size in kernel] and all(size % 2 for size in kernel):
        notes["padding_named"] = True  # which it would be without its name
    if expand and groups > 1:
        weight, notes["groups"], groups = _fill_groups(weight, groups), groups, 1
    grown = _grow_square(windows) if expand else None
    if grown is not None:
        notes["kernel"], notes["padding"] = np.array(kernel), np.array(padding)
        before = [more - size for more, size in zip(grown.padding, padding, strict=True)]
        ends = [(b, grown.size - b - size) for b, size in zip(before, kernel, strict=True)]
        weight, padding = np.pad(weight, [(0, 0), (0, 0), *ends]), grown.padding
    bias = np.zeros(link.channels, dtype=weight.dtype)
    stride, ones = [w.stride for w in windows], [1] * len(windows)
    metadata = {"workbench": notes} if notes else {}
    sizes = tuple(w.sources for w in windows)
    if isinstance(link, Conv1d):
        values = (sizes[0], weight, stride[0], padding[0], 1, groups, bias)
        return [Written("conv", require_nir().Conv1d(*values, metadata=metadata))]
    several = (sizes, weight, tuple(stride), tuple(padding), tuple(ones), groups, bias)
    return [Written("conv", require_nir().Conv2d(*several, metadata=metadata))]


@write_link.register
def _(link: Pool, shape: Shape, weights: Sequence[Tensor], expand: bool) -> list[Written]:
    return _pool(link.kernels(shape), link.kernels(shape), shape, link.sums, expand)


@write_link.register
def _(link: GlobalPool, shape: Shape, weights: Sequence[Tensor], expand: bool) -> list[Written]:
    ones = (1,) * (len(shape) - 1)  # a step of 1 says that it is global
    pooled = _pool(link.kernels(shape), ones, shape, link.sums, expand)
    return [*pooled, *flatten((shape[0], *ones))]


def flatten(shape: Shape) -> list[Written]:
    """The node that makes one axis of a shape; none where there is one."""
    if len(shape) == 1:
        return []
    return [Written("flatten", require_nir().Flatten({"input": np.array(shape)}, start_dim=0, end_dim=-1))]


def _pool(kernels: Sequence[int], strides: Sequence[int], shape: Shape, sums: bool, expand: bool) -> list[Written]:
    """A pool; along one axis, for which NIR has none, a convolution of each channel with ones."""
    nir = require_nir()
    if len(kernels) == 2:
        kind = nir.SumPool2d if sums else nir.AvgPool2d
        values = (np.array(kernels), np.array(strides), np.zeros(2, dtype=int))
        return [Written("pool", kind(*values))]
    length, channels = math.prod(kernels), shape[0]
    conv = Conv1d(channels, kernel=length, stride=strides[0], padding=0, groups=channels)
    weight = torch.full((channels, 1, length), 1.0 if sums else 1 / length)
    return [written._replace(kind="pool") for written in write_link(conv, shape, [weight], expand)]


def write_bias(shape: Shape, bias: Array) -> Written:
    """A node that adds a bias to every channel, and changes nothing else."""
    nir, channels = require_nir(), shape[0]
    eye = np.eye(channels, dtype=bias.dtype)
    if len(shape) == 1:
        return Written("bias", nir.Affine(eye, bias))
    if len(shape) == 2:
        return Written("bias", nir.Conv1d(shape[1], eye[..., None], 1, 0, 1, 1, bias))
    return Written("bias", nir.Conv2d(shape[1:], eye[..., None, None], (1, 1), (0, 0), (1, 1), 1, bias))


class Square(NamedTuple):
    """The size of a square kernel, and the padding with which it does what a smaller one did."""

    size: int
    padding: list[int]


def _grow_square(windows: Sequence[Window]) -> Square | None:
    """The square kernel that holds a rectangular one; None where it is square, or where none does the same."""
    size, padding = max(window.kernel for window in windows), []
    if len({window.kernel for window in windows}) == 1:
        return None
    for window in windows:
        fits = [
            before
            for before in range(size - window.kernel + 1)
            if (window.sources + 2 * (window.padding + before) - size) // window.stride + 1 == window.targets
        ]
        if not fits:
            return None
        padding.append(window.padding + fits[len(fits) // 2])
    return Square(size, padding)


def _fill_groups(weight: Array, groups: int) -> Array:
    """The weights of all channels of the source, those of other groups 0."""
    outputs, inputs = weight.shape[0] // groups, weight.shape[1]
    full = np.zeros((weight.shape[0], inputs * groups, *weight.shape[2:]), dtype=weight.dtype)
    for group in range(groups):
        rows = slice(group * outputs, (group + 1) * outputs)
        full[rows, group * inputs : (group + 1) * inputs] = weight[rows]
    return full


def _as_array(tensor: Tensor) -> Array:
    return tensor.detach().cpu().contiguous().numpy().copy()
