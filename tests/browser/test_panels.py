"""Every panel in a real JupyterLab, one in Voila: it opens, a control moves by keyboard, the figure changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page

from benchmarks.lab import Seen, callback, open_page, run_all, serve_lab, serve_voila, until, write_notebook

PREPARE = """import numpy as np
import workbench as wb
from workbench import figures, widgets
ticks = np.random.default_rng(0).poisson(0.2, (96, 24, 2, 8, 8))
recordings = wb.Recordings.from_ticks(ticks, labels=[0, 1, 2] * 8, ticks_per_frame=12, tick_us=3000)
network = wb.Network({"retina": (2, 8, 8)}, [wb.Edge("retina", "v1", wb.Conv(4, 3)), wb.Edge("v1", "v2", wb.Conv(4, 3)),
    wb.Edge("v2", "v2", wb.Conv(4, 3)), wb.Edge("v2", "class", wb.Dense(3))])
ann = wb.Model(network, seed=0, norm=None).eval()
snn = wb.convert(ann, recordings, percentile=99.9)
activity = snn.run(__import__("torch").from_numpy(recordings.as_ticks([0])))
models = {"ANN": ann, "SNN": snn}"""
BY_EDGE = 'costs = widgets.operations(models, recordings)\ncosts.view.value = "by edge"\ncosts'
PANELS = {  # panel: the cell that makes it, the label of the slider that is moved
    "rollouts": ("widgets.rollouts(network)", "frames"),
    "player": ("widgets.player(recordings)", "recording"),
    "raster": ("widgets.raster(activity, ticks_per_frame=12)", "frames"),
    "convert": ("widgets.convert(ann, recordings, limit=4)", "percentile"),
    "operations": (BY_EDGE, "up to frame"),
    "explore": ("widgets.explore(snn, recordings)", "recording"),
    "compare": ("widgets.compare(models, recordings)", "recording"),
}
LEFT = ("raster", "convert", "operations")  # their sliders begin at the end, or may
DIGEST = """gd => JSON.stringify([gd._fullLayout?.xaxis?.range, gd._fullLayout?.title?.text, (gd._fullData || []).map(
    (trace) => [trace.type, trace.name, ...["x", "y", "z", "customdata"].map(
        (key) => [].concat(...Array.from(trace[key] || [], (each) => Array.from(each.length ? each : [each]))))])])"""
TITLES = """gd => Object.keys(gd._fullLayout).filter((key) => key.startsWith('yaxis'))
    .map((key) => gd._fullLayout[key].title?.text).join()"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with open_page(1300, 2600) as page:
        yield page


@pytest.fixture(scope="module")
def opened(page: Page, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Locator], Seen]]:
    """Every panel by name, opened in one notebook, and what has been seen of the page."""
    folder = tmp_path_factory.mktemp("panels")
    write_notebook(folder / "panels.ipynb", [PREPARE, *(code for code, _ in PANELS.values())])
    with serve_lab(folder) as address:
        seen = callback(page)
        page.goto(address("panels.ipynb"))
        run_all(page)
        cells = page.locator(".jp-Notebook .jp-Cell")
        yield {name: cells.nth(place).locator(".workbench-panel") for place, name in enumerate(PANELS, start=1)}, seen


@pytest.mark.parametrize("name", PANELS)
def test_a_slider_moved_by_keyboard_changes_the_figure(name: str, opened: tuple[dict[str, Locator], Seen]) -> None:
    panels, seen = opened
    panel = panels[name]
    canvas = panel.locator(".workbench-canvas").last
    plot = canvas.locator(".js-plotly-plot")
    plot.wait_for()
    until(plot, "gd => (gd._fullData || []).length > 0")
    before = plot.evaluate(DIGEST)
    row = panel.locator(".widget-hslider", has=plot.page.locator("label", has_text=PANELS[name][1])).first
    handle = row.locator(".noUi-handle").last
    handle.focus()
    handle.press("ArrowLeft" if name in LEFT else "ArrowRight")
    plot.page.wait_for_function(f"([gd, before]) => ({DIGEST})(gd) !== before", arg=[plot.element_handle(), before])
    assert len(canvas.get_attribute("aria-label") or "") > 20
    assert handle.evaluate("handle => getComputedStyle(handle).outlineStyle") == "solid", "focus must be visible"
    assert seen.errors == []
    assert seen.elsewhere == []


def test_the_time_cursor_moves_without_drawing(opened: tuple[dict[str, Locator], Seen]) -> None:
    panel = opened[0]["explore"]
    canvas = panel.locator(".workbench-canvas").last
    plot = canvas.locator(".js-plotly-plot")
    until(plot, "gd => (gd._fullData || []).length > 0")
    place = "canvas => canvas.querySelector('.workbench-cursor i').style.left"
    before = canvas.evaluate(place)
    canvas.evaluate(
        "canvas => canvas.querySelector('.js-plotly-plot').on('plotly_afterplot', () => canvas.drawn = true)"
    )
    row = panel.locator(".widget-hslider", has=plot.page.locator("label", has_text="tick"))
    row.locator(".noUi-handle").press("ArrowLeft")
    plot.page.wait_for_function(f"([c, before]) => ({place})(c) !== before", arg=[canvas.element_handle(), before])
    assert canvas.evaluate("canvas => canvas.drawn") is None


