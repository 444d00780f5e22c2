"""The doctor: what it says of every node equals brute force, and it names what is wrong and only that."""

import re

import numpy as np
import pandas as pd
import pytest
import torch

import workbench as wb
from tests.support.random_networks import random_model, random_network
from tests.support.random_recordings import random_recordings
from workbench.analysis.error_decomposition import CAUSES

K = 4
COLUMNS = [
    "node", "frame", "ann_activity", "snn_activity", "error", "relative_error", "saturated", "silent", "floor_hits",
    *CAUSES, "advice",
]  # fmt: skip


def pair(seed: int, **options: object) -> tuple[wb.Model, wb.Model, wb.Recordings]:
    """An ANN, its SNN and recordings; more than one batch of them."""
    recordings = random_recordings(seed, frames=7, count=40)
    counts, matched = "emission" in options, options.get("delays", "matched") == "matched"
    network = random_network(seed, longest=1, parallel=matched and not counts)  # else parallel edges would be the same
    ann = random_model(network.streaming() if counts else network, seed, norm="batch").float()
    return ann, wb.convert(ann, recordings, ticks_per_frame=K, **options), recordings


@pytest.mark.parametrize("delays", ["matched", "tick"])
@pytest.mark.parametrize("seed", range(12))
def test_every_number_equals_brute_force_over_units_and_recordings(seed: int, delays: str):
    ann, snn, recordings = pair(seed, delays=delays, percentile=80)
    table = wb.diagnose(ann, snn, recordings)
    assert table.columns.tolist() == COLUMNS
    with torch.no_grad():
        expected = ann.run(torch.tensor(recordings.as_frames()), record=ann.network.nodes)
        spikes = snn.run(torch.tensor(recordings.as_ticks(ticks_per_frame=K)), record=snn.network.nodes)
    for node, rows in table.groupby("node"):
        a = expected[node].flatten(2).double().numpy()
        s = spikes[node].flatten(2).double().numpy().reshape(7, K, *a.shape[1:])
        scale, output = snn.scales[node], node == "out"
        found = s.mean(1) * scale
        size = np.abs(a).mean() if output else 1.0
        np.testing.assert_allclose(rows["ann_activity"], a.mean((1, 2)), atol=1e-5 * size, rtol=1e-4)
        np.testing.assert_allclose(rows["snn_activity"], found.mean((1, 2)), atol=1e-5 * size, rtol=1e-4)
        error = np.abs(found - a).mean((1, 2))
        np.testing.assert_allclose(rows["error"], error, atol=1e-5 * size, rtol=1e-4)
        usual = np.abs(a[ann.network.first_response[node] :]).mean()
        known = rows["relative_error"].notna().to_numpy()
        np.testing.assert_allclose(rows["relative_error"][known], error[known] / usual, atol=1e-4, rtol=1e-3)
        assert (error[~known] == 0).all()
        if output:
            assert rows[["saturated", "silent", "floor_hits"]].isna().all(axis=None)
            continue
        np.testing.assert_allclose(rows["saturated"], (s.sum(1) == K).mean((1, 2)))
        np.testing.assert_allclose(rows["silent"], ((a > scale / K / 2) & (s.sum(1) == 0)).mean((1, 2)), atol=2e-3)


COUNTING = [
    {"emission": "spread"},
    {"emission": "spread", "remainder": "keep", "floor": -0.25},
    {"emission": "burst", "cap": 9},
    {"emission": "burst", "remainder": "keep"},
]


