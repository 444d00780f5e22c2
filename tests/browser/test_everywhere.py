"""Every panel everywhere and for everyone: at any width, by day and night, with names that are long or markup."""

from __future__ import annotations

import base64
import io
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import nbformat
import pytest
from PIL import Image
from playwright.sync_api import Page

from benchmarks.lab import open_page, run_all, serve_lab, write_notebook

PREPARE = """import numpy as np
import torch
import workbench as wb
from workbench import widgets
ticks = np.random.default_rng(0).poisson(0.2, (24, 6, 2, 6, 6))
classes = ("left", "right", "<b>x</b> & " + "a long name " * 6)
recordings = wb.Recordings.from_ticks(ticks, labels=[2, 0, 1] * 2, classes=classes, ticks_per_frame=6, tick_us=3000)
edges = [wb.Edge("retina", "v1", wb.Conv(4, 3)), wb.Edge("v1", "class", wb.Dense(3))]
network = wb.Network({"retina": (2, 6, 6)}, edges)
ann = wb.Model(network, seed=0, norm=None).eval()
snn = wb.convert(ann, recordings, percentile=99.9)
activity = snn.run(torch.from_numpy(recordings.as_ticks([0])))
long = "the SNN, of a name so long that no list of choices holds it in a narrow page"
models = {"ANN <i>& so on</i>": ann, long: snn}"""
PANELS = {
    "rollouts": "widgets.rollouts(network)",
    "player": "widgets.player(recordings)",
    "raster": "widgets.raster(activity, ticks_per_frame=6)",
    "convert": "widgets.convert(ann, recordings, recordings, limit=4)",
    "operations": "widgets.operations(models, recordings)",
    "explore": "widgets.explore(snn, recordings)",
    "compare": "widgets.compare(models, recordings)",
    "sweep": "swept = widgets.sweep(lambda k: {'gain': k % 3, 'cost': k}, {'k': [1, 2, 4]}, 'here')\nswept",
    "training": "training = widgets.training(ann, recordings, epochs=2)\ntraining",
}
WIDTHS = (2000, 1600, 1250, 800, 400)  # the page's; the file browser takes some 300, and is closed at 400
DRAWN = """(count) => {
    const canvases = [...document.querySelectorAll('.workbench-canvas')];
    const drawn = (canvas) => canvas.querySelector('.js-plotly-plot')?._fullData
        && !canvas.innerText.includes('Drawing');
    return canvases.length >= count && canvases.every(drawn);
}"""
CANVASES = len(PANELS) + 1  # explore has two
WITHIN = """() => [...document.querySelectorAll('.workbench-panel')].every((panel) => panel.clientWidth > 200
    && panel.scrollWidth <= panel.clientWidth
    && [...panel.querySelectorAll('.main-svg')].every((svg) => svg.clientWidth <= panel.clientWidth))"""
NARROW = """() => [...document.querySelectorAll('.workbench-panel')].flatMap((panel) => {
    const said = [], right = panel.getBoundingClientRect().right + 1, name = panel.innerText.slice(0, 20);
    for (const track of panel.querySelectorAll('.noUi-target')) {
        if (track.clientWidth < 119) said.push(`${name}: a track of ${track.clientWidth} px`);
    }
    for (const part of panel.querySelectorAll('label, select, button, input, .noUi-target, .widget-readout')) {
        const leaves = part.getBoundingClientRect().right > right;
        if (leaves) said.push(`${name}: ${part.outerHTML.slice(0, 80)} leaves the panel`);
    }
    for (const label of panel.querySelectorAll('label, .widget-readout')) {
        const cut = label.offsetWidth && label.scrollWidth > label.clientWidth + 1;
        if (cut) said.push(`${name}: ${label.innerText} is cut`);
    }
    return said;
})"""
NAMELESS = """() => [...document.querySelectorAll('.workbench-panel')].flatMap((panel) => {
    const controls = panel.querySelectorAll('button, select, input, [role=slider], [contenteditable=true]');
    return [...controls].filter((control) => control.checkVisibility()).flatMap((control) => {
        const labels = [...(control.labels ?? [])].map((label) => label.innerText).join();
        const name = control.ariaLabel || labels || control.innerText, what = control.outerHTML.slice(0, 90);
        const hint = control.closest('[title]')?.title ?? control.dataset.title;
        return [...(name ? [] : [`no name: ${what}`]), ...(hint && hint !== 'null' ? [] : [`no hint: ${what}`])];
    });
})"""
FAINT = """() => {
    const parse = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map(Number).map((c) => c / 255)
        .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const luminance = (colour) => parse(colour).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const words = '.gtitle, .xtick text, .ytick text, .xtitle, .ytitle, .legendtext, .annotation-text';
    return [...document.querySelectorAll('.workbench-canvas')].flatMap((canvas) => {
        const paper = luminance(getComputedStyle(canvas.querySelector('.main-svg')).backgroundColor);
        return [...canvas.querySelectorAll(words)].filter((text) => {
            const ink = luminance(getComputedStyle(text).fill), [dark, light] = [ink, paper].sort((a, b) => a - b);
            return (light + 0.05) / (dark + 0.05) < 4.5;
        }).map((text) => text.textContent);
    });
}"""
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
RUN_AXE = """async () => {
    const found = await axe.run('.workbench-panel', { resultTypes: ['violations'] });
    return found.violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
        .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`);
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the notebooks of these tests lie."""
    return tmp_path_factory.mktemp("everywhere")


