"""A figure for a place of another width than it was laid out for: fit.js in Python, for pictures."""

from __future__ import annotations

import math
import re
from typing import Any

import plotly.graph_objects as go

from workbench.figures._browser import WIDTH_PX
from workbench.figures._legend import ROW_PX, count_rows
from workbench.figures._style import QUIET, TEMPLATE
from workbench.figures._words import wrap

NARROW_PX = 600  # below, subplots side by side stand one under the other
TITLE_PX, NARROW_TITLE_PX, TITLE_LINE = 19, 16, 1.27
SUBTITLE_PX, SUBTITLE_LINE = 13.5, 1.34
AXIS_TITLE_PX, LETTER = 16.8, 0.54  # size of the type, and width of a letter in sizes of the type
BETWEEN_PX = 76  # between subplots that stand one under the other
_SUBTITLED = re.compile(r"^(.*?)<br><span style='font-size:[\d.]+px;color:#\w+'>(.*)</span>$", re.DOTALL)


def fit(figure: go.Figure, width_px: float) -> go.Figure:
    """The same figure laid out for a width: titles wrapped, the legend in other rows, subplots stacked where narrow.

    >>> fit(go.Figure(layout={"title": {"text": "some words for a title"}, "meta": {"alt": ""}}), 200).layout.title.text
    'some words for a<br>title'
    """
    fitted, layout, meta = go.Figure(figure), figure.layout, figure.layout.meta or {}
    wanted = max(width_px, meta.get("least_px") or 0)
    narrow = wanted < NARROW_PX
    edges = {side: getattr(TEMPLATE.layout.margin, side) if layout.margin[side] is None else layout.margin[side]
             for side in "lrtb"}  # fmt: skip
    above = _fit_title(fitted, wanted - (12 if narrow else edges["l"]) - 16, narrow, wanted)
    across = wanted - edges["l"] - edges["r"]
    entries = meta.get("legend") or []
    rows = [count_rows(entries, room) for room in (across, WIDTH_PX - edges["l"] - edges["r"])] if entries else [0, 0]
    inside = (layout.height or 450) - edges["t"] - edges["b"]
    high = _stack(fitted, meta, inside) if narrow and meta.get("stack") else inside
    more = _wrap_axis_titles(fitted, across)
    if entries and (high != inside or more):
        fitted.layout.legend.y = ((layout.legend.y or 0) * inside - more) / high
    below = ROW_PX * (rows[0] - rows[1]) + more
    margin = {"t": round(edges["t"] + above), "b": round(edges["b"] + below)}
    height_px = round(high + edges["t"] + edges["b"] + above + below)
    return fitted.update_layout(margin=margin, height=height_px, width=wanted)


def _fit_title(figure: go.Figure, room_px: float, narrow: bool, width_px: float) -> float:
    """Wrap title and subtitle; returns by how much they became higher."""
    text = figure.layout.title.text or ""
    if not text:
        return 0.0
    found = _SUBTITLED.match(text)
    parts = found.groups() if found else (text, "")
    usual = figure.layout.title.font.size or TITLE_PX
    size = min(NARROW_TITLE_PX, usual) if narrow else usual
    sizes = (size, SUBTITLE_PX)
    wrapped = [wrap(part.replace("<br>", " "), room_px / (LETTER * s)) for part, s in zip(parts, sizes, strict=True)]
    breaks = [new.count("<br>") - old.count("<br>") for new, old in zip(wrapped, parts, strict=True)]
    title, subtitle = wrapped
    if subtitle:
        title += f"<br><span style='font-size:{SUBTITLE_PX}px;color:{QUIET}'>{subtitle}</span>"
    figure.update_layout(title={"text": title, "font": {"size": size}})
    if narrow:
        figure.update_layout(title={"xref": "container", "x": 12 / width_px})
    return breaks[0] * TITLE_LINE * TITLE_PX + breaks[1] * SUBTITLE_LINE * SUBTITLE_PX


def _wrap_axis_titles(figure: go.Figure, across_px: float) -> int:
    """Wrap the titles below axes; returns the height of what is more than a line."""
    most = 0
    for axis in figure.select_xaxes():
        low, high = axis.domain or (0, 1)
        if axis.title.text:
            room_px = (high - low) * across_px
            axis.title.text = wrap(axis.title.text.replace("<br>", " "), room_px / (LETTER * AXIS_TITLE_PX))
            most = max(most, axis.title.text.count("<br>"))
    return round(most * 1.3 * AXIS_TITLE_PX)


def _stack(figure: go.Figure, meta: dict[str, Any], inside: float) -> float:
    """Put subplots side by side one under the other; returns the height of all."""
    borders = [*meta["stack"]]
    parts, between = len(borders) + 1, meta.get("between_px") or BETWEEN_PX
    rows = meta.get("rows") or 1
    whole = parts * inside + (parts * rows - 1) * between

    def part_of(x: float) -> int:
        return sum(x >= border for border in borders)

    spans = {part: [1.0, 0.0] for part in range(parts)}
    domains = {axis.plotly_name.replace("axis", ""): axis.domain or (0, 1) for axis in figure.select_xaxes()}
    for low, high in domains.values():
        span = spans[part_of((low + high) / 2)]
        span[:] = [min(span[0], low), max(span[1], high)]

    def across(x: float, part: int) -> float:
        return (x - spans[part][0]) / max(1e-9, spans[part][1] - spans[part][0])

    def row_of(y: float) -> int:
        return min(rows - 1, max(0, math.floor((1 - y) * rows + 1e-6)))

    def upright(y: float, part: int, row: int) -> float:
        slot, low = row * parts + part, (rows - 1 - row) / rows
        return float(((parts * rows - 1 - slot) * (inside / rows + between) + (y - low) * inside) / whole)

    for axis in figure.select_yaxes():
        part, ends = part_of(sum(domains[axis.anchor or "x"]) / 2), axis.domain or (0, 1)
        axis.domain = [min(1.0, max(0.0, upright(y, part, row_of(sum(ends) / 2)))) for y in ends]
        if axis.showticklabels is False and (axis.matches or axis.ticktext):
            axis.showticklabels = True
    for note in figure.layout.annotations:
        if note.xref == note.yref == "paper" and 0 <= note.y <= 1:
            part = part_of(note.x)
            note.x, note.y = min(1.0, max(0.0, across(note.x, part))), upright(note.y, part, row_of(note.y))
    for axis in figure.select_xaxes():
        low, high = axis.domain or (0, 1)
        part = part_of((low + high) / 2)
        axis.domain = [min(1.0, max(0.0, across(x, part))) for x in (low, high)]
    return whole
