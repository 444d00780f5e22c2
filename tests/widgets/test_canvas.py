"""The canvas without a browser: by its state, which is what a page would be sent."""

import ast
import base64
import gzip
import inspect
import json
import threading
from collections.abc import Callable
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import comm
import numpy as np
import plotly
import plotly.graph_objects as go
import pytest
import traitlets

from tests.support.messages import as_json
from tests.support.tiny import tell
from workbench.figures._style import dress
from workbench.widgets._base import canvas as canvas_module
from workbench.widgets._base.canvas import FORMAT, PLOTLYS_OWN, Canvas, pack, shared_bundle
from workbench.widgets._base.controls import write_footer

JAVASCRIPT = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


def lines(count: int = 2) -> go.Figure:
    figure = go.Figure([go.Scatter(x=np.arange(4.0), y=np.arange(4.0) * i, name=f"line {i}") for i in range(count)])
    return dress(figure, "Lines", "two of them", "Lines.", 300)


def sent(canvas: Canvas) -> dict[str, Any]:
    """The figure that a page finds in the state: what is packed is unpacked."""
    return unpack(canvas.get_state()["_drawing"])


def unpack(value: Any) -> Any:
    if isinstance(value, dict) and "dtype" in value and "buffer" in value:
        return np.frombuffer(value["buffer"], value["dtype"]).reshape(value["shape"]).tolist()
    if isinstance(value, dict):
        return {key: unpack(each) for key, each in value.items()}
    return [unpack(each) for each in value] if isinstance(value, list) else value


def record(canvas: Canvas) -> list[dict[str, Any]]:
    """Every state that the page is sent from now on, its buffers in place."""
    states: list[dict[str, Any]] = []

    def send(data: dict[str, Any], buffers: list[memoryview]) -> None:
        for path, buffer in zip(data["buffer_paths"], buffers, strict=True):
            reduce(getitem, path[:-1], data["state"])[path[-1]] = buffer
        states.append(data["state"])

    canvas.comm.send = send
    return states


def state_of(figure: go.Figure) -> Any:
    """The data and the layout of a figure, numbers in lists."""
    plain = {"data": [trace.to_plotly_json() for trace in figure.data], "layout": figure.layout.to_plotly_json()}
    return unpack(pack(plain))


def assert_sends(canvas: Canvas, figure: go.Figure) -> None:
    drawing = sent(canvas)
    assert {"data": drawing["data"], "layout": drawing["layout"]} == state_of(figure)
    assert json.loads(canvas.plain.to_json()) == json.loads(figure.to_json())


@pytest.mark.parametrize(
    "figure",
    [
        lines(1),
        lines(5),
        go.Figure(),
        go.Figure([go.Bar(y=[1, 2]), go.Heatmap(z=np.eye(3)), go.Scatter3d(x=[1], y=[1], z=[1])]),
    ],
)
def test_drawing_replaces_everything(figure: go.Figure) -> None:
    canvas = Canvas(lines(3))
    before, states = canvas._drawing["revision"], record(canvas)
    canvas.draw(figure)
    assert_sends(canvas, figure)
    assert [list(state) for state in states] == [["_drawing"]], "one message for one figure"
    assert canvas._drawing["revision"] == before + 1
    canvas.draw(lines(2))
    assert_sends(canvas, lines(2))


