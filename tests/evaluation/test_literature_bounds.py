"""Critics: their bounds evaluated by hand, the break-even flips the verdict, and the verdict is said in words."""

import numpy as np
import pandas as pd
import pytest
import torch

import workbench as wb
from tests.support import reference, tiny
from tests.support.brute_force import synapses
from tests.support.random_networks import random_model, random_network
from tests.support.random_recordings import random_recordings
from workbench.evaluation.energy import PRESETS, EnergyPreset, price
from workbench.evaluation.literature_bounds import criticise, find_break_even_spikes, summarise_bounds

SYNAPSES, FRAMES, WINDOW = 1000, 4, 6  # in two frames of the window no target answers yet
ARITHMETIC = ["fp32", "fp32, zeros skipped", "fp16", "int8", "int8, zeros skipped"]


def table(spikes: float, ticks: int = 5, effective: float = 0.2, updates: float = 0.0) -> pd.DataFrame:
    """An ANN that computes every synapse once a frame from the third on, and an SNN of so many spikes in these."""
    macs, additions = SYNAPSES * FRAMES, SYNAPSES * FRAMES * spikes
    ann = {"model": "ANN", "step": WINDOW - 1, "dense_macs": macs, "effective_macs": effective * macs}
    snn = {"model": "SNN", "step": WINDOW * ticks - 1, "dense_macs": 0, "effective_macs": 0}
    ann |= {"synaptic_operations": 0.0, "neuron_updates": 0.0, "memory_accesses": 2.0 * macs}
    snn |= {"synaptic_operations": additions, "neuron_updates": updates, "memory_accesses": 3.0 * additions}
    used = {"synapses": SYNAPSES, "synapse_frames": SYNAPSES * FRAMES}
    return pd.DataFrame([ann, snn]).assign(frame=float(WINDOW), memory_span_words=0.0, **used)


def verdicts(costs: pd.DataFrame) -> pd.DataFrame:
    return criticise(costs).set_index("critic")


@pytest.mark.parametrize(
    ("spikes", "words"),
    [
        (0.1, "competitive, with 0.1 spikes per synapse and frame (0.4 per recording), below the range 0.15 to 1.38"),
        (0.5, "in doubt, with 0.5 spikes per synapse and frame (2 per recording), within"),
        (2.0, "not competitive with an ANN, with 2 spikes per synapse and frame (8 per recording), above the range"),
    ],
)
def test_spikes_per_synapse_and_inference(spikes: float, words: str) -> None:
    row = verdicts(table(spikes)).loc["Dampfhoffer 2023"]
    assert row["value"] == pytest.approx(spikes)
    assert (row["low"], row["high"]) == (0.15, 1.38)
    assert row["verdict"].startswith(words)


@pytest.mark.parametrize(("spikes", "ticks"), [(0.2, 5), (0.2, 10), (0.5, 5), (1.0, 20)])
def test_the_spike_rate_is_taken_once(spikes: float, ticks: int) -> None:
    """Synaptic operations hold every spike: the rate is proportional to them, and not to their square."""
    row = verdicts(table(spikes, ticks)).loc["Yan 2024"]
    assert row["value"] == pytest.approx(spikes / ticks)
    assert verdicts(table(3 * spikes, ticks)).loc["Yan 2024", "value"] == pytest.approx(3 * spikes / ticks)
    assert row["verdict"].startswith("may be cheaper" if spikes / ticks < 0.057 else "not cheaper")
    assert (f"stated for 5 ticks per frame, not for these {ticks}" in row["verdict"]) == (ticks != 5)


@pytest.mark.parametrize("updates", [0.0, 300.0])
@pytest.mark.parametrize("preset", ARITHMETIC)
def test_at_the_break_even_both_cost_the_same(preset: str, updates: float) -> None:
    bound = find_break_even_spikes(table(0.3, updates=updates), "SNN", preset)
    ann, snn = price(table(bound, updates=updates), preset)
    assert snn == pytest.approx(ann)
    for factor, cheaper in ((0.99, True), (1.01, False)):
        told = summarise_bounds(table(bound * factor, updates=updates))
        name = preset.replace(", zeros skipped", " that skips zeros")
        yes, _, no = told.split(". ")[0].partition("not ")
        assert f"{name} (above {bound:.3g})" not in yes
        assert (f"{name} (above {bound:.3g})" in no) != cheaper


def test_the_sentence_says_under_which_prices_and_above_how_many_spikes() -> None:
    assert summarise_bounds(table(0.1)).startswith(
        "SNN, with 0.1 spikes per synapse and frame, is cheaper than ANN in fp32, fp32 that skips zeros, fp16, int8 "
        "and int8 that skips zeros. "
    )
    assert summarise_bounds(table(1.2)).startswith(
        "SNN, with 1.2 spikes per synapse and frame, is cheaper than ANN in fp32, fp16, int8 and int8 that skips "
        "zeros, but not in fp32 that skips zeros (above 1.02). "
    )
    assert "is not cheaper than ANN in fp32 (above 5.11), " in summarise_bounds(table(20.0))
    assert "fp32 that skips zeros (with any number of them)" in summarise_bounds(table(0.1, updates=1e4))


def test_the_energies_are_those_of_the_same_silicon() -> None:
    row = verdicts(table(1.2)).loc["Davidson & Furber 2021"]
    ratios = [price(table(1.2), preset) for preset in ARITHMETIC]
    assert row["value"] == pytest.approx(max(snn / ann for ann, snn in ratios))
    row = verdicts(table(1.2)).loc["Lemaire 2022"]
    ann, snn = price(table(1.2), "int32 with memory")
    assert row["value"] == pytest.approx(snn / ann)
    assert row["verdict"] == f"not cheaper with accesses of memory, {snn / ann:.3g} times the energy of ANN"
    assert verdicts(table(0.1)).loc["Lemaire 2022", "verdict"].startswith("cheaper with accesses of memory, ")


