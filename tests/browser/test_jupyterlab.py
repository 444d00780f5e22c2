"""A real JupyterLab in a real browser: panels answer to keyboard and pointer, and nothing leaves the machine."""

from __future__ import annotations

import base64
import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import nbformat
import plotly.io as pio
import pytest
from nbformat.reader import NotJSONError
from PIL import Image
from playwright.sync_api import Locator, Page

import workbench as wb
from benchmarks.lab import callback, open_page, run_all, serve_lab, until, write_notebook
from workbench import widgets

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "01_what_does_a_delay_do.ipynb"
PANEL = "widgets.rollouts("
SMALL = """import workbench as wb
from workbench import figures, widgets
network = wb.Network({"eye": (1,)}, [wb.Edge("eye", "cortex", wb.Dense(1)), wb.Edge("eye", "hand", wb.Dense(1)),
    wb.Edge("cortex", "cortex", wb.Dense(1)), wb.Edge("cortex", "hand", wb.Dense(1))])"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the notebooks of these tests lie."""
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="module")
def lab(folder: Path) -> Iterator[Callable[[str], str]]:
    """Gives the address of a notebook of the folder in a JupyterLab."""
    with serve_lab(folder) as address:
        yield address


@pytest.fixture
def page() -> Iterator[Page]:
    with open_page() as page:
        yield page


def test_the_panel_lives_in_jupyterlab(lab: Callable[[str], str], folder: Path, page: Page) -> None:
    notebook = Path(shutil.copy(NOTEBOOK, folder / "opened.ipynb"))
    seen = callback(page)
    page.goto(lab(notebook.name))
    run_all(page)
    cell = page.locator(".jp-Notebook .jp-Cell").nth(_panel_cell(notebook))
    plot = cell.locator(".workbench-canvas .js-plotly-plot")
    plot.wait_for()
    until(plot, "gd => (gd.data || []).some(trace => trace.name === 'nodes')")
    marks = _marks(plot)

    slider = cell.locator(".noUi-handle").first
    slider.focus()
    slider.press("ArrowRight")
    until(plot, f"gd => {MARKS}(gd) > {marks}")
    frames = plot.evaluate("gd => gd._fullLayout.xaxis.range[1] + 0.45")
    assert _marks(plot) == round(marks / (frames - 1) * frames)
    assert _lit(plot) == 0

    page.mouse.move(*plot.evaluate(MIDDLE_MARK))
    until(plot, f"gd => {LIT}(gd) > 0")
    cell.locator(".widget-html-content").filter(has_text="in its past").wait_for()
    assert "rollout of 4 nodes" in (cell.locator("[role=figure]").get_attribute("aria-label") or "")

    assert page.locator(".modebar-btn").count() > 0
    assert page.locator(".modebar-btn[data-title^='Share']").count() == 0, "a button would send the figure to a server"
    assert not seen.errors
    assert not seen.elsewhere


def test_a_saved_panel_shows_its_still_before_anything_is_run_and_its_figure_when_pointed_at(
    lab: Callable[[str], str], folder: Path, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pio.renderers, "default", "plotly_mimetype")
    network = wb.Network({"eye": (1,)}, [wb.Edge("eye", "hand", wb.Dense(1))])
    output = nbformat.v4.new_output("display_data", widgets.rollouts(network, frames=3)._repr_mimebundle_())
    notebook = nbformat.read(write_notebook(folder / "saved.ipynb", ["widgets.rollouts(network)"]), as_version=4)
    notebook.cells[0].outputs = [output]
    nbformat.write(notebook, folder / "saved.ipynb")
    page.goto(lab("saved.ipynb"))
    still = page.locator(".jp-OutputArea img.plot-img")
    still.wait_for()
    assert still.evaluate("img => [img.naturalWidth, img.offsetWidth <= img.parentElement.offsetWidth]") == [1800, True]
    box = still.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    plot = page.locator(".jp-OutputArea .js-plotly-plot")
    plot.wait_for()
    until(plot, f"gd => gd._fullData && {MARKS}(gd) === 6")
    assert not still.is_visible()


