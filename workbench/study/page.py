"""A page with tables and figures in one file, which needs no network."""

from __future__ import annotations

import html
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from workbench.atomic import replacing

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
 body {{ font: 16px/1.55 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 980px;
   margin: 2em auto; padding: 0 1em; }}
 h1, h2, h3 {{ line-height: 1.2; }} h2 {{ margin-top: 2.5em; border-top: 1px solid #bbb; padding-top: 1em; }}
 figure {{ margin: 1.2em 0; }} .wide {{ overflow-x: auto; }}
 table {{ border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }}
 th, td {{ padding: .3em .7em; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap; }}
 th {{ background: #f3f3f3; }}
 th:first-child, td:first-child {{ text-align: left; }}
 .prices th:last-child, .prices td:last-child, .critics th, .critics td,
 .words td, .words th {{ text-align: left; white-space: normal; }}
 .prices td:last-child {{ min-width: 17em; }} .critics td, .words td {{ vertical-align: top; }}
 .critics th:nth-last-child(n+3):nth-last-child(-n+5), .critics td:nth-last-child(n+3):nth-last-child(-n+5) {{
   text-align: right; white-space: nowrap; }}
 .critics td:nth-last-child(-n+2) {{ min-width: 15em; }}
</style><script>{plotly}</script></head><body>
<h1>{heading}</h1>
{body}
</body></html>
"""


def write_page(path: str | Path, title: str, heading: str, body: str) -> None:
    """Write a page, whole or not at all; the body is HTML."""
    with replacing(path) as aside:
        page = PAGE.format(title=html.escape(title), plotly=get_plotlyjs(), heading=html.escape(heading), body=body)
        aside.write_text(page, encoding="utf-8")


def figure_to_html(title: str, figure: go.Figure, name: str) -> str:
    """A figure under a title, with the words that it has for who cannot see it; `name` is unique on the page."""
    drawn = figure.to_html(full_html=False, include_plotlyjs=False, div_id=name, config={"displaylogo": False})
    alt = html.escape(str((figure.layout.meta or {}).get("alt", title)), quote=True)
    return f'<h3>{html.escape(title)}</h3><figure class="wide" role="img" aria-label="{alt}">{drawn}</figure>'


def table_to_html(table: pd.DataFrame, kind: str = "counts", absent: str = "no price") -> str:
    """A table without its index; `kind` is its style, `absent` what stands where there is no number."""
    return f'<div class="wide {kind}">{table.to_html(index=False, border=0, na_rep=absent)}</div>'
