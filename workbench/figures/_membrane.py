"""One neuron over time: its membrane against the threshold, its spikes, its drive."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.analysis import summarise_membrane
from workbench.evaluation import duration, moment
from workbench.figures._figure import Figure
from workbench.figures._registry import public
from workbench.figures._style import BLUE, GREEN, INK, PAPER, QUIET, VERMILION, dress, empty, require_columns
from workbench.figures._words import brief, tell_moments

COLUMNS = ("step", "frame", "drive", "membrane", "activity")
FEW = 120  # steps up to which every one gets its mark


@public
def membrane(traces: pd.DataFrame, threshold: float = 1.0) -> go.Figure:
    """Membrane of one neuron against time in frames, a mark above every spike, and its drive below.

    `traces` is the table of `trace_membrane`; `threshold` that of the neuron. A neuron without membrane, of an ANN or
    of the output, shows its activity instead. ValueError for a table that lacks a column or a threshold of 0 or less.

    >>> from workbench import figures
    >>> columns = {"step": [0, 1], "frame": [0.5, 1.0], "drive": [0.75, 0.5], "membrane": [0.75, 1.25]}
    >>> figures.membrane(pd.DataFrame(columns | {"activity": [0.0, 1.0]})).layout.meta["title"]
    'This neuron spikes once in 1 frame, first in frame 0, tick 1'
    """
    require_columns(traces, COLUMNS, "membrane", "trace_membrane")
    if not threshold > 0:
        raise ValueError(f"figures.membrane: threshold={threshold!r} must be positive, as that of the neuron is")
    if traces.empty:
        return empty("Membrane", "no steps yet")
    charged = bool(traces["membrane"].notna().any())
    figure = Figure().set_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.06, row_heights=[0.68, 0.32])
    upper = _membrane(traces, threshold) if charged else [_line(traces, "activity", GREEN, 2.2)]
    figure.add_traces(upper, rows=1, cols=1)
    figure.add_trace(_line(traces, "drive", QUIET, 1.4), row=2, col=1)
    figure.add_hline(y=0, line_color=QUIET, line_width=1, line_dash="dot", row=2, col=1)
    if charged:
        _mark_threshold(figure, traces, threshold)
    figure.update_yaxes(title_text="membrane" if charged else "activity", row=1, col=1)
    figure.update_yaxes(title_text="drive", row=2, col=1)
    figure.update_xaxes(range=[0, float(traces["frame"].iloc[-1]) * 1.01])
    figure.update_xaxes(title_text="time (frames)", row=2, col=1)
    title, subtitle = _words(traces, threshold, charged)
    alt = f"{'Membrane' if charged else 'Activity'} and drive of one neuron over time. {title}. {subtitle}"
    return dress(figure, title, subtitle, alt, 470)


def _membrane(traces: pd.DataFrame, threshold: float) -> list[go.Scatter]:
    """The membrane as a line, and a mark at every spike."""
    spikes = traces[traces["activity"] > 0]
    moments, when = tell_moments(spikes["frame"], spikes["step"])
    marks = go.Scatter(
        name="spikes",
        mode="markers",
        x=spikes["frame"].to_numpy(np.float32),
        y=np.full(len(spikes), _top(traces, threshold), dtype=np.float32),
        customdata=np.column_stack([moments, spikes["membrane"]]).astype(np.float32),
        marker={"symbol": "line-ns-open", "size": 13, "color": VERMILION, "line": {"width": 2}},
        hovertemplate=f"<b>spike</b>, {when}<br>membrane %{{customdata[2]:.3g}}<extra></extra>",
        showlegend=False,
    )
    return [_line(traces, "membrane", BLUE, 2.0), marks]


def _line(traces: pd.DataFrame, column: str, colour: str, width: float) -> go.Scatter:
    """A column against time, straight from step to step."""
    moments, when = tell_moments(traces["frame"], traces["step"])
    return go.Scatter(
        name=column,
        mode="lines+markers" if len(traces) <= FEW else "lines",
        x=traces["frame"].to_numpy(np.float32),
        y=traces[column].to_numpy(np.float32),
        customdata=moments,
        line={"color": colour, "width": width},
        marker={"size": 4.5},
        hovertemplate=f"<b>{column}</b> %{{y:.3g}}<br>{when}<extra></extra>",
        showlegend=False,
    )


def _mark_threshold(figure: go.Figure, traces: pd.DataFrame, threshold: float) -> None:
    """The threshold as a dashed line with its name, and spikes in a row of their own above everything."""
    low = min(float(traces["membrane"].min()), 0.0)
    top = _top(traces, threshold)
    pad = 0.06 * (top - low)
    figure.update_yaxes(range=[low - pad, top + 1.6 * pad], row=1, col=1)
    figure.add_hline(y=threshold, line_color=INK, line_width=1.4, line_dash="dash", row=1, col=1)
    figure.add_annotation(
        text=f"threshold {threshold:g}", x=0.004, xref="x domain", xanchor="left", y=threshold, yref="y",
        yanchor="bottom", showarrow=False, font={"size": 12.5, "color": INK}, bgcolor=PAPER, opacity=0.85,
    )  # fmt: skip


def _top(traces: pd.DataFrame, threshold: float) -> float:
    """Height of the row of spikes, above the highest membrane."""
    high, low = max(float(traces["membrane"].max()), threshold), min(float(traces["membrane"].min()), 0.0)
    return high + 0.12 * (high - low)


def _words(traces: pd.DataFrame, threshold: float, charged: bool) -> tuple[str, str]:
    """How often the neuron spikes, or how large its activity is, and what drives it."""
    node, unit = traces.attrs.get("node"), traces.attrs.get("unit", ())
    who = f"{brief(node)} ({', '.join(map(str, unit))})" if node else "This neuron"
    facts = summarise_membrane(traces).to_dict("records")[0]
    length = duration(facts["frames"])
    drive = f"Mean drive {facts['mean_drive']:.3g} a step"
    if pd.isna(facts["first_frame"]):
        return f"{who} stays silent for {length}", f"{drive}."
    active = traces[traces["frame"] == facts["first_frame"]].iloc[0]
    first = f"first in {moment(active['frame'], active['step'])}"
    if not charged:
        mean = facts["mean_activity"]
        return f"{who} answers with {mean:.3g} on average over {length}, {first}", f"{drive}; it has no membrane."
    count = {1: "once", 2: "twice"}.get(facts["spikes"], f"{facts['spikes']:,} times")
    rule = f"a spike wherever the membrane, shown before its reset, reaches the threshold {threshold:g}"
    return f"{who} spikes {count} in {length}, {first}", f"{drive}; {rule}."
