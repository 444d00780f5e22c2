"""The table of a sweep: rows in the order of the grid, parameters, results, errors; and what is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import workbench as wb
from tests.support.swept import measure, measure_or_fail, return_anything
from workbench import progress
from workbench.sweeps import SweepUpdate
from workbench.sweeps.points import Point


@pytest.mark.parametrize("seed", range(6))
def test_every_row_is_a_call_by_hand(seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid = {"a": rng.permutation(6)[: rng.integers(1, 5)], "b": [0.1, 2.5][: rng.integers(1, 3)]}
    data = rng.integers(0, 9, 5)
    table = wb.sweep(measure, grid, executor="here", shared={"data": data}, seed=seed)
    assert list(table.columns) == ["a", "b", "seed", "total", "whole", "even", "name", "none", "error"]
    for (_, row), (a, b) in zip(table.iterrows(), product(*grid.values()), strict=True):
        own = Point(0, {"a": int(a), "b": b}).derive_seed(seed)
        wanted = {"a": a, "b": b, "seed": own, **measure(int(a), b, own, data), "error": ""}
        missing = {name for name, value in wanted.items() if value is None}
        assert all(pd.isna(row[name]) for name in missing)
        assert {name: value for name, value in row.items() if name not in missing} == {
            name: value for name, value in wanted.items() if name not in missing
        }
    assert table.attrs["parameters"] == ["a", "b"]
    assert table.attrs["results"] == ["total", "whole", "even", "name", "none"]
    assert (table.attrs["seed"], table.attrs["function"]) == (seed, "measure")


def test_a_row_is_the_same_wherever_it_stands() -> None:
    whole = wb.sweep(measure, {"a": range(4), "b": [1, 2]}, executor="here").set_index(["a", "b"])
    turned = wb.sweep(measure, [{"b": 2, "a": 3}, {"b": 1, "a": 0}], executor="here").set_index(["a", "b"])
    for place in turned.index:
        assert turned.loc[place].equals(whole.loc[place])
    other = wb.sweep(measure, {"a": range(4), "b": [1, 2]}, executor="here", seed=1).set_index(["a", "b"])
    assert (other["total"] != whole["total"]).all()


def test_a_seed_that_is_given_stays() -> None:
    table = wb.sweep(measure, {"a": [1], "b": [1.0], "seed": [3, 4]}, executor="here")
    assert table["seed"].tolist() == [3, 4]
    assert table.attrs["parameters"] == ["a", "b", "seed"]
    shared = wb.sweep(measure, {"a": [1], "b": [1.0]}, executor="here", shared={"seed": 3})
    assert shared["total"].item() == table["total"][0]


def test_the_seed_of_the_function_is_the_only_thing_that_is_added() -> None:
    def take(**named: Any) -> str:
        return ",".join(sorted(named))

    assert wb.sweep(take, {"a": [1]}, executor="here", shared={"b": 2})["result"].tolist() == ["a,b"]


@pytest.mark.parametrize(
    ("returned", "columns"),
    [
        (0.5, {"result": 0.5}),
        (np.float32(0.1), {"result": float(np.float32(0.1))}),
        (torch.tensor(3), {"result": 3}),
        ("word", {"result": "word"}),
        (True, {"result": True}),
        ({"x": np.int8(1), "y": np.array(2.5)}, {"x": 1, "y": 2.5}),
        (pd.Series({"x": 1.5, "y": 2.0}), {"x": 1.5, "y": 2.0}),
        (pd.DataFrame({"x": [1], "y": ["a"]}), {"x": 1, "y": "a"}),
    ],
)
def test_what_a_function_may_return(returned: Any, columns: Mapping[str, Any]) -> None:
    table = wb.sweep(return_anything, {"a": [0]}, executor="here", shared={"values": [returned]})
    assert table[table.attrs["results"]].to_dict("records") == [columns]


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (None, "returned nothing; return a number, a text, a boolean or None, or a dict of them"),
        ({}, "returned nothing"),
        ([1, 2], r"the result result cannot stand in a table: \[1, 2\] is a list, not a number"),
        ({"x": np.arange(3)}, "the result x cannot stand in a table: array.* is a ndarray"),
        ({"x": 1j}, "1j is a complex"),
        ({"x": 2**80}, "81 bits"),
        ({"a": 1}, "returned a, which is a column already; give it another name"),
        ({"error": 1}, "returned error, which is a column already"),
        ({3: 1}, "a column called 3"),
        (pd.DataFrame({"x": [1, 2]}), r"a table of 2 rows; return one, such as table.tail\(1\)"),
    ],
)
def test_what_does_not_fit_is_named_at_its_point(returned: Any, words: str) -> None:
    with pytest.warns(UserWarning, match=r"1 of 2 points failed \(column error\), the first is point 1 \(a=1\)"):
        table = wb.sweep(return_anything, {"a": [0, 1]}, executor="here", shared={"values": [{"y": 2.0}, returned]})
    assert re.search(words, table["error"][1])
    assert table["y"].tolist()[0] == 2.0
    assert np.isnan(table["y"][1])


def test_a_point_that_fails_has_its_traceback_and_the_others_their_results() -> None:
    with pytest.warns(UserWarning, match=r"2 of 6 points failed .* point 4 \(a=2, b=0.5\): LookupError: there is no 2"):
        table = wb.sweep(measure_or_fail, {"a": [0, 1, 2], "b": [0.5, 1.0]}, executor="here")
    assert table["error"].ne("").tolist() == [False] * 4 + [True] * 2
    assert table["error"][4].startswith("Traceback (most recent call last):")
    assert "in measure_or_fail" in table["error"][4]
    assert "point_run" not in table["error"][4]
    good = wb.sweep(measure, {"a": [0, 1], "b": [0.5, 1.0]}, executor="here")
    assert table["total"].tolist()[:4] == good["total"].tolist()
    assert table["name"].tolist()[:4] == good["name"].tolist()
    assert table[["total", "whole", "name"]].iloc[4:].isna().all(axis=None)


def test_columns_that_differ_are_named_and_kept() -> None:
    values = [{"x": 1, "y": 2}, {"x": 3}, {"y": 5, "x": 4}]
    with pytest.warns(UserWarning, match="1 of 3 points failed"):
        table = wb.sweep(return_anything, {"a": [0, 1, 2]}, executor="here", shared={"values": values})
    assert table["x"].tolist() == [1, 3, 4]
    assert table["error"][1] == (
        "the function returned the columns x here, but x, y at point 0 (a=0); return the same ones from every point, "
        "None where there is no value"
    )
    assert table["error"][2] == ""


def test_ending_the_process_is_an_error_of_the_point() -> None:
    def leave(a: int) -> int:
        raise SystemExit(3)

    with pytest.warns(UserWarning, match="must return, not end its process"):
        table = wb.sweep(leave, {"a": [1]}, executor="here")
    assert "SystemExit: 3" in table["error"][0]


def needs_more(a: int, path: str) -> int:
    return a + len(path)


@pytest.mark.parametrize(
    ("function", "grid", "options", "words"),
    [
        (3, {"a": [1]}, {}, "3 is no function"),
        (measure, {"c": [1]}, {}, "measure does not take c; it takes a, b, seed, data"),
        (measure, {"a": [1]}, {}, "measure needs b as well; give values in the grid, or one for all by shared="),
        (measure, {"a": [1], "b": [1]}, {"shared": {"c": 1}}, "measure does not take c"),
        (measure, {"a": [1], "b": [1]}, {"shared": {"a": 1}}, "a stands in the grid and in shared"),
        (partial(needs_more, path="x"), {"b": [1]}, {}, "needs_more does not take b; it takes a, path"),
        (abs, {"x": [1]}, {}, "abs does not take x"),
        (measure, {"a": [1], "b": [1]}, {"executor": "loky"}, "executor='loky' is none"),
        (measure, {"a": [1], "b": [1]}, {"executor": 0}, "executor=0 is none"),
        (measure, {"a": [1], "b": [1]}, {"executor": "here", "timeout": 1}, "no point can be ended; leave timeout"),
        (measure, {"a": [1], "b": [1]}, {"timeout": 0}, "timeout=0 must be a positive number of seconds"),
        (measure, {"a": [1], "b": [1]}, {"seed": -1}, "seed=-1 must be a whole number"),
    ],
)
def test_what_cannot_be_swept_is_refused_before_anything_runs(
    function: Any, grid: Any, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        wb.sweep(function, grid, **options)


def test_who_watches_sees_every_end_and_may_stop() -> None:
    seen: list[SweepUpdate] = []

    def watch(update: SweepUpdate) -> bool:
        seen.append(update)
        return update.done == 3

    with pytest.warns(UserWarning, match=r"sweep was stopped after 3 of 8 points: with store=folder it could go on"):
        table = wb.sweep(measure, {"a": range(4), "b": [1, 2]}, executor="here", callback=watch)
    assert [update.done for update in seen] == [1, 2, 3]
    assert [len(update.table) for update in seen] == [1, 2, 3]
    assert table["error"].tolist() == [""] * 3 + ["not run"] * 5
    whole = wb.sweep(measure, {"a": range(4), "b": [1, 2]}, executor="here")
    assert table["total"].tolist()[:3] == whole["total"].tolist()[:3]


def test_a_bar_counts_points_those_that_failed_and_those_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "DELAY_S", 0)
    monkeypatch.setattr(progress, "is_watched", lambda: True)
    wb.sweep(measure_or_fail, {"a": [1], "b": [1.0]}, "here", tmp_path / "kept", progress=False)
    assert capsys.readouterr().err == ""
    with pytest.warns(UserWarning, match="1 of 3 points failed"):
        wb.sweep(measure_or_fail, {"a": [1, 2, 3], "b": [1.0]}, "here", tmp_path / "kept")
    seen = capsys.readouterr().err
    assert re.search(r"sweep measure_or_fail: +67%\|[^\r]*\| 2/3 \[", seen)
    assert re.search(r"sweep measure_or_fail: +100%\|[^\r]*\| 3/3 \[.*failed=1", seen)


def test_a_sweep_changes_nothing() -> None:
    before, data = torch.get_num_threads(), np.arange(3)
    grid: dict[str, Any] = {"a": [1, 2], "b": [1.0]}
    wb.sweep(measure, grid, executor="here", shared={"data": data})
    assert torch.get_num_threads() == before
    assert grid == {"a": [1, 2], "b": [1.0]}
    assert data.tolist() == [0, 1, 2]


def test_real_verbs_are_swept() -> None:
    """Conversions with different percentiles, compared on recordings, as by hand."""
    from tests.support import tiny

    def convert_and_compare(percentile: float, recordings: wb.Recordings, ann: wb.Model) -> pd.Series:
        snn = wb.convert(ann, recordings, percentile=percentile, progress=False)
        return wb.compare({"SNN": snn}, recordings, progress=False).iloc[-1][["accuracy", "synaptic_operations"]]

    shared = {"recordings": tiny.recordings(), "ann": tiny.ann()}
    table = wb.sweep(convert_and_compare, {"percentile": [90.0, 99.9]}, 1, shared=shared)
    for row in table.to_dict("records"):
        by_hand = convert_and_compare(row["percentile"], **shared)
        assert (row["accuracy"], row["synaptic_operations"]) == tuple(by_hand)
