"""Figures of sweeps: every number of the table is drawn where it belongs, and what failed is counted."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

import workbench as wb
from tests.support.tables import swept
from workbench import figures
from workbench.figures._style import SYMBOLS
from workbench.figures._trade_off import find_front


def title(figure: go.Figure) -> str:
    return str(figure.layout.meta["title"])


def test_a_line_is_a_point_and_every_corner_a_cell() -> None:
    table = swept()
    numbers = figures.numbers(figures.sweep(table))
    good = table[table["error"] == ""]
    assert numbers["point"].nunique() == len(good) == 10
    cells = numbers.groupby("column")["value"].count()
    assert cells.to_dict() == dict.fromkeys(["ticks_per_frame", "reset", "operations", "accuracy"], 10)
    accuracy = numbers[numbers["column"] == "accuracy"]
    height = accuracy["from lowest (0) to highest (1)"].to_numpy(dtype=float)
    low, high = good["accuracy"].min(), good["accuracy"].max()
    np.testing.assert_allclose(sorted(height), sorted((good["accuracy"] - low) / (high - low)))
    assert title(figures.sweep(table)) == "accuracy is 0.68 to 0.93 at 10 points; 1 failed; 1 not run"
    assert title(figures.sweep(table, value="operations")).startswith("operations is 4000 to 12.9 k")


def test_groups_differ_in_more_than_colour() -> None:
    lines = [trace for trace in figures.sweep(swept()).data if trace.customdata is not None]
    assert len({trace.line.dash for trace in lines}) == len({trace.line.color for trace in lines}) == len(lines) == 4
    dots = [trace for trace in figures.sweep(swept(), "trade-off").data if trace.mode == "markers"]
    assert [trace.marker.symbol for trace in dots] == list(SYMBOLS[:3])


@pytest.mark.parametrize("seed", range(6))
def test_cells_are_means_over_all_other_parameters(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [{"a": a, "b": b, "c": c} for a, b, c in product([4, 2, 8], ["x", "y"], [0, 1])]
    table = pd.DataFrame([{**row, "gain": rng.normal()} for row in rng.permutation(np.array(rows, dtype=object))[:9]])
    figure = figures.sweep(table, "heat map", x="a", y="b", parameters=["a", "b", "c"])
    wanted = table.groupby(["a", "b"])["gain"].mean()
    heat = figure.data[0]
    across = sorted(table["a"].unique())
    down = list(dict.fromkeys(table["b"]))
    for line, column in product(range(len(down)), range(len(across))):
        place = (across[column], down[line])
        expected = wanted.get(place, np.nan)
        np.testing.assert_allclose(heat.z[line][column], expected)
    assert list(figure.layout.xaxis.ticktext) == [str(value) for value in across]


@pytest.mark.parametrize("seed", range(9))
def test_the_front_is_what_nobody_beats(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spent, gained = rng.integers(0, 6, 30).astype(float), rng.integers(0, 6, 30).astype(float)

    def beaten(i: int) -> bool:
        better = (spent <= spent[i]) & (gained >= gained[i]) & ((spent < spent[i]) | (gained > gained[i]))
        return bool(better.any())

    assert find_front(spent, gained).tolist() == [not beaten(i) for i in range(30)]


def test_the_trade_off_finds_accuracy_and_operations_by_itself() -> None:
    table = swept().rename(columns={"operations": "synaptic_operations"})
    table.attrs["results"] = ["accuracy", "synaptic_operations"]
    figure = figures.sweep(table, "trade-off")
    assert figure.layout.xaxis.title.text == "synaptic_operations (less is better)"
    assert figure.layout.yaxis.title.text == "accuracy (more is better)"
    assert title(figure) == "10 of 10 points are best at what they spend; 1 failed; 1 not run"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"view": "pie"}, "view='pie' is unknown; choose one of parallel, heat map, trade-off"),
        ({"value": "reset"}, "value='reset' is no result that is a number; there are accuracy, operations"),
        ({"x": "accuracy"}, 'the view "parallel" has no x and y'),
        ({"view": "heat map", "x": "accuracy"}, "x='accuracy' is no parameter; there are ticks_per_frame, reset"),
        ({"view": "trade-off", "value": "accuracy"}, 'the view "trade-off" has no value'),
        ({"parameters": ["k"]}, "the table has no parameter k; it has ticks_per_frame, reset"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        figures.sweep(swept(), **options)
    with pytest.raises(ValueError, match=r"does not say which columns are parameters; give the table that wb\.sweep"):
        figures.sweep(pd.DataFrame({"a": [1]}))


def test_small_tables_are_drawn_or_say_why_not() -> None:
    def tell(a: int) -> dict[str, object]:
        return {"word": "x", "number": 1.0 if a else None}

    table = wb.sweep(tell, {"a": [0, 1]}, "here")
    assert title(figures.sweep(table)) == "number is 1 at 1 point"
    for view, words in (("heat map", "needs two parameters"), ("trade-off", "needs two results that are numbers")):
        assert words in figures.sweep(table, view).layout.meta["alt"]
    assert "no point has ended yet; 2 not run" in figures.sweep(table.assign(error="not run")).layout.meta["alt"]
    words = wb.sweep(lambda a: "x", {"a": [0, 1]}, "here")
    assert "no result is a number" in figures.sweep(words).layout.meta["alt"]
    one = wb.sweep(lambda a, b: {"gain": float("inf") if a else 2.0, "cost": a}, {"a": [0, 1], "b": [(1, 2)]}, "here")
    for view in ("parallel", "heat map", "trade-off"):
        assert len(figures.numbers(figures.sweep(one, view)))
