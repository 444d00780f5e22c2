"""Recall by class: of rows and of confusions the same, held against a plain count."""

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.support.cut_recordings import cut, models


@pytest.mark.parametrize("seed", range(10))
def test_recall_is_a_count_of_rows_and_of_confusions_alike(seed: int) -> None:
    recordings = cut(seed, streams=9)
    model = models(seed, recordings)["ANN"]
    rows = wb.evaluate(model, recordings, rows=True)
    found = wb.tabulate_recall(rows)
    assert found.columns.tolist() == ["class", "recordings", "recall", "most frequent wrong answer"]
    for name, whole, recall, wrong in found.to_numpy():
        mine = rows[rows["label"] == name]
        assert (whole, recall) == (len(mine), pytest.approx((mine["answer"] == name).mean()))
        others = mine.loc[mine["answer"] != name, "answer"].value_counts()
        assert wrong == "" if others.empty else others[wrong] == others.max()
    confusions = wb.tabulate_recall(wb.count_confusions(model, recordings)).set_index("class").loc[found["class"]]
    np.testing.assert_allclose(confusions["recall"], found["recall"])
    assert confusions["recordings"].tolist() == found["recordings"].tolist()


def test_classes_without_recordings_ties_and_other_tables() -> None:
    cells = {"label": list("aaabbbccc"), "answer": list("abcabcabc"), "recordings": [1, 2, 2, 0, 0, 0, 0, 0, 5]}
    found = wb.tabulate_recall(pd.DataFrame({"step": 0, "frame": 1.0, **cells}))
    assert found["recall"].isna().tolist() == [False, True, False]
    assert found["most frequent wrong answer"].tolist() == ["b", "", ""]
    with pytest.raises(ValueError, match=r"does not say what was answered; give that of wb\.evaluate with rows=True"):
        wb.tabulate_recall(pd.DataFrame({"model": ["ANN"]}))
