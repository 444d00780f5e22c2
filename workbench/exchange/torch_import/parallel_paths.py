"""Paths from one node to another that take the same time: as one where they can be, else through a node between."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from workbench.exchange.torch_import.channels import ungroup
from workbench.exchange.torch_import.linear_form import Link, Path
from workbench.exchange.torch_import.linear_maps import Convolution
from workbench.network import Conv, Dense, Pool, Shape

MOST_NUMBERS = 1 << 22  # of a dense map that two chains become


def merge_parallel(paths: tuple[Path, ...], shapes: Mapping[str, Shape]) -> tuple[list[Path], list[Path]]:
    """The paths into a node, those from one source added where they can be; and those for which there is no way."""
    merged: list[Path] = []
    left: list[Path] = []
    for path in paths:
        same = next((place for place, other in enumerate(merged) if other.source == path.source), None)
        if same is None:
            merged.append(path)
            continue
        both = _add(merged[same], path, shapes[path.source])
        if both is None:
            left.append(path)
        else:
            merged[same] = both
    return merged, left


def _add(one: Path, other: Path, source: Shape) -> Path | None:
    """Both paths as one; None where no map of ours is their sum."""
    same = 0
    for mine, theirs in zip(one.links, other.links, strict=False):
        if not mine.same_as(theirs):
            break
        same += 1
    if same == len(one.links) == len(other.links):
        return _add_equal(one, other)
    last = _add_last(one, other, same, one.shape_after(source, same))
    if last is not None:
        return Path(one.source, (*one.links[:same], last))
    return _add_dense(one, other, source)


def _add_equal(one: Path, other: Path) -> Path:
    """Twice the same path, with the gains of both."""
    if one.weighted:
        return one.scaled(torch.full((_channels(one),), 2.0, dtype=torch.float64))
    return replace(one, gain=_gain(one) + _gain(other))


def _gain(path: Path) -> Tensor:
    return path.gain if path.gain is not None else torch.ones((), dtype=torch.float64)


def _channels(path: Path) -> int:
    return next(len(link.weight) for link in reversed(path.links) if link.weight is not None)


def _add_last(one: Path, other: Path, shared: int, between: Shape) -> Link | None:
    """What follows the shared links of both, as one map; None where either has more than one, or they do not fit."""
    ends = [path.links[shared:] for path in (one, other)]
    if any(len(links) > 1 for links in ends):
        return None
    weights = [links[0].weight if links and isinstance(links[0].operation, Dense) else None for links in ends]
    if weights[0] is not None and weights[1] is not None:
        return Link(Dense(len(weights[0])), weights[0] + weights[1])
    found = [_as_convolution(path, links, between) for path, links in zip((one, other), ends, strict=True)]
    return None if found[0] is None or found[1] is None else _add_convolutions(found[0], found[1], between)


def _as_convolution(path: Path, links: tuple[Link, ...], source: Shape) -> Convolution | None:
    """A link, or none, as a convolution of a source of this shape."""
    axes = len(source) - 1
    if axes not in (1, 2):
        return None
    if not links or isinstance(links[0].operation, Pool):
        kernel = links[0].operation.kernels(source) if links and isinstance(links[0].operation, Pool) else (1,) * axes
        each = _gain(path).expand(source[0]).reshape(-1, 1, *[1] * axes) / math.prod(kernel)
        return Convolution(each.expand(-1, 1, *kernel).clone(), kernel, (0,) * axes, source[0])
    operation, weight = links[0].operation, links[0].weight
    if not isinstance(operation, Conv) or weight is None:
        return None
    windows = operation.windows(source)
    return Convolution(weight, tuple(w.stride for w in windows), tuple(w.padding for w in windows), operation.groups)


def _add_convolutions(one: Convolution, other: Convolution, source: Shape) -> Link | None:
    """The sum of two convolutions of the same stride, in the smallest window that holds both."""
    if one.stride != other.stride:
        return None
    before = [max(pair) for pair in zip(one.padding, other.padding, strict=True)]
    sizes = [
        max(size - padding for size, padding in pairs) + most
        for most, *pairs in zip(
            before,
            zip(one.kernel, one.padding, strict=True),
            zip(other.kernel, other.padding, strict=True),
            strict=True,
        )
    ]
    groups = one.groups if one.groups == other.groups else 1
    weights = []
    for convolution in (one, other):
        weight = convolution.weight if groups == convolution.groups else ungroup(convolution.weight, convolution.groups)
        wide = weight.new_zeros(*weight.shape[:2], *sizes)
        offsets = [most - padding for most, padding in zip(before, convolution.padding, strict=True)]
        places = tuple(slice(a, a + size) for a, size in zip(offsets, convolution.kernel, strict=True))
        wide[(slice(None), slice(None), *places)] = weight
        weights.append(wide)
    both = Convolution(weights[0] + weights[1], one.stride, tuple(before), groups).link(weights[0] + weights[1], groups)
    fits = one.link(one.weight, one.groups).operation.output_shape(source) == both.operation.output_shape(source)
    return both if fits else None


def _add_dense(one: Path, other: Path, source: Shape) -> Path | None:
    """Two chains to a vector as one dense map, unless it is very large."""
    target = one.shape_after(source)
    if len(target) != 1 or math.prod(source) * target[0] > MOST_NUMBERS:
        return None
    ones = torch.eye(math.prod(source), dtype=torch.float64).view(-1, *source)
    both = sum(_apply(path, ones) for path in (one, other))
    assert isinstance(both, Tensor)
    return Path(one.source, (Link(Dense(target[0]), both.T.contiguous()),))


def _apply(path: Path, x: Tensor) -> Tensor:
    for link in path.links:
        x = link.operation(x, [] if link.weight is None else [link.weight])
    return x if path.gain is None else x * path.gain.view(-1, *[1] * (x.ndim - 2))
