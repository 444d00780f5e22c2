"""A figure in a page: a FigureWidget that shares one copy of plotly.js with all others and is redrawn as a whole."""

from __future__ import annotations

import base64
import gzip
import threading
import uuid
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import numpy as np
import plotly.graph_objects as go
import traitlets
from numpy.typing import NDArray

from workbench.figures._for_panels import Figure, add_still_metadata, attach, read_modules
from workbench.widgets._base.edits import Edits
from workbench.widgets._base.lifetime import ClosableWidget

Pointed = Callable[[str, int, Any], None]  # kind ("hover", "click"), index of the trace, index of the point
Viewed = Callable[[dict[str, Any]], None]  # what changed in the layout, such as {"xaxis.range[0]": 1.5, ...}

FORMAT = 1  # of a drawing, as canvas.js has it: a page saved by another version says so
SCRIPTS = ("kernel.js", "drawing.js", "labels.js", "saving.js", "canvas.js")  # one after the other a module
# what plotly keeps in step with its own code in the page; ours draws without it, so it need not travel
PLOTLYS_OWN = {*go.FigureWidget.class_trait_names(sync=True)} - {*anywidget.AnyWidget.class_trait_names(sync=True)}


class Bundle(ipywidgets.Widget):  # type: ignore[misc]  # ipywidgets carries no types
    """Carries plotly.js to the page, once a kernel; it has no view of its own."""

    packed = traitlets.Unicode().tag(sync=True)  # base64: of bytes nothing would be saved with a notebook


@cache
def pack_plotly() -> bytes:
    """Plotly.js as it came with plotly, packed."""
    source = files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
    return gzip.compress(source, compresslevel=6, mtime=0)


@cache
def shared_bundle() -> Bundle:
    """The one bundle of this kernel."""
    return Bundle(packed=base64.b64encode(pack_plotly()).decode())


