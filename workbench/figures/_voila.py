"""Figures in Voila.

Voila 0.5 passes outputs to JupyterLab's renderers as plain JSON. The renderer of plotly's data calls the
model's `setData` as soon as it has drawn, which such JSON lacks: `r.setData is not a function`. Figures in
HTML do not need it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import plotly.graph_objects as go

from workbench.figures._live import script


def in_voila() -> bool:
    """Whether this kernel serves a page of Voila, which says so in its environment."""
    return os.environ.get("SERVER_SOFTWARE", "").startswith("voila/")


@dataclass
class Page:
    """The page of a Voila kernel; its first figure includes plotly.js."""

    begun: bool = False

    def write(self, figure: go.Figure) -> str:
        """A figure as a part of the page, in HTML."""
        begun, self.begun = self.begun, True
        config = {"responsive": True, "displaylogo": False}
        part = str(figure.to_html(config, full_html=False, include_plotlyjs=not begun, include_mathjax=False))
        return part if begun else part + script()


PAGE = Page()
