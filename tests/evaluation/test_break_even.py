"""Which model costs less energy: in words and by step, against a search step by step."""

import numpy as np
import pandas as pd
import pytest

from tests.support.tables import costs
from workbench.evaluation import compare_energy, find_break_even, price_over_time


@pytest.mark.parametrize("factor", [0.01, 1.0, 20.0, 40.0, 1e4])
def test_the_outcome_follows_from_the_prices_of_every_step(factor: float):
    table = costs()
    table["synaptic_operations"] *= factor * np.where(table["frame"] > 2, 2, 1)
    row = compare_energy(table).iloc[0]
    prices = price_over_time(table, "SNN", "ANN")
    cheaper = prices["energy_nj"] < prices["dear_energy_nj"]
    assert row["cheaper_steps"] == cheaper.sum()
    if cheaper.iloc[-1]:
        assert row["cheaper"] == ("throughout" if cheaper.all() else "in the end")
        assert pd.isna(row["step"])
    else:
        assert row["cheaper"] == ("at first" if cheaper.any() else "never")
        found = find_break_even(table, "SNN", "ANN")
        assert found is not None
        assert row[["step", "frame", "energy_nj"]].tolist() == found[["step", "frame", "energy_nj"]].iloc[0].tolist()


def test_the_other_model_is_the_cheapest_in_the_end():
    table = costs()
    dear = table[table["model"] == "ANN"].assign(model="large", dense_macs=lambda rows: 3 * rows["dense_macs"])
    assert compare_energy(pd.concat([dear, table]))["other"].tolist() == ["ANN"]


@pytest.mark.parametrize("model", ["ANN", "SNN"])
def test_there_is_nothing_to_compare_with_one_kind_alone(model: str):
    alone = costs().query("model == @model")
    assert compare_energy(alone).empty


def test_a_preset_without_a_price_for_macs_compares_nothing():
    assert compare_energy(costs(), "Loihi").empty
