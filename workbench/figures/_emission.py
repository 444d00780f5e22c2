"""One drive in three neurons: what spikes at once, and what counts for a frame before it sends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.engine import IntegrateAndFire
from workbench.figures._figure import Figure
from workbench.figures._registry import public
from workbench.figures._style import BLUE, FAINT, INK, ORANGE, QUIET, SKY, VERMILION, dress
from workbench.figures._words import tell_moments, wrap
from workbench.validation import require_whole

EMISSIONS = ("at_once", "spread", "burst")
HEADS = {"at_once": "At once", "spread": "Spread over a frame", "burst": "In a burst"}
REMAINDERS = {"drop": "dropped", "keep": "kept"}
SHADES = (SKY, ORANGE)  # of the frames in turn: a frame's count is sent on the same shade
SHADED = 40  # frames up to which every one has its shade
FEW, SOME = 4, 14  # frames up to which what is counted and sent is written in words, and as numbers
TITLE_LETTERS, SUBTITLE_LETTERS = 34, 50  # in a line: what fits a figure 400 px wide
DRIVE_PX, MEMBRANE_PX, SPIKES_PX, GAP_PX, HEAD_PX, AROUND_PX = 70, 104, 66, 8, 34, 170


@dataclass(frozen=True, eq=False)
class Emitted:
    """One neuron over time, by tick: its membrane before every reset, and its spikes; and what its frames counted."""

    membrane: NDArray[np.float32]
    spikes: NDArray[np.int64]
    counts: NDArray[np.int64]  # of every frame of the drive; none of a neuron at once


@public
def emission(drive: Sequence[float], ticks_per_frame: int = 12, remainder: str = "drop") -> go.Figure:
    """The same drive in a neuron at once, a spread one and one with bursts: membranes, and spikes as they are sent.

    `drive`: what arrives in every tick, in thresholds. Time is in frames of `ticks_per_frame` (K) ticks, and the value
    of a tick stands where it ends; one silent frame follows, in which the last count is sent. Each of the two neurons
    that count loses at the end of a frame its `remainder` ("drop") or keeps it ("keep"); the shade of a frame is that
    of the K ticks in which its count is sent. All are `wb.IntegrateAndFire`, which says when each spikes, with its
    usual start and floor. ValueError for a drive without ticks or with numbers that are not finite, for fewer than 2
    ticks a frame, and for an unknown remainder.

    >>> from workbench import figures
    >>> figures.emission([0.4, 0.9, 0.6, 0.8], ticks_per_frame=4).layout.meta["title"]
    'The same drive: 3 spikes at once, 3 spread, 3 in bursts'
    """
    arriving = _require_drive(drive)
    k = require_whole("figures.emission: ticks_per_frame", ticks_per_frame, least=2)
    if remainder not in REMAINDERS:
        raise ValueError(f"figures.emission: remainder={remainder!r} is unknown; choose from {', '.join(REMAINDERS)}")
    frames = -(-len(arriving) // k)
    padded = torch.zeros((frames + 1) * k - 1)  # the last tick would begin to send what the silent frame counted
    padded[: len(arriving)] = torch.from_numpy(arriving)
    neurons = {kind: IntegrateAndFire(ticks_per_frame=k) for kind in EMISSIONS[:1]}
    neurons |= {kind: IntegrateAndFire(ticks_per_frame=k, emission=kind, remainder=remainder) for kind in EMISSIONS[1:]}
    sent = {kind: _emit(neuron, padded, frames) for kind, neuron in neurons.items()}
    figure, height_px = _lay_out(frames)
    figure.add_trace(_bars(padded.numpy(), k), row=1, col=1)
    most = max(1, *(int(each.spikes.max()) for each in sent.values()))
    for place, (kind, each) in enumerate(sent.items()):
        _draw_neuron(figure, 2 + 2 * place, kind, each, k, most)
    title, subtitle = _words(sent, remainder)
    listed = "; ".join(f"{HEADS[kind]}: {each.counts.tolist()}" for kind, each in sent.items() if len(each.counts))
    alt = f"The drive of {len(arriving)} ticks, and of three neurons the membrane and the spikes over time. {title}. "
    dress(figure, wrap(title, TITLE_LETTERS), wrap(subtitle, SUBTITLE_LETTERS), "", height_px)
    return figure.update_layout(meta={"alt": f"{alt}Counted by frame: {listed}.", "title": title, "subtitle": subtitle})


def _require_drive(drive: Sequence[float]) -> NDArray[np.float32]:
    """The drive as an array; ValueError for one without ticks, of another shape, or that is not finite."""
    try:
        values = np.asarray(drive, dtype=np.float32)
    except (TypeError, ValueError):
        raise ValueError(f"figures.emission: drive={drive!r} must be numbers, one for every tick") from None
    if values.ndim != 1 or not values.size:
        what = "is empty" if not values.size else f"has shape {values.shape}"
        raise ValueError(f"figures.emission: the drive {what}; give one number for every tick, in thresholds")
    if not np.isfinite(values).all():
        tick = int(np.argmin(np.isfinite(values)))
        raise ValueError(f"figures.emission: the drive is {values[tick]} in tick {tick}; every one must be finite")
    return values


def _emit(neuron: IntegrateAndFire, drive: Tensor, frames: int) -> Emitted:
    """What a neuron does with a drive (ticks,), one tick after the other."""
    left: Tensor | None = None
    membrane, spikes = np.zeros(len(drive), np.float32), np.zeros(len(drive), np.int64)
    ends = neuron.counts_frames * (np.arange(1, len(drive) + 1) % neuron.ticks_per_frame == 0)
    for tick, now in enumerate(drive.view(-1, 1, 1)):
        met = neuron.membrane_at_step_start(left, now[0], tick) + now[0]
        answer, after = neuron.scan(now, left, tick)
        spikes[tick] = int(answer.item())
        resets = ends[tick] if neuron.counts_frames else spikes[tick]
        membrane[tick] = (met if resets or after is None else neuron.potential(after)).item()  # a floor holds it
        left = after
    k = neuron.ticks_per_frame
    counts = [spikes[end : end + k].sum() for end in np.flatnonzero(ends)[:frames]]
    return Emitted(membrane, spikes, np.array(counts, np.int64))


def _lay_out(frames: int) -> tuple[Figure, int]:
    """Empty rows over one time axis, and their height: the drive, and of every neuron the membrane and the spikes."""
    heights = [DRIVE_PX, *(MEMBRANE_PX, SPIKES_PX) * len(EMISSIONS)]
    gaps = [0, *(HEAD_PX, GAP_PX) * len(EMISSIONS)]
    whole, below = sum(heights) + sum(gaps), 0
    figure = Figure().set_subplots(len(heights), 1, shared_xaxes=True)
    for row, (height, gap) in enumerate(zip(heights, gaps, strict=True), start=1):
        top = whole - below - gap
        below += gap + height
        figure.update_yaxes(domain=[max(0.0, (top - height) / whole), top / whole], row=row, col=1)
    every = {"tick0": 0, "dtick": 1} if frames < SOME else {}
    figure.update_xaxes(range=[0, frames + 1], gridcolor=FAINT, showline=False, ticks="", **every)
    figure.update_xaxes(title_text="time (frames)", ticks="outside", showline=True, row=len(heights), col=1)
    figure.update_yaxes(title_text="drive", nticks=4, zeroline=True, zerolinecolor=QUIET, row=1, col=1)
    figure.update_layout(showlegend=False, bargap=0, margin={"l": 62, "r": 18, "b": 56})
    return figure, whole + AROUND_PX


def _bars(drive: NDArray[np.float32], k: int) -> go.Bar:
    """The drive, each bar as wide as its tick."""
    ticks = np.arange(len(drive))
    moments, when = tell_moments((ticks + 1) / k, ticks)
    return go.Bar(
        name="drive", x=(ticks + 0.5) / k, y=drive, width=0.8 / k, customdata=moments,
        marker={"color": QUIET, "line": {"width": 0}},
        hovertemplate=f"<b>drive</b> %{{y:.3g}}<br>{when}<extra></extra>",
    )  # fmt: skip


def _draw_neuron(figure: Figure, row: int, kind: str, each: Emitted, k: int, most: int) -> None:
    """The membrane of a neuron in one row, and its spikes in the next."""
    ends = (np.arange(len(each.membrane)) + 1) / k
    low, high = min(0.0, float(each.membrane.min())), max(1.0, float(each.membrane.max()))
    _shade(figure, row, len(each.counts), k)
    figure.add_trace(_charge(kind, ends, each.membrane), row=row, col=1)
    figure.add_hline(y=1, line_color=INK, line_width=1.2, line_dash="dash", row=row, col=1)
    figure.add_traces(_stems(kind, ends, each.spikes), rows=row + 1, cols=1)
    if len(each.counts) <= SOME:
        middles = np.arange(len(each.counts)) + 0.5
        figure.add_trace(_labels("counts", kind, middles, low + 1.26 * (high - low), each.counts), row=row, col=1)
        later = middles + 1 - 1 / k
        figure.add_trace(_labels("sends", kind, later, 1.42 * most, each.counts), row=row + 1, col=1)
    top = (1.46 if len(each.counts) else 1.12) * (high - low)
    steps = {"dtick": 1} if high - low <= 3 else {"nticks": 4}
    figure.update_yaxes(range=[low - 0.06 * (high - low), low + top], title_text="membrane", row=row, col=1, **steps)
    figure.update_yaxes(range=[0, 1.75 * most], tickvals=[0, most], title_text="spikes", row=row + 1, col=1)
    said = "" if len(each.counts) else "; dashed: the threshold"
    figure.add_annotation(
        text=f"<b>{HEADS[kind]}</b>: {_count(int(each.spikes.sum()))}{said}", x=0, xref="x domain", xanchor="left",
        y=1, yref=f"y{row} domain", yanchor="bottom", yshift=2, showarrow=False, font={"size": 14, "color": INK},
    )  # fmt: skip


def _shade(figure: Figure, row: int, frames: int, k: int) -> None:
    """Every frame that is counted, and on the same shade the ticks in which that is sent."""
    for frame in range(frames if frames <= SHADED else 0):
        colour = SHADES[frame % len(SHADES)]
        for place, begin in ((row, float(frame)), (row + 1, frame + 1 - 1 / k)):
            figure.add_vrect(
                x0=begin, x1=begin + 1, fillcolor=colour, opacity=0.22, line_width=0, layer="below", row=place, col=1,
                exclude_empty_subplots=False,
            )  # fmt: skip


def _charge(kind: str, ends: NDArray[np.float64], membrane: NDArray[np.float32]) -> go.Scatter:
    moments, when = tell_moments(ends, np.arange(len(ends)))
    return go.Scatter(
        name=f"membrane, {HEADS[kind].lower()}", mode="lines", x=ends, y=membrane, line={"color": BLUE, "width": 1.8},
        customdata=moments, hovertemplate=f"<b>membrane</b> %{{y:.3g}} before any reset<br>{when}<extra></extra>",
    )  # fmt: skip


def _stems(kind: str, ends: NDArray[np.float64], spikes: NDArray[np.int64]) -> list[go.Scatter]:
    """A stem with a dot for every tick that sends, as high as it sends spikes."""
    sending = np.flatnonzero(spikes)
    x, y = ends[sending], spikes[sending]
    gap = np.full(len(x), np.nan)
    moments, when = tell_moments(ends, np.arange(len(ends)))
    stems = go.Scatter(
        name=f"stems, {HEADS[kind].lower()}", mode="lines", x=np.stack([x, x, gap], 1).ravel(),
        y=np.stack([np.zeros(len(x)), y, gap], 1).ravel(), line={"color": VERMILION, "width": 2.2}, hoverinfo="skip",
    )  # fmt: skip
    dots = go.Scatter(
        name=f"spikes, {HEADS[kind].lower()}", mode="markers", x=x, y=y, customdata=moments[sending],
        marker={"color": VERMILION, "size": 6},
        hovertemplate=f"<b>%{{y}} sent</b><br>{when}<extra></extra>",
    )  # fmt: skip
    return [stems, dots]


def _labels(word: str, kind: str, x: NDArray[np.floating[Any]], y: float, counts: NDArray[np.int64]) -> go.Scatter:
    """What every frame counts, or what of it is sent, in words where there is room."""
    return go.Scatter(
        name=f"{word}, {HEADS[kind].lower()}", mode="text", x=x, y=np.full(len(x), y), cliponaxis=False,
        text=[f"{word} {count}" if len(counts) <= FEW else f"{count}" for count in counts],
        textfont={"size": 12, "color": INK}, hoverinfo="skip",
    )  # fmt: skip


def _count(spikes: int) -> str:
    return f"{spikes:,} {'spike' if spikes == 1 else 'spikes'}"


def _words(sent: dict[str, Emitted], remainder: str) -> tuple[str, str]:
    """How many spikes the same drive gives, and how that is to be read."""
    at_once, spread, burst = (int(each.spikes.sum()) for each in sent.values())
    title = f"The same drive: {_count(at_once)} at once, {spread:,} spread, {burst:,} in bursts"
    shaded = max(len(each.counts) for each in sent.values()) <= SHADED
    reading = "A frame has the colour of the ticks in which its count is sent" if shaded else (
        "What a frame counts is sent in the ticks that begin with its last"
    )  # fmt: skip
    return title, f"{reading}; the rest is {REMAINDERS[remainder]}."
