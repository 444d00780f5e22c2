"""Totals of operations: sums of the columns they are made of, and shares that add up to 1."""

import numpy as np
import pytest

import workbench as wb
from tests.support import tiny
from tests.support.tables import costs
from workbench.evaluation import compare_operations, total_by_edge, total_operations


def test_a_total_is_synaptic_operations_and_macs():
    table = costs()
    assert (total_operations(table) == table["synaptic_operations"] + table["dense_macs"]).all()
    expected = table["synaptic_operations"] + table["effective_macs"]
    assert (total_operations(table, effective=True) == expected).all()


def test_models_are_compared_at_their_last_step_from_cheap_to_costly():
    table = costs()
    found = compare_operations(table).set_index("model")
    assert found.index.tolist() == ["SNN", "ANN"]
    for model, row in found.iterrows():
        last = table[table["model"] == model].iloc[-1]
        assert row["operations"] == last["synaptic_operations"] + last["dense_macs"]
        assert row["ratio"] == row["operations"] / found["operations"].min()
        assert row["effective_ratio"] == row["effective_operations"] / found["operations"].min()


def test_a_model_without_operations_is_the_cheapest_and_has_no_ratio():
    table = costs()
    table.loc[table["model"] == "SNN", "synaptic_operations"] = 0.0
    ratios = compare_operations(table).set_index("model")["ratio"]
    assert np.isnan(ratios["SNN"])
    assert np.isinf(ratios["ANN"])


@pytest.mark.parametrize("step", [None, 0, 3])
def test_edges_add_up_to_what_compare_counts(step: int | None):
    recordings, snn = tiny.recordings(), tiny.snn()
    edges = total_by_edge(wb.operations(snn, recordings), step)
    whole = total_operations(wb.compare({"SNN": snn}, recordings)).iloc[-1 if step is None else step]
    assert edges["operations"].sum() == pytest.approx(whole)
    assert edges["share"].sum() == pytest.approx(1.0) if whole else edges["share"].isna().all()
    assert edges["edge"].tolist() == list(range(len(snn.network.edges)))


def test_a_step_that_is_not_there_is_refused():
    counts = wb.operations(tiny.ann(), tiny.recordings())
    with pytest.raises(ValueError, match="step=99 is not in the table; it has 0 to 4"):
        total_by_edge(counts, 99)
