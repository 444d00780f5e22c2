"""Accuracy in short: first, best and last answers of every model."""

import numpy as np

from tests.support.tables import costs
from workbench.evaluation import summarise_accuracy


def test_it_finds_the_first_the_best_and_the_last_answer():
    table = costs()
    table.loc[(table["model"] == "ANN") & (table["step"] == 2), "accuracy"] = 0.95
    found = summarise_accuracy(table).set_index("model")
    assert found.loc["ANN", ["first_step", "first_frame", "first_accuracy"]].tolist() == [1, 2.0, 0.5]
    assert found.loc["ANN", ["best_frame", "best_accuracy"]].tolist() == [3.0, 0.95]
    assert found.loc["ANN", ["last_frame", "last_accuracy"]].tolist() == [4.0, 0.9]
    assert found.loc["SNN", ["first_step", "first_frame"]].tolist() == [10, 1.1]


def test_a_model_that_never_answers_has_no_row():
    table = costs()
    table.loc[table["model"] == "ANN", "accuracy"] = np.nan
    assert summarise_accuracy(table)["model"].tolist() == ["SNN"]