def test_the_figure_that_is_drawn_stays_as_it_is() -> None:
    figure = lines()
    before = figure.to_json()
    canvas = Canvas(lines(1))
    canvas.draw(figure)
    canvas.data[0].y = [9, 9, 9, 9]
    canvas.update_layout(title_text="other")
    assert figure.to_json() == before


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64"])
@pytest.mark.parametrize("shape", [(6,), (2, 3), (0,), (0, 3)])
def test_numbers_travel_as_buffers(kind: str, shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape)).astype(kind).reshape(shape)
    packed = pack(values)
    assert (packed["dtype"], packed["shape"]) == (kind, shape)
    np.testing.assert_array_equal(np.frombuffer(packed["buffer"], kind).reshape(shape), values)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.array([1, -(2**31)]), "int32"),
        (np.array([2**31 - 1], dtype=np.uint64), "int32"),
        (np.array([0, 2**31]), "float64"),
        (np.array([-(2**63)]), "float64"),
        (np.zeros(3, dtype=np.float16), "float32"),
        (np.ones(3, dtype=np.longdouble), "float64"),
        (np.array([1.5], dtype=">f4"), "float32"),
        (np.array([7], dtype=">i2"), "int16"),
        (np.arange(12.0).reshape(3, 4).T, "float64"),
        (np.arange(12.0)[::3], "float64"),
    ],
)
def test_no_number_is_sent_in_a_kind_that_browsers_lack(values: np.ndarray, kind: str) -> None:
    packed = pack({"x": values})["x"]
    assert packed["dtype"] == kind
    unpacked = np.frombuffer(packed["buffer"], kind).reshape(packed["shape"])
    np.testing.assert_array_equal(unpacked, values.astype(np.float64))


def test_all_else_travels_as_lists() -> None:
    assert pack(np.array(["a", None], dtype=object)) == ["a", None]
    assert pack(np.array(["ab", "c"])) == ["ab", "c"]
    assert pack(np.array([True, False])) == [True, False]
    assert pack((np.float32(0.5), [np.int64(3)])) == [0.5, [3]]
    assert pack(np.array(2.5)) == 2.5
    assert pack(np.zeros((1, 1, 2))) == [[[0.0, 0.0]]]
    assert pack({"a": None, "b": "c", "d": 1}) == {"a": None, "b": "c", "d": 1}


def move_points(canvas: Canvas) -> None:
    canvas.data[0].x = [5, 6, 7, 8]


def batch(canvas: Canvas) -> None:
    with canvas.batch_update():
        canvas.data[0].y = [1, 1, 1, 1]
        canvas.layout.title.text = "both"


def animate(canvas: Canvas) -> None:
    with canvas.batch_animate():
        canvas.data[0].y = [1, 1, 1, 1]
        canvas.layout.title.text = "both"


@pytest.mark.parametrize(
    "change",
    [
        move_points,
        batch,
        animate,
        lambda canvas: setattr(canvas, "layout", {"height": 77}),
        lambda canvas: canvas.layout.update(title_text="new"),
        lambda canvas: canvas.plotly_relayout({"title.text": "new"}),
        lambda canvas: canvas.plotly_restyle({"name": "changed"}, 1),
        lambda canvas: canvas.add_traces([go.Bar(y=[1]), go.Bar(y=[2])]),
        lambda canvas: canvas.update_layout(title_text="new"),
        lambda canvas: canvas.update_xaxes(range=[0, 1]),
        lambda canvas: canvas.update_traces(line_width=7),
        lambda canvas: canvas.add_trace(go.Bar(y=np.arange(3))),
        lambda canvas: canvas.add_annotation(text="here", x=1, y=1),
        lambda canvas: setattr(canvas, "data", canvas.data[::-1]),
        lambda canvas: setattr(canvas, "data", canvas.data[:1]),
        lambda canvas: canvas.plotly_update({"name": "changed"}, {"height": 77}),
    ],
)
def test_every_ordinary_change_is_published(change: Callable[[Canvas], None]) -> None:
    canvas = Canvas(lines())
    revision, before, states = canvas._drawing["revision"], sent(canvas), record(canvas)
    change(canvas)
    assert canvas._drawing["revision"] > revision
    assert {key for state in states for key in state} == {"_drawing"}
    assert unpack(states[-1]["_drawing"]) == sent(canvas)
    assert {key: sent(canvas)[key] for key in ("data", "layout")} != {key: before[key] for key in ("data", "layout")}
    assert_sends(canvas, canvas.plain)


