"""Energy over time: where spikes stop being the cheaper is said, marked, and equals brute force."""

import numpy as np
import pandas as pd
import pytest

from tests.support.tables import costs
from workbench import figures
from workbench.evaluation import PRESETS, EnergyPreset, find_break_even, price, price_over_time

K = 10


def growing(slope: float, power: float = 1.0) -> pd.DataFrame:
    """An ANN that costs 1,000 MACs a frame and an SNN that costs slope * frame ** power synaptic operations."""
    table = costs().assign(neuron_updates=0.0)
    spiking = table["model"] == "SNN"
    for column in ("dense_macs", "effective_macs"):
        table[column] = np.where(spiking, 0.0, 1000 * table["frame"])
    table["synaptic_operations"] = np.where(spiking, slope * table["frame"] ** power, 0.0)
    return table


@pytest.mark.parametrize("power", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("slope", [100.0, 800.0, 1500.0, 9000.0])
@pytest.mark.parametrize("preset", ["fp32", "int8"])
def test_the_break_even_equals_brute_force(slope: float, power: float, preset: str) -> None:
    table = growing(slope, power)
    prices = PRESETS[preset]
    ann = [1000 * (step + 1) / K * prices.mac_pj for step in range(40)]
    snn = [slope * ((step + 1) / K) ** power * prices.addition_pj for step in range(40)]
    cheaper = [ours < theirs for ours, theirs in zip(snn, ann, strict=True)]
    expected = None if cheaper[-1] else max((step for step in range(40) if cheaper[step]), default=-1) + 1
    found = find_break_even(table, "SNN", "ANN", preset)
    assert (found is None) == (expected is None)
    if found is not None:
        assert found["step"].item() == expected
        assert found["frame"].item() == (expected + 1) / K
        assert found["cheaper_steps"].item() == sum(cheaper)
        assert found["energy_nj"].item() == pytest.approx(snn[expected] / 1000)
        assert found["dear_energy_nj"].item() == pytest.approx(ann[expected] / 1000)


def test_steps_at_which_nobody_has_paid_yet_are_left_out() -> None:
    table = growing(1000.0)
    table.loc[table["frame"] <= 1, ["dense_macs", "synaptic_operations"]] = 0.0
    followed = price_over_time(table, "SNN", "ANN")
    assert followed["step"].min() == 10
    table.loc[(table["model"] == "ANN") & (table["frame"] > 2), "dense_macs"] = np.nan
    assert price_over_time(table, "SNN", "ANN")["frame"].max() == 2
    with pytest.raises(ValueError, match="no model 'LSTM' in the table of costs; it has 'ANN', 'SNN'"):
        find_break_even(table, "SNN", "LSTM")


@pytest.mark.parametrize(
    ("slope", "power", "title", "marked"),
    [
        (100.0, 1.0, "SNN is cheaper than ANN throughout", []),
        (9000.0, 1.0, "SNN is never cheaper than ANN", []),
        (2555.0, 2.0, "SNN is cheaper than ANN only before frame 2, tick 20", [2.1]),
    ],
)
def test_the_break_even_is_said_and_marked(slope: float, power: float, title: str, marked: list[float]) -> None:
    figure = figures.energy(growing(slope, power))
    assert figure.layout.meta["title"] == title
    marks = [trace for trace in figure.data if "no longer cheaper" in trace.name]
    assert [trace.x[0] for trace in marks] == pytest.approx(marked)
    for mark in marks:
        snn = figure.data[1]
        assert mark.y[0] == snn.y[list(snn.x).index(mark.x[0])]


def test_dearer_at_first_and_cheaper_in_the_end() -> None:
    table = growing(9000.0, 0.5)
    assert find_break_even(table, "SNN", "ANN") is None
    assert figures.energy(table).layout.meta["title"] == "SNN is cheaper than ANN in the end"


def test_energy_is_drawn_as_priced_with_its_assumptions() -> None:
    table = costs()
    mine = EnergyPreset("mine", 2.0, 0.5, True, "measured by me")
    for preset in (*PRESETS, mine):
        figure = figures.energy(table, preset)
        priced = table if preset != "Loihi" else table[table["model"] == "SNN"]
        for trace, (name, rows) in zip(figure.data, priced.groupby("model", sort=False), strict=False):
            assert trace.name == name
            np.testing.assert_allclose(trace.y, price(rows, preset))
        assert (PRESETS[preset].source if preset != mine else "measured by me") in figure.layout.meta["subtitle"]
        assert figure.layout.yaxis.type == "log"
    assert len({(trace.line.dash, trace.marker.symbol) for trace in figure.data[:2]}) == 2


def test_a_chip_prices_no_macs_and_says_so() -> None:
    figure = figures.energy(costs(), "Loihi")
    assert [trace.name for trace in figure.data] == ["SNN"]
    assert figure.layout.meta["title"].startswith("Energy at the end: SNN ")
    assert "no price for MACs, 23.6 pJ per synaptic operation, 81 per neuron update" in figure.layout.meta["subtitle"]
    with pytest.raises(ValueError, match="energy='Loihi' prices no MACs, so it has no energy of 'ANN'"):
        find_break_even(costs(), "SNN", "ANN", "Loihi")


def test_memory_is_priced_where_it_was_counted() -> None:
    table = costs()
    figure = figures.energy(table, "int8 with memory")
    assert "13.3 pJ per access of memory, 0.0828 more per 1,000 words" in figure.layout.meta["subtitle"]
    with pytest.raises(ValueError, match=r"lacks memory_accesses; count anew with wb\.compare"):
        figures.energy(table.drop(columns="memory_accesses"), "int8 with memory")


def test_each_spiking_model_is_held_against_the_cheapest_ann() -> None:
    table = growing(2555.0, 2.0)
    more = [table[table["model"] == "ANN"].assign(model="big", dense_macs=9e9)]
    more += [table[table["model"] == "SNN"].assign(model=f"SNN {n}") for n in range(3)]
    figure = figures.energy(pd.concat([table, *more]))
    assert figure.layout.meta["title"].count("cheaper than ANN") == 2
    assert figure.layout.meta["title"].endswith("; 2 more: see the curves")
    assert sum("no longer" in trace.name for trace in figure.data) == 4
    alone = figures.energy(table[table["model"] == "SNN"])
    assert alone.layout.meta["title"].startswith("Energy at the end: SNN ")


def test_accuracy_per_operation_puts_both_kinds_on_one_axis() -> None:
    table = costs()
    figure = figures.accuracy_per_operation(table)
    ann, _, snn, ring = figure.data
    assert (ann.name, snn.name) == ("ANN (dense MACs)", "SNN (synaptic operations)")
    rows = table[(table["model"] == "SNN") & table["accuracy"].notna()]
    np.testing.assert_allclose(snn.x, rows["synaptic_operations"])
    np.testing.assert_allclose(snn.y, 100 * rows["accuracy"])
    assert ring.x[0] == snn.x[0]
    assert figure.layout.xaxis.type == "log"
