"""One recording through one model: input, spikes, a membrane, the answer and the cost under one time cursor."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench import figures
from workbench.analysis import (
    Divergence,
    RecordingTrace,
    describe_divergence,
    find_busiest,
    find_divergence,
    tabulate_trace,
    trace_membrane,
    trace_recording,
)
from workbench.evaluation import amount, joules, require_fit
from workbench.events import Dataset, Recordings
from workbench.figures._for_panels import KINDS, empty
from workbench.model import Model, require_model, take_test
from workbench.widgets._background.prefetch import PrefetchCache
from workbench.widgets._base.canvas import Canvas
from workbench.widgets._base.controls import NARROW
from workbench.widgets._base.playback import Playback
from workbench.widgets._base.recording_finder import RecordingFinder
from workbench.widgets._base.recording_panel import RecordingPanel, name_answer, name_moment
from workbench.widgets._base.recording_slider import make_recording_slider
from workbench.widgets._base.saved_page import Key, Part, SavedPage, keep_control

UNIT_HINT = (
    "The unit whose membrane is drawn, counted from 0 through the node's shape; at first the busiest of the node"
)


def explore(
    model: Model, recordings: Recordings | Dataset, *, recording: int = 0, reference: Model | None = None
) -> ExplorePanel:
    """A panel that follows one recording through a model, an ANN or an SNN; of a Dataset, its test part.

    One time cursor goes through the input, the activity of all nodes, the membrane of a chosen unit (click one), the
    answer and the operations so far. `recording` is the one to begin with; others are found by class, by who answers
    correctly, by margin and in a confusion matrix. With a `reference`, as the ANN of an SNN, the panel tells in which
    frame the two part.

    >>> ticks = np.ones((8, 3, 2, 5, 5), dtype=int)
    >>> recordings = Recordings.from_ticks(ticks, labels=[0, 1, 1], ticks_per_frame=2)
    >>> network = Network({"eye": (2, 5, 5)}, [Edge("eye", "v1", Dense(4)), Edge("v1", "hand", Dense(2))])
    >>> panel = explore(Model(network), recordings)
    >>> panel.choose("v1", 3)
    >>> panel.selection, list(panel.table.columns)[:3]
    (('v1', 3), ['step', 'frame', 'answer'])
    """
    looked_at = take_test(recordings, "widgets.explore")
    if reference is not None:
        require_fit(require_model(reference, "widgets.explore(reference=...)"), looked_at)
    return ExplorePanel(require_model(model, "widgets.explore"), looked_at, recording, reference)


class ExplorePanel(RecordingPanel):
    """One recording in one model; `selection` is the chosen (node, unit), `clock` the time cursor."""

    title = "Exploration"

    def __init__(
        self, model: Model, recordings: Recordings, recording: int = 0, reference: Model | None = None
    ) -> None:
        self.model, self.recordings, self.reference = model, recordings, reference
        self._traces: PrefetchCache[int, RecordingTrace] = PrefetchCache(
            lambda number: trace_recording(model, recordings, recording=number), keep=8
        )
        self._references: PrefetchCache[int, RecordingTrace] = PrefetchCache(
            lambda number: trace_recording(reference or model, recordings, recording=number), keep=8
        )
        self._names = _name_models(model, reference)
        self._trace = lru_cache(maxsize=64)(self._trace_unit)
        self._tabulate = lru_cache(maxsize=8)(lambda number: tabulate_trace(self._traces(number)))
        self.recording = make_recording_slider(recordings, recording, "explore")
        models = {self._names[0]: reference} if reference is not None else {}
        self.finder = RecordingFinder(recordings, models | {self._names[1]: model}, self.recording)
        self._background = (self._traces, self._references, self.finder.answers)
        trace = self._traces(recording)
        hidden = [node for node in model.network.nodes if node not in model.network.inputs]
        self.node = ipywidgets.Dropdown(
            options=hidden, value=hidden[0], description="node", tooltip="The node of the unit looked at", **NARROW
        )
        busiest = self._busiest(trace, hidden[0])
        self.unit = ipywidgets.BoundedIntText(
            busiest, 0, self._units(hidden[0]) - 1, description="unit", tooltip=UNIT_HINT, **NARROW
        )
        what = "tick" if model.spiking else "frame"
        self.clock = Playback(trace.steps, recordings.window_us / trace.steps, what)
        self.clock.step.value = trace.steps - 1
        self.image = Canvas(self._draw_scene(recording, self.clock.step.value))
        self.now = ipywidgets.HTML()
        rows = [
            self.finder,
            ipywidgets.HBox([self.recording, self.node, self.unit]),
            self.clock,
            ipywidgets.HBox([ipywidgets.Box([self.image], layout={"width": "340px", "flex": "0 0 auto"}), self.now]),
        ]
        super().__init__(rows, (self.recording, self.node, self.unit))

    @property
    def recording_trace(self) -> RecordingTrace:
        """The trace of the recording in view: activity of every node, answers, costs."""
        return self._traces(self.recording.value)

    @property
    def selection(self) -> tuple[str, int]:
        """The chosen (node, unit), the unit counted through the node's shape."""
        return self.node.value, self.unit.value

    @property
    def table(self) -> pd.DataFrame:
        """A row per step: step, frame, answer (class so far, or None), right, and the counts so far of `wb.compare`."""
        return self._tabulate(self.recording.value)

    @property
    def trace(self) -> pd.DataFrame:
        """Drive, membrane and activity of the chosen unit at every step."""
        return self._trace(self.recording.value, *self.selection)

    def choose(self, node: str, unit: int) -> None:
        """Show the membrane of a unit; ValueError for one that does not exist."""
        if node not in self.node.options or not 0 <= unit < self._units(node):
            known = ", ".join(f"{each} (0 to {self._units(each) - 1})" for each in self.node.options)
            raise ValueError(f"widgets.explore: there is no unit {unit!r} of {node!r}; there are {known}")
        with self._pausing():
            self.unit.max = max(self.unit.max, unit)
        self.set(node=node, unit=unit)

    def _on_control(self, change: Any) -> None:
        """Of a newly chosen node the busiest unit is shown first."""
        if change.owner is self.node:
            with self._pausing():
                self.unit.max = self._units(self.node.value) - 1
                self.unit.value = self._busiest(self.recording_trace, self.node.value)
        super()._on_control(change)

    @staticmethod
    def _busiest(trace: RecordingTrace, node: str) -> int:
        return find_busiest(trace.activity[node][:, 0].flatten(1).numpy())

    def _units(self, node: str) -> int:
        return int(np.prod(self.model.network.shapes[node]))

    def _trace_unit(self, recording: int, node: str, unit: int) -> pd.DataFrame:
        return trace_membrane(self.model, self._traces(recording).activity, node, unit)

    def _on_pointer(self, kind: str, trace: int, point: Any) -> None:
        """A click on a spike, or on a pixel of an image, chooses its unit (of several in a pixel the middle one)."""
        drawn: Any = self.figure.data[trace]
        node = str((drawn.meta or {}).get("node"))  # of a band: its name may be cut, a class may be called as a node
        if kind != "click" or node not in self.node.options:
            return
        if drawn.type == "heatmap":
            self.choose(node, int((point[0] + 0.5) * self._units(node) / len(drawn.z)))
        else:
            self.choose(node, int(drawn.customdata[point][drawn.meta["columns"].index("unit")]))

    def _draw(self) -> go.Figure:
        with self._pausing():
            self.unit.max = self._units(self.node.value) - 1
        return super()._draw()

    def _choices(self) -> tuple[str, int]:
        return self.selection

    def _draw_recording(self, recording: int, *choices: Any) -> go.Figure:
        node, unit = choices
        return figures.recording_trace(self._traces(recording), self._trace(recording, node, unit), f"{node} {unit}")

    def _draw_scene(self, recording: int, step: int) -> go.Figure:
        """The events of the last frame's worth of time before the end of a step."""
        shape = self.recordings.shape
        if len(shape) != 3 or shape[0] != 2:
            return empty("Input", f"an input of shape {shape} is no image")
        node = next(iter(self.model.network.inputs))
        trace = self._traces(recording)
        first = max(0, step + 1 - trace.ticks_per_frame)
        counts = trace.activity[node][first : step + 1, 0].sum(0).numpy()
        when = f"ticks {first} to {step}" if self.model.spiking else f"frame {step}"
        return figures.image(counts, f"input, {when}")

    def _move(self, change: Any = None) -> None:
        """Update cursor, input and numbers to the step of the clock, without a redraw."""
        recording, step = self.recording.value, self.clock.step.value
        self.figure.cursor = float(self.recording_trace.costs["frame"].iloc[step])
        self.image.draw(self._draw_scene(recording, step))
        self.now.value = self._numbers(recording, step, *self.selection)

    def _numbers(self, recording: int, step: int, node: str, unit: int) -> str:
        """The numbers at a step, as an HTML table."""
        looked_at, traces = self._traces(recording), self._trace(recording, node, unit)
        row, trace, truth = self._tabulate(recording).iloc[step], traces.iloc[step], looked_at.classes[looked_at.label]
        charge = f"membrane {trace['membrane']:.3g}, " if trace["membrane"] == trace["membrane"] else ""
        fired = ""
        if self.model.spiking and node != self.model.network.output:
            spikes = int(traces["activity"][: step + 1].sum())
            fired = f", {spikes} {'spike' if spikes == 1 else 'spikes'}"
        facts = {
            "at the end of": name_moment(step, self.model),
            "answer so far": name_answer(row["answer"], row["right"]),
            "true class": truth,
            **{KINDS[kind][0]: amount(row[kind]) for kind in KINDS if row[kind] > 0},
            "energy (fp32)": joules(row["energy_nj"]),
            f"{node} {unit}": f"{charge}drive {trace['drive']:.3g}{fired}",
        }
        cells = "".join(f"<tr><th style='text-align:left;padding-right:1.5em'>{html.escape(name)}</th>"
                        f"<td>{html.escape(value)}</td></tr>" for name, value in facts.items())  # fmt: skip
        return f"<table style='margin:1em;line-height:1.6'>{cells}</table>"

    @property
    def divergence(self) -> Divergence | None:
        """Where the model and its reference part on the recording in view; None where they never do, or without one."""
        return self._find_divergence(self.recording.value)

    def _find_divergence(self, recording: int) -> Divergence | None:
        if self.reference is None:
            return None
        traces = self._references(recording), self._traces(recording)
        return find_divergence(dict(zip(self._names, traces, strict=True)))

    def _describe(self, recording: int) -> str:
        """In HTML what the recording shows, whether its answer comes too late, and where model and reference part."""
        trace = self._traces(recording)
        shown = f"Recording {recording} shows <b>{html.escape(trace.classes[trace.label])}</b>."
        said = [f"{trace.lateness}."] if trace.lateness else []
        if self.model.spiking and not any(trace.activity[node].any() for node in self.model.network.hidden):
            said.append("No unit spikes in this recording.")
        late = f" <b>{html.escape(' '.join(said))}</b>" if said else ""
        parted = describe_divergence(self._find_divergence(recording), self._names) if self.reference else ""
        return f"{shown}{late}{f' {html.escape(parted)}.' if parted else ''}"

    def _make_recording_page(self, recordings: Sequence[int]) -> SavedPage:
        """Of every node its busiest unit travels, of the one in view the chosen unit."""
        controls, nodes = self._keep_recordings(recordings), self.node.options
        controls["node"] = keep_control(self.node, [(node, node) for node in nodes])
        steps = range(self.clock.step.max + 1)
        drawn, notes = {}, {}
        numbers: dict[Key, str] = {}
        scenes: dict[Key, go.Figure] = {}
        for number, recording in enumerate(recordings):
            trace = self._traces(recording)
            for place, node in enumerate(nodes):
                chosen = (recording, node) == (self.recording.value, self.node.value)
                unit = self.unit.value if chosen else self._busiest(trace, node)
                drawn[number, place] = self._draw_recording(recording, node, unit)
                numbers |= {(number, place, step): self._numbers(recording, step, node, unit) for step in steps}
            scenes |= {(number, step): self._draw_scene(recording, step) for step in steps}
            notes[number,] = self._describe(recording)
        cursors = {(step,): (step + 1) / self.recording_trace.ticks_per_frame for step in steps}
        rows = [
            [Part("words", ("recording",), notes)],
            [
                Part("figure", ("recording", "step"), scenes, width_px=340),
                Part("words", ("recording", "node", "step"), numbers),
            ],
            [Part("figure", ("recording", "node"), drawn, followed=True), Part("cursor", ("step",), cursors)],
        ]
        return SavedPage(self.title, controls, rows)

    def _note(self) -> str:
        what = "spike" if self.model.spiking else "pixel"
        about = self._describe(self.recording.value)
        return f"{about} Click a {what} to see the membrane of its unit; move the clock to go through time."

    def __repr__(self) -> str:
        node, unit = self.selection
        return f"{type(self).__name__}(recording {self.recording.value}, {node} {unit}, step {self.clock.step.value})"


def _name_models(model: Model, reference: Model | None) -> tuple[str, str]:
    """What reference and model are called: by their kind, unless both are of the same."""
    kinds = "SNN" if reference and reference.spiking else "ANN", "SNN" if model.spiking else "ANN"
    return kinds if reference is None or kinds[0] != kinds[1] else ("reference", "model")
