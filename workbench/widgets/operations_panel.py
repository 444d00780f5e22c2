"""What models cost: operations and energy over time, by edge, under prices to choose."""

from __future__ import annotations

import html
from collections.abc import Mapping
from functools import lru_cache

import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from workbench import figures
from workbench.evaluation import PRESETS, compare, find_per, joules, price, price_all, summarise_bounds
from workbench.evaluation import operations as count_operations
from workbench.events import Dataset, Recordings
from workbench.model import Model, require_models, take_test
from workbench.widgets._base.controls import LABELLED
from workbench.widgets._base.panel import Panel

OVER_TIME, ENERGY, BY_EDGE, PER_OPERATION = (
    "operations over time",
    "energy over time",
    "by edge",
    "accuracy per operation",
)
VIEWS = (OVER_TIME, ENERGY, BY_EDGE, PER_OPERATION)
VIEW_HINT = "What the figure shows; the model and the frame below are chosen for the view by edge"
PRICE_HINT = "The energy of an operation and of a memory access, as published; the note names the source"
FRAME_HINT = "Operations are summed from the beginning to the end of this frame, counted from 0"


def operations(models: Model | Mapping[str, Model], recordings: Recordings | Dataset) -> OperationsPanel:
    """A panel of what one or several models cost on recordings (of a Dataset, its test part), counted once.

    Its views: operations over time, energy over time under a preset of prices, operations by edge up to a frame, and
    accuracy against all operations. Below them stand the bounds that critics of spiking networks have published.

    >>> from workbench import widgets
    >>> ticks = np.ones((8, 3, 1, 2, 2), dtype=int)
    >>> recordings = Recordings.from_ticks(ticks, labels=[0, 1, 1], ticks_per_frame=2)
    >>> ann = Model(Network({"eye": (1, 2, 2)}, [Edge("eye", "hand", Dense(2))]))
    >>> panel = widgets.operations({"ANN": ann, "SNN": convert(ann, recordings)}, recordings)
    >>> panel.preset.value = "int8"
    >>> panel.table.groupby("model")["energy_nj"].last().round(3).to_dict()
    {'ANN': 0.006, 'SNN': 0.001}
    """
    named = {"model": models} if isinstance(models, Model) else require_models(models, "widgets.operations")
    return OperationsPanel(named, take_test(recordings, "widgets.operations"))


class OperationsPanel(Panel):
    """Costs of models; `selection` is (model, frame), as far as the view asks for them."""

    title = "Operations"

    def __init__(self, models: Mapping[str, Model], recordings: Recordings) -> None:
        self.models, self.recordings = dict(models), recordings
        self._costs = compare(models, recordings)
        self.critics = summarise_bounds(self._costs)
        self._by_edge = lru_cache(maxsize=None)(lambda name: count_operations(self.models[name], recordings))
        names, last = list(models), recordings.frames - 1
        self.view = ipywidgets.Dropdown(options=VIEWS, description="view", tooltip=VIEW_HINT, **LABELLED)
        self.preset = ipywidgets.Dropdown(options=list(PRESETS), description="prices", tooltip=PRICE_HINT, **LABELLED)
        self.model = ipywidgets.Dropdown(
            options=names,
            value=names[-1],
            description="model",
            tooltip=f"Whose operations are shown {BY_EDGE}",
            **LABELLED,
        )
        self.frame = ipywidgets.IntSlider(last, 0, last, description="up to frame", tooltip=FRAME_HINT, **LABELLED)
        rows = [ipywidgets.HBox([self.view, self.preset]), ipywidgets.HBox([self.model, self.frame])]
        super().__init__(rows, (self.view, self.preset, self.model, self.frame))

    @property
    def selection(self) -> tuple[str, int]:
        """The (model, frame) chosen; frames count from 0."""
        return self.model.value, self.frame.value

    @property
    def table(self) -> pd.DataFrame:
        """What is in view: the table of `wb.compare` under the chosen prices; by edge, that of `wb.operations`."""
        if self.view.value == BY_EDGE:
            counts = self._by_edge(self.model.value)
            return counts.assign(energy_nj=price(counts, self.preset.value))
        return self._costs.assign(energy_nj=price(self._costs, self.preset.value))

    @property
    def prices(self) -> pd.DataFrame:
        """Energy per recording at the last step of every model under every preset, with its source."""
        return price_all(self._costs)

    def _saved_controls(self) -> dict[str, ipywidgets.Widget]:
        return {"view": self.view, "preset": self.preset, "model": self.model, "frame": self.frame}

    def _draw(self) -> go.Figure:
        self.model.disabled = self.frame.disabled = self.view.value != BY_EDGE
        if self.view.value == BY_EDGE:
            return figures.operations_by_edge(self.table, self._step())
        if self.view.value == ENERGY:
            return figures.energy(self.table, self.preset.value)
        if self.view.value == PER_OPERATION:
            return figures.accuracy_per_operation(self.table)
        return figures.operations(self.table)

    def _note(self) -> str:
        if self.view.value == BY_EDGE:
            name, frame = self.selection
            spent = self.table.loc[self.table["step"] == self._step(), "energy_nj"].sum(skipna=False)
            energies = f"{html.escape(name)} {_describe_energy(spent)} up to the end of frame {frame}"
        else:
            last = self.table.groupby("model", sort=False).tail(1)[["model", "energy_nj"]]
            energies = ", ".join(
                f"{html.escape(str(name))} {_describe_energy(spent)}" for name, spent in last.to_numpy()
            )
        source = html.escape(PRESETS[self.preset.value].source)
        critics = f" {html.escape(self.critics)}" if self.critics else ""
        return f"Energy per {find_per(self._costs)} under {self.preset.value}: {energies}. Prices: {source}.{critics}"

    def _step(self) -> int:
        """The last step of the chosen model up to the chosen frame."""
        return (int(self.frame.value) + 1) * self.models[self.model.value].ticks_per_frame - 1

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.models)}; {self.view.value}, {self.preset.value})"


def _describe_energy(nanojoules: float) -> str:
    return joules(nanojoules) if nanojoules == nanojoules else "without a price"
