"""Numbers of events stay the numbers they are, or are refused in words."""

import numpy as np
import pytest

import workbench as wb
from workbench.events.event_arrays import flatten, unflatten
from workbench.events.exact_integers import LARGEST_EXACT_COUNT
from workbench.events.online_binning import stream_ticks

FIELDS = "xytp"


def some_events(count=20, seed=0, **types):
    rng = np.random.default_rng(seed)
    events = np.zeros(count, dtype=[(field, types.get(field, np.int64)) for field in FIELDS])
    events["t"], events["p"] = np.sort(rng.integers(0, 1000, count)), rng.integers(0, 2, count)
    events["x"], events["y"] = rng.integers(0, 5, count), rng.integers(0, 5, count)
    return events


def gather(events, shape=(2, 5, 5)):
    return wb.Recordings.from_events([events], [0], ["a"], shape, window_us=1000)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.longdouble, np.uint64, np.int16, np.uint8])
@pytest.mark.parametrize("field", FIELDS)
def test_whole_numbers_of_any_type_are_taken_as_they_are(field, kind):
    events = some_events(seed=1)
    events["t"] %= 200
    events.sort(order="t")
    typed = events.astype([(name, kind if name == field else np.int64) for name in FIELDS])
    assert gather(typed)[0].tolist() == gather(events)[0].tolist()
    ours, theirs = (list(stream_ticks([one], (2, 5, 5), tick_us=10)) for one in (typed, events))
    np.testing.assert_array_equal(np.concatenate(ours), np.concatenate(theirs))


WRONG = [
    (float("nan"), np.float64, "not a finite number"),
    (float("inf"), np.float32, "not a finite number"),
    (-float("inf"), np.float64, "not a finite number"),
    (2.5, np.float32, "not a whole number"),
    (1e300, np.float64, "beyond 64 bits"),
    (-1e300, np.float64, "beyond 64 bits"),
    (2**63, np.uint64, "beyond 64 bits"),
    (2**64 - 1, np.uint64, "beyond 64 bits"),
]


@pytest.mark.parametrize(("value", "kind", "fact"), WRONG, ids=str)
@pytest.mark.parametrize("field", FIELDS)
def test_what_is_no_whole_number_is_named(field, value, kind, fact):
    events = some_events(**{field: kind})
    events[field][7] = value
    with pytest.raises(ValueError, match=rf"recording 0: event 7 has {field} = .*, {fact}; give whole numbers"):
        gather(events)
    with pytest.raises(ValueError, match=rf"stream_ticks: event 7 has {field} = .*, {fact}"):
        list(stream_ticks([events], (2, 5, 5), tick_us=10))


@pytest.mark.parametrize("time", [2**31, -(2**31), 2**40, -(2**63)])
def test_times_beyond_32_bits_are_refused(time):
    events = some_events(1)
    events["t"] = time
    with pytest.raises(ValueError, match=rf"event 0 is at {time} us; give microseconds from its start"):
        gather(events)


def test_fields_that_hold_no_numbers_are_refused():
    events = some_events(x="U3")
    with pytest.raises(ValueError, match="recording 0: the field x is <U3; give whole numbers"):
        gather(events)
    with pytest.raises(ValueError, match=r"recording 0: events of shape \(4, 5\); give one row of them"):
        gather(some_events().reshape(4, 5))
    with pytest.raises(ValueError, match="recording 0: no field p, t, x, y; give the fields x, y, t, p"):
        gather([(1, 2, 3, 4)])
    signed = some_events()
    signed["p"] = 2 * signed["p"] - 1
    with pytest.raises(ValueError, match=r"p = -1, outside 0 to 1 of .*; count polarities from 0, as p > 0 does"):
        gather(signed)


