"""Dark pages: every colour of the house is replaced, everything stays legible, nothing else changes."""

import json
import re
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

import workbench as wb
from tests.support.tables import causes as table_of_causes
from tests.support.tables import confusions, costs, history, sweep
from tests.support.tables import diagnosis as table
from workbench import figures
from workbench.figures._style import (
    BLUE,
    COLOURS,
    DARK,
    FAINT,
    GREEN,
    GRID,
    INK,
    PAPER,
    PURPLE,
    QUIET,
    SEQUENCE,
    VERMILION,
    contrast,
    ink_on,
    luminance,
)


def network() -> wb.Network:
    ends = [("retina", "v1"), ("v1", "v2"), ("v2", "v2"), ("v2", "digit")]
    return wb.Network({"retina": (1, 4, 4)}, [wb.Edge(*pair, wb.Dense(3)) for pair in ends], output="digit")


def drawn() -> dict[str, go.Figure]:
    rollout = wb.Rollout(network().streaming(), frames=4)
    return {
        "accuracy": figures.accuracy(costs()),
        "operations": figures.operations(costs()),
        "energy": figures.energy(costs()),
        "learning": figures.learning(history()),
        "confusions": figures.confusion_over_time(confusions(4)),
        "diagnosis": figures.diagnosis(table()),
        "causes": figures.causes(table_of_causes()),
        "early_exit": figures.early_exit(sweep()),
        "raster": figures.raster({"v1": np.ones((9, 1, 5)), "digit": np.random.default_rng(0).normal(size=(9, 1, 3))}),
        "image": figures.raster({"v1": np.ones((300, 1, 100))}),
        "rollout": figures.rollout(rollout),
        "rollouts": figures.rollouts(rollout, wb.Rollout(network().sequential(), frames=4)),
        "frames": figures.frames(np.ones((2, 2, 3, 3)), window_us=1000),
        "empty": figures.accuracy(costs().iloc[:0]),
    }


@pytest.mark.parametrize("paper", [PAPER, DARK[PAPER]])
def test_words_and_lines_stand_out_from_their_paper(paper: str) -> None:
    on_dark = paper != PAPER
    for word in (INK, QUIET):
        assert contrast(DARK[word] if on_dark else word, paper) >= 4.5
    lines = (
        (*COLOURS, FAINT) if on_dark else (BLUE, VERMILION, GREEN, PURPLE)
    )  # on white, orange and sky lean on symbols
    for line in lines:
        assert contrast(DARK[line] if on_dark else line, paper) >= 3
    for word in (BLUE, VERMILION):  # OFF and ON are said in their colours
        assert contrast(DARK[word], DARK[PAPER]) >= 4.5
    assert contrast(DARK[GRID] if on_dark else GRID, paper) < 1.5


def test_dark_colours_are_as_many_as_light_ones_and_more_is_lighter() -> None:
    assert len({DARK[colour].lower() for colour in COLOURS}) == len(COLOURS)
    dark = [luminance(DARK.get(colour, colour)) for colour in (PAPER, *SEQUENCE)]
    assert dark == sorted(dark)


@pytest.mark.parametrize("name", drawn())
def test_every_colour_of_the_house_is_replaced_and_nothing_else(name: str) -> None:
    figure = drawn()[name]
    before = figure.to_json()
    dark = figures.darken(figure)
    assert figure.to_json() == before
    assert (dark.layout.paper_bgcolor, dark.layout.font.color) == (DARK[PAPER], DARK[INK])
    swapped = {light.lower(): new.lower() for light, new in DARK.items()}

    def colours(text: str) -> list[str]:
        return [colour.lower() for colour in re.findall(r"#[0-9a-fA-F]{6}\b", text)]

    for old, new in zip(figure.data, dark.data, strict=True):
        assert old.type == new.type
        for axis in ("x", "y", "z"):
            if old.type != "image" and getattr(old, axis, None) is not None:
                np.testing.assert_array_equal(getattr(old, axis), getattr(new, axis))
    assert colours(json.dumps(dark.layout.title.text)) == [
        swapped.get(colour, colour) for colour in colours(json.dumps(figure.layout.title.text))
    ]
    for gone in (INK, QUIET, "#0072B2", "#D55E00"):
        assert gone.lower() not in colours(dark.to_json())


def test_words_in_filled_marks_stay_legible() -> None:
    checked = 0
    for name in ("rollout", "rollouts"):
        for trace in figures.darken(drawn()[name]).data:
            if "text" not in str(trace.mode) or trace.textfont.color is None or trace.marker.color is None:
                continue
            fills, words = trace.marker.color, trace.textfont.color
            fills = [fills] * len(words) if isinstance(fills, str) and not isinstance(words, str) else fills
            words = [words] * len(fills) if isinstance(words, str) and not isinstance(fills, str) else words
            for fill, word in zip(*(([c] if isinstance(c, str) else c) for c in (fills, words)), strict=True):
                assert contrast(fill, word) >= 4.5
                checked += 1
    assert checked > 5


def test_ink_is_legible_on_every_colour() -> None:
    for colour in (*COLOURS, *SEQUENCE, *DARK.values()):
        assert contrast(colour, ink_on(colour)) >= 4.5


def test_pages_swap_the_same_colours_as_darken() -> None:
    script = (Path(figures.__file__).parent / "dark.js").read_text(encoding="utf-8")
    pairs = dict(re.findall(r'"(#[0-9a-f]{6})": "(#[0-9a-f]{6})"', script))
    assert pairs == {light.lower(): dark.lower() for light, dark in DARK.items()}


def test_images_of_events_are_painted_on_dark_paper() -> None:
    counts = np.zeros((1, 2, 2, 3))
    counts[0, 1, 0, 0] = 2  # ON, at full strength
    (image,) = figures.darken(figures.frames(counts)).data
    lit, paper = (tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5)) for colour in (DARK[VERMILION], DARK[PAPER]))
    assert tuple(image.z[0, 0]) == lit
    assert {tuple(pixel) for pixel in image.z.reshape(-1, 3)} == {lit, paper}
