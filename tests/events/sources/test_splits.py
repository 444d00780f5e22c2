"""Who trains and who tests."""

import numpy as np
import pytest

from workbench.events.sources.clips import Clip
from workbench.events.sources.splits import divide, require_official


def clips(*counts, name="{label}/cifar10_thing_{i}.aedat"):
    return [
        Clip(name.format(label=label, i=i), label, lambda sensor: iter([]))
        for label, count in enumerate(counts)
        for i in range(count)
    ]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("split", [None, "random", 0.5, 0.9])
def test_a_random_division_keeps_every_class_on_both_sides(seed, split):
    every = clips(10, 2, 31)
    train, test, words = divide(every, split, seed)
    assert set(train) | set(test) == set(every)
    assert not set(train) & set(test)
    share = split if isinstance(split, float) else 0.8
    for label, count in enumerate((10, 2, 31)):
        ours = sum(clip.label == label for clip in train)
        assert ours == min(count - 1, round(share * count))
    percent = round(100 * share)
    assert words == f"at random by seed {seed}, {percent} to {100 - percent} in every class"
    assert divide(every, split, seed) == (train, test, words)


def test_other_seeds_divide_otherwise():
    divisions = {divide(clips(20, 20), None, seed)[1] for seed in range(10)}
    assert len(divisions) == 10


def test_the_first_hundred_are_told_by_their_names_also_in_a_part_of_the_set():
    every = clips(130, 120)
    some = [clip for i, clip in enumerate(every) if i % 3 == 0]
    train, test, words = divide(some, "first-100", 0)
    assert {int(clip.name.split("_")[-1][:-6]) < 100 for clip in test} == {True}
    assert {int(clip.name.split("_")[-1][:-6]) < 100 for clip in train} == {False}
    assert len(train) + len(test) == len(some)
    assert words.startswith("first 100 of every class test")


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ("half", 'split is \'half\'; give "random", "first-100" or a share for training between 0 and 1'),
        (1, "split is 1; give"),
        (True, "split is True; give"),
        (1.5, "split is 1.5; give"),
    ],
)
def test_other_splits_are_refused(split, words):
    with pytest.raises(ValueError, match=words):
        divide(clips(5, 5), split, 0)


def test_a_part_without_recordings_is_refused():
    with pytest.raises(ValueError, match="no recording is left to test of 2, divided at random by seed 0"):
        divide(clips(1, 1), None, 0)
    with pytest.raises(ValueError, match="no recording is left to train of 10, divided first 100"):
        divide(clips(5, 5), "first-100", 0)
    with pytest.raises(ValueError, match=r"left\.npy has no number in its name"):
        divide(clips(2, name="left.npy"), "first-100", 0)


def test_an_official_split_is_not_overruled():
    require_official(None, "n-mnist")
    require_official("official", "n-mnist")
    with pytest.raises(ValueError, match="n-mnist has an official split; leave split out"):
        require_official("random", "n-mnist")


def test_slices_of_a_recording_stay_together():
    from workbench.events import load
    from workbench.events.event_arrays import EVENTS

    rng = np.random.default_rng(0)
    events = []
    for _ in range(24):
        one = np.zeros(400, dtype=EVENTS)
        one["t"] = np.sort(rng.integers(0, 1000, 400))
        one["t"][-1] = 999
        events.append(one)
    dataset = load(events, labels=[i % 2 for i in range(24)], window_us=100, frames=2, ticks_per_frame=5)
    assert len(dataset) == 240
    for part in (dataset.train, dataset.test):
        ours, theirs = part.split(0.5, seed=3)
        assert not set(ours.origins.tolist()) & set(theirs.origins.tolist())
        assert len(ours) + len(theirs) == len(part)
    assert "24 recordings cut into 240 slices of 0.1 ms" in dataset.split
