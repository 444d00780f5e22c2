"""The five tasks of docs/tasks.md in a real JupyterLab: each is done in as many actions as the page says."""

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
ticks = np.random.default_rng(0).poisson(0.2, (96, 24, 2, 8, 8))
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
    plot.wait_for()
    plot.page.wait_for_function("gd => (gd._fullData || []).length > 0", arg=plot.element_handle())
    title: str = plot.evaluate("gd => gd._fullLayout.title.text")
    return title


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("tasks")
    write_notebook(folder / "tasks.ipynb", [PREPARE])
    with serve_lab(folder) as address, open_page(1300, 2600) as page:
        page.goto(address("tasks.ipynb"))
        page.locator(".jp-NotebookPanel .jp-Notebook").wait_for()
        page.locator("#jp-bottom-panel, #jp-main-statusbar").get_by_text("| Idle").wait_for()
        page.locator(".jp-Cell").first.locator(".cm-content").click()
        page.keyboard.press("Shift+Enter")
        page.locator(".jp-Cell").nth(0).locator(".jp-InputPrompt", has_text="[1]").wait_for()
        yield page


def test_the_five_tasks(page: Page) -> None:
    user, counts, done = User(page), documented(), 0

    def spent() -> int:
        nonlocal done
        actions, done = user.actions - done, user.actions
        return actions

    seen = user.run("network")
    labels = seen.locator(".js-plotly-plot").evaluate(
        "gd => JSON.stringify(gd._fullLayout.annotations) + gd.textContent"
    )
    assert "3 frames" in words_of(seen.locator(".js-plotly-plot")) or "3 frames" in labels
    assert spent() == counts[0]

    panel = user.run("panel = widgets.rollouts(network)\npanel")
    user.choose(panel, "look from", "class")
    user.slide(panel, "in frame", 5)
    panel.get_by_text("places in its past").wait_for()
    plot = panel.locator(".workbench-canvas .js-plotly-plot")
    until(plot, f"gd => ({LIT})(gd) > 0")
    panel.locator(".widget-html-content", has_text="class in frame 5").wait_for()
    assert spent() == counts[1]

    panel = user.run("panel = widgets.convert(ann, motion)\npanel")
    user.choose(panel, "view", "diagnosis")
    plot = panel.locator(".workbench-canvas .js-plotly-plot")
    plot.wait_for()
    until(plot, "gd => /errs most/.test(gd._fullLayout?.title?.text)")
    assert re.search(r"(v1|v2|class) errs most", words_of(plot))
    assert spent() == counts[2]

    panel = user.run('panel = widgets.operations({"ANN": ann, "SNN": snn}, motion)\npanel')
    user.choose(panel, "view", "energy over time")
    plot = panel.locator(".workbench-canvas .js-plotly-plot")
    plot.wait_for()
    until(plot, "gd => /cheaper/.test(gd._fullLayout?.title?.text)")
    assert spent() == counts[3]

    saved = user.run(
        'figures.save(panel.figure, "energy.svg")\n__import__("pathlib").Path("energy.svg").stat().st_size'
    )
    assert int(saved.locator(".jp-OutputArea-output").inner_text()) > 5_000
    assert spent() == counts[4]
