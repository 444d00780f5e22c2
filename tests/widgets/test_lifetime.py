"""Panels end: closed, dropped or replaced, they leave no thread, no widget and no model behind."""

from __future__ import annotations

import gc
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets
import psutil
import pytest
from ipywidgets.widgets import widget as registry
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import run_kernel

from tests.support import swept, tiny
from tests.support.notebook_code import PREPARE
from workbench import widgets
from workbench.widgets._background.worker import Worker
from workbench.widgets._base.canvas import Bundle, Canvas
from workbench.widgets._base.panel import Panel, child_widgets

PANELS: dict[str, Callable[[], Panel]] = {
    "rollouts": lambda: widgets.rollouts(tiny.network()),
    "player": lambda: widgets.player(tiny.recordings()),
    "raster": lambda: widgets.raster({"v1": tiny.recordings().as_ticks([0])}, ticks_per_frame=4),
    "sweep": lambda: widgets.sweep(swept.hang, {"a": range(2, 6)}, "here"),
    "training": lambda: widgets.training(tiny.ann(), tiny.recordings(), epochs=100_000),
    "convert": lambda: widgets.convert(tiny.ann(), tiny.recordings(), validation=tiny.recordings()),
    "operations": lambda: widgets.operations({"ANN": tiny.ann(), "SNN": tiny.snn()}, tiny.recordings()),
    "explore": lambda: widgets.explore(tiny.snn(), tiny.recordings()),
    "compare": lambda: widgets.compare({"ANN": tiny.ann(), "SNN": tiny.snn()}, tiny.recordings()),
}
FULL = 50  # openings
MOST_MB = 12.0  # that memory may grow by from the second opening to the last


def close_from_inside(widget: ipywidgets.Widget) -> None:
    """Close every child, then the widget itself, as somebody does who knows nothing of panels."""
    for child in getattr(widget, "children", ()):
        close_from_inside(child)
    widget.close()


def drop(panel: Panel) -> None:
    """Let go of a panel when nothing is computed for it any more."""
    if isinstance(panel, widgets.TrainingPanel):
        panel.stop.click()
        panel.result()
    settle()


ENDS: dict[str, Callable[[Panel], None]] = {
    "closed": lambda panel: panel.close(),
    "closed child by child": close_from_inside,
    "dropped": drop,
}


