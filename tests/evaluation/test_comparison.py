"""Counting: every number agrees with brute force over units, synapses and steps, or with an independent tool."""

import numpy as np
import pandas as pd
import pytest
import torch

import workbench as wb
from tests.support.brute_force import KINDS, brute_force
from tests.support.exact_models import some_ann, some_recordings, some_snn
from tests.support.random_networks import random_model, random_network
from tests.support.random_recordings import random_recordings
from workbench import figures
from workbench.evaluation import compare_energy, compare_operations, format_summary, summarise, summarise_accuracy
from workbench.evaluation.energy import PRESETS, price_all


@pytest.mark.parametrize("spiking", [False, True])
@pytest.mark.parametrize("seed", range(100))
def test_operations_equal_brute_force_over_every_synapse(seed, spiking):
    network, recordings = random_network(seed, longest=1, parallel=True), random_recordings(seed, frames=8)
    model = random_model(network, seed).float()
    if spiking:
        model = wb.convert(model, recordings, ticks_per_frame=3)
    expected = brute_force(model, recordings)
    found = wb.operations(model, recordings)
    for kind, column in KINDS.items():
        table = found.pivot(index="step", columns="edge", values=column).to_numpy()
        np.testing.assert_allclose(table, expected[kind], rtol=1e-9)
    total = wb.compare({"it": model}, recordings)
    for column in KINDS.values():
        np.testing.assert_allclose(total[column], found.groupby("step")[column].sum(), rtol=1e-9)


@pytest.mark.parametrize("seed", range(0, 120, 8))
def test_every_engine_counts_what_brute_force_counts(seed):
    snn, _ = some_snn(seed)
    recordings = some_recordings(snn.network, seed)
    expected = brute_force(snn, recordings)
    for engine in (None, "dense", "events", "auto"):
        for batch in (None, 3):
            found = wb.operations(snn, recordings, engine=engine, batch=batch, progress=False)
            for kind, column in KINDS.items():
                table = found.pivot(index="step", columns="edge", values=column).to_numpy()
                np.testing.assert_allclose(table, expected[kind], rtol=1e-12, err_msg=f"{engine}, {batch}")
        total = wb.compare({"it": snn}, recordings, engine=engine, progress=False)
        for kind, column in KINDS.items():
            np.testing.assert_allclose(total[column], expected[kind].sum(1), rtol=1e-12, err_msg=engine)


@pytest.mark.parametrize("seed", range(0, 120, 12))
def test_every_verb_gives_the_same_on_every_engine(seed):
    snn, _ = some_snn(seed)
    recordings = some_recordings(snn.network, seed)
    verbs = {
        "operations": lambda **known: wb.operations(snn, recordings, **known),
        "count_updates": lambda **known: wb.count_updates(snn, recordings, **known),
        "compare": lambda **known: wb.compare({"it": snn}, recordings, **known),
    }
    if snn.network.first_response["out"] < recordings.frames * snn.ticks_per_frame:
        verbs["count_confusions"] = lambda **known: wb.count_confusions(snn, recordings, **known)
        verbs["evaluate"] = lambda **known: pd.DataFrame([wb.evaluate(snn, recordings, **known)])
    for name, verb in verbs.items():
        expected = verb(engine="dense")
        for known in ({}, {"engine": "events"}, {"engine": "auto", "batch": 2}, {"engine": "events", "batch": 3}):
            pd.testing.assert_frame_equal(pd.DataFrame(verb(**known)), pd.DataFrame(expected), obj=f"{name} {known}")


def test_verbs_refuse_an_engine_that_there_is_not_or_that_cannot_run():
    snn, _ = some_snn(0)
    recordings, ann = some_recordings(snn.network, 0), some_ann(0)
    verbs = (wb.operations, wb.count_updates, wb.count_confusions, wb.evaluate)
    for verb in (*verbs, lambda model, some, engine: wb.compare({"it": model}, some, engine=engine)):
        with pytest.raises(ValueError, match="engine='fast' is unknown; choose from 'auto', 'dense', 'events'"):
            verb(snn, recordings, engine="fast")
        with pytest.raises(ValueError, match='engine="events" is for spiking models in eval mode'):
            verb(ann, recordings, engine="events")


