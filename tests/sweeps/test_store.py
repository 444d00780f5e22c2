"""Finished points on disk: whole or not there, of this sweep or refused, and never lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.support.swept import measure, measure_or_fail, return_anything
from workbench.sweeps import SweepUpdate
from workbench.sweeps.fingerprints import fingerprint

GRID: dict[str, list[Any]] = {"a": [0, 1, 2, 3], "b": [0.5, 1.0]}


@pytest.mark.parametrize("seed", range(6))
def test_a_sweep_that_is_interrupted_gives_the_same_table_in_the_end(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    whole = wb.sweep(measure, GRID, executor="here", seed=seed)
    for _ in range(10):
        stop = int(rng.integers(0, 3))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = wb.sweep(
                measure, GRID, executor="here", store=tmp_path / "kept", seed=seed,
                callback=stop_after(stop),
            )  # fmt: skip
    assert table.equals(whole)
    again = wb.sweep(measure, GRID, executor="here", store=tmp_path / "kept", seed=seed)
    assert again.equals(whole)
    assert again.attrs["kept"] == 8


def stop_after(more: int) -> Callable[[SweepUpdate], bool]:
    """A callback that stops when so many points more have ended since it was first called."""
    seen: list[int] = []

    def callback(update: SweepUpdate) -> bool:
        seen.append(update.done)
        return update.done >= seen[0] + more

    return callback


def test_kept_points_are_not_run_again(tmp_path: Path) -> None:
    runs = tmp_path / "runs"

    def note(a: int, path: str) -> int:
        with open(path, "a") as file:
            file.write(f"{a} ")
        return a

    for grid, ran in (([0, 1], "0 1 "), ([1, 2, 0], "0 1 2 "), ([1], "0 1 2 ")):
        table = wb.sweep(note, {"a": grid}, executor="here", store=tmp_path / "kept", shared={"path": str(runs)})
        assert (table["result"].tolist(), runs.read_text()) == (grid, ran)
    assert table.attrs["points of other grids"] == 2


def test_failed_points_are_tried_again(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="2 of 8 points failed .*; the same call tries them again"):
        first = wb.sweep(measure_or_fail, GRID, executor="here", store=tmp_path / "kept")
    with pytest.warns(UserWarning, match="2 of 8 points failed"):
        second = wb.sweep(measure_or_fail, GRID, executor="here", store=tmp_path / "kept")
    assert second.equals(first)
    assert second.attrs["kept"] == 6


def test_values_come_back_bit_for_bit(tmp_path: Path) -> None:
    values = [0.1, float("inf"), float("-inf"), float("nan"), 5e-324, -0.0, 2**62, "tab\t\u20ac", True, None, 1 / 3]
    returned = [{"value": value} for value in values]
    shared = {"values": returned}
    grid = {"a": range(len(values))}
    first = wb.sweep(return_anything, grid, executor="here", store=tmp_path / "kept", shared=shared)
    again = wb.sweep(return_anything, grid, executor="here", store=tmp_path / "kept", shared=shared)
    assert again.attrs["kept"] == len(values)
    for one, other, value in zip(first["value"], again["value"], values, strict=True):
        assert repr(one) == repr(other) == repr(value)


def tripled(a: int, data: Any = None) -> int:
    return 3 * a


def doubled(a: int, data: Any = None) -> int:
    return 2 * a


def seeded(a: int, seed: int) -> int:
    return a + seed % 2


def test_a_store_of_another_sweep_is_refused_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "kept"

    def run(function: Callable[..., Any], **options: Any) -> pd.DataFrame:
        return wb.sweep(function, {"a": [1, 2]}, executor="here", store=kept, **options)

    run(doubled, shared={"data": np.arange(3)})
    before = {path.name: path.read_bytes() for path in kept.iterdir()}
    with pytest.raises(ValueError, match=r"holds another sweep \(function 'doubled', .*the function and the source"):
        run(tripled, shared={"data": np.arange(3)})
    with pytest.raises(ValueError, match="the shared values differs; give another folder, or remove this one"):
        run(doubled, shared={"data": np.arange(4)})
    monkeypatch.setattr("workbench.sweeps.point_store.find_version", lambda: "9.9")
    with pytest.raises(ValueError, match="the version of the workbench differs"):
        run(doubled, shared={"data": np.arange(3)})
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == before


def test_the_seed_is_part_of_a_sweep_that_uses_it(tmp_path: Path) -> None:
    wb.sweep(seeded, {"a": [1]}, executor="here", store=tmp_path / "with")
    with pytest.raises(ValueError, match="the seed differs"):
        wb.sweep(seeded, {"a": [1]}, executor="here", store=tmp_path / "with", seed=1)
    for seed in (0, 1):
        wb.sweep(doubled, {"a": [1]}, executor="here", store=tmp_path / "without", seed=seed)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="holds something else; give a folder of its own"):
        wb.sweep(doubled, {"a": [1]}, executor="here", store=tmp_path)
    with pytest.raises(ValueError, match="holds something else"):
        wb.sweep(doubled, {"a": [1]}, executor="here", store=tmp_path / "thesis.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "sweep.json").write_text("{")
    with pytest.raises(ValueError, match=r"sweep.json is damaged \(not valid JSON"):
        wb.sweep(doubled, {"a": [1]}, executor="here", store=tmp_path / "broken")


@pytest.mark.parametrize(
    "damage",
    [
        lambda page: "",
        lambda page: json.dumps(page)[:-9],
        lambda page: json.dumps({**page, "parameters": {"a": 7}}),
        lambda page: json.dumps({**page, "results": {"result": [1, 2]}}),
        lambda page: json.dumps({**page, "results": {"result": {"float": "abc"}}}),
        lambda page: json.dumps({**page, "results": 3}),
        lambda page: json.dumps({**page, "seconds": "long"}),
        lambda page: json.dumps({**page, "more": 3}),
    ],
)
def test_a_damaged_point_is_named_and_run_again(damage: Callable[[Any], str], tmp_path: Path) -> None:
    wb.sweep(doubled, {"a": [1, 2]}, executor="here", store=tmp_path / "kept")
    path = next(path for path in (tmp_path / "kept").glob("point-*") if '"a": 1' in path.read_text())
    path.write_text(damage(json.loads(path.read_text())))
    with pytest.warns(UserWarning, match=f"{path.name} is damaged .*; that point is run again"):
        table = wb.sweep(doubled, {"a": [1, 2]}, executor="here", store=tmp_path / "kept")
    assert table["result"].tolist() == [2, 4]
    assert wb.sweep(doubled, {"a": [1, 2]}, executor="here", store=tmp_path / "kept").attrs["kept"] == 2


SCRIPT = """
import sys, time
sys.path[:0] = {path!r}
import workbench as wb
from tests.support.swept import measure
def slowly(a, b, seed):
    time.sleep(0.03)
    return measure(a, b, seed)
