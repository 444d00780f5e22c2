"""Training curves: loss and accuracy by epoch."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.evaluation import share
from workbench.figures._figure import Figure
from workbench.figures._registry import public
from workbench.figures._style import BLUE, VERMILION, dress, empty, keep_finite, require_columns

SERIES = (  # prefix of the columns, what it is called, colour, symbol, dash
    ("", "training", BLUE, "circle", "solid"),
    ("validation_", "validation", VERMILION, "diamond", "dash"),
)


@public
def learning(history: pd.DataFrame) -> go.Figure:
    """Loss (nats) and accuracy (%) of training and, where there is one, validation against the epoch.

    `history` has the columns epoch, loss, accuracy (0 to 1) and may have validation_loss, validation_accuracy, and
    selected, which says the model of which epoch was returned. ValueError for a table without the first three.

    >>> from workbench import figures
    >>> history = pd.DataFrame({"epoch": [1, 2], "loss": [2.1, 1.4], "accuracy": [0.3, 0.55]})
    >>> figures.learning(history).layout.meta["title"]
    'Epoch 2: loss 1.4, accuracy 55.0 %'
    """
    require_columns(history, ("epoch", "loss", "accuracy"), "learning", "wb.train")
    unit_of_loss = _name_loss(history)
    history = keep_finite(history, ("epoch", "loss", "accuracy"))
    validated = history.columns.intersection(["validation_loss", "validation_accuracy"]).tolist()
    numbers = history[validated].apply(pd.to_numeric, errors="coerce").astype(float)
    history = history.assign(**numbers.where(np.isfinite(numbers)))
    if history.empty:
        return empty("Training", "no epoch has ended yet")
    figure = Figure().set_subplots(1, 2, horizontal_spacing=0.11)
    for prefix, name, colour, symbol, dash in SERIES:
        for column, (quantity, factor, unit) in enumerate((("loss", 1, ""), ("accuracy", 100, " %")), start=1):
            values = history.get(f"{prefix}{quantity}")
            if values is None or values.isna().all():
                continue
            trace = go.Scatter(
                x=history["epoch"],
                y=factor * values,
                name=name,
                legendgroup=name,
                showlegend=column == 1,
                mode="lines+markers",
                line={"color": colour, "dash": dash},
                marker={"symbol": symbol, "size": 8},
                hovertemplate=f"<b>{name}</b>, epoch %{{x}}<br>{quantity} %{{y:.3g}}{unit}<extra></extra>",
            )
            figure.add_trace(trace, row=1, col=column)
    figure.update_xaxes(title_text="epoch", tickformat=",d", **_whole_ticks(history["epoch"]))
    figure.update_yaxes(title_text=unit_of_loss, rangemode="tozero", row=1, col=1)
    figure.update_yaxes(title_text="accuracy (%)", range=[0, 103], row=1, col=2)
    title, best = _words(history), _best(history)
    return dress(figure, title, best, f"Loss and accuracy against the epoch. {title}. {best}.", 410, [0.5])


def _whole_ticks(epochs: pd.Series) -> dict[str, object]:
    """No fractional epochs on the axis of a short training."""
    return {"dtick": 1} if len(epochs) <= 12 else {}


def _best(history: pd.DataFrame) -> str:
    validated = "validation_accuracy" in history and history["validation_accuracy"].notna().any()
    column = "validation_accuracy" if validated else "accuracy"
    best = history.sort_values(column, ascending=False, kind="stable").iloc[0]
    words = f"Best {column.replace('_', ' ')}: {share(best[column])} in epoch {int(best['epoch'])}"
    selected = history.loc[history["selected"].eq(True), "epoch"].tolist() if "selected" in history else []
    return f"{words}; the model of epoch {int(selected[0])} is returned" if selected else words


def _name_loss(history: pd.DataFrame) -> str:
    """What the loss is, as the recipe of a training says."""
    recipe = str(history.attrs.get("recipe") or "")
    return "loss" if re.search(r"\b(loss|spike_cost)=", recipe) else "loss (cross-entropy, nats)"


def _words(history: pd.DataFrame) -> str:
    last = history.iloc[-1]
    words = f"Epoch {int(last['epoch'])}: loss {last['loss']:.3g}, accuracy {share(last['accuracy'])}"
    validation = history.get("validation_accuracy")
    if validation is not None and pd.notna(validation.iloc[-1]):
        words += f", on validation {share(validation.iloc[-1])}"
    return words
