"""Dropout: units of hidden nodes that are silent for a whole recording while it is learned."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from workbench.engine import Layers
from workbench.model import Model
from workbench.training.batch_parts import BatchPart


class DropoutLayers:
    """Layers for the engine in which each unit of a hidden node is silent with a probability, the others louder.

    A unit is dropped for all steps of a recording, so that what a loop or a shortcut brings later is dropped too; what
    is left is multiplied by 1 / (1 - probability). What is dropped is of the seed and the node, in whatever order nodes
    are computed, and of a recording's place in the whole batch, of which the recordings may be a `part`.

    Source: Srivastava et al. 2014, JMLR; the same units in all steps after Gal & Ghahramani 2016, NeurIPS.
    """

    def __init__(
        self, layers: Layers, model: Model, probability: float, seed: int, part: BatchPart | None = None
    ) -> None:
        self.layers, self.probability, self.seed, self.part = layers, probability, seed, part
        self.hidden = {node: place for place, node in enumerate(model.network.hidden)}
        self._kept: dict[str, Tensor] = {}

    def connect(self, position: int, source: Tensor) -> Tensor:
        """As the layers do."""
        return self.layers.connect(position, source)

    def normalize(self, node: str, drive: Tensor) -> Tensor:
        """As the layers do."""
        return self.layers.normalize(node, drive)

    def fire(self, node: str, drive: Tensor, membrane: Tensor | None, elapsed: int) -> tuple[Tensor, Tensor | None]:
        """As the layers do, without what is dropped."""
        activity, membrane = self.layers.fire(node, drive, membrane, elapsed)
        return (self._drop(node, activity) if node in self.hidden else activity), membrane

    def announce(self, node: str, membrane: Tensor, elapsed: int, steps: int) -> Tensor:
        """As the layers do, without what is dropped."""
        return self._drop(node, self.layers.announce(node, membrane, elapsed, steps))

    def _drop(self, node: str, activity: Tensor) -> Tensor:
        """The activity (steps, batch, *shape) times the node's mask (batch, *shape), which is drawn once."""
        if node not in self._kept:
            drawn_by = np.random.SeedSequence([self.seed, self.hidden[node]]).generate_state(1, np.uint64)[0]
            generator = torch.Generator(activity.device).manual_seed(int(drawn_by) >> 1)
            part = self.part or BatchPart.whole(activity.shape[1])
            shape = part.of, *activity.shape[2:]
            drawn = torch.rand(shape, generator=generator, device=activity.device, dtype=activity.dtype)
            drawn = drawn[part.begin : part.end]
            self._kept[node] = (drawn >= self.probability).to(activity.dtype) / (1 - self.probability)
        return activity * self._kept[node]
