"""Time that steps back a little: refused, or sorted on request, counted and named."""

import tracemalloc

import numpy as np
import pytest

import workbench as wb
from tests.support import event_writers as writers
from workbench.events import formats
from workbench.events.event_arrays import EVENTS
from workbench.events.formats import DamagedFile, time_order

WRITERS = {
    ".bin": writers.nmnist, "2.aedat": writers.aedat2, "3.aedat": writers.aedat3, ".aedat4": writers.aedat4,
    ".dat": writers.dat, "2.raw": writers.evt2, "3.raw": writers.evt3, ".npy": writers.npy, ".npz": writers.npz,
    ".csv": writers.text, ".hdf5": writers.hdf5,
}  # fmt: skip
LATE = r"stepped back in time at {} events, by at most {} us; they were sorted"


def disordered(seed, count=400, late_us=3_000, span_us=200_000):
    """Random events of which every third comes late by some of ``late_us``."""
    rng = np.random.default_rng(seed)
    when = np.sort(rng.integers(late_us, span_us, count))
    shown = when - rng.integers(0, late_us, count) * (rng.random(count) < 0.3)
    x, y, p = (rng.integers(0, size, count) for size in (34, 34, 2))
    return [(int(a), int(b), int(t), int(c)) for a, b, t, c in zip(x, y, shown, p, strict=True)]


def stably_sorted(events):
    """All events at once, in a stable order."""
    order = np.argsort([t for _, _, t, _ in events], kind="stable")
    return [(x, y, t, bool(p)) for x, y, t, p in (events[i] for i in order)]


def late(events):
    """How many events stand behind a later one, and the largest step back to the latest before."""
    times = np.array([t for _, _, t, _ in events])
    behind = np.maximum.accumulate(times) - times
    return int((behind > 0).sum()), int(behind.max())


@pytest.mark.parametrize("name", WRITERS)
def test_sorting_equals_a_stable_sort_of_all_events_in_blocks_of_any_size(name, write):
    for seed in range(6):
        events = disordered(seed)
        path = write(name, WRITERS[name](events))
        with pytest.raises(DamagedFile, match=r"runs backwards in time at .* us; get .*sorted, by on_error=\"sort"):
            formats.read(path)
        for size in (1, 7, 100, 2**18):
            with pytest.warns(UserWarning, match=LATE.format(*(f"{n:,}" for n in late(events)))) as told:
                blocks = list(formats.stream(path, events=size, on_error="sort"))
            assert len(told) == 1
            assert str(path) in str(told[0].message)
            assert told[0].filename == __file__
            assert [len(block) for block in blocks[:-1]] == [size] * (len(blocks) - 1)
            assert np.concatenate(blocks).tolist() == stably_sorted(events)
        with pytest.warns(UserWarning, match="they were sorted") as told:
            assert formats.read(path, on_error="sort").tolist() == stably_sorted(events)
        assert told[0].filename == __file__


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_in_order_is_read_without_a_word(name, write):
    events = sorted(disordered(0), key=lambda event: event[2])
    path = write(name, WRITERS[name](events))
    assert formats.read(path, on_error="sort").tolist() == formats.read(path).tolist() == stably_sorted(events)


def array(times):
    events = np.zeros(len(times), EVENTS)
    events["t"], events["x"] = times, np.arange(len(times)) % 97
    return events


def test_a_second_is_a_little_and_more_is_damage(write):
    path = write(".npy", b"")
    for step, fine in ((time_order.LATE_US, True), (time_order.LATE_US + 1, False)):
        np.save(path, array([0, 5_000_000, 5_000_000 - step, 6_000_000]))
        for size in (1, 2, 100):
            if fine:
                with pytest.warns(UserWarning, match=r"at 1 events, by at most 1,000,000 us"):
                    blocks = list(formats.stream(path, events=size, on_error="sort"))
                assert np.concatenate(blocks)["t"].tolist() == [0, 4_000_000, 5_000_000, 6_000_000]
                continue
            words = r"at event 2, from 5000000 to 3999999 us, further than is sorted \(1 s, or a million events\); get"
            with pytest.raises(DamagedFile, match=words):
                list(formats.stream(path, events=size, on_error="sort"))


def test_times_before_zero_are_damage_all_the_same(write):
    path = write(".npy", b"")
    np.save(path, array([5, -3]))
    for choice in ("raise", "sort"):
        with pytest.raises(DamagedFile, match="runs backwards in time at event 1, from 5 to -3 us; get the file again"):
            formats.read(path, on_error=choice)


def in_order(block):
    """How many events a block holds, each no earlier than the one before."""
    assert (np.diff(block["t"]) >= 0).all()
    return len(block)


