"""A tiny eye, its recordings and its models, and what a page says of its pointer: for the tests of panels."""

import json
from functools import cache
from itertools import count, pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go

import workbench as wb
from workbench.widgets._base.canvas import Canvas
from workbench.widgets._base.panel import Panel

TIMES = count()


def network(hidden: int = 2, delay: int = 1, shape: tuple[int, ...] = (2, 3, 3)) -> wb.Network:
    """A chain eye, v0, v1, ..., hand with a shortcut from the eye to the last hidden node."""
    nodes = ["eye", *(f"v{i}" for i in range(hidden)), "hand"]
    edges = [
        wb.Edge(source, target, wb.Dense(3 if target == "hand" else 4), delay=delay)
        for source, target in pairwise(nodes)
    ]
    return wb.Network({"eye": shape}, edges)


@cache
def recordings(
    count: int = 4, frames: int = 5, ticks: int = 4, shape: tuple[int, ...] = (2, 3, 3), rate: float = 0.5
) -> wb.Recordings:
    """Random recordings of the classes left, right, up."""
    counts = np.random.default_rng(0).poisson(rate, (frames * ticks, count, *shape))
    labels = np.arange(count) % 3
    return wb.Recordings.from_ticks(counts, labels, ("left", "right", "up"), ticks_per_frame=ticks)


@cache
def ann(hidden: int = 2, delay: int = 1, shape: tuple[int, ...] = (2, 3, 3)) -> wb.Model:
    """Random weights, no bias: silent recordings leave it silent."""
    return wb.Model(network(hidden, delay, shape), seed=3, norm=None).eval()


@cache
def snn() -> wb.Model:
    """The ANN, converted into plain neurons."""
    return wb.convert(ann(), recordings(), percentile=99.9)


def tell(canvas: Canvas, name: str, **what: Any) -> None:
    """What the page tells a canvas: "hover", "click" or "view"."""
    canvas.set_state({name: {"at": next(TIMES), **what}})


def point_at(panel: Panel, trace: int, point: Any, kind: str = "click") -> None:
    """What the page tells when the pointer is over a point of a trace, or clicks on it."""
    revision = panel.figure._drawing["revision"]
    tell(panel.figure, kind, revision=revision, points=[{"trace": trace, "point": point, "x": 0, "y": 0}])


def zoom(panel: Panel, **ends: Any) -> None:
    """What the page tells when somebody zooms; `xaxis_0` stands for xaxis.range[0]."""
    changes = {name.replace("_0", ".range[0]").replace("_1", ".range[1]").replace("_auto", ".autorange"): value
               for name, value in ends.items()}  # fmt: skip
    tell(panel.figure, "view", changes=changes)


def assert_shows(panel: Panel, fresh: go.Figure) -> None:
    """The figure in view, and what the page is given, equal the one drawn afresh."""
    assert json.loads(panel.figure.plain.to_json()) == json.loads(fresh.to_json())
    drawing = go.Figure(panel.figure._drawing["data"], panel.figure._drawing["layout"])
    assert json.loads(drawing.to_json()) == json.loads(fresh.to_json())


def said(panel: Panel) -> str:
    """What stands in place of the figure, in one line."""
    assert not panel.figure.data
    (note,) = panel.figure.layout.annotations
    return str(note.text).replace("<br>", " ")


def assert_saved(panel: Panel, again: Panel) -> None:
    """A saved notebook holds figure and still beside the view, and a short text, all the same for the same panel."""
    bundle, same = panel._repr_mimebundle_(), again._repr_mimebundle_()
    figure, still = "application/vnd.plotly.v1+json", "image/png"
    assert set(bundle) == {"text/plain", "application/vnd.jupyter.widget-view+json", figure, still}
    assert bundle["text/plain"] == same["text/plain"] == repr(panel)
    assert len(repr(panel)) < 120
    assert (bundle[figure], bundle[still]) == (same[figure], same[still])
    assert len(bundle[figure]["data"]) == len(panel.figure.data)


def labels(panel: Panel) -> list[str]:
    """The labels of all controls that are in the panel, in order; "" where there is none."""

    def walk(widget: Any) -> list[Any]:
        return [each for child in widget.children for each in walk(child)] if hasattr(widget, "children") else [widget]

    return [widget.description for widget in walk(panel) if hasattr(widget, "value") and hasattr(widget, "disabled")]
