"""The common style: a colour-blind-safe palette with symbols and dashes, the template, titles and alt texts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from workbench.evaluation import amount
from workbench.figures._figure import Figure
from workbench.figures._legend import count_letters, place_legend
from workbench.figures._words import read_words, wrap

INK, QUIET, FAINT, GRID, PAPER = "#1f2933", "#5f6b7a", "#c3cad3", "#e4e7eb", "#ffffff"  # FAINT: lines, never words
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
DARK: dict[str, str] = {  # colour on a light page: on a dark one; words keep 4.5 : 1 on the paper, lines 3 : 1
    INK: "#e8ecf1", QUIET: "#aab4c1", FAINT: "#66717f", GRID: "#2b323b", PAPER: "#14181d",
    BLUE: "#2b8cd6", VERMILION: "#ea7524", GREEN: "#1fb58a", PURPLE: "#d68fb6", ORANGE: "#e69f00", SKY: "#8fd0f5",
    "#d3ece3": "#1b2b5a", "#7cc7b2": "#205f8c", "#205f8c": "#7cc7b2", "#1b2b5a": "#d3ece3",  # much is light on dark
    "#8793a1": "#8793a1", "#d9dee4": "#3d4650", "#34495e": "#9fb0c2", "#000000": "#ffffff",
}  # fmt: skip
COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)  # Okabe, Ito 2008: Color universal design
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x", "cross")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SEQUENCE = ("#d3ece3", "#7cc7b2", "#2f93a0", "#205f8c", "#1b2b5a")  # lightness falls evenly: readable in grey as well
REMOVED_BUTTONS = ("sendChartToCloud",)  # plotly.js offers it by default: it would send the data to a server
TITLE_LETTERS, SUBTITLE_LETTERS = 80, 115  # what fits one line of a figure 900 px wide
WORDS = ("alt", "title", "subtitle")  # what a figure says of itself
EMPTY_LETTERS = 40  # in a line of what stands instead of a figure: fits one 400 px wide

_AXIS = {
    "gridcolor": GRID,
    "linecolor": QUIET,
    "tickcolor": QUIET,
    "showline": True,
    "zeroline": False,
    "ticks": "outside",
    "title": {"standoff": 12},
    "automargin": True,
}
TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": "Inter, Helvetica Neue, Helvetica, Arial, sans-serif", "size": 14, "color": INK},
        "title": {
            "x": 0,
            "xref": "paper",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 28},
            "font": {"size": 19},
            "subtitle": {"font": {"size": 13.5, "color": QUIET}},
        },
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "colorway": COLOURS,
        "margin": {"l": 80, "r": 30, "t": 92, "b": 60},
        "legend": {"font": {"size": 13}, "borderwidth": 0, "bgcolor": "rgba(0, 0, 0, 0)"},
        "hoverlabel": {"bgcolor": PAPER, "bordercolor": QUIET, "font": {"size": 13, "color": INK}},
        "hovermode": "closest",
        "modebar": {"orientation": "v", "bgcolor": "rgba(0, 0, 0, 0)", "remove": REMOVED_BUTTONS},
        "xaxis": _AXIS,
        "yaxis": _AXIS,
    }
)


def dress(
    figure: go.Figure,
    title: str,
    subtitle: str,
    alt: str,
    height_px: float,
    stack: Sequence[float] = (),
    between_px: float | None = None,
    rows: int = 1,
) -> go.Figure:
    """Apply the common template, title, subtitle and alt text, which may have markup, and place the legend.

    Long texts are wrapped for a figure 900 px wide; fit.js fits it to other widths by the layout's meta. That holds all
    three in plain words, and `stack`, the places (0 to 1) between subplots of so many `rows` that are to stand one
    under the other where a page is narrow, `between_px` apart.
    """
    titles, subtitles = wrap(title, TITLE_LETTERS), wrap(subtitle, SUBTITLE_LETTERS)
    # in one text: plotly's own subtitle covers the title where a figure is drawn before it is shown, as widgets are
    words = f"{titles}<br><span style='font-size:13.5px;color:{QUIET}'>{subtitles}</span>" if subtitles else titles
    more_px = 24 * titles.count("<br>") + 18 * subtitles.count("<br>")
    given, usual = figure.layout.margin, TEMPLATE.layout.margin
    left_px, right_px, top_px = (usual[s] if given[s] is None else given[s] for s in ("l", "r", "t"))
    height_px = place_legend(figure, height_px, left_px, right_px, top_px)
    meta: dict[str, Any] = {"alt": read_words(alt), "title": read_words(title), "subtitle": read_words(subtitle)}
    meta |= {
        "legend": count_letters(figure),
        "stack": list(stack),
        "between_px": between_px,
        "rows": rows if stack else 0,
    }
    return figure.update_layout(
        template=TEMPLATE,
        title={"text": words},
        margin={"t": top_px + more_px},
        height=height_px + more_px,
        meta={**(figure.layout.meta or {}), **{name: value for name, value in meta.items() if value or name in WORDS}},
    )


def empty(title: str, message: str) -> go.Figure:
    """A figure with nothing to show yet, which says so; both texts may have markup.

    >>> empty("Accuracy", "no steps yet").layout.annotations[0].text
    'no steps yet'
    """
    figure = Figure()
    figure.add_annotation(
        text=wrap(message, EMPTY_LETTERS), showarrow=False, x=0.5, y=0.5, xref="paper", yref="paper", font_size=16
    )
    figure.update_xaxes(visible=False).update_yaxes(visible=False)
    return dress(figure, title, "", f"{title}: {message}.", 320)


def shade(value: float, largest: float) -> str:
    """Colour of a value between 0 and the largest on the sequential scale, as "rgb(r, g, b)".

    >>> shade(0, 4)
    'rgb(211, 236, 227)'
    """
    return str(sample_colorscale(list(SEQUENCE), [value / largest if largest else 0.0])[0])


def ink_on(colour: str) -> str:
    """Black or white, whichever is the easier to read on a colour "rgb(r, g, b)"; at least 4.5 : 1 either way.

    >>> ink_on("rgb(211, 236, 227)"), ink_on("rgb(27, 43, 90)")
    ('#000000', '#ffffff')
    """
    return "#000000" if luminance(colour) > 0.179 else "#ffffff"


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2) of "#rrggbb" or "rgb(r, g, b)", 0 for black to 1 for white.

    >>> luminance("#ffffff"), luminance("rgb(0, 0, 0)")
    (1.0, 0.0)
    """
    if colour.startswith("#"):
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    else:
        channels = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2).

    >>> round(contrast("#000000", "#ffffff"))
    21
    """
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def log_axis(low: float, high: float) -> dict[str, object]:
    """A logarithmic axis from low to high (both positive), its ticks written out as amounts.

    >>> log_axis(150, 6000)["ticktext"]
    ['200', '500', '1 k', '2 k', '5 k']
    """
    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high / low < 1e3 else (1,)
    values = [step * 10.0**decade for decade in decades for step in steps]
    shown = [value for value in values if low * 0.999 <= value <= high * 1.001] or [low, high]
    return {
        "type": "log",
        "range": [math.log10(low), math.log10(high)],
        "tickvals": shown,
        "ticktext": [amount(value) for value in shown],
    }


def require_columns(table: pd.DataFrame, columns: Sequence[str], figure: str, source: str) -> None:
    """Refuse a table that lacks columns, naming them and where such a table comes from."""
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise ValueError(
            f"figures.{figure}: the table lacks the column {', '.join(missing)}; it has "
            f"{', '.join(map(str, table.columns)) or 'none'}; give the table that {source} returns"
        )


def keep_finite(table: pd.DataFrame, numbers: Sequence[str], names: Sequence[str] = ()) -> pd.DataFrame:
    """The rows that hold a finite number in each of the columns `numbers`, as float64, and a name in each of `names`.

    >>> keep_finite(pd.DataFrame({"step": [0, 1], "accuracy": [None, 0.5]}), ["accuracy"])["step"].tolist()
    [1]
    """
    values = {column: pd.to_numeric(table[column], errors="coerce").astype(float) for column in numbers}
    whole = [np.isfinite(column) for column in values.values()] + [table[name].notna() for name in names]
    texts = {name: table[name].astype(str) for name in names}
    return table.assign(**values, **texts)[np.logical_and.reduce(whole)]