def test_any_number_of_canvases_carry_plotly_once() -> None:
    first, second = Canvas(lines()), Canvas(lines(1))
    assert first._bundle is second._bundle is shared_bundle()
    assert gzip.decompress(base64.b64decode(first._bundle.packed)) == JAVASCRIPT.read_bytes()
    assert first.get_state()["_bundle"] == second.get_state()["_bundle"] == f"IPY_MODEL_{shared_bundle().model_id}"


@pytest.mark.parametrize("order", [[1], [2, 0], [2, 1, 0], []])
def test_traces_are_taken_away_or_moved_in_one_message(order: list[int]) -> None:
    canvas = Canvas(lines(3))
    states = record(canvas)
    canvas.data = [canvas.data[place] for place in order]
    (state,) = states
    assert [trace["name"] for trace in state["_drawing"]["data"]] == [f"line {place}" for place in order]


def test_a_new_canvas_publishes_once() -> None:
    figure = lines()
    figure.layout.template = None  # plotly gives it one
    assert Canvas(figure)._drawing["revision"] == 1


def test_what_another_thread_changes_meanwhile_is_published() -> None:
    canvas = Canvas(lines())
    revision = canvas._drawing["revision"]
    with canvas._edits.skip():
        other = threading.Thread(target=lambda: canvas.update_layout(height=321))
        other.start()
        other.join()
        canvas.update_layout(title_text="not yet")
        assert canvas._drawing["revision"] == revision + 1
    assert canvas._drawing["layout"]["height"] == 321


def test_nothing_of_plotlys_own_state_travels() -> None:
    assert "_drawing" in Canvas(lines()).get_state()
    assert not PLOTLYS_OWN & Canvas(lines()).get_state().keys()


ZOOM = {"xaxis.range[0]": 1, "xaxis.range[1]": 2}


def test_the_page_zooms_and_is_not_told_what_it_knows() -> None:
    canvas, heard = Canvas(lines()), []
    canvas.listen_view(lambda changes: heard.append((changes, canvas.layout.xaxis.range)))
    revision, states = canvas._drawing["revision"], record(canvas)
    tell(canvas, "view", changes=ZOOM)
    assert heard == [(ZOOM, (1, 2))], "listeners find the zoom in the layout"
    assert states == []
    assert canvas._drawing["revision"] == revision
    assert sent(canvas)["layout"]["xaxis"]["range"] == [1, 2], "a page that is opened late finds the zoom"
    canvas.update_layout(height=123)
    assert states[-1]["_drawing"]["layout"]["xaxis"]["range"] == [1, 2], "what Python changes next keeps the zoom"


def test_the_same_zoom_is_heard_again() -> None:
    canvas, heard = Canvas(lines()), []
    canvas.listen_view(heard.append)
    for _ in range(2):
        tell(canvas, "view", changes={"xaxis.autorange": True})
    assert heard == [{"xaxis.autorange": True}] * 2
    revision = canvas._drawing["revision"]
    canvas.update_layout(height=123)
    assert canvas._drawing["revision"] == revision + 1, "a zoom that changes nothing hides no change that follows"


def test_what_a_zoom_brings_about_in_python_is_published() -> None:
    canvas = Canvas(lines())
    states = record(canvas)
    canvas.layout.on_change(lambda layout, span: layout.update(yaxis_range=span), "xaxis.range")
    tell(canvas, "view", changes=ZOOM)
    assert states[-1]["_drawing"]["layout"]["yaxis"]["range"] == [1, 2]
    canvas.layout.on_change(lambda layout, span: canvas.draw(lines(1)), "xaxis.range")
    tell(canvas, "view", changes={"xaxis.range[0]": 0})
    assert len(states[-1]["_drawing"]["data"]) == 1


def points(*places: tuple[int, Any]) -> list[dict[str, Any]]:
    return [{"trace": trace, "point": point, "x": 0, "y": None} for trace, point in places]


