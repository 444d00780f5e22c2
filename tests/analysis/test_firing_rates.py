"""Firing rates: counted one by one, dense or sparse, and not of what does not spike."""

import numpy as np
import pandas as pd
import pytest
import torch

from workbench.analysis import find_busiest, gather_units, measure_rates


@pytest.mark.parametrize("sparse", [False, True])
def test_rates_equal_counting_one_by_one(sparse: bool):
    spikes = np.random.default_rng(0).poisson(0.2, (12, 3, 2, 5))
    values = torch.tensor(spikes)
    units = gather_units({"v1": values.to_sparse() if sparse else values}, recording=1)
    row = measure_rates(units, ticks_per_frame=4).iloc[0]
    own = spikes[:, 1].reshape(12, 10)
    assert (row["units"], row["spikes"]) == (10, own.sum())
    assert row["rate"] == pytest.approx(own.sum() / 10 / 3)
    assert row["active"] == (own.sum(0) > 0).mean()
    assert row["busiest"] == own.sum(0).argmax()


def test_what_is_no_count_has_no_rate():
    row = measure_rates(gather_units({"hand": np.array([[[0.5, -1.0]], [[0.5, 0.0]]])})).iloc[0]
    assert pd.isna(row["spikes"])
    assert np.isnan(row["rate"])
    assert row["busiest"] == 0


def test_a_node_that_never_fires_has_rate_0():
    table = measure_rates(gather_units({"v1": np.zeros((4, 1, 3))}))
    assert table[["spikes", "rate", "active", "busiest"]].values.tolist() == [[0, 0.0, 0.0, 0]]


def test_the_busiest_unit_is_the_same_of_trains_and_arrays():
    values = np.random.default_rng(1).poisson(0.5, (30, 1, 8))
    assert find_busiest(gather_units({"v1": values})["v1"]) == find_busiest(values[:, 0])


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="'v1' holds values that are no finite numbers, first in step 1"):
        gather_units({"v1": np.array([[[0.0]], [[np.nan]]])})
