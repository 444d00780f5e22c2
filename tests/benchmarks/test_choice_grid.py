"""The grid over which the choice of an engine is measured: its networks fire as asked, its words say what was found."""

from dataclasses import replace

import pandas as pd
import pytest
import torch

from benchmarks.engine import choice_grid
from benchmarks.engine.extents import QUICK
from benchmarks.engine.networks import build_model, draw_ticks, input_shape, lag, measure_rates

LITTLE = replace(QUICK, choice_activities=(0.05,), choice_batches=(1, 2), choice_steps=24)


@pytest.mark.parametrize("neuron", list(choice_grid.NEURONS))
def test_layers_fire_as_asked(neuron):
    model = build_model(
        choice_grid.draw_memory(), 0.2, neuron=choice_grid.NEURONS[neuron], lean=choice_grid.LEAN, steps=48
    )
    ticks = draw_ticks(lag(model) + 48, 4, 0.2, seed=1, shape=input_shape(model.network))
    assert all(0.1 < rate < 0.4 for rate in measure_rates(model, ticks).values())


def test_all_spikes_of_bursts_come_in_the_last_tick_of_a_frame():
    model = build_model(choice_grid.draw_dense(), 0.2, neuron=choice_grid.NEURONS["burst"], steps=24)
    with torch.no_grad():
        spikes = model.run(draw_ticks(48, 1, 0.2, shape=(1, 16, 16)), record=["a"])["a"]
    ticks = spikes.flatten(1).any(1).nonzero().flatten()
    assert len(ticks) > 0
    assert set((ticks - model.network.first_response["a"]).remainder(12).tolist()) == {11}


def test_a_point_has_a_row_with_the_ratio_to_the_better_engine(monkeypatch):
    monkeypatch.setattr(choice_grid, "NETWORKS", {"dense": choice_grid.draw_dense})
    table = choice_grid.measure_choices(LITTLE)
    assert len(table) == 2 * len(choice_grid.NEURONS)
    assert table["ratio"].tolist() == pytest.approx((table["auto"] / table[["dense", "events"]].min(axis=1)).tolist())
    ((network, shown),) = choice_grid.show_choices(table)
    assert network == "dense"
    assert list(shown.index) == list(choice_grid.NEURONS)
    assert list(shown.columns) == ["activity", "fires", "batch 1", "batch 2"]


def test_the_words_name_the_farthest_point():
    table = pd.DataFrame(
        {
            "network": ["chain", "dense"], "neuron": "plain", "activity": [0.01, 0.5], "batch": [1, 4],
            "fires": 0.1, "dense": [4.0, 1.0], "events": [2.0, 3.0], "auto": [2.0, 1.5], "ratio": [1.0, 1.5],
        }
    )  # fmt: skip
    words = choice_grid.tell_choices(table)
    assert "At 1 of 2 points (50.0%)" in words
    assert "and at 1 more than 1.3 times" in words
    assert "1.50 times: dense, plain, activity 50.0%, batch 4 (dense 1.00 ms, events 3.00 ms, auto 1.50 ms)" in words


def test_engines_that_disagree_stop_it(monkeypatch):
    model = build_model(choice_grid.draw_dense(), 0.2, steps=24)
    run = model.run
    monkeypatch.setattr(
        model, "run", lambda ticks, record, engine: {n: v + (engine == "auto") for n, v in run(ticks, record).items()}
    )
    with pytest.raises(RuntimeError, match="some network, auto does not give the drives"):
        choice_grid.time_engines("some network", model, draw_ticks(48, 1, 0.2, shape=(1, 16, 16)), 1)
