"""Prices: data with their source, linear in what was counted, and refused where they cannot be asked."""

import math

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.support import tiny
from workbench.evaluation.energy import PRESETS, SRAM, EnergyPreset, price, price_all

COUNTS = {
    "dense_macs": 100.0,
    "effective_macs": 40.0,
    "synaptic_operations": 7.0,
    "neuron_updates": 5.0,
    "memory_accesses": 11.0,
    "memory_span_words": 3000.0,
}
HOROWITZ = {  # pJ of a MAC, of an addition; bytes of a word
    "fp32": (0.9 + 3.7, 0.9, 4),
    "fp16": (0.4 + 1.1, 0.4, 2),
    "int8": (0.03 + 0.2, 0.03, 1),
    "int32": (0.1 + 3.1, 0.1, 4),
}


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "Loihi"])
def test_energy_is_counts_times_prices_under_every_preset(name: str) -> None:
    preset = PRESETS[name]
    arithmetic, _, rest = name.partition(", " if "," in name else " with ")
    mac, addition, word = HOROWITZ[arithmetic]
    assert rest in ("", "zeros skipped", "memory")
    expected = (40 if rest == "zeros skipped" else 100) * mac + (7 + 5) * addition
    if rest == "memory":
        slope, start = np.polyfit([8 * 1024, 32 * 1024, 1024 * 1024], [10, 20, 100], 1)
        expected += 11 * start + 3000 * word * slope
    assert price(pd.DataFrame([COUNTS]), preset)[0] == pytest.approx(expected / 1000)
    assert "Horowitz 2014" in preset.source
    assert ("without memory access" in preset.source) == (rest != "memory")
    assert ("Lemaire" in preset.source) == (rest == "memory")


def test_a_chip_prices_spikes_and_no_macs() -> None:
    table = pd.DataFrame([COUNTS, COUNTS | {"dense_macs": 0.0, "effective_macs": 0.0}])
    found = price(table, "Loihi")
    assert np.isnan(found[0])
    assert found[1] == pytest.approx((7 * 23.6 + 5 * 81) / 1000)
    assert "Davies" in PRESETS["Loihi"].source
    assert "KerasSpiking" in PRESETS["Loihi"].source


def test_a_memory_costs_more_the_larger_it_is() -> None:
    preset = PRESETS["int8 with memory"]
    energies = [preset.access_pj + size * preset.span_pj for size in SRAM]
    assert energies == sorted(energies)
    np.testing.assert_allclose(energies, list(SRAM.values()), atol=7)  # a line does not meet all three


def test_numbers_of_your_own() -> None:
    mine = EnergyPreset("mine", 1000, 0, False, "measured by me", update_pj=3.0, access_pj=2.0, span_pj=0.5)
    assert price(pd.DataFrame([COUNTS]), mine)[0] == pytest.approx((100 * 1000 + 5 * 3 + 11 * 2 + 3000 * 0.5) / 1000)
    assert price(pd.DataFrame([COUNTS]), EnergyPreset("old", 1000, 0, False, "measured by me"))[0] == 100
    costs = wb.compare({"SNN": tiny.snn()}, tiny.recordings(), energy=mine)
    pd.testing.assert_series_equal(costs["energy_nj"], price(costs, mine), check_names=False)


def test_every_preset_prices_the_table_of_compare() -> None:
    costs = wb.compare({"ANN": tiny.ann(), "SNN": tiny.snn()}, tiny.recordings())
    table = price_all(costs).pivot(index="preset", columns="model", values="energy_nj")
    assert set(table.index) == set(PRESETS)
    assert table["SNN"].gt(0).all()
    assert table["ANN"].isna().sum() == sum(math.isnan(preset.mac_pj) for preset in PRESETS.values()) == 1
    for name in ("fp32", "int8"):
        assert (table.loc[f"{name} with memory"] > table.loc[name]).all()


def test_mistakes_are_refused_with_a_cure() -> None:
    counts = pd.DataFrame([COUNTS])
    with pytest.raises(ValueError, match="energy='free' is unknown; choose 'fp32'"):
        price(counts, "free")
    with pytest.raises(ValueError, match="energy='fp32 with memory' prices memory, but the table lacks memory_span_wo"):
        price(counts.drop(columns="memory_span_words"), "fp32 with memory")
    with pytest.raises(ValueError, match="EnergyPreset 'mine': accesses of memory are counted for every product, also"):
        EnergyPreset("mine", 1, 1, True, "mine", access_pj=1.0)
