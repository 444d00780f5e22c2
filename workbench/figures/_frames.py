"""The frames of one recording, side by side, as the network is given them."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from workbench.evaluation import choose_evenly
from workbench.figures._figure import Figure
from workbench.figures._registry import public
from workbench.figures._style import BLUE, DARK, GRID, PAPER, VERMILION, dress, empty

OFF, ON = BLUE, VERMILION
ACROSS, SHOWN = 8, 24  # frames in a row, frames in all
TITLE_PX = 46  # room above every frame
SCALES_PX, SCALES_GAP_PX = 66, 12  # room below images for their colour bars


@public
def frames(recordings_frames: ArrayLike, window_us: float | None = None) -> go.Figure:
    """A strip of frames (frames, 2, height, width) of event counts: OFF events blue, ON events vermilion, both mixed.

    Of more than 24 frames an even choice is shown. `window_us`, what all frames cover together, gives each its time in
    ms. ValueError for another shape.

    >>> from workbench import figures
    >>> [note.text for note in figures.frames(np.ones((2, 2, 4, 4)), window_us=50_000).layout.annotations]
    ['0<br>0 to 25 ms', '1<br>25 to 50 ms']
    """
    counts = np.asarray(recordings_frames)
    if counts.ndim != 4 or counts.shape[1] != 2:
        raise ValueError(
            f"figures.frames: shape {counts.shape} does not fit; expected (frames, 2, height, width), counts of OFF "
            "and ON events of one recording"
        )
    if not counts.any():
        return empty("Frames", "no events in this recording" if len(counts) else "the recording has no frames")
    shown = choose_evenly(len(counts), SHOWN)
    across = min(ACROSS, len(shown))
    rows = -(-len(shown) // across)
    frame_ms = None if window_us is None else window_us / len(counts) / 1e3
    titles = [_title(int(frame), frame_ms) for frame in shown]
    height, width = counts.shape[2:]
    tile_px = 820 / max(across, 4) * height / width
    inside_px = rows * tile_px + (rows - 1) * TITLE_PX
    figure = Figure().set_subplots(
        rows, across, subplot_titles=titles, horizontal_spacing=0.012, vertical_spacing=TITLE_PX / inside_px
    )
    full = full_strength(counts)
    for position, frame in enumerate(shown):
        figure.add_trace(paint(int(frame), counts[frame], full), row=position // across + 1, col=position % across + 1)
    figure.update_annotations(font_size=12.5)
    figure.update_xaxes(showticklabels=False, ticks="", showgrid=False, linecolor=GRID, mirror=True, constrain="domain")
    figure.update_yaxes(showticklabels=False, ticks="", showgrid=False, linecolor=GRID, mirror=True, constrain="domain")
    figure.update_yaxes(constraintoward="top").update_layout(
        margin={"l": 20, "r": 20, "t": 84 + TITLE_PX, "b": 16 + SCALES_PX}
    )
    add_scales(figure, full, inside_px)
    return _dressed(figure, counts, len(shown), round(100 + TITLE_PX + inside_px + SCALES_PX))


def _title(frame: int, frame_ms: float | None) -> str:
    return f"{frame}" if frame_ms is None else f"{frame}<br>{frame * frame_ms:g} to {(frame + 1) * frame_ms:g} ms"


def full_strength(counts: NDArray[Any]) -> float:
    """How many events in a pixel are printed at full strength: the 90th percentile of pixels with any, at least 1.

    >>> full_strength(np.array([0, 2, 2])), full_strength(np.zeros(3))
    (2.0, 1.0)
    """
    busy = counts[counts > 0]
    return max(1.0, float(np.percentile(busy, 90))) if busy.size else 1.0


def paint(frame: int, counts: NDArray[Any], full: float) -> go.Image:
    """A frame (2, height, width) with both colours printed over each other on white, `full` counts at full strength."""
    paper = np.ones((*counts.shape[1:], 3))
    for ink, strength in zip((OFF, ON), find_strengths(counts, full), strict=True):
        paper *= 1 - strength[..., None] * (1 - read_colour(ink) / 255)
    return go.Image(
        z=np.round(255 * paper).astype(np.uint8),
        customdata=np.moveaxis(counts, 0, -1).astype(np.int32),
        meta={"full": full},
        name=f"frame {frame}",
        hovertemplate=f"<b>frame {frame}</b><br>x %{{x}}, y %{{y}} (pixels)<br>OFF %{{customdata[0]}}, "
        "ON %{customdata[1]} events<extra></extra>",
    )


def paint_dark(counts: NDArray[Any], full: float) -> NDArray[np.uint8]:
    """The pixels of counts (height, width, 2) in both colours as lights that add up on dark paper.

    >>> paint_dark(np.zeros((1, 1, 2)), full=1.0).tolist()
    [[[20, 24, 29]]]
    """
    paper = read_colour(DARK[PAPER])
    strengths = find_strengths(counts, full)
    lit = paper + sum(
        strengths[..., index, None] * (read_colour(DARK[ink]) - paper) for index, ink in enumerate((OFF, ON))
    )
    pixels: NDArray[np.uint8] = np.round(np.clip(lit, 0, 255)).astype(np.uint8)
    return pixels


def add_scales(figure: go.Figure, full: float, inside_px: float) -> go.Figure:
    """Colour bars below images of events: how many events in a pixel the shades of OFF and of ON stand for."""
    for name, colour, x in (("OFF", OFF, 0.0), ("ON", ON, 0.5)):
        bar = {
            "title": {"text": f"{name} events per pixel", "side": "top", "font": {"size": 12}}, "orientation": "h",
            "x": x, "xanchor": "left", "xpad": 6, "len": 0.42, "thickness": 8, "outlinewidth": 0,
            "y": -SCALES_GAP_PX / inside_px, "yanchor": "top", "ypad": 0,
            "tickvals": [0, full], "ticktext": ["0", f"{full:g}+"], "tickfont": {"size": 11.5},
        }  # fmt: skip
        shades = [(0, PAPER), (1, colour)]
        marker = {"color": [0], "cmin": 0, "cmax": full, "colorscale": shades, "showscale": True, "colorbar": bar}
        scale = go.Scatter(name=f"scale of {name}", x=[None], y=[None], mode="markers", marker=marker)
        figure.add_trace(scale.update(hoverinfo="skip", showlegend=False))
    return figure


def find_strengths(counts: NDArray[Any], full: float) -> NDArray[np.float64]:
    """How strong the colour of so many events is, 0 to 1: a single one is to be seen."""
    return np.where(counts > 0, 0.25 + 0.75 * np.clip(counts / full, 0, 1), 0.0)


def read_colour(colour: str) -> NDArray[np.float64]:
    """The channels of "#rrggbb", 0 to 255."""
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=float)


def _dressed(figure: go.Figure, counts: NDArray[Any], shown: int, height_px: int) -> go.Figure:
    off, on = (int(counts[:, polarity].sum()) for polarity in (0, 1))
    title = f"{len(counts)} frames, {off + on:,} events"
    some = "" if shown == len(counts) else f"  {shown} of {len(counts)} shown."
    subtitle = (
        f"<b style='color:{OFF}'>■ OFF</b> {off:,},  <b style='color:{ON}'>■ ON</b> {on:,}; "
        f"both in one pixel: mixed.{some}"
    )
    return dress(figure, title, subtitle, f"Frames of a recording: {title}, OFF {off}, ON {on}.", height_px)
