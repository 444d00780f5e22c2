"""Layers where something is learned: the same numbers and gradients sooner, and less kept for the way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from workbench.engine.normalization import Bias, Norm
from workbench.engine.scheduler import Layers
from workbench.network import Network


class TrainingLayers:
    """Other layers for the engine in training: images channels last, and of every node with a ReLU one tensor is kept.

    `transform` is the linear map of an edge over (images, *shape), to which it adds a bias where one is given; `nodes`
    are the biases and norms; `rectified` are the nodes with plain ReLUs. These rectify in the memory of
    what their norm gives or, where a single weighted edge leads to them, in the memory of what it brings: there the
    edge brings the node's whole answer. Every other node is left to `layers`.
    """

    def __init__(
        self,
        layers: Layers,
        network: Network,
        transform: Callable[[int, Tensor, Tensor | None], Tensor],
        nodes: Mapping[str, Bias | Norm],
        rectified: frozenset[str],
    ) -> None:
        self.layers, self.network, self.transform, self.nodes = layers, network, transform, nodes
        self.rectified = rectified
        self.single_input = frozenset(node for node in self.rectified if self._has_one_input(node))
        self.answers = {network.incoming(node)[0]: nodes[node] for node in self.single_input}

    def connect(self, position: int, source: Tensor) -> Tensor:
        """The linear map of the edge at this position; where nothing else leads to its target, the target's answer."""
        images = source.flatten(0, 1)
        if images.ndim == 4:
            images = images.contiguous(memory_format=torch.channels_last)
        layer = self.answers.get(position)
        if layer is None:
            images = self.transform(position, images, None)
        elif isinstance(layer, Bias):
            images = self.transform(position, images, layer.bias).relu_()
        else:
            images = layer(self.transform(position, images, None)).relu_()
        return images.reshape(*source.shape[:2], *images.shape[1:])

    def normalize(self, node: str, drive: Tensor) -> Tensor:
        """The node's bias or norm, unless its edge has brought the answer or it comes with the ReLU."""
        return drive if node in self.rectified else self.layers.normalize(node, drive)

    def fire(self, node: str, drive: Tensor, membrane: Tensor | None, elapsed: int) -> tuple[Tensor, Tensor | None]:
        """The node's neuron."""
        if node in self.single_input:
            return drive, None
        if node in self.rectified:
            normalized: Tensor = self.nodes[node](drive.flatten(0, 1))
            return normalized.relu_().reshape(drive.shape), None
        return self.layers.fire(node, drive, membrane, elapsed)

    def announce(self, node: str, membrane: Tensor, elapsed: int, steps: int) -> Tensor:
        """As the layers do."""
        return self.layers.announce(node, membrane, elapsed, steps)

    def _has_one_input(self, node: str) -> bool:
        """Whether one edge leads to it, and its map gives memory of its own."""
        first, *others = (self.network.edges[position] for position in self.network.incoming(node))
        return not others and bool(first.operation.weight_shapes(self.network.shape_of(first.source)))