@pytest.mark.parametrize("kind", ["hover", "click"])
def test_the_pointer_is_heard(kind: str) -> None:
    canvas, heard = Canvas(lines()), []
    canvas.listen(lambda *what: heard.append(what))
    states = record(canvas)
    for _ in range(2):
        tell(canvas, kind, revision=canvas._drawing["revision"], points=points((1, 2), (0, [3, 4])))
    assert heard == [(kind, 1, 2), (kind, 0, [3, 4])] * 2
    assert states == [], "nothing goes back"


@pytest.mark.parametrize("kind", ["hover", "click"])
def test_plotlys_own_callbacks_of_a_trace_are_called(kind: str) -> None:
    canvas, heard = Canvas(lines()), []
    getattr(canvas.data[1], f"on_{kind}")(lambda trace, found, state: heard.append((trace.name, found.point_inds)))
    for _ in range(2):
        tell(canvas, kind, revision=canvas._drawing["revision"], points=points((1, 2)))
    assert heard == [("line 1", [2])] * 2


def test_the_pointer_over_a_figure_that_is_gone_is_not_heard() -> None:
    canvas, heard = Canvas(lines(3)), []
    canvas.listen(lambda *what: heard.append(what))
    revision = canvas._drawing["revision"]
    tell(canvas, "hover", revision=revision, points=points((2, 0)))
    canvas.draw(lines(1))
    tell(canvas, "hover", revision=revision, points=points((2, 0)))
    assert heard == [("hover", 2, 0)]


def test_a_listener_may_draw_another_figure() -> None:
    canvas = Canvas(lines(3))
    canvas.listen(lambda *what: canvas.draw(lines(1)))
    canvas.listen_view(lambda change: canvas.draw(lines(2).update_xaxes(range=[0, 9])))
    tell(canvas, "click", revision=canvas._drawing["revision"], points=points((2, 0)))
    assert_sends(canvas, lines(1))
    tell(canvas, "view", changes={"xaxis.range[0]": 5, "xaxis.range[1]": 6})
    assert_sends(canvas, lines(2).update_xaxes(range=[0, 9]))


def test_no_edit_is_waited_for() -> None:
    canvas, done = Canvas(lines()), []
    canvas.update_layout(height=123)
    canvas.on_edits_completed(lambda: done.append(True))
    assert done == [True]


def test_a_page_that_asks_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    canvas, answers = Canvas(lines()), []
    monkeypatch.setattr(canvas, "send", lambda content, buffers=None: answers.append(content))
    canvas._handle_custom_msg({"ask": "alive"}, [])
    assert answers == [{"answer": "alive"}]


def test_the_cursor_moves_without_drawing() -> None:
    canvas = Canvas(lines())
    revision = canvas._drawing["revision"]
    canvas.cursor = 2.5
    assert canvas.get_state("cursor") == {"cursor": 2.5}
    assert canvas._drawing["revision"] == revision


def test_the_state_is_small_and_the_same_for_the_same_figure() -> None:
    first, second = (Canvas(lines()).get_state() for _ in range(2))
    assert first.pop("_own") != second.pop("_own"), "but its name"
    assert as_json(first) == as_json(second)
    assert len(as_json(first)) < 60_000


def test_a_page_is_opened_with_the_whole_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[dict[str, Any]] = []
    make = comm.create_comm
    monkeypatch.setattr(comm, "create_comm", lambda **options: opened.append(options) or make(**options))
    canvas = Canvas(lines())
    opening = next(each for each in opened if "_drawing" in each["data"]["state"])
    assert opening["comm_id"] == opening["data"]["state"]["_own"] == canvas.model_id
    assert len(opening["data"]["state"]["_drawing"]["data"]) == 2
    assert opening["data"]["state"]["_drawing"]["format"] == FORMAT
    assert f"const FORMAT = {FORMAT};" in Canvas._esm


def test_a_page_that_has_missed_a_figure_is_given_it() -> None:
    canvas = Canvas(lines())
    canvas.cursor = 2.0
    states = record(canvas)
    canvas.send = lambda content: None
    for revision in (canvas._drawing["revision"], 0):
        canvas._handle_custom_msg({"ask": "state", "revision": revision}, [])
    assert [("_drawing" in state, state["cursor"]) for state in states] == [(False, 2.0), (True, 2.0)]


