"""Spikes of every node over time: exact marks, or counts per pixel where they are many."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.subplots import make_subplots
from torch import Tensor

from workbench.figures.style import BLUE, COLOURS, FAINT, PAPER, SEQUENCE, dress, empty

EXACT = 20_000  # spikes up to which each one is a mark
COLUMNS, ROWS = 600, 120  # pixels of a band's image
LINES = 20  # analog units up to which each one is a line
BAND = 0.86  # part of a node's height that its units fill
Steps = NDArray[Any]  # (step, unit)


def raster(activity: Mapping[str, Tensor | ArrayLike], recording: int = 0, ticks_per_frame: int = 1) -> go.Figure:
    """Spikes of one recording, a band per node from bottom (inputs) to top, against time in frames.

    `activity` is what `model.run` returns, (step, batch, *shape) by node. A step ends at (step + 1) / ticks_per_frame.
    Up to 20,000 spikes are drawn one by one, more as counts per pixel; analog nodes as an image, the last one, if
    small, as lines on top. ValueError for a recording that is not there.

    >>> from workbench import figures
    >>> figures.raster({"retina": np.ones((4, 1, 3))}, ticks_per_frame=2).data[0].x.tolist()[:4]
    [0.5, 0.5, 0.5, 1.0]
    """
    if ticks_per_frame < 1:
        raise ValueError(f"figures.raster: ticks_per_frame={ticks_per_frame!r} must be a whole number of at least 1")
    units = {node: _units(node, values, recording) for node, values in activity.items()}
    if not any(values.any() for values in units.values()):
        return empty("Raster", "no spikes in this recording" if units else "no node was recorded")
    spiking = [node for node, values in units.items() if _counts(values)]
    spikes = int(sum(units[node].sum() for node in spiking))
    *below, top = units  # the last node recorded, in general the output
    lined = top not in spiking and units[top].shape[1] <= LINES
    banded = below if lined else [*below, top]
    panels = 2 if lined and banded else 1
    figure = make_subplots(panels, 1, shared_xaxes=True, vertical_spacing=0.07, row_heights=[0.3, 0.7][-panels:])
    for band, node in enumerate(banded):
        draw = _marks if node in spiking and spikes <= EXACT else _image
        figure.add_trace(draw(node, units[node], band, ticks_per_frame), row=panels, col=1)
    if banded:
        figure.update_yaxes(**_band_axis(units, banded), row=panels, col=1)
    if lined:
        figure.add_traces(_lines(top, units[top], ticks_per_frame), rows=1, cols=1)
        figure.update_yaxes(title_text=f"drive of {top}", row=1, col=1)
    height_px = 190 + 100 * len(banded) + 170 * lined
    best = f". Largest mean drive: {top} {_best(units[top])}" if lined else ""
    return _dressed(figure, units, spiking, spikes, ticks_per_frame, best, height_px)


def _units(node: str, values: Tensor | ArrayLike, recording: int) -> Steps:
    """One recording as (step, unit)."""
    array = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
    if array.ndim < 3:
        raise ValueError(f"figures.raster: {node!r} has shape {array.shape}; expected (step, batch, *shape)")
    if not 0 <= recording < array.shape[1]:
        raise ValueError(
            f"figures.raster: recording={recording!r} is not among the {array.shape[1]} of {node!r}; count from 0"
        )
    return array[:, recording].reshape(len(array), math.prod(array.shape[2:]))


def _counts(values: Steps) -> bool:
    """Whether these can be numbers of spikes."""
    return bool((values >= 0).all() and (values == np.round(values)).all())


def _marks(node: str, values: Steps, band: int, ticks_per_frame: int) -> go.Scattergl:
    """A mark for every spike, n of them where n spikes fall together."""
    steps, units = np.nonzero(values)
    repeats = values[steps, units].astype(np.int64)
    steps, units = np.repeat(steps, repeats), np.repeat(units, repeats)
    return go.Scattergl(
        name=node,
        mode="markers",
        x=((steps + 1) / ticks_per_frame).astype(np.float32),
        y=(band + BAND * (units + 0.5) / values.shape[1]).astype(np.float32),
        customdata=units.astype(np.int32),
        marker={"symbol": "line-ns-open", "size": 4, "color": COLOURS[band % len(COLOURS)], "line": {"width": 1.2}},
        hovertemplate=f"<b>{node}</b>, unit %{{customdata}}<br>%{{x:.4~g}} frames<extra></extra>",
        showlegend=False,
    )


def _image(node: str, values: Steps, band: int, ticks_per_frame: int) -> go.Heatmap:
    """Sum over the steps and units of every pixel; white where it is zero."""
    columns, rows = min(COLUMNS, len(values)), min(ROWS, values.shape[1])
    pixels = values.astype(np.float32)
    for axis, pieces in enumerate((columns, rows)):
        pixels = np.add.reduceat(pixels, np.arange(pieces) * values.shape[axis] // pieces, axis=axis)
    length = len(values) / ticks_per_frame / columns
    return go.Heatmap(
        name=node,
        z=pixels.T,
        x0=length / 2,
        dx=length,  # a pixel covers its steps
        y0=band + BAND / rows / 2,
        dy=BAND / rows,
        colorscale=[[0, PAPER], *([(i + 1) / len(SEQUENCE), colour] for i, colour in enumerate(SEQUENCE))],
        zmin=0,
        zmax=max(float(np.percentile(pixels, 99.5)), float(pixels.max()) / 10),
        showscale=False,
        hovertemplate=f"<b>{node}</b><br>around frame %{{x:.3~g}}<br>%{{z:.4~g}} in this pixel<extra></extra>",
    )


def _lines(node: str, values: Steps, ticks_per_frame: int) -> list[go.Scatter]:
    """One line per unit; the one with the largest mean stands out and is named."""
    best = _best(values)
    time = ((np.arange(len(values)) + 1) / ticks_per_frame).astype(np.float32)
    units = [unit for unit in range(values.shape[1]) if unit != best] + [best]
    return [
        go.Scatter(
            name=f"{node} {unit}" + (" (largest mean)" if unit == best else ""),
            x=time,
            y=values[:, unit].astype(np.float32),
            mode="lines",
            line={"color": BLUE, "width": 2.6} if unit == best else {"color": FAINT, "width": 1.1},
            hovertemplate=f"<b>{node} {unit}</b><br>%{{x:.4~g}} frames<br>drive %{{y:.3g}}<extra></extra>",
            showlegend=False,
        )
        for unit in units
    ]


def _best(values: Steps) -> int:
    return int(values.mean(axis=0).argmax())


def _band_axis(units: Mapping[str, Steps], banded: list[str]) -> dict[str, Any]:
    return {
        "range": [-0.12, len(banded) - 1 + BAND + 0.12],
        "tickvals": [band + BAND / 2 for band in range(len(banded))],
        "ticktext": [f"{node}<br>{units[node].shape[1]:,} units" for node in banded],
        "showgrid": False,
        "ticks": "",
        "showline": False,
    }


def _dressed(
    figure: go.Figure,
    units: Mapping[str, Steps],
    spiking: list[str],
    spikes: int,
    ticks_per_frame: int,
    best: str,
    height_px: int,
) -> go.Figure:
    steps = max(len(values) for values in units.values())
    frames = steps / ticks_per_frame
    figure.update_xaxes(range=[0, frames * 1.01], title_standoff=8)
    figure.update_xaxes(title_text="time (frames)", selector={"anchor": figure.data[0].yaxis or "y"})
    title = f"{spikes:,} spikes in {frames:g} frames" if spiking else f"Activity over {frames:g} frames"
    drawn = "" if spikes <= EXACT else "Shade: spikes per pixel. "
    each = ", ".join(f"{node} {int(units[node].sum()):,}" for node in spiking)
    words = f"{each}{best}".removeprefix(". ")
    alt = f"Raster of {', '.join(units)} over time: {title}. {words}"
    return dress(figure, title, f"{drawn}{words}", alt, height_px)
