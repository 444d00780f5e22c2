"""The slices of a recording vote: held against a count of every ballot, and costs against sums over the slices."""

import dataclasses
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import torch

import workbench as wb
from tests.support.cut_recordings import count_ballots, cut, models
from tests.support.random_recordings import random_recordings
from tests.support.tables import costs as costs_by_hand
from workbench import figures
from workbench.evaluation import collect_answers, find_per, group_slices, summarise_accuracy, summarise_bounds, vote
from workbench.evaluation.break_even import compare_energy
from workbench.evaluation.operation_totals import compare_operations

MEANS = ["dense_macs", "effective_macs", "synaptic_operations", "neuron_updates", "energy_nj", "memory_accesses",
         "memory_span_words", "synapse_frames"]  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_recordings_answer_as_most_of_their_slices(seed: int) -> None:
    recordings = cut(seed)
    labels = list({o: label for o, label in zip(recordings.origins, recordings.labels, strict=True)}.values())
    for name, model in models(seed, recordings).items():
        for answer in ("running", "frame"):
            expected = count_ballots(collect_answers(model, recordings, answer).numpy(), recordings)
            table = wb.compare({name: model}, recordings, per="recording", answer=answer)
            first = model.network.first_response["out"]
            assert table["accuracy"][:first].isna().all()
            np.testing.assert_allclose(table["accuracy"][first:], (expected == labels).mean(1))
            found = wb.evaluate(model, recordings, per="recording", answer=answer)
            assert found["accuracy"] == pytest.approx(table["accuracy"].iloc[-1])
            assert found["loss"] == wb.evaluate(model, recordings, answer=answer)["loss"]


@pytest.mark.parametrize("seed", range(30))
def test_votes_of_random_answers_many_of_them_tied(seed: int) -> None:
    recordings, rng = cut(seed, streams=8, longest=4), np.random.default_rng(seed)
    answers = rng.normal(size=(3, len(recordings), 3)) * 3
    grouping = group_slices(recordings, "recording")
    found = vote(torch.from_numpy(answers), grouping)
    np.testing.assert_array_equal(found, count_ballots(answers, recordings))
    shuffled = rng.permutation(len(recordings))
    again = group_slices(recordings[shuffled], "recording")
    place = [again.origins.tolist().index(origin) for origin in grouping.origins]
    np.testing.assert_array_equal(vote(torch.from_numpy(answers[:, shuffled]), again)[:, place], found)


def test_a_tie_goes_to_the_surer_slices_and_never_to_a_class_with_fewer_votes() -> None:
    recordings = dataclasses.replace(
        wb.Recordings.from_ticks(np.ones((1, 7, 1), dtype=int), [0] * 7, ("a", "b", "c")),
        origins=np.array([0, 0, 1, 1, 1, 2, 2]),
    )
    answers = torch.log(torch.tensor([[
        [0.6, 0.3, 0.1], [0.1, 0.9, 0.0],  # one each: b is surer
        [0.4, 0.35, 0.25], [0.45, 0.3, 0.25], [0.0, 1.0, 0.0],  # two votes beat a sure one
        [0.5, 0.1, 0.4], [0.1, 0.5, 0.4],  # c has most in sum, but no vote; of the tied ones the first
    ]]))  # fmt: skip
    assert vote(answers, group_slices(recordings, "recording")).tolist() == [[1, 0, 0]]
    assert vote(answers, group_slices(recordings)).tolist() == [[0, 1, 0, 0, 1, 0, 1]]


@pytest.mark.parametrize("seed", range(8))
def test_costs_are_sums_over_slices_by_the_number_of_recordings_and_ratios_stay(seed: int) -> None:
    recordings = cut(seed)
    both = models(seed, recordings)
    slices, whole = (wb.compare(both, recordings, per=per) for per in ("slice", "recording"))
    factor = len(recordings) / len(np.unique(recordings.origins))
    assert factor > 1
    assert list(slices.columns) == list(whole.columns)
    assert slices.columns[-1] == "per"
    assert slices.attrs == whole.attrs == {"split": recordings.divided}
    assert (set(slices["per"]), set(whole["per"])) == ({"slice"}, {"recording"})
    for column in MEANS:
        np.testing.assert_allclose(whole[column], factor * slices[column], rtol=1e-12)
    for column in ("model", "step", "frame", "delay_buffer_bytes", "synapses"):
        pd.testing.assert_series_equal(whole[column], slices[column])
    numbers = ["model", "critic", "value", "low", "high"]
    pd.testing.assert_frame_equal(wb.criticise(whole)[numbers], wb.criticise(slices)[numbers])
    moments = ["model", "other", "cheaper", "step", "frame"]
    pd.testing.assert_frame_equal(compare_energy(whole)[moments], compare_energy(slices)[moments])
    pd.testing.assert_series_equal(compare_operations(whole)["ratio"], compare_operations(slices)["ratio"])