def test_long_disorder_is_sorted_in_constant_memory(write):
    """A second of these is a tenth of them; twenty times as long needs no more."""
    path = write(".npy", b"")

    def peak(count):
        rng = np.random.default_rng(0)
        times = np.arange(count) * 20 + 500_000
        np.save(path, array(times - rng.integers(0, 400_000, count) * (np.arange(count) % 5 == 0)))
        tracemalloc.start()
        with pytest.warns(UserWarning, match="were sorted"):
            sizes = [in_order(block) for block in formats.stream(path, events=2**14, on_error="sort")]
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert sum(sizes) == count
        return most

    peak(100_000)
    assert peak(2_000_000) < 1.3 * peak(400_000) + 4e6


def test_no_more_than_a_million_events_wait(monkeypatch, write):
    """What has left the waiting room cannot be overtaken: refused, never out of order."""
    monkeypatch.setattr(time_order, "_HELD", 100)
    monkeypatch.setattr(time_order, "_AT_ONCE", 50)
    path = write(".npy", b"")
    times = np.arange(1000)
    times[900] = 850
    np.save(path, array(times))
    with pytest.warns(UserWarning, match="at 1 events, by at most 49 us"):
        assert formats.read(path, on_error="sort")["t"].tolist() == sorted(times.tolist())
    times[900] = 3
    np.save(path, array(times))
    with pytest.raises(DamagedFile, match="from 899 to 3 us, further than is sorted"):
        list(formats.stream(path, events=10, on_error="sort"))


def test_disorder_says_nothing_of_the_unit(write):
    """The last event may stand before the first."""
    path = write(".npy", b"")
    times = 500 + np.random.default_rng(0).permutation(1500) % 400
    times[0], times[-1] = 950, 500
    np.save(path, array(times))
    with pytest.warns(UserWarning, match="they were sorted") as told:
        formats.read(path, on_error="sort")
    assert len(told) == 1


def test_other_choices_are_refused(write):
    path = write(".npy", writers.npy(disordered(0)))
    with pytest.raises(ValueError, match="on_error is 'skip'; give 'raise' or 'sort'"):
        formats.read(path, on_error="skip")


# loaded


def fill(root, seeds=(0, 1, 2, 3), broken=(1, 2)):
    written = {}
    for kind in ("left", "right"):
        for seed in seeds:
            events = disordered(10 * seed + len(kind))
            events = events if seed in broken else sorted(events, key=lambda event: event[2])
            path = root / kind / f"{seed}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(writers.npy(events))
            written[path] = events
    return written


def read(dataset):
    return sorted(one.tolist() for part in (dataset.train, dataset.test) for one in part)


def test_loading_sorts_on_request_counts_and_names(tmp_path):
    written = fill(tmp_path)
    with pytest.raises(DamagedFile, match=r"on_error=\"sort\""):
        wb.load(tmp_path)
    count = sum(late(events)[0] for events in written.values())
    words = rf"4 of 8 recordings step back in time, at {count:,} events in all, and were sorted; the first: .*1\.npy"
    for _ in range(2):  # read, and read from the cache
        with pytest.warns(UserWarning, match=words) as told:
            dataset = wb.load(tmp_path, on_error="sort")
        assert len(told) == 1
        assert told[0].filename == __file__
        assert dataset.split.endswith(f"; 4 recordings sorted by time ({count:,} events were late)")
        assert read(dataset) == sorted(stably_sorted(events) for events in written.values())


def test_sorting_and_raising_are_kept_apart_in_the_cache(tmp_path):
    fill(tmp_path)
    with pytest.warns(UserWarning, match="were sorted"):
        wb.load(tmp_path, on_error="sort", sensor=(34, 34), window_us=200_000)
    with pytest.raises(DamagedFile, match="runs backwards"):
        wb.load(tmp_path, sensor=(34, 34), window_us=200_000)


def test_arrays_in_memory_are_sorted_alike():
    events = [disordered(seed) for seed in range(4)]
    arrays = [np.array(one, dtype=EVENTS) for one in events]
    with pytest.raises(ValueError, match=r"recording 0 runs backwards in time .* on_error=\"sort\""):
        wb.load({"a": arrays})
    with pytest.warns(UserWarning, match="4 of 4 recordings step back in time"):
        dataset = wb.load({"a": arrays}, on_error="sort", window_us=200_000)
    assert read(dataset) == sorted(stably_sorted(one) for one in events)


def test_damage_is_damage_while_sorting(tmp_path):
    fill(tmp_path, broken=())
    np.save(tmp_path / "left" / "9.npy", array([0, 9_000_000, 5]))
    with pytest.raises(DamagedFile, match="further than is sorted"):
        wb.load(tmp_path, on_error="sort")
