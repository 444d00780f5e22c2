"""Saved pages in a browser: no kernel, no network, and their sliders work, at every width, in light and in dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page

from benchmarks.lab import Seen, callback, open_page, until
from tests.support import tiny
from workbench import widgets

WIDTHS_PX = (400, 800, 1600)
TITLE = "gd => gd._fullLayout.title.text"
SPILLS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a page of every panel that has controls to work with."""
    folder, some = tmp_path_factory.mktemp("saved"), tiny.recordings()
    models = {"ANN": tiny.ann(), "SNN": tiny.snn()}
    panels = {
        "rollouts": widgets.rollouts(tiny.network()), "player": widgets.player(some),
        "operations": widgets.operations(models, some),
        "explore": widgets.explore(tiny.snn(), some, reference=tiny.ann()),
        "compare": widgets.compare(models, some),
    }  # fmt: skip
    for name, panel in panels.items():
        panel.save(folder / f"{name}.html")
    return folder


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with open_page(1000, 1400) as page:
        yield page


@pytest.fixture(scope="module")
def seen(page: Page) -> Seen:
    return callback(page)


def show(page: Page, file: Path) -> Locator:
    """Open a page; its last figure, drawn."""
    page.goto(file.as_uri())
    plot = page.locator(".workbench-canvas .js-plotly-plot").last
    plot.wait_for()
    until(plot, "gd => (gd._fullData || []).length > 0")
    return plot


def slide(page: Page, label: str, key: str) -> None:
    page.get_by_label(label, exact=False).first.press(key)


def test_choices_and_sliders_change_the_figure(page: Page, seen: Seen, saved: Path) -> None:
    plot = show(page, saved / "rollouts.html")
    page.get_by_label("look from").select_option(label="hand")
    until(plot, "gd => /Seen from hand in frame 0/.test(gd._fullLayout.title.text)")
    slide(page, "in frame", "ArrowRight")
    until(plot, "gd => /Seen from hand in frame 1/.test(gd._fullLayout.title.text)")
    assert page.get_by_text("hand in frame 1").count()

    plot = show(page, saved / "operations.html")
    before = plot.evaluate(TITLE)
    assert page.get_by_label("model").is_disabled()
    page.get_by_label("view").select_option(label="by edge")
    plot.page.wait_for_function(f"([gd, before]) => ({TITLE})(gd) !== before", arg=[plot.element_handle(), before])
    assert not page.get_by_label("model").is_disabled()

    plot = show(page, saved / "player.html")
    before = plot.evaluate(TITLE)
    for _ in range(4):
        slide(page, "tick", "ArrowRight")
    plot.page.wait_for_function(f"([gd, before]) => ({TITLE})(gd) !== before", arg=[plot.element_handle(), before])
    assert seen.errors == []
    assert [url for url in seen.elsewhere if not url.startswith("file:")] == []


def test_time_moves_the_cursor_and_the_numbers_and_plays(page: Page, seen: Seen, saved: Path) -> None:
    plot = show(page, saved / "explore.html")
    assert page.get_by_text("ANN and SNN").count(), "where the two part is told"
    line = page.locator(".workbench-cursor i").last
    numbers, place = page.locator("table").inner_text(), line.bounding_box()
    slide(page, "tick", "ArrowLeft")
    page.wait_for_function("before => document.querySelector('table').innerText !== before", arg=numbers)
    moved = line.bounding_box()
    assert place is not None
    assert moved is not None
    assert moved["x"] < place["x"]
    slide(page, "tick", "Home")
    page.get_by_role("button", name="play").click()
    page.wait_for_function("() => document.querySelector('input[name=step]').value > 2")
    page.get_by_role("button", name="pause").click()
    before = plot.evaluate("gd => JSON.stringify(gd._fullLayout.yaxis3?.title?.text)")
    page.locator("select[name=node]").select_option(label="v1")
    plot.page.wait_for_function(
        "([gd, before]) => JSON.stringify(gd._fullLayout.yaxis3?.title?.text) !== before",
        arg=[plot.element_handle(), before],
    )
    assert seen.errors == []


@pytest.mark.parametrize("name", ["rollouts", "player", "operations", "explore", "compare"])
def test_nothing_spills_over_at_any_width(name: str, page: Page, seen: Seen, saved: Path) -> None:
    show(page, saved / f"{name}.html")
    for width in WIDTHS_PX:
        page.set_viewport_size({"width": width, "height": 1200})
        page.wait_for_function(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))"
        )
        assert page.evaluate(SPILLS) <= 0, f"at {width} px"
        for slider in page.locator("input[type=range]").all():
            box = slider.bounding_box()
            assert box is not None
            assert box["width"] >= 96, f"at {width} px"
    assert seen.errors == []


def test_it_follows_the_theme_of_the_browser(page: Page, saved: Path) -> None:
    page.emulate_media(color_scheme="dark")
    try:
        plot = show(page, saved / "explore.html")
        paper = plot.evaluate("gd => gd._fullLayout.paper_bgcolor")
        assert paper == page.evaluate("() => getComputedStyle(document.body).backgroundColor").replace(
            "rgb(20, 24, 29)", "#14181d"
        )
    finally:
        page.emulate_media(color_scheme="light")
    until(plot, "gd => gd._fullLayout.paper_bgcolor === '#ffffff'")
