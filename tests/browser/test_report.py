"""The report of the main job in a browser: in a wide and a narrow window, in the dark, and on paper."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from benchmarks.lab import Seen, callback, open_page
from tests.support import tiny_study
from workbench.study import write_report

WIDTHS_PX = (400, 1200)
DRAWN = "() => [...document.querySelectorAll('figure .js-plotly-plot')].every((gd) => (gd._fullData || []).length > 0)"
SPILLS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
TITLES = """() => [...document.querySelectorAll('figure .js-plotly-plot')].flatMap((gd) => {
    const words = gd.querySelector('.gtitle')?.getBoundingClientRect(), place = gd.getBoundingClientRect();
    return words && words.right > place.right + 1 ? [gd._fullLayout.title.text] : [];
})"""
PAPERS = "() => [...document.querySelectorAll('figure .js-plotly-plot')].map((gd) => gd._fullLayout.paper_bgcolor)"
ON_PAPER = """() => [...document.querySelectorAll('figure .js-plotly-plot')].map((gd) => gd._fullLayout.width)"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, Seen]]:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report([tiny_study.study()], path)
    with open_page(1200, 1000) as page:
        seen = callback(page)
        page.goto(path.as_uri())
        page.wait_for_function(DRAWN)
        yield page, seen


def test_nothing_spills_over_in_a_wide_or_a_narrow_window(report: tuple[Page, Seen]) -> None:
    page, seen = report
    for width in WIDTHS_PX:
        page.set_viewport_size({"width": width, "height": 1000})
        page.wait_for_function(f"() => ({TITLES})().length === 0")
        assert page.evaluate(SPILLS) <= 0, f"at {width} px"
    assert seen.errors == []
    assert [url for url in seen.elsewhere if not url.startswith("file:")] == []


def test_figures_are_as_wide_as_the_paper(report: tuple[Page, Seen]) -> None:
    page, seen = report
    page.set_viewport_size({"width": 1200, "height": 1000})
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function(f"() => ({ON_PAPER})().every((width) => width <= 680)")
    page.emulate_media(media="print")
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    page.emulate_media(media="screen")
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    page.wait_for_function(f"() => ({ON_PAPER})().every((width) => width > 900)")
    assert seen.errors == []


def test_it_is_dark_where_the_reader_wants_it_dark(report: tuple[Page, Seen]) -> None:
    page, _ = report
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"() => ({PAPERS})().every((paper) => paper === '#14181d')")
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function(f"() => ({PAPERS})().every((paper) => paper === '#ffffff')")
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    page.wait_for_function(f"() => ({PAPERS})().every((paper) => paper === '#14181d')")
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 29)"
    page.emulate_media(color_scheme="light")
