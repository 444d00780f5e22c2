"""Benchmarks as sweeps: their rows are the same behind a sweep as before it."""

from __future__ import annotations

import argparse
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from benchmarks import results
from benchmarks.swept import lengthen, read_executor, sweep_rows, widen
from tests.support import tables
from workbench.evaluation import summarise
from workbench.evaluation.energy import price_all


@pytest.mark.parametrize("seed", range(6))
def test_rows_side_by_side_are_rows_again(seed: int) -> None:
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product([["ANN", "SNN = 4"], [4, 8, 12]], names=["model", "ticks"]).to_frame(index=False)
    rows = keys.sample(frac=0.7, random_state=seed).reset_index(drop=True)
    rows = rows.assign(accuracy=rng.random(len(rows)), note="word").astype({"ticks": int})
    wide = pd.DataFrame([{"seed": number, **widen(rows, ["model", "ticks"])} for number in (3, 5)])
    long = lengthen(wide, {"model": str, "ticks": int}, ["seed"])
    for number in (3, 5):
        own = long[long["seed"] == number].drop(columns="seed").reset_index(drop=True)
        pd.testing.assert_frame_equal(own, rows, check_dtype=False)


def test_names_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'a \| x' is there twice"):
        widen(pd.DataFrame({"k": ["a", "a"], "x": [1, 2]}), ["k"])
    with pytest.raises(ValueError, match=r"holds ' \| '"):
        widen(pd.DataFrame({"k": ["a | b"], "x": [1]}), ["k"])


def fail(seed: int) -> dict[str, int]:
    if seed:
        raise LookupError("there is no such recording")
    return {"x": 1}


def test_a_benchmark_ends_with_the_first_error_and_keeps_the_rest(tmp_path: Path) -> None:
    options = argparse.Namespace(executor="here", store=tmp_path / "kept")
    with (
        pytest.warns(UserWarning, match="1 of 2 points failed"),
        pytest.raises(SystemExit, match=r"1 of 2 points failed, the first so:\n(?s:.*)there is no such recording"),
    ):
        sweep_rows(fail, {"seed": [0, 1]}, options, {})
    assert len(list((tmp_path / "kept").glob("point-*"))) == 1
    assert [read_executor(text) for text in ("here", "3")] == ["here", 3]


def test_the_numbers_of_the_main_job_are_those_of_before(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = tables.costs()
    made = {seed: usual.assign(accuracy=usual["accuracy"] / (1 + seed)) for seed in (0, 1)}
    monkeypatch.setattr(results, "run_main_job", lambda dataset, seed, progress: SimpleNamespace(costs=made[seed]))
    options = argparse.Namespace(executor="here", store=None)
    summaries, prices = results.measure_all([0, 1], {"motion": 0, "digits": 0}, options)
    for seed, name in ((0, "motion"), (1, "digits")):
        own = summaries[(summaries["seed"] == seed) & (summaries["set"] == name)].drop(columns=["set", "seed"])
        wanted = summarise(made[seed]).reset_index()
        assert list(own.columns) == list(wanted.columns)
        np.testing.assert_array_equal(own.drop(columns="model").to_numpy(), wanted.drop(columns="model").to_numpy())
        priced = prices[(prices["seed"] == seed) & (prices["set"] == name)].drop(columns=["set", "seed"])
        wanted = price_all(made[seed]).drop(columns="source")
        assert priced[wanted.columns].reset_index(drop=True).equals(wanted)
