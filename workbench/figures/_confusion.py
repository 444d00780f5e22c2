"""Which class is taken for which, from the first response to the end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from workbench.evaluation import choose_evenly, moment, rank_confusions, share, share_confusions, track_accuracy
from workbench.figures._browser import WIDTH_PX
from workbench.figures._figure import Figure
from workbench.figures._registry import public
from workbench.figures._style import INK, PAPER, SEQUENCE, dress, empty, keep_finite, require_columns
from workbench.figures._words import brief, whole

PANELS, ACROSS = 6, 3
NUMBER_PX, TICK_PX = 23, 22  # a cell so wide holds a number, ticks so far apart do not touch
MANY = 30  # classes up to which every cell is outlined and named


@public
def confusion_over_time(confusions: pd.DataFrame, frame: float | None = None) -> go.Figure:
    """Confusion matrices at up to six steps from the first response to the end: rows true class, columns answered.

    `confusions` is the table of `wb.count_confusions`; `frame`, a time, asks for the last step that has ended by then
    instead. Cells hold the share of their row (%), numbers only where there is room. ValueError for a frame before the
    first response or a table without these columns.

    >>> from workbench import figures
    >>> cells = {"label": list("aabb"), "answer": list("abab"), "recordings": [3, 1, 0, 4]}
    >>> figures.confusion_over_time(pd.DataFrame({"step": 0, "frame": 1.0, **cells})).layout.meta["title"]
    'a and b are confused most: in 12.5 % of their recordings in frame 0, and so it ends'
    """
    columns = ("step", "frame", "label", "answer", "recordings")
    require_columns(confusions, columns, "confusion_over_time", "wb.count_confusions")
    table = keep_finite(confusions, ("step", "frame", "recordings"), ("label", "answer"))
    if not (table["recordings"] > 0).any():
        return empty("Confusions", "no recording has been answered yet")
    classes = pd.unique(table["label"]).tolist()
    table = _complete(table, classes)
    frames = table["frame"].unique()
    cells = share_confusions(table)
    counts = cells["recordings"].to_numpy().reshape(len(frames), len(classes), len(classes))
    percent = 100 * counts / cells["class_recordings"].where(cells["share"].notna()).to_numpy().reshape(counts.shape)
    shown = _choose(frames, frame)
    across = min(ACROSS, len(shown))
    rows = -(-len(shown) // across)
    steps = table.groupby("frame")["step"].first().to_numpy()
    titles = [moment(frames[step], steps[step]) for step in shown]
    panel_px = 620 if len(shown) == 1 else (WIDTH_PX - 190) / across
    inside_px = rows * panel_px + (rows - 1) * 60
    figure = Figure().set_subplots(
        rows, across, subplot_titles=titles, horizontal_spacing=0.03, vertical_spacing=60 / inside_px if rows > 1 else 0
    )
    for index, step in enumerate(shown):
        traces = _matrix(counts[step], percent[step], classes, titles[index], panel_px), _outline(len(classes))
        figure.add_traces(traces, rows=index // across + 1, cols=index % across + 1)
    _set_axes(figure, classes, panel_px, len(shown), across)
    figure.update_annotations(font_size=14)
    figure.update_layout(coloraxis=_scale(), showlegend=False, margin={"t": 120, "l": 90})
    title, subtitle = _words(table, frames[-1])
    stack = [column / across for column in range(1, across)]
    alt = f"Confusion matrices. {title}. {subtitle}"
    return dress(figure, title, subtitle, alt, round(200 + inside_px), stack, rows=rows)


def _complete(table: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """A row for every step, true class and class answered, in this order: a cell that is missing has no recordings."""
    table = table[table["answer"].isin(classes)]
    steps = table.groupby("frame")["step"].first()
    cells = pd.MultiIndex.from_product([steps.index, classes, classes], names=["frame", "label", "answer"])
    counts = table.groupby(["frame", "label", "answer"])["recordings"].sum().reindex(cells, fill_value=0.0)
    complete = counts.reset_index()
    return complete.assign(step=complete["frame"].map(steps))


def _choose(frames: NDArray[np.float64], frame: float | None) -> list[int]:
    if frame is None:
        return [int(step) for step in choose_evenly(len(frames), PANELS)]
    if not frames[0] - 1e-9 <= frame:
        raise ValueError(
            f"figures.confusion_over_time: frame={frame!r} lies before the first response; choose a time from "
            f"{frames[0]:g} to {frames[-1]:g} frames"
        )
    return [int(np.searchsorted(frames, frame + 1e-9)) - 1]


def _matrix(
    counts: NDArray[np.float64], percent: NDArray[np.float64], classes: list[str], when: str, panel_px: float
) -> go.Heatmap:
    readable = panel_px / len(classes) >= NUMBER_PX
    names = np.array([whole(name) for name in classes], dtype=object)
    hovered = np.stack([*np.broadcast_arrays(names[:, None], names[None, :]), counts.astype(int)], axis=2)
    return go.Heatmap(
        name=when,
        z=percent.astype(np.float32),
        text=[[f"{cell:.0f}" if cell >= 0.5 else "" for cell in row] for row in percent] if readable else None,
        texttemplate="%{text}" if readable else None,
        textfont={"size": 11 if panel_px < 400 else 14},
        customdata=hovered if len(classes) <= MANY else None,
        coloraxis="coloraxis",
        hovertemplate=f"<b>{when}</b><br>true %{{customdata[0]}}, answered %{{customdata[1]}}<br>"
        "%{customdata[2]} recordings, %{z:.1f} % of the class<extra></extra>"
        if len(classes) <= MANY
        else f"<b>{when}</b><br>true class number %{{y}}, answered %{{x}}<br>%{{z:.1f}} % of the class<extra></extra>",
    )


def _outline(classes: int) -> go.Scatter:
    """A line around every cell of the diagonal; around all of it where the cells are small."""
    last = classes - 0.5
    corners = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5), (np.nan, np.nan)])
    around = [(-0.5, -0.5), (0.5, -0.5), (last, last - 1), (last, last), (last - 1, last), (-0.5, 0.5), (-0.5, -0.5)]
    cells = (np.arange(classes)[:, None, None] + corners).reshape(-1, 2)
    path = (cells if classes <= MANY else np.array(around)).astype(np.float32)
    line = {"color": INK, "width": 1.4 if classes <= MANY else 0.8}
    return go.Scatter(x=path[:, 0], y=path[:, 1], mode="lines", line=line, hoverinfo="skip", showlegend=False)


def _set_axes(figure: go.Figure, classes: list[str], panel_px: float, panels: int, across: int) -> None:
    """The same classes on every axis, named at the left and below only, and not all of them where they are many."""
    every = -(-len(classes) * TICK_PX // round(panel_px))
    ticks = list(range(0, len(classes), every))
    names = [brief(classes[tick], 12) for tick in ticks]
    common: dict[str, Any] = {"tickvals": ticks, "ticktext": names, "showgrid": False, "tickfont": {"size": 11.5}}
    figure.update_xaxes(**common, range=[-0.5, len(classes) - 0.5], constrain="domain", showticklabels=False, ticks="")
    figure.update_yaxes(**common, range=[len(classes) - 0.5, -0.5], constrain="domain", showticklabels=False, ticks="")
    for index in range(panels):
        row, column = index // across + 1, index % across + 1
        figure.update_xaxes(scaleanchor=f"y{index + 1}" if index else "y", row=row, col=column)
        if column == 1:
            figure.update_yaxes(showticklabels=True, ticks="outside", title_text="true class", row=row, col=column)
        if index + across >= panels:
            figure.update_xaxes(showticklabels=True, ticks="outside", title_text="answered", row=row, col=column)


def _scale() -> dict[str, Any]:
    colours = list(zip((0, 0.04, 0.2, 0.45, 0.7, 1), (PAPER, *SEQUENCE), strict=True))  # few per cent are to be seen
    bar = {"title": {"text": "% of class", "side": "right"}, "thickness": 14, "outlinewidth": 0}
    return {"cmin": 0, "cmax": 100, "colorscale": colours, "colorbar": bar}


def _words(table: pd.DataFrame, end: float) -> tuple[str, str]:
    """The two classes most confused, when, and how it ends; and the accuracy at first and in the end."""
    accuracy = track_accuracy(table)["accuracy"]
    subtitle = (
        f"Share of every true class (rows) answered as each class (columns), diagonal: correct. Accuracy "
        f"{share(accuracy.iloc[0])} at the first response, {share(accuracy.iloc[-1])} at the end."
    )
    pairs = rank_confusions(table)
    if pairs.empty:
        return "No class is taken for another", subtitle
    most = pairs.iloc[0]
    percent = 100 * most["confused"] / most["recordings"]
    at_end = f", in {100 * most['end_confused'] / most['end_recordings']:.3g} % at the end"
    return (
        f"{brief(most['label'])} and {brief(most['other'])} are confused most: in {percent:.3g} % of their recordings "
        f"in {moment(most['frame'], most['step'])}{at_end if most['frame'] < end else ', and so it ends'}",
        subtitle,
    )
