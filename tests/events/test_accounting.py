"""No event is lost in silence: events given = events binned + events counted as left out, whatever the source."""

import re

import numpy as np
import pytest

import workbench as wb
from tests.support import event_writers
from workbench.events.binning import describe_unbinned
from workbench.events.event_arrays import EVENTS
from workbench.events.formats.read_options import ReadOptions
from workbench.events.sources.clips import clip_array
from workbench.events.storage.extents import measure_extents

COUNT = 8


def record(rng, duration, begin, sensor=(8, 8)):
    """Some events that begin at a time and last so long."""
    count = int(rng.integers(2, 80))
    events = np.zeros(count, EVENTS)
    events["t"] = begin + np.sort(np.concatenate([[0, duration], rng.integers(0, duration + 1, count - 2)]))
    events["x"], events["y"] = rng.integers(0, sensor[1], count), rng.integers(0, sensor[0], count)
    events["p"] = rng.integers(0, 2, count)
    return events


def random_recordings(rng):
    """Recordings that begin at 0, a little later, long after, or where the one before has ended."""
    kind = rng.choice(["zero", "near", "far", "sliced", "any"])
    durations = rng.integers(1, rng.choice([50, 3_000, 400_000]), COUNT)
    begins = {
        "zero": np.zeros(COUNT, int),
        "near": rng.integers(0, max(1, durations.max() // 3), COUNT),
        "far": rng.integers(0, 10 * durations.max(), COUNT),
        "sliced": np.concatenate([[0], np.cumsum(durations)[:-1]]),
        "any": rng.integers(0, 2 * durations.max(), COUNT),
    }[kind]
    return [record(rng, int(d), int(b)) for d, b in zip(durations, begins, strict=True)]


class LikeTonic:
    """What every data set of tonic offers."""

    sensor_size, classes = (8, 8, 2), ("a", "b")

    def __init__(self, recordings):
        self.recordings, self.targets = recordings, [i % 2 for i in range(len(recordings))]

    def __len__(self):
        return len(self.recordings)

    def __getitem__(self, index):
        return self.recordings[index], self.targets[index]


def by_class(recordings, folder):
    return {"a": recordings[::2], "b": recordings[1::2]}, {}


def in_a_row(recordings, folder):
    return recordings, {"labels": [i % 2 for i in range(len(recordings))]}


def as_tonic(recordings, folder):
    return LikeTonic(recordings), {}


def in_a_folder(recordings, folder):
    for number, events in enumerate(recordings):
        path = folder / "ab"[number % 2] / f"{number}.npy"
        path.parent.mkdir(exist_ok=True)
        np.save(path, events)
    return folder, {}


def of_a_camera(recordings, folder):
    """Files whose clock runs from when the camera was switched on."""
    for number, events in enumerate(recordings):
        path = folder / "ab"[number % 2] / f"{number}.raw"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(event_writers.evt2(events.tolist()))
    return folder, {"sensor": (8, 8)}


SOURCES = [by_class, in_a_row, as_tonic, in_a_folder, of_a_camera]


def told(dataset):
    """How many events the split says are left out."""
    found = re.search(r"; ([\d,]+) events? lies? outside the windows and (?:are|is) not binned", dataset.split)
    return int(found[1].replace(",", "")) if found else 0


def binned(dataset):
    return sum(int(part.as_frames().sum(dtype=np.float64)) for part in (dataset.train, dataset.test))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("seed", range(12))
def test_events_given_are_binned_or_counted_as_left_out(source, seed, tmp_path):
    rng = np.random.default_rng([seed, SOURCES.index(source)])
    recordings = random_recordings(rng)
    given = sum(map(len, recordings))
    held, options = source(recordings, tmp_path)
    whole = wb.load(held, frames=int(rng.integers(1, 9)), ticks_per_frame=1, **options)
    assert (binned(whole), told(whole), whole.left_out) == (given, 0, 0)
    assert "not binned" not in repr(whole)
    longest = max(int(np.ptp(events["t"])) for events in recordings) + 1
    for window in rng.integers(1, 3 * longest, 3).tolist():
        window = max(window, longest // 50)
        clock = [None, "own", "running"][rng.integers(3)]
        some = wb.load(held, window_us=window, frames=2, clock=clock, **options)
        assert binned(some) + told(some) == given
        assert told(some) == some.left_out == some.train.left_out + some.test.left_out
        assert (describe_unbinned(some.train.left_out, "the window") in repr(some)) == (some.train.left_out > 0)
        first = wb.load(held, window_us=window, frames=2, clock=clock, slices="first", **options)
        assert binned(first) + told(first) == given
        assert len(first) == len(recordings)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("pieces", [2, 3, 5])
def test_slices_that_keep_the_clock_of_their_recording_begin_at_their_first_event(tonic, seed, pieces):
    rng = np.random.default_rng([seed, pieces])
    recordings = [record(rng, 1_000_000, 0) for _ in range(COUNT)]
    recordings = [np.sort(np.concatenate([r, record(rng, 1_000_000, 0)] * 20), order="t") for r in recordings]
    slicer = tonic.slicers.SliceByTime(time_window=1_000_000 // pieces)
    slices = tonic.SlicedDataset(LikeTonic(recordings), slicer=slicer, metadata_path=None)
    dataset = wb.load(slices, frames=4, ticks_per_frame=1)
    lengths = [int(np.ptp(slices[i][0]["t"])) + 1 for i in range(len(slices))]
    assert max(lengths) <= dataset.window_us < max(lengths) + 1000
    assert "each recording begins at its first event" in dataset.split
    assert binned(dataset) == sum(len(slices[i][0]) for i in range(len(slices)))
    assert all(events["t"][0] == 0 for part in (dataset.train, dataset.test) for events in part)


@pytest.mark.parametrize("window_us", [None, 1000])
def test_times_within_a_window_that_is_given_are_left_as_they_are(window_us):
    """Where a single spike tells by its time what it means, to move it would lose that."""
    spikes = [np.array([(0, 0, t, True)], EVENTS) for t in (0, 10, 500, 990)]
    dataset = wb.load({"early": spikes[:2], "late": spikes[2:]}, window_us=window_us, sensor=(1, 1))
    times = sorted(int(events["t"][0]) for part in (dataset.train, dataset.test) for events in part)
    assert times == ([0, 10, 500, 990] if window_us else [0, 0, 0, 0])
    assert ("begins at its first event" in dataset.split) == (window_us is None)
    own = wb.load({"early": spikes[:2], "late": spikes[2:]}, clock="own", sensor=(1, 1))
    assert own.window_us == 991
    assert sorted(int(e["t"][0]) for part in (own.train, own.test) for e in part) == [0, 10, 500, 990]


def test_a_clock_is_refused_where_it_is_known():
    with pytest.raises(ValueError, match="clock is 'later'; give 'own' or 'running'"):
        wb.load({"a": [record(np.random.default_rng(0), 10, 0)] * 2}, clock="later")
    with pytest.raises(ValueError, match="digits has no use for clock='own'; leave it out"):
        wb.load("digits", clock="own")


def test_clocks_of_their_own_are_not_asked():
    late = record(np.random.default_rng(0), 99, 900)
    own, unknown = (clip_array(late, 0, "late", own_clock=known) for known in (True, False))
    assert measure_extents([own], ReadOptions(), skip=False).clock == "own"
    assert measure_extents([own], ReadOptions(), skip=False).longest_us == 1000
    assert measure_extents([unknown], ReadOptions(), skip=False).clock == "running"
    assert measure_extents([unknown], ReadOptions(), skip=False).longest_us == 100
    assert measure_extents([own, unknown], ReadOptions(), skip=False).longest_us == 1000
    assert measure_extents([unknown], ReadOptions(), skip=False, window_us=900).clock == "own"


def test_a_window_shorter_than_the_recordings_leaves_events_out_and_says_so():
    whole = wb.load({"a": [record(np.random.default_rng(i), 1000, 0) for i in range(4)]})
    part = whole.rebin(window_us=500)
    assert part.left_out == sum(map(len, part.train)) + sum(map(len, part.test)) - binned(part) > 0
    assert describe_unbinned(part.train.left_out, "the window") in repr(part.train)
