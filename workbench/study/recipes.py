"""Recipes for the data sets of Kugele et al. 2020: what the paper leaves open is ours, and says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from workbench.events import CutOut, Downsample, Drop, EventTransform, RandomFlip, Rotate, Scale, Shift
from workbench.network import Network, Shape, densenet

OURS = (
    "The paper gives neither layer sizes nor bins, frames, optimiser or augmentation: network, frames, ticks, window, "
    "augmentation and epochs are ours, and so is the default conversion of the workbench."
)
SOURCE = (
    "Kugele, Pfeil, Pfeiffer, Chicca 2020, Front. Neurosci. 14:439, doi 10.3389/fnins.2020.00439, as quoted by papers "
    "that cite it"
)


@dataclass(frozen=True)
class Recipe:
    """How a data set is loaded, and a network for it trained; what was published about it, in per cent.

    `loading` are options of `wb.load`, `training` options of `wb.train`; `network` are options of
    `architectures.densenet`. `best_published` is the best of a spiking network and of any other that we know of.
    """

    name: str
    title: str
    frames: int
    ticks_per_frame: int
    window_us: int
    epochs: int
    augment: tuple[EventTransform, ...]
    network: Mapping[str, Any]
    published_snn: float
    published_ann: float | None
    best_published: str
    loading: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=lambda: {"label_smoothing": 0.1})

    def make_network(self, shape: Shape, classes: int) -> Network:
        """Dense blocks with global average pooling, streaming: every connection takes a frame."""
        return densenet(shape, classes, read_out="global", **self.network).streaming()

    def describe(self, epochs: int | None = None) -> dict[str, str]:
        """The recipe in words, by what it is about, for so many epochs if not its own."""
        network = ", ".join(f"{name}={value}" for name, value in self.network.items())
        window = f"{self.window_us / 1000:g} ms, {self.frames} frames of {self.ticks_per_frame} ticks"
        loading = ", ".join(f"{name}={value!r}" for name, value in self.loading.items())
        return {
            "network": f'architectures.densenet(read_out="global", {network}), streaming',
            "window": window + (f"; loaded with {loading}" if loading else ""),
            "augmentation, drawn anew every epoch": ", ".join(map(repr, self.augment)),
            "training": f"{self.epochs if epochs is None else epochs} epochs, "
            + ", ".join(f"{name}={value!r}" for name, value in self.training.items()),
        }


_MOVES = Shift(3), Rotate(12), Scale(0.12), Drop(0.1)
_HALF = Downsample(2)

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (
            Recipe(
                "n-mnist", "N-MNIST", frames=8, ticks_per_frame=12, window_us=300_000, epochs=20, augment=_MOVES,
                network={"growth": 12, "depth": 3, "blocks": 2, "channels": 24, "stride": 2},
                published_snn=99.54, published_ann=None, best_published="SNN 99.54, other 99.7",
            ),
            Recipe(
                "cifar10-dvs", "CIFAR10-DVS", frames=10, ticks_per_frame=12, window_us=1_300_000, epochs=60,
                augment=(
                    RandomFlip(), Shift(5), Rotate(15), Scale(0.15),
                    CutOut(12), Drop(0.1),
                ),
                network={"growth": 16, "depth": 4, "blocks": 3, "channels": 32, "stride": 2},
                published_snn=66.61, published_ann=None,
                best_published="SNN 85.2 from scratch, 92.5 with synthetic pre-training; other 84.8",
                loading={"transforms": (_HALF,)}, training={"label_smoothing": 0.1, "dropout": 0.1},
            ),
            Recipe(
                "n-cars", "N-CARS", frames=5, ticks_per_frame=12, window_us=100_000, epochs=30,
                augment=(
                    RandomFlip(), Shift(6), Rotate(8), Scale(0.15),
                    Drop(0.1),
                ),
                network={"growth": 12, "depth": 3, "blocks": 3, "channels": 24, "stride": 2},
                published_snn=94.07, published_ann=None, best_published="SNN 94.07, other 96.7",
                loading={"transforms": (_HALF,)},
            ),
            Recipe(
                "dvs-gesture", "DvsGesture", frames=12, ticks_per_frame=12, window_us=1_500_000, epochs=60,
                # not mirrored: a right hand's wave would be a left hand's, and clockwise the other way round
                augment=(
                    Shift(5), Rotate(10), Scale(0.15), Drop(0.1),
                ),
                network={"growth": 16, "depth": 3, "blocks": 3, "channels": 32, "stride": 2},
                published_snn=96.97, published_ann=97.16, best_published="SNN 98.6, other 99.6 (10 classes)",
                loading={"transforms": (_HALF,)}, training={"label_smoothing": 0.1, "dropout": 0.1},
            ),
        )
    }
)  # fmt: skip
"""By the name under which `wb.load` knows them."""
