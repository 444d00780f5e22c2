"""Recordings: what a set of event streams is, how it is binned, divided and refused."""

import dataclasses

import numpy as np
import pytest

from workbench.events import Dataset, Recordings

DTYPE = np.dtype([("x", np.int16), ("y", np.int16), ("t", np.int64), ("p", np.bool_)])


def some_events(rng, count, width=5, height=4, window_us=1000):
    events = np.empty(count, dtype=DTYPE)
    events["x"], events["y"] = rng.integers(0, width, count), rng.integers(0, height, count)
    events["t"], events["p"] = np.sort(rng.integers(-50, window_us + 50, count)), rng.integers(0, 2, count)
    return events


def some_recordings(seed=0, n=7, **binning):
    rng = np.random.default_rng(seed)
    events = [some_events(rng, count) for count in rng.integers(0, 40, n)]
    options = {"frames": 3, "ticks_per_frame": 4, "window_us": 1000, "name": "some"} | binning
    return events, Recordings.from_events(events, np.arange(n) % 3, ["a", "b", "c"], (2, 4, 5), **options)


def brute_force(events, steps, window_us):
    counts = np.zeros((steps, len(events), 2, 4, 5))
    for i, one in enumerate(events):
        for x, y, t, p in one.tolist():
            if 0 <= t < window_us:
                counts[t * steps // window_us, i, int(p), y, x] += 1
    return counts


@pytest.mark.parametrize("seed", range(5))
def test_binning_equals_brute_force(seed):
    events, recordings = some_recordings(seed)
    ticks = recordings.as_ticks()
    assert ticks.dtype == np.float32
    np.testing.assert_array_equal(ticks, brute_force(events, 12, 1000))
    np.testing.assert_array_equal(recordings.as_frames(), brute_force(events, 3, 1000))


@pytest.mark.parametrize("ticks", [1, 2, 3, 7, 12, 101])
@pytest.mark.parametrize("frames", [1, 3, 8])
def test_a_frame_is_the_sum_of_its_ticks(frames, ticks):
    _, recordings = some_recordings(1, frames=frames, window_us=997)
    counts = recordings.as_ticks(ticks_per_frame=ticks)
    assert counts.shape == (frames * ticks, 7, 2, 4, 5)
    summed = counts.reshape(frames, ticks, *counts.shape[1:]).sum(axis=1)
    np.testing.assert_array_equal(summed, recordings.as_frames())


def test_late_events_do_not_overflow():
    events = np.array([(0, 0, 2_000_000_000, True)], dtype=DTYPE)
    recordings = Recordings.from_events([events], [0], "a", (2, 1, 1), frames=50, window_us=2_000_000_001)
    assert recordings.as_ticks()[-1, 0, 1, 0, 0] == 1


def test_events_come_back_as_tonic_has_them():
    events, recordings = some_recordings()
    assert len(recordings) == 7
    assert recordings[0].dtype == DTYPE
    for i, (mine, theirs) in enumerate(zip(recordings, events, strict=True)):
        np.testing.assert_array_equal(mine, theirs)
        np.testing.assert_array_equal(recordings[i - 7], theirs)
    with pytest.raises(IndexError, match="some has the recordings 0 to 6"):
        recordings[7]


def test_unsorted_events_are_sorted_by_time():
    events = np.array([(0, 0, 5, True), (1, 0, 2, False)], dtype=DTYPE)
    recordings = Recordings.from_events([events], [0], ["a"], (2, 1, 2), window_us=10)
    assert recordings[0]["t"].tolist() == [2, 5]
    assert events["t"].tolist() == [5, 2]


@pytest.mark.parametrize(
    "index", [slice(1, 6, 2), [5, 0, 0], np.array([-1, 2]), np.arange(7) % 2 == 0, slice(None, None, -1)]
)
def test_a_subset_counts_as_its_members(index):
    _, recordings = some_recordings()
    subset = recordings[index]
    members = np.arange(7)[index]
    assert subset.labels.tolist() == recordings.labels[members].tolist()
    np.testing.assert_array_equal(subset.as_ticks(), recordings.as_ticks()[:, members])
    np.testing.assert_array_equal(recordings.as_ticks(index), subset.as_ticks())
    np.testing.assert_array_equal(recordings.as_frames(index), subset.as_frames())


@pytest.mark.parametrize("shape", [(2, 4, 5), (7,), (3, 2), (4, 2, 3), (2, 2, 2, 2)])
def test_ticks_to_events_and_back(shape):
    counts = np.random.default_rng(0).poisson(0.7, (12, 4, *shape))
    recordings = Recordings.from_ticks(counts, [0, 1, 1, 0], ticks_per_frame=4)
    assert (recordings.frames, recordings.classes, recordings.shape) == (3, ("0", "1"), shape)
    np.testing.assert_array_equal(recordings.as_ticks(), counts)
    again = Recordings.from_events(
        list(recordings), recordings.labels, recordings.classes, shape, frames=3, ticks_per_frame=4,
        window_us=recordings.window_us,
    )  # fmt: skip
    np.testing.assert_array_equal(again.as_ticks(), counts)


def test_split_is_stratified_complete_and_repeatable():
    counts = np.arange(50).reshape(1, 50, 1)
    recordings = Recordings.from_ticks(counts, np.arange(50) % 3 % 2, classes=["a", "b", "never"])
    first, second = recordings.split(0.8, seed=3)
    assert np.bincount(first.labels).tolist() == [26, 14]
    assert np.bincount(second.labels).tolist() == [7, 3]
    sizes = np.concatenate([np.diff(first.starts), np.diff(second.starts)])
    assert sorted(sizes) == list(range(50))
    assert (np.diff(first.starts) == np.diff(recordings.split(0.8, seed=3)[0].starts)).all()
    assert (np.diff(first.starts) != np.diff(recordings.split(0.8, seed=4)[0].starts)).any()
    with pytest.raises(ValueError, match="fraction is 1; give a share between 0 and 1"):
        recordings.split(1, seed=0)


def test_recordings_are_read_only_and_leave_their_arguments_alone():
    _, recordings = some_recordings()
    for field in ("time_us", "site", "starts", "labels"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(recordings, field)[0] = 0
    labels = np.zeros(7, dtype=np.int64)
    changed = dataclasses.replace(recordings, labels=labels)
    labels[0] = 2
    assert changed.labels[0] == 0
    recordings.as_ticks()[...] = -1
    assert recordings.as_ticks().min() == 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        recordings.frames = 2


def test_printed_form_is_short_and_deterministic():
    _, recordings = some_recordings(n=3)
    sizes = np.diff(recordings.starts)
    assert repr(recordings) == repr(some_recordings(n=3)[1])
    assert repr(recordings).splitlines()[:3] == [
        "Recordings some: 3 recordings of 3 classes",
        "  classes: a, b, c",
        "  shape (2, 4, 5), 3 frames x 4 ticks over 1 ms",
    ]
    assert f"({sizes.min()} to {sizes.max()})" in repr(recordings)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"labels": [0, 3, 1]}, r"some: labels\[1\] is 3, outside 0 to 2 of the classes; give an index"),
        ({"labels": [0, 1]}, "starts must rise from 0 to the number of events .* one more than the 2 labels"),
        ({"labels": [0.0, 1.5, 1.0]}, "labels is float64 .* give whole numbers"),
        ({"shape": (2, 4, 1)}, r"site\[\d+\] is \d+, outside 0 to 7 of shape \(2, 4, 1\); crop"),
        ({"shape": ()}, r"shape is \(\); every size must be at least 1"),
        ({"starts": [0, 5, 3, 9]}, "starts must rise"),
        ({"frames": 0}, "some: frames=0 must be a whole number of at least 1"),
        ({"ticks_per_frame": 1.5}, r"ticks_per_frame=1\.5 must be a whole number"),
        ({"window_us": -1}, "window_us=-1 must be a whole number"),
        ({"time_us": np.zeros(2, dtype=int)}, "2 times but .* sites"),
        ({"time_us": np.zeros(2, dtype=int) + 2**40}, "time_us reaches .* give what fits 32 bits"),
    ],
)
def test_contradictions_are_refused(change, words):
    _, recordings = some_recordings(n=3)
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(recordings, **change)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["a", "b", "a"], r"labels is <U1 of shape \(3,\); give whole numbers"),
        ([0.0, 1.0, 0.0], "labels is float64 .* give whole numbers"),
        ([True, False, True], "labels is bool .* give whole numbers"),
        (None, "labels is object .* give whole numbers"),
        ([[0, 1, 0]], r"labels is int64 of shape \(1, 3\); give whole numbers in one row"),
        ([0, 1], "one more than the 2 labels"),
        ([0, -1, 0], r"labels\[1\] is -1, outside 0 to 0 of the classes"),
        ([0, 2**60, 0], "labels reach 1152921504606846976; give indices into the classes, and their names"),
    ],
)
def test_labels_that_are_no_indices_are_refused(labels, words):
    with pytest.raises(ValueError, match=words):
        Recordings.from_ticks(np.ones((4, 3, 1), dtype=int), labels)