def test_a_still_has_a_footer_and_is_known_to_be_old_when_the_figure_changes() -> None:
    canvas = Canvas(lines())
    canvas._footer = write_footer("Controls: a < b.")
    left = canvas.leave("view")
    assert left.layout.title.text.endswith("Controls: a &lt; b.</span>")
    assert left.layout.height == canvas.layout.height + canvas._footer["px"]
    assert canvas.has_left("view")
    canvas.draw(lines(1))
    assert not canvas.has_left("view")
    canvas.leave("view")
    canvas._footer = write_footer("Controls: a.")
    assert not canvas.has_left("view")


def test_a_view_brings_the_figure_for_readers_without_a_kernel(notebook_renderer: None) -> None:
    bundle = Canvas(lines())._repr_mimebundle_()
    assert len(bundle["application/vnd.plotly.v1+json"]["data"]) == 2
    assert bundle["application/vnd.jupyter.widget-view+json"]["version_major"] == 2


PRIVATE: dict[str, Callable[[], bool]] = {
    # grows with every edit of data or layout: each is published
    "_last_layout_edit_id": lambda: is_trait("_last_layout_edit_id", traitlets.Integer),
    # calls back whom `on_hover` and `on_click` of a trace have registered
    "_js2py_pointsCallback": lambda: is_trait("_js2py_pointsCallback", traitlets.Dict),
    # whether a trace without a `uid` is given one
    "_set_trace_uid": lambda: go.FigureWidget._set_trace_uid is True,
    # the name under which ipywidgets opens a widget
    "_model_id": lambda: hasattr(go.FigureWidget(), "_model_id"),
    # of anywidget's and IPython's interfaces, which plotly follows as we do
    "_esm": lambda: hasattr(go.FigureWidget, "_esm"),
    "_repr_mimebundle_": lambda: takes("_repr_mimebundle_", "include", "exclude"),
}
"""Each private name of plotly that the canvas uses, and whether the plotly that is installed has it as it must be."""


def is_trait(name: str, kind: type[traitlets.TraitType]) -> bool:
    return isinstance(go.FigureWidget.class_traits().get(name), kind)


def takes(name: str, *parameters: str) -> bool:
    """Whether plotly has a method that can be called with these parameters by name."""
    method = getattr(go.FigureWidget, name, None)
    return inspect.isfunction(method) and {"self", *parameters} <= inspect.signature(method).parameters.keys()


def private_names(*values: Any) -> set[str]:
    """The private names of the values and of their classes, whoever has given them."""
    names = {name for value in values for each in (value, *type(value).__mro__) for name in vars(each)}
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


def names_in(source: str) -> set[str]:
    """Every name that a module defines in a class, asks an object for, or writes as a text."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


@pytest.mark.parametrize("name", PRIVATE)
def test_plotly_has_each_private_name_that_the_canvas_uses(name: str) -> None:
    assert PRIVATE[name](), f"plotly {plotly.__version__} has {name} no more, or as something else: mend canvas.py"


def test_the_canvas_uses_no_other_private_name_of_plotly() -> None:
    theirs = private_names(go.FigureWidget(), go.Scatter(), go.Layout())
    used = names_in(Path(canvas_module.__file__).read_text(encoding="utf-8")) & theirs
    assert used - PRIVATE.keys() == set(), f"private in plotly {plotly.__version__}: do without, or list it in PRIVATE"
    assert PRIVATE.keys() - used == set(), "used no more, or private no more: take it out of PRIVATE"


def test_the_page_uses_no_name_of_plotlys_own_state() -> None:
    source = Canvas._esm
    assert {name for name in PLOTLYS_OWN if name in source} == set()


def test_the_canvas_replaces_nothing_public_of_plotly_unawares() -> None:
    public = {name for name in vars(Canvas) if not name.startswith("_")}
    assert public & {*dir(go.FigureWidget)} == {"data", "on_edits_completed"}
