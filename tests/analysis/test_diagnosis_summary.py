"""A diagnosis in short: means over the frames in which a node answers."""

import numpy as np
import pytest

from tests.support.tables import causes, diagnosis
from workbench.analysis import CAUSES, SYMPTOMS, summarise_causes, summarise_nodes


def test_means_are_over_the_frames_in_which_a_node_answers():
    table = diagnosis(4)
    found = summarise_nodes(table)
    assert found["node"].tolist() == ["v0", "v1", "v2", "v3"]
    for row in found.to_dict("records"):
        own = table[(table["node"] == row["node"]) & table["relative_error"].notna()]
        for column in ("relative_error", *SYMPTOMS):
            assert row[column] == pytest.approx(own[column].mean(), nan_ok=True)
    assert found["advice"].tolist() == ["", *(f"v{i} saturates: raise percentile" for i in (1, 2, 3))]


def test_a_node_that_never_answers_has_no_row():
    table = diagnosis(2)
    table.loc[table["node"] == "v1", "relative_error"] = np.nan
    assert summarise_nodes(table)["node"].tolist() == ["v0"]


def test_causes_add_up_to_the_error_and_the_largest_is_named():
    table = causes()
    found = summarise_causes(table)
    assert set(found["node"]) <= set(table["node"])
    assert found[list(CAUSES)].sum(axis=1).to_numpy() == pytest.approx(found["relative_error"].to_numpy(), rel=1e-6)
    for row in found.to_dict("records"):
        assert row[row["largest_cause"]] == max(row[cause] for cause in CAUSES)


def test_without_an_error_there_are_no_rows():
    found = summarise_causes(causes().assign(error=0.0))
    assert found.empty
    assert list(found.columns) == ["node", "relative_error", *CAUSES, "largest_cause"]
