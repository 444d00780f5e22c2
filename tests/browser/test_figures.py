"""Plain figures in a page: legible at every width, and in the colours of the page, without a kernel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import plotly.offline
import pytest
from playwright.sync_api import Page

from benchmarks.lab import callback, open_page, run_all, serve_lab, until, write_notebook
from tests.support.every_figure import drawn
from workbench import figures
from workbench.figures._fit import fit
from workbench.figures._live import script
from workbench.figures._style import DARK, PAPER

SHOWN = {name: figure for name, figure in drawn().items() if name != "darken"}
DARK_THEME = {"@jupyterlab/apputils-extension:themes": {"theme": "JupyterLab Dark"}}
SMALL = """import pandas as pd
import workbench as wb
from workbench import figures
steps = {"model": ["an ANN of a name"] * 3 + ["an SNN of another"] * 3, "step": [0, 1, 2] * 2}
steps["frame"] = [1.0, 2.0, 3.0] * 2
figures.accuracy(pd.DataFrame({**steps, "accuracy": [0.5, 0.7, 0.8, 0.4, 0.7, 0.9]}))"""

PAPER_OF = "gd => gd._fullLayout.paper_bgcolor"
SETTLED = "gd => gd.layout.uirevision && gd.clientWidth <= document.body.clientWidth"
UNFIT = """gd => {
    const found = [], outer = gd.getBoundingClientRect(), layout = gd._fullLayout;
    for (const text of gd.querySelectorAll("svg.main-svg text")) {
        const box = text.getBoundingClientRect(), shown = getComputedStyle(text).opacity !== "0" && box.width > 0;
        const inside = box.left >= outer.left - 2 && box.right <= outer.right + 2 && box.top >= outer.top - 2
            && box.bottom <= outer.bottom + 2;
        if (shown && !inside && !text.closest(".gl-container")) found.push(`cut: ${text.textContent}`);
    }
    const legend = gd.querySelector(".legend")?.getBoundingClientRect();
    if (legend?.width) {
        for (const id of layout._subplots.cartesian) {
            const { xaxis, yaxis } = layout._plots[id];
            const left = outer.left + xaxis._offset, top = outer.top + yaxis._offset;
            if (legend.left < left + xaxis._length && legend.right > left && legend.top < top + yaxis._length
                && legend.bottom > top) found.push(`the legend lies on ${id}`);
        }
        for (const title of gd.querySelectorAll(".infolayer [class*='title'], .gtitle")) {
            const box = title.getBoundingClientRect();
            if (legend.left < box.right && legend.right > box.left && legend.top < box.bottom - 3
                && legend.bottom > box.top + 3) found.push(`the legend lies on "${title.textContent}"`);
        }
    }
    return found;
}"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page that holds every figure, as a saved one does."""
    parts = [
        f"<section id={name}>{figure.to_html(full_html=False, include_plotlyjs=False)}</section>"
        for name, figure in SHOWN.items()
    ]
    path = tmp_path_factory.mktemp("page") / "every.html"
    head = f'<meta charset="utf-8"><style>body {{ margin: 0 }}</style><script>{plotly.offline.get_plotlyjs()}</script>'
    body = f'<body data-workbench-colours="system">{"".join(parts)}{script()}</body>'
    path.write_text(f"<!DOCTYPE html><html><head>{head}</head>{body}</html>", encoding="utf-8")
    with open_page(1600, 1000) as page:
        seen = callback(page)
        page.goto(path.as_uri())
        yield page
        assert not seen.errors


@pytest.mark.parametrize("width_px", [1600, 800, 400])
def test_nothing_is_cut_and_no_legend_covers_anything(page: Page, width_px: int) -> None:
    page.set_viewport_size({"width": width_px, "height": 1000})
    page.wait_for_timeout(1500)
    unfit = {}
    for name in SHOWN:
        plot = page.locator(f"#{name} .js-plotly-plot")
        until(plot, SETTLED)
        found = plot.evaluate(UNFIT)
        if found:
            unfit[name] = found
    assert not unfit