@pytest.mark.parametrize("options", COUNTING, ids=str)
@pytest.mark.parametrize("seed", range(5))
def test_of_neurons_that_count_the_counts_of_frames_are_compared_whenever_they_are_sent(seed: int, options: dict):
    ann, snn, recordings = pair(seed, percentile=80, **options)
    table = wb.diagnose(ann, snn, recordings)
    ticks = torch.tensor(recordings.as_ticks(ticks_per_frame=K))
    late = torch.cat([ticks, torch.zeros_like(ticks[: K - 1])])  # until the counts of the last frame are sent
    with torch.no_grad():
        expected = ann.run(torch.tensor(recordings.as_frames()), record=ann.network.nodes)
        spikes = snn.run(late, record=snn.network.nodes)
    for node in ann.network.hidden:
        rows, a = table[table["node"] == node], expected[node].flatten(2).double().numpy()
        counts = spikes[node][K - 1 :].flatten(2).double().numpy().reshape(7, K, *a.shape[1:]).sum(1)
        scale, most = snn.scales[node], snn.neuron.most_spikes_per_frame()
        np.testing.assert_allclose(rows["snn_activity"], counts.mean((1, 2)) * scale / K, atol=1e-5, rtol=1e-4)
        error = np.abs(counts * scale / K - a).mean((1, 2))
        np.testing.assert_allclose(rows["error"], error, atol=1e-5, rtol=1e-4)
        np.testing.assert_allclose(rows["saturated"], (counts == most).mean((1, 2)))
        np.testing.assert_allclose(rows["silent"], ((a > scale / K / 2) & (counts == 0)).mean((1, 2)), atol=2e-3)
        for cause in ("delays", "unevenness", "floor", *([] if "remainder" in options else ["carry"])):
            assert rows[cause].eq(0).all(), cause
    if options["emission"] == "spread":
        assert table["saturated"].max() > 0


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    "options",
    [
        {"percentile": 80},
        {"percentile": 80, "scale": "channel"},
        {"percentile": 90, "signed": True, "floor": None},
        {"percentile": 80, "emission": "spread"},
        {"percentile": 90, "emission": "burst", "remainder": "keep", "cap": 6, "scale": "channel"},
    ],
)
@pytest.mark.parametrize("seed", [3, 8])
def test_the_compiled_sums_are_those_of_torch(seed: int, options: dict, threads: int, monkeypatch):
    ann, snn, recordings = pair(seed, **options)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = wb.diagnose(ann, snn, recordings)
        monkeypatch.setattr("workbench.analysis.diagnosis.sum_errors", lambda *known: None)
        expected = wb.diagnose(ann, snn, recordings)
    finally:
        torch.set_num_threads(before)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("membrane", ["carry", "frame"])
@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_floor_hits_equal_brute_force(reset: str, membrane: str):
    recordings = random_recordings(1, frames=5, count=6)
    edges = [wb.Edge("in", "v1", wb.Conv(3, kernel=3)), wb.Edge("v1", "out", wb.Dense(3))]
    ann = random_model(wb.Network({"in": (2, 6, 5)}, edges), 1).float()
    snn = wb.convert(ann, recordings, ticks_per_frame=K, reset=reset, membrane=membrane, floor=-0.25)
    ticks = torch.tensor(recordings.as_ticks(ticks_per_frame=K))
    with torch.no_grad():
        drive = snn.normalize("v1", snn.connect(0, ticks))
    hits = np.zeros((5 * K, *drive.shape[1:]))
    v = torch.full_like(drive[0], 0.5)
    for tick in range(K, 5 * K):
        v = torch.full_like(v, 0.5) if membrane == "frame" and tick % K == 0 else v
        v = v + drive[tick - K]
        hits[tick] = v < -0.25
        v = v.clamp(min=-0.25)
        v = torch.where(v >= 1, v - 1 if reset == "subtract" else torch.zeros_like(v), v)
    rows = wb.diagnose(ann, snn, recordings).set_index("node").loc["v1"]
    np.testing.assert_allclose(rows["floor_hits"], hits.reshape(5, -1).mean(1))
    assert rows["floor_hits"].iloc[1:].min() > 0
    free = wb.convert(ann, recordings, ticks_per_frame=K, floor=None)
    assert wb.diagnose(ann, free, recordings).set_index("node").loc["v1", "floor_hits"].eq(0).all()


@pytest.mark.parametrize("emission", ["spread", "burst"])
def test_what_is_kept_is_held_at_the_floor_once_a_frame_at_most_and_what_is_dropped_never(emission: str):
    recordings = random_recordings(1, frames=5, count=6)
    edges = [wb.Edge("in", "v1", wb.Conv(3, kernel=3)), wb.Edge("v1", "out", wb.Dense(3))]
    ann = random_model(wb.Network({"in": (2, 6, 5)}, edges), 1).float()
    given = {"ticks_per_frame": K, "floor": -0.25, "emission": emission}
    snn = wb.convert(ann, recordings, **given, remainder="keep")
    ticks = torch.tensor(recordings.as_ticks(ticks_per_frame=K))
    with torch.no_grad():
        drive = snn.normalize("v1", snn.connect(0, ticks)).unflatten(0, (5, K)).sum(1)
    hits, v = np.zeros((5, *drive.shape[1:])), torch.full_like(drive[0], 0.5)
    for frame in range(1, 5):
        v = v + drive[frame - 1]
        v = v - v.floor().clamp(0, K)
        hits[frame] = v < -0.25
        v = v.clamp(min=-0.25)
    rows = wb.diagnose(ann, snn, recordings).set_index("node").loc["v1"]
    np.testing.assert_allclose(rows["floor_hits"], hits.reshape(5, -1).mean(1) / K)
    assert rows["floor_hits"].iloc[1:].min() > 0
    dropped = wb.convert(ann, recordings, **given)
    assert wb.diagnose(ann, dropped, recordings).set_index("node").loc["v1", "floor_hits"].eq(0).all()