@pytest.fixture(autouse=True, scope="module")
def old_objects() -> Iterator[None]:
    """Garbage is looked for among what is made here, not among the millions of objects of all tests before."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def settle() -> None:
    """Wait until no thread of ours computes."""
    deadline = time.monotonic() + 60
    while any(thread.name.startswith("workbench ") and thread.name != "workbench browser"
              for thread in threading.enumerate()):  # fmt: skip
        assert time.monotonic() < deadline, "something is computed for ever"
        time.sleep(0.005)


def live_widgets() -> int:
    return sum(not isinstance(each, Bundle) for each in registry._instances.values())


@contextmanager
def nothing_left() -> Iterator[None]:
    """What was made inside is gone at the end: threads and widgets."""
    gc.collect()
    settle()
    threads, open_before = threading.active_count(), live_widgets()
    yield
    gc.collect()
    assert threading.active_count() <= threads
    assert live_widgets() == open_before


@pytest.mark.soak
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("name", PANELS)
def test_a_panel_opened_many_times_takes_no_more_memory_than_once(
    name: str, end: str, tenth: Callable[[int], int]
) -> None:
    def open_and_end() -> None:
        panel = PANELS[name]()
        gone, figure_gone = weakref.ref(panel), weakref.ref(panel.figure)
        ENDS[end](panel)
        del panel
        gc.collect()
        assert gone() is None
        assert figure_gone() is None

    for _ in range(2):  # what is loaded and compiled at the first time stays
        open_and_end()
    with nothing_left():
        before = psutil.Process().memory_info().rss
        for _ in range(tenth(FULL) - 2):
            open_and_end()
        assert (psutil.Process().memory_info().rss - before) / 1e6 < MOST_MB


@pytest.mark.parametrize("end", ENDS)
def test_a_panel_releases_its_model(end: str) -> None:
    with nothing_left():
        ann = tiny.ann().copy()
        panel = widgets.convert(ann, tiny.recordings(), validation=tiny.recordings())
        gone = [weakref.ref(ann), weakref.ref(panel.model)]
        ENDS[end](panel)
        del panel, ann
        gc.collect()
        assert [each() for each in gone] == [None, None]


@pytest.mark.parametrize("name", PANELS)
def test_an_open_panel_holds_no_thread_while_nothing_is_computed(name: str) -> None:
    settle()
    threads = threading.active_count()
    panel = PANELS[name]()
    if isinstance(panel, widgets.TrainingPanel):
        panel.stop.click()
        panel.result()
    settle()
    assert threading.active_count() <= threads
    panel.close()


def test_what_a_closed_panel_has_not_begun_is_left_out_and_what_it_has_is_waited_for() -> None:
    begun, go, asked = threading.Event(), threading.Event(), []

    def compute(number: int) -> int:
        begun.set()
        assert go.wait(20)
        asked.append(number)
        return number

    worker = Worker()
    outcomes = [worker.submit(compute, number) for number in range(5)]
    assert begun.wait(20)
    threading.Timer(0.2, go.set).start()
    worker.close()
    assert asked == [0]
    assert [outcome.cancelled() for outcome in outcomes] == [False, True, True, True, True]
    assert worker.submit(compute, 7).result(20) == 7, "it can be asked again"


def test_a_worker_may_close_itself() -> None:
    worker = Worker()
    assert worker.submit(worker.close).result(20) is None


@pytest.mark.parametrize("name", sorted(set(PANELS) - {"training", "sweep"}))
def test_a_closed_panel_can_still_be_read_and_opens_again_when_shown(name: str) -> None:
    with nothing_left():
        panel = PANELS[name]()
        before = panel.table.copy()
        for _ in range(2):
            panel.close()
            panel.close()
            assert panel.table.equals(before)
            assert panel.comm is None
            view = panel._repr_mimebundle_()["application/vnd.jupyter.widget-view+json"]
            assert view["model_id"] == panel.model_id
            parts = [panel, *child_widgets(panel)]
            assert all(registry._instances[part.model_id].model_id == part.model_id for part in parts)
            assert f"IPY_MODEL_{panel.figure.model_id}" in panel.get_state("children")["children"]
        panel.close()
        del panel, parts


def test_a_control_of_a_closed_panel_does_no_harm() -> None:
    panel = PANELS["convert"]()
    panel.close()
    panel.percentile.value = 99.0
    assert panel.model.ticks_per_frame == 4
    panel.wait()
    assert panel.selection["percentile"] == 99.0
    panel.close()
    settle()


def test_what_a_page_shows_stays_though_nobody_holds_it() -> None:
    with nothing_left():
        shown = weakref.ref(panel := PANELS["rollouts"]())
        panel._repr_mimebundle_()
        del panel
        gc.collect()
        assert shown() is not None
        shown().close()


def test_a_container_of_ones_own_keeps_a_panel_and_a_figure_keeps_its_panel() -> None:
    with nothing_left():
        inside = weakref.ref(panel := PANELS["explore"]())
        box = ipywidgets.VBox([panel])
        canvas: Canvas = panel.figure
        del panel
        settle()
        gc.collect()
        assert inside() is not None
        box.close()
        box.layout.close()
        del box
        gc.collect()
        assert inside() is not None, "the figure answers to the pointer"
        del canvas
        gc.collect()
        assert inside() is None


def test_a_page_that_closes_its_side_closes_the_panel() -> None:
    with nothing_left():
        panel = PANELS["rollouts"]()
        panel.comm.handle_close({})
        assert panel.comm is None
        del panel


@pytest.mark.parametrize("mistake", [{"frames": 99}, {"frames": None}])
def test_a_panel_that_could_not_be_made_leaves_no_noise(mistake: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be a whole number"):
        widgets.rollouts(tiny.network(), **mistake)
    gc.collect()  # an error in __del__ would be raised by pytest


def test_a_training_that_is_closed_gives_the_best_so_far() -> None:
    panel = PANELS["training"]()
    while not panel.bar.value:
        time.sleep(0.01)
    panel.close()
    assert not panel._thread.is_alive()
    model, history = panel.result()
    assert model is not None
    assert len(history) < 100_000


# cells that run again

ALIVE = """import gc, threading
_ = gc.collect()
print(sum(issubclass(type(each), Panel) for each in gc.get_objects()),
      sum(thread.name.startswith("workbench ") for thread in threading.enumerate()))"""
AGAIN = (
    PREPARE
    + """
import numpy as np
from workbench.widgets._base.panel import Panel
recordings = wb.Recordings.from_ticks(np.ones((8, 3, 2, 5, 5), dtype=int), labels=[0, 1, 1], ticks_per_frame=2)
ann = wb.Model(wb.Network({"eye": (2, 5, 5)}, [wb.Edge("eye", "v1", wb.Dense(4)), wb.Edge("v1", "hand", wb.Dense(2))]),
    norm=None)
