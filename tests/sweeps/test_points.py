"""Grids: every combination in order, and what no grid may be."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.sweeps.points import Point, read_grid


def draw_grid(rng: np.random.Generator) -> dict[str, list[Any]]:
    """Lists of different values of all kinds, under up to four names."""
    values: list[list[Any]] = [
        [1, 2, 3], [0.5, 1.5], ["x", "y", "z"], [True, False], [None, "none"], [(1, 2), (1, 3), ()],
        [1.5, float("inf")],
    ]  # fmt: skip
    chosen = rng.permutation(len(values))[: rng.integers(1, 5)]
    return {f"p{place}": values[index][: rng.integers(1, 4)] for place, index in enumerate(chosen)}


@pytest.mark.parametrize("seed", range(12))
def test_a_grid_is_every_combination_in_order(seed: int) -> None:
    grid = draw_grid(np.random.default_rng(seed))
    wanted = [dict(zip(grid, row, strict=True)) for row in product(*grid.values())]
    points = read_grid(grid)
    assert [dict(point.parameters) for point in points] == wanted
    assert [point.number for point in points] == list(range(len(wanted)))
    listed = read_grid(iter(wanted))
    assert [point.key for point in listed] == [point.key for point in points]
    assert len({point.key for point in points}) == len(points)
    assert len({point.derive_seed(0) for point in points}) == len(points)


def test_a_table_is_a_grid_and_keeps_its_types() -> None:
    table = pd.DataFrame(
        {"k": np.array([4, 8], dtype=np.int8), "p": np.array([0.5, 1], dtype=np.float32), "n": ["a", "b"]}
    )
    rows = [dict(point.parameters) for point in read_grid(table)]
    assert rows == [{"k": 4, "p": 0.5, "n": "a"}, {"k": 8, "p": 1.0, "n": "b"}]
    assert [type(value) for value in rows[0].values()] == [int, float, str]
    assert [p.key for p in read_grid({"k": [4], "p": [0.5], "n": ["a"]})] == [read_grid(table)[0].key]


@pytest.mark.parametrize("seed", range(6))
def test_key_and_seed_follow_from_the_parameters_alone(seed: int) -> None:
    points = read_grid(draw_grid(np.random.default_rng(seed)))
    for point in points:
        turned = Point(99, dict(reversed(list(point.parameters.items()))))
        assert turned.key == point.key
        assert turned.derive_seed(7) == point.derive_seed(7) != point.derive_seed(8)
        assert 0 <= point.derive_seed(7) < 2**63


def test_seeds_are_those_of_before() -> None:
    """What follows from a seed is part of what a store means: it stays from version to version."""
    assert read_grid({"k": [4, 8], "reset": ["zero"]})[1].derive_seed(5) == 2163071573829409390


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        ({}, "the grid has no point"),
        ([], "the grid has no point"),
        (pd.DataFrame({"k": []}), "the grid has no point"),
        ({"k": []}, "k has no values"),
        ({"k": 3}, r"k=3 is no list of values; write \[3\]"),
        ({"k": "abc"}, r"k='abc' is no list of values; write \['abc'\]"),
        ({"k": np.array(3)}, "is no list of values"),
        (3, "3 is no grid"),
        ("k", "'k' is no grid"),
        ([{"k": 1}, 2], "point 1 is 2; give it as a dict"),
        ([{"k": 1}, {"k": 1, "l": 2}], "point 1 has the parameters k, l, but point 0 has k"),
        ([{"k": 1, "l": 2}, {"k": 1}], "point 1 has the parameters k, but point 0 has k, l"),
        (pd.DataFrame({"k": [1.0, None]}), "the table has no k in row 1"),
        (pd.DataFrame([[1, 2]], columns=["k", "k"]), "two columns of the table have the same name"),
        (pd.Series([1, 2], name="k"), "give a DataFrame"),
        ({"k": [1, 2, 1]}, r"points 0 and 2 are the same: point 2 \(k=1\); leave one out"),
        ([{"k": 1}, {"k": 1.0}], "points 0 and 1 are the same"),
        ({"k": [object()]}, "parameter k of point 0: .* is a object, not a number"),
        ({"k": [np.arange(2)]}, "parameter k of point 0: .*shared="),
        ({"k": [float("nan")]}, r"parameter k of point 0 is not a number \(NaN\)"),
        ({"k": [2**70]}, "whole number of 71 bits"),
        ({"two words": [1]}, "'two words', which is no name"),
        ([{1: 2}], "has a parameter 1, which is no name"),
        ({"error": [1]}, "the column error tells what went wrong"),
    ],
)
def test_what_is_no_grid_is_named_with_the_cure(grid: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_grid(grid)
