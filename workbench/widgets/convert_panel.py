"""A conversion with its options as controls: accuracy, operations and diagnosis follow."""

from __future__ import annotations

import html
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import product
from typing import Any

import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from workbench import figures
from workbench.analysis import diagnose, summarise_nodes
from workbench.conversion import convert as convert_model
from workbench.evaluation import amount, choose_evenly, compare, share
from workbench.events import Dataset, Recordings
from workbench.model import Model, require_model, take_test, take_training
from workbench.progress import show_progress
from workbench.widgets._background.prefetch import PrefetchCache
from workbench.widgets._base.panel import LABELLED, Panel

PERCENTILES = (95.0, 99.0, 99.5, 99.9, 99.99, 100.0)
TICKS = (2, 3, 4, 6, 8, 12, 16, 24)
DELAYS = ("matched", "frame", "tick")
NEURONS = ("one spike a tick", "takes spikes back", "all at a frame's end")
VIEWS = ("accuracy", "operations", "diagnosis", "causes")
Settings = tuple[float, int, str, str]


@dataclass(frozen=True, eq=False)
class ConversionResult:
    """The SNN of one setting, with its costs and its diagnosis."""

    snn: Model
    costs: pd.DataFrame
    diagnosis: pd.DataFrame


def convert(
    model: Model, recordings: Recordings | Dataset, validation: Recordings | None = None, *, limit: int = 64
) -> ConvertPanel:
    """A panel that converts an ANN with percentile, ticks, delays and neuron to choose, and shows what that does.

    Scales are measured on `recordings` (of a Dataset, its training part), accuracy and diagnosis on at most `limit`
    recordings of `validation` (of a Dataset, its test part), evenly chosen. Settings next to the one in view are
    prefetched in the background.

    >>> from workbench import widgets
    >>> ticks = np.random.default_rng(0).poisson(0.5, (24, 6, 1, 2, 2))
    >>> recordings = Recordings.from_ticks(ticks, labels=[0, 1] * 3, ticks_per_frame=6)
    >>> edges = [Edge("eye", "v1", Dense(3)), Edge("v1", "hand", Dense(2))]
    >>> ann = Model(Network({"eye": (1, 2, 2)}, edges), norm=None)
    >>> panel = widgets.convert(ann, recordings, validation=recordings)
    >>> panel.percentile.value = 99.0
    >>> panel.wait()
    >>> panel.selection, panel.model.ticks_per_frame
    ({'percentile': 99.0, 'ticks_per_frame': 6, 'delays': 'matched'}, 6)
    """
    model, seen = require_model(model, "widgets.convert"), take_training(recordings, "widgets.convert")
    looked_at = take_test(recordings if validation is None else validation, "widgets.convert(validation=...)")
    return ConvertPanel(model, seen, looked_at, limit)


