"""Controls that find recordings: by class, by who answers correctly, by margin, by a click in a confusion matrix."""

from __future__ import annotations

import html
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from functools import cached_property
from typing import Any

import ipywidgets
import pandas as pd

from workbench import figures
from workbench.evaluation import evaluate
from workbench.events import Recordings
from workbench.figures._for_panels import empty
from workbench.model import Model
from workbench.widgets._background.prefetch import PrefetchCache
from workbench.widgets._base.canvas import Canvas
from workbench.widgets._base.controls import SEARCH
from workbench.widgets._base.edits import Edits
from workbench.widgets._base.lifetime import weak_callback
from workbench.widgets._base.recording_groups import (
    AS_RECORDED,
    CLOSE_FIRST,
    WRONG_FIRST,
    Group,
    describe_recording,
    list_groups,
    sort_recordings,
    tabulate_answers,
    taken_for,
)

MOST_LISTED = 500  # recordings in the list; how many more were found is said


class RecordingFinder(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets carries no types
    """Drop-downs of groups, orders and the recordings found; the one that is chosen goes to `recording`, the slider.

    Models answer all recordings in the background once a group, an order or the confusion matrix asks for that.
    `table` has a row per recording found, as `tabulate_answers` has them.
    """

    searches = True  # what is in view is told by the slider

    def __init__(self, recordings: Recordings, models: Mapping[str, Model], recording: ipywidgets.IntSlider) -> None:
        self.recordings, self.models, self.recording = recordings, dict(models), recording
        self.answers: PrefetchCache[str, pd.DataFrame] = PrefetchCache(self._answer_all, keep=len(models) + 1)
        self._lock, self._edits, self._jumps = threading.RLock(), Edits(), False
        self._compared, self._clicked = list(models)[:2], list[Group]()
        self._make_controls()
        self.table = tabulate_answers(recordings, {})
        self._list_groups()
        self._update()
        for control in (self.group, self.order, self.confusion):
            control.observe(weak_callback(self._on_control), "value")
        self.found.observe(weak_callback(self._on_found), "value")
        self.recording.observe(weak_callback(self._on_recording), "value")
        for control in () if models else (self.order, self.confusion):
            control.layout.display = "none"
        rows = ([self.group, self.order, self.confusion], [self.found, self.said])
        super().__init__([*(ipywidgets.HBox(row, layout={"flex_flow": "row wrap"}) for row in rows), self.place])

    def _make_controls(self) -> None:
        self.group = ipywidgets.Dropdown(description="find", tooltip="Which recordings the list holds", **SEARCH)
        self.order = ipywidgets.Dropdown(
            options=[AS_RECORDED, CLOSE_FIRST, WRONG_FIRST],
            description="order",
            tooltip="The order of the list, by the margin: the probability of the true class less the largest of the "
            "others, in the end; near 0 is a close call, -1 surely wrong",
            **SEARCH,
        )
        self.confusion = ipywidgets.ToggleButton(
            description="confusion matrix",
            tooltip="Which class is taken for which; click a cell to find its recordings",
        )
        self.found = ipywidgets.Dropdown(
            options=[("none", None)],
            description="found",
            tooltip="The recordings found: choose one to see it",
            **SEARCH,
        )
        self.said = ipywidgets.HTML()
        self.place = ipywidgets.Box(layout={"display": "none", "width": "100%"})

    @cached_property
    def matrix(self) -> Canvas:
        """The confusion matrix; it is made when it is first asked for."""
        canvas = Canvas(empty("Confusions", "no recording has been answered yet"))
        canvas.listen(weak_callback(self._on_click))
        self.place.children = [canvas]
        return canvas

    def compare(self, one: str, other: str) -> None:
        """Hold these two models against each other from now on; the same twice is one model alone."""
        names = list(dict.fromkeys((one, other)))
        if names != self._compared:
            with self._lock:
                self._compared, self._clicked = names, []
                self._list_groups()
                self._update()

    def find(self, words: str, order: str = AS_RECORDED) -> None:
        """Choose a group and an order by their words, and wait for the answers that they need."""
        self.order.value = order
        self.group.value = words
        self.wait()

    def wait(self) -> None:
        """Wait until the models have answered, as far as what is chosen needs that."""
        try:
            for name in self._needed():
                self.answers(name)
        finally:  # what went wrong is told in the page as well
            self._find()

    def _answer_all(self, name: str) -> pd.DataFrame:
        return evaluate(self.models[name], self.recordings, rows=True, progress=False)

    def _list_groups(self) -> None:
        """Offer the groups of the models in view, and those that were clicked."""
        self._groups = {
            group.words: group for group in (*list_groups(self.recordings.classes, self._compared), *self._clicked)
        }
        chosen = self.group.value if self.group.value in self._groups else "all"
        with self._edits.skip():
            self.group.options, self.group.value = list(self._groups), chosen

    def _needed(self) -> list[str]:
        """The models whose answers the chosen group, order or matrix needs."""
        asks = self._groups[self.group.value].needs_answers or self.order.value != AS_RECORDED or self.confusion.value
        return self._compared if asks else []

    def _on_control(self, change: Any) -> None:
        if self._edits.passes():
            self._find(jumps=change.owner is not self.confusion)

    def _find(self, jumps: bool = False) -> None:
        """Update, and go to the first recording found where a group or an order has been chosen."""
        with self._lock:
            jumps |= self._jumps
            found = self._update()
            jumps, self._jumps = jumps and found, jumps and not found
        if jumps and not self.table.empty:  # without the lock: the panel takes its own
            self.recording.value = int(self.table["recording"].iloc[0])

    def _on_found(self, change: Any) -> None:
        if self._edits.passes() and change.new is not None:
            self.recording.value = change.new

    def _on_recording(self, change: Any) -> None:
        """Show in the list where the slider stands."""
        with self._lock, self._edits.skip():
            listed = [value for _, value in self.found.options]
            self.found.value = change.new if change.new in listed else None

    def _on_click(self, kind: str, trace: int, point: Any) -> None:
        """Find the recordings in the cell of the matrix that was clicked."""
        if kind != "click" or not isinstance(point, list) or self.matrix.data[trace].type != "heatmap":
            return
        classes = self.recordings.classes
        group = taken_for(classes[point[0]], classes[point[1]], self._compared[-1])
        self._clicked = [*(each for each in self._clicked if each.words != group.words), group]
        self._list_groups()
        self.group.value = group.words

    def _on_answers(self, future: Future[pd.DataFrame]) -> None:
        if not future.cancelled():
            self._find()

    def _update(self) -> bool:
        """Find what is chosen, if the answers that it needs are there; else ask for them."""
        answered, problem = {}, ""
        for name in self._needed():
            future = self.answers.submit(name)
            if not future.done():
                future.add_done_callback(weak_callback(self._on_answers))
            elif (error := future.exception()) is not None:
                problem = str(error)
            else:
                answered[name] = future.result()
        if len(answered) < len(self._needed()):
            self.said.value = html.escape(problem) or f"Answering {len(self.recordings):,} recordings …"
            return False
        table = tabulate_answers(self.recordings, answered)
        group, model = self._groups[self.group.value], self._compared[-1] if self._compared else None
        self.table = sort_recordings(table[group.keep(table)], self.order.value, model).reset_index(drop=True)
        self._show(list(answered))
        self.place.layout.display = "block" if self.confusion.value else "none"
        if self.confusion.value and model is not None:
            self._draw_matrix(table, model)
        return True

    def _show(self, answered: list[str]) -> None:
        """List what was found."""
        listed = [(describe_recording(row, answered), row["recording"])
                  for row in self.table.head(MOST_LISTED).to_dict("records")]  # fmt: skip
        more = f", the first {MOST_LISTED} of them listed" if len(self.table) > MOST_LISTED else ""
        self.said.value = f"{len(self.table):,} of {len(self.recordings):,} recordings{more}"
        here = self.recording.value
        with self._edits.skip():
            self.found.options = [("choose one" if listed else "none", None), *listed]
            self.found.value = here if here in [value for _, value in listed] else None

    def _draw_matrix(self, table: pd.DataFrame, model: str) -> None:
        """The confusion matrix of a model in the end."""
        classes, frames = self.recordings.classes, self.recordings.frames
        every = pd.MultiIndex.from_product([classes, classes], names=["label", "answer"])
        counts = table.groupby(["label", f"answer of {model}"]).size().reindex(every, fill_value=0)
        last = frames * self.models[model].ticks_per_frame - 1
        cells = counts.reset_index(name="recordings").assign(step=last, frame=float(frames))
        self.matrix.draw(figures.confusion_over_time(cells))