@pytest.fixture(scope="module")
def lab(folder: Path) -> Iterator[Callable[[str], str]]:
    """Gives the address of a notebook of the folder in a JupyterLab."""
    with serve_lab(folder) as address:
        yield address


@pytest.fixture(scope="module")
def page(lab: Callable[[str], str], folder: Path) -> Iterator[Page]:
    """All panels in one notebook."""
    write_notebook(folder / "all.ipynb", [PREPARE, *PANELS.values(), "await training", "await swept"])
    with open_page(1600, 2000) as page:
        page.goto(lab("all.ipynb"))
        run_all(page)
        page.wait_for_function(DRAWN, arg=CANVASES)
        page.locator(".workbench-panel").get_by_text("Ended after 2 of 2 epochs.").wait_for()
        yield page


def choose_theme(page: Page, name: str) -> None:
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    for label in ("Theme", name):
        page.locator(".lm-Menu-itemLabel", has_text=label).first.click()
    page.wait_for_function(f"() => document.body.dataset.jpThemeName === '{name}'")


def test_no_panel_leaves_its_place(page: Page, tenth: Callable[[int], int]) -> None:
    for width in WIDTHS if tenth(10) > 1 else (1600, 800, 400):
        if width == 400:
            page.keyboard.press("Control+b")
        page.set_viewport_size({"width": width, "height": 2000})
        page.wait_for_function(WITHIN)
        assert page.evaluate(NARROW) == [], f"in a page of {width} px"
    page.keyboard.press("Control+b")
    page.set_viewport_size({"width": 1600, "height": 2000})


def test_every_control_has_a_name_and_says_what_it_means(page: Page) -> None:
    page.wait_for_function(f"() => !({NAMELESS})().length")
    assert page.evaluate(NAMELESS) == []
    explore = page.locator(".workbench-panel").nth(list(PANELS).index("explore"))
    tick = explore.get_by_role("slider", name="tick")
    tick.press("ArrowLeft")
    page.wait_for_function("tick => tick.getAttribute('aria-valuetext') === '22'", arg=tick.element_handle())
    hint = tick.evaluate("handle => handle.closest('[title]').title")
    assert "counted from 0 through the recording" in hint


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_everything_can_be_read_and_reached(theme: str, page: Page) -> None:
    choose_theme(page, theme)
    page.wait_for_function(f"() => !({FAINT})().length")
    assert page.evaluate(FAINT) == []
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(RUN_AXE) == []


def test_names_with_markup_are_shown_as_they_are(page: Page) -> None:
    panels = page.locator(".workbench-panel")
    player, explore, compare = (panels.nth(list(PANELS).index(name)) for name in ("player", "explore", "compare"))
    for panel in (player, explore, compare):
        panel.locator(".widget-html-content", has_text="<b>x</b> & a long name").first.wait_for()
    compare.locator(".widget-html-content b", has_text="ANN <i>& so on</i>").wait_for()
    assert explore.locator("td b, td i").count() == 0
    explore.get_by_text("frame 3, tick 2").wait_for()
    assert re.search(r", (correct|wrong)$", explore.inner_text(), re.MULTILINE)