def exact_pair(**options: object) -> tuple[wb.Model, wb.Model, wb.Recordings]:
    """A hidden layer that repeats the events: a spike for each, so that rates are the activities."""
    counts = np.random.default_rng(0).integers(0, 2, (6 * K, 9, 1, 1, 3))
    counts[:K, :, 0, 0, 0] = 1  # the largest activity is K, and so is the scale
    recordings = wb.Recordings.from_ticks(counts, np.arange(9) % 2, ("a", "b"), ticks_per_frame=K)
    edges = [wb.Edge("in", "copy", wb.Dense(3)), wb.Edge("copy", "class", wb.Dense(2))]
    ann = wb.Model(wb.Network({"in": (1, 1, 3)}, edges), seed=0, norm=None)
    with torch.no_grad():
        next(ann.weights[0].parameters()).copy_(torch.eye(3))
    return ann, wb.convert(ann, recordings, percentile=100, start=0.0, **options), recordings


def test_a_conversion_that_is_exact_by_construction_has_no_error_and_no_advice_but_on_saturation():
    ann, snn, recordings = exact_pair()
    table = wb.diagnose(ann, snn, recordings)
    np.testing.assert_allclose(table["error"], 0, atol=1e-5)
    np.testing.assert_allclose(table["ann_activity"], table["snn_activity"], atol=1e-5)
    hidden = table[table["node"] == "copy"]
    assert hidden[["silent", "floor_hits"]].eq(0).all(axis=None)
    every = recordings.as_ticks().reshape(6, K, -1).all(1).mean(1)
    assert hidden["saturated"].tolist() == [0, *every[:-1]]
    assert table.loc[table["node"] == "class", "advice"].eq("").all()


def test_a_percentile_too_low_saturates_and_is_advised_against():
    for seed in range(3):
        ann, good, recordings = pair(seed, percentile=99.9)
        _, bad, _ = pair(seed, percentile=30)
        shares = [wb.diagnose(ann, snn, recordings).groupby("node")["saturated"].mean() for snn in (good, bad)]
        assert (shares[1].dropna() >= shares[0].dropna() - 0.001).all()  # what saturates drives others a little less
        assert shares[1].max() > shares[0].max()
        advice = wb.diagnose(ann, bad, recordings).groupby("node")["advice"].first()
        assert "of its units: raise percentile or ticks_per_frame" in advice[shares[1].idxmax()]


def test_delays_that_do_not_match_are_told_and_matched_ones_are_not():
    ann, matched, recordings = exact_pair()
    assert not wb.diagnose(ann, matched, recordings)["advice"].str.contains("delay").any()
    snn = wb.convert(ann, recordings, delays="tick")
    advice = wb.diagnose(ann, snn, recordings).groupby("node")["advice"].first()
    assert advice["copy"].startswith("the delay of in to copy is 0.75 frames shorter than in training: convert with")
    assert "the delay of copy to class is 0.75 frames shorter" in advice["class"]


def test_advice_is_one_line_per_node_and_nothing_is_changed():
    ann, snn, recordings = pair(5)
    ann.train()
    before = {name: tensor.clone() for name, tensor in ann.state_dict().items()}
    table = wb.diagnose(ann, snn, recordings)
    assert (table.groupby("node")["advice"].nunique() == 1).all()
    assert not table["advice"].str.contains("\n").any()
    pd.testing.assert_frame_equal(table, wb.diagnose(ann, snn, recordings))
    assert ann.training
    assert not snn.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in ann.state_dict().items())


def test_mistakes_are_refused_with_a_cure():
    ann, snn, recordings = exact_pair()
    for first, second in ((snn, ann), (ann, ann), (snn, snn)):
        with pytest.raises(ValueError, match="takes an ANN and the SNN converted from it, in this order"):
            wb.diagnose(first, second, recordings)
    bare = wb.Model(ann.network, norm=None, neuron=wb.IntegrateAndFire(), ticks_per_frame=K)
    with pytest.raises(ValueError, match=r"was not converted; make it with wb\.convert"):
        wb.diagnose(ann, bare, recordings)
    edges = ann.network.edges
    for other, what in (
        (wb.Network(ann.network.inputs, [wb.Edge("in", "copy", wb.Dense(4)), edges[1]]), "nodes"),
        (wb.Network(ann.network.inputs, [*edges, wb.Edge("in", "class", wb.Dense(2))], output="class"), "edges"),
        (ann.network.with_delays({("in", "copy"): 2}), "delays of training"),
    ):
        with pytest.raises(ValueError, match=f"differ in their {what}; give the ANN that the SNN was made from"):
            wb.diagnose(wb.Model(other, norm=None), snn, recordings)
    with pytest.raises(ValueError, match="input 'in' has shape"):
        wb.diagnose(ann, snn, random_recordings(0))


