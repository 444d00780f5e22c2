"""Two models side by side on the same recording, under one time cursor."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from workbench import figures
from workbench.analysis import (
    Divergence,
    RecordingTrace,
    compare_traces,
    describe_divergence,
    find_divergence,
    trace_recording,
)
from workbench.evaluation import amount, joules, require_fit
from workbench.events import Dataset, Recordings
from workbench.figures._for_panels import KINDS
from workbench.model import Model, require_models, take_test
from workbench.widgets._background.prefetch import PrefetchCache
from workbench.widgets._base.controls import LABELLED
from workbench.widgets._base.playback import Playback
from workbench.widgets._base.recording_finder import RecordingFinder
from workbench.widgets._base.recording_panel import RecordingPanel, name_answer, name_moment
from workbench.widgets._base.recording_slider import make_recording_slider
from workbench.widgets._base.saved_page import Part, SavedPage, keep_control, read_options

ANSWER_HINT = "What is read of the output: its mean from its first response on, or over the last frame alone"


def compare(models: Mapping[str, Model], recordings: Recordings | Dataset, *, recording: int = 0) -> ComparePanel:
    """A panel that shows one recording in two of the models side by side; of a Dataset, its test part.

    `models` are named as for `wb.compare`; with more than two, choose which stand left and right. `recording` is the
    one to begin with.

    >>> ticks = np.ones((8, 3, 2, 5, 5), dtype=int)
    >>> recordings = Recordings.from_ticks(ticks, labels=[0, 1, 1], ticks_per_frame=2)
    >>> network = Network({"eye": (2, 5, 5)}, [Edge("eye", "hand", Dense(2))])
    >>> from workbench import widgets
    >>> panel = widgets.compare({"ANN": Model(network), "SNN": convert(Model(network), recordings)}, recordings)
    >>> panel.clock.step.value = 3  # of the finer clock, that of the SNN
    >>> panel.table[["model", "frame"]].values.tolist()
    [['ANN', 2.0], ['SNN', 2.0]]
    """
    named, looked_at = require_models(models, "widgets.compare"), take_test(recordings, "widgets.compare")
    return ComparePanel(named, looked_at, recording)


class ComparePanel(RecordingPanel):
    """One recording in two models; `selection` is (recording, time in frames), `table` the numbers at that time."""

    title = "Comparison"

    def __init__(self, models: Mapping[str, Model], recordings: Recordings, recording: int = 0) -> None:
        if len(models) < 2:
            raise ValueError(f'widgets.compare: {len(models)} models; give at least two, as {{"ANN": ann, "SNN": snn}}')
        for model in models.values():
            require_fit(model, recordings)
        self.models, self.recordings = dict(models), recordings
        self._traces: PrefetchCache[tuple[str, int, str], RecordingTrace] = PrefetchCache(
            lambda key: trace_recording(self.models[key[0]], recordings, recording=key[1], answer=key[2]), keep=16
        )
        names = list(models)
        self.left = ipywidgets.Dropdown(
            options=names, value=names[0], description="left", tooltip="The model in the left column", **LABELLED
        )
        self.right = ipywidgets.Dropdown(
            options=names, value=names[1], description="right", tooltip="The model in the right column", **LABELLED
        )
        self.recording = make_recording_slider(recordings, recording, "compare")
        self.finder = RecordingFinder(recordings, self.models, self.recording)
        self._background = (self._traces, self.finder.answers)
        answers = [("mean so far", "running"), ("last frame", "frame")]
        self.answer = ipywidgets.Dropdown(options=answers, description="answer", tooltip=ANSWER_HINT, **LABELLED)
        finest = max(model.ticks_per_frame for model in models.values()) * recordings.frames
        what = "tick" if any(model.spiking for model in models.values()) else "frame"
        self.clock = Playback(finest, recordings.window_us / finest, what)
        self.clock.step.value = finest - 1
        self.now = ipywidgets.HTML()
        rows = [
            ipywidgets.HBox([self.left, self.right]),
            self.finder,
            ipywidgets.HBox([self.recording, self.answer]),
            self.clock,
            self.now,
        ]
        super().__init__(rows, (self.left, self.right, self.recording, self.answer))

    @property
    def recording_traces(self) -> dict[str, RecordingTrace]:
        """Traces of the recording in view in the models in view, left first."""
        return self._find_traces(self.recording.value, *self._choices())

    @property
    def selection(self) -> tuple[int, float]:
        """The (recording, time in frames) in view."""
        return self.recording.value, (self.clock.step.value + 1) * self.recordings.frames / (self.clock.step.max + 1)

    @property
    def table(self) -> pd.DataFrame:
        """A row per model in view, at the cursor: model, frame, answer, right, the counts of `wb.compare` so far."""
        return compare_traces(self.recording_traces, self.selection[1])

    @property
    def divergence(self) -> Divergence | None:
        """Where the two models in view part on the recording in view; None where they never do."""
        return find_divergence(self.recording_traces) if self.left.value != self.right.value else None

    def _on_control(self, change: Any) -> None:
        if change.owner in (self.left, self.right):
            self.finder.compare(self.left.value, self.right.value)
        super()._on_control(change)

    def _choices(self) -> tuple[str, str, str]:
        return self.left.value, self.right.value, self.answer.value

    def _draw_recording(self, recording: int, *choices: Any) -> go.Figure:
        return figures.recording_traces(self._find_traces(recording, *choices))

    def _find_traces(self, recording: int, left: str, right: str, answer: str) -> dict[str, RecordingTrace]:
        names = dict.fromkeys((left, right))
        return {name: self._traces((name, recording, answer)) for name in names}

    def _move(self, change: Any = None) -> None:
        """Update cursor and numbers to the clock, without a redraw."""
        self.figure.cursor = self.selection[1]
        self.now.value = self._describe_all(self.table)

    def _describe_all(self, table: pd.DataFrame) -> str:
        """The numbers at a time, a line for every model."""
        return "<br>".join(self._describe(row) for row in table.to_dict("records"))

    def _make_recording_page(self, recordings: Sequence[int]) -> SavedPage:
        """The two models in view travel, with both kinds of answers."""
        left, right = self.left.value, self.right.value
        controls, answers = self._keep_recordings(recordings), read_options(self.answer)
        controls["answer"] = keep_control(self.answer, answers)
        steps = self.clock.step.max + 1
        times = [(step + 1) * self.recordings.frames / steps for step in range(steps)]
        drawn, numbers, notes = {}, {}, {}
        for number, recording in enumerate(recordings):
            notes[number,] = self._introduce(recording)
            for place, (answer, _) in enumerate(answers):
                traces = self._find_traces(recording, left, right, answer)
                drawn[number, place] = self._draw_recording(recording, left, right, answer)
                for step, time in enumerate(times):
                    numbers[number, place, step] = self._describe_all(compare_traces(traces, time))
        chosen = ("recording", "answer")
        rows = [
            [Part("words", ("recording",), notes)],
            [Part("words", (*chosen, "step"), numbers)],
            [
                Part("figure", chosen, drawn, followed=True),
                Part("cursor", ("step",), {(i,): t for i, t in enumerate(times)}),
            ],
        ]
        return SavedPage(self.title, controls, rows, self._name_fixed([self.recording, self.answer]))

    def _describe(self, row: Mapping[Any, Any]) -> str:
        model, answer = self.models[row["model"]], name_answer(row["answer"], row["right"])
        step = round(row["frame"] * model.ticks_per_frame) - 1
        when = f"at the end of {name_moment(step, model)}" if step >= 0 else "before the end of its first frame"
        kinds = ("synaptic_operations", "dense_macs")
        counts = [f"{amount(row[kind])} {KINDS[kind][0]}" for kind in kinds if row[kind] > 0]
        facts = "; ".join([html.escape(f"answer {answer}"), *counts, f"{joules(row['energy_nj'])} (fp32)"])
        return f"<b>{html.escape(row['model'])}</b> {when}: {facts}"

    def _note(self) -> str:
        return self._introduce(self.recording.value)

    def _introduce(self, recording: int) -> str:
        """In HTML what the recording shows, and where the two models part."""
        truth = html.escape(self.recordings.classes[self.recordings.labels[recording]])
        names, parted = (self.left.value, self.right.value), ""
        if names[0] != names[1]:
            found = find_divergence(self._find_traces(recording, *self._choices()))
            parted = f" {html.escape(describe_divergence(found, names))}."
        return f"Recording {recording} shows <b>{truth}</b>.{parted} Both columns share the time axis and the cursor."

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.left.value} beside {self.right.value}, recording {self.recording.value})"
