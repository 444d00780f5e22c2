"""Where a conversion loses accuracy: error of every node over time, shares of saturated, silent and floored units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.analysis import SYMPTOMS, summarise_nodes
from workbench.evaluation import amount
from workbench.figures._figure import Figure
from workbench.figures._registry import public
from workbench.figures._style import (
    BLUE,
    COLOURS,
    DASHES,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    SYMBOLS,
    dress,
    empty,
    keep_finite,
    require_columns,
)
from workbench.figures._words import brief, cut, name_ticks, whole

LOOKS = {  # column: what it is called, colour, pattern
    "saturated": ("saturated", BLUE, ""),
    "silent": ("silent", ORANGE, "/"),
    "floor_hits": ("at the floor", PURPLE, "x"),
}
SHOWN = 12  # nodes drawn: the worst


@public
def diagnosis(table: pd.DataFrame) -> go.Figure:
    """Relative error (%) of every node over the frames, and how many of its units (%) are saturated, silent, floored.

    `table` is what `wb.diagnose` returns. Of more than 12 nodes the 12 with the largest mean error are drawn; the worst
    is named with its advice. The bars are means over the frames in which the node answers. ValueError for a table
    without these columns.

    >>> from workbench import figures
    >>> row = {"node": "v1", "frame": 1, "relative_error": 0.25, "saturated": 0.1, "silent": 0.0, "floor_hits": 0.2}
    >>> figures.diagnosis(pd.DataFrame([row | {"advice": "raise percentile"}])).layout.meta["title"]
    'v1 errs most: by 25 % of its activity'
    """
    require_columns(table, ("node", "frame", "relative_error", *SYMPTOMS, "advice"), "diagnosis", "wb.diagnose")
    answered = keep_finite(table, ("frame", "relative_error"), ("node",))
    shares = answered[list(SYMPTOMS)].apply(pd.to_numeric, errors="coerce").astype(float)
    answered = answered.assign(**shares.where(np.isfinite(shares)))
    if answered.empty:
        return empty("Diagnosis", "no node has answered yet")
    means = summarise_nodes(answered).set_index("node")
    worst = means["relative_error"].nlargest(SHOWN)
    nodes = [node for node in means.index if node in worst.index]
    figure = Figure().set_subplots(1, 2, column_widths=[0.56, 0.44], horizontal_spacing=0.16)
    for index, node in enumerate(nodes):
        rows = answered[answered["node"] == node].sort_values("frame")
        figure.add_trace(_line(node, rows, index), row=1, col=1)
    for column in LOOKS:
        figure.add_trace(_bars(means.loc[nodes, column], column), row=1, col=2)
    largest = float(100 * answered["relative_error"].max())
    figure.update_yaxes(title_text="error (% of mean ANN activity)", range=[0, max(1.0, 1.08 * largest)], row=1, col=1)
    figure.update_xaxes(title_text="frame", tickformat=",d", row=1, col=1)
    if answered["frame"].max() - answered["frame"].min() <= 12:
        figure.update_xaxes(dtick=1, row=1, col=1)
    largest_share = 100 * means.loc[nodes, list(SYMPTOMS)].fillna(0).to_numpy(dtype=float).max()
    figure.update_xaxes(title_text="share of units (%)", range=[0, max(1.0, 1.05 * largest_share)], row=1, col=2)
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category", **name_ticks(nodes), row=1, col=2)
    figure.update_layout(barmode="group", bargap=0.25)
    title, subtitle = _words(means, str(worst.index[0]), len(nodes))
    alt = f"Error of every node over the frames, and shares of saturated, silent and floored units. {title}. {subtitle}"
    return dress(figure, title, subtitle, alt, 300 + 34 * max(3, len(nodes)), stack=[0.5])


def _line(node: str, rows: pd.DataFrame, index: int) -> go.Scatter:
    turn = index // len(COLOURS)
    return go.Scatter(
        name=brief(node),
        x=rows["frame"],
        y=100 * rows["relative_error"],
        mode="lines+markers",
        line={"color": COLOURS[index % len(COLOURS)], "dash": DASHES[(index + turn) % len(DASHES)], "width": 2.4},
        marker={"symbol": SYMBOLS[(index + 2 * turn) % len(SYMBOLS)], "size": 8, "maxdisplayed": 30},
        hovertemplate=f"<b>{whole(node)}</b>, frame %{{x}}<br>error %{{y:.3g}} % of its mean activity<extra></extra>",
    )


def _bars(shares: pd.Series, column: str) -> go.Bar:
    name, colour, pattern = LOOKS[column]
    return go.Bar(
        name=name,
        orientation="h",
        y=list(map(whole, shares.index)),
        x=100 * shares.to_numpy(),
        marker={
            "color": colour,
            "line": {"color": INK, "width": 0.6},
            "pattern": {"shape": pattern, "bgcolor": colour, "fgcolor": PAPER, "size": 7, "solidity": 0.3},
        },
        hovertemplate=f"<b>%{{y}}</b><br>{name}: %{{x:.3g}} %<extra></extra>",
    )


def _words(means: pd.DataFrame, worst: str, shown: int) -> tuple[str, str]:
    """The worst node and what to do about it."""
    advised = str(means.loc[worst, "advice"]).replace(worst, cut(worst))
    advice = f"Advice: {whole(advised)}." if advised else "Nothing to advise on it."
    others = [node for node in means.index[means["advice"] != ""] if node != worst]
    if others:
        advice += (
            f" Advice on {', '.join(map(brief, others[:6]))}{' and more' if len(others) > 6 else ''} is in the table."
        )
    some = f" The {shown} worst of {len(means)} nodes are shown." if shown < len(means) else ""
    return (
        f"{brief(worst)} errs most: by {amount(100 * means['relative_error'].max())} % of its activity",
        f"{advice}{some}",
    )