class ConvertPanel(Panel):
    """A conversion and its effect; `selection` are the options for `wb.convert`, `model` the SNN in view."""

    title = "Conversion"

    def __init__(self, model: Model, recordings: Recordings, validation: Recordings, limit: int = 64) -> None:
        if limit < 1:
            raise ValueError(f"widgets.convert: limit={limit!r} must be at least 1 recording")
        self.ann, self.recordings = model, recordings
        chosen = choose_evenly(len(validation), limit)
        self.validation = validation[chosen]
        self._outcomes = PrefetchCache(self._compute, keep=64)
        self._background = (self._outcomes,)
        ticks = tuple(sorted({*TICKS, recordings.ticks_per_frame}))
        self.percentile = ipywidgets.SelectionSlider(
            options=PERCENTILES, value=99.9, description="percentile", **LABELLED
        )
        self.ticks_per_frame = ipywidgets.SelectionSlider(
            options=ticks, value=recordings.ticks_per_frame, description="ticks per frame", **LABELLED
        )
        self.delays = ipywidgets.Dropdown(options=DELAYS, description="delays", **LABELLED)
        self.neuron = ipywidgets.Dropdown(options=NEURONS, description="neuron", **LABELLED)
        self.view = ipywidgets.Dropdown(options=VIEWS, description="view", **LABELLED)
        with show_progress(2, "widgets.convert", "model") as bar:
            self._ann_costs = compare({"ANN": model}, self.validation, progress=False)
            bar.advance()
            self._shown = self._outcomes(self._settings())
        rows = [
            ipywidgets.HBox([self.percentile, self.ticks_per_frame]),
            ipywidgets.HBox([self.delays, self.neuron]),
            self.view,
        ]
        super().__init__(rows, (self.percentile, self.ticks_per_frame, self.delays, self.neuron, self.view))
        self._prefetch_neighbours()

    @property
    def selection(self) -> dict[str, Any]:
        """The options of `wb.convert` that are chosen."""
        return conversion_options(self._settings())

    @property
    def model(self) -> Model:
        """The SNN of the chosen settings."""
        return self._outcomes.submit(self._settings()).result().snn

    @property
    def table(self) -> pd.DataFrame:
        """The table of `wb.compare` for the ANN and the SNN in view."""
        return pd.concat([self._ann_costs, self._shown.costs], ignore_index=True)

    @property
    def diagnosis(self) -> pd.DataFrame:
        """The table of `wb.diagnose` for the SNN in view."""
        return self._shown.diagnosis

    def wait(self) -> None:
        """Wait until the chosen settings have been computed and are in view; raises what went wrong."""
        self._outcomes.submit(self._settings()).result()
        self.refresh()

    def _settings(self) -> Settings:
        return self.percentile.value, self.ticks_per_frame.value, self.delays.value, self.neuron.value

    def _compute(self, settings: Settings) -> ConversionResult:
        snn = convert_model(self.ann, self.recordings, **conversion_options(settings), progress=False)
        costs = compare({"SNN": snn}, self.validation, progress=False)
        return ConversionResult(snn, costs, diagnose(self.ann, snn, self.validation, progress=False))

    def _prefetch_neighbours(self) -> None:
        """Prefetch the neighbours of the chosen settings."""
        sliders = (self.percentile, self.ticks_per_frame)
        beside = []
        for slider in sliders:
            index = slider.options.index(slider.value)
            beside.append(slider.options[max(0, index - 1) : index + 2])
        here = [[value] for value in self._settings()]
        near = [
            setting
            for index, options in enumerate((*beside, DELAYS, NEURONS))
            for setting in product(*here[:index], options, *here[index + 1 :])
        ]
        self._outcomes.prepare(dict.fromkeys([self._settings(), *near]))

    def _on_control(self, change: Any) -> None:
        outcome = self._outcomes.submit(self._settings())
        if outcome.done():
            self.refresh()
        else:
            self.note.value = "Converting …"
            outcome.add_done_callback(self._on_result)
        self._prefetch_neighbours()

    def _on_result(self, outcome: Future[ConversionResult]) -> None:
        """Show a result, if its settings are still the chosen ones."""
        with self._lock, self._showing_errors():
            if not outcome.cancelled() and self._outcomes.find(self._settings()) is outcome:
                self.refresh()

    def _draw(self) -> go.Figure:
        outcome = self._outcomes.submit(self._settings())
        if outcome.done():
            self._shown = outcome.result()
        if self.view.value in ("diagnosis", "causes"):
            draw = figures.diagnosis if self.view.value == "diagnosis" else figures.causes
            return draw(self._shown.diagnosis)
        return figures.accuracy(self.table) if self.view.value == "accuracy" else figures.operations(self.table)

    def _note(self) -> str:
        last = self.table.groupby("model", sort=False).tail(1).set_index("model")
        accuracy = last["accuracy"].map(share)
        additions = amount(float(last["synaptic_operations"]["SNN"]))
        return (
            f"On {len(self.validation)} recordings at the last step: ANN {accuracy['ANN']}, "
            f"SNN {accuracy['SNN']}, {additions} synaptic operations each. {html.escape(self._advice())}."
        )

    def _advice(self) -> str:
        """Advice on the node with the largest error."""
        nodes = summarise_nodes(self._shown.diagnosis).set_index("node")
        if nodes.empty:
            return "No node has answered"
        worst = str(nodes["relative_error"].idxmax())
        return str(nodes.loc[worst, "advice"]) or f"{worst} has the largest error, but needs no change"

    def __repr__(self) -> str:
        percentile, ticks, delays, neuron = self._settings()
        kind = "" if neuron == NEURONS[0] else f", {neuron}"
        return f"{type(self).__name__}(percentile {percentile:g}, {ticks} ticks per frame, delays {delays}{kind})"


def conversion_options(settings: Settings) -> dict[str, Any]:
    """The options of `wb.convert` that settings of the panel stand for.

    >>> conversion_options((99.0, 6, "matched", "takes spikes back"))["signed"]
    True
    """
    percentile, ticks, delays, neuron = settings
    waiting = {"emission": "burst"}
    returning = {"membrane": "frame", "floor": None, "signed": True}
    kinds: dict[str, dict[str, Any]] = dict(zip(NEURONS, ({}, returning, waiting), strict=True))
    return {"percentile": percentile, "ticks_per_frame": ticks, "delays": delays, **kinds[neuron]}
