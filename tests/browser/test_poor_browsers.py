"""Panels in browsers that are slow, that lack WebGL, or that hold what another version has saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.lab import open_page, run_all, serve_lab, write_notebook

SMALL = """import numpy as np
import workbench as wb
from workbench import widgets
ticks = np.random.default_rng(0).poisson(0.2, (24, 3, 2, 6, 6))
recordings = wb.Recordings.from_ticks(ticks, labels=[0, 1, 2], ticks_per_frame=6, tick_us=3000)
network = wb.Network({"eye": (2,)}, [wb.Edge("eye", "hand", wb.Dense(2))])"""
OLD = """panel = widgets.rollouts(network)
panel.figure._drawing = {**panel.figure._drawing, "format": 0, "revision": 2}
panel"""
IMPATIENT = """{
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    AbortSignal.timeout = (ms) => timeout(ms === 2000 ? 0 : ms);
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the notebooks of these tests lie."""
    return tmp_path_factory.mktemp("poor")


@pytest.fixture(scope="module")
def lab(folder: Path) -> Iterator[Callable[[str], str]]:
    """Gives the address of a notebook of the folder in a JupyterLab."""
    with serve_lab(folder) as address:
        yield address


def test_a_page_on_which_anywidget_gives_up_draws_all_the_same(lab: Callable[[str], str], folder: Path) -> None:
    write_notebook(folder / "slow.ipynb", [SMALL, "widgets.rollouts(network)", "widgets.player(recordings)", OLD])
    with open_page() as page:
        page.add_init_script(IMPATIENT)  # as on a machine where its script takes more than two seconds to load
        page.goto(lab("slow.ipynb"))
        run_all(page)
        panels = page.locator(".workbench-panel")
        for number, label in enumerate(("frames", "recording")):
            plot = panels.nth(number).locator(".js-plotly-plot")
            plot.wait_for()
            before = plot.evaluate("gd => gd._fullLayout.title.text")
            panels.nth(number).get_by_role("slider", name=label, exact=True).press("ArrowRight")
            changed = f"([gd, before]) => {CHANGED[number]}"
            page.wait_for_function(changed, arg=[plot.element_handle(), before])
        panels.nth(2).get_by_text("saved by another version of the workbench").wait_for()


CHANGED = ("gd._fullLayout.xaxis.range[1] > 6", "gd._fullLayout.title.text !== before")
NO_GPU = ("--disable-software-rasterizer", "--disable-3d-apis")


def test_without_webgl_spikes_are_drawn_and_what_is_not_is_said(lab: Callable[[str], str], folder: Path) -> None:
    cloud = "cloud = widgets.player(recordings)\ncloud.view.value = 'cloud in space and time'\ncloud"
    raster = "widgets.raster({'v1': recordings.as_ticks([0])}, ticks_per_frame=6)"
    write_notebook(folder / "flat.ipynb", [SMALL, raster, cloud])
    with open_page(flags=NO_GPU) as page:
        page.goto(lab("flat.ipynb"))
        run_all(page)
        panels = page.locator(".workbench-panel")
        panels.nth(1).get_by_text("This figure needs WebGL, which this browser does not offer").wait_for()
        assert panels.nth(0).locator(".scatterlayer .trace path").count() > 10
        assert not panels.nth(0).get_by_text("WebGL").is_visible()
        panels.nth(1).get_by_label("view", exact=True).select_option("all frames")
        panels.nth(1).get_by_text("This figure needs WebGL").wait_for(state="hidden")