@pytest.mark.parametrize("seed", range(4))
def test_recordings_that_were_not_cut_are_slices_and_recordings_at_once(seed: int) -> None:
    recordings = random_recordings(seed)
    both = models(seed, recordings)
    pd.testing.assert_frame_equal(
        wb.compare(both, recordings, per="recording"), wb.compare(both, recordings, per="slice")
    )
    table = wb.compare(both, recordings)
    assert set(table["per"]) == {"recording"}
    assert "counts per recording" in table._repr_html_()


def test_tables_and_figures_say_what_they_count() -> None:
    recordings = cut(3)
    both = models(3, recordings)
    for per in ("slice", "recording"):
        costs, other = wb.compare(both, recordings, per=per), {"slice": "recording", "recording": "slice"}[per]
        words = [
            costs._repr_html_(), summarise_bounds(costs), figures.energy(costs).layout.meta["alt"],
            figures.operations(costs).layout.meta["title"], figures.operations(costs).layout.yaxis.title.text,
            figures.accuracy(costs, "energy_nj").layout.xaxis.title.text,
            figures.accuracy_per_operation(costs).layout.xaxis.title.text,
            figures.energy(costs).layout.yaxis.title.text,
        ]  # fmt: skip
        assert all(f"per {per}" in one and f"per {other}" not in one for one in words)
        assert set(wb.measure_latency(costs)["per"]) == {per}


def test_tables_without_the_column_are_read_as_before() -> None:
    recordings = cut(4)
    costs = wb.compare(models(4, recordings), recordings)
    old = costs.drop(columns="per")
    assert find_per(old) == "recording"
    assert "counts per recording" in old._repr_html_()
    pd.testing.assert_frame_equal(
        wb.criticise(old).drop(columns="verdict"), wb.criticise(costs).drop(columns="verdict")
    )
    pd.testing.assert_frame_equal(compare_energy(old), compare_energy(costs))
    pd.testing.assert_frame_equal(wb.measure_latency(old), wb.measure_latency(costs).drop(columns="per"))
    pd.testing.assert_frame_equal(summarise_accuracy(old), summarise_accuracy(costs))
    for draw in (figures.accuracy, figures.operations, figures.energy, figures.accuracy_per_operation):
        assert len(draw(old).data) == len(draw(costs).data)
        assert draw(costs_by_hand()).data


def test_rows_that_count_differently_are_not_held_against_each_other() -> None:
    recordings = cut(5)
    both = models(5, recordings)
    mixed = pd.concat([wb.compare({"ANN": both["ANN"]}, recordings),
                       wb.compare({"SNN": both["SNN"]}, recordings, per="recording")])  # fmt: skip
    for verb in (wb.criticise, compare_energy, compare_operations, figures.energy, figures.operations):
        with pytest.raises(ValueError, match="per slice in some rows and per recording in others"):
            verb(mixed)
    assert len(figures.accuracy(mixed).data) == 4  # accuracies have no unit


def test_mistakes_are_refused_in_words() -> None:
    recordings = cut(6)
    model = models(6, recordings)["ANN"]
    labels = recordings.labels.copy()
    twice = np.flatnonzero(recordings.origins == Counter(recordings.origins.tolist()).most_common(1)[0][0])
    labels[twice[1]] = (labels[twice[0]] + 1) % 3
    odd = dataclasses.replace(recordings, labels=labels)
    words = rf"cut: slices of origin {recordings.origins[twice[0]]} are labelled '.' and '.', so they cannot answer"
    for verb in (wb.evaluate, lambda one, some, per: wb.compare({"it": one}, some, per=per)):
        with pytest.raises(ValueError, match="per='clip' is unknown; choose 'slice' or 'recording'"):
            verb(model, recordings, per="clip")
        with pytest.raises(ValueError, match=words):
            verb(model, odd, per="recording")
        verb(model, odd, per="slice")