# causes


OPTIONS = [
    {"percentile": 80},
    {"percentile": 99, "membrane": "frame"},
    {"membrane": "rectify", "burst": 3},
    {"signed": True, "floor": None},
    *COUNTING,
    {"reset": "zero"},
    {"bias": "frame", "scale": "channel"},
    {},
]


@pytest.mark.parametrize("delays", ["matched", "tick", "frame"])
@pytest.mark.parametrize("seed", range(33))
def test_the_causes_of_an_error_add_up_to_it(seed: int, delays: str):
    options = OPTIONS[seed % len(OPTIONS)]
    delays = "frame" if "emission" in options and delays == "tick" else delays  # which counts need to be whole frames
    ann, snn, recordings = pair(seed, delays=delays, **options)
    table = wb.diagnose(ann, snn, recordings)
    size = max(1.0, table["ann_activity"].abs().max())
    np.testing.assert_allclose(table[list(CAUSES)].sum(axis=1), table["error"], rtol=1e-3, atol=1e-4 * size)
    matched = all(edge.delay == K * old.delay for edge, old in zip(snn.network.edges, ann.network.edges, strict=True))
    if matched:
        assert table["delays"].abs().max() < 1e-6
    output = table[table["node"] == "out"]
    assert output[[cause for cause in CAUSES if cause not in ("sources", "delays")]].eq(0).all(axis=None)


@pytest.mark.parametrize("seed", range(12))
def test_quantisation_and_saturation_equal_brute_force(seed: int):
    ann, snn, recordings = pair(seed, percentile=60)
    table = wb.diagnose(ann, snn, recordings)
    with torch.no_grad():
        frames = ann.run(torch.tensor(recordings.as_frames()))
        ticks = snn.run(torch.tensor(recordings.as_ticks(ticks_per_frame=K)))
    for node in set(ann.network.nodes) - {"in", "out"}:
        exact = frames[node].double().numpy() * K / snn.scales[node]
        spikes = ticks[node].double().numpy().reshape(7, K, *exact.shape[1:]).sum(1)
        whole = np.floor(exact + 0.5)
        rows, sign = table[table["node"] == node], np.sign(spikes - exact)
        unit, axes = snn.scales[node] / K, tuple(range(1, exact.ndim))
        for cause, part in (("quantisation", whole - exact), ("saturation", np.minimum(whole, K) - whole)):
            np.testing.assert_allclose(rows[cause], unit * (sign * part).mean(axes), atol=2e-3, rtol=1e-2)
    assert table["saturation"].max() > 0


def test_a_neuron_that_counts_and_drops_the_rest_errs_by_its_steps_and_sources_alone():
    ann, snn, recordings = pair(3, emission="burst", cap=1000)
    table = wb.diagnose(ann, snn, recordings)
    for cause in ("saturation", "delays", "carry", "unevenness", "floor"):
        assert table[cause].abs().max() < 0.01 * table["error"].max(), cause
    assert table["quantisation"].max() > 0


def test_the_largest_cause_is_named_with_its_cure():
    counts = np.zeros((6 * K, 9, 1, 1, 3), dtype=int)
    counts[0::K] = counts[1::K] = 1  # the events of a frame come before most of its bias
    counts[0::K, 0] = 5
    recordings = wb.Recordings.from_ticks(counts, np.arange(9) % 2, ("a", "b"), ticks_per_frame=K)
    edges = [wb.Edge("in", "copy", wb.Dense(3)), wb.Edge("copy", "class", wb.Dense(2))]
    ann = wb.Model(wb.Network({"in": (1, 1, 3)}, edges), seed=0, norm=None)
    with torch.no_grad():
        next(ann.weights[0].parameters()).copy_(torch.eye(3))
        ann.node_layer("copy").bias.fill_(-1.5)
    snn = wb.convert(ann, recordings, percentile=100, start=0.0, floor=None, membrane="frame", burst=10)
    table = wb.diagnose(ann, snn, recordings)
    copy = table[table["node"] == "copy"]
    assert copy["advice"].iloc[0].startswith("copy is off by ")
    assert re.search(r'of it by unevenness: .*emission="spread"', copy["advice"].iloc[0])
    assert copy["unevenness"].sum() > 0.5 * copy["error"].sum()