def test_figures_follow_the_colours_of_the_system(page: Page) -> None:
    plots = page.locator(".js-plotly-plot")
    assert plots.first.evaluate(PAPER_OF) == PAPER
    page.emulate_media(color_scheme="dark")
    for number in range(plots.count()):
        until(plots.nth(number), f"gd => ({PAPER_OF})(gd) === '{DARK[PAPER]}'")
    dark = figures.darken(SHOWN["frames"])
    painted = page.locator("#frames .js-plotly-plot").evaluate("gd => gd.data[0].z[0].map(pixel => [...pixel])")
    assert (
        np.abs(np.array(painted) - dark.data[0].z[0]).max() <= 1
    )  # halves are rounded up in one, to even in the other
    shades = page.locator("#confusion_over_time .js-plotly-plot").evaluate("gd => gd.layout.coloraxis.colorscale")
    expected = figures.darken(SHOWN["confusion_over_time"]).layout.coloraxis.colorscale
    assert [tuple(pair) for pair in shades] == list(expected)
    page.emulate_media(color_scheme="light")
    until(plots.first, f"gd => ({PAPER_OF})(gd) === '{PAPER}'")


def test_pages_and_pictures_are_fitted_alike(page: Page) -> None:
    scripts = Path(figures.__file__).parent / "fit.js"
    code = scripts.read_text(encoding="utf-8").replace("export ", "")
    page.add_script_tag(
        content=f"{{ {code}; globalThis.fitted = (figure, width) => change(figure.layout, fit(figure, width)); }}"
    )
    for name, figure in SHOWN.items():
        for width_px in (340, 710, 1600):
            theirs = page.evaluate(
                "([figure, width]) => fitted(figure, width)", [json.loads(figure.to_json()), width_px]
            )
            ours = json.loads(fit(figure, width_px).to_json())["layout"]
            assert theirs["title"]["text"] == ours["title"]["text"], (name, width_px)
            assert theirs["height"] == pytest.approx(ours["height"], abs=1), (name, width_px)
            assert theirs["margin"] == pytest.approx(ours["margin"], abs=1), (name, width_px)
            assert theirs.get("legend", {}).get("y") == pytest.approx(ours.get("legend", {}).get("y")), (name, width_px)
            for axis in (axis for axis in ours if axis[1:5] == "axis"):
                assert theirs[axis].get("domain") == pytest.approx(ours[axis].get("domain")), (name, width_px, axis)
                assert theirs[axis].get("title") == ours[axis].get("title")


def test_a_saved_page_has_what_follows_width_and_colours(tmp_path: Path) -> None:
    figures.save(go.Figure(), tmp_path / "figure.html")
    assert script() in (tmp_path / "figure.html").read_text(encoding="utf-8")


def test_figures_follow_the_theme_of_jupyterlab(page: Page, tmp_path: Path) -> None:
    write_notebook(tmp_path / "dark.ipynb", [SMALL])
    browser = page.context.browser
    assert browser is not None
    with (
        serve_lab(tmp_path, settings=DARK_THEME) as address,
        browser.new_page(viewport={"width": 1400, "height": 900}) as lab,
    ):
        lab.set_default_timeout(60_000)
        seen = callback(lab)
        lab.goto(address("dark.ipynb"))
        run_all(lab)
        plot = lab.locator(".jp-OutputArea .js-plotly-plot")
        plot.wait_for()
        until(plot, f"gd => gd._fullLayout && ({PAPER_OF})(gd) === '{DARK[PAPER]}'")
        assert plot.evaluate(UNFIT) == []
        lab.evaluate("document.body.dataset.jpThemeLight = 'true'")  # as JupyterLab says that its theme is light
        until(plot, f"gd => ({PAPER_OF})(gd) === '{PAPER}'")
        lab.set_viewport_size({"width": 800, "height": 900})
        until(plot, "gd => gd._fullLayout.width < 600")
        lab.wait_for_timeout(500)
        assert plot.evaluate(UNFIT) == []
        assert not seen.errors
        assert not seen.elsewhere
