"""Recordings are found by class, by who answers correctly, by margin and by a click in the confusion matrix."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.support import tiny
from tests.support.tiny import tell
from workbench import widgets
from workbench.analysis import find_divergence, trace_recording
from workbench.widgets._base.recording_finder import MOST_LISTED, RecordingFinder

CLOSE, WRONG = "closest call first", "most surely wrong first"


@pytest.fixture(scope="module")
def recordings() -> wb.Recordings:
    return tiny.recordings(count=24)


@pytest.fixture
def panel(recordings: wb.Recordings) -> Iterator[widgets.ComparePanel]:
    other = wb.convert(wb.Model(tiny.network(), seed=5, norm=None), recordings, percentile=99.9)
    panel = widgets.compare({"ANN": tiny.ann(), "SNN": other}, recordings)
    yield panel
    panel.close()


def answers(panel: widgets.ComparePanel) -> dict[str, pd.DataFrame]:
    return {name: wb.evaluate(model, panel.recordings, rows=True) for name, model in panel.models.items()}


def numbers(finder: RecordingFinder) -> list[int]:
    """What the list offers, and the table holds."""
    offered = [value for _, value in finder.found.options if value is not None]
    assert offered == finder.table["recording"].tolist()
    return offered


def test_groups_of_two_models_are_those_of_their_answers(panel: widgets.ComparePanel) -> None:
    rows = answers(panel)
    right = {name: table["correct"].to_numpy() for name, table in rows.items()}
    expected = {
        "SNN wrong, ANN correct": right["ANN"] & ~right["SNN"], "ANN wrong, SNN correct": right["SNN"] & ~right["ANN"],
        "both wrong": ~right["ANN"] & ~right["SNN"],
        "different answers": (rows["ANN"]["answer"] != rows["SNN"]["answer"]).to_numpy(),
        **{f"class {name}": (rows["ANN"]["label"] == name).to_numpy() for name in panel.recordings.classes},
        "all": np.ones(24, bool),
    }  # fmt: skip
    assert set(panel.finder.group.options) == set(expected)
    assert any(0 < mask.sum() < 24 for mask in list(expected.values())[:4]), "these models do differ"
    for words, mask in expected.items():
        panel.finder.find(words)
        assert numbers(panel.finder) == np.flatnonzero(mask).tolist()
        assert panel.finder.said.value == f"{mask.sum()} of 24 recordings"
        if mask.any():
            assert panel.recording.value == np.flatnonzero(mask)[0], "the first found is shown"


def test_the_order_is_that_of_the_margin_of_the_right_model(panel: widgets.ComparePanel) -> None:
    margin = answers(panel)["SNN"]["margin"].to_numpy()
    panel.finder.find("all", CLOSE)
    assert numbers(panel.finder) == np.argsort(abs(margin), kind="stable").tolist()
    panel.finder.find("class left", WRONG)
    of_class = np.flatnonzero(panel.recordings.labels == 0)
    assert numbers(panel.finder) == of_class[np.argsort(margin[of_class], kind="stable")].tolist()
    assert (
        f"margin {margin[panel.recording.value]:.2f}"
        in dict(map(reversed, panel.finder.found.options))[panel.recording.value]
    )


def test_the_list_and_the_slider_follow_each_other(panel: widgets.ComparePanel) -> None:
    panel.finder.find("class up")
    last = numbers(panel.finder)[-1]
    panel.finder.found.value = last
    assert panel.recording.value == last
    assert panel.selection[0] == last
    panel.recording.value = 0
    assert panel.finder.found.value is None, "of another class, so not in the list"
    panel.recording.value = last
    assert panel.finder.found.value == last


def test_a_click_in_the_confusion_matrix_finds_its_recordings(panel: widgets.ComparePanel) -> None:
    finder = panel.finder
    assert finder.place.layout.display == "none"
    finder.confusion.value = True
    finder.wait()
    assert finder.place.layout.display == "block"
    rows = answers(panel)["SNN"]
    matrix = next(trace for trace in finder.matrix.data if trace.type == "heatmap")
    classes = panel.recordings.classes
    for row, label in enumerate(classes):
        for column, answer in enumerate(classes):
            share = ((rows["label"] == label) & (rows["answer"] == answer)).sum() / (rows["label"] == label).sum()
            assert matrix.z[row][column] == pytest.approx(100 * share)
    place = list(finder.matrix.data).index(matrix)
    point = {"trace": place, "point": [1, 2], "x": 2, "y": 1}
    tell(finder.matrix, "click", revision=finder.matrix._drawing["revision"], points=[point])
    finder.wait()
    assert finder.group.value == "right answered as up"
    mask = (rows["label"] == "right") & (rows["answer"] == "up")
    assert numbers(finder) == np.flatnonzero(mask).tolist()
    finder.confusion.value = False
    assert finder.place.layout.display == "none"


def test_other_models_are_held_against_each_other(recordings: wb.Recordings) -> None:
    models = {"ANN": tiny.ann(), "SNN": tiny.snn(), "third": wb.Model(tiny.network(), seed=9, norm=None).eval()}
    panel = widgets.compare(models, recordings)
    panel.finder.find("different answers")
    panel.right.value = "third"
    assert "third wrong, ANN correct" in panel.finder.group.options
    panel.finder.find("third wrong, ANN correct")
    right = {name: wb.evaluate(models[name], recordings, rows=True)["correct"] for name in ("ANN", "third")}
    assert numbers(panel.finder) == np.flatnonzero(right["ANN"] & ~right["third"]).tolist()
    panel.left.value = "third"
    assert "answered wrongly" in panel.finder.group.options, "one model beside itself is one"
    panel.close()


def test_classes_alone_need_no_model(recordings: wb.Recordings) -> None:
    panel = widgets.player(recordings)
    assert panel.finder.group.options == ("all", "class left", "class right", "class up")
    assert panel.finder.order.layout.display == "none"
    panel.finder.group.value = "class right"
    assert panel.recording.value == 1
    assert numbers(panel.finder) == np.flatnonzero(recordings.labels == 1).tolist()


def test_a_model_that_never_answers_says_why(recordings: wb.Recordings) -> None:
    late = wb.Model(tiny.network(delay=9), norm=None).eval()
    panel = widgets.explore(late, recordings)
    with pytest.raises(ValueError, match="answers first at step"):
        panel.finder.find("answered wrongly")
    assert "answers first at step" in panel.finder.said.value
    panel.close()


def test_a_long_list_is_cut_and_says_so() -> None:
    ticks = np.zeros((2, MOST_LISTED + 3, 2, 3, 3), dtype=int)
    many = wb.Recordings.from_ticks(ticks, labels=[0] * (MOST_LISTED + 3), ticks_per_frame=2)
    panel = widgets.player(many)
    assert len(panel.finder.found.options) == MOST_LISTED + 1
    assert panel.finder.said.value == "503 of 503 recordings, the first 500 of them listed"
    assert len(panel.finder.table) == MOST_LISTED + 3


def test_panels_tell_in_which_frame_two_models_part(panel: widgets.ComparePanel) -> None:
    beside = widgets.explore(panel.models["SNN"], panel.recordings, reference=panel.models["ANN"])
    parted = 0
    for number in range(8):
        traces = {
            name: trace_recording(model, panel.recordings, recording=number) for name, model in panel.models.items()
        }
        found = find_divergence(traces)
        panel.recording.value = beside.recording.value = number
        assert panel.divergence == beside.divergence == found
        for shown in (panel, beside):
            assert (str(found) if found else "ANN and SNN never part") in shown.note.value
        parted += found is not None
    assert parted, "these models do differ"
    alone = widgets.explore(panel.models["SNN"], panel.recordings)
    assert alone.divergence is None
    assert "part" not in alone.note.value
    beside.close()
    alone.close()


def test_what_is_chosen_while_the_answers_come_in_is_obeyed(panel: widgets.ComparePanel) -> None:
    finder, coming = panel.finder, threading.Event()

    def hold_back(change: object) -> None:
        """Let the thread that lists what was found wait until somebody has chosen a group."""
        if threading.current_thread() is not threading.main_thread():
            coming.set()
            end = time.monotonic() + 10
            while finder.group.value == "all" and time.monotonic() < end:
                time.sleep(0.001)

    finder.found.observe(hold_back, "options")
    finder.order.value = CLOSE
    assert coming.wait(10)
    finder.group.value = "class left"
    assert set(numbers(finder)) == set(np.flatnonzero(panel.recordings.labels == 0))
    assert panel.recording.value == numbers(finder)[0]
