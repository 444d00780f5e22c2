"""The figure of one neuron: what is drawn is what is in the table."""

import numpy as np
import pandas as pd
import pytest
import torch

import workbench as wb
from tests.support.random_networks import random_frames, random_network, random_spiking
from workbench import figures
from workbench.analysis.membrane_trace import trace_membrane


def table(seed: int = 5, **neuron: object) -> pd.DataFrame:
    network = random_network(seed)
    model = random_spiking(network, seed, **neuron)
    activity = model.run(random_frames(network, seed, 20, counts=True))
    return trace_membrane(model, activity, network.nodes[1], 4)


@pytest.mark.parametrize("seed", range(12))
def test_membrane_spikes_and_drive_are_those_of_the_table(seed: int) -> None:
    traces = table(seed, threshold=0.5)
    figure = figures.membrane(traces, threshold=0.5)
    traced = {trace.name: trace for trace in figure.data}
    assert np.array_equal(traced["membrane"].y, traces["membrane"].to_numpy(np.float32), equal_nan=True)
    assert np.array_equal(traced["drive"].y, traces["drive"].to_numpy(np.float32))
    assert traced["spikes"].x.tolist() == traces.loc[traces["activity"] == 1, "frame"].tolist()
    if len(traced["spikes"].x):
        assert min(traced["spikes"].y) > max(traces["membrane"].max(), 0.5)
        assert max(traced["spikes"].y) < figure.layout.yaxis.range[1]
    assert [shape.y0 for shape in figure.layout.shapes] == [0, 0.5]
    assert figure.layout.annotations[0].text == "threshold 0.5"
    assert figure.layout.xaxis.matches == "x2"
    assert figure.layout.xaxis2.title.text == "time (frames)"


def test_the_title_counts_the_spikes_of_the_neuron() -> None:
    traces = table()
    spikes = int(traces["activity"].sum())
    assert spikes > 2
    first = int(traces.loc[traces["activity"] == 1, "step"].iloc[0])
    title = f"{traces.attrs['node']} (0, 0, 4) spikes {spikes} times in 20 frames, first in frame {first}"
    assert figures.membrane(traces).layout.meta["title"] == title


def test_a_neuron_without_membrane_shows_its_activity() -> None:
    traces = table().assign(membrane=np.nan)
    figure = figures.membrane(traces)
    assert [trace.name for trace in figure.data] == ["activity", "drive"]
    assert figure.layout.yaxis.title.text == "activity"
    assert "it has no membrane" in figure.layout.meta["subtitle"]


def test_a_silent_neuron_is_said_to_be_silent() -> None:
    network = wb.Network({"in": (1,)}, [wb.Edge("in", "a", wb.Dense(1)), wb.Edge("a", "b", wb.Dense(1))])
    model = wb.Model(network, norm=None, neuron=wb.IntegrateAndFire())
    figure = figures.membrane(trace_membrane(model, model.run(torch.zeros(1, 1, 1)), "a", 0))
    assert figure.layout.meta["title"] == "a (0) stays silent for 1 frame"


def test_many_steps_are_a_line_without_marks() -> None:
    step = np.arange(1000)
    columns = {"step": step, "frame": step / 10, "drive": 0.1, "membrane": step % 10 / 10, "activity": 0.0}
    assert figures.membrane(pd.DataFrame(columns)).data[0].mode == "lines"


def test_mistakes_are_refused_and_nothing_is_said() -> None:
    with pytest.raises(ValueError, match="lacks the column membrane"):
        figures.membrane(table().drop(columns="membrane"))
    with pytest.raises(ValueError, match="threshold=0 must be positive"):
        figures.membrane(table(), threshold=0)
    assert figures.membrane(table()[:0]).layout.annotations[0].text == "no steps yet"