def read_scripts() -> str:
    """What runs in the page, as one module."""
    folder = Path(__file__).parent
    own = ((folder / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return "\n".join([read_modules("dark.js", "fit.js"), *own])


def pack(value: Any, widget: Any = None) -> Any:
    """Numbers in arrays of one or two dimensions as buffers {buffer, dtype, shape}; all else as JSON has it.

    >>> packed = pack({"z": np.zeros((2, 3))})["z"]
    >>> packed["dtype"], packed["shape"]
    ('float64', (2, 3))
    """
    if isinstance(value, dict):
        return {key: pack(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [pack(each) for each in value]
    if not isinstance(value, np.ndarray | np.generic):
        return value
    if value.dtype.kind not in "iuf" or value.ndim not in (1, 2):
        return value.tolist()
    array = np.asarray(value)
    value = array.astype(_travelling(array), copy=False)
    return {"buffer": np.ascontiguousarray(value).data, "dtype": str(value.dtype), "shape": value.shape}


def _travelling(value: NDArray[Any]) -> np.dtype[Any]:
    """The nearest kind of number that a browser has arrays of."""
    if value.dtype.kind == "f":
        return np.dtype(np.float64 if value.dtype.itemsize >= 8 else np.float32)
    if value.dtype.itemsize < 8:
        return value.dtype.newbyteorder("=")
    small = value.size == 0 or (value.min() >= -(2**31) and value.max() < 2**31)
    return np.dtype(np.int32 if small else np.float64)


def snapshot(figure: go.Figure) -> dict[str, Any]:
    """A copy of a figure's data and layout as plotly.js takes them, numbers still in arrays."""
    traces = [trace.to_plotly_json() for trace in figure.data]
    return {"format": FORMAT, "data": traces, "layout": figure.layout.to_plotly_json()}


class Canvas(ClosableWidget, go.FigureWidget):  # type: ignore[misc]  # plotly carries no types
    """A figure widget that takes a new figure whole: `draw` sends it in one message, `cursor` moves without drawing.

    What the page needs is always complete in the widget's state: a view opened late, or from a saved notebook, is
    never blank. Any number of canvases send plotly.js once. The page writes `hover`, `click` and `view`, of which
    `listen` and `listen_view` tell; every edit of the figure in Python sends it anew.

    >>> canvas = Canvas(go.Figure(go.Scatter(y=[1, 2])))
    >>> canvas.draw(go.Figure([go.Scatter(y=[3]), go.Bar(y=[4])]))
    >>> [trace.type for trace in canvas.data]
    ['scatter', 'bar']
    """

    # as text: of a file anywidget keeps a list of who has read it, and with that every canvas for ever
    _esm = read_scripts()
    _css = (Path(__file__).parent / "canvas.css").read_text(encoding="utf-8")
    _bundle = traitlets.Instance(Bundle).tag(sync=True, **ipywidgets.widget_serialization)
    _drawing = traitlets.Dict().tag(sync=True, to_json=pack)  # "revision", "data", "layout"
    _own = traitlets.Unicode().tag(sync=True)  # the model's name: anywidget gives the page only a part of the model
    _hints = traitlets.Dict().tag(sync=True)  # what a control of the panel means, by its label
    _footer = traitlets.Dict({"text": "", "px": 0}).tag(sync=True)  # what stills say below the title, and its height
    _stills = traitlets.Dict().tag(sync=True)  # what the still shows that a cell has left, by the name of its view
    _set_trace_uid = False  # equal figures stay equal
    cursor = traitlets.Float(None, allow_none=True).tag(sync=True)  # x at which a line stands, over all subplots
    # what the page tells, with the time "at" which it did: the same told twice is a change
    hover = traitlets.Dict().tag(sync=True, echo_update=False)  # "revision", "points": [{"trace", "point", "x", "y"}]
    click = traitlets.Dict().tag(sync=True, echo_update=False)  # as hover
    view = traitlets.Dict().tag(sync=True, echo_update=False)  # "changes" of the layout: a zoom or a pan

    def __init__(self, figure: go.Figure) -> None:
        self._edits = Edits()
        self._following = threading.Lock()  # while the page is a figure ahead
        self._listeners: list[Pointed] = []
        self._viewers: list[Viewed] = []
        self._first: go.Figure | None = figure
        with self._edits.skip():
            super().__init__(figure)
        self._first = None
        self.on_msg(self._answer)

    @traitlets.default("_bundle")
    def _find_bundle(self) -> Bundle:
        return shared_bundle()

    @traitlets.default("_own")
    def _choose_name(self) -> str:
        name: str = vars(self).get("_model_id") or uuid.uuid4().hex
        self._model_id = name  # under which it is opened
        return name

    @traitlets.default("_drawing")
    def _draw_first(self) -> dict[str, Any]:
        return {"revision": 1, **snapshot(go.Figure(self._first))}

    @traitlets.default("keys")
    def _find_keys(self) -> list[str]:
        """The names of the traits that travel."""
        return [name for name in self.traits(sync=True) if name not in PLOTLYS_OWN]

    @property
    def data(self) -> tuple[Any, ...]:
        traces: tuple[Any, ...] = super().data
        return traces

    @data.setter
    def data(self, traces: Any) -> None:
        with self._edits.skip():  # plotly counts this edit before it is done, and a new order not at all
            go.FigureWidget.data.fset(self, traces)
        self._follow_edit()

    @property
    def plain(self) -> Figure:
        """The figure as it is now, without a widget."""
        return Figure(self.data, self.layout)

    def draw(self, figure: go.Figure) -> None:
        """Show another figure, any number of traces, in one message to the page."""
        with self._following, self._edits.skip():
            self._publish(figure)  # first: the page draws meanwhile
            self.data = ()
            self.add_traces(figure.data)
            self.layout = figure.layout

    def on_edits_completed(self, fn: Callable[[], Any]) -> None:
        fn()  # none is pending: a page is given whole figures and does not answer

    def listen(self, callback: Pointed) -> None:
        """Call back with ("hover" or "click", trace, point) when the pointer is over, or clicks on, a point.

        A point is a number, of an image [row, column].
        """
        self._listeners.append(callback)

    def listen_view(self, callback: Viewed) -> None:
        """Call back with what changes in the layout when somebody zooms or pans in the page."""
        self._viewers.append(callback)

    @traitlets.observe("_last_layout_edit_id")  # in which plotly counts every edit, those of traces as well
    def _follow_edit(self, change: Any = None) -> None:
        if self._edits.passes():
            self._publish(self)

    def _publish(self, figure: go.Figure) -> None:
        """Let the page have a figure."""
        self._drawing = {"revision": self._drawing.get("revision", 0) + 1, **snapshot(figure)}

    def _answer(self, widget: Any, content: Any, buffers: Any) -> None:
        """Tell a page that asks whether the kernel is alive that it is, or what it has missed."""
        if content["ask"] == "state":
            missed = ["_drawing"] if content["revision"] != self._drawing["revision"] else []
            self.send_state(["cursor", "_hints", "_footer", "_stills", *missed])
        self.send({"answer": content["ask"]})

    @traitlets.observe("hover", "click")
    def _hear_pointer(self, change: Any) -> None:
        """Tell of the points that the pointer is over, unless it was over a figure that is gone."""
        kind, told = change["name"], change["new"]
        with self._following:
            if told["revision"] != self._drawing["revision"]:
                return
        points = told["points"]
        self._tell_traces(kind, points)  # first: they know the figure that was pointed at, not what a listener draws
        for each in points:
            for callback in self._listeners:
                callback(kind, each["trace"], each["point"])

    def _tell_traces(self, kind: str, points: list[dict[str, Any]]) -> None:
        """Let plotly call back whom its own `on_hover` and `on_click` of a trace have registered."""
        columns = {"trace_indexes": "trace", "point_indexes": "point", "xs": "x", "ys": "y"}
        found = {column: [each[name] for each in points] for column, name in columns.items()}
        self._js2py_pointsCallback = {"event_type": f"plotly_{kind}", "points": found}

    @traitlets.observe("view")
    def _hear_view(self, change: Any) -> None:
        """Follow a zoom or a pan, then tell of it."""
        changes = change["new"]["changes"]
        with self._edits.skip(1):  # the page knows; what plotly's own `on_change` brings about it does not
            self.plotly_relayout(changes)
        self._drawing["layout"] = self.layout.to_plotly_json()  # for a page that is opened late, so it is not sent
        for callback in self._viewers:
            callback(dict(changes))

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The live view, and beside it the figure as it is now for readers without a kernel."""
        self._appear()
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {**self.leave(self.model_id)._repr_mimebundle_(), "application/vnd.jupyter.widget-view+json": view}

    def leave(self, view: str) -> Figure:
        """The figure, with its footer, that a cell leaves as the still of a view; a page renews it when it is saved."""
        self._stills = {**self._stills, view: self._name_state()}
        footer: dict[str, Any] = self._footer
        return add_footer(self.plain, **footer)

    def has_left(self, view: str) -> bool:
        """Whether the still that a cell has left of a view shows the figure as it is now."""
        return bool(self._stills.get(view) == self._name_state())

    def _name_state(self) -> str:
        return f"{self._drawing['revision']} {self._footer['text']}"


def add_footer(figure: Figure, text: str, px: int) -> Figure:
    """The figure with markup of so many px below its title."""
    layout = figure.layout
    if text:
        title, top, height = f"{layout.title.text or ''}{text}", layout.margin.t, layout.height
        figure.update_layout(title_text=title, margin_t=(top or 100) + px, height=(height or 450) + px)
    return figure


attach(Canvas, lambda canvas: add_still_metadata(canvas._repr_mimebundle_(), canvas))