def test_a_click_on_a_spike_shows_its_membrane(opened: tuple[dict[str, Locator], Seen]) -> None:
    panel = opened[0]["explore"]
    plot = panel.locator(".workbench-canvas").last.locator(".js-plotly-plot")
    until(plot, "gd => (gd._fullData || []).some((trace) => trace.name === 'v2' && trace.customdata)")
    spike = plot.evaluate("""gd => {
        const trace = gd._fullData.findIndex((trace) => trace.name === 'v2' && trace.customdata);
        const units = Array.from(gd._fullData[trace].customdata, (spike) => spike.at(-1)); // frame, step, unit
        const point = units.findIndex((unit) => unit > 0);
        gd.emit('plotly_click', { points: [{ curveNumber: trace, pointNumber: point, x: 0, y: 0 }] });
        return units[point];
    }""")
    until(plot, f"gd => ({TITLES})(gd).includes('membrane<br>v2 {spike}')")


def test_a_drag_in_the_raster_zooms(opened: tuple[dict[str, Locator], Seen]) -> None:
    panel = opened[0]["raster"]
    plot = panel.locator(".workbench-canvas").last.locator(".js-plotly-plot")
    until(plot, "gd => (gd._fullData || []).length > 0")
    said = panel.get_by_text("spikes in view")
    before = said.inner_text()
    field = plot.locator(".nsewdrag").first
    box = field.bounding_box()
    assert box is not None
    begin, end = ({"x": box["width"] * part, "y": box["height"] * part} for part in (0.3, 0.6))
    field.drag_to(field, source_position=begin, target_position=end, force=True)
    plot.page.wait_for_function("([said, before]) => said.innerText !== before", arg=[said.element_handle(), before])


def test_stop_works_while_the_cell_waits(page: Page, tmp_path: Path) -> None:
    wait = [
        "panel = widgets.training(ann, recordings, epochs=100_000)\npanel",
        "model, history = await panel\nlen(history)",
    ]
    write_notebook(tmp_path / "training.ipynb", [PREPARE, *wait])
    with serve_lab(tmp_path) as address:
        page.goto(address("training.ipynb"))
        run_all(page)
        stop = page.locator(".workbench-panel button", has_text="Stop")
        stop.wait_for()
        page.wait_for_timeout(1500)  # until the cell that waits has begun
        stop.click()
        page.locator(".workbench-panel").get_by_text("Stopped after").wait_for()
        page.locator(".jp-Cell").nth(2).locator(".jp-OutputArea-output").wait_for()


def test_a_panel_lives_in_voila(page: Page, tmp_path: Path) -> None:
    code = [PREPARE, "widgets.rollouts(network)"]
    with serve_voila(write_notebook(tmp_path / "voila.ipynb", code)) as address:
        seen = callback(page)
        page.goto(address)
        plot = page.locator(".workbench-canvas .js-plotly-plot")
        plot.wait_for()
        until(plot, "gd => (gd._fullData || []).length > 0")
        before = plot.evaluate(DIGEST)
        page.locator(".noUi-handle").first.press("ArrowRight")
        page.wait_for_function(f"([gd, before]) => ({DIGEST})(gd) !== before", arg=[plot.element_handle(), before])
        assert [url for url in seen.elsewhere if "fontawesome" not in url] == [], "that one is Voila's own stylesheet"


SHOWN = {
    "a figure": "figures.rollout(wb.Rollout(network, 4))",
    "a figure in space": "figures.events(recordings[0], recordings.shape, recordings.window_us)",
    "a value": "network",
}


def test_figures_live_in_voila(page: Page, tmp_path: Path) -> None:
    code = [PREPARE, *SHOWN.values(), "widgets.rollouts(network)"]
    page.goto("about:blank")  # the page before may still look for its kernel
    with serve_voila(write_notebook(tmp_path / "figures.ipynb", code)) as address:
        seen = callback(page)
        page.goto(address)
        plots = page.locator(".js-plotly-plot")
        plots.nth(len(SHOWN)).wait_for()
        assert plots.count() == len(SHOWN) + 1
        for number in range(len(SHOWN) + 1):
            until(plots.nth(number), "gd => (gd._fullData || []).length > 0")
            plots.nth(number).hover()
        page.wait_for_timeout(500)
        assert [error for error in seen.errors if "Failed to load resource" not in error] == []
        assert [url for url in seen.elsewhere if "fontawesome" not in url] == [], "that one is Voila's own stylesheet"
