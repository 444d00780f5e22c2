"""Inputs as events: counts against numpy, and the same bits as a tensor of them, on every engine and in every cut."""

import random

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.exact_models import K, some_recordings, some_snn
from workbench.engine import EventCounts
from workbench.engine.event_driven.hybrid import Hybrid

SEEDS = range(0, 120, 10)


def random_events(seed: int) -> tuple[EventCounts, np.ndarray]:
    """Events in any order within a tick, and the counts that they are."""
    rng = np.random.default_rng(seed)
    shape = [(5,), (2, 3, 4), (1, 1, 1)][seed % 3]
    ticks, batch = int(rng.integers(0, 7)), int(rng.integers(1, 4))
    counts = rng.poisson(rng.choice([0.0, 0.3, 2.0]), (ticks, batch, *shape))
    sites, bounds = [], np.zeros((batch, ticks + 1), np.int64)
    for recording in range(batch):
        for tick in range(ticks):
            bounds[recording, tick] = len(sites)
            flat = counts[tick, recording].ravel()
            sites += rng.permutation(np.repeat(np.arange(flat.size), flat)).tolist()
        bounds[recording, ticks] = len(sites)
    return EventCounts(np.array(sites, np.int32), bounds, shape), counts


@pytest.mark.parametrize("seed", range(60))
def test_counts_are_those_of_numpy(seed):
    events, counts = random_events(seed)
    assert events.shape == counts.shape
    assert len(events) == len(counts)
    assert torch.equal(events.to_tensor(), torch.from_numpy(counts).float())
    assert events.find_most() == counts.max(initial=0)
    assert events.measure_rate() == pytest.approx(counts.sum() / max(counts.size, 1))
    assert events.new_zeros(2, 3).tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("seed", SEEDS)
def test_events_of_recordings_are_their_ticks(seed):
    snn, ticks = some_snn(seed)
    recordings, rng = some_recordings(snn.network, seed), random.Random(seed)
    chosen = np.array(rng.sample(range(len(recordings)), 3))
    begin = rng.randint(0, len(ticks) - 1)
    end = rng.randint(begin, len(ticks))
    events = EventCounts(*recordings.as_sites(chosen, K, begin, end), recordings.shape)
    assert torch.equal(events.to_tensor(), ticks[begin:end][:, chosen])


@pytest.mark.parametrize("engine", ["dense", "events", "auto"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_stream_of_events_gives_the_bits_of_a_stream_of_tensors(seed, engine, monkeypatch):
    snn, ticks = some_snn(seed)
    recordings, rng = some_recordings(snn.network, seed), random.Random(seed)
    parts = [component.nodes for component in snn.stream(1)._plan.components if component.nodes[0] != "in"]
    if engine == "auto":  # every block of it another choice

        def choose(*known: object) -> tuple[frozenset[str], bool]:
            return frozenset().union(*(nodes for nodes in parts if rng.random() < 0.5)), True

        monkeypatch.setattr(Hybrid, "choose", choose)
    expected = snn.run(ticks, layers=snn, block=1)
    stream, begin = snn.stream(len(recordings), record=snn.network.nodes, engine=engine), 0
    assert stream.takes_events == (engine != "dense")
    while begin < len(ticks):
        end = min(begin + rng.randint(1, 5), len(ticks))
        sites = recordings.as_sites(None, K, begin, end)
        for node, values in stream.run_events(EventCounts(*sites, recordings.shape)).items():
            assert torch.equal(values, expected[node][begin:end]), node
        begin = end


@pytest.mark.parametrize("seed", SEEDS)
def test_a_stream_that_begins_anew_gives_what_a_new_one_gives(seed):
    snn, ticks = some_snn(seed)
    for engine in ("dense", "events", "auto"):
        stream = snn.stream(4, record=snn.network.nodes, engine=engine, steps=len(ticks))
        stream.run(ticks)
        for batch in (1, 3, 4):
            stream, fresh = stream.restart(batch), snn.stream(batch, snn.network.nodes, engine, len(ticks))
            assert (stream.step, stream.batch) == (0, batch)
            found, expected = stream.run(ticks[:, -batch:]), fresh.run(ticks[:, -batch:])
            assert all(torch.equal(values, expected[node]) for node, values in found.items())
            if engine == "events":
                assert stream.operations.tolist() == fresh.operations.tolist()


@pytest.mark.parametrize("listed", [True, False])
def test_too_many_events_are_warned_of_whichever_way_they_are_read(listed, monkeypatch):
    edges = [wb.Edge("in", "a", wb.Dense(4)), wb.Edge("a", "out", wb.Dense(3))]
    ann = wb.Model(wb.Network({"in": (7,)}, edges), norm=None)
    ann.node_layer("a").bias.data.fill_(0.1)
    counts = np.random.default_rng(0).poisson(0.5, (24, 3, 7))
    snn = wb.convert(ann.eval(), wb.Recordings.from_ticks(counts, [0, 1, 2], ticks_per_frame=4), percentile=99.0)
    counts[5, 1, 2] = snn.grid.input_counts + 1
    monkeypatch.setattr(Hybrid, "choose", lambda *known: (frozenset({"a", "out"} if listed else ()), True))
    stream, recordings = snn.stream(3), wb.Recordings.from_ticks(counts, [0, 1, 2], ticks_per_frame=4)
    with pytest.warns(UserWarning, match=f"input 'in' holds {snn.grid.input_counts + 1} events in a tick and pixel"):
        stream.run_events(EventCounts(*recordings.as_sites(None, 4), (7,)))


def test_of_several_inputs_none_comes_as_events():
    edges = [wb.Edge("left", "a", wb.Dense(4)), wb.Edge("right", "a", wb.Dense(4)), wb.Edge("a", "out", wb.Dense(3))]
    network = wb.Network({"left": (7,), "right": (5,)}, edges)
    snn = wb.Model(network, norm=None, neuron=wb.IntegrateAndFire(saturation=8.0)).eval()
    assert not snn.stream(engine="events").takes_events