def test_models_of_ours_are_judged_by_their_own_counts() -> None:
    models, recordings = {"ANN": tiny.ann(), "SNN": tiny.snn()}, tiny.recordings()
    costs = wb.compare(models, recordings)
    found = wb.criticise(costs).set_index("critic")
    snn = tiny.snn()
    activity, edges = snn.run(torch.tensor(recordings.as_ticks(ticks_per_frame=4))), snn.network.edges
    fan_out = {edge.source: 4 if edge.target != "hand" else 3 for edge in edges}
    sent = (float(activity[e.source][: 20 - reference.taken_ticks(snn, e)].sum()) * fan_out[e.source] for e in edges)
    spikes = sum(sent) / len(recordings)
    uses = 18 * 4 * 4 + 4 * 4 * 3 + 4 * 3 * 2  # of five frames v0 answers in four, v1 in three, the hand in two
    assert found.loc["Dampfhoffer 2023", "value"] == pytest.approx(spikes / uses)
    assert found.loc["Yan 2024", "value"] == pytest.approx(spikes / (uses * 4))
    assert set(found["model"]) == {"SNN"}
    assert found["source"].str.len().min() > 20


def count_uses(model: wb.Model, steps: int) -> np.ndarray:
    """Brute force: at every step, every pair of joined units whose target may have answered by then, one by one."""
    network, first = model.network, reference.first_responses(model.network)
    uses = np.zeros(steps)
    for position, edge in enumerate(network.edges):
        for unit in synapses(network, position):
            for joined in unit:
                for step in range(steps):
                    uses[step] += joined and step >= first[edge.target]
    return uses.cumsum() / model.ticks_per_frame


@pytest.mark.parametrize("delays", ["matched", "tick", "frame"])
@pytest.mark.parametrize("seed", range(6))
def test_only_frames_in_which_the_target_may_answer_count(seed: int, delays: str) -> None:
    network, recordings, k = random_network(seed, longest=2, channels=1), random_recordings(seed, count=4, frames=7), 3
    ann = random_model(network, seed).float()
    snn = wb.convert(ann, recordings, percentile=99.0, ticks_per_frame=k, delays=delays)
    costs = wb.compare({"ANN": ann, "SNN": snn}, recordings)
    for name, model in (("ANN", ann), ("SNN", snn)):
        found = costs[costs["model"] == name]
        np.testing.assert_allclose(found["synapse_frames"], count_uses(model, len(found)))
        assert (found["dense_macs"] <= found["synapse_frames"] + 1e-9).all(), "never more products than uses"
    uses, spikes = count_uses(snn, 7 * k)[-1], float(costs["synaptic_operations"].iloc[-1])
    found = verdicts(costs)
    assert found.loc["Dampfhoffer 2023", "value"] == pytest.approx(spikes / uses)
    assert found.loc["Yan 2024", "value"] == pytest.approx(spikes / (uses * k))
    assert f"({spikes / costs['synapses'].iloc[-1]:.3g} per recording)" in found.loc["Dampfhoffer 2023", "verdict"]


def test_a_streaming_ann_whose_paths_are_equally_long_computes_every_use_and_a_matched_snn_has_as_many() -> None:
    costs = wb.compare({"ANN": tiny.ann(), "SNN": tiny.snn()}, tiny.recordings())
    ann, snn = (costs[costs["model"] == name].set_index("frame") for name in ("ANN", "SNN"))
    np.testing.assert_array_equal(ann["dense_macs"], ann["synapse_frames"])
    np.testing.assert_allclose(snn.loc[ann.index, "synapse_frames"], ann["synapse_frames"])


def test_a_verdict_turns_where_frames_without_an_answer_are_left_out() -> None:
    """0.2 spikes in each of the four frames that count are 0.13 in each of the six of the window."""
    costs = table(0.2)
    assert verdicts(costs).loc["Dampfhoffer 2023", "verdict"].startswith("in doubt")
    whole = costs.assign(synapse_frames=costs["synapses"] * costs["frame"])
    assert verdicts(whole).loc["Dampfhoffer 2023", "verdict"].startswith("competitive")


def test_without_an_ann_there_is_nothing_to_be_held_against() -> None:
    alone = table(0.5).query("model == 'SNN'")
    found = verdicts(alone)
    assert found["value"].isna().tolist() == [False, False, True, True]
    assert summarise_bounds(alone).startswith("SNN has no ANN in the table to be held against. ")
    silent = table(0.5).assign(synaptic_operations=0.0, dense_macs=0.0)
    assert criticise(silent).empty
    assert summarise_bounds(silent) == ""
    both = pd.concat([alone, silent.query("model == 'SNN'").assign(model="silent")])
    assert verdicts(both)["value"].isna().tolist() == [False, False, True, True], "a silent SNN is no ANN"
    free = EnergyPreset("free", 1.0, 0.0, False, "additions cost nothing")
    for preset in ("Loihi", "int8 with memory", free):
        assert np.isnan(find_break_even_spikes(table(0.5), "SNN", preset))
    assert not np.isnan(find_break_even_spikes(table(0.5), "SNN", PRESETS["int8"]))


def test_another_table_is_refused() -> None:
    for column in ("synapses", "synapse_frames"):
        with pytest.raises(
            ValueError, match=rf"the critics: the table lacks {column}; give the table that wb\.compare returns"
        ):
            criticise(table(0.5).drop(columns=column))
