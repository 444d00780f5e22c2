"""The membrane of one neuron: recomputed from what its sources did, it spikes as it was recorded."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

import workbench as wb
from tests.support.random_networks import (
    in_whole_frames,
    random_frames,
    random_model,
    random_network,
    random_spiking,
)
from workbench.analysis.membrane_trace import summarise_membrane, trace_membrane

STEPS = 9
NEURONS = [
    {"reset": reset, "membrane": membrane, "ticks_per_frame": 3, "floor": floor}
    for reset in ("subtract", "zero")
    for membrane in ("carry", "frame")
    for floor in (-1.0, None)
] + [
    {"ticks_per_frame": 3, "emission": "spread", "floor": -1.0},
    {"ticks_per_frame": 3, "emission": "spread", "remainder": "keep", "floor": -1.0},
    {"ticks_per_frame": 3, "emission": "burst", "cap": 4, "remainder": "keep", "floor": None},
    {"ticks_per_frame": 3, "burst": 2, "signed": True, "membrane": "rectify", "floor": None},
    {"ticks_per_frame": 3, "membrane": "carry", "floor": None, "bias": "frame"},
]


def some_model(seed: int, neuron: dict[str, object], **known: object) -> wb.Model:
    """A random model with these neurons; where they count for a frame, edges out of them take whole frames."""
    counts = "emission" in neuron
    network = random_network(seed, longest=1 if counts else 3, **known)
    model = random_spiking(in_whole_frames(network, 3) if counts else network, seed, **neuron)
    model.ticks_per_frame = 3
    return model


def hidden(network: wb.Network) -> list[str]:
    return [node for node in network.nodes if node not in network.inputs and node != network.output]


@pytest.mark.parametrize("seed", range(104))
def test_the_activity_recomputed_is_the_activity_recorded(seed: int) -> None:
    neuron = NEURONS[seed % len(NEURONS)]
    model = some_model(seed, neuron, parallel=True)
    network = model.network
    activity = model.run(random_frames(network, seed, STEPS, counts=True))
    rng = np.random.default_rng(seed)
    for node in hidden(network):
        unit = int(rng.integers(np.prod(network.shapes[node])))
        table = trace_membrane(model, activity, node, unit, recording=1)
        recorded = activity[node][:, 1].flatten(1)[:, unit].double().numpy()
        assert np.array_equal(table["activity"], recorded), node
        first = network.first_response[node]
        assert table["membrane"].isna().tolist() == [step < first for step in range(STEPS)]
        assert not table["drive"][:first].any()
        if "emission" in neuron:  # it sends when its membrane is another already
            continue
        assert (table["membrane"][table["activity"] > 0] >= 1).all()
        if "burst" not in neuron:
            assert np.array_equal(table["activity"] == 1, table["membrane"] >= 1)


def test_the_random_networks_of_the_law_are_recurrent_and_their_neurons_fire() -> None:
    recurrent = spikes = 0
    for seed in range(104):
        model = some_model(seed, NEURONS[seed % len(NEURONS)], parallel=True)
        network = model.network
        recurrent += bool(wb.count_rollouts(network) < 2 ** len(network.edges))
        activity = model.run(random_frames(network, seed, STEPS, counts=True))
        spikes += any(activity[node].any() for node in hidden(network))
    assert recurrent > 40
    assert spikes > 90


@pytest.mark.parametrize("neuron", [neuron for neuron in NEURONS if "emission" not in neuron])
def test_the_membrane_follows_its_equation(neuron: dict[str, object]) -> None:
    model = some_model(5, neuron)
    network = model.network
    activity = model.run(random_frames(network, 5, 20, counts=True))
    for node in hidden(network):
        table = trace_membrane(model, activity, node, 4)
        first, v = network.first_response[node], 0.5
        for elapsed, row in enumerate(table[first:].itertuples()):
            if elapsed % 3 == 0:
                v = {"frame": 0.5, "rectify": max(v, 0.0), "carry": v}[neuron["membrane"]]
            v = v + row.drive if neuron["floor"] is None else max(-1.0, v + row.drive)
            assert row.membrane == v
            if "burst" not in neuron:
                assert row.activity == (v >= 1)
            if row.activity:
                v = 0.0 if neuron.get("reset") == "zero" else v - row.activity


@pytest.mark.parametrize("resolution", [None, 8])
@pytest.mark.parametrize("seed", [3, 4, 5, 10])
def test_the_membrane_of_a_neuron_that_leaks_is_shown_after_its_leak_and_its_drive(
    seed: int, resolution: int | None
) -> None:
    network = random_network(seed, longest=2)
    model = random_spiking(network, seed, leak=2, resolution=resolution)
    activity, fired = model.run(random_frames(network, seed, 20, counts=True)), 0
    for node in hidden(network):
        table, v = trace_membrane(model, activity, node, 4), 0.0
        for row in table[network.first_response[node] :].itertuples():
            v -= v / 4 if resolution is None else math.floor(v * 2**6) / 2**8
            v = max(-1.0, v + row.drive)
            assert row.membrane == pytest.approx(v, abs=0 if resolution else 1e-5)
            assert row.activity == (row.membrane >= 1)
            v, fired = v - row.activity, fired + row.activity
    assert fired


@pytest.mark.parametrize("neuron", [neuron for neuron in NEURONS if "emission" in neuron])
@pytest.mark.parametrize("seed", range(9, 13))
def test_the_membrane_of_a_neuron_that_counts_grows_for_a_frame_and_is_shown_before_it_is_reset(
    seed: int, neuron: dict[str, object]
) -> None:
    model = some_model(seed, neuron)
    network = model.network
    activity = model.run(random_frames(network, seed, 26, counts=True))
    counted = 0
    for node in hidden(network):
        table = trace_membrane(model, activity, node, 4)
        first, v = network.first_response[node], 0.5
        for elapsed, row in enumerate(table[first:].itertuples()):
            v += row.drive
            assert row.membrane == v
            if elapsed % 3 == 2:
                number = min(max(math.floor(v), 0), neuron.get("cap", 3))
                kept = v - number if neuron["floor"] is None else max(v - number, neuron["floor"])
                v = kept if neuron.get("remainder") == "keep" else 0.5
                counted += number
    assert counted > 0


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("norm", [None, "batch"])
def test_an_ann_has_drive_and_activity_but_no_membrane(seed: int, norm: str | None) -> None:
    network = random_network(seed)
    model = random_model(network, seed, norm)
    activity = model.run(random_frames(network, seed, STEPS))
    for node in network.nodes[1:]:
        table = trace_membrane(model, activity, node, 0, recording=1)
        recorded = activity[node][:, 1].flatten(1)[:, 0].detach().numpy()
        assert np.allclose(table["activity"], recorded, rtol=1e-12, atol=1e-12)
        assert table["membrane"].isna().all()
        wanted = table["drive"] if node == network.output else table["drive"].clip(lower=0)
        assert np.array_equal(table["activity"], wanted)


def small(**options: object) -> tuple[wb.Model, dict[str, torch.Tensor]]:
    network = wb.Network(
        {"in": (1, 2, 3)}, [wb.Edge("in", "a", wb.Conv(2, kernel=1)), wb.Edge("a", "out", wb.Dense(2))]
    )
    model = wb.Model(network, neuron=wb.IntegrateAndFire(), **options)
    model(torch.rand(4, 5, 1, 2, 3))
    return model, model.eval().run(torch.rand(6, 5, 1, 2, 3))


def test_a_flat_unit_and_one_index_per_axis_are_the_same_neuron() -> None:
    model, activity = small()
    table = trace_membrane(model, activity, "a", 10, recording=2)
    assert table.equals(trace_membrane(model, activity, "a", (1, 1, 1), recording=2))
    assert table.attrs == {"node": "a", "unit": (1, 1, 1)}
    assert list(table.columns) == ["step", "frame", "drive", "membrane", "activity"]


def test_time_is_counted_in_frames() -> None:
    model, activity = small(ticks_per_frame=4)
    assert trace_membrane(model, activity, "a", 0)["frame"].tolist() == [0.25, 0.5, 0.75, 1.0, 1.25, 1.5]


def test_a_node_that_never_answers_is_silent() -> None:
    network = wb.Network({"in": (1,)}, [wb.Edge("in", "a", wb.Dense(1), delay=9), wb.Edge("a", "b", wb.Dense(1))])
    model = wb.Model(network, norm=None, neuron=wb.IntegrateAndFire())
    table = trace_membrane(model, model.run(torch.ones(4, 1, 1)), "a", 0)
    assert table["membrane"].isna().all()
    assert not table[["drive", "activity"]].any(axis=None)


def test_nothing_is_changed_by_looking() -> None:
    model, activity = small()
    model.train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    held = {node: values.clone() for node, values in activity.items()}
    trace_membrane(model, activity, "a", 0)
    assert model.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(torch.equal(held[node], values) for node, values in activity.items())


@pytest.mark.parametrize(
    ("node", "unit", "recording", "message"),
    [
        ("z", 0, 0, "unknown node 'z'; the network has in, a, out"),
        ("in", 0, 0, "'in' is an input, .*choose one of a, out"),
        ("a", 12, 0, r"unit 12 is not in 'a' of shape \(2, 2, 3\); give a flat index from 0 to 11"),
        ("a", -1, 0, "unit -1 is not in 'a'"),
        ("a", (1, 1), 0, r"unit \(1, 1\) is not in 'a'"),
        ("a", (1, 2, 0), 0, r"unit \(1, 2, 0\) is not in 'a'"),
        ("a", 0.5, 0, "unit 0.5 is not in 'a'"),
        ("a", 0, 5, "recording=5 is not among the 5 of the activity"),
        ("a", 0, -1, "recording=-1 is not among the 5"),
    ],
)
def test_mistakes_are_refused_with_a_cure(node: str, unit: int, recording: int, message: str) -> None:
    model, activity = small()
    with pytest.raises(ValueError, match=message):
        trace_membrane(model, activity, node, unit, recording=recording)


def test_activity_of_another_run_is_refused() -> None:
    model, activity = small()
    with pytest.raises(ValueError, match=r"lacks a, from which 'out' is driven; it holds out; record every node"):
        trace_membrane(model, {"out": activity["out"]}, "out", 0)
    with pytest.raises(ValueError, match=r"activity of 'in' has shape \(6, 5, 4\); expected \(step, batch, 1, 2, 3\)"):
        trace_membrane(model, {"in": torch.zeros(6, 5, 4)}, "a", 0)


def test_a_summary_counts_spikes_and_finds_the_first():
    traces = pd.DataFrame({"frame": [0.5, 1.0, 1.5], "drive": [1.0, 2.0, 3.0], "membrane": 0.5, "activity": [0, 2, 1]})
    row = summarise_membrane(traces).iloc[0]
    assert row[["frames", "spikes", "first_frame", "mean_drive"]].tolist() == [1.5, 3, 1.0, 2.0]
    analog = summarise_membrane(traces.assign(membrane=np.nan, activity=[0.0, -0.5, 1.0])).iloc[0]
    assert pd.isna(analog["spikes"])
    assert analog["first_frame"] == 1.0
    assert pd.isna(summarise_membrane(traces.assign(activity=0)).iloc[0]["first_frame"])
