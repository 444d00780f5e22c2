"""A real JupyterLab in a real browser: the panel answers to keyboard and pointer, and nothing leaves the machine."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import plotly.io as pio
import pytest
from playwright.sync_api import Locator, Page, sync_playwright

import workbench as wb
from workbench import widgets

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "01_what_does_a_delay_do.ipynb"
CELLS = [
    """import workbench as wb
from workbench import figures, widgets
network = wb.Network({"eye": (1,)}, [wb.Edge("eye", "cortex", wb.Dense(1)), wb.Edge("eye", "hand", wb.Dense(1)),
    wb.Edge("cortex", "cortex", wb.Dense(1)), wb.Edge("cortex", "hand", wb.Dense(1))])""",
    "figures.rollouts(wb.Rollout(network, 6), wb.Rollout(network.sequential(), 6))",
    "widgets.rollouts(network)",
]
PANEL = "widgets.rollouts("
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}
FLAGS = [
    "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-gpu",
]  # fmt: skip
WAIT_MS = 60_000
PATIENCE_S = 60


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """A copy of the notebook to open; a small one where the project's own is not there."""
    path = tmp_path / "work" / "opened.ipynb"
    path.parent.mkdir()
    if NOTEBOOK.exists():
        shutil.copy(NOTEBOOK, path)
    else:
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    return path


@pytest.fixture
def lab(notebook: Path, tmp_path: Path) -> Iterator[str]:
    """Address of the notebook in a JupyterLab of its own, on loopback, that knows no other settings."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = tmp_path / "config" / "labconfig" / "default_setting_overrides.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(SETTINGS))
    places = {
        "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "IPYTHONDIR": "ipython",
    }  # fmt: skip
    environment = os.environ | {name: str(tmp_path / place) for name, place in places.items()}
    token = os.urandom(12).hex()
    options = [
        "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={notebook.parent}",
    ]  # fmt: skip
    log = tmp_path / "lab.log"
    with log.open("w") as stream:
        command = [sys.executable, "-m", "jupyterlab", *options]
        server = subprocess.Popen(command, env=environment, stdout=stream, stderr=subprocess.STDOUT)
    try:
        _await_port(port, server, log)
        yield f"http://127.0.0.1:{port}/lab/tree/{notebook.name}?token={token}"
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _await_port(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"JupyterLab did not start; its log ends:\n{log.read_text()[-3000:]}")


@pytest.fixture
def page() -> Iterator[Page]:
    """An empty page of a headless Chromium with a fresh profile."""
    found = [path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))]
    if not found:
        pytest.fail("this test needs Chromium: install your system's chromium (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found[0], args=FLAGS)
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 1600})
            page.set_default_timeout(WAIT_MS)
            yield page
        finally:
            browser.close()


def test_the_panel_lives_in_jupyterlab(lab: str, notebook: Path, page: Page) -> None:
    errors: list[str] = []
    elsewhere: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: elsewhere.append(request.url) if _leaves(request.url) else None)
    page.goto(lab)
    _run_all(page)
    cell = page.locator(".jp-Notebook .jp-Cell").nth(_panel_cell(notebook))
    plot = cell.locator(".js-plotly-plot")
    plot.wait_for()
    _until(page, plot, "gd => (gd.data || []).some(trace => trace.name === 'nodes')")
    marks = _marks(plot)

    slider = cell.locator(".noUi-handle").first
    slider.focus()
    slider.press("ArrowRight")
    _until(page, plot, f"gd => {MARKS}(gd) > {marks}")
    frames = plot.evaluate("gd => gd._fullLayout.xaxis.range[1] + 0.45")
    assert _marks(plot) == round(marks / (frames - 1) * frames)
    assert _lit(plot) == 0

    page.mouse.move(*plot.evaluate(MIDDLE_MARK))
    _until(page, plot, f"gd => {LIT}(gd) > 0")
    cell.locator(".widget-html-content").filter(has_text="in its past").wait_for()

    cell.screenshot(path=notebook.with_suffix(".png"))
    assert page.locator(".modebar-btn").count() > 0
    assert page.locator(".modebar-btn[data-title^='Share']").count() == 0, "a button would send the figure to a server"
    assert not errors
    assert not elsewhere


def test_a_saved_panel_shows_its_figure_before_anything_is_run(
    lab: str, notebook: Path, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pio.renderers, "default", "plotly_mimetype")
    network = wb.Network({"eye": (1,)}, [wb.Edge("eye", "hand", wb.Dense(1))])
    output = nbformat.v4.new_output("display_data", widgets.rollouts(network, frames=3)._repr_mimebundle_())
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELLS[2], outputs=[output])]), notebook)
    page.goto(lab)
    plot = page.locator(".jp-OutputArea .js-plotly-plot")
    plot.wait_for()
    _until(page, plot, f"gd => gd._fullData && {MARKS}(gd) === 6")


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


def _until(page: Page, plot: Locator, condition: str) -> None:
    page.wait_for_function(condition, arg=plot.element_handle())


def _leaves(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme not in ("data", "blob") and parts.hostname not in ("127.0.0.1", "localhost")


def _panel_cell(notebook: Path) -> int:
    cells = nbformat.read(notebook, as_version=4).cells
    return next(i for i, cell in enumerate(cells) if cell.cell_type == "code" and PANEL in cell.source)


def _run_all(page: Page) -> None:
    """Run all cells through the menu, once the notebook and its kernel are there."""
    page.locator(".jp-NotebookPanel .jp-Notebook").wait_for()
    page.locator("#jp-bottom-panel, #jp-main-statusbar").get_by_text("| Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
