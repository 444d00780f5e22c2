"""Figures leave a small, crisp picture beside plotly's data; where nothing can draw one, that is said once."""

from __future__ import annotations

import base64
import contextlib
import copy
import io
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import plotly.io as pio
import psutil
import pytest
from PIL import Image

from tests.support import tiny
from tests.support.every_figure import drawn
from workbench import figures, widgets
from workbench.figures import _browser
from workbench.figures._browser import Browser, NoBrowserError
from workbench.figures._figure import Figure, describe, read_words
from workbench.figures._stills import StillMaker
from workbench.figures._style import dress
from workbench.widgets._base.panel import Panel

PLOTLY, PNG = "application/vnd.plotly.v1+json", "image/png"
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)  # a PNG of one dot
VIEW = "application/vnd.jupyter.widget-view+json"
MOST_BYTES = 150_000


def figure(**layout: Any) -> Figure:
    return dress(Figure(go.Scatter(y=[1, 3, 2]), layout), "Three points", "joined by lines", "Up and down.", 300)


def look_at(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def test_every_figure_is_looked_at() -> None:
    assert {name.partition("-")[0] for name in drawn()} == set(figures.__all__) - {"save", "numbers"}


@pytest.mark.usefixtures("notebook_renderer")
@pytest.mark.parametrize("name", sorted(set(figures.__all__) - {"save", "numbers"}))
def test_every_figure_has_a_small_crisp_still(name: str) -> None:
    assert isinstance(drawn()[name], Figure)
    shown = drawn()[name]._repr_mimebundle_()
    png = base64.b64decode(shown[PNG])
    picture = look_at(png)
    assert png.startswith(b"\x89PNG")
    assert picture.size == (1800, 2 * drawn()[name].layout.height)
    assert len(png) < MOST_BYTES
    assert len(picture.getcolors(1 << 24) or []) > 10, "it is blank"
    assert shown[PLOTLY]["data"]


def test_a_still_has_the_colours_of_its_figure() -> None:
    colours = dict(look_at(StillMaker().make(figure()) or b"").getcolors(1 << 24) or [])
    assert {(255, 255, 255), (0, 114, 178)} <= {tuple(colour) for colour in colours.values()}, "paper and blue line"


def test_paper_that_can_be_seen_through_is_white() -> None:
    through = figure(width=400).update_layout(paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)")
    picture = look_at(StillMaker().make(through) or b"")
    assert picture.size == (800, 600)
    assert picture.getpixel((2, 2)) == (255, 255, 255)


@pytest.mark.usefixtures("notebook_renderer")
def test_figures_stay_figures_and_others_stay_as_they_are() -> None:
    ours = figure()
    assert isinstance(ours.update_layout(title_text="mine"), Figure)
    assert isinstance(copy.deepcopy(ours), Figure)
    assert json.loads(ours.to_json()) == json.loads(go.Figure(ours).to_json())
    assert set(go.Figure(ours)._repr_mimebundle_()) == {PLOTLY}


@pytest.mark.parametrize(
    ("chosen", "kinds"),
    [
        ("plotly_mimetype", {PLOTLY, PNG}),
        ("plotly_mimetype+png", {PLOTLY, PNG}),
        ("json", {"application/json"}),
        ("png", {PNG}),
        ("", set()),
    ],
)
def test_a_renderer_that_somebody_chose_is_asked_as_ever(
    chosen: str, kinds: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pio.renderers, "default", chosen)
    assert set(figure()._repr_mimebundle_()) == kinds


MOVES: dict[str, Callable[[], tuple[Panel, Callable[[Any], None]]]] = {
    "rollouts": lambda: (widgets.rollouts(tiny.network()), lambda panel: panel.set(frames=3, node="v0")),
    "player": lambda: (widgets.player(tiny.recordings()), lambda panel: panel.set(recording=1)),
    "raster": lambda: (
        widgets.raster({"v1": tiny.recordings().as_ticks([0])}, ticks_per_frame=4), lambda panel: panel.look(0, 1)
    ),
    "convert": lambda: (
        widgets.convert(tiny.ann(), tiny.recordings(), validation=tiny.recordings()),
        lambda panel: panel.set(view="operations"),
    ),
    "operations": lambda: (
        widgets.operations({"ANN": tiny.ann()}, tiny.recordings()), lambda panel: panel.set(view="energy over time")
    ),
    "explore": lambda: (widgets.explore(tiny.snn(), tiny.recordings()), lambda panel: panel.set(recording=1)),
    "compare": lambda: (
        widgets.compare({"ANN": tiny.ann(), "SNN": tiny.snn()}, tiny.recordings()),
        lambda panel: setattr(panel.clock.step, "value", 3),
    ),
}  # fmt: skip


@pytest.mark.usefixtures("notebook_renderer")
@pytest.mark.parametrize("name", MOVES)
def test_a_panel_has_its_still_when_it_is_shown_and_none_is_made_while_it_moves(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def note(figure: dict[str, Any], kind: str, scale: float) -> bytes:
        asked.append(kind)
        return DOT

    monkeypatch.setattr("workbench.figures._stills.draw", note)
    panel, move = MOVES[name]()
    assert asked == []
    assert PNG in panel._repr_mimebundle_()
    for _ in range(3):
        move(panel)
        panel.refresh()
    assert asked == ["png"]
    panel.close()


# where nothing draws

REFUSALS = {
    "no browser": "there is no browser",
    "one that ends": "the browser does not start",
    "one that hangs": "the browser does not start",
    "no kaleido": "kaleido is not installed",
    "no pillow": "pillow is not installed",
}


@pytest.fixture(params=REFUSALS)
def nothing_draws(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Take away what draws; the words that then say so."""
    kind = request.param
    new = Browser(timeout_s=1 if kind == "one that hangs" else 60)
    monkeypatch.setattr(_browser, "_shared_browser", lambda process: new)
    if kind == "no browser":
        monkeypatch.setenv("BROWSER_PATH", "/nowhere/browser")
    elif kind == "no kaleido":
        monkeypatch.setattr(_browser, "_shared_browser", KEEP)
        monkeypatch.setitem(sys.modules, "kaleido", None)
    elif kind == "no pillow":
        monkeypatch.setitem(sys.modules, "PIL", None)
    else:
        path = tmp_path / "browser"
        path.write_text("#!/bin/sh\n" + {"one that ends": "exit 1", "one that hangs": "exec sleep 99"}[kind])
        path.chmod(0o755)
        monkeypatch.setenv("BROWSER_PATH", str(path))
    return REFUSALS[kind]


KEEP = _browser._shared_browser.__wrapped__


@pytest.mark.usefixtures("notebook_renderer")
def test_where_nothing_draws_one_warning_tells_the_cure_and_all_goes_on(
    nothing_draws: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.figures._figure.STILLS", StillMaker())
    cure = rf"{nothing_draws}.*apt-get install chromium.*pip install kaleido pillow.*restart the kernel"
    with pytest.warns(UserWarning, match=cure) as warned:
        shown = [figure()._repr_mimebundle_() for _ in range(3)]
    assert len(warned) == 1
    assert [set(each) for each in shown] == [{PLOTLY}] * 3
    begun = time.monotonic()
    assert set(widgets.rollouts(tiny.network())._repr_mimebundle_()) == {PLOTLY, "text/plain", VIEW}
    assert time.monotonic() - begun < 20, "nobody waits for it again"


def test_a_figure_that_plotly_cannot_draw_is_told_and_the_next_one_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    maker = StillMaker()
    broken = figure()
    monkeypatch.setattr(broken, "to_dict", lambda: {"data": [{"type": "scatter", "y": [1]}], "layout": "none"})
    with pytest.warns(UserWarning, match="this figure is shown without a picture .* plotly cannot draw this figure"):
        assert maker.make(broken) is None
    assert maker.make(figure())


def test_an_interrupt_is_not_remembered_as_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: Any) -> bytes:
        raise KeyboardInterrupt

    maker = StillMaker()
    with monkeypatch.context() as patched:
        patched.setattr("workbench.figures._stills.draw", interrupt)
        with pytest.raises(KeyboardInterrupt):
            maker.make(figure())
    assert maker.make(figure())


# the browser


def children() -> list[psutil.Process]:
    """Those that run; one may end while it is asked."""
    running = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            running += [child] * (child.status() != psutil.STATUS_ZOMBIE)
    return running


SPEC, OPTIONS = figure().to_dict(), {"format": "png", "width": 300, "height": 200, "scale": 1}


def test_a_browser_is_let_go_when_idle_and_comes_back() -> None:
    before = {child.pid for child in children()}
    one = Browser(idle_s=0.2)
    for _ in range(2):
        assert one.draw(SPEC, OPTIONS).startswith(b"\x89PNG")
        deadline = time.monotonic() + 30
        while {child.pid for child in children()} - before:
            assert time.monotonic() < deadline, "it stays"
            time.sleep(0.05)


def test_a_browser_that_has_ended_is_replaced() -> None:
    before = {child.pid for child in children()}
    one = Browser()
    first = one.draw(SPEC, OPTIONS)
    for child in children():
        if child.pid not in before:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
    assert one.draw(SPEC, OPTIONS) == first
    one.close()
    assert {child.pid for child in children()} <= before


def test_many_threads_draw_at_once() -> None:
    one, pictures = Browser(), []
    sizes = [{**OPTIONS, "width": 200 + 10 * number} for number in range(8)]
    run = [threading.Thread(target=lambda size=size: pictures.append((size, one.draw(SPEC, size)))) for size in sizes]
    for thread in run:
        thread.start()
    for thread in run:
        thread.join()
    assert len(pictures) == 8
    assert all(look_at(png).size == (size["width"], 200) for size, png in pictures), "each its own"
    one.close()


def test_no_browser_error_is_a_runtime_error_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER_PATH", "/nowhere/browser")
    with pytest.raises(NoBrowserError, match="apt-get install chromium"):
        Browser().draw(SPEC, OPTIONS)


# words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<b>Two</b> words", "Two words"),
        ("one<br>two<br />three", "one two three"),
        ("a <span style='color:#fff'>b</span> c", "a b c"),
        ("x &lt; y &amp; z", "x < y & z"),
        ("3 < 4, and 5 > 4", "3 < 4, and 5 > 4"),
        ("10<sup>3</sup>", "103"),
        ("", ""),
    ],
)
def test_words_have_no_markup(text: str, words: str) -> None:
    assert read_words(text) == words


@pytest.mark.parametrize(
    ("changed", "title", "alt"),
    [
        ({}, "Three points", "Up and down."),
        ({"title_text": "<i>Mine</i><br>now"}, "Mine now", "Up and down."),
        ({"meta": "words"}, "Three points joined by lines", "Three points joined by lines"),
        ({"meta": None}, "Three points joined by lines", "Three points joined by lines"),
        ({"title": None, "meta": None}, "figure", "figure"),
    ],
)
def test_a_figure_is_described_in_plain_words(changed: dict[str, Any], title: str, alt: str) -> None:
    described = figure()
    for name, value in changed.items():
        described.update_layout({name: value}, overwrite=True)
    assert describe(described) == (title, alt)


def test_the_last_word_of_the_browser_is_not_logged_as_damage(caplog: pytest.LogCaptureFixture) -> None:
    from choreographer.channels import Pipe

    Browser()
    pipe = Pipe()
    pipe.open()
    for said, logged in ((b'{"id": 1}\0{bye}\n\0', 0), (b'{"id": 1}\0{damage\0', 1)):
        os.write(pipe.from_external_to_choreo, said)
        messages, _ = pipe.read_jsons()
        assert list(messages) == [{"id": 1}]
        assert len(caplog.records) == logged
    pipe.close()
