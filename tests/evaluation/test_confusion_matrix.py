"""Confusions: counted recording by recording, their diagonal is the accuracy, and the figure says the worst pair."""

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.random_networks import random_model, random_network
from tests.support.random_recordings import random_recordings
from tests.support.tables import confusions
from workbench import figures


@pytest.mark.parametrize("answer", ["running", "frame"])
@pytest.mark.parametrize("spiking", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_the_diagonal_is_the_accuracy_of_compare(seed: int, spiking: bool, answer: str):
    recordings = random_recordings(seed, frames=8, count=40)
    model = random_model(random_network(seed, longest=1), seed).float()
    if spiking:
        model = wb.convert(model, recordings, ticks_per_frame=3)
    table = wb.count_confusions(model, recordings, answer=answer)
    costs = wb.compare({"it": model}, recordings, answer=answer).dropna(subset="accuracy").set_index("step")
    right = table[table["label"] == table["answer"]].groupby("step")["recordings"].sum() / len(recordings)
    assert right.index.tolist() == costs.index.tolist()
    assert right.tolist() == costs["accuracy"].tolist()
    assert table.drop_duplicates("step").set_index("step")["frame"].tolist() == costs["frame"].tolist()


def test_every_cell_equals_counting_one_by_one():
    recordings, network = random_recordings(3, count=9), random_network(3)
    model = random_model(network, 3).float()
    drive = model(torch.tensor(recordings.as_frames())).detach().double()
    first = network.first_response["out"]
    table = wb.count_confusions(model, recordings).set_index(["step", "label", "answer"])["recordings"]
    assert len(table) == (len(drive) - first) * 9
    for step in range(first, len(drive)):
        answered = drive[first : step + 1].mean(0).argmax(1)
        for label, name in enumerate(recordings.classes):
            for other, answer in enumerate(recordings.classes):
                expected = sum((recordings.labels[i], int(answered[i])) == (label, other) for i in range(9))
                assert table[step, name, answer] == expected


def test_counting_confusions_leaves_the_model_as_it_was_and_refuses_what_does_not_fit():
    model = random_model(random_network(3), 3, norm="batch").float().train()
    wb.count_confusions(model, random_recordings(3))
    assert model.training
    with pytest.raises(ValueError, match="input 'in' has shape"):
        wb.count_confusions(model, random_recordings(3, shape=(1, 6, 5)))
    assert model.training
    with pytest.raises(ValueError, match="answer='last' is unknown"):
        wb.count_confusions(model, random_recordings(3), answer="last")


@pytest.mark.parametrize("classes", [2, 8, 10, 100])
def test_matrices_show_shares_of_rows_from_first_response_to_end(classes: int):
    table = confusions(classes)
    figure = figures.confusion_over_time(table)
    maps = [trace for trace in figure.data if trace.type == "heatmap"]
    assert len(maps) == 6
    assert [maps[0].name, maps[-1].name] == ["frame 1, tick 4", "frame 3, tick 15"]
    counts = table[table["step"] == 15]["recordings"].to_numpy().reshape(classes, classes)
    np.testing.assert_allclose(maps[-1].z, 100 * counts / counts.sum(1, keepdims=True), rtol=1e-5)
    assert all((trace.text is not None) == (classes <= 10) for trace in maps)
    assert len(figure.layout.xaxis4.tickvals) <= 12
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]
    share = 100 * (counts[0, 1] + counts[1, 0]) / counts[:2].sum()
    assert figure.layout.meta["title"].startswith("c0 and c1 are confused most: in ")
    assert figure.layout.meta["title"].endswith(f"in {share:.3g} % at the end")


def test_one_frame_may_be_asked_for():
    table = confusions(20)
    maps = [trace for trace in figures.confusion_over_time(table, frame=2.1).data if trace.type == "heatmap"]
    assert [trace.name for trace in maps] == ["frame 1, tick 7"]
    assert maps[0].text is not None
    late = figures.confusion_over_time(table, frame=99)
    assert late.data[0].name == "frame 3, tick 15"
    with pytest.raises(
        ValueError, match=r"frame=1 lies before the first response; choose a time from 1\.25 to 4 frames"
    ):
        figures.confusion_over_time(table, frame=1)


def test_few_steps_classes_without_recordings_and_no_mistakes_at_all():
    table = confusions(3, steps=2)
    assert sum(trace.type == "heatmap" for trace in figures.confusion_over_time(table).data) == 2
    table.loc[table["label"] == "c2", "recordings"] = 0
    assert np.isnan(figures.confusion_over_time(table).data[0].z[2]).all()
    table.loc[table["label"] != table["answer"], "recordings"] = 0
    assert figures.confusion_over_time(table).layout.meta["title"] == "No class is taken for another"


def test_nothing_answered_is_said_and_other_tables_are_refused():
    table = confusions(3)
    for nothing in (table.iloc[:0], table.assign(recordings=0), table.assign(recordings=np.nan)):
        assert "no recording has been answered yet" in figures.confusion_over_time(nothing).layout.annotations[0].text
    with pytest.raises(ValueError, match=r"lacks the column answer; .* that wb\.count_confusions returns"):
        figures.confusion_over_time(table.drop(columns="answer"))
