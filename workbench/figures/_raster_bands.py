"""Bands of a raster: one node's units over time, as a mark per spike, an image of sums, or lines."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from workbench.analysis import SpikeTrain, Units, bin_spikes, count_between, cut_spikes, find_busiest, measure_size
from workbench.figures._style import BLUE, COLOURS, FAINT, PAPER, SEQUENCE
from workbench.figures._words import brief, tell_moments, whole

BAND = 0.86  # part of a node's height that its units fill
COLUMNS, ROWS, ALL_ROWS = 600, 120, 720  # pixels of an image, rows of a band 100 px high, rows of all images
POINTS = 2_000  # of a line; of more steps every n-th is drawn
Analog = NDArray[Any]  # (step, unit)


@dataclass(frozen=True)
class VisiblePart:
    """What of a band is seen: the steps begin .. end - 1 and the units low .. high - 1; nothing if either is empty."""

    begin: int
    end: int
    low: int
    high: int

    @property
    def empty(self) -> bool:
        """Whether nothing of the band is seen."""
        return self.begin >= self.end or self.low >= self.high


def find_part(
    units: Units, band: int, view: tuple[float, float, float, float] | None, ticks_per_frame: int
) -> VisiblePart:
    """The part of band number `band` within a view (begin_frame, end_frame, low, high); all of it without one.

    >>> find_part(np.zeros((8, 10)), band=1, view=(1.0, 2.0, 0.0, 1.43), ticks_per_frame=4)
    VisiblePart(begin=3, end=8, low=0, high=5)
    """
    steps, width = measure_size(units)
    if view is None:
        return VisiblePart(0, steps, 0, width)
    begin, end, low, high = view
    return VisiblePart(
        begin=max(0, math.ceil(begin * ticks_per_frame) - 1),  # the mark of a step stands at its end
        end=min(steps, math.ceil(end * ticks_per_frame)),
        low=max(0, math.floor(round((low - band) / BAND * width, 6))),
        high=min(width, math.ceil(round((high - band) / BAND * width, 6))),
    )


def count_part(units: Units, part: VisiblePart) -> int:
    """Number of spikes in a part of a band; none where the node is analog."""
    return count_between(units, part.begin, part.end, part.low, part.high) if isinstance(units, SpikeTrain) else 0


def choose_rows(units: Iterable[Units], parts: list[VisiblePart], span: float, height_px: float) -> list[int]:
    """Rows of the image of each band: one per unit as long as `height_px` for a span of bands has room for them."""
    shares = [
        max(0, part.high - part.low) / max(1, measure_size(one)[1]) for one, part in zip(units, parts, strict=True)
    ]
    rows = [ROWS * share * height_px / 100 / span for share in shares]
    shrink = min(1.0, ALL_ROWS / max(sum(rows), 1))
    return [max(1, min(part.high - part.low, round(shrink * row))) for part, row in zip(parts, rows, strict=True)]


def marks(node: str, train: SpikeTrain, part: VisiblePart, band: int, ticks_per_frame: int) -> go.Scattergl:
    """A mark for every spike, n of them where n spikes fall together."""
    seen = cut_spikes(train, part.begin, part.end, part.low, part.high)
    steps, units = np.repeat(seen.steps, seen.counts), np.repeat(seen.units, seen.counts)
    times = (steps + 1) / ticks_per_frame
    moments, when = tell_moments(times, steps)
    numbers = np.column_stack([moments, units])
    return go.Scattergl(
        name=brief(node),
        mode="markers",
        x=times.astype(np.float32),
        y=(band + BAND * (units + 0.5) / max(train.width, 1)).astype(np.float32),
        customdata=numbers.astype(np.min_scalar_type(int(numbers.max(initial=0)))),
        meta={"node": node, "columns": ["frame", "step", "unit"]},
        marker={"symbol": "line-ns-open", "size": 4, "color": COLOURS[band % len(COLOURS)], "line": {"width": 1.2}},
        hovertemplate=f"<b>{whole(node)}</b>, unit %{{customdata[2]}}<br>{when}<extra></extra>",
        showlegend=False,
    )


def image(node: str, units: Units, part: VisiblePart, rows: int, band: int, ticks_per_frame: int) -> go.Heatmap:
    """Sum over the steps and units of every pixel; white where it is zero."""
    columns = min(COLUMNS, part.end - part.begin)
    pixels = _sums(units, part, columns, rows)
    length = (part.end - part.begin) / ticks_per_frame / columns
    height = BAND * (part.high - part.low) / measure_size(units)[1] / rows
    return go.Heatmap(
        name=brief(node),
        meta={"node": node},
        z=pixels,
        x0=part.begin / ticks_per_frame + length / 2,
        dx=length,  # a pixel covers its steps
        y0=band + BAND * part.low / measure_size(units)[1] + height / 2,
        dy=height,
        colorscale=[[0, PAPER], *([(i + 1) / len(SEQUENCE), colour] for i, colour in enumerate(SEQUENCE))],
        zmin=0,
        zmax=max(float(np.percentile(pixels, 99.5)), float(pixels.max()) / 10) or 1,
        showscale=False,
        hovertemplate=f"<b>{whole(node)}</b><br>around time %{{x:.3~g}} (frames)<br>%{{z:.4~g}} in this pixel"
        "<extra></extra>",
    )


def _sums(units: Units, part: VisiblePart, columns: int, rows: int) -> NDArray[Any]:
    """Pixels (rows, columns), counts in as few bytes as they need."""
    if isinstance(units, SpikeTrain):
        counts = bin_spikes(units, part.begin, part.end, part.low, part.high, columns, rows)
        return counts.astype(np.min_scalar_type(int(counts.max())))
    pixels = units[part.begin : part.end, part.low : part.high].astype(np.float32)
    for axis, pieces in enumerate((columns, rows)):
        pixels = np.add.reduceat(pixels, np.arange(pieces) * pixels.shape[axis] // pieces, axis=axis)
    return pixels.T


def lines(node: str, values: Analog, begin: int, end: int, ticks_per_frame: int) -> list[go.Scatter]:
    """One line per unit over the steps begin .. end - 1; the one with the largest mean stands out and is named."""
    best = find_busiest(values)
    steps = np.arange(begin, end, max(1, -(-(end - begin) // POINTS)))
    times = (steps + 1) / ticks_per_frame
    moments, when = tell_moments(times, steps)
    units = [unit for unit in range(values.shape[1]) if unit != best] + [best]
    return [
        go.Scatter(
            name=f"{brief(node)} {unit}" + (" (largest mean)" if unit == best else ""),
            x=times.astype(np.float32),
            customdata=moments.astype(np.min_scalar_type(int(moments.max(initial=0)))),
            y=values[steps, unit].astype(np.float32),
            mode="lines",
            line={"color": BLUE, "width": 2.6} if unit == best else {"color": FAINT, "width": 1.1},
            hovertemplate=f"<b>{whole(node)} {unit}</b><br>{when}<br>drive %{{y:.3g}}<extra></extra>",
            showlegend=False,
        )
        for unit in units
    ]