def test_time_running_backwards_is_refused():
    _, recordings = some_recordings(n=3)
    with pytest.raises(ValueError, match="time runs backwards at event 1; sort"):
        dataclasses.replace(recordings, time_us=-np.arange(len(recordings.time_us)))


@pytest.mark.parametrize("nothing", [[], slice(3, 3), np.zeros(7, dtype=bool)])
def test_no_recordings_are_refused(nothing):
    with pytest.raises(ValueError, match="no recordings; give at least one"):
        some_recordings()[1][nothing]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ((5, 0, 0, True), r"recording 1: event 0 has x = 5, outside 0 to 4 of \(2, 4, 5\); crop"),
        ((0, -1, 0, True), "event 0 has y = -1"),
        ((0, 0, 2**31, True), "event 0 is at 2147483648 us; give microseconds from its start"),
    ],
)
def test_events_off_the_sensor_are_refused(event, words):
    events = [np.zeros(0, dtype=DTYPE), np.array([event], dtype=DTYPE)]
    with pytest.raises(ValueError, match=words):
        Recordings.from_events(events, [0, 0], ["a"], (2, 4, 5))


def test_events_without_polarity_are_refused():
    events = np.zeros(1, dtype=[("x", int), ("y", int), ("t", int)])
    with pytest.raises(ValueError, match="recording 0: no field p; give the fields x, y, t, p"):
        Recordings.from_events([events], [0], ["a"], (2, 4, 5))


