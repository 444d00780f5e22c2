"""Spikes as data of NIR, in and out: no spike is lost, moved or made up."""

from __future__ import annotations

import h5py
import nir
import numpy as np
import pytest
import torch

import workbench as wb


def some_spikes(seed: int, most: int = 1, least: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = {"v1": (9, 3, 2, 4, 3), "layer/2": (9, 3, 7), "silent": (9, 3, 2)}
    found = {n: torch.randint(least - 1, most + 1, s, generator=generator).float() for n, s in shapes.items()}
    found = {node: values if least else values.clamp(min=0) for node, values in found.items()}
    return found | {"silent": torch.zeros(9, 3, 2)}


@pytest.mark.parametrize("tick_s", [1.0, 1e-3, 1 / 3, 7e-5])
@pytest.mark.parametrize("values", [(1, 0), (4, 0), (2, -2)], ids=["one", "several", "taken back"])
def test_rasters_come_back_as_they_were(values, tick_s, tmp_path):
    spikes = some_spikes(1, *values)
    wb.to_nir_data(spikes, tmp_path / "spikes.h5", tick_s=tick_s)
    again = wb.from_nir_data(tmp_path / "spikes.h5", tick_s=tick_s)
    assert again.keys() == spikes.keys()
    assert all(torch.equal(again[node], spikes[node].flatten(2)) for node in spikes)


def test_nir_itself_reads_the_same_spikes(tmp_path):
    """Put onto a grid by NIR, whose floor of times / tick is exact for ticks of 1 s."""
    spikes = some_spikes(2)
    wb.to_nir_data(spikes, tmp_path / "spikes.h5")
    data = nir.read_data(tmp_path / "spikes.h5")
    for name, node in data.nodes.items():
        grid = node.observables["spikes"].to_time_gridded(1.0)
        ours = spikes[name.replace("%2F", "/")].flatten(2).transpose(0, 1)
        assert np.array_equal(grid.data, ours.numpy() == 1)


def test_data_on_a_grid_come_in_as_they_are(tmp_path):
    grid = np.random.default_rng(0).random((3, 8, 5)) < 0.3
    data = nir.NIRGraphData({"v1": nir.NIRNodeData({"spikes": nir.TimeGriddedData(grid, 0.5)})})
    nir.write_data(tmp_path / "grid.h5", data)
    assert torch.equal(wb.from_nir_data(tmp_path / "grid.h5")["v1"], torch.from_numpy(grid).float().transpose(0, 1))


def one(**changed: object) -> nir.NIRGraphData:
    plain = {"idx": np.array([[0, 1, -1]]), "time": np.array([[0.0, 2.0, np.inf]]), "n_neurons": 2, "t_max": 3.0}
    return nir.NIRGraphData({"v1": nir.NIRNodeData({"spikes": nir.EventData(**plain | changed)})})


@pytest.mark.parametrize(
    ("data", "options", "words"),
    [
        (one(), {}, "node 'v1': its events have times in seconds; say how long a tick is, by tick_s="),
        (one(), {"tick_s": 0}, "say how long a tick is"),
        (one(n_neurons=1), {"tick_s": 1.0}, r"event 1 of recording 0 is of unit 1 at 2 s, outside 1 units and 3 s"),
        (one(t_max=2.0), {"tick_s": 1.0}, r"event 1 of recording 0 is of unit 1 at 2 s, outside 2 units and 2 s"),
        (one(time=np.array([[-1.0, 2.0, 0]])), {"tick_s": 1.0}, r"event 0 of recording 0 is of unit 0 at -1 s"),
        (one(t_max=np.inf), {"tick_s": 1.0}, "fit no raster"),
        (one(t_max=1e12), {"tick_s": 1.0}, r"of 1000000000000 ticks and 2 units are too many; give a longer tick_s="),
        (one(), {"tick_s": 1.0, "observable": "v"}, "has no observable 'v'; choose observable= from 'spikes'"),
        ({}, {}, r"takes a path or a nir\.NIRGraphData, not a dict"),
    ],
    ids=range(9),
)
def test_data_that_are_no_raster_are_refused_by_node(data, options, words):
    with pytest.raises(ValueError, match=words):
        wb.from_nir_data(data, **options)


def test_fractions_and_files_of_others_are_refused(tmp_path):
    with pytest.raises(ValueError, match="node 'out' holds fractions"):
        wb.to_nir_data({"out": torch.full((3, 1, 2), 0.5)})
    with pytest.raises(ValueError, match=r"node 'out' has shape \(3, 2\)"):
        wb.to_nir_data({"out": torch.ones(3, 2)})
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(ValueError, match=r"other.h5: no data of NIR, .*it holds no NIRGraphData; .* wb.from_nir"):
        wb.from_nir_data(tmp_path / "other.h5")
