"""Figures as files: a page that works offline, or a picture."""

from __future__ import annotations

import html
from pathlib import Path

import plotly.graph_objects as go

from workbench.atomic import replacing
from workbench.figures._browser import WIDTH_PX
from workbench.figures._figure import describe
from workbench.figures._live import script
from workbench.figures._registry import public
from workbench.figures._style import DARK, PAPER

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
def save(figure: go.Figure, path: str | Path) -> None:
    """Write a figure whole or not at all: .html (all of plotly inside, needs no network), .png or .svg.

    Pictures are 900 px wide unless the figure says otherwise (.png: two dots per px) and need Chrome or Chromium;
    RuntimeError if there is none, ValueError for another ending.

    >>> import tempfile
    >>> from workbench import figures
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     figures.save(go.Figure(), f"{folder}/empty.html")
    ...     (Path(folder) / "empty.html").stat().st_size > 1_000_000
    True
    """
    path = Path(path)
    if path.suffix not in (".html", ".png", ".svg"):
        raise ValueError(f"figures.save: {path.name!r} must end in .html, .png or .svg")
    content = _page(figure) if path.suffix == ".html" else _picture(figure, path.suffix[1:])
    with replacing(path) as aside:
        aside.write_bytes(content)


def _page(figure: go.Figure) -> bytes:
    body = figure.to_html(full_html=False, include_plotlyjs=True, div_id="figure")
    title, alt = (html.escape(words) for words in describe(figure))
    colours = {"paper": PAPER, "dark": DARK[PAPER]}
    return PAGE_TEMPLATE.format(title=title, alt=alt, figure=body, script=script(), **colours).encode()


def _picture(figure: go.Figure, kind: str) -> bytes:
    width_px = figure.layout.width or WIDTH_PX
    try:
        return bytes(figure.to_image(format=kind, width=width_px, scale=2 if kind == "png" else 1))
    except (RuntimeError, ValueError) as error:
        if "chrome" not in str(error).lower() and "kaleido" not in str(error).lower():
            raise
        raise RuntimeError(
            f"figures.save: a .{kind} needs kaleido and a Chrome or Chromium on this machine; install both "
            "(pip install kaleido, and chromium from your system), or save as .html, which needs neither"
        ) from error
