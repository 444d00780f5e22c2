"""Why a conversion loses accuracy: each node's error, divided among its causes."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from workbench.analysis import CAUSES, summarise_causes
from workbench.figures._figure import Figure
from workbench.figures._registry import public
from workbench.figures._style import COLOURS, GRID, INK, PAPER, dress, empty, keep_finite, require_columns
from workbench.figures._words import brief, name_ticks, whole

PATTERNS = ("", "/", "x", ".", "-", "\\", "+")
MEANING = {
    "quantisation": "an activity is a whole number of spikes",
    "saturation": "the neuron fires at its highest rate",
    "sources": "errors of the source nodes",
    "delays": "spikes arrive in another frame than in training",
    "carry": "the membrane left over from the previous frame",
    "unevenness": "the order of arrivals within a frame",
    "floor": "the membrane is held at its floor",
}
SHOWN = 12  # nodes drawn: the worst


@public
def causes(table: pd.DataFrame) -> go.Figure:
    """Error of every node (% of its mean ANN activity), divided among its causes; what cancels lies left of zero.

    `table` is what `wb.diagnose` returns; bars are means over the frames in which the node answers and add up to its
    relative error. Of more than 12 nodes the 12 worst are drawn. ValueError for a table without these columns.

    >>> from workbench import figures
    >>> row = {"node": "v1", "frame": 1, "relative_error": 0.2, "error": 0.1, "quantisation": 0.08, "unevenness": 0.02}
    >>> rest = dict.fromkeys(["saturation", "sources", "delays", "carry", "floor"], 0.0)
    >>> figures.causes(pd.DataFrame([row | rest])).layout.meta["title"]
    'v1 errs by 20 % of its activity, most of it by quantisation'
    """
    require_columns(table, ("node", "frame", "relative_error", "error", *CAUSES), "causes", "wb.diagnose")
    answered = keep_finite(table, ("frame", "relative_error", "error", *CAUSES), ("node",))
    nodes = summarise_causes(answered).set_index("node")
    if nodes.empty:
        return empty("Causes of errors", "there is no error to divide")
    parts, errors = nodes[list(CAUSES)] * 100, nodes["relative_error"] * 100
    worst = errors.nlargest(SHOWN)
    parts = parts.loc[[node for node in parts.index if node in worst.index]].iloc[::-1]
    figure = Figure([_bars(parts[cause], index) for index, cause in enumerate(CAUSES)])
    figure.update_xaxes(title_text="error (% of mean ANN activity)", zeroline=True, zerolinecolor=INK, gridcolor=GRID)
    figure.update_yaxes(title_text="node", showgrid=False, ticks="", type="category", **name_ticks(parts.index))
    figure.update_layout(barmode="relative", bargap=0.35, legend={"traceorder": "normal"})
    first = str(worst.index[0])
    cause = str(nodes.loc[first, "largest_cause"])
    title = f"{brief(first)} errs by {worst.iloc[0]:.3g} % of its activity, most of it by {cause}"
    some = f" The {len(worst)} worst of {len(errors)} nodes are shown." if len(worst) < len(errors) else ""
    subtitle = f"{cause.capitalize()}: {MEANING[cause]}.{some}"
    return dress(figure, title, subtitle, f"Causes of every node's error. {title}. {subtitle}", 240 + 40 * len(parts))


def _bars(shares: pd.Series, index: int) -> go.Bar:
    cause = CAUSES[index]
    colour = (*COLOURS, PAPER)[index]
    return go.Bar(
        name=cause,
        orientation="h",
        y=list(map(whole, shares.index)),
        x=shares.to_numpy(),
        marker={
            "color": colour,
            "line": {"color": INK, "width": 0.6},
            "pattern": {"shape": PATTERNS[index], "bgcolor": colour, "fgcolor": INK, "size": 7, "solidity": 0.15},
        },
        hovertemplate=f"<b>%{{y}}</b><br>{cause}: %{{x:.3g}} %<br>{MEANING[cause]}<extra></extra>",
    )
