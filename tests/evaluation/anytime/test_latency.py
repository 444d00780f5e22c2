"""Latency to an accuracy: the first step from which on it is kept, by brute force."""

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.support import tiny
from tests.support.tables import costs


def brute(steps: pd.DataFrame, wanted: float) -> tuple[str, int | None]:
    enough = [not np.isnan(value) and value >= wanted for value in steps["accuracy"]]
    for step in range(len(enough)):
        if all(enough[step:]):
            return "kept", step
    return (f"reached at step {enough.index(True)}, then lost" if any(enough) else "never"), None


@pytest.mark.parametrize("seed", range(30))
def test_an_accuracy_counts_from_where_it_is_kept(seed: int) -> None:
    rng = np.random.default_rng(seed)
    steps, silent = int(rng.integers(1, 12)), int(rng.integers(0, 3))
    accuracy = np.sort(rng.random(steps)) if seed % 2 else rng.random(steps)
    table = pd.DataFrame({"model": "M", "step": range(steps), "frame": np.arange(steps) + 1.0, "accuracy": accuracy})
    table.loc[: silent - 1, "accuracy"] = np.nan
    table["energy_nj"] = np.cumsum(rng.random(steps))
    wanted = (0.1, 0.3, 0.5, 0.9)
    found = wb.measure_latency(table.sample(frac=1, random_state=seed), wanted)
    assert found["wanted"].tolist() == list(wanted)
    for row, accuracy in zip(found.to_dict("records"), wanted, strict=True):
        outcome, step = brute(table, accuracy)
        assert row["outcome"] == outcome
        if step is None:
            assert all(pd.isna(row[column]) for column in ("accuracy", "step", "frame", "energy_nj"))
        else:
            assert row["step"] == step
            spent = table.loc[step, ["accuracy", "frame", "energy_nj"]].tolist()
            assert [row[column] for column in ("accuracy", "frame", "energy_nj")] == spent


def test_a_row_for_each_model_and_accuracy() -> None:
    table = costs()
    before = table.copy()
    found = wb.measure_latency(table, (0.5, 0.65, 0.95))
    pd.testing.assert_frame_equal(table, before)
    assert list(found.columns) == [
        "model", "wanted", "outcome", "accuracy", "step", "frame", "dense_macs", "effective_macs",
        "synaptic_operations", "neuron_updates", "energy_nj",
    ]  # fmt: skip
    assert found["model"].tolist() == ["ANN"] * 3 + ["SNN"] * 3
    assert found["outcome"].tolist() == ["kept", "kept", "never"] * 2
    assert found["step"].dropna().tolist() == [1, 2, 20, 35]
    assert found["frame"].dropna().tolist() == pytest.approx([2, 3, 2.1, 3.6])
    assert found["synaptic_operations"].dropna().tolist() == pytest.approx([0, 0, 315_000, 540_000])


def test_a_share_that_is_rounded_is_reached() -> None:
    table = pd.DataFrame({"model": "M", "step": [0], "frame": [1.0], "accuracy": [0.1 * 3 - 1e-16]})
    assert wb.measure_latency(table, (0.3,))["outcome"].tolist() == ["kept"]


def test_a_table_of_compare_can_be_asked() -> None:
    found = wb.measure_latency(wb.compare({"ANN": tiny.ann(), "SNN": tiny.snn()}, tiny.recordings()), (0.01, 1))
    assert len(found) == 4
    assert wb.measure_latency(costs().iloc[:0]).empty


@pytest.mark.parametrize("accuracies", [(), (0,), (0.5, 1.5), (90,), (float("nan"),)])
def test_accuracies_that_are_no_shares_are_refused(accuracies: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"measure_latency: accuracies=\[.*\] must be shares above 0 and at most 1"):
        wb.measure_latency(costs(), accuracies)


def test_a_table_without_accuracy_is_refused() -> None:
    with pytest.raises(ValueError, match=r"lacks the column step, accuracy; give the table that wb\.compare returns"):
        wb.measure_latency(costs().drop(columns=["step", "accuracy"]))