snn = wb.convert(ann, recordings, percentile=99.9)"""
)


class Notebook:
    """A kernel that is asked as JupyterLab asks: with the name of the cell."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self.client = client

    def run(self, code: str, cell: str | None = None) -> str:
        """What a cell prints; its errors are raised."""
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        return self.send("execute_request", content, metadata={"cellId": cell} if cell else {})

    def send(self, kind: str, content: dict[str, Any], metadata: dict[str, Any] | None = None) -> str:
        """What is printed in answer to a message."""
        request = self.client.session.msg(kind, content, metadata=metadata)
        self.client.shell_channel.send(request)
        printed = ""
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != request["header"]["msg_id"]:
                continue
            if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
                printed += message["content"]["text"]
            elif message["msg_type"] == "error":
                raise AssertionError("\n".join(message["content"]["traceback"]))
            elif message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return printed


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    home = {"IPYTHONDIR": str(tmp_path_factory.mktemp("ipython")), "BROWSER_PATH": "/nowhere/browser"}  # no stills
    with run_kernel(kernel_name="python3", env=os.environ | home) as client:
        notebook = Notebook(client)
        notebook.run(AGAIN)
        yield notebook


def count(notebook: Notebook) -> list[int]:
    """Panels that are alive, and threads of ours, once both have stayed the same for a second."""
    deadline, found, since = time.monotonic() + 60, notebook.run(ALIVE), time.monotonic()
    while time.monotonic() - since < 1 and time.monotonic() < deadline:
        time.sleep(0.2)
        before, found = found, notebook.run(ALIVE)
        since = since if found == before else time.monotonic()
    return [int(number) for number in found.split()]


AGAIN_AND_AGAIN = (
    "panel = widgets.explore(snn, recordings)\npanel",
    "widgets.explore(snn, recordings)",
    "display(widgets.explore(snn, recordings))",
    "widgets.convert(ann, recordings)",
    "panel = widgets.training(ann, recordings, epochs=100_000)\npanel",
)


@pytest.mark.parametrize("code", AGAIN_AND_AGAIN)
def test_a_cell_that_runs_again_closes_the_panel_that_it_showed(code: str, notebook: Notebook) -> None:
    before, _ = count(notebook)
    notebook.run(code, cell=code)
    panels, threads = count(notebook)
    for _ in range(3):
        notebook.run(code, cell=code)
    panels_after, threads_after = count(notebook)
    assert panels_after == panels <= before + 1
    assert threads_after <= threads + 1  # one that still computes; of three that were left there would be three more


def test_a_panel_that_another_cell_shows_or_a_variable_holds_is_no_less_alive(notebook: Notebook) -> None:
    make = "kept = widgets.rollouts(network)\nkept"
    notebook.run("shown = []", cell="first")
    notebook.run(f"{make}\nshown.append(kept)\nkept", cell="here")
    notebook.run("shown[0]", cell="there")
    notebook.run(f"{make}\nshown.append(kept)\nkept", cell="here")
    assert notebook.run("print([panel.comm is None for panel in shown])") == "[False, False]\n", "there it still stands"
    notebook.run("shown[1]", cell="there")
    assert notebook.run("print([panel.comm is None for panel in shown])") == "[True, False]\n"
    notebook.run("shown[0]", cell="there")
    assert notebook.run("print([panel.comm is None for panel in shown], len(shown[0].table))") == "[False, False] 18\n"


def test_without_the_name_of_a_cell_nothing_is_closed(notebook: Notebook) -> None:
    for _ in range(2):
        notebook.run("several = [*globals().get('several', []), widgets.rollouts(network)]\nseveral[-1]")
    assert notebook.run("print([panel.comm is None for panel in several])") == "[False, False]\n"


INTERACT = """import ipywidgets
slider = ipywidgets.IntSlider(3, 1, 5)
slider.observe(lambda change: display(figures.rollout(wb.Rollout(network, change["new"]))), "value")
print(slider.comm.comm_id)"""


def test_what_a_control_shows_does_not_wait_for_a_still(notebook: Notebook) -> None:
    notebook.run("from workbench.figures import _stills as stills\nasked = []\nstills.STILLS.refused = False")
    notebook.run("stills.draw = lambda figure, *more: asked.append(figure) or b''")
    notebook.run("stills.reduce_colours = lambda png: png")
    slider = notebook.run(INTERACT).strip()
    for value in (4, 5):
        notebook.send("comm_msg", {"comm_id": slider, "data": {"method": "update", "state": {"value": value}}})
    assert notebook.run("print(slider.value, len(asked))") == "5 0\n"
    assert notebook.run("slider.value = 2\nprint(len(asked))") == "1\n", "a cell moved it"
