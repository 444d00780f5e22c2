"""Spikes of every node over time: exact marks, or counts per pixel where they are many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from torch import Tensor

from workbench.analysis import SpikeTrain, Units, find_busiest, gather_units, measure_size
from workbench.evaluation import amount, duration
from workbench.figures._figure import Figure
from workbench.figures._raster_bands import (
    BAND,
    choose_rows,
    count_part,
    find_part,
    image,
    lines,
    marks,
)
from workbench.figures._registry import public
from workbench.figures._style import dress, empty
from workbench.figures._words import brief

EXACT = 20_000  # spikes in view up to which each one is a mark
SCALED = 12  # images up to which each has its colour bar
LINES = 20  # analog units up to which each one is a line
View = tuple[float, float, float, float]


@public
def raster(
    activity: Mapping[str, Tensor | ArrayLike | SpikeTrain],
    recording: int = 0,
    ticks_per_frame: int = 1,
    view: View | None = None,
) -> go.Figure:
    """Spikes of one recording, a band per node from bottom (inputs) to top, against time in frames.

    `activity` is what `model.run` returns, (step, batch, *shape) by node, dense or sparse, or by node the train that
    `workbench.analysis.gather_spikes` returns, to gather once and draw often. A step ends at (step + 1) /
    ticks_per_frame. `view` = (begin_frame, end_frame, low, high) restricts what is computed, node i from the bottom
    lying between i and i + 0.86. Up to 20,000 spikes in view are drawn one by one, more as counts per pixel; analog
    nodes as an image, the last one, if small, as lines on top. ValueError for a recording that is not there.

    >>> from workbench import figures
    >>> figures.raster({"retina": np.ones((4, 1, 3))}, ticks_per_frame=2).data[0].x.tolist()[:4]
    [0.5, 0.5, 0.5, 1.0]
    """
    return draw_units(gather_units(activity, recording), ticks_per_frame, view)


def draw_units(units: Mapping[str, Units], ticks_per_frame: int = 1, view: View | None = None) -> go.Figure:
    """The raster of what `gather_units` has gathered."""
    if ticks_per_frame < 1:
        raise ValueError(f"figures.raster: ticks_per_frame={ticks_per_frame!r} must be a whole number of at least 1")
    _require_order(view)
    if not any(values.total if isinstance(values, SpikeTrain) else values.any() for values in units.values()):
        return empty("Raster", "no spikes in this recording" if units else "no node was recorded")
    *below, top = units  # the last node recorded, in general the output
    drive = units[top]
    with_lines = draws_lines(drive)
    banded = below if with_lines else [*below, top]
    panels = 2 if with_lines and banded else 1
    heights = [0.3, 0.7][-panels:]
    figure = Figure().set_subplots(panels, 1, shared_xaxes=True, vertical_spacing=0.07, row_heights=heights)
    seen = draw_bands(figure, {node: units[node] for node in banded}, view, ticks_per_frame, panels)
    best = ""
    if with_lines and not isinstance(drive, SpikeTrain):
        part = find_part(drive, 0, view and (*view[:2], 0.0, 1.0), ticks_per_frame)
        figure.add_traces(lines(top, drive, part.begin, part.end, ticks_per_frame), rows=1, cols=1)
        figure.update_yaxes(title_text=f"drive of {brief(top, 16)}", row=1, col=1)
        best = f". Largest mean drive: {brief(top)} {find_busiest(drive)}"
    _add_scales(figure)
    height_px = 190 + band_px(len(banded)) * len(banded) + 170 * with_lines
    return _dressed(figure, units, seen, ticks_per_frame, view, best, height_px)


def _add_scales(figure: go.Figure) -> None:
    """Beside every band that is an image a colour bar; the uppermost says what it counts."""
    images = [trace for trace in figure.data if trace.type == "heatmap"]
    if not 0 < len(images) <= SCALED:
        return
    for trace in images:
        axis = figure.layout[(trace.yaxis or "y").replace("y", "yaxis", 1)]
        (low, high), (begin, end) = axis.range, axis.domain or (0, 1)
        bottom, top = trace.y0 - trace.dy / 2, trace.y0 + trace.dy * (np.shape(trace.z)[0] - 0.5)
        ends = [begin + (end - begin) * (min(max(each, low), high) - low) / (high - low) for each in (bottom, top)]
        trace.showscale = True
        trace.colorbar = {  # as a whole: `update` takes five times as long
            "y": sum(ends) / 2, "len": ends[1] - ends[0], "x": 1.0, "xpad": 4, "ypad": 2, "thickness": 8,
            "outlinewidth": 0, "tickvals": [0, trace.zmax], "ticktext": ["0", f"{amount(trace.zmax)}+"],
            "tickfont": {"size": 10.5},
            "title": {"text": "per pixel" if trace is images[-1] else "", "font": {"size": 11}, "side": "right"},
        }  # fmt: skip


def draws_lines(units: Units | None) -> bool:
    """Whether a node's activity, if it comes last, is drawn as lines: analog, and of few units."""
    return isinstance(units, np.ndarray) and measure_size(units)[1] <= LINES


