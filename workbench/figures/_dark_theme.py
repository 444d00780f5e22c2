"""The same figure for dark pages."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.figures._figure import Figure
from workbench.figures._frames import paint_dark
from workbench.figures._registry import public
from workbench.figures._style import DARK, INK, PAPER, contrast, ink_on

_HEX = re.compile(r"#[0-9a-fA-F]{6}\b")
_SWAPPED = {light.lower(): dark for light, dark in DARK.items()}
_LEGIBLE = 4.5  # contrast that words need (WCAG 2, level AA)


@public
def darken(figure: go.Figure) -> Figure:
    """The figure on a dark background: every colour of the common style replaced, also in markup.

    Images of events are painted anew, and text on filled marks becomes black or white where it would not be legible.
    The given figure is not changed.

    >>> from workbench import figures
    >>> figures.darken(figures.frames(np.ones((1, 2, 3, 3)))).layout.paper_bgcolor
    '#14181d'
    """
    traces = [_repaint(_legible(_swap(trace.to_plotly_json()))) for trace in figure.data]
    dark = Figure(data=traces, layout=_swap(figure.layout.to_plotly_json()))
    dark.update_layout(paper_bgcolor=DARK[PAPER], plot_bgcolor=DARK[PAPER], font_color=DARK[INK])
    return dark


def _swap(value: Any) -> Any:
    """Colours of the common style replaced in a tree of properties; numbers stay as they are."""
    if isinstance(value, str):
        return _HEX.sub(lambda found: _SWAPPED.get(found[0].lower(), found[0]), value)
    if isinstance(value, dict):
        return {key: _swap(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_swap(inner) for inner in value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "OU":
        swapped = np.array([_swap(inner) for inner in value.ravel().tolist()] + [None], dtype=object)[:-1]
        return swapped.reshape(value.shape)
    return value


def _repaint(trace: dict[str, Any]) -> dict[str, Any]:
    """An image of events, which holds its counts, on dark paper; any other trace as it is."""
    full = (trace.get("meta") or {}).get("full") if trace["type"] == "image" else None
    return trace if full is None else {**trace, "z": paint_dark(np.asarray(trace["customdata"]), full)}


def _legible(trace: dict[str, Any]) -> dict[str, Any]:
    """A trace whose text inside filled marks is legible."""
    fills, words = trace.get("marker", {}).get("color"), trace.get("textfont", {}).get("color")
    if fills is None or words is None or "text" not in str(trace.get("mode", "")):
        return trace
    if trace.get("textposition", "middle center") != "middle center":
        return trace
    several = [len(colours) for colours in (fills, words) if not isinstance(colours, str)]
    pairs = [[colours] * max(several, default=1) if isinstance(colours, str) else list(colours)
             for colours in (fills, words)]  # fmt: skip
    inks = [_ink(str(fill), str(word)) for fill, word in zip(*pairs, strict=True)]
    return {**trace, "textfont": {**trace["textfont"], "color": inks if several else inks[0]}}


def _ink(fill: str, word: str) -> str:
    known = all(colour.startswith(("#", "rgb(")) for colour in (fill, word))
    return ink_on(fill) if known and contrast(fill, word) < _LEGIBLE else word