def test_figures_are_drawn_at_once_and_saved_with_their_stills(
    lab: Callable[[str], str], folder: Path, page: Page
) -> None:
    shown = ["figures.network(network)", "network", "figures.tableau(wb.Rollout(network, 3)).show()"]
    path = write_notebook(folder / "stills.ipynb", [SMALL, *shown, "print('at the end')"])
    seen = callback(page)
    page.goto(lab(path.name))
    run_all(page)
    page.locator(".jp-OutputArea").get_by_text("at the end").wait_for()
    cells = page.locator(".jp-Notebook .jp-Cell")
    for number in range(1, 1 + len(shown)):
        plot = cells.nth(number).locator(".js-plotly-plot")
        plot.wait_for()
        until(plot, "gd => (gd._fullData || []).length > 0")
        assert not cells.nth(number).locator("img").is_visible()
    page.keyboard.press("Control+s")
    page.locator(".jp-NotebookPanel-toolbar").wait_for()
    outputs: list[nbformat.NotebookNode] = []
    for _ in range(100):
        with suppress(NotJSONError):  # while it is written
            outputs = [output for cell in nbformat.read(path, as_version=4).cells for output in cell.outputs]
        if len(outputs) > len(shown):
            break
        page.wait_for_timeout(100)
    pictures = [base64.b64decode(output.data["image/png"]) for output in outputs[: len(shown)]]
    assert [Image.open(io.BytesIO(picture)).width for picture in pictures] == [1800] * len(shown)
    assert not seen.errors
    assert not seen.elsewhere


def test_a_cell_that_runs_again_closes_the_panel_that_it_showed(
    lab: Callable[[str], str], folder: Path, page: Page
) -> None:
    show = "made = [*globals().get('made', []), widgets.rollouts(network)]\nmade[-1]"
    write_notebook(folder / "again.ipynb", [SMALL, show, "print('open:', [panel.comm is not None for panel in made])"])
    page.goto(lab("again.ipynb"))
    run_all(page)
    page.get_by_text("open: [True]").wait_for()
    run_all(page)
    page.get_by_text("open: [False, True]").wait_for()
    plot = page.locator(".workbench-canvas .js-plotly-plot")
    until(plot, f"gd => gd._fullData && {MARKS}(gd) > 0")
    before = _marks(plot)
    page.locator(".noUi-handle").first.press("ArrowRight")
    until(plot, f"gd => {MARKS}(gd) > {before}")


def test_a_panel_lives_on_when_its_page_is_loaded_anew(lab: Callable[[str], str], folder: Path, page: Page) -> None:
    write_notebook(folder / "anew.ipynb", [SMALL, "widgets.rollouts(network)"])
    page.goto(lab("anew.ipynb"))
    run_all(page)
    plot = page.locator(".workbench-canvas .js-plotly-plot")
    until(plot, f"gd => gd._fullData && {MARKS}(gd) > 0")
    before = _marks(plot)
    page.keyboard.press("Control+s")
    page.locator("#jp-bottom-panel, #jp-main-statusbar").get_by_text("Saving completed").wait_for()
    page.reload()
    plot.wait_for()
    until(plot, f"gd => gd._fullData && {MARKS}(gd) === {before}")
    page.locator(".noUi-handle").first.press("ArrowRight")
    until(plot, f"gd => {MARKS}(gd) > {before}")


def test_an_ended_kernel_is_said_over_the_last_state(lab: Callable[[str], str], folder: Path, page: Page) -> None:
    write_notebook(folder / "ended.ipynb", [SMALL, "widgets.rollouts(network)"])
    page.goto(lab("ended.ipynb"))
    run_all(page)
    plot = page.locator(".workbench-canvas .js-plotly-plot")
    plot.wait_for()
    until(plot, f"gd => gd._fullData && {MARKS}(gd) > 0")
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_role("menuitem", name="Shut Down Kernel", exact=True).click()
    page.locator("#jp-bottom-panel, #jp-main-statusbar").get_by_text("No Kernel").wait_for()
    slider = page.locator(".noUi-handle").first
    slider.focus()
    slider.press("ArrowRight")
    page.get_by_text("No kernel answers here: it is busy, or has ended").wait_for()
    assert _marks(plot) > 0


MARKS = "(gd => gd._fullData.find(trace => trace.name === 'nodes').x.length)"
LIT = "(gd => gd._fullData.filter(trace => trace.name === 'past' && trace.x).reduce((n, t) => n + t.x.length, 0))"
MIDDLE_MARK = """gd => {
    const box = gd.getBoundingClientRect(), {xaxis, yaxis} = gd._fullLayout;
    const nodes = gd._fullData.find(trace => trace.name === 'nodes'), i = nodes.x.length - 1;
    return [box.x + xaxis._offset + xaxis.d2p(nodes.x[i]), box.y + yaxis._offset + yaxis.d2p(nodes.y[i])];
}"""


def _marks(plot: Locator) -> int:
    return int(plot.evaluate(MARKS))


def _lit(plot: Locator) -> int:
    return int(plot.evaluate(LIT))


def _panel_cell(notebook: Path) -> int:
    cells = nbformat.read(notebook, as_version=4).cells
    return next(i for i, cell in enumerate(cells) if cell.cell_type == "code" and PANEL in cell.source)
