"""Spikes as address events: every spike once, in files that the workbench's own readers take back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import workbench as wb
from workbench.analysis import list_events


def lay_side_by_side(spikes: np.ndarray) -> np.ndarray:
    """(tick, channel, row, column) as (tick, row, channel x width + column)."""
    return spikes.transpose(0, 2, 1, 3).reshape(len(spikes), spikes.shape[2], -1)


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 9), (7,)])
@pytest.mark.parametrize("seed", range(5))
def test_every_spike_is_an_event_and_every_event_a_spike(seed, shape):
    spikes = np.random.default_rng(seed).integers(-1, 4, (6, 2, *shape))
    events = list_events(spikes, recording=1, tick_us=250)
    image = lay_side_by_side(spikes[:, 1].reshape(6, -1, *(1, 1, *shape)[-2:]))
    counted = np.zeros_like(image)
    for x, y, t, p in events.tolist():
        counted[t // 250, y, x] += 1 if p else -1
    assert np.array_equal(counted, image)
    assert (np.diff(events["t"]) >= 0).all()


@pytest.fixture(scope="module")
def trace():
    ticks = np.random.default_rng(0).integers(0, 2, (8, 1, 2, 6, 6))
    recordings = wb.Recordings.from_ticks(ticks, [0], ("left", "right"), ticks_per_frame=4)
    network = wb.Network({"eye": (2, 6, 6)}, [wb.Edge("eye", "v1", wb.Conv(3, 3)), wb.Edge("v1", "hand", wb.Dense(2))])
    snn = wb.Model(network, neuron=wb.IntegrateAndFire(), norm=None, ticks_per_frame=4)
    with torch.no_grad():
        snn.weights[0][0].abs_()
    return wb.trace_recording(snn, recordings)


@pytest.mark.parametrize("ending", ["csv", "npy", "h5", "hdf5"])
def test_files_are_read_back_as_they_were(ending, trace, tmp_path):
    events = trace.to_events("v1", tmp_path / f"spikes.{ending}", tick_us=500)
    again = wb.formats.read(tmp_path / f"spikes.{ending}")
    assert len(events) == int(trace.activity["v1"].sum()) > 0
    assert all(np.array_equal(again[field], events[field]) for field in "xytp")


def test_what_cannot_be_events_is_refused(trace, tmp_path):
    with pytest.raises(ValueError, match="'hand' sends no events; choose one of 'eye', 'v1'"):
        trace.to_events("hand")
    with pytest.raises(ValueError, match=r"events are written as .csv, .npy, .h5, .hdf5, not as .aedat4"):
        trace.to_events("v1", tmp_path / "spikes.aedat4")
    with pytest.raises(ValueError, match="holds fractions"):
        list_events(np.full((2, 1, 3), 0.5))
    with pytest.raises(ValueError, match="side by side more than the 32,768 columns or rows"):
        list_events(np.zeros((1, 1, 2000, 2, 20)))
    with pytest.raises(ValueError, match="tick_us=0"):
        trace.to_events("v1", tick_us=0)
    silent = trace.activity | {"v1": torch.zeros(8, 1, 3, 6, 6)}
    quiet = type(trace)(trace.model, silent, trace.answers, trace.costs, trace.label, trace.classes)
    with pytest.raises(ValueError, match=r"spikes\.csv would hold no event"):
        quiet.to_events("v1", tmp_path / "spikes.csv")
    assert not [*tmp_path.iterdir()]
