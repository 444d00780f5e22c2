"""Figures as files: a page that works offline, a picture, or the numbers of it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go

from workbench.atomic import replacing
from workbench.figures._figure import describe
from workbench.figures._live import script
from workbench.figures._numbers import numbers
from workbench.figures._picture import KINDS, take_picture
from workbench.figures._registry import public
from workbench.figures._style import DARK, PAPER
from workbench.figures._table_files import WRITERS, write_table

PAGE_TEMPLATE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>
body {{ margin: 0; background: {paper}; overflow-x: auto; }}
@media (prefers-color-scheme: dark) {{ body {{ background: {dark}; }} }}
</style></head>
<body data-workbench-colours="system"><main role="img" aria-label="{alt}">
{figure}
</main>
{script}
</body>
</html>
"""


@public
def save(figure: go.Figure | pd.DataFrame, path: str | Path, size: str | None = None) -> None:
    """Write a figure or a table whole or not at all: a page, a picture, or numbers, as the path ends.

    .html is a page that needs no network and follows the width and the colours of its window. .png, .svg and .pdf are
    pictures, 900 px wide unless the figure says otherwise (.png: two dots per px), or of a `size`: "column" (85 mm
    wide) and "two columns" (175 mm) of a paper, with type of at least 7 pt, .png at 300 dots an inch, or "slide" (16 :
    9), with type of at least 18 px of 720 where the figure is not too tall for it; they need Chrome or Chromium. .csv,
    .tex and .md are the numbers of the figure as `figures.numbers` gives them, or the table that is given instead, its
    attributes as comments (`#`) or as caption. RuntimeError where there is no browser, ValueError for another ending
    or size.

    >>> import tempfile
    >>> from workbench import figures
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     figures.save(go.Figure(), f"{folder}/empty.html")
    ...     (Path(folder) / "empty.html").stat().st_size > 1_000_000
    True
    """
    path = Path(path)
    kind, is_table = path.suffix[1:], isinstance(figure, pd.DataFrame)
    kinds = tuple(WRITERS) if is_table else ("html", *KINDS, *WRITERS)
    if kind not in kinds:
        what = "a table as" if is_table else "a figure as"
        raise ValueError(f"figures.save: {path.name!r} must end in {_listed(kinds)}, to save {what} that")
    if size is not None and kind not in KINDS:
        raise ValueError(f"figures.save: size={size!r} is for pictures; {path.name!r} must end in {_listed(KINDS)}")
    if kind in WRITERS:
        content = write_table(figure if is_table else numbers(figure), kind).encode()
    else:
        content = _page(figure) if kind == "html" else take_picture(figure, kind, size)
    with replacing(path) as aside:
        aside.write_bytes(content)


def _listed(kinds: Sequence[str]) -> str:
    return f"{', '.join(f'.{kind}' for kind in kinds[:-1])} or .{kinds[-1]}"


def _page(figure: go.Figure) -> bytes:
    body = figure.to_html(full_html=False, include_plotlyjs=True, div_id="figure")
    title, alt = (html.escape(words) for words in describe(figure))
    colours = {"paper": PAPER, "dark": DARK[PAPER]}
    return PAGE_TEMPLATE.format(title=title, alt=alt, figure=body, script=script(), **colours).encode()
