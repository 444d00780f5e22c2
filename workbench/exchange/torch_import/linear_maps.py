"""Linear maps of modules applied to linear forms: convolution, dense, average pooling."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from workbench.exchange.torch_import.channels import ungroup
from workbench.exchange.torch_import.linear_form import (
    Form,
    InexpressibleError,
    Link,
    Part,
    flatten,
    require_image,
)
from workbench.network import Conv, Conv1d, Dense, GlobalPool, Pool, Shape

BORDER_CURE = (
    "put a ReLU between, leave out the bias (or norm) before, or the padding; what a constant brings differs at the "
    "borders, and a node has one bias per channel"
)


@dataclass(frozen=True, eq=False)
class Convolution:
    """The numbers of a convolution of a module, along one axis or two."""

    weight: Tensor
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    groups: int = 1
    layer: str = ""

    @property
    def kernel(self) -> tuple[int, ...]:
        """Its size along each axis."""
        return tuple(self.weight.shape[2:])

    def link(self, weight: Tensor, groups: int) -> Link:
        """The map with these of its weights."""
        kind = Conv if len(self.kernel) == 2 else Conv1d
        middle = all(size % 2 and size // 2 == padding for size, padding in zip(self.kernel, self.padding, strict=True))
        padding = None if middle else _plain(self.padding)
        operation = kind(len(weight), _plain(self.kernel), _plain(self.stride), padding, groups)
        return Link(operation, weight, self.layer)


def convolve(form: Form, convolution: Convolution, shapes: Mapping[str, Shape], origin: str) -> Form:
    """A convolution without bias of a tensor: of every part by its slice of the weights."""
    require_image(form, "convolution")
    weight, groups = convolution.weight, convolution.groups
    inside = weight.shape[1]
    if len(form.parts) > 1 and groups > 1 and any(part.channels % inside for part in form.parts):
        weight, groups, inside = ungroup(weight, groups), 1, form.channels
    outside = weight.shape[0] // groups
    if groups == 1:
        slices = [weight[:, start:stop] for start, stop in form.bounds()]
        parts = [
            _convolve_part(part, convolution, some, 1, shapes) for part, some in zip(form.parts, slices, strict=True)
        ]
        paths = tuple(path for part in parts for path in part.paths)
        parts = [Part(parts[0].shape, paths, torch.stack([part.bias for part in parts]).sum(0))]
    else:
        rows = [slice(start // inside * outside, stop // inside * outside) for start, stop in form.bounds()]
        parts = [
            _convolve_part(part, convolution, weight[some], part.channels // inside, shapes)
            for part, some in zip(form.parts, rows, strict=True)
        ]
    return Form(tuple(parts), (len(weight), *parts[0].shape[1:]), origin)


def _convolve_part(
    part: Part, convolution: Convolution, weight: Tensor, groups: int, shapes: Mapping[str, Shape]
) -> Part:
    link = convolution.link(weight.clone(), groups)
    if bool(part.bias.any()) and any(convolution.padding):
        raise InexpressibleError("padded convolution of a tensor with a bias", BORDER_CURE)
    each = part.bias.view(groups, 1, -1) * weight.flatten(2).sum(2).view(groups, -1, weight.shape[1])
    paths = tuple(path.then(link, path.shape_after(shapes[path.source])) for path in part.paths)
    return Part(link.operation.output_shape(part.shape), paths, each.sum(2).flatten())


def connect(form: Form, weight: Tensor, shapes: Mapping[str, Shape], origin: str) -> Form:
    """A linear layer without bias of a flat tensor: of every part by its columns of the weights."""
    if len(form.shape) != 1:
        raise InexpressibleError(
            f"linear layer along the last axis of (batch, {', '.join(map(str, form.shape))})",
            "flatten the tensor first, or use a convolution of kernel 1",
        )
    paths, bias, start = [], torch.zeros(len(weight), dtype=torch.float64), 0
    for part in form.parts:
        units = math.prod(part.shape)
        columns = weight[:, start : start + units].clone()
        start += units
        link = Link(Dense(len(weight)), columns, origin)
        paths += [path.then(link, path.shape_after(shapes[path.source])) for path in _pooled(part, shapes).paths]
        bias = bias + columns.view(len(weight), part.channels, -1).sum(2) @ part.bias
    return Form((Part((len(weight),), tuple(paths), bias),), (len(weight),), origin)


def _pooled(part: Part, shapes: Mapping[str, Shape]) -> Part:
    """The part with its last average of all places as a global one."""
    paths = part.paths
    averaged = all(path.links and isinstance(path.links[-1].operation, Pool) for path in paths)
    return part.as_vector(shapes) if averaged and math.prod(part.shape[1:]) == 1 else part


def pool(form: Form, kernel: tuple[int, ...]) -> Form:
    """The average over squares that do not overlap; what is left at the border is left out."""
    require_image(form, "pooling")
    if set(kernel) == {1}:
        return form
    link = Link(Pool(_plain(kernel)))
    parts = tuple(_follow(part, link) for part in form.parts)
    return replace(form, parts=parts, shape=(form.channels, *parts[0].shape[1:]))


def pool_all(form: Form, keep: bool) -> Form:
    """The average of every channel over all places, which stay as axes of length 1 if `keep`."""
    if keep or math.prod(form.places) == 1:
        pooled = pool(form, form.places) if form.is_image else form
        return pooled if keep else flatten(pooled, (form.channels,))
    link = Link(GlobalPool())
    return replace(form, parts=tuple(_follow(part, link) for part in form.parts), shape=(form.channels,))


def _follow(part: Part, link: Link) -> Part:
    """The part behind a map without weights, which leaves its bias."""
    paths = tuple(replace(path, links=(*path.links, link)) for path in part.paths)
    return replace(part, shape=link.operation.output_shape(part.shape), paths=paths)


def average_windows(
    form: Form,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    shapes: Mapping[str, Shape],
) -> Form:
    """The average over windows that overlap or are padded: a convolution of each channel by itself."""
    weight = torch.full((form.channels, 1, *kernel), 1 / math.prod(kernel), dtype=torch.float64)
    return convolve(form, Convolution(weight, stride, padding, form.channels), shapes, form.origin)


def dilate(weight: Tensor, dilation: tuple[int, ...]) -> Tensor:
    """The weights with zeros between them, as a dilated convolution sees them.

    >>> dilate(torch.ones(1, 1, 2), (2,)).tolist()
    [[[1.0, 0.0, 1.0]]]
    """
    sizes = [(size - 1) * step + 1 for size, step in zip(weight.shape[2:], dilation, strict=True)]
    wide = weight.new_zeros(*weight.shape[:2], *sizes)
    wide[(slice(None), slice(None), *(slice(None, None, step) for step in dilation))] = weight
    return wide


def pad_same(weight: Tensor, dilation: tuple[int, ...]) -> tuple[Tensor, tuple[int, ...]]:
    """The dilated weights and the padding that leave an image its size, as torch's padding="same"."""
    weight = dilate(weight, dilation)
    widened = [size % 2 == 0 for size in weight.shape[2:]]  # of which torch pads one more behind
    before = [amount for even in reversed(widened) for amount in (int(even), 0)]
    weight = torch.nn.functional.pad(weight, before)
    return weight, tuple(size // 2 for size in weight.shape[2:])


def _plain(numbers: tuple[int, ...]) -> int | tuple[int, ...]:
    """One number where all are equal."""
    return numbers[0] if len(set(numbers)) == 1 else numbers
