"""A conversion with its options as controls: accuracy, operations and diagnosis follow."""

from __future__ import annotations

import html
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
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
from workbench.widgets._base.controls import LABELLED
from workbench.widgets._base.lifetime import weak_callback
from workbench.widgets._base.panel import Panel
from workbench.widgets.conversion_settings import (
    ALL_NODES,
    COUNTING,
    DELAYS,
    HINTS,
    KINDS,
    LEARNED,
    NEURONS,
    PERCENTILES,
    RECOMMENDED,
    REMAINDERS,
    SCALES,
    TICKS,
    USUAL,
    Settings,
)

CONVERTING = "Converting …"
VIEWS = ("accuracy", "operations", "diagnosis", "causes")


@dataclass(frozen=True, eq=False)
class ConversionResult:
    """The SNN of one setting, with its costs and its diagnosis."""

    snn: Model
    costs: pd.DataFrame
    diagnosis: pd.DataFrame


def convert(
    model: Model, recordings: Recordings | Dataset, validation: Recordings | None = None, *, limit: int = 64
) -> ConvertPanel:
    """A panel that converts an ANN with every kind of neuron, percentile, ticks and delays to choose.

    It opens on what `wb.convert` recommends, after a search of some seconds. Whoever then changes a percentile (of one
    node or of all, of which the lowest is shown), the scale or the remainder keeps the other options and leaves
    *recommended*; to choose that again takes all back. Scales are measured on `recordings` (of a Dataset, its training
    part), accuracy and diagnosis on at most `limit` recordings of `validation` (of a Dataset, its test part), evenly
    chosen. Settings next to the one in view are prefetched in the background; nothing is searched there. ValueError
    where `wb.convert` refuses what the panel opens on; later the panel says why there is nothing to show.

    >>> from workbench import widgets
    >>> ticks = np.random.default_rng(0).poisson(0.5, (24, 6, 1, 2, 2))
    >>> recordings = Recordings.from_ticks(ticks, labels=[0, 1] * 3, ticks_per_frame=6)
    >>> edges = [Edge("eye", "v1", Dense(3)), Edge("v1", "hand", Dense(2))]
    >>> ann = Model(Network({"eye": (1, 2, 2)}, edges), norm=None)
    >>> panel = widgets.convert(ann, recordings, validation=recordings)
    >>> panel.selection
    {'ticks_per_frame': 6, 'delays': 'matched'}
    >>> panel.set(neuron="at once", percentile=99.0, scale="node")
    >>> panel.wait()
    >>> panel.selection, panel.model.ticks_per_frame
    ({'percentile': 99.0, 'emission': 'at_once', 'ticks_per_frame': 6, 'delays': 'matched'}, 6)
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
        self.validation = validation[choose_evenly(len(validation), limit)]
        self._outcomes = PrefetchCache(self._compute, keep=64)
        self._background = (self._outcomes,)
        usual = tuple((node, USUAL) for node in model.network.hidden)
        self._named = Settings(recordings.ticks_per_frame, neuron="at once", percentiles=usual)  # were nothing searched
        self._make_controls(model)
        self._asked: Future[ConversionResult] | None = None
        with show_progress(2, "widgets.convert", "model") as bar:
            self._ann_costs = compare({"ANN": model}, self.validation, progress=False)
            bar.advance()
            self._opening = True  # the search shows its progress as well
            self._shown = self._outcomes(self._settings())
        self._opening = False
        pairs = [(self.neuron, self.remainder), (self.percentile, self.node)]
        pairs += [(self.ticks_per_frame, self.delays), (self.scale, self.view)]
        for control in (self.neuron, self.node, self.percentile, self.scale, self.remainder):
            control.observe(weak_callback(self._follow), "value")  # before anything is drawn
        rows = [ipywidgets.HBox(pair) for pair in pairs]
        super().__init__(rows, [control for pair in pairs for control in pair])
        self._prefetch_neighbours()

    def _make_controls(self, model: Model) -> None:
        """The controls, at the recommended options of the recordings' own clock."""
        clock, nodes = self._named.ticks_per_frame, model.network.hidden
        percentiles = ((LEARNED,) if model.bounded else ()) + PERCENTILES
        clocks = tuple(sorted({*TICKS, clock}))

        def make(kind: type[ipywidgets.Widget], name: str, options: tuple[Any, ...], value: Any = None) -> Any:
            chosen = options[0] if value is None else value
            return kind(options=options, value=chosen, description=name, tooltip=HINTS[name], **LABELLED)

        self.neuron = make(ipywidgets.Dropdown, "neuron", NEURONS)
        self.remainder = make(ipywidgets.Dropdown, "remainder", REMAINDERS)
        self.node = make(ipywidgets.Dropdown, "of node", (ALL_NODES, *nodes))
        self.percentile = make(ipywidgets.SelectionSlider, "percentile", percentiles, USUAL)
        self.ticks_per_frame = make(ipywidgets.SelectionSlider, "ticks per frame", clocks, clock)
        self.delays = make(ipywidgets.Dropdown, "delays", DELAYS)
        self.scale = make(ipywidgets.Dropdown, "a scale for each", SCALES)
        self.view = make(ipywidgets.Dropdown, "view", VIEWS)

    @property
    def selection(self) -> dict[str, Any]:
        """The options of `wb.convert` that are chosen."""
        return self._settings().options

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
        if self.neuron.value == RECOMMENDED:
            return Settings(self.ticks_per_frame.value, self.delays.value)
        return self._name(self.neuron.value)

    def _name(self, neuron: str) -> Settings:
        """The settings with every option named, for a kind of neuron."""
        remainder = self._named.remainder if neuron in COUNTING else REMAINDERS[0]
        clock = {"ticks_per_frame": self.ticks_per_frame.value, "delays": self.delays.value}
        return replace(self._named, neuron=neuron, remainder=remainder, **clock)

    def _compute(self, settings: Settings) -> ConversionResult:
        snn = convert_model(self.ann, self.recordings, **settings.options, progress=self._opening)
        costs = compare({"SNN": snn}, self.validation, progress=False)
        return ConversionResult(snn, costs, diagnose(self.ann, snn, self.validation, progress=False))

    def _ask(self) -> Future[ConversionResult]:
        """The result of the chosen settings, which is shown when it is there."""
        before, self._asked = self._asked, self._outcomes.submit(self._settings())
        if self._asked is not before and not self._asked.done():
            self._asked.add_done_callback(self._on_result)
        return self._asked

    def _follow(self, change: Any) -> None:
        """Take over what a control says; whoever changes what is recommended names it from then on."""
        with self._lock:
            named, control = self._named, change.owner
            if control is self.percentile and change.new != named.percentile_of(self.node.value):
                named = named.with_percentile(self.node.value, change.new)
            elif control is self.scale:
                named = replace(named, scale=change.new)
            elif control is self.remainder:
                named = replace(named, remainder=change.new)
            changed, self._named = named != self._named, named
            if changed and self.neuron.value == RECOMMENDED:
                self.neuron.value = named.neuron
            self._show_named()

    def _show_named(self) -> None:
        """Set the controls to what is named; those that stand there already change nothing."""
        counting = (self._named.neuron if self.neuron.value == RECOMMENDED else self.neuron.value) in COUNTING
        self.remainder.disabled = not counting
        self.percentile.value = self._named.percentile_of(self.node.value)
        self.scale.value, self.remainder.value = self._named.scale, self._named.remainder

    def _show_recommended(self, snn: Model) -> None:
        """Show in the controls which options were recommended."""
        options = snn.conversion_options
        assert options is not None, "a converted SNN knows its options"
        kind = next(kind for kind in KINDS if KINDS[kind].get("emission") == options.emission)
        each = tuple((node, options.percentile_of(node) or LEARNED) for node in self.ann.network.hidden)
        remainder = options.remainder or REMAINDERS[0]
        self._named = replace(self._named, neuron=kind, percentiles=each, scale=options.scale, remainder=remainder)
        self._show_named()

    def _prefetch_neighbours(self) -> None:
        """Prefetch what is named next to the chosen settings; a search runs when somebody asks for it."""
        settings = self._settings()
        searched, near = settings.neuron == RECOMMENDED, []
        if not searched or self._ask().done():  # before, nobody knows what is recommended
            here = self._name(self._named.neuron) if searched else settings
            near += [here.with_percentile(self.node.value, value) for value in _beside(self.percentile)]
            if not searched:
                near += [replace(here, ticks_per_frame=ticks) for ticks in _beside(self.ticks_per_frame)]
                near += [replace(here, delays=delays) for delays in DELAYS]
            near += [self._name(kind) for kind in KINDS]
            near += [replace(here, scale=scale) for scale in SCALES]
            near += [replace(here, remainder=remainder) for remainder in REMAINDERS if here.neuron in COUNTING]
        self._outcomes.prepare(dict.fromkeys([settings, *near]))

    def _on_control(self, change: Any) -> None:
        before = self._asked
        if (outcome := self._ask()) is not before or change.owner is self.view:
            if outcome.done():
                self.refresh()
            else:
                self.note.value = CONVERTING
        self._prefetch_neighbours()

    def _on_result(self, outcome: Future[ConversionResult]) -> None:
        """Show a result, if its settings are still the chosen ones."""
        with self._lock, self._showing_errors():
            if not outcome.cancelled() and self._outcomes.find(self._settings()) is outcome:
                self.refresh()
                self._prefetch_neighbours()

    def save(self, path: str | Path) -> None:
        """Save what is in view as a page whose views can be chosen; see `Panel.save`."""
        if not self._ask().done():
            self.wait()
        super().save(path)

    def _saved_controls(self) -> dict[str, ipywidgets.Widget]:
        return {"view": self.view}

    def _draw(self) -> go.Figure:
        outcome = self._ask()
        if outcome.done():
            self._shown = outcome.result()
            if self.neuron.value == RECOMMENDED:
                self._show_recommended(self._shown.snn)
        if self.view.value in ("diagnosis", "causes"):
            draw = figures.diagnosis if self.view.value == "diagnosis" else figures.causes
            return draw(self._shown.diagnosis)
        return figures.accuracy(self.table) if self.view.value == "accuracy" else figures.operations(self.table)

    def _note(self) -> str:
        if not self._ask().done():
            return CONVERTING
        last = self.table.groupby("model", sort=False).tail(1).set_index("model")
        accuracy = last["accuracy"].map(share)
        additions = amount(float(last["synaptic_operations"]["SNN"]))
        reason = getattr(self._shown.snn.conversion_options, "reason", "")
        why = f"<br>Recommended: {html.escape(f'{self._named.neuron}, {reason}', quote=False)}."
        return (
            f"On {len(self.validation)} recordings, in the last frame ({self.validation.frames - 1}): "
            f"ANN {accuracy['ANN']}, SNN {accuracy['SNN']}, {additions} synaptic operations each. "
            f"{html.escape(self._advice())}."
            f"{why if self.neuron.value == RECOMMENDED else ''}"
        )

    def _advice(self) -> str:
        """Advice on the node with the largest error."""
        nodes = summarise_nodes(self._shown.diagnosis).set_index("node")
        if nodes.empty:
            return "No node has answered"
        worst = str(nodes["relative_error"].idxmax())
        return str(nodes.loc[worst, "advice"]) or f"{worst} has the largest error, but needs no change"

    def __repr__(self) -> str:
        settings, kind = self._settings(), self.neuron.value
        percentile = "" if kind == RECOMMENDED else f", percentile {self.percentile.value} of {self.node.value}"
        clock = f"{settings.ticks_per_frame} ticks per frame, delays {settings.delays}"
        return f"{type(self).__name__}({kind}{percentile}, {clock})"


def _beside(slider: ipywidgets.SelectionSlider) -> tuple[Any, ...]:
    """The values to the left and to the right of the one that is chosen."""
    index = slider.options.index(slider.value)
    return tuple(slider.options[max(0, index - 1) : index] + slider.options[index + 1 : index + 2])
