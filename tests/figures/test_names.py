"""Names of others in figures: as typed, never as markup, and no longer than there is room for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import plotly.graph_objects as go
import pytest

from tests.support.every_figure import drawn
from workbench.figures._words import brief, read_words, whole, wrap

OURS = re.compile(r"</?b( style='color:#\w{6}')?>|<br>|</?span[^<>]*>|</?extra>")


def marked(name: str) -> str:
    """A name that looks like markup, an entity and a place of a hover text."""
    return f"<i>{name}</i><sub>&amp;%{{y}}"


def long(name: str) -> str:
    """A name of 80 letters."""
    return f"{name}-{'w' * 80}"[:80]


@pytest.mark.parametrize("name", [name for name in drawn() if name != "darken"])
def test_names_are_shown_as_they_are_typed(name: str) -> None:
    figure = drawn(marked)[name]
    for where, text in texts(figure):
        alien = [found for found in re.findall(r"<[^<>]*>", text) if not OURS.fullmatch(found)]
        assert not alien, (where, text)
        assert "&amp;%{y}" not in text, (where, text)
    told = [*(str(words) for words in (figure.layout.meta["title"], figure.layout.meta["alt"]))]
    assert not any("&lt;" in words or "&amp;lt" in words for words in told)
    if "<i>" in told[0]:
        assert read_words(figure.layout.title.text).startswith(told[0])


@pytest.mark.parametrize("name", [name for name in drawn() if name not in ("darken", "image")])
def test_long_names_are_cut_and_whole_when_pointed_at(name: str) -> None:
    figure = drawn(long)[name]
    hovered = []
    for where, text in texts(figure):
        if "hover" in where or "customdata" in where:
            hovered.append(text)
        else:
            assert max(map(len, read_words(text).split()), default=0) <= 34, (where, text)
    if name not in ("frame", "frames", "events", "emission", "learning", "membrane", "raster", "rollouts"):
        assert any("w" * 60 in text for text in hovered), "hovering shows the whole name"


def texts(figure: go.Figure) -> Iterator[tuple[str, str]]:
    """All words of a figure that plotly reads as markup, and where they stand."""
    layout = figure.layout.to_plotly_json()
    layout.pop("meta")
    layout.pop("template")
    yield from walk("layout", layout)
    for trace in figure.data:
        shown = trace.to_plotly_json()
        for part in ("name", "text", "hovertext", "hovertemplate", "customdata"):
            yield from walk(part, shown.get(part))
        yield from walk("hover of categories", shown.get("y"))


def walk(where: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every text in a tree of properties but colours, names of axes, and the places of ticks."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("color", "tickvals", "categoryarray"):
                yield from walk(f"{where}.{key}", inner)
    elif hasattr(value, "tolist"):
        yield from walk(where, value.tolist())
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from walk(where, inner)


def test_words_are_plain() -> None:
    assert read_words(whole("<b>R&D &amp; more</b>")) == "<b>R&D &amp; more</b>"
    assert brief("w" * 80) == "w" * 11 + "…" + "w" * 12
    assert wrap(f"{whole('<b>')} of the <b style='color:#000000'>few words</b>", 9) == (
        "&lt;b&gt; of<br>the <b style='color:#000000'>few<br>words</b>"
    )