@pytest.mark.parametrize("engine", [None, "dense", "events", "auto"])
def test_an_output_that_feeds_back_costs_macs_even_in_an_snn(engine):
    edges = [wb.Edge("in", "out", wb.Dense(3)), wb.Edge("out", "out", wb.Dense(3))]
    network, recordings = wb.Network({"in": (2, 6, 5)}, edges), random_recordings(0)
    network = network.slowed(2)
    snn = wb.Model(network, norm=None, neuron=wb.IntegrateAndFire(ticks_per_frame=2), ticks_per_frame=2)
    expected = brute_force(snn, recordings)
    last = wb.operations(snn, recordings, engine=engine).groupby("edge").tail(1).set_index("edge")
    np.testing.assert_allclose(last["effective_macs"], expected["effective"][-1])
    assert last.loc[0, "dense_macs"] == 0
    assert last.loc[0, "synaptic_operations"] > 0
    assert last.loc[1, "synaptic_operations"] == 0
    assert last.loc[1, "dense_macs"] == 9 * (12 - 2 - 2)  # steps less the first response and the delay


def test_accuracy_is_that_of_the_answers_and_starts_at_the_first_response():
    network, recordings = random_network(7), random_recordings(7, count=9)
    model = random_model(network, 7).float()
    drive = model(torch.tensor(recordings.as_frames())).detach().numpy()
    first = network.first_response["out"]
    for answer in ("running", "frame"):
        table = wb.compare({"ANN": model}, recordings, answer=answer)
        assert table["accuracy"][:first].isna().all()
        for step in range(first, len(drive)):
            seen = drive[first : step + 1].mean(0) if answer == "running" else drive[step]
            assert table["accuracy"][step] == pytest.approx((seen.argmax(1) == recordings.labels).mean())


def test_the_time_axis_is_shared_by_ann_and_snn():
    network, recordings = random_network(8), random_recordings(8)
    ann = random_model(network, 8).float()
    table = wb.compare({"ANN": ann, "SNN": wb.convert(ann, recordings, ticks_per_frame=4)}, recordings)
    assert table.columns.tolist() == [
        "model", "step", "frame", "accuracy", "dense_macs", "effective_macs", "synaptic_operations", "neuron_updates",
        "energy_nj", "memory_accesses", "memory_span_words", "delay_buffer_bytes", "synapses", "synapse_frames",
        "per",
    ]  # fmt: skip
    ann_rows, snn_rows = (table[table["model"] == name] for name in ("ANN", "SNN"))
    assert ann_rows["frame"].tolist() == [1, 2, 3, 4, 5, 6]
    assert snn_rows["frame"].tolist() == [(s + 1) / 4 for s in range(24)]
    assert (snn_rows["synaptic_operations"].diff().dropna() >= 0).all()
    hidden = sum(
        np.prod(network.shapes[n]) * max(0, 6 - network.first_response[n]) for n in set(network.nodes) - {"in", "out"}
    )
    assert ann_rows["neuron_updates"].iloc[-1] == hidden
    assert snn_rows["neuron_updates"].iloc[-1] == 4 * hidden


def test_delay_buffers_and_mismatch_are_reported():
    ends = [("in", "a"), ("a", "out")]
    network = wb.Network({"in": (2, 6, 5)}, [wb.Edge(*pair, wb.Dense(3), delay=2) for pair in ends])
    ann, recordings = random_model(network, 0).float(), random_recordings(0)
    table = wb.operations(ann, recordings).groupby("edge").first()
    assert table["delay_buffer_bytes"].tolist() == [2 * 60 * 4, 2 * 3 * 4]
    assert table["delay_mismatch"].tolist() == [0, 0]
    snn = wb.convert(ann, recordings, ticks_per_frame=4, delays="tick")
    table = wb.operations(snn, recordings).groupby("edge").first()
    assert table["delay"].tolist() == [1, 1]
    assert table["delay_buffer_bytes"].tolist() == [60, 1]  # a byte per event count, a bit per spike
    assert table["delay_mismatch"].tolist() == [0.25 - 2, 0.25 - 2]