MOVES = {  # of a panel: the slider, the key, and what its still says afterwards
    "rollouts": ("frames", "ArrowRight", "frames 7"),
    "player": ("recording", "ArrowRight", "recording 1"),
    "raster": ("time (frames), from", "ArrowRight", "time (frames) 0.1667 to 4"),
    "convert": ("ticks per frame", "ArrowLeft", "ticks per frame 4"),
    "operations": ("view", "energy over time", "view energy over time"),
    "explore": ("recording", "ArrowRight", "recording 1"),
    "compare": ("recording", "ArrowRight", "recording 1"),
}
FIGURE, VIEW = "application/vnd.plotly.v1+json", "application/vnd.jupyter.widget-view+json"


def shown_in(path: Path) -> list[dict[str, Any]]:
    """What the panels of a saved notebook leave for those who have no kernel."""
    outputs = [output for cell in nbformat.read(path, as_version=4).cells for output in cell.outputs]
    return [output.data for output in outputs if VIEW in output.get("data", {})]


def test_a_notebook_opened_elsewhere_shows_every_panel_as_it_was_left(page: Page, folder: Path, tmp_path: Path) -> None:
    panels = page.locator(".workbench-panel")
    for name, (control, move, _) in MOVES.items():
        panel = panels.nth(list(PANELS).index(name))
        if name == "operations":
            panel.get_by_label(control, exact=True).select_option(move)
        else:
            panel.get_by_role("slider", name=control, exact=True).press(move)
    panels.nth(list(PANELS).index("convert")).get_by_text("Converting").wait_for(state="hidden")
    page.wait_for_timeout(1000)
    save(page)
    shown = shown_in(folder / "all.ipynb")
    titles = [each[FIGURE]["layout"]["title"]["text"].replace("<br>", " ") for each in shown]
    for (name, (_, _, said)), title in zip(MOVES.items(), titles, strict=False):
        assert said in title, name
        assert "Run the cell again" in title
    assert "Ended after 2 of 2 epochs. Run the cell again" in titles[-1]
    assert all(Image.open(io.BytesIO(base64.b64decode(each["image/png"]))).height > 300 for each in shown)

    shutil.copy(folder / "all.ipynb", tmp_path / "elsewhere.ipynb")
    with serve_lab(tmp_path) as elsewhere:
        page.goto(elsewhere("elsewhere.ipynb"))
        stills = page.locator(".jp-OutputArea img.plot-img")
        stills.nth(len(PANELS) - 1).wait_for()
        assert [still.get_attribute("src") for still in stills.all()] == [
            f"data:image/png;base64,{each['image/png']}" for each in shown
        ], "nobody trusts it here"
        trust(page)
        page.wait_for_function(DRAWN, arg=CANVASES)
        assert page.locator(".workbench-words", has_text="No kernel answers here").count() == CANVASES
        assert panels.first.locator(".widget-readout").first.inner_text() == "7"
        assert panels.first.locator(".gtitle").evaluate("title => title.closest('.js-plotly-plot').data.length") > 0
        assert panels.nth(list(PANELS).index("operations")).locator("select").first.input_value() == "energy over time"


def save(page: Page) -> None:
    page.locator(".jp-NotebookPanel-toolbar").click(position={"x": 400, "y": 10})
    page.keyboard.press("Control+s")
    page.locator("#jp-bottom-panel, #jp-main-statusbar").get_by_text("Saving completed").wait_for()


def trust(page: Page) -> None:
    page.locator("#jp-bottom-panel, #jp-main-statusbar").get_by_text("| Idle").wait_for()
    page.wait_for_timeout(2000)  # until the widgets are restored: to trust is to save
    page.get_by_role("menuitem", name="View", exact=True).click()
    page.locator(".lm-Menu-itemLabel", has_text="Activate Command Palette").click()
    page.locator(".lm-CommandPalette-input").fill("Trust Notebook")
    page.keyboard.press("Enter")
    page.locator(".jp-Dialog button", has_text="Trust").click()
