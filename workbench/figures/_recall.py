"""How much of every class is recognised."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.evaluation import share
from workbench.figures._figure import Figure
from workbench.figures._registry import public
from workbench.figures._style import BLUE, dress, empty, keep_finite, require_columns
from workbench.figures._words import brief, whole

WRONG = "most frequent wrong answer"
BAR_PX, MANY = 26, 40  # height of a class, and how many have so much; of more the bars are thinner


@public
def recall(table: pd.DataFrame) -> go.Figure:
    """Share of the recordings of every class that is answered correctly (%), with their numbers, as a bar per class.

    `table` is that of `wb.tabulate_recall`; the title says which class is recognised least. ValueError for a table
    without its columns.

    >>> from workbench import figures
    >>> cells = {"class": ["a", "b"], "recordings": 4, "recall": [0.75, 1.0]}
    >>> figure = figures.recall(pd.DataFrame(cells | {"most frequent wrong answer": ["b", ""]}))
    >>> figure.data[0].x.tolist(), figure.layout.meta["title"]
    ([75.0, 100.0], 'a is recognised least: 75.0 %, and else mostly taken for b')
    """
    require_columns(table, ("class", "recordings", "recall", WRONG), "recall", "wb.tabulate_recall")
    rows = keep_finite(table, ("recordings", "recall"), ("class",))
    if rows.empty:
        return empty("Recall", "no recording has been answered yet")
    correct = (rows["recall"] * rows["recordings"]).round().astype(int)
    all_of, wrong = rows["recordings"].astype(int), rows[WRONG].fillna("").astype(str)
    counts = [f"{some:,} of {all_:,}" for some, all_ in zip(correct, all_of, strict=True)]
    taken = [f"<br>else mostly taken for {whole(name)}" if name else "" for name in wrong]
    names = rows["class"].tolist()
    bars = go.Bar(
        x=100 * rows["recall"].to_numpy(),
        y=np.arange(len(rows)),
        orientation="h",
        marker={"color": BLUE},
        text=counts if len(rows) <= MANY else None,
        textposition="outside",
        customdata=list(zip(map(whole, names), counts, taken, strict=True)),
        hovertemplate="<b>%{customdata[0]}</b><br>recall %{x:.1f} %: %{customdata[1]}%{customdata[2]}<extra></extra>",
    )
    figure = Figure(bars)
    every = -(-len(names) // MANY)
    figure.update_yaxes(
        tickvals=list(range(0, len(names), every)),
        ticktext=[brief(name) for name in names[::every]],
        range=[len(names) - 0.4, -0.6],
        title_text="true class",
    )
    figure.update_xaxes(title_text="recall (% of a class)", range=[0, 118], tickvals=list(range(0, 101, 20)))
    title, words = _words(rows.assign(**{WRONG: wrong}), int(correct.sum()), int(all_of.sum()))
    height_px = 190 + max(3, min(len(rows), MANY)) * BAR_PX
    return dress(figure, title, words, f"Recall of every class. {title}. {words}", height_px)


def _words(rows: pd.DataFrame, correct: int, all_of: int) -> tuple[str, str]:
    """The class that is recognised least; and how many are correct of all."""
    worst = rows.nsmallest(1, "recall").iloc[0]
    words = (
        f"In the end {correct:,} of {all_of:,} are answered correctly, {share(correct / max(1, all_of))}; the mean "
        f"over classes is {share(float(rows['recall'].mean()))}."
    )
    if worst["recall"] == 1:
        return "Every class is always recognised", words
    taken = f", and else mostly taken for {brief(worst[WRONG])}" if worst[WRONG] else ""
    return f"{brief(worst['class'])} is recognised least: {share(worst['recall'])}{taken}", words