def _require_order(view: View | None) -> None:
    if view is not None and not (len(view) == 4 and view[0] < view[1] and view[2] < view[3]):
        raise ValueError(f"figures.raster: view={view!r} must be (begin_frame, end_frame, low, high), each pair rising")


def draw_bands(
    figure: go.Figure, units: Mapping[str, Units], view: View | None, ticks_per_frame: int, row: int = 1, col: int = 1,
    exact: int = EXACT,
) -> int:  # fmt: skip
    """Draw what is in view of every band into a subplot, up to `exact` spikes as marks; returns how many there are."""
    parts = [find_part(values, band, view, ticks_per_frame) for band, values in enumerate(units.values())]
    spikes = sum(count_part(values, part) for values, part in zip(units.values(), parts, strict=True))
    span = len(units) if view is None else view[3] - view[2]
    rows_each = choose_rows(units.values(), parts, span, band_px(len(units)) * len(units))
    bands = zip(units.items(), parts, rows_each, strict=True)
    for band, ((node, values), part, rows) in enumerate(bands):
        if part.empty:
            continue
        if isinstance(values, SpikeTrain) and spikes <= exact:
            figure.add_trace(marks(node, values, part, band, ticks_per_frame), row=row, col=col)
        else:
            figure.add_trace(image(node, values, part, rows, band, ticks_per_frame), row=row, col=col)
    if units:
        figure.update_yaxes(**_band_axis(units, view), row=row, col=col)
    return spikes


def band_px(bands: int) -> int:
    """Height in pixels of one of so many bands.

    >>> band_px(6), band_px(200)
    (100, 24)
    """
    return min(100, max(24, 1200 // max(bands, 1)))


def _band_axis(units: Mapping[str, Units], view: View | None) -> dict[str, Any]:
    between = "<br>" if band_px(len(units)) > 40 else ", "
    low, high = (-0.12, len(units) - 1 + BAND + 0.12) if view is None else view[2:]
    return {
        "range": [low, high],  # a name stands in the middle of what is seen of its band
        "tickvals": [(max(band, low) + min(band + BAND, high)) / 2 for band in range(len(units))],
        "ticktext": [f"{brief(node)}{between}{measure_size(values)[1]:,} units" for node, values in units.items()],
        "showgrid": False,
        "ticks": "",
        "showline": False,
    }


def _dressed(
    figure: go.Figure,
    units: Mapping[str, Units],
    seen: int,
    ticks_per_frame: int,
    view: View | None,
    best: str,
    height_px: int,
) -> go.Figure:
    frames = max(measure_size(values)[0] for values in units.values()) / ticks_per_frame
    totals = {node: values.total for node, values in units.items() if isinstance(values, SpikeTrain)}
    spikes = sum(totals.values())
    figure.update_xaxes(range=[0, frames * 1.01] if view is None else list(view[:2]), title_standoff=8)
    figure.update_xaxes(title_text="time (frames)", selector={"anchor": "y2" if "yaxis2" in figure.layout else "y"})
    title = f"{spikes:,} spikes in {duration(frames)}" if totals else f"Activity over {duration(frames)}"
    if view is not None and totals:
        title = f"{seen:,} of {spikes:,} spikes are in view"
    drawn = "" if seen <= EXACT else "Shade: spikes per pixel. "
    words = f"{_each(totals)}{best}".removeprefix(". ")
    alt = f"Raster of {', '.join(map(brief, units))} over time: {title}. {words}"
    return dress(figure, title, f"{drawn}{words}", alt, height_px)


def _each(totals: Mapping[str, int], most: int = 12) -> str:
    """Number of spikes of every node; of many nodes those with most."""
    named = dict(sorted(totals.items(), key=lambda item: -item[1])[:most]) if len(totals) > most else totals
    words = ", ".join(f"{brief(node)} {spikes:,}" for node, spikes in named.items())
    return f"{words} and {len(totals) - most} more" if len(totals) > most else words
