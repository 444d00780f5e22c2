"""Rasters of any size: what is in view is binned in Python, so that the page receives pixels instead of spikes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import ipywidgets
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from torch import Tensor

from workbench.analysis import SpikeTrain, gather_units, measure_size
from workbench.figures._for_panels import BAND, EXACT, View, count_part, draw_units, draws_lines, find_part
from workbench.widgets._base.controls import LABELLED
from workbench.widgets._base.panel import Panel

ALL = "all nodes"


def raster(
    activity: Mapping[str, Tensor | ArrayLike | SpikeTrain], *, recording: int = 0, ticks_per_frame: int = 1
) -> RasterPanel:
    """A panel that zooms and pans through the spikes of one recording, ten million of them as well.

    `activity` is what `model.run` returns, dense or sparse (step, batch, *shape) by node. Drag a rectangle to zoom,
    double-click for all; the sliders do the same without a mouse.

    >>> panel = raster({"retina": np.ones((8, 1, 3)), "v1": np.eye(8)[:, None]}, ticks_per_frame=4)
    >>> panel.look(begin_frame=0, end_frame=1)
    >>> panel.table[["node", "spikes", "in_view"]].values.tolist()
    [['retina', 24, 12], ['v1', 8, 4]]
    """
    return RasterPanel(activity, recording, ticks_per_frame)


class RasterPanel(Panel):
    """Spikes by node over time; `selection` is the (begin_frame, end_frame, low, high) in view, or None for all."""

    title = "Raster"

    def __init__(
        self, activity: Mapping[str, Tensor | ArrayLike | SpikeTrain], recording: int = 0, ticks_per_frame: int = 1
    ) -> None:
        if ticks_per_frame < 1:
            raise ValueError(f"widgets.raster: ticks_per_frame={ticks_per_frame!r} must be a whole number from 1 on")
        self.ticks_per_frame = ticks_per_frame
        self._units = gather_units(activity, recording)
        steps = max((measure_size(units)[0] for units in self._units.values()), default=1)
        self._frames = steps / ticks_per_frame
        self._view: View | None = None
        self._bands = self._count_bands()
        self.span = ipywidgets.FloatRangeSlider(
            value=(0, self._frames),
            min=0,
            max=self._frames,
            step=1 / ticks_per_frame,
            readout_format=".2f",
            description="time (frames)",
            tooltip="The part of the recording in view: frame f lasts from time f to f + 1",
            **LABELLED,
        )
        nodes = [ALL, *list(self._units)[: self._bands]]
        self.node = ipywidgets.Dropdown(
            options=nodes, description="nodes", tooltip="All nodes, or the one whose units fill the figure", **LABELLED
        )
        super().__init__([ipywidgets.HBox([self.span, self.node])], (self.span, self.node))
        self.figure.listen_view(self._zoomed)

    @property
    def selection(self) -> View | None:
        """What is in view: (begin_frame, end_frame, low, high), node i from the bottom between i and i + 0.86."""
        return self._view

    @property
    def table(self) -> pd.DataFrame:
        """A row per spiking node, inputs first: node, units, spikes, in_view (those of them in view)."""
        rows = [
            {
                "node": node,
                "units": units.width,
                "spikes": units.total,
                "in_view": count_part(units, find_part(units, band, self._view, self.ticks_per_frame)),
            }
            for band, (node, units) in enumerate(self._units.items())
            if isinstance(units, SpikeTrain)
        ]
        return pd.DataFrame(rows, columns=["node", "units", "spikes", "in_view"])

    def look(
        self,
        begin_frame: float = 0,
        end_frame: float | None = None,
        low: float | None = None,
        high: float | None = None,
    ) -> None:
        """Zoom to a part, what is not named in full; `look()` shows all again."""
        bottom, top = -0.12, self._bands - 1 + BAND + 0.12
        step = 1 / self.ticks_per_frame  # there is no less to see
        begin = max(0.0, min(begin_frame, self._frames - step))
        end = min(self._frames, max(self._frames if end_frame is None else end_frame, begin + step))
        view = (begin, end, bottom if low is None else low, top if high is None else high)
        whole = view == (0.0, self._frames, bottom, top)
        self._view = None if whole else view
        with self._pausing():
            self.span.value = view[:2]
            if low is None and high is None:
                self.node.value = ALL
        self.refresh()

    def _on_control(self, change: Any) -> None:
        begin, end = self.span.value
        if change.owner is self.span:
            self.look(begin, end, *self._across())
        elif self.node.value == ALL:
            self.look(begin, end)
        else:
            band = list(self._units).index(self.node.value)
            self.look(begin, end, band - 0.02, band + BAND + 0.02)

    def _across(self) -> tuple[float | None, float | None]:
        """What is in view from bottom to top; (None, None) for all."""
        return (None, None) if self._view is None else self._view[2:]

    def _zoomed(self, changes: Mapping[str, Any]) -> None:
        """Follow a zoom or a pan in the page."""
        with self._lock, self._showing_errors():
            if any(key.endswith("autorange") for key in changes):
                self.look()
                return
            band_axis = "yaxis2" if "yaxis2" in self.figure.layout else "yaxis"
            begin, end = _find_range(changes, r"xaxis\d*") or self.span.value
            self.look(begin, end, *(_find_range(changes, band_axis) or self._across()))

    def _count_bands(self) -> int:
        """Number of nodes that have a band: all but a last one whose drive is drawn as lines."""
        top = list(self._units.values())[-1] if self._units else None
        return len(self._units) - draws_lines(top) if len(self._units) > 1 else len(self._units)

    def _draw(self) -> go.Figure:
        return draw_units(self._units, self.ticks_per_frame, self._view)

    def _note(self) -> str:
        table = self.table
        if table.empty:
            return ""
        seen = int(table["in_view"].sum())
        how = "each one a mark" if seen <= EXACT else f"as counts per pixel; up to {EXACT:,} are drawn one by one"
        spikes = int(table["spikes"].sum())
        if not spikes:
            return "No unit spikes in this recording."
        return f"{seen:,} of {spikes:,} spikes in view, {how}. Drag to zoom, double-click for all."

    def __repr__(self) -> str:
        seen = "all" if self._view is None else f"time {self._view[0]:g} to {self._view[1]:g} frames"
        return f"{type(self).__name__}({len(self._units)} nodes, {seen} in view)"


def _find_range(changes: Mapping[str, Any], axis: str) -> tuple[float, float] | None:
    """The new range of an axis among the changes of a layout, or None."""
    ends: dict[str, Any] = {}
    for key, value in changes.items():
        if re.fullmatch(rf"{axis}\.range", key):
            return tuple(value)
        if found := re.fullmatch(rf"{axis}\.range\[([01])\]", key):
            ends[found[1]] = value
    return (ends["0"], ends["1"]) if len(ends) == 2 else None