def test_summary_and_prices_have_a_row_per_model():
    network, recordings = random_network(9), random_recordings(9)
    ann = random_model(network, 9).float()
    costs = wb.compare({"ANN": ann, "SNN": wb.convert(ann, recordings, ticks_per_frame=3)}, recordings)
    summary = summarise(costs)
    assert summary.index.tolist() == ["ANN", "SNN"]
    assert [c for c in summary.columns if c.startswith("frame")] == [f"frame {frame}" for frame in range(6)]
    assert summary.loc["SNN", "frame 5"] == costs["accuracy"].iloc[-1]
    assert len(price_all(costs)) == 2 * len(PRESETS)


def test_comparing_nothing_or_what_does_not_fit_is_refused():
    network, recordings = random_network(9), random_recordings(9)
    model = random_model(network, 9).float()
    with pytest.raises(ValueError, match="no models"):
        wb.compare({}, recordings)
    with pytest.raises(ValueError, match="answer='last' is unknown; choose from running, frame"):
        wb.compare({"ANN": model}, recordings, answer="last")
    with pytest.raises(ValueError, match="input 'in' has shape"):
        wb.operations(model, random_recordings(9, shape=(1, 6, 5)))


def test_counting_changes_nothing_and_gives_the_same_twice():
    network, recordings = random_network(10), random_recordings(10)
    model = random_model(network, 10, norm="batch").float().train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    pd.testing.assert_frame_equal(wb.compare({"it": model}, recordings), wb.compare({"it": model}, recordings))
    assert model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_how_recordings_were_split_is_told_by_every_table():
    recordings = random_recordings(9).with_split("by hand")
    ann = random_model(random_network(9), 9).float()
    costs = wb.compare({"ANN": ann, "SNN": wb.convert(ann, recordings, ticks_per_frame=3)}, recordings)
    summary = summarise(costs)
    derived = (summary, format_summary(summary), wb.measure_latency(costs), wb.criticise(costs), compare_energy(costs),
               price_all(costs), summarise_accuracy(costs), compare_operations(costs),
               costs[costs["model"] == "SNN"])  # fmt: skip
    assert costs.attrs == {"split": "by hand"}
    assert all(table.attrs == costs.attrs for table in derived)
    assert "Split: by hand." in costs._repr_html_()
    assert figures.accuracy(costs).layout.meta["subtitle"].endswith("Split: by hand.")


@pytest.mark.parametrize("verb", ["compare", "evaluate", "operations", "diagnose", "criticise", "latency", "summarise"])
def test_tables_are_printed_in_80_columns(verb):
    recordings = random_recordings(9).with_split("generated from seed 0; no digit's image is in both parts")
    ann = random_model(random_network(9), 9).float()
    snn = wb.convert(ann, recordings, ticks_per_frame=3)
    costs = wb.compare({"ANN": ann, "SNN": snn}, recordings)
    tables = {
        "compare": lambda: costs, "evaluate": lambda: wb.evaluate(ann, recordings, rows=True),
        "operations": lambda: wb.operations(snn, recordings), "diagnose": lambda: wb.diagnose(ann, snn, recordings),
        "criticise": lambda: wb.criticise(costs), "latency": lambda: wb.measure_latency(costs),
        "summarise": lambda: format_summary(summarise(costs)),
    }  # fmt: skip
    with pd.option_context("display.width", 80):
        lines = str(tables[verb]()).splitlines()
    assert max(map(len, lines)) <= 80
