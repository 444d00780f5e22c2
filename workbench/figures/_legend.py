"""The legend of every figure: below it, where it covers no data, in as many rows as its entries need."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from workbench.figures._browser import WIDTH_PX
from workbench.figures._words import read_words

MARK_PX, LETTER_PX, ROW_PX = 44, 7.2, 22  # of an entry: its mark, a letter of its name, its height; as in fit.js
AXIS_PX, BELOW_PX = 58, 8  # from the plot down to the legend: ticks and title of an axis, or nothing
USUAL_ITEM_PX = 30
LISTED = ("scatter", "scattergl", "bar")


def place_legend(figure: go.Figure, height_px: float, left_px: float, right_px: float, top_px: float) -> float:
    """Put the legend below; returns the height of the figure with it. Without entries nothing changes."""
    letters = count_letters(figure)
    if not letters:
        return height_px
    bottom_px = figure.layout.margin.b if figure.layout.margin.b is not None else AXIS_PX + 2
    inside_px = height_px - top_px - bottom_px
    from_plot_px = BELOW_PX if figure.layout.xaxis.visible is False else AXIS_PX
    needed_px = from_plot_px + ROW_PX * count_rows(letters, WIDTH_PX - left_px - right_px) + BELOW_PX
    figure.update_layout(
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": -from_plot_px / inside_px, "yanchor": "top"},
        margin={"b": max(bottom_px, needed_px)},
    )
    return height_px + max(0, needed_px - bottom_px)


def count_letters(figure: go.Figure) -> list[int]:
    """Letters of every entry of the legend; none where plotly shows no legend.

    >>> count_letters(go.Figure([go.Scatter(name="ANN"), go.Scatter(name="an SNN"), go.Scatter(showlegend=False)]))
    [3, 6]
    """
    listed = [trace for trace in figure.data if trace.type in LISTED and trace.showlegend is not False]
    said = figure.layout.showlegend or any(trace.showlegend for trace in listed)
    if figure.layout.showlegend is False or (len(listed) < 2 and not said):
        return []
    wider = math.ceil(((figure.layout.legend.itemwidth or USUAL_ITEM_PX) - USUAL_ITEM_PX) / LETTER_PX)
    return [len(read_words(trace.name or "trace")) + wider for trace in listed]


def count_rows(letters: Sequence[int], width_px: float) -> int:
    """Rows that plotly needs for entries of so many letters: one, or columns as wide as the widest.

    >>> count_rows([3, 6], 800), count_rows([20, 20, 20, 20], 400)
    (1, 2)
    """
    sizes = [MARK_PX + LETTER_PX * count for count in letters]
    if sum(sizes) <= width_px:
        return 1
    return math.ceil(len(sizes) / max(1, int(width_px // max(sizes))))
