"""Mixing recordings with each other, labels in proportion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.events.event_arrays import Events, Sensor
from workbench.events.transforms.base import EventTransform


@dataclass(frozen=True)
class Mix(EventTransform):
    """Every recording of a batch mixed with another one: of the one a share of the events, of the other the rest.

    The share is drawn once a batch, max(s, 1 - s) with s of the distribution Beta(alpha, alpha); each event is kept
    with that probability. The loss is mixed in the same proportion: share x loss(answers, labels) + (1 - share) x
    loss(answers, labels of the others); accuracies are of the labels. Directions stay as they are, both at once. Only
    `wb.train(augment=...)` draws batches. Raises ValueError unless ``alpha`` is positive.

    Source: Zhang et al. 2018, ICLR (mixup of images and labels); of events by drawing them is ours.

    >>> Mix(0.2)
    Mix(alpha=0.2)
    """

    alpha: float

    def __post_init__(self) -> None:
        self._require(0 < self.alpha < np.inf, "alpha", "a positive number, such as 0.2")

    def draw_share(self, rng: np.random.Generator) -> float:
        """The share of a batch's own events, at least a half."""
        share = float(rng.beta(self.alpha, self.alpha))
        return max(share, 1 - share)

    def edit(self, events: Events, sensor: Sensor, rng: np.random.Generator) -> Events:
        raise ValueError(
            f"{self!r} mixes recordings of a batch with each other, not one; use wb.train(augment=[{self!r}])"
        )
