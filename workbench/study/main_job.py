"""The main job on one data set: streaming against sequential, each as an ANN and as an SNN."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.conversion import convert
from workbench.evaluation import compare
from workbench.events import Dataset, Recordings
from workbench.model import Model
from workbench.network import Network, shortcut_network
from workbench.training import train

if TYPE_CHECKING:
    import pandas as pd

STREAMING_ANN, MATCHED_SNN = "streaming ANN", "matched SNN"
SEQUENTIAL_ANN, UNMATCHED_SNN = "sequential ANN", "unmatched SNN"
BATCHES = 540  # of a training, about: 12 epochs of the embedded sets
HELD_BACK = 0.1  # of the recordings to train, which validate: the test part is for the comparison alone


@dataclass(frozen=True, eq=False)
class Study:
    """What the main job found: trained models by name, their histories, and accuracy and operations at every step."""

    dataset: Dataset
    network: Network
    models: dict[str, Model]
    histories: dict[str, pd.DataFrame]
    costs: pd.DataFrame


def _hold_back(recordings: Recordings, seed: int) -> tuple[Recordings | None, Recordings]:
    counts = np.bincount(recordings.labels)
    return recordings.split(HELD_BACK, seed) if max(HELD_BACK * counts) > 0.5 else (None, recordings)


def take_part(dataset: Dataset, share: float, seed: int = 0) -> Dataset:
    """A share of the recordings of every class, of both parts, drawn by the seed; its split says so.

    ValueError where so few are left that a class has none.

    >>> whole = wb.load({"a": [np.array([(0, 0, 5, 1)], dtype=[*zip("xytp", "iiii")])] * 20}, sensor=(1, 1))
    >>> len(take_part(whole, 0.5)), take_part(whole, 0.5).split.split("; ")[-1]
    (10, '50 % of every class, drawn by seed 0')
    """
    parts = [part.split(share, seed)[0] for part in (dataset.train, dataset.test)]
    for part in parts:
        missing = [name for label, name in enumerate(part.classes) if label not in part.labels]
        if missing:
            raise ValueError(f"{share:g} of {dataset.name} leaves no recording of {', '.join(missing)}; take more")
    words = f"{dataset.split}; {100 * share:g} % of every class, drawn by seed {seed}"
    return Dataset(dataset.name, parts[0], parts[1], words)


def run_main_job(
    dataset: Dataset,
    network: Network | None = None,
    epochs: int | None = None,
    *,
    checkpoints: Path | None = None,
    say: Callable[[str], None] = lambda words: None,
    progress: bool = True,
    seed: int = 0,
) -> Study:
    """Train a network streaming and sequential, convert both onto an SNN whose edges take time, compare all four.

    The streaming ANN becomes the matched SNN: every delay times K. The sequential ANN becomes the unmatched SNN: it
    was trained without delays, but every edge of the SNN takes one frame, as a connection of a chip takes time. Both
    have the integrate-and-fire neuron of the literature, which spikes at once, so that they differ in delays alone. By
    default it is `shortcut_network`, with a loop for "motion", whose classes need a
    memory in the sequential rollout too. By default there are as many epochs as give about 540 batches, 2 to 60. A
    tenth of every class of the training part is held back to validate; where that is not one recording, nothing is.

    `say` is told what is done at each stage. An interrupt ends the job: with `checkpoints`, a folder, the same job
    begun again goes on at the epoch at which the training stood.
    """
    held_back, seen = _hold_back(dataset.train, seed)
    if epochs is None:
        epochs = min(60, max(2, round(BATCHES * 32 / len(seen))))
    if network is None:
        network = shortcut_network(dataset.shape, len(dataset.classes), loop=dataset.name == "motion")
    models, histories = {}, {}
    rollouts = [
        (STREAMING_ANN, MATCHED_SNN, network.streaming(), "matched"),
        (SEQUENTIAL_ANN, UNMATCHED_SNN, network.sequential(), "frame"),
    ]
    for ann_name, snn_name, rollout, delays in rollouts:
        say(f"Training the {ann_name}: {epochs} epochs of {len(seen):,} recordings")
        kept = checkpoints / f"{dataset.name} {ann_name}, {epochs} x {len(seen)}, seed {seed}" if checkpoints else None
        ann, histories[ann_name] = _train(
            Model(rollout, seed=seed), seen, held_back, epochs=epochs, checkpoint=kept, progress=progress, seed=seed
        )
        say(f"Converting it: the {snn_name}")
        models[ann_name] = ann
        models[snn_name] = convert(ann, dataset.train, emission="at_once", delays=delays, progress=progress)
    say(f"Comparing all four on {len(dataset.test):,} recordings")
    return Study(dataset, network, models, histories, compare(models, dataset.test, progress=progress))


def _train(
    model: Model, seen: Recordings, held_back: Recordings | None, *, epochs: int, **options: Any
) -> tuple[Model, pd.DataFrame]:
    """Train all epochs, or not at all: a part of a training is no result of a study."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "training was interrupted")
        ann, history = train(model, seen, validation=held_back, epochs=epochs, **options)
    if len(history) < epochs:
        raise KeyboardInterrupt
    return ann, history
