"""A clip counts at most so many events of a place and tick: in ticks, in frames, and in every cut of both."""

import dataclasses

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.random_networks import random_model, random_network
from workbench.engine import EventCounts

SHAPE = (2, 6, 5)


def crowded(seed: int, frames: int = 4, ticks: int = 3, count: int = 4) -> wb.Recordings:
    """Recordings with many events in few places and, of every other one, some outside the window."""
    rng = np.random.default_rng(seed)
    window_us = int(rng.integers(500, 1500))
    events = []
    for one in range(count):
        size = int(rng.integers(0, 400))
        last = window_us if one % 2 else window_us + 100
        rows = np.zeros(size, dtype=[("x", int), ("y", int), ("t", int), ("p", bool)])
        rows["x"], rows["y"] = rng.integers(0, 5, size) // 2, rng.integers(0, 6, size) // 2
        rows["t"], rows["p"] = rng.integers(0, last, size), rng.random(size) < 0.5
        events.append(rows)
    return wb.Recordings.from_events(
        events, np.arange(count) % 3, ("a", "b", "c"), SHAPE, frames, ticks, window_us, name="crowd"
    )


@pytest.mark.parametrize("clip", [1, 2, 5])
@pytest.mark.parametrize("seed", range(10))
def test_ticks_are_clipped_counts_and_frames_their_sums(seed: int, clip: int) -> None:
    plain = crowded(seed)
    some = plain.rebin(clip=clip)
    expected = np.minimum(plain.as_ticks(), clip)
    np.testing.assert_array_equal(some.as_ticks(), expected)
    frames = expected.reshape(4, 3, *expected.shape[1:]).sum(1)
    np.testing.assert_array_equal(some.as_frames(), frames)
    np.testing.assert_array_equal(some.as_ticks(ticks_per_frame=1), frames)
    assert plain.as_ticks().max() > 1


@pytest.mark.parametrize("seed", range(10))
def test_every_cut_of_every_batch_and_the_lists_agree(seed: int) -> None:
    some, rng = crowded(seed).rebin(clip=1 + seed % 3), np.random.default_rng(seed)
    for k in (1, some.ticks_per_frame):
        whole = some.as_ticks(ticks_per_frame=k)
        for _ in range(6):
            chosen = rng.integers(0, len(some), 3)
            begin, end = sorted(rng.integers(0, len(whole) + 1, 2).tolist())
            part = some.as_ticks(chosen, k, begin, end)
            np.testing.assert_array_equal(part, whole[begin:end, chosen])
            lists = EventCounts(*some.as_sites(chosen, k, begin, end), some.shape)
            if end > begin:
                np.testing.assert_array_equal(lists.to_tensor().numpy(), part)
        np.testing.assert_array_equal(some.as_frames([1], 1, 3), some.as_ticks([1], 1)[1:3])
        np.testing.assert_array_equal(some[[2, 0]].as_ticks(), some.as_ticks([2, 0]))


@pytest.mark.parametrize("seed", range(10))
def test_nothing_is_left_out_in_silence(seed: int) -> None:
    plain = crowded(seed)
    for clip in (1, 2):
        some = plain.rebin(clip=clip)
        counted = int(some.as_ticks().sum())
        assert counted + some.clipped + some.left_out == int(plain.starts[-1])
        assert f"{some.clipped:,} event" in repr(some)
        assert f"at most {clip} event" in repr(some)
        assert repr(plain) == repr(some.rebin(clip=None)) == "\n".join(repr(some).splitlines()[:-1])
    assert plain.clipped == 0
    data = wb.Dataset("crowds", plain, crowded(seed + 50).rebin(window_us=plain.window_us), "by hand").rebin(clip=1)
    assert (data.clip, data.train.clip, data.test.clip) == (1, 1, 1)
    assert data.clipped == data.train.clipped + data.test.clipped
    assert "at most 1 event of a place and tick is counted" in repr(data)
    with pytest.raises(ValueError, match="dataset crowds: clip is 1 in train, None in test"):
        dataclasses.replace(data, test=data.test.rebin(clip=None))


def test_a_clip_is_of_its_own_ticks() -> None:
    some = crowded(0).rebin(clip=1)
    for verb in (some.as_ticks, some.as_sites):
        with pytest.raises(ValueError, match=r"ticks_per_frame=2 is asked, but at most 1 event .* a clip is per tick"):
            verb(None, 2)
    finer = some.rebin(ticks_per_frame=6)
    np.testing.assert_array_equal(finer.as_ticks(), np.minimum(crowded(0).rebin(ticks_per_frame=6).as_ticks(), 1))
    assert (some.rebin(frames=2).clip, some[:2].clip, some.with_split("so").clip) == (1, 1, 1)
    for clip in (0, -1, 1.5, "many", True):
        with pytest.raises(ValueError, match=r"crowd: clip=.* must be a whole number of at least 1"):
            some.rebin(clip=clip)


def test_load_takes_a_clip() -> None:
    events = {"left": [crowded(1)[i] for i in range(4)], "right": [crowded(2)[i] for i in range(4)]}
    events = {name: [one for one in each if len(one)] for name, each in events.items()}
    options = {"frames": 2, "ticks_per_frame": 3, "window_us": 400, "split": 0.5, "clock": "own", "cache": False}
    plain, some = (wb.load(events, clip=clip, progress=False, **options) for clip in (None, 2))
    np.testing.assert_array_equal(some.train.as_ticks(), np.minimum(plain.train.as_ticks(), 2))
    assert (plain.clip, some.clip) == (None, 2)
    with pytest.raises(ValueError, match="clip=0 must be a whole number"):
        wb.load("digits", clip=0)


@pytest.mark.parametrize("seed", range(6))
def test_an_ann_and_its_snn_see_the_same_input(seed: int) -> None:
    some = crowded(seed, frames=6, ticks=3).rebin(clip=1)
    ann = random_model(random_network(seed, longest=1), seed).float()
    snn = wb.convert(ann, some, percentile=100.0)
    for engine in ("dense", "events"):
        activity = snn.run(torch.from_numpy(some.as_ticks()), engine=engine)["in"]
        assert activity.max() == 1
        frames = activity.unflatten(0, (6, 3)).sum(1)
        np.testing.assert_array_equal(frames, ann.run(torch.from_numpy(some.as_frames()))["in"])
    costs = [wb.compare({"ANN": ann, "SNN": snn}, some, engine=engine, batch=batch) for engine, batch in
             ((None, None), ("dense", 2), ("events", 3))]  # fmt: skip
    assert all(one.equals(costs[0]) for one in costs)
    with pytest.raises(ValueError, match="a clip is per tick"):
        wb.convert(ann, some, percentile=100.0, ticks_per_frame=2)


def test_batches_changed_at_random_are_clipped_too() -> None:
    some = crowded(3).rebin(clip=1)
    found = wb.events.augment(some, np.array([0, 1, 2]), [wb.transforms.Drop(0.1)], [1]).recordings
    assert found.clip == 1
    assert found.as_ticks().max() == 1
