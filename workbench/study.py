"""The main job on one data set: streaming against sequential, each as an ANN and as an SNN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.conversion import convert
from workbench.events import Dataset
from workbench.graph import Network
from workbench.measures import compare
from workbench.model import Model
from workbench.models import shortcut_network
from workbench.training import train

if TYPE_CHECKING:
    import pandas as pd

STREAMING_ANN, MATCHED_SNN = "streaming ANN", "matched SNN"
SEQUENTIAL_ANN, UNMATCHED_SNN = "sequential ANN", "unmatched SNN"
BATCHES = 540  # of a training, about: 12 epochs of the embedded sets


@dataclass(frozen=True, eq=False)
class Study:
    """What the main job found: trained models by name, their histories, and accuracy and operations at every step."""

    dataset: Dataset
    network: Network
    models: dict[str, Model]
    histories: dict[str, pd.DataFrame]
    costs: pd.DataFrame


def study(dataset: Dataset, network: Network | None = None, epochs: int | None = None, seed: int = 0) -> Study:
    """Train a network streaming and sequential, convert both onto an SNN whose edges take time, compare all four.

    The streaming ANN becomes the matched SNN: every delay times K. The sequential ANN becomes the unmatched SNN: it
    was trained without delays, but every edge of the SNN takes one frame, as a connection of a chip takes time. By
    default it is `shortcut_network`, with a loop for "motion", whose classes need a
    memory in the sequential rollout too. By default there are as many epochs as give about 540 batches, 2 to 60.
    """
    if epochs is None:
        epochs = min(60, max(2, round(BATCHES * 32 / len(dataset.train))))
    if network is None:
        network = shortcut_network(dataset.shape, len(dataset.classes), loop=dataset.name == "motion")
    models, histories = {}, {}
    rollouts = [
        (STREAMING_ANN, MATCHED_SNN, network.streaming(), "matched"),
        (SEQUENTIAL_ANN, UNMATCHED_SNN, network.sequential(), "frame"),
    ]
    for ann_name, snn_name, rollout, delays in rollouts:
        model = Model(rollout, seed=seed)
        ann, histories[ann_name] = train(model, dataset.train, dataset.test, epochs=epochs, seed=seed)
        models[ann_name], models[snn_name] = ann, convert(ann, dataset.train, delays=delays)
    return Study(dataset, network, models, histories, compare(models, dataset.test))
