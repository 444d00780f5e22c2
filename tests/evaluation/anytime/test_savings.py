"""What an early exit saves: the calibrated row against the last one."""

import numpy as np
import pytest

from tests.support.tables import sweep
from workbench.evaluation import measure_savings


@pytest.mark.parametrize("against", ["frame", "energy_nj", "synaptic_operations"])
def test_savings_are_those_of_the_calibrated_row_against_the_end(against: str):
    table = sweep()
    for row in measure_savings(table, against).to_dict("records"):
        own = table[table["model"] == row["model"]]
        early, end = own[own["calibrated"]].iloc[0], own[own["threshold"] == np.inf].iloc[0]
        assert row["threshold"] == early["threshold"]
        assert (row["spent"], row["end_spent"]) == (early[against], end[against])
        assert row["lost_accuracy"] == end["accuracy"] - early["accuracy"]
        if end[against]:
            assert row["saving"] == 1 - early[against] / end[against]
        else:
            assert np.isnan(row["saving"])  # this model counts none


def test_an_exit_that_runs_to_the_end_saves_nothing():
    table = sweep()
    table["calibrated"] = table["threshold"] == np.inf
    assert measure_savings(table)["saving"].tolist() == [0.0, 0.0]


def test_a_model_without_a_calibrated_exit_has_no_row():
    assert measure_savings(sweep().query("model == 'ANN' or not calibrated"))["model"].tolist() == ["ANN"]


def test_a_column_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="lacks the column 'joules'"):
        measure_savings(sweep(), "joules")
