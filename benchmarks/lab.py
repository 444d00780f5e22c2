"""A JupyterLab or Voila of its own on loopback, and a headless Chromium that looks at it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
from playwright.sync_api import Locator, Page, sync_playwright

SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    "@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": True},
}
FLAGS = [
    "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-gpu",
]  # fmt: skip
ROOT = Path(__file__).parents[1]
SHARE = ROOT / "share" / "jupyter"  # our extension of JupyterLab, installed or not
SCRIPTS = ROOT / "workbench" / "figures"  # what is installed beside it
WAIT_MS, POLL_MS = 60_000, 20
PATIENCE_S = 60


@dataclass
class Seen:
    """What a page has complained of, where else it went, and how many bytes its sockets brought."""

    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    socket_bytes: int = 0


@contextmanager
def serve_lab(folder: Path, settings: dict[str, object] | None = None) -> Iterator[Callable[[str], str]]:
    """A JupyterLab over a folder that knows no other settings; yields what gives the address of a notebook in it."""
    with tempfile.TemporaryDirectory() as home:
        place = Path(home) / "config" / "labconfig" / "default_setting_overrides.json"
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(SETTINGS | (settings or {})))
        token = os.urandom(12).hex()
        options = [
            "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}",
        ]  # fmt: skip
        with _serve(options, Path(home)) as port:
            base = f"http://127.0.0.1:{port}/lab/workspaces"  # one each: other notebooks stay closed
            yield lambda name: f"{base}/{Path(name).stem}/tree/{name}?token={token}"


@contextmanager
def serve_voila(notebook: Path) -> Iterator[str]:
    """A notebook as Voila shows it; yields its address."""
    with tempfile.TemporaryDirectory() as home:
        options = ["voila", str(notebook), "--no-browser", "--Voila.ip=127.0.0.1"]
        with _serve(options, Path(home)) as port:
            yield f"http://127.0.0.1:{port}/"


@contextmanager
def _serve(options: Sequence[str], home: Path) -> Iterator[int]:
    """A Jupyter program with a home of its own, listening on a free port of loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {
        "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "IPYTHONDIR": "ipython",
    }  # fmt: skip
    environment = (
        os.environ | {name: str(home / place) for name, place in places.items()} | {"JUPYTER_PATH": _gather(home)}
    )
    listen = f"--Voila.port={port}" if options[0] == "voila" else f"--port={port}"
    log = home / "server.log"
    with log.open("w") as stream:
        command = [sys.executable, "-m", *options, listen]
        server = subprocess.Popen(command, env=environment, stdout=stream, stderr=subprocess.STDOUT)
    try:
        _await_port(port, server, log)
        yield port
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _gather(home: Path) -> str:
    """Our extension of JupyterLab with all its scripts, as they are installed."""
    place = shutil.copytree(SHARE, home / "share")
    for file in SCRIPTS.glob("*.js"):
        shutil.copy(file, place / "labextensions" / "workbench" / "static")
    return str(place)


def _await_port(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"{server.args[2]} did not start; its log ends:\n{log.read_text()[-3000:]}")


@contextmanager
def open_page(width_px: int = 1280, height_px: int = 1600, flags: Sequence[str] = ()) -> Iterator[Page]:
    """An empty page of a headless Chromium with a fresh profile, started with these flags as well."""
    found = [path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))]
    if not found:
        raise RuntimeError("no Chromium here: install your system's chromium (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found[0], args=[*FLAGS, *flags])
        try:
            page = browser.new_page(viewport={"width": width_px, "height": height_px})
            page.set_default_timeout(WAIT_MS)
            yield page
        finally:
            browser.close()


def callback(page: Page) -> Seen:
    """Note from now on what goes wrong in the page, and what it asks of others than this machine."""
    seen = Seen()
    page.on("console", lambda message: seen.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("request", lambda request: seen.elsewhere.append(request.url) if _leaves(request.url) else None)

    def count(frame: str | bytes) -> None:
        seen.socket_bytes += len(frame)

    page.on("websocket", lambda link: link.on("framereceived", count))
    return seen


def _leaves(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme not in ("data", "blob") and parts.hostname not in ("127.0.0.1", "localhost")


def write_notebook(path: Path, cells: Sequence[str]) -> Path:
    """A new notebook of these code cells, none of them run."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    code = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=code, metadata=kernel), path)
    return path


def run_all(page: Page) -> None:
    """Run all cells of the open notebook through the menu, once it and its kernel are there."""
    page.locator(".jp-NotebookPanel .jp-Notebook").wait_for()
    page.locator("#jp-bottom-panel, #jp-main-statusbar").get_by_text("| Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def until(plot: Locator, condition: str) -> None:
    """Wait until a condition, JavaScript of an element, holds of the plot that the locator finds by then."""
    end = time.monotonic() + WAIT_MS / 1000
    while not plot.evaluate(f"gd => Boolean(({condition})(gd))"):
        if time.monotonic() > end:
            raise TimeoutError(f"after {WAIT_MS / 1000:.0f} s still not so: {condition}")
        plot.page.wait_for_timeout(POLL_MS)
