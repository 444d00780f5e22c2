"""A training in the background, with live curves and a stop button."""

from __future__ import annotations

import asyncio
import html
import threading
import time
from collections.abc import Generator
from typing import Any

import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from workbench import figures
from workbench.evaluation import share
from workbench.events import Dataset, Recordings
from workbench.figures._for_panels import add_still_metadata, empty, running_notebook
from workbench.model import Model, require_model, take_training
from workbench.training import Update, train
from workbench.widgets._base.panel import Panel

POLL_S = 0.1  # between two checks whether a training has ended
BAR_S, FIGURE_S = 1.0, 4.0  # at least so long between two updates, which must not slow down the training


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


class TrainingPanel(Panel):
    """A training in a thread of its own; `selection` is the epoch of the best model so far, or None."""

    title = "Training"

    def __init__(
        self,
        model: Model,
        recordings: Recordings,
        validation: Recordings | None = None,
        epochs: int = 10,
        **options: Any,
    ) -> None:
        self._history: tuple[dict[str, float], ...] = ()
        self._bar_time = self._figure_time = 0.0
        self._state, self._epochs = "training", epochs
        self._stop_requested = requested = threading.Event()
        self._outcome: tuple[Model, pd.DataFrame] | None = None
        self._error: Exception | None = None
        self._shown = False
        self.stop = ipywidgets.Button(
            description="Stop", icon="stop", tooltip="End the training cleanly; the best model so far is kept"
        )
        self.stop.on_click(lambda button: requested.set())
        self.bar = ipywidgets.FloatProgress(
            value=0, min=0, max=max(1, epochs), description="epochs", layout={"width": "20em"}
        )
        self.now = ipywidgets.Label("starting", layout={"width": "30em"})
        options = {"progress": False, **options, "validation": validation, "epochs": epochs}
        self._thread = threading.Thread(
            target=self._train, args=(model, recordings), kwargs=options, name="workbench training", daemon=True
        )
        super().__init__([ipywidgets.HBox([self.stop, self.bar, self.now])], [])
        self._thread.start()

    @property
    def table(self) -> pd.DataFrame:
        """The history so far: a row per epoch, as `wb.train` returns it."""
        return pd.DataFrame(self._history, columns=list(self._history[-1]) if self._history else None)

    @property
    def selection(self) -> int | None:
        """The epoch with the best validation accuracy (the lowest loss without validation), or None."""
        rank = [(-row.get("validation_accuracy", 0.0), row["loss"]) for row in self._history]
        return int(self._history[rank.index(min(rank))]["epoch"]) if rank else None

    def result(self) -> tuple[Model, pd.DataFrame]:
        """Wait for the end; the trained model and its history. What went wrong in the training is raised here.

        The cell that showed the panel holds the last figure then. Waiting like this blocks the kernel, so that the stop
        button has no effect; interrupting the cell stops the training. With `await panel` the button works.
        """
        try:
            self._thread.join()
        except KeyboardInterrupt:
            self._stop_requested.set()
            self._thread.join()
        self._renew_output()
        if self._error is not None:
            raise self._error
        assert self._outcome is not None
        return self._outcome

    def __await__(self) -> Generator[Any, None, tuple[Model, pd.DataFrame]]:
        """Wait for the end without blocking the kernel: `ann, history = await panel`."""
        while self._thread.is_alive():
            yield from asyncio.sleep(POLL_S).__await__()
        return self.result()

    def _show(self) -> None:
        """Show the panel in the running notebook under a name by which its output can be renewed."""
        self._shown = True
        self._publish(update=False)

    def _renew_output(self) -> None:
        """Let the output of the cell that showed the panel hold the last figure: nobody may save it from a page."""
        if self._shown and self.comm is not None and not self.figure.has_left(self.model_id):
            self._publish(update=True)

    def _publish(self, update: bool) -> None:
        shown, about = add_still_metadata(self._make_bundle() if update else self._repr_mimebundle_(), self.figure)
        running_notebook().display_pub.publish(shown, about, transient={"display_id": self.model_id}, update=update)

    def _stop_background(self) -> None:
        """Stop the training as its button does, after the current batch."""
        super()._stop_background()
        self._stop_requested.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _train(self, model: Model, recordings: Recordings, **options: Any) -> None:
        try:
            self._outcome = train(model, recordings, **options, callback=self._on_update)
            rows = self._outcome[1].to_dict("records")
            self._history = tuple({str(name): value for name, value in row.items()} for row in rows)
            self._state = "stopped" if self._stop_requested.is_set() else "ended"
        except Exception as error:  # shown in the panel, raised by result()
            self._error, self._state = error, "failed"
        self.stop.disabled = True
        self.bar.value, self.now.value = len(self._history), ""
        self.refresh()

    def _on_update(self, update: Update) -> bool:
        """Update the panel, but not too often; returns whether to stop."""
        now = time.monotonic()
        if now - self._bar_time >= BAR_S:
            self._bar_time = now
            self.bar.value = update.epoch - 1 + update.batch / update.batches
            self.now.value = (
                f"epoch {update.epoch} of {update.epochs}, batch {update.batch} of {update.batches}: "
                f"loss {update.loss:.3f}, accuracy {share(update.accuracy)}"
            )
        if len(update.history) > len(self._history) and now - self._figure_time >= FIGURE_S:
            self._figure_time, self._history = now, update.history
            self.refresh()
        return self._stop_requested.is_set()

    def _draw(self) -> go.Figure:
        if self._error is not None:
            return empty(self.title, f"the training failed: {html.escape(str(self._error), quote=False)}")
        return figures.learning(self.table if self._history else pd.DataFrame(columns=["epoch", "loss", "accuracy"]))

    def _state_words(self) -> str:
        return "" if self._state == "failed" else f"{self._describe_state()} Run the cell again to train anew."

    def _describe_state(self) -> str:
        if self._state == "training":
            return f"Training goes on, after {len(self._history)} of {self._epochs} epochs."
        return f"{self._state.capitalize()} after {len(self._history)} of {self._epochs} epochs."

    def _note(self) -> str:
        if self._state == "training":
            return "Training goes on in the background; <code>await panel</code> waits for it."
        if self._error is not None:
            return f"<b>Failed.</b> {html.escape(str(self._error))}"
        return self._describe_state()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._state} after {len(self._history)} of {self._epochs} epochs)"


if (notebook := running_notebook()) is not None:
    notebook.display_formatter.ipython_display_formatter.for_type(TrainingPanel, TrainingPanel._show)
