"""Figures in view, made equal to others without being built again."""

from __future__ import annotations

import plotly.graph_objects as go


def mirror(drawing: go.Figure, view: go.FigureWidget) -> None:
    """Make a figure in view equal to a drawing with as many traces, in one message to the page.

    >>> drawing, view = go.Figure(go.Scatter(y=[1, 2])), go.FigureWidget(go.Scatter(y=[3]))
    >>> mirror(drawing, view)
    >>> view.data[0].y
    (1, 2)
    """
    with view.batch_update():
        for shown, drawn in zip(view.data, drawing.data, strict=True):
            properties = {key: value for key, value in drawn.to_plotly_json().items() if key != "type"}
            shown.update({"visible": True} | properties, overwrite=True)
        layout = {key: value for key, value in drawing.layout.to_plotly_json().items() if key != "template"}
        view.layout.update({"annotations": []} | layout, overwrite=True)
