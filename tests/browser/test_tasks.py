"""The ten tasks of docs/tasks.md in a real JupyterLab: each is done in as many actions as the page says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page

from benchmarks.lab import open_page, serve_lab, until, write_notebook

PAGE = Path(__file__).parents[2] / "docs" / "tasks.md"
PREPARE = """import numpy as np
import workbench as wb
from workbench import figures, widgets
rng = np.random.default_rng(0)
rates = 0.4 * rng.random((3, 2, 8, 8)) ** 2
ticks = rng.poisson(np.tile(rates, (8, 1, 1, 1)), (96, 24, 2, 8, 8))
part = wb.Recordings.from_ticks(ticks, labels=[0, 1, 2] * 8, ticks_per_frame=12, tick_us=3000)
motion = wb.Dataset("motion", part, part, split="the same twice, to look at")
network = wb.Network({"retina": (2, 8, 8)}, [wb.Edge("retina", "v1", wb.Conv(4, 3)), wb.Edge("v1", "v2", wb.Conv(4, 3)),
    wb.Edge("v2", "v2", wb.Conv(4, 3)), wb.Edge("v2", "class", wb.Dense(3))])
ann = wb.Model(network, seed=0, norm=None).eval()
snn = wb.convert(ann, part, percentile=99.9)"""


class User:
    """Somebody at the notebook, whose actions are counted."""

    def __init__(self, page: Page) -> None:
        self.page, self.actions, self.cells = page, 0, 0

    def run(self, code: str) -> Locator:
        """Type a cell and run it; its output."""
        cell = self.page.locator(".jp-Cell").last
        cell.locator(".cm-content").click()
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Shift+Enter")
        self.actions += 1
        self.cells += 1
        ran = self.page.locator(".jp-Cell").nth(self.cells)
        ran.locator(".jp-InputPrompt", has_text=re.compile(r"\[\d+\]")).wait_for()
        return ran

    def choose(self, where: Locator, label: str, option: str) -> None:
        """Choose from a list."""
        where.locator(".widget-dropdown", has_text=label).locator("select").select_option(label=option)
        self.actions += 1

    def slide(self, where: Locator, label: str, value: int) -> None:
        """Move a slider to a value, as a drag does."""
        row = where.locator(".widget-hslider", has=self.page.locator("label", has_text=label))
        readout = row.locator(".widget-readout")
        readout.click()
        readout.fill(str(value))
        readout.press("Enter")
        self.actions += 1


LIT = "gd => gd._fullData.find((t) => t.name === 'nodes').marker.symbol.filter((s) => s === 'square').length"


def documented() -> list[int]:
    return [int(count) for count in re.findall(r"\| (\d+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)]


def words_of(plot: Locator) -> str:
    """The title of a figure, once it is drawn."""
    until(plot, "gd => (gd._fullData || []).length > 0")
    title: str = plot.evaluate("gd => gd._fullLayout.title.text")
    return title


CLICK = """gd => {
    const trace = gd._fullData.findIndex((trace) => trace.type === 'heatmap'), { z } = gd._fullData[trace];
    const row = 0, column = [...z[0]].findIndex((share) => share > 0);
    gd.emit('plotly_click', { points: [{ curveNumber: trace, pointNumber: [row, column], x: column, y: row }] });
    return [String(row), String(column)];
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tasks")


@pytest.fixture(scope="module")
def page(folder: Path) -> Iterator[Page]:
    write_notebook(folder / "tasks.ipynb", [PREPARE])
    with serve_lab(folder) as address, open_page(1300, 2600) as page:
        page.goto(address("tasks.ipynb"))
        page.locator(".jp-NotebookPanel .jp-Notebook").wait_for()
        page.locator("#jp-bottom-panel, #jp-main-statusbar").get_by_text("| Idle").wait_for()
        page.locator(".jp-Cell").first.locator(".cm-content").click()
        page.keyboard.press("Shift+Enter")
        page.locator(".jp-Cell").nth(0).locator(".jp-InputPrompt", has_text="[1]").wait_for()
        yield page


def test_the_ten_tasks(page: Page, folder: Path) -> None:
    user, counts, done = User(page), documented(), 0
    assert len(counts) == 10

    def spent() -> int:
        nonlocal done
        actions, done = user.actions - done, user.actions
        return actions

    seen = user.run("network")
    labels = seen.locator(".js-plotly-plot").evaluate(
        "gd => JSON.stringify(gd._fullLayout.annotations) + gd.textContent"
    )
    assert "in frame 3" in words_of(seen.locator(".js-plotly-plot")) or "in frame 3" in labels
    assert spent() == counts[0]

    panel = user.run("panel = widgets.rollouts(network)\npanel")
    user.choose(panel, "look from", "class")
    user.slide(panel, "in frame", 5)
    panel.get_by_text("places in its past").wait_for()
    plot = panel.locator(".workbench-canvas .js-plotly-plot")
    until(plot, f"gd => ({LIT})(gd) > 0")
    panel.locator(".widget-html-content", has_text="class in frame 5").wait_for()
    assert spent() == counts[1]

    panel = user.run("panel = widgets.explore(snn, motion, reference=ann)\npanel")
    user.choose(panel, "find", "SNN wrong, ANN correct")
    said = panel.locator(".widget-html-content", has_text="part in frame")
    said.wait_for()
    assert re.search(r"ANN and SNN part in frame \d+ \(\w+ against \w+\) and end apart", said.inner_text())
    panel.locator("table", has_text=re.compile(r"\d, wrong")).wait_for()
    assert spent() == counts[2]

    panel = user.run("panel = widgets.explore(snn, motion)\npanel")
    panel.get_by_role("button", name="confusion matrix").click()
    matrix = panel.locator(".workbench-canvas .js-plotly-plot").first
    until(matrix, "gd => (gd._fullData || []).some((trace) => trace.type === 'heatmap' && trace.z.length === 3)")
    cell = matrix.evaluate(CLICK)
    user.actions += 2
    page.wait_for_function(
        "([select, words]) => select.selectedOptions[0].label.replaceAll('\\xa0', ' ') === words",
        arg=[panel.locator(".widget-dropdown", has_text="find").locator("select").element_handle(),
             f"{cell[0]} answered as {cell[1]}"],
    )  # fmt: skip
    panel.locator("table", has_text=f"{cell[1]}, {'correct' if cell[0] == cell[1] else 'wrong'}").wait_for()
    assert spent() == counts[3]

    note = panel.locator(".widget-html-content", has_text="shows").inner_text()
    user.run('panel.save("explore.html")')
    other = page.context.browser.new_page()
    other.goto((folder / "explore.html").as_uri())
    drawn = other.locator(".workbench-canvas .js-plotly-plot").last
    until(drawn, "gd => (gd._fullData || []).length > 0")
    assert other.get_by_text(note.split(".")[0], exact=False).count()
    other.close()
    assert spent() == counts[4]

    panel = user.run("panel = widgets.explore(snn, motion)\npanel")
    user.choose(panel, "order", "closest call first")
    user.choose(panel, "find", "class 1")
    panel.get_by_text("8 of 24 recordings").wait_for()
    found = user.run(
        "panel.recording.value, panel.finder.table['margin of SNN'].abs().is_monotonic_increasing"
    ).inner_text()
    user.actions -= 1  # which only looks
    assert "True" in found
    assert spent() == counts[5]

    panel = user.run("panel = widgets.convert(ann, motion)\npanel")
    user.choose(panel, "view", "diagnosis")
    plot = panel.locator(".workbench-canvas .js-plotly-plot")
    plot.wait_for()
    until(plot, "gd => /errs most/.test(gd._fullLayout?.title?.text)")
    assert re.search(r"(v1|v2|class) errs most", words_of(plot))
    assert spent() == counts[6]

    panel = user.run('panel = widgets.compare({"ANN": ann, "SNN": snn}, motion)\npanel')
    user.choose(panel, "find", "different answers")
    panel.locator(".widget-html-content", has_text=re.compile(r"ANN and SNN part in frame \d+")).wait_for()
    assert spent() == counts[7]

    panel = user.run('panel = widgets.operations({"ANN": ann, "SNN": snn}, motion)\npanel')
    user.choose(panel, "view", "energy over time")
    plot = panel.locator(".workbench-canvas .js-plotly-plot")
    plot.wait_for()
    until(plot, "gd => /cheaper/.test(gd._fullLayout?.title?.text)")
    assert spent() == counts[8]

    user.run('figures.save(panel.figure, "energy.pdf", size="column")')
    user.run('figures.save(panel.figure, "energy.tex")')
    assert (folder / "energy.pdf").read_bytes().startswith(b"%PDF")
    assert "\\begin{tabular}" in (folder / "energy.tex").read_text(encoding="utf-8")
    assert spent() == counts[9]
