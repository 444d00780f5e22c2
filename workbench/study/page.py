"""A page with tables and figures in one file, which needs no network and is right in a narrow window and on paper."""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from workbench.atomic import replacing
from workbench.figures._live import script
from workbench.machine import describe_machine, find_version

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
 :root {{ color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --line: #ddd; --head: #f3f3f3; }}
 @media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e8ecf1; --paper: #14181d; --line: #2b323b; --head: #20262d; }}
 }}
 body {{ font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1000px;
   margin: 2em auto; padding: 0 1em; overflow-wrap: break-word; }}
 h1, h2, h3 {{ line-height: 1.2; }} h2 {{ margin-top: 2.5em; border-top: 1px solid var(--line); padding-top: 1em; }}
 figure {{ margin: 1.2em 0; }} .wide {{ overflow-x: auto; max-width: 100%; }}
 table {{ border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }}
 th, td {{ padding: .3em .7em; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }}
 th {{ background: var(--head); }}
 th:first-child, td:first-child {{ text-align: left; }}
 .words th, .words td {{ text-align: left; white-space: normal; vertical-align: top; min-width: 5em; }}
 .words td:last-child {{ min-width: 13em; }} .words th:first-child {{ min-width: 4em; }}
 pre {{ white-space: pre-wrap; font-size: 13px; }}
 @media print {{
  :root {{ --ink: #000; --paper: #fff; --line: #bbb; --head: #eee; }}
  body {{ max-width: none; margin: 0; padding: 0; font-size: 10.5pt; }}
  h2 {{ break-before: page; }} .first h2, .first + h2 {{ break-before: auto; }}
  h3 {{ break-after: avoid; }} figure, tr {{ break-inside: avoid; }}
  table {{ font-size: 8.5pt; }} th, td {{ padding: .2em .4em; white-space: normal; }}
  .wide {{ overflow: visible; }} .modebar {{ display: none; }}
 }}
 @page {{ size: A4; margin: 15mm; }}
</style><script>{plotly}</script></head><body data-workbench-colours="system">
<h1>{heading}</h1>
{body}
{script}
<script>{printing}</script>
</body></html>
"""
PRINTING = """// on paper figures are light, and as wide as what paper leaves of a page
const PAPER_PX = 680;
function resize(width) {
  document.querySelectorAll("figure").forEach((each) => { each.style.width = width; });
  dispatchEvent(new Event("resize")); // which figures follow
}
addEventListener("beforeprint", () => {
  document.body.dataset.jpThemeLight = "true";
  resize(`${PAPER_PX}px`);
});
addEventListener("afterprint", () => {
  delete document.body.dataset.jpThemeLight;
  resize("");
});"""


def write_page(path: str | Path, title: str, heading: str, body: str) -> None:
    """Write a page, whole or not at all; the body is HTML."""
    pieces = {
        "title": html.escape(title), "heading": html.escape(heading), "body": body,
        "plotly": get_plotlyjs(), "script": script(), "printing": PRINTING,
    }  # fmt: skip
    with replacing(path) as aside:
        aside.write_text(PAGE.format(**pieces), encoding="utf-8")


def figure_to_html(title: str, figure: go.Figure, name: str) -> str:
    """A figure under a title, with the words that it has for who cannot see it; `name` is unique on the page."""
    config = {"displaylogo": False, "responsive": True}
    drawn = figure.to_html(full_html=False, include_plotlyjs=False, div_id=name, config=config)
    alt = html.escape(str((figure.layout.meta or {}).get("alt", title)), quote=True)
    return f'<h3>{html.escape(title)}</h3><figure class="wide" role="img" aria-label="{alt}">{drawn}</figure>'


def table_to_html(table: pd.DataFrame, kind: str = "counts", absent: str = "no price") -> str:
    """A table without its index; `kind` is its style, `absent` what stands where there is no number."""
    return f'<div class="wide {kind}">{table.to_html(index=False, border=0, na_rep=absent)}</div>'


def describe_making(facts: Mapping[str, str]) -> str:
    """A table of what a report is of and how it came about: when, by which versions, on which machine, and `facts`."""
    made = {
        "written": f"{datetime.now().astimezone():%Y-%m-%d %H:%M %Z}",
        "by": f"workbench {find_version()}",
        "on": describe_machine(),
    }
    return table_to_html(pd.DataFrame((made | dict(facts)).items(), columns=["what", "how"]), "words")
