"""Accuracy at every step against time, operations or energy."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from workbench.evaluation import find_per, moment, share, summarise_accuracy, total_operations
from workbench.figures._figure import Figure
from workbench.figures._registry import public
from workbench.figures._style import (
    COLOURS,
    DASHES,
    PAPER,
    SYMBOLS,
    dress,
    empty,
    keep_finite,
    log_axis,
    require_columns,
)
from workbench.figures._words import brief, tell_moments, whole

AXES = {
    "frame": "time (frames)",
    "energy_nj": "energy per recording (nJ)",
    "synaptic_operations": "synaptic operations per recording",
    "dense_macs": "dense MACs per recording",
    "effective_macs": "effective MACs per recording",
    "neuron_updates": "neuron updates per recording",
}
FEW = 30  # steps up to which every one gets its mark


@public
def accuracy(costs: pd.DataFrame, against: str = "frame") -> go.Figure:
    """Accuracy (%) of every model at every step, from its first response on, which is ringed.

    `costs` is the table of `wb.compare`; `against` one of frame, energy_nj (nJ), synaptic_operations, dense_macs,
    effective_macs, neuron_updates, all cumulative per recording, or per slice where the table says so. ValueError for
    any other or a table without it.

    >>> from workbench import figures
    >>> costs = pd.DataFrame({"model": "ANN", "step": [0, 1], "frame": [1.0, 2.0], "accuracy": [None, 0.9]})
    >>> figures.accuracy(costs).data[0].y.tolist()
    [90.0]
    """
    if against not in AXES:
        raise ValueError(f"figures.accuracy: against={against!r} is unknown; choose one of {', '.join(AXES)}")
    require_columns(costs, ("model", "step", "frame", "accuracy", against), "accuracy", "wb.compare")
    return _draw(costs, against, AXES[against].replace("recording", find_per(costs)), {})


@public
def accuracy_per_operation(costs: pd.DataFrame) -> go.Figure:
    """Accuracy (%) against all operations per recording so far, dense MACs and synaptic operations on one axis.

    `costs` is the table of `wb.compare`; each model's kind is named: what it computes and what one operation is.
    First responses are ringed. ValueError for a table without these columns.

    >>> from workbench import figures
    >>> counts = {"dense_macs": [5e6, 0.0], "synaptic_operations": [0.0, 6e5]}
    >>> costs = pd.DataFrame({"model": ["ANN", "SNN"], "step": 0, "frame": 1.0, "accuracy": 0.9, **counts})
    >>> [trace.name for trace in figures.accuracy_per_operation(costs).data if trace.showlegend is None]
    ['ANN (dense MACs)', 'SNN (synaptic operations)']
    """
    counted = ("dense_macs", "synaptic_operations")
    require_columns(costs, ("model", "step", "frame", "accuracy", *counted), "accuracy_per_operation", "wb.compare")
    complete = keep_finite(costs, counted, ("model",))
    complete = complete.assign(operations=total_operations(complete))
    kinds = {}
    for model, rows in complete.groupby("model", sort=False):
        named = [column.replace("_", " ").replace("macs", "MACs") for column in counted if (rows[column] > 0).any()]
        kinds[str(model)] = f"({' and '.join(named) or 'no operations'})"
    return _draw(complete, "operations", f"dense MACs and synaptic operations per {find_per(costs)}", kinds)


def _draw(costs: pd.DataFrame, against: str, axis: str, kinds: Mapping[str, str]) -> go.Figure:
    answered = keep_finite(costs, ("step", "frame", "accuracy"), ("model",))
    counted = keep_finite(answered, (against,))
    counted = counted[counted[against] > 0]
    if counted.empty:
        return empty("Accuracy", "no model has answered yet" if answered.empty else f"no model counts {against}")
    figure = Figure()
    for index, (model, rows) in enumerate(counted.groupby("model", sort=False)):
        figure.add_traces(_traces(str(model), kinds.get(str(model), ""), rows, against, axis, index % len(COLOURS)))
    figure.update_yaxes(title_text="accuracy (%)", range=[0, 103])
    figure.update_xaxes(title_text=axis)
    if against == "frame":
        figure.update_xaxes(rangemode="tozero")
    else:
        low, high = counted[against].min(), counted[against].max()
        pad = max(1.1, (high / low) ** 0.05)
        figure.update_xaxes(**log_axis(low / pad, high * pad))
    missing = [brief(model) for model in answered["model"].unique() if model not in set(counted["model"])]
    title, responses = _words(counted)
    note = f" Not shown: {', '.join(missing)}, which counts none." if missing else ""
    silent = [brief(model) for model in costs["model"].dropna().unique() if model not in set(answered["model"])]
    note += f" Never answers: {', '.join(silent)}." if silent else ""
    note += f" Split: {whole(costs.attrs['split'])}." if costs.attrs.get("split") else ""
    alt = f"Accuracy against {axis}. {title}. {responses}"
    return dress(figure, title, f"{responses} (large open marks).{note}", alt, 460)


def _traces(model: str, kind: str, rows: pd.DataFrame, against: str, axis: str, index: int) -> list[go.Scatter]:
    colour, first, name = COLOURS[index], rows.iloc[:1], f"{brief(model)} {kind}".rstrip()
    moments, when = tell_moments(rows["frame"], rows["step"])
    spent = "" if against == "frame" else f"<br>{axis} %{{x:.4~s}}"
    hover = f"<b>{whole(model)}</b>, {when}<br>accuracy %{{y:.1f}} %{spent}<extra></extra>"
    line = go.Scatter(
        name=name,
        legendgroup=model,
        x=rows[against],
        y=100 * rows["accuracy"],
        customdata=moments,
        mode="lines+markers" if len(rows) <= FEW else "lines",
        line={"color": colour, "width": 2.4, "dash": DASHES[index]},
        marker={"symbol": SYMBOLS[index], "size": 9},
        hovertemplate=hover,
    )
    ring = go.Scatter(
        name=f"first response of {brief(model)}",
        legendgroup=model,
        showlegend=False,
        mode="markers",
        x=first[against],
        y=100 * first["accuracy"],
        customdata=moments[:1],
        marker={"symbol": SYMBOLS[index], "size": 15, "color": PAPER, "line": {"color": colour, "width": 2.6}},
        hovertemplate=hover.replace("</b>", "</b>, first response", 1),
    )
    return [line, ring]


def _words(counted: pd.DataFrame) -> tuple[str, str]:
    """What every model reaches, and when it first responds."""
    models = summarise_accuracy(counted).to_dict("records")
    reached = ", ".join(f"{brief(row['model'])} {share(row['last_accuracy'])}" for row in models)
    begins = [(row["model"], moment(row["first_frame"], row["first_step"])) for row in models]
    responses = ", ".join(f"{brief(model)} in {when}" for model, when in begins)
    return f"Accuracy at the end: {reached}", f"First responses: {responses}"