@pytest.mark.parametrize("shape", [(2, 3, 70_000), (70_000,), (2, 40_000, 2), (100_000, 1, 1), (40_000, 2, 2)])
def test_places_of_large_sensors_come_back(shape):
    polarities, height, width = (int(np.prod(shape[:-2])), *(1, 1, *shape)[-2:])
    rng = np.random.default_rng(0)
    site = np.sort(rng.integers(0, np.prod(shape), 500)).astype(np.int32)
    events = unflatten(np.arange(500, dtype=np.int32), site, shape)
    assert [int(events[field].max()) < size for field, size in zip("pyx", (polarities, height, width), strict=True)]
    assert min(int(events[field].min()) for field in "pyx") >= 0
    np.testing.assert_array_equal(flatten(events, shape, "large")[1], site)


def test_a_sensor_with_more_places_than_32_bits_is_refused():
    with pytest.raises(ValueError, match="more than 2,147,483,647 places; crop or downsample"):
        flatten(some_events(), (2, 2**15, 2**16), "huge")


@pytest.mark.parametrize("tick_us", [1, 7, 1000, 21_474_836])
def test_counts_become_events_and_counts_again(tick_us):
    counts = np.random.default_rng(tick_us).integers(0, 3, (100, 2, 1, 2, 2))
    recordings = wb.Recordings.from_ticks(counts, [0, 0], frames=10, ticks_per_frame=10, tick_us=tick_us)
    np.testing.assert_array_equal(recordings.as_ticks(), counts)


def test_ticks_that_last_longer_than_times_can_tell_are_refused():
    counts = np.ones((100, 1, 1), dtype=int)
    with pytest.raises(
        ValueError,
        match=r"100 ticks of 21,474,837 us last 2,147 s, longer than times of 32 bits .*; give tick_us of at most "
        r"21,474,836",
    ):
        wb.Recordings.from_ticks(counts, [0], tick_us=21_474_837)
    with pytest.raises(ValueError, match="tick_us=0 must be a whole number of at least 1"):
        wb.Recordings.from_ticks(counts, [0], tick_us=0)


@pytest.mark.parametrize("kind", [np.uint64, np.int64])
def test_more_events_than_there_can_be_are_refused(kind):
    counts = np.full((2, 1, 1), np.iinfo(kind).max, dtype=kind)
    with pytest.raises(ValueError, match=r"counts hold .* events, more than .*; give fewer recordings"):
        wb.Recordings.from_ticks(counts, [0])


@pytest.mark.parametrize("more", [-1, 0, 1000])
def test_events_are_counted_exactly_or_not_at_all(more):
    count = LARGEST_EXACT_COUNT + more
    recordings = wb.Recordings.from_ticks(np.array([[[count]], [[3]]]), [0], ticks_per_frame=2)
    if more < 0:
        assert recordings.as_ticks().ravel().tolist() == [count, 3]
    else:
        with pytest.raises(ValueError, match=r"recording 0 holds 16,777,216 events or more in one step and place"):
            recordings.as_ticks()
    if more <= -3:
        assert recordings.as_frames().item() == count + 3
    else:
        with pytest.raises(ValueError, match="which float32 does not count exactly; cut the time finer"):
            recordings.as_frames()


def test_a_stream_counts_exactly_or_not_at_all():
    block = np.zeros(LARGEST_EXACT_COUNT // 4, dtype=[("x", "i2"), ("y", "i2"), ("t", "i8"), ("p", "?")])
    assert next(stream_ticks([block] * 3, (2, 1, 1), tick_us=10)).sum() == 3 * len(block)
    with pytest.raises(ValueError, match="stream_ticks: a block holds 16,777,216 events or more"):
        list(stream_ticks([block] * 4, (2, 1, 1), tick_us=10))


def test_bins_that_whole_numbers_cannot_tell_apart_are_refused():
    recordings = wb.Recordings.from_ticks(np.ones((2, 1, 1), dtype=int), [0])
    with pytest.raises(ValueError, match="are too many for whole numbers of 64 bits; give fewer, or a shorter"):
        recordings.rebin(frames=10**9, window_us=10**10)