if __name__ == "__main__":
    wb.sweep(slowly, {grid!r}, executor="here", store={store!r}, progress=False)
"""


def test_a_process_that_is_killed_loses_nothing_that_was_finished(tmp_path: Path) -> None:
    kept, grid = tmp_path / "kept", {"a": list(range(20)), "b": [0.5, 1.0]}
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(path=[os.getcwd()], grid=grid, store=str(kept)))
    process = subprocess.Popen([sys.executable, script])
    while len(list(kept.glob("point-*.json"))) < 5:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    finished = {path.name for path in kept.glob("point-*.json")}
    assert 5 <= len(finished) < 40
    for name in finished:
        assert json.loads((kept / name).read_text())["results"]
    subprocess.run([sys.executable, script], check=True)
    assert finished < {path.name for path in kept.glob("point-*.json")}
    assert len(list(kept.glob("point-*.json"))) == 40


def test_fingerprints_tell_values_apart() -> None:
    from tests.support import tiny

    values: list[Any] = [
        1, 1.0, True, "1", None, (1,), [1], {"a": 1}, {"a": 2}, {1, 2}, {1, 3}, np.arange(3), np.arange(3.0),
        np.arange(4).reshape(2, 2), np.arange(4), np.float32(1), pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2]}),
        doubled, tripled, tiny.recordings(), tiny.recordings()[:2],
        wb.Model(tiny.network(), seed=0), wb.Model(tiny.network(), seed=1),
    ]  # fmt: skip
    assert len({fingerprint(value) for value in values}) == len(values)
    assert fingerprint(tiny.recordings()) == fingerprint(tiny.recordings())
    assert fingerprint(wb.Model(tiny.network(), seed=0)) == fingerprint(wb.Model(tiny.network(), seed=0))
    loop: list[Any] = []
    loop.append(loop)
    assert fingerprint(loop) == fingerprint(loop)
