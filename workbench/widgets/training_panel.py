"""A training in the background, with live curves and a stop button."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from workbench import figures
from workbench.evaluation import share
from workbench.events import Dataset, Recordings
from workbench.model import Model, require_model, take_training
from workbench.training import Update, train
from workbench.widgets._base.job_panel import JobPanel


def training(
    model: Model,
    recordings: Recordings | Dataset,
    validation: Recordings | None = None,
    *,
    epochs: int = 10,
    **options: Any,
) -> TrainingPanel:
    """Begin to train a copy of a model in the background (of a Dataset, on its training part), with live loss and
    accuracy and a stop button.

    `options` are those of `wb.train`. `ann, history = await panel` waits for the end and returns what `wb.train`
    returns; outside of notebooks, `panel.result()` does.

    >>> network = Network({"eye": (1, 2, 2)}, [Edge("eye", "hand", Dense(2))])
    >>> ticks = np.random.default_rng(0).integers(0, 2, (4, 6, 1, 2, 2))
    >>> recordings = Recordings.from_ticks(ticks, labels=[0, 1] * 3, ticks_per_frame=2)
    >>> panel = training(Model(network), recordings, epochs=2)
    >>> ann, history = panel.result()
    >>> history["epoch"].tolist(), panel
    ([1, 2], TrainingPanel(ended after 2 of 2 epochs))
    """
    model, seen = require_model(model, "widgets.training"), take_training(recordings, "widgets.training")
    return TrainingPanel(model, seen, validation, epochs, **options)


class TrainingPanel(JobPanel[tuple[Model, pd.DataFrame]]):
    """A training in a thread of its own; `selection` is the epoch of the best model so far, or None."""

    title, job, anew = "Training", "training", "train anew"

    def __init__(
        self,
        model: Model,
        recordings: Recordings,
        validation: Recordings | None = None,
        epochs: int = 10,
        **options: Any,
    ) -> None:
        self._history: tuple[dict[str, float], ...] = ()
        options = {"progress": False, **options, "validation": validation, "epochs": epochs}
        super().__init__(
            lambda: train(model, recordings, **options, callback=self._on_update), epochs, "epochs",
            "End the training cleanly; the best model so far is kept",
        )  # fmt: skip

    @property
    def table(self) -> pd.DataFrame:
        """The history so far: a row per epoch, as `wb.train` returns it."""
        return pd.DataFrame(self._history, columns=list(self._history[-1]) if self._history else None)

    @property
    def selection(self) -> int | None:
        """The epoch with the best validation accuracy (the lowest loss without validation), or None."""
        rank = [(-row.get("validation_accuracy", 0.0), row["loss"]) for row in self._history]
        return int(self._history[rank.index(min(rank))]["epoch"]) if rank else None

    def _count_done(self) -> int:
        return len(self._history)

    def _keep(self, outcome: tuple[Model, pd.DataFrame]) -> None:
        rows = outcome[1].to_dict("records")
        self._history = tuple({str(name): value for name, value in row.items()} for row in rows)

    def _on_update(self, update: Update) -> bool:
        """Update the panel; returns whether to stop."""
        words = (
            f"epoch {update.epoch} of {update.epochs}, batch {update.batch} of {update.batches}: "
            f"loss {update.loss:.3f}, accuracy {share(update.accuracy)}"
        )
        more = len(update.history) > len(self._history)
        done = update.epoch - 1 + update.batch / update.batches
        return self._follow(done, words, (lambda: self._see(update)) if more else None)

    def _see(self, update: Update) -> None:
        self._history = update.history

    def _draw_done(self) -> go.Figure:
        return figures.learning(self.table if self._history else pd.DataFrame(columns=["epoch", "loss", "accuracy"]))
