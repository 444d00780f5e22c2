"""A figure in a page: a FigureWidget that shares one copy of plotly.js with all others and is redrawn as a whole."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import plotly.graph_objects as go
import traitlets
from numpy.typing import NDArray

from workbench.figures._figure import Figure, attend
from workbench.figures._notebook_display import attach
from workbench.figures._style import DARK
from workbench.widgets._base.lifetime import Mortal

Pointed = Callable[[str, int, Any], None]  # kind ("hover", "click"), index of the trace, index of the point
Viewed = Callable[[dict[str, Any]], None]  # what changed in the layout, such as {"xaxis.range[0]": 1.5, ...}


class Bundle(ipywidgets.Widget):  # type: ignore[misc]  # ipywidgets carries no types
    """Carries plotly.js to the page, once a kernel; it has no view of its own."""

    packed = traitlets.Bytes().tag(sync=True)


@cache
def shared_bundle() -> Bundle:
    """The one bundle of this kernel: plotly.js as it came with plotly, packed."""
    source = files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
    return Bundle(packed=gzip.compress(source, compresslevel=6, mtime=0))


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


class Canvas(Mortal, go.FigureWidget):  # type: ignore[misc]  # plotly carries no types
    """A figure widget that takes a new figure whole: `draw` sends it in one message, `cursor` moves without drawing.

    What the page needs is always complete in the widget's state: a view opened late, or from a saved notebook, is
    never blank. Any number of canvases send plotly.js once. The page writes `hover`, `click` and `view`, of which
    `listen` and `listen_view` tell.

    >>> canvas = Canvas(go.Figure(go.Scatter(y=[1, 2])))
    >>> canvas.draw(go.Figure([go.Scatter(y=[3]), go.Bar(y=[4])]))
    >>> [trace.type for trace in canvas.data]
    ['scatter', 'bar']
    """

    # as text: of a file anywidget keeps a list of who has read it, and with that every canvas for ever
    _esm = (Path(__file__).parent / "canvas.js").read_text(encoding="utf-8")
    _css = (Path(__file__).parent / "canvas.css").read_text(encoding="utf-8")
    _bundle = traitlets.Instance(Bundle).tag(sync=True, **ipywidgets.widget_serialization)
    _dark = traitlets.Dict({light.lower(): dark for light, dark in DARK.items()}).tag(sync=True)
    _drawing = traitlets.Dict().tag(sync=True, to_json=pack)
    _widget_data: traitlets.List[Any] = traitlets.List()  # plotly's own copies of the same need not travel
    _widget_layout = traitlets.Dict()
    _set_trace_uid = False  # equal figures stay equal
    cursor = traitlets.Float(None, allow_none=True).tag(sync=True)  # x at which a line stands, over all subplots
    # what the page tells, with the time "at" which it did: the same told twice is a change
    hover = traitlets.Dict().tag(sync=True, echo_update=False)  # "revision", "points": [{"trace", "point", "x", "y"}]
    click = traitlets.Dict().tag(sync=True, echo_update=False)  # as hover
    view = traitlets.Dict().tag(sync=True, echo_update=False)  # "changes" of the layout: a zoom or a pan

    def __init__(self, figure: go.Figure) -> None:
        self._silent = True
        self._listeners: list[Pointed] = []
        self._viewers: list[Viewed] = []
        super().__init__(figure)
        self.on_msg(self._answer)
        self._silent = False
        self._publish()

    @traitlets.default("_bundle")
    def _find_bundle(self) -> Bundle:
        return shared_bundle()

    @property
    def plain(self) -> Figure:
        """The figure as it is now, without a widget."""
        return Figure(self.data, self.layout)

    def draw(self, figure: go.Figure) -> None:
        """Show another figure, any number of traces, in one message to the page."""
        self._silent = True
        try:
            self.data = ()
            self.add_traces(figure.data)
            self.layout = figure.layout
        finally:
            self._silent = False
        self._publish()

    def listen(self, callback: Pointed) -> None:
        """Call back with ("hover" or "click", trace, point) when the pointer is over, or clicks on, a point.

        A point is a number, of an image [row, column].
        """
        self._listeners.append(callback)

    def listen_view(self, callback: Viewed) -> None:
        """Call back with what changes in the layout when somebody zooms or pans in the page."""
        self._viewers.append(callback)

    def _answer(self, widget: Any, content: Any, buffers: Any) -> None:
        """Tell a page that asks whether the kernel is alive that it is."""
        self.send({"answer": content["ask"]})

    @traitlets.observe("hover", "click")
    def _hear_pointer(self, change: Any) -> None:
        """Tell of the points that the pointer is over, unless it was over a figure that is gone."""
        kind, told = change["name"], change["new"]
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
        self.plotly_relayout(changes, source_view_id="page")
        for callback in self._viewers:
            callback(dict(changes))

    def _publish(self, source_view_id: str | None = None) -> None:
        """Let the page have the figure as it is now; what the page itself has changed it need not be told."""
        if not self._silent and source_view_id is None:
            revision = self._drawing.get("revision", 0) + 1
            self._drawing = {"revision": revision, "data": list(self._data), "layout": self._layout_obj._props}

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The live view, and beside it the figure as it is now for readers without a kernel."""
        self._appear()
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {**self.plain._repr_mimebundle_(), "application/vnd.jupyter.widget-view+json": view}

    # plotly's own messages each change a part of the page's figure; here every change publishes the whole
    def _send_relayout_msg(self, layout_data: Any, source_view_id: str | None = None) -> None:
        self._publish(source_view_id)

    def _send_restyle_msg(self, restyle_data: Any, trace_indexes: Any = None, source_view_id: Any = None) -> None:
        self._publish(source_view_id)

    def _send_update_msg(
        self, restyle_data: Any, relayout_data: Any, trace_indexes: Any = None, source_view_id: Any = None
    ) -> None:
        self._publish(source_view_id)

    def _send_animate_msg(self, styles_data: Any, relayout_data: Any, trace_indexes: Any, animation_opts: Any) -> None:
        self._publish()

    def _send_addTraces_msg(self, new_traces_data: Any) -> None:
        self._publish()

    def _send_moveTraces_msg(self, current_inds: Any, new_inds: Any) -> None:
        self._publish()

    def _send_deleteTraces_msg(self, delete_inds: Any) -> None:
        self._publish()


attach(Canvas, lambda canvas: attend(canvas._repr_mimebundle_(), canvas))
