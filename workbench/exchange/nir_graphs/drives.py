"""What a neuron is driven by: paths of linear maps from other nodes, each with a delay, and a bias."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from workbench.network import Chain, Conv, Dense, Identity, Operation, Shape


@dataclass(frozen=True, eq=False)
class DelayedPath:
    """One way from a node: `gain` (channels) times the `links`, one after the other, of its spikes so many ticks ago.

    `shape` is that of what arrives, channels first, and `before` that of what the last link gets.
    """

    source: str
    shape: Shape
    before: Shape = ()
    delay: int = 0
    links: tuple[Operation, ...] = ()
    weights: tuple[Tensor, ...] = ()
    gain: Tensor | None = None

    @property
    def operation(self) -> Operation:
        """The links as one operation."""
        return self.links[0] if len(self.links) == 1 else Chain(*self.links) if self.links else Identity()

    def then(self, link: Operation, *weights: Tensor) -> DelayedPath:
        """The path, and behind it one more link; a gain goes into its weights, or stays behind it where it has none."""
        shape, gain = link.output_shape(self.shape), self.gain
        if gain is not None and weights:
            weights = (weights[0] * link.weigh_source(self.shape, gain), *weights[1:])
            gain = None
        return replace(
            self,
            shape=shape,
            before=self.shape,
            links=(*self.links, link),
            weights=(*self.weights, *weights),
            gain=gain,
        )

    def times(self, factor: Tensor) -> DelayedPath:
        """The path times a factor for each channel, which goes into the weights of its last link where it has some."""
        if self.links and self.gain is None and self.links[-1].weight_shapes(self.before):
            last = self.weights[-1]
            return replace(self, weights=(*self.weights[:-1], last * factor.view(-1, *[1] * (last.ndim - 1))))
        return replace(self, gain=factor if self.gain is None else self.gain * factor)

    def made_dense(self) -> DelayedPath | None:
        """The path whose last link, a convolution that sees all places at once, is dense; None where it is another."""
        last = self.links[-1] if self.links else None
        if not isinstance(last, Conv) or self.gain is not None or last.groups > 1:
            return None
        if any(window != (*window[:1], 1, *window[:1], window.stride, 0) for window in last.windows(self.before)):
            return None
        dense = Dense(last.channels)
        weights = (*self.weights[:-1], self.weights[-1].flatten(1))
        return replace(self, shape=(dense.units,), links=(*self.links[:-1], dense), weights=weights)


@dataclass(frozen=True, eq=False)
class Drive:
    """The sum of paths and of a bias (channels), None where there is none.

    `shape` is how the file sees it; the paths may end in another shape of as many numbers in the same order, where the
    file has flattened what they bring.
    """

    paths: tuple[DelayedPath, ...]
    shape: Shape
    bias: Tensor | None = None

    @property
    def arrival(self) -> Shape:
        """The shape in which the paths end."""
        return self.paths[0].shape

    @property
    def flattened(self) -> bool:
        """Whether the file sees it in another shape than that in which the paths end."""
        return self.shape != self.arrival

    def spread_bias(self) -> Tensor | None:
        """The bias of every unit, (units) in order."""
        if self.bias is None:
            return None
        return self.bias.view(-1, *[1] * (len(self.arrival) - 1)).expand(self.arrival).flatten()

    def per_channel(self, values: Tensor) -> Tensor | None:
        """Numbers of every unit, in order, as one for each channel; None where they differ within one."""
        image = values.reshape(self.arrival[0], -1)
        return image[:, 0].clone() if bool((image == image[:, :1]).all()) else None

    def with_bias(self, bias: Tensor | None) -> Drive:
        """The drive with another bias, which is left out where it is 0 everywhere."""
        return replace(self, bias=None if bias is None or not bool(bias.any()) else bias)


def add_drives(drives: Sequence[Drive], node: str) -> Drive:
    """The sum of several drives; ValueError, with the node, where their shapes disagree.

    >>> eye = Drive((DelayedPath("eye", (2,)),), (2,))
    >>> add_drives([eye, Drive((DelayedPath("v1", (3,)),), (3,))], "v2")
    Traceback (most recent call last):
    ValueError: node 'v2' sums what is of shape (2,), from 'eye', and of shape (3,), from 'v1'; mend the graph
    """
    first = drives[0]
    for drive in drives[1:]:
        if drive.shape != first.shape or drive.arrival != first.arrival:
            raise ValueError(
                f"node {node!r} sums what is of shape {first.arrival}, from {first.paths[0].source!r}, and of shape "
                f"{drive.arrival}, from {drive.paths[0].source!r}; mend the graph"
            )
    paths = tuple(path for drive in drives for path in drive.paths)
    biases = [drive.bias for drive in drives if drive.bias is not None]
    return Drive(paths, first.shape, torch.stack(biases).sum(0) if biases else None)


def merge_paths(paths: Sequence[DelayedPath], node: str) -> list[DelayedPath]:
    """Paths of which no two have the same source and delay: equal maps are added up.

    ValueError, with both ends, where two maps of one delay cannot be added into one.
    """
    merged: dict[tuple[str, int], DelayedPath] = {}
    for path in paths:
        place = path.source, path.delay
        merged[place] = _add(merged[place], path, node) if place in merged else path
    return list(merged.values())


def _add(one: DelayedPath, other: DelayedPath, node: str) -> DelayedPath:
    """One path that brings what two do."""
    if one.links == other.links and len(one.weights) == 1 == len(one.links) and one.gain is None is other.gain:
        return replace(one, weights=(one.weights[0] + other.weights[0],))
    if one.links == other.links and not one.weights:
        ones = torch.ones(one.shape[0])
        gains = [ones if path.gain is None else path.gain for path in (one, other)]
        return replace(one, gain=gains[0] + gains[1])
    raise ValueError(
        f"two connections from {one.source!r} to {node!r}, {one.operation!r} and {other.operation!r}, take the same "
        f"{one.delay} ticks, and are no sum of one kind; join them in the file, or give one of them another delay"
    )
