"""Figures as files: offline, whole or not at all, with a cure where no browser can draw a picture."""

import html
import json
import re
from pathlib import Path

import plotly.graph_objects as go
import pytest

from tests.support.every_figure import drawn as every_figure
from workbench import figures
from workbench.figures import _picture
from workbench.figures._browser import NoBrowserError
from workbench.figures._fit import fit
from workbench.figures._picture import SIZES
from workbench.figures._style import dress
from workbench.figures._words import read_words


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


@pytest.mark.parametrize("name", sorted(set(figures.__all__) - {"save", "numbers"}))
def test_the_page_of_every_figure_is_titled_and_described_in_words(name: str, tmp_path: Path) -> None:
    figures.save(every_figure()[name], tmp_path / "page.html")
    head = (tmp_path / "page.html").read_text(encoding="utf-8")[:5_000]
    title, alt = (html.unescape(re.findall(found, head)[0]) for found in (r"<title>(.*?)</title>", r'label="(.*?)"'))
    assert not [words for words in (title, alt) if re.search(r"</?\w+[^>]*>|&\w+;", words)]
    assert 0 < len(title) < len(alt)


@pytest.mark.parametrize(("kind", "start"), [("png", b"\x89PNG"), ("svg", b"<svg"), ("pdf", b"%PDF")])
def test_pictures_are_drawn(tmp_path: Path, kind: str, start: bytes) -> None:
    figures.save(figure(), tmp_path / f"picture.{kind}")
    assert (tmp_path / f"picture.{kind}").read_bytes().startswith(start)


@pytest.mark.parametrize(("size", "width_mm"), [("column", 85), ("two columns", 175), ("slide", 338.7)])
def test_a_size_is_that_of_the_print(tmp_path: Path, size: str, width_mm: float) -> None:
    figures.save(every_figure()["diagnosis"], tmp_path / "printed.svg", size=size)
    head = (tmp_path / "printed.svg").read_text(encoding="utf-8")[:400]
    width_px, height_px = (float(re.findall(rf' {side}="([\d.]+)"', head)[0]) for side in ("width", "height"))
    assert width_px * 25.4 / 96 == pytest.approx(width_mm, rel=0.01)
    assert size != "slide" or width_px / height_px == pytest.approx(16 / 9, rel=0.01)


@pytest.mark.parametrize("name", sorted(set(figures.__all__) - {"save", "numbers", "darken"}))
@pytest.mark.parametrize("size", SIZES)
def test_type_can_be_read_at_every_size(name: str, size: str) -> None:
    """At 4 px a mm, 10 px are 7 pt; a slide has 720 px and 18 of them for these."""
    place = SIZES[size]
    fitted = fit(every_figure()[name], place.laid_out_px)
    smallest = min(sizes_of_type(fitted))
    assert smallest * place.width_mm / fitted.layout.width * 72 / 25.4 >= 7 * 0.99
    assert max(len(read_words(line)) for line in fitted.layout.title.text.split("<br>")) * 5 <= fitted.layout.width


def sizes_of_type(figure: go.Figure) -> list[float]:
    """Of all words of a figure that say one, and of those that do not."""
    shown = json.loads(figure.to_json())
    shown["layout"].pop("template")
    found = re.findall(r'"(?:font|tickfont|textfont)": \{[^{}]*?"size": ([\d.]+)', json.dumps(shown))
    return [*map(float, found), 13.0]


def test_sizes_are_named_where_one_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"size='poster' is unknown; choose one of 'column', 'two columns', 'slide'"):
        figures.save(figure(), tmp_path / "picture.png", size="poster")
    with pytest.raises(
        ValueError, match=r"size='column' is for pictures; 'page.html' must end in \.png, \.svg or \.pdf"
    ):
        figures.save(figure(), tmp_path / "page.html", size="column")


def test_without_a_browser_the_cure_is_told_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*options: object) -> bytes:
        raise NoBrowserError("there is no browser")

    monkeypatch.setattr(_picture, "draw", fail)
    with pytest.raises(RuntimeError, match=r"needs kaleido and a Chrome or Chromium .* or save as \.html"):
        figures.save(figure(), tmp_path / "picture.png")
    assert not list(tmp_path.iterdir())


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"'picture.gif' must end in \.html, \.png, \.svg, \.pdf, \.csv, \.tex or \.md"
    ):
        figures.save(figure(), tmp_path / "picture.gif")
