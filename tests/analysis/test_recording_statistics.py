"""Numbers of recordings: every event is counted, by step, by recording and by class."""

import numpy as np
import pytest

import workbench as wb
from workbench.analysis import count_classes, count_events, summarise_recordings


def some(count: int = 9, seed: int = 0) -> wb.Recordings:
    rng = np.random.default_rng(seed)
    ticks = rng.poisson(0.4, (6, count, 2, 4, 5))
    labels = np.arange(count) % 3
    return wb.Recordings.from_ticks(ticks, labels, ("a", "b", "c", "never"), ticks_per_frame=2)


def test_events_by_step_are_those_of_the_recording():
    recordings = some()
    table = count_events(recordings.as_frames([4])[:, 0], recordings.window_us)
    assert table[["off", "on"]].to_numpy().sum() == len(recordings[4])
    assert table["on"].sum() == recordings[4]["p"].sum()
    assert table["end_ms"].iloc[-1] == recordings.window_us / 1000
    assert (table["begin_ms"].iloc[1:].to_numpy() == table["end_ms"].iloc[:-1].to_numpy()).all()
    with pytest.raises(ValueError, match=r"expected \(steps, 2, height, width\)"):
        count_events(np.ones((2, 3)), 10)


def test_both_parts_of_a_dataset_are_summarised():
    train, test = some(), some(6, 1)
    table = summarise_recordings(wb.Dataset("set", train, test, "by hand")).set_index("part")
    for part, each in (("train", train), ("test", test)):
        sizes = [len(each[i]) for i in range(len(each))]
        row = table.loc[part]
        assert row[["recordings", "classes", "events"]].tolist() == [len(each), 4, sum(sizes)]
        assert row[["min_events", "max_events"]].tolist() == [min(sizes), max(sizes)]
        assert row["mean_events"] == np.mean(sizes)
        assert row["events_per_ms"] == pytest.approx(np.mean(sizes) / each.window_us * 1000)


def test_classes_are_counted_and_those_without_recordings_too():
    recordings = some()
    table = count_classes(recordings).set_index("label")
    assert table["recordings"].to_dict() == {"a": 3, "b": 3, "c": 3, "never": 0}
    for number, name in enumerate("abc"):
        sizes = [len(recordings[i]) for i in range(9) if recordings.labels[i] == number]
        assert table.loc[name, "mean_events"] == np.mean(sizes)
    assert np.isnan(table.loc["never", "mean_events"])
