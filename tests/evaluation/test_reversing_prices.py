"""The price that reverses a verdict: at it both cost the same, by the prices themselves."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from workbench.evaluation import PRESETS, describe_reversing_price, price, tabulate_reversing_prices


def draw_costs(seed: int) -> pd.DataFrame:
    """Two ANNs and two SNNs with random counts."""
    rng = np.random.default_rng(seed)
    dense = np.array([*rng.integers(1_000, 100_000, 2), 0, 0], float)
    counts = {
        "dense_macs": dense, "effective_macs": np.floor(dense * rng.random(4)),
        "synaptic_operations": np.array([0, 0, *rng.integers(500, 1_000_000, 2)], float),
        "neuron_updates": rng.integers(0, 10_000, 4).astype(float),
        "memory_accesses": rng.integers(0, 100_000, 4).astype(float),
        "memory_span_words": rng.integers(0, 10_000_000, 4).astype(float),
    }  # fmt: skip
    return pd.DataFrame({"model": ["one", "two", "SNN", "other"], "step": [3, 3, 15, 15], "frame": 4.0, **counts})


@pytest.mark.parametrize("seed", range(40))
def test_at_this_price_both_cost_the_same_and_beyond_it_the_other_wins(seed: int) -> None:
    costs = draw_costs(seed)
    last = costs.set_index("model")
    table = tabulate_reversing_prices(costs)
    assert len(table) == 2 * sum(not math.isnan(preset.mac_pj) for preset in PRESETS.values())
    for _, row in table.iterrows():
        preset = PRESETS[row["preset"]]
        energies = price(last, preset)
        assert row["against"] == energies[["one", "two"]].idxmin()
        assert row["cheaper"] == (energies[row["model"]] < energies[row["against"]])
        assert row["ratio"] == pytest.approx(energies[row["against"]] / energies[row["model"]])
        for factor, cheaper in ((0.999, True), (1.001, False)):
            shift = abs(row["break_even_pj"]) * (factor - 1)
            other = replace(preset, addition_pj=row["break_even_pj"] + shift, update_pj=preset.neuron_pj)
            priced = price(last, other)
            assert (priced[row["model"]] < energies[row["against"]]) == cheaper
        words = describe_reversing_price(row)
        assert words.startswith("cheaper" if row["cheaper"] else "dearer")
        assert ("even if synaptic operations cost nothing" in words) == (row["break_even_pj"] <= 0)


def test_without_an_ann_there_is_nothing_to_reverse() -> None:
    assert tabulate_reversing_prices(draw_costs(0).iloc[2:]).empty


def test_a_table_without_counts_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"the table lacks synaptic_operations, memory_accesses; give the table that wb\.compare"
    ):
        tabulate_reversing_prices(draw_costs(0).drop(columns=["synaptic_operations", "memory_accesses"]))
