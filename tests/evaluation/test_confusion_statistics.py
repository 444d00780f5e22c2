"""Statistics of confusions: each equals counting by hand."""

from itertools import combinations

import pandas as pd
import pytest

import workbench as wb
from tests.support import tiny
from tests.support.tables import confusions
from workbench.evaluation import rank_confusions, share_confusions, track_accuracy


def test_shares_are_those_of_the_true_class():
    table = share_confusions(confusions(4))
    for _, row in table.iterrows():
        same = table[(table["step"] == row["step"]) & (table["label"] == row["label"])]
        assert row["class_recordings"] == same["recordings"].sum()
        assert row["share"] == row["recordings"] / same["recordings"].sum()


def test_a_class_without_recordings_has_no_shares():
    table = confusions(3)
    table.loc[table["label"] == "c1", "recordings"] = 0
    shared = share_confusions(table)
    assert (shared["share"].isna() == (shared["label"] == "c1")).all()


def test_accuracy_is_that_of_compare():
    recordings, snn = tiny.recordings(), tiny.snn()
    table = track_accuracy(wb.count_confusions(snn, recordings))
    costs = wb.compare({"SNN": snn}, recordings).dropna(subset="accuracy")
    assert table["accuracy"].tolist() == costs["accuracy"].tolist()
    assert table["step"].tolist() == costs["step"].tolist()
    assert (table["recordings"] == len(recordings)).all()


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_ranks_equal_counting_every_pair(classes: int):
    table = confusions(classes)
    ranked = rank_confusions(table)
    assert ranked["total"].is_monotonic_decreasing
    cells = table.set_index(["frame", "label", "answer"])["recordings"]
    names, frames = table["label"].unique(), table["frame"].unique()

    def share(frame: float, one: str, other: str) -> float:
        both = cells[frame, one].sum() + cells[frame, other].sum()
        return (cells[frame, one, other] + cells[frame, other, one]) / max(both, 1)

    found = ranked.set_index(["label", "other"])
    for one, other in combinations(names, 2):
        total = sum(cells[frame, one, other] + cells[frame, other, one] for frame in frames)
        if total == 0:
            assert (one, other) not in found.index
            continue
        row, shares = found.loc[(one, other)], [share(frame, one, other) for frame in frames]
        assert row["total"] == total
        assert row["share"] == max(shares)
        assert row["frame"] == frames[shares.index(max(shares))]
        assert row["end_share"] == shares[-1] == row["end_confused"] / max(row["end_recordings"], 1)


def test_where_nothing_is_confused_there_are_no_pairs():
    table = confusions(4)
    right = table[table["label"] == table["answer"]]
    assert rank_confusions(right).empty
    assert list(rank_confusions(right).columns) == list(rank_confusions(table).columns)


def test_the_given_table_is_not_changed():
    table = confusions(3)
    before = table.copy()
    share_confusions(table), track_accuracy(table), rank_confusions(table)
    pd.testing.assert_frame_equal(table, before)
