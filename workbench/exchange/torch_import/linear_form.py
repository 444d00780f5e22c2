"""What a tensor of a module is between two activations: a sum of linear paths from nodes, and a bias per channel."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import torch
from torch import Tensor

from workbench.network import Chain, GlobalPool, Identity, Operation, Pool, Shape


class InexpressibleError(ValueError):
    """What a network cannot do: the `operation` in words, and the `cure`."""

    def __init__(self, operation: str, cure: str) -> None:
        super().__init__(f"{operation}: {cure}")
        self.operation, self.cure = operation, cure


@dataclass(frozen=True, eq=False)
class Link:
    """A linear map and its weight, in double precision; None where the map has none; and whose weight it is."""

    operation: Operation
    weight: Tensor | None = None
    layer: str = ""

    def same_as(self, other: Link) -> bool:
        """Whether both are one map."""
        if self.operation != other.operation or (self.weight is None) != (other.weight is None):
            return False
        return self.weight is None or other.weight is None or torch.equal(self.weight, other.weight)


@dataclass(frozen=True, eq=False)
class Path:
    """From a node through linear maps; a `gain` per channel at its end, of paths without weights alone."""

    source: str
    links: tuple[Link, ...] = ()
    gain: Tensor | None = None

    @property
    def weighted(self) -> bool:
        """Whether any of its maps has a weight."""
        return any(link.weight is not None for link in self.links)

    @property
    def operation(self) -> Operation:
        """The map of the edge that it becomes."""
        if len(self.links) < 2:
            return self.links[0].operation if self.links else Identity()
        return Chain(*(link.operation for link in self.links))

    @property
    def weights(self) -> list[Tensor]:
        """The weights of that edge."""
        return [link.weight for link in self.links if link.weight is not None]

    def shape_after(self, source: Shape, links: int | None = None) -> Shape:
        """The shape behind so many of its links, all unless said otherwise."""
        return reduce(lambda shape, link: link.operation.output_shape(shape), self.links[:links], source)

    def scaled(self, factor: Tensor) -> Path:
        """The same path times a factor per channel of its end, which goes into its last weights or its gain."""
        for place in range(len(self.links) - 1, -1, -1):
            link = self.links[place]
            if link.weight is not None:
                weight = link.weight * factor.view(-1, *[1] * (link.weight.ndim - 1))
                return self.with_link(place, replace(link, weight=weight))
        return replace(self, gain=factor if self.gain is None else self.gain * factor)

    def as_vector(self, shapes: Mapping[str, Shape]) -> Path:
        """The same path to (channels, 1, ...) as one to (channels,); its last average may become a global one."""
        keep = self.links
        if keep and isinstance(keep[-1].operation, Pool):
            before = self.shape_after(shapes[self.source], len(keep) - 1)
            keep = keep[:-1] if keep[-1].operation.kernels(before) == before[1:] else keep
        return replace(self, links=(*keep, Link(GlobalPool())))

    def with_link(self, place: int, *links: Link) -> Path:
        """The same path with other links in the place of one."""
        return replace(self, links=(*self.links[:place], *links, *self.links[place + 1 :]))

    def then(self, link: Link, shape: Shape) -> Path:
        """The path followed by a map of a source of this shape, into whose weight a gain goes."""
        if link.weight is None or self.gain is None:
            return replace(self, links=(*self.links, link))
        weight = link.weight * link.operation.weigh_source(shape, self.gain)
        return Path(self.source, (*self.links, replace(link, weight=weight)))


@dataclass(frozen=True, eq=False)
class Part:
    """Some consecutive channels (channels, *places): the sum of `paths`, and a `bias` per channel."""

    shape: Shape
    paths: tuple[Path, ...]
    bias: Tensor

    @property
    def channels(self) -> int:
        """How many channels it has."""
        return self.shape[0]

    def scaled(self, factor: Tensor) -> Part:
        """The same part times a factor per channel."""
        return replace(self, paths=tuple(path.scaled(factor) for path in self.paths), bias=self.bias * factor)

    def shifted(self, bias: Tensor) -> Part:
        """The same part with a bias more."""
        return replace(self, bias=self.bias + bias)

    def as_vector(self, shapes: Mapping[str, Shape]) -> Part:
        """The same part (channels, 1, ...) as (channels,)."""
        if len(self.shape) == 1:
            return self
        return replace(self, shape=self.shape[:1], paths=tuple(path.as_vector(shapes) for path in self.paths))


@dataclass(frozen=True, eq=False)
class Normalisation:
    """A batch norm of a module in evaluation: (x - mean) scale + bias, scale = gain / sqrt(variance + eps)."""

    path: str
    gain: Tensor
    bias: Tensor
    mean: Tensor
    variance: Tensor
    eps: float
    batches: int

    @property
    def scale(self) -> Tensor:
        """What it multiplies by."""
        return self.gain / (self.variance + self.eps).sqrt()

    def of_channels(self, start: int, stop: int) -> Normalisation:
        """The norm of some channels."""
        some = slice(start, stop)
        numbers = (self.gain[some], self.bias[some], self.mean[some], self.variance[some])
        return Normalisation(self.path, *numbers, self.eps, self.batches)


@dataclass(frozen=True, eq=False)
class Form:
    """A tensor of a module without its batch: `parts` along the channels, and a norm that is still to be applied.

    `shape` is what the module sees: (channels, *places), or flat. `origin` names the layer whose sum it is.
    """

    parts: tuple[Part, ...]
    shape: Shape
    origin: str
    norm: Normalisation | None = None

    @classmethod
    def of_node(cls, node: str, shape: Shape) -> Form:
        """The activity of a node."""
        zero = torch.zeros(shape[0], dtype=torch.float64)
        return cls((Part(shape, (Path(node),), zero),), shape, node)

    @property
    def channels(self) -> int:
        """How many channels all parts have together."""
        return sum(part.channels for part in self.parts)

    @property
    def places(self) -> Shape:
        """What follows the channels, of the first part; those of a flat tensor may differ among parts."""
        return self.parts[0].shape[1:]

    @property
    def is_image(self) -> bool:
        """Whether the module sees (channels, *places) as the parts have them."""
        return self.shape == (self.channels, *self.places)

    def normalised(self) -> Form:
        """The same with the norm put into weights and biases."""
        if self.norm is None:
            return self
        scale, shift = self.norm.scale, self.norm.bias - self.norm.mean * self.norm.scale
        parts = [
            part.scaled(scale[start:stop]).shifted(shift[start:stop])
            for part, (start, stop) in zip(self.parts, self.bounds(), strict=True)
        ]
        return replace(self, parts=tuple(parts), norm=None)

    def bounds(self) -> list[tuple[int, int]]:
        """First channel of every part, and the first behind it."""
        found, start = [], 0
        for part in self.parts:
            found.append((start, start + part.channels))
            start += part.channels
        return found

    def scaled(self, factor: Tensor) -> Form:
        """The same times a factor per channel."""
        parts = zip(self.parts, self.bounds(), strict=True)
        return replace(self, parts=tuple(part.scaled(factor[a:b]) for part, (a, b) in parts))

    def shifted(self, bias: Tensor) -> Form:
        """The same with a bias per channel more."""
        parts = zip(self.parts, self.bounds(), strict=True)
        return replace(self, parts=tuple(part.shifted(bias[a:b]) for part, (a, b) in parts))


def require_image(form: Form, operation: str) -> None:
    """InexpressibleError unless the module sees channels and places as they are."""
    if not form.is_image or form.shape[1:] == ():
        raise InexpressibleError(
            f"{operation} of a tensor seen as (batch, {', '.join(map(str, form.shape))})",
            f"give it (batch, {form.channels}, {', '.join(map(str, form.places))}) as the layer before left it",
        )


def flatten(form: Form, shape: Shape) -> Form:
    """The same numbers in another shape (without batch); InexpressibleError where they would change places."""
    flat, places = math.prod(form.shape), form.places
    seen = ((flat,), (form.channels, *places), (form.channels, math.prod(places)))
    if shape not in seen or (any(part.shape[1:] != places for part in form.parts) and shape != (flat,)):
        raise InexpressibleError(
            f"reshape from (batch, {', '.join(map(str, form.shape))}) to (batch, {', '.join(map(str, shape))})",
            "leave the places of numbers as they are; only flattening all of an image, as torch.flatten(x, 1) does, "
            "can be expressed",
        )
    return replace(form, shape=shape)


def concatenate(forms: Sequence[Form], shape: Shape, origin: str) -> Form:
    """Tensors one after the other along their channels."""
    return Form(tuple(part for form in forms for part in form.parts), shape, origin)


def count_numbers(paths: Iterable[Path]) -> int:
    """How many weights paths hold."""
    return sum(weight.numel() for path in paths for weight in path.weights)
