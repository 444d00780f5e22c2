"""Operations of every edge up to a step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.evaluation import amount, moment, total_by_edge
from workbench.figures._figure import Figure
from workbench.figures._operations import KINDS
from workbench.figures._registry import public
from workbench.figures._style import BLUE, GREEN, ORANGE, dress, empty, keep_finite, require_columns
from workbench.figures._words import brief, whole

LOOKS = {"synaptic_operations": (BLUE, ""), "effective_macs": (GREEN, "/"), "dense_macs": (ORANGE, "x")}
MEMORY = {"memory_accesses": "accesses of memory", "delay_buffer_bytes": "bytes of delay buffer"}
SHOWN = 30  # edges drawn: those with most operations


@public
def operations_by_edge(counts: pd.DataFrame, step: int | None = None) -> go.Figure:
    """Operations of every edge per recording, summed from the beginning to the end of a step (the last, unless given).

    `counts` is the table of `wb.operations`. Of more than 30 edges the 30 with most are drawn. ValueError for a table
    without its columns or a step that is not in it.

    >>> from workbench import figures
    >>> row = {"edge": 0, "source": "eye", "target": "v1", "delay": 1, "step": 0, "frame": 1.0, "delay_mismatch": 0.0}
    >>> counts = pd.DataFrame([row | {"dense_macs": 900.0, "effective_macs": 100.0, "synaptic_operations": 0.0}])
    >>> figures.operations_by_edge(counts).data[0].y.tolist()
    ['eye → v1']
    """
    columns = ("edge", "source", "target", "delay", "step", "frame", "delay_mismatch", *KINDS)
    require_columns(counts, columns, "operations_by_edge", "wb.operations")
    counts = keep_finite(counts, ["step", *KINDS])
    if counts.empty:
        return empty("Operations by edge", "nothing has been counted yet")
    try:
        rows = total_by_edge(counts, step)
    except ValueError as error:
        raise ValueError(f"figures.operations_by_edge: {error}") from None
    rows = rows.assign(name=_names(rows, whole), brief=_names(rows, brief))
    largest = rows.nlargest(SHOWN, "operations").sort_values("edge", ascending=False)
    figure = Figure()
    for kind, (colour, pattern) in LOOKS.items():
        if (rows[kind] > 0).any():
            figure.add_trace(_bars(largest, kind, colour, pattern))
    when = moment(float(rows["frame"].iloc[0]), float(counts["step"].max() if step is None else step))
    if not figure.data:
        return empty("Operations by edge", f"nothing has arrived anywhere up to the end of {when}")
    figure.update_xaxes(title_text=f"operations per recording up to {when}", rangemode="tozero", tickformat="~s")
    ticks = {"tickvals": largest["name"].tolist(), "ticktext": largest["brief"].tolist()}
    figure.update_yaxes(title_text="edge", showgrid=False, ticks="", type="category", **ticks)
    figure.update_layout(barmode="group", legend={"traceorder": "reversed"})
    title, words = _words(rows, largest)
    height_px = 190 + 26 * len(largest) * max(1, len(figure.data) - 1) + 30
    return dress(figure, title, words, f"Operations of every edge up to {when}. {title}. {words}", height_px)


def _names(rows: pd.DataFrame, spell: Callable[[str], str]) -> list[str]:
    """Edges by their ends; of parallel ones the delay as well."""
    ends = [f"{spell(source)} → {spell(target)}" for source, target in zip(rows["source"], rows["target"], strict=True)]
    parallel = {name for name in ends if ends.count(name) > 1}
    return [f"{n}, delay {d}" if n in parallel else n for n, d in zip(ends, rows["delay"], strict=True)]


def _bars(rows: pd.DataFrame, kind: str, colour: str, pattern: str) -> go.Bar:
    name = KINDS[kind][0]
    return go.Bar(
        name=name,
        x=rows[kind].to_numpy(np.float32),
        y=rows["name"].to_numpy(),
        customdata=rows[["delay", "delay_mismatch", *rows.columns.intersection(list(MEMORY))]].to_numpy(),
        orientation="h",
        marker={"color": colour, "pattern": {"shape": pattern}},
        hovertemplate=f"<b>%{{y}}</b><br>%{{x:.4~s}} {name}<br>delay %{{customdata[0]}} steps, "
        f"%{{customdata[1]:+.3~g}} frames against training{_describe_memory(rows)}<extra></extra>",
    )


def _describe_memory(rows: pd.DataFrame) -> str:
    """Lines of the hover text on memory, for the columns that the table has."""
    known = [MEMORY[column] for column in rows.columns.intersection(list(MEMORY))]
    return "".join(f"<br>%{{customdata[{index}]:.3~s}} {words}" for index, words in enumerate(known, start=2))


def _words(rows: pd.DataFrame, largest: pd.DataFrame) -> tuple[str, str]:
    first = rows.nlargest(1, "operations").iloc[0]
    whole = float(rows["operations"].sum())
    title = f"{first['brief']} takes most: {amount(first['operations'])} of {amount(whole)} operations"
    some = f" Of {len(rows)} edges the {len(largest)} with most are shown." if len(largest) < len(rows) else ""
    wrong = rows[rows["delay_mismatch"] != 0]
    worst = wrong["delay_mismatch"].abs().max()
    delays = "Every delay is that of the training."
    if len(wrong):
        delays = f"{len(wrong)} of {len(rows)} delays differ from the training, by up to {worst:.3g} frames."
    return title, f"Spikes cost one addition at each synapse they reach. {delays}{some}"
