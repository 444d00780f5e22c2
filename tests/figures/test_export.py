"""Figures as files: offline, whole or not at all, with a cure where no browser can draw a picture."""

import html
import re
from pathlib import Path

import plotly.graph_objects as go
import pytest

from tests.support.every_figure import drawn as every_figure
from workbench import figures
from workbench.figures._style import dress


def figure(title: str = "Three points", subtitle: str = "") -> go.Figure:
    return dress(go.Figure(go.Scatter(y=[1, 3, 2])), title, subtitle, 'Up "and" down.', 300)


def test_a_page_holds_everything_it_needs(tmp_path: Path) -> None:
    figures.save(figure(), tmp_path / "one.html")
    figures.save(figure(), tmp_path / "two.html")
    page = (tmp_path / "one.html").read_text()
    assert page == (tmp_path / "two.html").read_text()
    assert 'aria-label="Up &quot;and&quot; down."' in page
    assert "<script src=" not in page
    assert "Plotly.newPlot" in page
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.html", "two.html"]


@pytest.mark.parametrize(
    ("drawn", "title"),
    [
        (figure(), "Three points"),
        (figure("Three points", "and a subtitle, which is not the title"), "Three points"),
        (figure("A title of so many words " * 6, "and a subtitle"), " ".join(["A title of so many words"] * 6)),
        (figure("<b>Three</b> points<br>in <span style='color:red'>red</span>"), "Three points in red"),
        (figure("1 < 2 & 3 > 2"), "1 &lt; 2 &amp; 3 &gt; 2"),
        (figure("Old").update_layout(title_text="<i>Mine</i><br><sub>own</sub>"), "Mine own"),
        (go.Figure(layout={"title": {"text": "<b>plain</b> plotly"}}), "plain plotly"),
        (go.Figure(layout={"meta": ["a", "list"]}), "figure"),
        (go.Figure(), "figure"),
    ],
)
def test_the_title_of_a_page_is_words_without_markup(drawn: go.Figure, title: str, tmp_path: Path) -> None:
    figures.save(drawn, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert re.findall(r"<title>(.*?)</title>", page[:1_000]) == [title]


@pytest.mark.parametrize("name", sorted(set(figures.__all__) - {"save"}))
def test_the_page_of_every_figure_is_titled_and_described_in_words(name: str, tmp_path: Path) -> None:
    figures.save(every_figure()[name], tmp_path / "page.html")
    head = (tmp_path / "page.html").read_text(encoding="utf-8")[:5_000]
    title, alt = (html.unescape(re.findall(found, head)[0]) for found in (r"<title>(.*?)</title>", r'label="(.*?)"'))
    assert not [words for words in (title, alt) if re.search(r"</?\w+[^>]*>|&\w+;", words)]
    assert 0 < len(title) < len(alt)


@pytest.mark.parametrize(("kind", "start"), [("png", b"\x89PNG"), ("svg", b"<svg")])
def test_pictures_are_drawn(tmp_path: Path, kind: str, start: bytes) -> None:
    figures.save(figure(), tmp_path / f"picture.{kind}")
    assert (tmp_path / f"picture.{kind}").read_bytes().startswith(start)


def test_without_a_browser_the_cure_is_told_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: go.Figure, **options: object) -> bytes:
        raise RuntimeError("Kaleido requires Google Chrome to be installed.")

    monkeypatch.setattr(go.Figure, "to_image", fail)
    with pytest.raises(RuntimeError, match=r"needs kaleido and a Chrome or Chromium .* or save as \.html"):
        figures.save(figure(), tmp_path / "picture.png")
    assert not list(tmp_path.iterdir())


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'picture.gif' must end in \.html, \.png or \.svg"):
        figures.save(figure(), tmp_path / "picture.gif")
