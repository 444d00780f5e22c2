"""Energy of every model over time, and where a spiking one stops being cheaper."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from workbench.evaluation import (
    OPERATION_COUNTS,
    EnergyPreset,
    compare_energy,
    find_per,
    find_preset,
    joules,
    moment,
    price,
)
from workbench.figures._figure import Figure
from workbench.figures._registry import public
from workbench.figures._style import COLOURS, DASHES, INK, SYMBOLS, dress, empty, keep_finite, log_axis, require_columns
from workbench.figures._words import brief, tell_moments, whole

PRICED = ("neuron_updates", "memory_accesses", "memory_span_words")  # where the table has them
SAID = 2  # models that the title compares, the others are only marked


@public
def energy(costs: pd.DataFrame, preset: str | EnergyPreset = "fp32") -> go.Figure:
    """Cumulative energy per recording (nJ) against time (frames), and where spiking models stop being cheaper.

    `costs` is the table of `wb.compare`, `preset` the name of a price list or an `EnergyPreset`, whose source is said.
    Each spiking model is compared with the ANN that costs least in the end. A model that computes MACs is left out
    where the preset prices none. ValueError for an unknown preset, or one that prices memory that was not counted.

    >>> from workbench import figures
    >>> counts = {"dense_macs": [5e6, 0.0], "effective_macs": 0.0, "synaptic_operations": [0.0, 6e5]}
    >>> costs = pd.DataFrame({"model": ["ANN", "SNN"], "step": 0, "frame": 1.0, **counts})
    >>> figures.energy(costs).layout.meta["title"]
    'SNN is cheaper than ANN throughout'
    """
    prices, per = find_preset(preset), find_per(costs)
    require_columns(costs, ("model", "step", "frame", *OPERATION_COUNTS), "energy", "wb.compare")
    columns = ["step", "frame", *OPERATION_COUNTS, *costs.columns.intersection(list(PRICED))]
    counted = keep_finite(costs, columns, ("model",))
    priced = counted.assign(energy_nj=price(counted, prices))
    shown = priced[priced["energy_nj"] > 0]
    if shown.empty:
        return empty("Energy", "nothing has been counted yet")
    figure = Figure()
    for index, (model, rows) in enumerate(shown.groupby("model", sort=False)):
        figure.add_trace(_line(str(model), rows, index))
    compared = compare_energy(priced, prices)
    no_longer = compared[compared["cheaper"] == "at first"]
    figure.add_traces([_mark(row, first=index == 0) for index, row in enumerate(no_longer.to_dict("records"))])
    low, high = float(shown["energy_nj"].min()), float(shown["energy_nj"].max())
    figure.update_yaxes(title_text=f"energy per {per} (nJ)", **log_axis(low / 2, high * 2))
    figure.update_xaxes(title_text="time (frames)", rangemode="tozero")
    title = _title(compared, shown)
    subtitle = f"Preset {brief(prices.name)}: {describe_prices(prices)}. Source: {whole(prices.source)}."
    alt = f"Cumulative energy per {per} against time. {title}. {subtitle}"
    return dress(figure, title, subtitle, alt, 460)


def describe_prices(preset: EnergyPreset) -> str:
    """What a preset charges, in words.

    >>> from workbench.evaluation.energy import PRESETS
    >>> describe_prices(PRESETS["fp32, zeros skipped"])
    '4.6 pJ per MAC, products with zero skipped, 0.9 pJ per synaptic operation and neuron update'
    """
    zeros = ", products with zero skipped" if preset.skips_zeros else ""
    macs = "no price for MACs" if math.isnan(preset.mac_pj) else f"{preset.mac_pj:g} pJ per MAC{zeros}"
    words = f"{macs}, {preset.addition_pj:g} pJ per synaptic operation"
    words += " and neuron update" if preset.update_pj is None else f", {preset.update_pj:g} per neuron update"
    if preset.counts_memory:
        words += f", {preset.access_pj:.3g} pJ per access of memory, {1000 * preset.span_pj:.3g} more per 1,000 words"
    return words


def _line(model: str, rows: pd.DataFrame, index: int) -> go.Scatter:
    moments, when = tell_moments(rows["frame"], rows["step"])
    return go.Scatter(
        name=brief(model),
        x=rows["frame"],
        y=rows["energy_nj"],
        customdata=moments,
        mode="lines+markers",
        line={"color": COLOURS[index % len(COLOURS)], "dash": DASHES[index % len(DASHES)], "width": 2.4},
        marker={"symbol": SYMBOLS[index % len(SYMBOLS)], "size": 8, "maxdisplayed": 12},
        hovertemplate=f"<b>{whole(model)}</b>, {when}<br>%{{y:.4~s}} nJ<extra></extra>",
    )


def _mark(row: Mapping[Any, Any], first: bool) -> go.Scatter:
    """Where a model stops being the cheaper."""
    return go.Scatter(
        name="no longer cheaper",
        x=[float(row["frame"])],
        y=[float(row["energy_nj"])],
        mode="markers",
        legendgroup="break-even",
        showlegend=first,
        marker={"symbol": "circle-open", "size": 17, "color": INK, "line": {"width": 2.4}},
        hovertemplate=f"<b>{whole(row['model'])}</b> is no longer cheaper than <b>{whole(row['other'])}</b><br>"
        f"from {moment(row['frame'], row['step'])} on<br>%{{y:.4~s}} nJ<extra></extra>",
    )


def _title(compared: pd.DataFrame, shown: pd.DataFrame) -> str:
    if len(compared):
        more = f"; {len(compared) - SAID} more: see the curves" if len(compared) > SAID else ""
        return "; ".join(_say(row) for row in compared.head(SAID).to_dict("records")) + more
    last = shown.groupby("model", sort=False).tail(1)
    return "Energy at the end: " + ", ".join(
        f"{brief(row['model'])} {joules(row['energy_nj'])}" for _, row in last.iterrows()
    )


def _say(row: Mapping[Any, Any]) -> str:
    """Whether and until when a model is cheaper than the other."""
    model, other = brief(row["model"]), brief(row["other"])
    if row["cheaper"] == "never":
        return f"{model} is never cheaper than {other}"
    first = row["cheaper"] == "at first"
    when = f"only before {moment(row['frame'], row['step'])}" if first else row["cheaper"]
    return f"{model} is cheaper than {other} {when}"
