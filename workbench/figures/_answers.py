"""What every recording is answered as, frame by frame."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from workbench.evaluation import choose_evenly, find_per, share
from workbench.figures._figure import Figure
from workbench.figures._registry import public
from workbench.figures._style import BLUE, INK, PAPER, VERMILION, dress, empty, require_columns

LINES = 400  # recordings drawn
MARKED = 40  # recordings up to which a wrong answer has a cross as well
COSTS = {"dense_macs": "dense MACs", "effective_macs": "effective MACs", "synaptic_operations": "synaptic operations"}


@public
def answers(rows: pd.DataFrame) -> go.Figure:
    """Every recording as a line of cells, a frame each: blue where it is answered rightly, vermilion where not.

    `rows` is the table of `wb.evaluate` with `rows=True`. A cell is the stronger the surer the answer, blank before the
    first response. Lines are sorted by class, in it those first that are right in most frames; of more than 400
    recordings 400 are drawn. ValueError for a table without its columns.

    >>> from workbench import figures
    >>> told = {"answer after 1": ["", ""], "confidence after 1": np.nan, "answer after 2": "a"}
    >>> rows = pd.DataFrame({"recording": [0, 1], "label": ["a", "b"], **told, "confidence after 2": [0.9, 0.6]})
    >>> figures.answers(rows).data[0].z.tolist()
    [[nan, 90.0], [nan, -60.0]]
    """
    require_columns(rows, ("recording", "label"), "answers", "wb.evaluate with rows=True")
    frames = sorted(int(found[1]) for name in rows.columns if (found := re.fullmatch(r"answer after (\d+)", str(name))))
    needed = [f"confidence after {frame}" for frame in frames] or ["answer after 1", "confidence after 1"]
    require_columns(rows, needed, "answers", "wb.evaluate with rows=True")
    table = rows[rows["label"].notna()].reset_index(drop=True)
    answered, sure = _stack(table, frames)
    if not len(table) or not np.isfinite(sure).any():
        return empty("Answers", "no recording has been answered yet")
    right = answered == table["label"].astype(str).to_numpy()[:, None]
    signed = np.where(right, sure, -sure)
    order = _sort(table, right & np.isfinite(sure))
    shown = order[choose_evenly(len(order), LINES)]
    figure = Figure(_cells(table.loc[shown], frames, answered[shown], signed[shown]))
    if len(shown) <= MARKED:
        figure.add_trace(_crosses(frames, signed[shown]))
    _set_axes(figure, table.loc[shown, "label"].astype(str).tolist(), frames)
    title, words = _words(table, frames, right, sure, len(shown))
    height_px = 220 + max(120, min(680, 18 * len(shown)))
    return dress(figure, title, words, f"Answers of every recording over time. {title}. {words}", height_px)


def _stack(table: pd.DataFrame, frames: list[int]) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """Classes answered and confidences (%), (recordings, frames); no confidence where nothing is answered."""
    answered = np.stack([table[f"answer after {frame}"].fillna("").astype(str) for frame in frames], 1)
    columns = [pd.to_numeric(table[f"confidence after {frame}"], errors="coerce") for frame in frames]
    sure = 100 * np.stack([column.to_numpy(dtype=float) for column in columns], 1)
    return answered, np.where((answered != "") & np.isfinite(sure), sure, np.nan)


def _sort(table: pd.DataFrame, right: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Class by class as they come, in each those first that are right most often."""
    codes = pd.factorize(table["label"])[0]
    return np.lexsort((-right.sum(1), codes))


def _cells(
    table: pd.DataFrame, frames: list[int], answered: NDArray[np.object_], signed: NDArray[np.float64]
) -> go.Heatmap:
    about = [_tell(row) for row in table.to_dict("records")]
    said = np.where(signed > 0, "right", "wrong")
    hovered = np.stack([np.repeat(np.array(about, dtype=object)[:, None], len(frames), 1), answered, said], 2)
    return go.Heatmap(
        x=frames,
        y=np.arange(len(table)),
        z=signed,
        zmin=-100,
        zmax=100,
        colorscale=[(0, VERMILION), (0.5, PAPER), (1, BLUE)],
        customdata=hovered,
        xgap=1,
        ygap=1 if len(table) <= MARKED else 0,
        hoverongaps=False,
        colorbar={
            "title": {"text": "confidence (%)", "side": "right"},
            "tickvals": [-100, -50, 0, 50, 100],
            "ticktext": ["100, wrong", "50", "0", "50", "100, right"],
            "thickness": 14,
            "outlinewidth": 0,
        },
        hovertemplate="<b>%{customdata[0]}<br>after frame %{x}: %{customdata[1]}, %{customdata[2]}, "
        "signed confidence %{z:.1f} %<extra></extra>",
    )


def _tell(row: dict[Any, Any]) -> str:
    """All that is known of a recording, as lines of hover text that follow "<b>"."""
    origin = f", origin {row['origin']}" if "origin" in row else ""
    lines = [f"recording {row['recording']}</b>{origin}", f"true class {row['label']}"]
    counts = {words: row[column] for column, words in COSTS.items() if isinstance(row.get(column), float | int)}
    return "<br>".join([*lines, *(f"{count:,.0f} {words}" for words, count in counts.items() if count > 0)])


def _crosses(frames: list[int], signed: NDArray[np.float64]) -> go.Scatter:
    """A cross on every wrong answer, for whom colours say little."""
    line, frame = np.nonzero(signed < 0)
    return go.Scatter(
        name="wrong",
        x=np.asarray(frames)[frame],
        y=line,
        mode="markers",
        marker={"symbol": "x-thin", "size": 7, "line": {"width": 1.6, "color": INK}},
        hoverinfo="skip",
        showlegend=False,
    )


def _set_axes(figure: go.Figure, labels: list[str], frames: list[int]) -> None:
    """Classes named beside their lines, and a line between each and the next."""
    begins = [place for place, label in enumerate(labels) if place == 0 or label != labels[place - 1]]
    ends = [*begins[1:], len(labels)]
    every = -(-len(begins) // MARKED)
    named = list(zip(begins, ends, strict=True))[::every]
    figure.update_yaxes(
        tickvals=[(begin + end - 1) / 2 for begin, end in named],
        ticktext=[labels[begin] if len(labels[begin]) <= 24 else f"{labels[begin][:23]}…" for begin, _ in named],
        range=[len(labels) - 0.5, -0.5],
        title_text="true class",
        showgrid=False,
    )
    for begin in begins[1:] if len(begins) <= MARKED else []:
        figure.add_hline(begin - 0.5, line={"color": INK, "width": 1})
    step = -(-len(frames) // 16)
    figure.update_xaxes(title_text="frame", tickvals=frames[::step], showgrid=False)


def _words(
    table: pd.DataFrame, frames: list[int], right: NDArray[np.bool_], sure: NDArray[np.float64], shown: int
) -> tuple[str, str]:
    """How many are right in the end; how many at first, what colours mean, and what is not shown."""
    known = np.isfinite(sure)
    first = int(np.flatnonzero(known.any(0))[0])
    unit, whole = f"{find_per(table)}s", len(table)
    title = f"{(right & known)[:, -1].sum():,} of {whole:,} {unit} are answered rightly in the end"
    at_first = (right & known)[:, first].sum() / max(1, known[:, first].sum())
    words = "Blue: right, vermilion: wrong, the stronger the surer. "
    words += f"After frame {frames[first]}, {share(at_first)} are right."
    return title, words + (f" {shown:,} of {whole:,} {unit} are shown." if shown < whole else "")
