"""Figures as pictures, at the width of a page or at the size at which a paper or a slide prints them."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go

from workbench.figures._browser import WIDTH_PX, NoBrowserError, draw
from workbench.figures._fit import fit

KINDS = ("png", "svg", "pdf")
CSS_PX_PER_MM, DOTS_PER_MM = 96 / 25.4, 300 / 25.4


@dataclass(frozen=True)
class Size:
    """Where a figure is printed: as wide as it is laid out, and as wide as it comes out; `ratio` of a fixed height."""

    laid_out_px: float
    width_mm: float
    ratio: float | None = None


SIZES = {  # laid out at 4 px a mm, so that type of 10 px, the smallest there is, is printed at 7 pt
    "column": Size(340, 85),
    "two columns": Size(700, 175),
    "slide": Size(710, 338.7, 16 / 9),  # 1280 x 720 px; type of 10 px becomes 18
}


def take_picture(figure: go.Figure, kind: str, size: str | None = None) -> bytes:
    """A figure as .png, .svg or .pdf; RuntimeError with the cure where there is no browser, ValueError for a size."""
    if size is not None and size not in SIZES:
        raise ValueError(f"figures.save: size={size!r} is unknown; choose one of {', '.join(map(repr, SIZES))}")
    try:
        if size is None:
            width_px = figure.layout.width or WIDTH_PX
            return draw(go.Figure(figure).update_layout(width=width_px), kind, 2 if kind == "png" else 1)
        place = SIZES[size]
        fitted = _hold_ratio(figure, place) if place.ratio else fit(figure, place.laid_out_px)
        per_mm = DOTS_PER_MM if kind == "png" and place.ratio is None else CSS_PX_PER_MM * (1 + (kind == "png"))
        return draw(fitted, kind, place.width_mm * per_mm / fitted.layout.width)
    except NoBrowserError as error:
        raise RuntimeError(
            f"figures.save: a .{kind} needs kaleido and a Chrome or Chromium on this machine; install both "
            "(pip install kaleido, and chromium from your system), or save as .html, which needs neither"
        ) from error


def _hold_ratio(figure: go.Figure, place: Size) -> go.Figure:
    """A figure as high as the ratio has it; one that needs more height is laid out wider, with smaller type."""
    ratio = place.ratio or 1.0
    fitted = fit(figure, place.laid_out_px)
    room_px = place.laid_out_px / ratio
    if fitted.layout.height <= 1.5 * room_px:
        return _set_height(fitted, room_px)
    wide_px = max(place.laid_out_px, fit(figure, WIDTH_PX).layout.height * ratio)
    wide = fit(figure, wide_px)
    return _set_height(wide, max(wide.layout.height, wide_px / ratio)).update_layout(width=wide_px)


def _set_height(figure: go.Figure, height_px: float) -> go.Figure:
    """A figure of another height; the legend stays where it is below the plot."""
    margin = figure.layout.margin
    before, after = (height - margin.t - margin.b for height in (figure.layout.height, height_px))
    if figure.layout.legend.y is not None and after > 0:
        figure.layout.legend.y *= before / after
    return figure.update_layout(height=height_px)
