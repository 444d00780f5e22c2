"""Figures as files: offline, whole or not at all, with a cure where no browser can draw a picture."""

from pathlib import Path

import plotly.graph_objects as go
import pytest

from workbench import figures
from workbench.figures.style import dress


def figure() -> go.Figure:
    return dress(go.Figure(go.Scatter(y=[1, 3, 2])), "Three points", "", 'Up "and" down.', 300)


def test_a_page_holds_everything_it_needs(tmp_path: Path) -> None:
    figures.save(figure(), tmp_path / "one.html")
    figures.save(figure(), tmp_path / "two.html")
    page = (tmp_path / "one.html").read_text()
    assert page == (tmp_path / "two.html").read_text()
    assert 'aria-label="Up &quot;and&quot; down."' in page
    assert "<script src=" not in page
    assert "Plotly.newPlot" in page
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.html", "two.html"]


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
