"""One step of a recording as an image, and where it lies among all steps."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from workbench.analysis import count_events
from workbench.evaluation import amount
from workbench.figures._figure import Figure
from workbench.figures._frames import OFF, ON, SCALES_PX, add_scales, full_strength, paint
from workbench.figures._registry import public
from workbench.figures._style import GRID, INK, dress, empty
from workbench.figures._words import whole

BARE = {
    "showticklabels": False, "ticks": "", "showgrid": False, "linecolor": GRID, "mirror": True, "constrain": "domain"
}  # fmt: skip


@public
def image(counts: ArrayLike, title: str) -> go.Figure:
    """What an event camera saw, as one image: counts (2, height, width) of OFF (blue) and ON (vermilion) events.

    >>> from workbench import figures
    >>> figures.image(np.ones((2, 3, 4)), "input, frame 2").data[0].z[0][0].tolist()
    [0, 42, 0]
    """
    counts = np.asarray(counts)
    if counts.ndim != 3 or counts.shape[0] != 2:
        raise ValueError(f"figures.image: shape {counts.shape} does not fit; expected (2, height, width)")
    full = full_strength(counts)
    figure = Figure(paint(0, counts, full))
    figure.update_xaxes(**BARE).update_yaxes(**BARE)
    figure.update_layout(margin={"l": 16, "r": 16, "t": 44, "b": 8 + SCALES_PX})
    add_scales(figure, full, 300 - 52)
    if not counts.any():
        figure.add_annotation(text="no events", showarrow=False, x=0.5, y=0.5, xref="paper", yref="paper", font_size=13)
    off, on = (int(part.sum()) for part in counts)
    dress(figure, whole(title), "", f"{whole(title)}: {off} OFF and {on} ON events.", 300 + SCALES_PX)
    return figure.update_layout(title_font_size=14)


@public
def frame(counts: ArrayLike, step: int, window_us: float, what: str = "step") -> go.Figure:
    """The events of one step, and beside it the events of every step, OFF dashed, against time in ms.

    `counts` (steps, 2, height, width) are the frames or ticks of one recording, which together last `window_us`.
    ValueError for another shape or a step that is not there.

    >>> from workbench import figures
    >>> figure = figures.frame(np.ones((4, 2, 3, 3)), step=1, window_us=8000, what="tick")
    >>> figure.layout.meta["title"], figure.data[1].y.tolist()
    ('Tick 1 of 0 to 3, from 2 to 4 ms: 18 events', [9, 9, 9, 9])
    """
    counts = np.asarray(counts)
    if counts.ndim != 4 or counts.shape[1] != 2:
        raise ValueError(
            f"figures.frame: shape {counts.shape} does not fit; expected (steps, 2, height, width), counts of OFF and "
            "ON events of one recording"
        )
    if not counts.any():
        return empty("Recording", "no events in this recording" if len(counts) else "the recording has no steps")
    if not 0 <= step < len(counts):
        raise ValueError(f"figures.frame: step={step!r} is not among the steps 0 to {len(counts) - 1}")
    step_ms = window_us / len(counts) / 1000
    figure = Figure().set_subplots(1, 2, column_widths=[0.42, 0.58], horizontal_spacing=0.11)
    figure.add_trace(paint(step, counts[step], full_strength(counts)), row=1, col=1)
    totals = count_events(counts, window_us)[["off", "on"]].to_numpy(np.int32)
    time_ms = ((np.arange(len(counts)) + 0.5) * step_ms).astype(np.float32)
    for polarity, (name, colour, dash) in enumerate((("OFF", OFF, "dash"), ("ON", ON, "solid"))):
        line = go.Scatter(
            name=f"{name} events",
            x=time_ms,
            y=totals[:, polarity],
            mode="lines+markers" if len(counts) <= 24 else "lines",
            line={"color": colour, "dash": dash},
            marker={"symbol": "square" if polarity else "circle", "size": 7},
            hovertemplate=f"%{{x:.4~g}} ms<br>%{{y}} {name} events<extra></extra>",
        )
        figure.add_trace(line, row=1, col=2)
    figure.add_vrect(
        x0=step * step_ms, x1=(step + 1) * step_ms, fillcolor=INK, opacity=0.14, line_width=0, row=1, col=2
    )
    figure.update_xaxes(**BARE, row=1, col=1).update_yaxes(**BARE, row=1, col=1)
    figure.update_xaxes(title_text="time (ms)", range=[0, window_us / 1000], row=1, col=2)
    figure.update_yaxes(title_text=f"events per {what}", rangemode="tozero", row=1, col=2)
    begin, end = (f"{value * step_ms:.5g}" for value in (step, step + 1))
    events = f"{int(totals[step].sum()):,} events"
    title = f"{what.capitalize()} {step} of 0 to {len(counts) - 1}, from {begin} to {end} ms: {events}"
    words = f"{totals.sum():,} events in all, {amount(totals.sum() / window_us * 1000)} per ms"
    words += f"; full colour: {full_strength(counts):g} or more in a pixel"
    return dress(figure, title, words, f"{title}: OFF {totals[step, 0]}, ON {totals[step, 1]}. {words}.", 410, [0.45])
