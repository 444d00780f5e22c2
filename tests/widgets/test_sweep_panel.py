"""The panel of a sweep without a browser: it grows, it stops and keeps what has ended, it tells what went wrong."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.support import swept
from workbench import widgets
from workbench.widgets._base import job_panel

GRID = {"a": [0, 1, 3], "b": [0.5, 1.0]}


def test_a_watched_sweep_gives_the_table_of_an_unwatched_one() -> None:
    panel = widgets.sweep(swept.measure, GRID, "here", seed=3)
    table = panel.result()
    assert table.equals(wb.sweep(swept.measure, GRID, "here", seed=3))
    assert panel.table.equals(table)
    assert panel.stop.disabled
    assert repr(panel) == "SweepPanel(ended after 6 of 6 points)"
    assert panel.figure.layout.meta["title"].startswith("total is ")
    for view in ("trade-off", "parallel"):
        panel.view.value = view
        lists = [each for trace in panel.figure.data for each in (trace.x, trace.y) if not isinstance(each, np.ndarray)]
        assert not any(value != value for each in lists for value in each), "a page reads no NaN in a list"
    panel.view.value = "heat map"
    assert panel.figure.layout.meta["title"].startswith("total over ")
    assert panel.selection == "heat map"


def test_the_figure_grows_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_panel, "FIGURE_S", 0.0)
    monkeypatch.setattr(job_panel, "BAR_S", 0.0)
    seen: list[int] = []
    one, go_on = threading.Event(), threading.Event()

    def wait(a: int) -> int:
        if a == 2:
            one.set()
            assert go_on.wait(20)
        return a

    panel = widgets.sweep(wait, {"a": range(4)}, "here")
    assert one.wait(20)
    seen.append(len(panel.table))
    assert panel.figure.layout.meta["title"] == "result is 0 to 1 at 2 points"
    assert (panel.bar.value, panel.now.value) == (2, "2 of 4 points")
    assert "goes on in the background" in panel.note.value
    go_on.set()
    panel.result()
    assert (seen, len(panel.table)) == ([2], 4)


def test_the_stop_button_keeps_what_has_ended(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def wait(a: int) -> int:
        begun.set()
        assert go_on.wait(20)
        return a

    panel = widgets.sweep(wait, {"a": range(4)}, "here", tmp_path / "kept")
    assert begun.wait(20)
    panel.stop.click()
    go_on.set()
    table = panel.result()
    assert table["error"].tolist() == ["", *["not run"] * 3]
    assert panel.note.value.startswith(
        "Stopped after 1 of 4 points.<br>sweep was stopped after 1 of 4 points; they are"
    )
    assert len(list((tmp_path / "kept").glob("point-*"))) == 1


def test_points_that_fail_are_told_in_the_panel() -> None:
    panel = widgets.sweep(swept.measure_or_fail, {"a": [1, 2], "b": [1.0]}, "here")
    assert panel.result()["error"].ne("").tolist() == [False, True]
    assert "1 of 2 points failed" in panel.note.value
    assert panel.figure.layout.meta["title"].endswith("; 1 failed")


def test_what_goes_wrong_is_told_and_raised() -> None:
    panel = widgets.sweep(swept.measure, GRID, "nowhere")
    with pytest.raises(ValueError, match="executor='nowhere' is none"):
        panel.result()
    assert "the sweep failed: sweep: executor='nowhere'" in panel.figure.layout.annotations[0].text.replace("<br>", " ")
    with pytest.raises(ValueError, match="the grid has no point"):
        widgets.sweep(swept.measure, {})
    with pytest.raises(ValueError, match="view='pie' is unknown; choose one of parallel, trade-off, heat map"):
        widgets.sweep(swept.measure, GRID, view="pie")


def test_awaiting_it_leaves_room_for_others() -> None:
    async def wait() -> pd.DataFrame:
        return await widgets.sweep(swept.measure, GRID, "here")

    assert len(asyncio.run(wait())) == 6
