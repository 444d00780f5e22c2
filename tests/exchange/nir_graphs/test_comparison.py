"""The drift report: where a file spikes otherwise than its model, counted place by place."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.random_networks import random_spiking


def some_snn(seed: int, **neuron: object) -> wb.Model:
    network = wb.Network(
        {"eye": (2, 6, 6)},
        [
            wb.Edge("eye", "v1", wb.Conv(3, 3)),
            wb.Edge("v1", "v2", wb.Conv(3, 3, stride=2), delay=4),
            wb.Edge("v2", "v2", wb.Identity(), delay=8),
            wb.Edge("v2", "hand", wb.Dense(2), delay=4),
        ],
        output="hand",
    )
    model = random_spiking(network, seed, **{"start": 0.5, **neuron})
    model.ticks_per_frame = 4
    return model


def some_recordings(seed: int = 0) -> wb.Recordings:
    ticks = np.random.default_rng(seed).integers(0, 2, (16, 5, 2, 6, 6))
    return wb.Recordings.from_ticks(ticks, [0, 1, 0, 1, 0], ("left", "right"), ticks_per_frame=4)


@pytest.mark.parametrize("seed", range(4))
def test_drift_is_counted_place_by_place(seed, tmp_path):
    model, recordings = some_snn(seed), some_recordings(seed)
    wb.to_nir(model, tmp_path / "snn.nir")
    drift = wb.compare_nir(tmp_path / "snn.nir", recordings, reference=model, batch=2, progress=False)
    ticks = torch.from_numpy(recordings.as_ticks(ticks_per_frame=4)).float()
    with pytest.warns(UserWarning, match="biases begin"):
        plain = wb.from_nir(tmp_path / "snn.nir", metadata=False, ticks_per_frame=4)
    ours, theirs = model.run(ticks), plain.run(ticks)
    assert drift["reading"].unique().tolist() == ["as written", "without metadata"]
    assert (drift.query("reading == 'as written'")["differing"] == 0).all()
    assert drift.query("reading == 'as written'")["first_tick"].isna().all()
    for row in drift.query("reading == 'without metadata'").itertuples():
        apart = ours[row.node] != theirs[row.node]
        assert row.differing == int(apart.sum()) > 0
        assert row.places == apart.numel()
        assert row.first_tick == int(apart.flatten(1).any(1).nonzero()[0])
        assert "biases begin with the first response here" in row.remarks
        if row.node != "hand":
            assert (row.spikes, row.spikes_in_file) == (int(ours[row.node].sum()), int(theirs[row.node].sum()))
    assert drift.query("node == 'hand'")[["spikes", "spikes_in_file"]].isna().all(axis=None)


def test_the_file_itself_is_the_reference_and_choices_are_a_reading_of_their_own(tmp_path):
    model = some_snn(0, reset="subtract")
    wb.to_nir(model, tmp_path / "snn.nir")
    drift = wb.compare_nir(tmp_path / "snn.nir", some_recordings(), reset="subtract", burst=3, progress=False)
    assert drift["reading"].unique().tolist() == ["as written", "without metadata", "as chosen"]
    sent = drift.query("node == 'v1'").set_index("reading")["spikes_in_file"]
    assert sent["as chosen"] > sent["without metadata"]


def test_a_file_of_another_model_is_named(tmp_path):
    wb.to_nir(some_snn(0), tmp_path / "snn.nir")
    other = wb.Model(
        wb.Network({"eye": (2, 6, 6)}, [wb.Edge("eye", "hand", wb.Dense(2))]), neuron=wb.IntegrateAndFire()
    )
    with pytest.raises(ValueError, match=r"snn.nir: node 'v1' has shape \(3, 6, 6\), and None in the model"):
        wb.compare_nir(tmp_path / "snn.nir", some_recordings(), reference=other, progress=False)
    slower = some_snn(0)
    slower.ticks_per_frame = 2
    with pytest.raises(ValueError, match="has 4 ticks per frame, and the model 2; give the reference="):
        wb.compare_nir(tmp_path / "snn.nir", some_recordings(), reference=slower, progress=False)
