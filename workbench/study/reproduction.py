"""An experiment of the paper, done again: the network of a data set trained, converted and compared."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.conversion import convert
from workbench.evaluation import compare
from workbench.events import Dataset, load
from workbench.exchange import load_model, save_model
from workbench.model import Model
from workbench.study.main_job import take_part
from workbench.study.recipes import Recipe
from workbench.study.time_estimate import estimate_time
from workbench.training import train

if TYPE_CHECKING:
    import pandas as pd

Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Reproduction:
    """What was found: both models, how the ANN learned, and accuracy and operations at every step.

    `costs` is the table of `wb.compare` by slice; `votes` the one by recording, where recordings were cut into slices.
    """

    recipe: Recipe
    dataset: Dataset
    ann: Model
    snn: Model
    history: pd.DataFrame
    costs: pd.DataFrame
    votes: pd.DataFrame | None


def load_for(recipe: Recipe, root: str | Path, part: float | None = None, seed: int = 0) -> Dataset:
    """The recordings of a recipe; FileNotFoundError, with what to get and where to put it, where they are not there."""
    dataset = load(
        recipe.name, root=root, frames=recipe.frames, ticks_per_frame=recipe.ticks_per_frame,
        window_us=recipe.window_us, seed=seed, **recipe.loading,
    )  # fmt: skip
    return dataset if part is None else take_part(dataset, part, seed)


def reproduce(
    recipe: Recipe,
    dataset: Dataset,
    folder: str | Path,
    epochs: int | None = None,
    *,
    say: Say = lambda words: None,
    progress: bool = True,
    seed: int = 0,
) -> Reproduction:
    """Train the network of a recipe on the training part, convert it, compare both on the test part.

    All is kept in `folder`: a checkpoint after every epoch, then both models. The same call begun again goes on there.
    An interrupt raises KeyboardInterrupt.
    """
    folder = Path(folder) / _name_run(recipe, dataset, epochs, seed)
    epochs = recipe.epochs if epochs is None else epochs
    model = Model(recipe.make_network(dataset.shape, len(dataset.classes)), seed=seed)
    options = {**recipe.training, "augment": list(recipe.augment), "epochs": epochs, "seed": seed}
    say(f"This takes {estimate_time(model, dataset, **options)}")
    say(f"Training: {epochs} epochs of {len(dataset.train):,} recordings")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "training was interrupted")
        ann, history = train(model, dataset, checkpoint=folder / "training.safetensors", progress=progress, **options)
    if len(history) < epochs:
        raise KeyboardInterrupt
    kept = folder / "snn.safetensors"
    say(f"The SNN of {kept}" if kept.exists() else "Converting")
    if kept.exists():
        snn = load_model(kept)
    else:
        snn = convert(ann, dataset, progress=progress)
        save_model(ann, folder / "ann.safetensors")
        save_model(snn, kept)
    say(f"Comparing on {len(dataset.test):,} recordings")
    models = {"ANN": ann, "SNN": snn}
    costs = compare(models, dataset.test, progress=progress)
    cut = len(np.unique(np.asarray(dataset.test.origins))) < len(dataset.test)
    votes = compare(models, dataset.test, per="recording", progress=progress) if cut else None
    return Reproduction(recipe, dataset, ann, snn, history, costs, votes)


def _name_run(recipe: Recipe, dataset: Dataset, epochs: int | None, seed: int) -> str:
    """A folder for this recipe, data and seed: of any other what was kept would be wrong."""
    known = repr((recipe.describe(epochs), dataset.split, len(dataset.train), len(dataset.test)))
    return f"{recipe.name}, seed {seed}, {hashlib.blake2b(known.encode(), digest_size=4).hexdigest()}"
