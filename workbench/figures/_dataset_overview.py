"""Overview of a data set: some recordings as frames, recordings per class, event rates."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.analysis import count_classes, name_parts, summarise_recordings
from workbench.evaluation import choose_evenly
from workbench.events import Dataset, Recordings
from workbench.figures._figure import Figure
from workbench.figures._frames import full_strength, paint
from workbench.figures._registry import public
from workbench.figures._style import BLUE, GRID, ORANGE, dress
from workbench.figures._words import brief, whole

SHOWN = 4  # recordings, each of another class where there are so many
ACROSS = 8  # frames of each
MANY = 24  # classes up to which each is named
TILE_PX, NAME_PX = 72, 22


@public
def recordings(recordings: Recordings | Dataset) -> go.Figure:
    """Up to four recordings of different classes as strips of frames, and the number of recordings of every class.

    Of a Dataset its training part is shown, and both parts are counted.

    >>> from workbench import figures
    >>> counts = np.ones((4, 3, 2, 5, 5), dtype=int)  # (tick, recording, polarity, height, width)
    >>> figure = figures.recordings(Recordings.from_ticks(counts, labels=[0, 1, 1], ticks_per_frame=2))
    >>> figure.layout.meta["title"], figure.data[-1].x.tolist()
    ('Recordings: 3 recordings of 2 classes', [1, 2])
    """
    shown = next(iter(name_parts(recordings).values()))
    chosen = _choose(shown)
    frames = choose_evenly(shown.frames, ACROSS)
    figure = Figure().set_subplots(
        len(chosen),
        len(frames) + 1,
        specs=[[{}] * len(frames) + [{"rowspan": len(chosen)} if row == 0 else None] for row in range(len(chosen))],
        column_widths=[0.68 / len(frames)] * len(frames) + [0.32],
        horizontal_spacing=0.006,
        vertical_spacing=NAME_PX / (len(chosen) * (TILE_PX + NAME_PX)),
    )
    _draw_strips(figure, shown, chosen, frames)
    _draw_classes(figure, recordings, len(frames) + 1)
    return _dressed(figure, recordings, shown, len(chosen))


def _choose(recordings: Recordings) -> list[int]:
    """The first recording of each of up to four classes, evenly chosen among them."""
    present = np.unique(recordings.labels)
    labels = present[choose_evenly(len(present), SHOWN)]
    return [int(np.flatnonzero(recordings.labels == label)[0]) for label in labels]


def _draw_strips(figure: go.Figure, recordings: Recordings, chosen: list[int], frames: np.ndarray) -> None:
    corner = {"x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "showarrow": False, "font_size": 13}
    counts = recordings.as_frames(chosen)
    if counts.ndim != 5 or counts.shape[2] != 2:
        counts = np.stack([np.zeros((*counts.shape[:2], 1, 1))] * 2, axis=2)  # no image: blank tiles
    for row, index in enumerate(chosen):
        full = full_strength(counts[:, row])
        for column, frame in enumerate(frames):
            figure.add_trace(paint(int(frame), counts[frame, row], full), row=row + 1, col=column + 1)
            figure.update_xaxes(showticklabels=False, ticks="", mirror=True, row=row + 1, col=column + 1)
            figure.update_yaxes(showticklabels=False, ticks="", mirror=True, row=row + 1, col=column + 1)
            if row == len(chosen) - 1:
                figure.update_xaxes(
                    title={"text": str(frame), "standoff": 4, "font": {"size": 12.5}}, row=row + 1, col=column + 1
                )
        figure.add_annotation(
            **corner,
            text=brief(recordings.classes[recordings.labels[index]]),
            row=row + 1,
            col=1,
            xref="x domain",
            yref="y domain",
        )
    figure.update_xaxes(linecolor=GRID, showgrid=False).update_yaxes(linecolor=GRID, showgrid=False)


def _draw_classes(figure: go.Figure, recordings: Recordings | Dataset, column: int) -> None:
    parts = list(count_classes(recordings).groupby("part", sort=False))
    looks = ((BLUE, ""), (ORANGE, "/"))
    for (part, counts), (colour, pattern) in zip(parts, looks, strict=False):
        bar = go.Bar(
            name=part,
            x=counts["recordings"].to_numpy(),
            y=list(range(len(counts))),
            customdata=[whole(label) for label in counts["label"]],
            orientation="h",
            marker={"color": colour, "pattern": {"shape": pattern}},
            hovertemplate=f"<b>%{{customdata}}</b><br>%{{x}} {part}<extra></extra>",
            showlegend=len(parts) > 1,
        )
        figure.add_trace(bar, row=1, col=column)
    classes = recordings.classes
    every = -(-len(classes) // MANY)
    figure.update_yaxes(
        tickvals=list(range(0, len(classes), every)),
        ticktext=[brief(name, 14) for name in classes[::every]],
        range=[len(classes) - 0.5, -0.5],
        side="right",
        showline=False,
        ticks="",
        row=1,
        col=column,
    )
    most = max(int(max(bar.x)) for bar in figure.data[-len(parts) :])
    step = {"dtick": 1} if most < 6 else {}
    title = {"text": "recordings", "standoff": 4}
    figure.update_xaxes(title=title, showgrid=True, range=[0, 1.03 * most], domain=[0.71, 1], row=1, col=column, **step)
    figure.update_layout(barmode="group", bargap=0.25)


def _dressed(figure: go.Figure, of: Recordings | Dataset, shown: Recordings, rows: int) -> go.Figure:
    parts = summarise_recordings(of)
    alone, total = len(parts) == 1, int(parts["recordings"].sum())
    number = " + ".join(
        f"{row['recordings']:,} {'recordings' if alone else row['part']}" for row in parts.to_dict("records")
    )
    kind = "" if alone else " recordings"
    title = f"{brief(of.name.capitalize())}: {number}{kind} of {len(shown.classes)} classes"
    mean = parts["events"].sum() / total
    rate = mean / shown.window_us * 1000
    split = f" Split: {whole(of.split)}." if isinstance(of, Dataset) else ""
    words = (
        f"{shown.frames} frames of {shown.ticks_per_frame} ticks over {shown.window_us / 1000:g} ms; "
        f"{mean:,.0f} events each ({parts['min_events'].min():,} to {parts['max_events'].max():,}), "
        f"{rate:,.1f} per ms.{split} "
        "Events OFF blue, ON vermilion."
    )
    figure.update_layout(margin={"t": 110, "l": 24, "r": 20, "b": 56})
    height_px = max((TILE_PX + NAME_PX) * rows, 14 * min(len(shown.classes), MANY), 120)
    return dress(figure, title, words, f"{title}. {words}", 170 + height_px, stack=[0.695])