@pytest.mark.parametrize(
    ("counts", "options", "words"),
    [
        (np.zeros((4, 1, 3)), {}, "counts are float64 .* give whole numbers of events"),
        (-np.ones((4, 1, 3), dtype=int), {}, "whole numbers of events >= 0"),
        (np.ones((4, 1, 3), dtype=int), {"ticks_per_frame": 3}, "4 ticks are not 1 frames of 3 ticks"),
        (np.ones((4, 1, 3), dtype=int), {"frames": 3}, "4 ticks are not 3 frames of 1 ticks"),
    ],
)
def test_ticks_that_are_no_counts_or_no_frames_are_refused(counts, options, words):
    with pytest.raises(ValueError, match=words):
        Recordings.from_ticks(counts, [0], **options)


def test_a_batch_is_not_one_recording():
    _, recordings = some_recordings()
    with pytest.raises(ValueError, match=r"write \[3\]"):
        recordings.as_ticks(3)
    assert recordings.as_ticks([]).shape == (12, 0, 2, 4, 5)


def test_dataset_tells_what_it_holds():
    _, recordings = some_recordings()
    dataset = Dataset("toy", recordings[:4], recordings[4:], "the first four train")
    assert (dataset.shape, dataset.classes, len(dataset)) == ((2, 4, 5), ("a", "b", "c"), 7)
    assert (dataset.frames, dataset.ticks_per_frame, dataset.window_us) == (3, 4, 1000)
    assert repr(dataset).splitlines()[:4] == [
        "Dataset toy: 4 train + 3 test recordings",
        "  split: the first four train",
        "  class  train   test",
        "  a          2      1",
    ]
    other = dataclasses.replace(recordings, frames=4)
    with pytest.raises(ValueError, match="dataset toy: frames is 3 in train, 4 in test; make them alike"):
        Dataset("toy", recordings, other, "")
