"""Early exit: accuracy against what stopping sooner saves, for every threshold of confidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.evaluation import amount, duration, joules, measure_savings, share
from workbench.figures._accuracy import AXES
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
from workbench.figures._words import brief, whole

WHAT = {"frame": "the time", "energy_nj": "the energy"}


@public
def early_exit(sweep: pd.DataFrame, against: str = "frame") -> go.Figure:
    """Accuracy (%) against the mean time (frames) or cost per recording of every threshold, one line a model.

    `sweep` is the table of `EarlyExit.sweep`, or several of them in one. The calibrated threshold is ringed, waiting
    for the end has a star, a whisker is one standard error. `against` as in `figures.accuracy`. ValueError for any
    other, or a table without its column.

    >>> from workbench import figures
    >>> sweep = pd.DataFrame({"model": "SNN", "threshold": [0.9, np.inf], "calibrated": [True, False]})
    >>> sweep = sweep.assign(accuracy=[0.91, 0.93], standard_error=0.01, frame=[3.5, 8.0])
    >>> figures.early_exit(sweep).layout.meta["title"]
    'SNN saves 56 % of the time for 2.0 points of accuracy'
    """
    if against not in AXES:
        raise ValueError(f"figures.early_exit: against={against!r} is unknown; choose one of {', '.join(AXES)}")
    columns = ("model", "threshold", "calibrated", "accuracy", "standard_error", against)
    require_columns(sweep, columns, "early_exit", "EarlyExit.sweep")
    thresholds = pd.to_numeric(sweep["threshold"], errors="coerce")
    complete = keep_finite(sweep.assign(threshold=thresholds), ("accuracy", "standard_error", against), ("model",))
    rows = complete[complete["threshold"].notna() & (complete[against] > 0)]
    if rows.empty:
        return empty("Early exit", "no threshold to show" if complete.empty else f"no model counts {against}")
    figure = Figure()
    parts = [part.sort_values("threshold", kind="stable") for _, part in rows.groupby("model", sort=False)]
    for index, part in enumerate(parts):
        figure.add_traces(_traces(part, against, index % len(COLOURS)))
    figure.update_yaxes(title_text="accuracy (%)", range=[0, 103])
    figure.update_xaxes(title_text=f"mean {AXES[against]}")
    if against == "frame":
        figure.update_xaxes(rangemode="tozero")
    else:
        figure.update_xaxes(**log_axis(rows[against].min() / 1.1, rows[against].max() * 1.1))
    savings = measure_savings(pd.concat(parts), against).to_dict("records")
    title = "; ".join(_say_saving(row, against) for row in savings) or "Accuracy by threshold"
    reached = "; ".join(_say_reached(row, against) for row in savings)
    missing = [brief(model) for model in complete["model"].unique() if model not in set(rows["model"])]
    note = f" Not shown: {', '.join(missing)}, which counts none." if missing else ""
    subtitle = f"{reached}. Ring: calibrated, star: to the end, whiskers: one standard error.{note}".removeprefix(". ")
    return dress(figure, title, subtitle, f"Accuracy against mean {AXES[against]}. {title}. {subtitle}", 460)


def _traces(part: pd.DataFrame, against: str, index: int) -> list[go.Scatter]:
    """The line of one model, its ring and its star."""
    colour = COLOURS[index]
    line = _points(part, against, index)
    line.update(mode="lines+markers", line={"color": colour, "width": 2.4, "dash": DASHES[index]})
    line.error_y = {"array": 100 * part["standard_error"], "color": colour, "thickness": 1, "width": 0}
    marked = [line]
    for name, symbol, size, chosen in (
        ("calibrated", SYMBOLS[index] + "-open", 18, _calibrated(part)),
        ("to the end", "star", 15, _waiting(part)),
    ):
        if not chosen.empty:
            point = _points(chosen, against, index, f", {name}").update(showlegend=False, mode="markers")
            edge = {"color": colour if symbol != "star" else PAPER, "width": 2.6 if symbol != "star" else 1}
            marked.append(point.update(marker={"symbol": symbol, "size": size, "color": colour, "line": edge}))
    return marked


def _points(part: pd.DataFrame, against: str, index: int, which: str = "") -> go.Scatter:
    model = str(part["model"].iloc[0])
    stop = f"<b>{whole(model)}{which}</b><br>stops at %{{customdata}}"
    mean = "after %{x:.4~g} frames on average" if against == "frame" else f"mean {AXES[against]} %{{x:.4~s}}"
    stops = ["the end" if np.isinf(value) else f"a confidence of {value:.4g}" for value in part["threshold"]]
    return go.Scatter(
        name=f"{brief(model)}{which}",
        legendgroup=model,
        x=part[against],
        y=100 * part["accuracy"],
        customdata=stops,
        marker={"symbol": SYMBOLS[index], "size": 8, "color": COLOURS[index]},
        hovertemplate=f"{stop}<br>accuracy %{{y:.1f}} %<br>{mean}<extra></extra>",
    )


def _calibrated(part: pd.DataFrame) -> pd.DataFrame:
    chosen: pd.DataFrame = part[part["calibrated"].eq(True)].head(1)
    return chosen


def _waiting(part: pd.DataFrame) -> pd.DataFrame:
    waiting: pd.DataFrame = part[part["threshold"] == np.inf].head(1)
    return waiting


def _say_saving(row: Mapping[Any, Any], against: str) -> str:
    """What a model saves by its exit, and what that costs in accuracy."""
    if np.isinf(row["threshold"]):
        return f"{brief(row['model'])} runs to the end"
    lost = 100 * row["lost_accuracy"]
    points = f"for {lost:.1f} points of accuracy" if lost >= 0 else f"and is {-lost:.1f} points better"
    what = WHAT.get(against, f"its {AXES[against].removesuffix(' per recording')}")
    return f"{brief(row['model'])} saves {100 * row['saving']:.0f} % of {what} {points}"


def _say_reached(row: Mapping[Any, Any], against: str) -> str:
    said = []
    for accuracy, spent in ((row["accuracy"], row["spent"]), (row["end_accuracy"], row["end_spent"])):
        cost = joules(spent) if against == "energy_nj" else amount(spent)
        said.append(f"{share(accuracy)} {f'after {duration(spent)}' if against == 'frame' else f'at {cost}'}")
    return f"{brief(row['model'])}: {said[0]}, to the end {said[1]}"
