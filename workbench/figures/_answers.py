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
from workbench.figures._words import brief, whole

LINES = 400  # recordings drawn
MARKED = 40  # recordings up to which a wrong answer has a cross as well
COSTS = {"dense_macs": "dense MACs", "effective_macs": "effective MACs", "synaptic_operations": "synaptic operations"}


@public
def answers(rows: pd.DataFrame) -> go.Figure:
    """Every recording as a line of cells, a frame each: blue where the answer is correct, vermilion where wrong.

    `rows` is the table of `wb.evaluate` with `rows=True`. A cell is the stronger the surer the answer, blank before the
    first response. Lines are sorted by class, in it those first that are correct in most frames; of more than 400
    recordings 400 are drawn. ValueError for a table without its columns.

    >>> from workbench import figures
    >>> told = {"answer in frame 0": ["", ""], "confidence in frame 0": np.nan, "answer in frame 1": "a"}
    >>> rows = pd.DataFrame({"recording": [0, 1], "label": ["a", "b"], **told, "confidence in frame 1": [0.9, 0.6]})
    >>> figures.answers(rows).data[0].z.tolist()
    [[nan, 90.0], [nan, -60.0]]
    """
    require_columns(rows, ("recording", "label"), "answers", "wb.evaluate with rows=True")
    frames = sorted(
        int(found[1]) for name in rows.columns if (found := re.fullmatch(r"answer in frame (\d+)", str(name)))
    )
    needed = [f"confidence in frame {frame}" for frame in frames] or ["answer in frame 0", "confidence in frame 0"]
    require_columns(rows, needed, "answers", "wb.evaluate with rows=True")
    table = rows[rows["label"].notna()].reset_index(drop=True)
    answered, sure = _stack(table, frames)
    if not len(table) or not np.isfinite(sure).any():
        return empty("Answers", "no recording has been answered yet")
    correct = answered == table["label"].astype(str).to_numpy()[:, None]
    signed = np.where(correct, sure, -sure)
    order = _sort(table, correct & np.isfinite(sure))
    shown = order[choose_evenly(len(order), LINES)]
    figure = Figure(_cells(table.loc[shown], frames, answered[shown], signed[shown]))
    if len(shown) <= MARKED:
        figure.add_trace(_crosses(frames, signed[shown]))
    _set_axes(figure, table.loc[shown, "label"].astype(str).tolist(), frames)
    title, words = _words(table, frames, correct, sure, len(shown))
    height_px = 220 + max(120, min(680, 18 * len(shown)))
    return dress(figure, title, words, f"Answers of every recording over time. {title}. {words}", height_px)


def _stack(table: pd.DataFrame, frames: list[int]) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """Classes answered and confidences (%), (recordings, frames); no confidence where nothing is answered."""
    answered = np.stack([table[f"answer in frame {frame}"].fillna("").astype(str) for frame in frames], 1)
    columns = [pd.to_numeric(table[f"confidence in frame {frame}"], errors="coerce") for frame in frames]
    sure = 100 * np.stack([column.to_numpy(dtype=float) for column in columns], 1)
    return answered, np.where((answered != "") & np.isfinite(sure), sure, np.nan)


def _sort(table: pd.DataFrame, correct: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Class by class as they come, in each those first that are correct most often."""
    codes = pd.factorize(table["label"])[0]
    return np.lexsort((-correct.sum(1), codes))


def _cells(
    table: pd.DataFrame, frames: list[int], answered: NDArray[np.object_], signed: NDArray[np.float64]
) -> go.Heatmap:
    about = [_tell(row) for row in table.to_dict("records")]
    said = np.where(signed > 0, "correct", "wrong")
    named = np.array([[whole(name) for name in row] for row in answered], dtype=object).reshape(answered.shape)
    hovered = np.stack([np.repeat(np.array(about, dtype=object)[:, None], len(frames), 1), named, said], 2)
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
            "ticktext": ["100, wrong", "50", "0", "50", "100, correct"],
            "thickness": 14,
            "outlinewidth": 0,
        },
        hovertemplate="<b>%{customdata[0]}<br>in frame %{x}: %{customdata[1]}, %{customdata[2]}, "
        "signed confidence %{z:.1f} %<extra></extra>",
    )


def _tell(row: dict[Any, Any]) -> str:
    """All that is known of a recording, as lines of hover text that follow "<b>"."""
    origin = f", origin {whole(row['origin'])}" if "origin" in row else ""
    lines = [f"recording {row['recording']}</b>{origin}", f"true class {whole(row['label'])}"]
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
        ticktext=[brief(labels[begin]) for begin, _ in named],
        range=[len(labels) - 0.5, -0.5],
        title_text="true class",
        showgrid=False,
    )
    for begin in begins[1:] if len(begins) <= MARKED else []:
        figure.add_hline(begin - 0.5, line={"color": INK, "width": 1})
    step = -(-len(frames) // 16)
    figure.update_xaxes(title_text="frame", tickvals=frames[::step], showgrid=False)


def _words(
    table: pd.DataFrame, frames: list[int], correct: NDArray[np.bool_], sure: NDArray[np.float64], shown: int
) -> tuple[str, str]:
    """How many are correct in the end; how many at first, what colours mean, and what is not shown."""
    known = np.isfinite(sure)
    first = int(np.flatnonzero(known.any(0))[0])
    unit, every = f"{find_per(table)}s", len(table)
    title = f"{(correct & known)[:, -1].sum():,} of {every:,} {unit} are answered correctly in the end"
    at_first = (correct & known)[:, first].sum() / max(1, known[:, first].sum())
    words = "Blue: correct, vermilion: wrong, the stronger the surer. "
    words += f"In frame {frames[first]}, {share(at_first)} are correct."
    return title, words + (f" {shown:,} of {every:,} {unit} are shown." if shown < every else "")
