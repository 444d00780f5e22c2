"""What is kept of recordings: changed files are noticed, hostile ones refused, and a full disk costs only time."""

import json
import os
import re
import subprocess
import sys
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from workbench.events.event_arrays import EVENTS
from workbench.events.storage import extents, generated_sets, memmap
from workbench.events.storage.preprocessing import ROWS

ROOT = Path(__file__).parents[3]


def some_events(seed, count=30):
    rng = np.random.default_rng(seed)
    events = np.zeros(count, EVENTS)
    events["t"], events["p"] = np.sort(rng.integers(0, 10_000, count)), rng.integers(0, 2, count)
    events["x"], events["y"] = rng.integers(0, 8, count), rng.integers(0, 8, count)
    events["t"][-1], events["x"][-1], events["y"][-1] = 9999, 7, 7
    return events


def fill(root):
    for label, name in enumerate(("left", "right")):
        (root / name).mkdir(parents=True)
        for number in range(5):
            np.save(root / name / f"{number}.npy", some_events(10 * label + number))
    return root


def held(dataset):
    return sorted(one.tolist() for part in (dataset.train, dataset.test) for one in part)


def kept(root, part="train"):
    (path,) = (root / ".workbench").glob(f"*-{part}-*.events")
    return path


# files that have changed


@pytest.mark.parametrize("way", ["written over", "replaced", "renamed onto", "linked to another"])
def test_a_file_of_equal_size_and_time_is_read_anew(tmp_path, way):
    wb.load(fill(tmp_path / "set"))
    path, other = tmp_path / "set" / "left" / "0.npy", tmp_path / "other.npy"
    before = path.stat()
    np.save(other, some_events(99))
    assert other.stat().st_size == before.st_size
    if way == "written over":
        path.write_bytes(other.read_bytes())
    elif way == "replaced":
        path.unlink()
        path.write_bytes(other.read_bytes())
    elif way == "renamed onto":
        os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
        other.rename(path)
    else:
        path.unlink()
        path.symlink_to(other)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert some_events(99).tolist() in held(wb.load(tmp_path / "set"))


# caches that were made by somebody else


def rewrite(path, change):
    """A store with other content and right sums: what its page says, and its rows, as `change` makes them."""
    raw = path.read_bytes()
    begin = int.from_bytes(raw[-16:-8], "little")
    page, rows = json.loads(raw[begin:-16]), np.frombuffer(raw[8:begin], ROWS).copy()
    rows = change(page, rows)
    body = np.asarray(rows, ROWS).tobytes()
    page["checksum"] = zlib.crc32(body)
    page.setdefault("rows", len(rows))
    text = json.dumps(page).encode()
    tail = (8 + len(body)).to_bytes(8, "little") + zlib.crc32(text).to_bytes(4, "little") + b"rows"
    path.unlink()
    path.write_bytes(b"WBROWS01" + body + text + tail)


def note(name, value):
    def change(page, rows):
        page["notes"][name] = value(page["notes"][name]) if callable(value) else value
        return rows

    return change


def told_rows(value):
    def change(page, rows):
        page["rows"] = value
        return rows

    return change


def column(name, place, value):
    def change(page, rows):
        rows[name][place] = value
        return rows

    return change


HOSTILE = {
    "a label that is no class": note("labels", lambda labels: [7, *labels[1:]]),
    "another class": note("labels", lambda labels: [1 - labels[0], *labels[1:]]),
    "labels of text": note("labels", lambda labels: ["0"] * len(labels)),
    "fractional labels": note("labels", lambda labels: [0.5] * len(labels)),
    "one label too few": note("labels", lambda labels: labels[1:]),
    "starts that fall": note("starts", lambda starts: [starts[0], starts[2], starts[1], *starts[3:]]),
    "starts beyond the rows": note("starts", lambda starts: [*starts[:-1], 10**9]),
    "starts beyond 64 bits": note("starts", lambda starts: [*starts[:-1], 10**30]),
    "nested starts": note("starts", lambda starts: [starts]),
    "origins of nobody": note("origins", lambda origins: [99] * len(origins)),
    "no origins": note("origins", []),
    "no notes": note("starts", None),
    "skipped without words": note("skipped", [1]),
    "less than nothing left out": note("left_out", -1),
    "a place off the sensor": column("site", 3, 10**6),
    "a place before the sensor": column("site", 3, -1),
    "time that runs backwards": column("time_us", 4, 2**30),
    "rows of text": told_rows("300"),
    "rows below none": told_rows(-1),
    "more rows than there are": told_rows(10**12),
    "no rows at all": lambda page, rows: (page["notes"].update(starts=[0], labels=[], origins=[]), rows)[1],
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_cache_whose_sums_are_right_is_checked_for_sense(tmp_path, kind):
    made = wb.load(fill(tmp_path))
    rewrite(kept(tmp_path), HOSTILE[kind])
    with pytest.warns(UserWarning, match=rf"{re.escape(kept(tmp_path).name)} is damaged .* are read again"):
        again = wb.load(tmp_path)
    assert held(again) == held(made)
    assert held(wb.load(tmp_path)) == held(made)


EXTENTS = [
    {"sensor": [0, 8]}, {"sensor": [8]}, {"sensor": "88"}, {"sensor": [8.5, 8]}, {"longest_us": -3},
    {"longest_us": "long"}, {"clock": "mine"}, {"clock": None}, {"sensor": None},
]  # fmt: skip


@pytest.mark.parametrize("wrong", EXTENTS, ids=str)
def test_measured_extents_that_makes_no_sense_is_made_anew(tmp_path, wrong):
    made = wb.load(fill(tmp_path))
    rewrite(kept(tmp_path, "extents"), lambda page, rows: (page["notes"].update(wrong), rows)[1])
    again = wb.load(tmp_path)
    assert (again.shape, again.window_us, held(again)) == (made.shape, made.window_us, held(made))


@pytest.mark.parametrize("text", [b"[" * 100_000, b"[1, 2]", b'"words"', b"\xff", b"{}", b'{"rows": 3}'])
def test_a_last_page_of_anything_is_refused(tmp_path, text):
    path = tmp_path / "a"
    tail = (8).to_bytes(8, "little") + zlib.crc32(text).to_bytes(4, "little") + b"rows"
    path.write_bytes(b"WBROWS01" + text + tail)
    with pytest.raises(memmap.DamagedStoreError):
        memmap.open_rows(path, ROWS, {})


def test_a_cache_that_shrinks_while_it_is_read_is_damage(tmp_path, monkeypatch):
    path, crc = tmp_path / "a", zlib.crc32
    with memmap.Writer(path, ROWS, {}) as writer:
        writer.append(np.zeros(100_000, ROWS))
        writer.finish({})

    def shrink(data, start=0):
        if len(data) == 1 << 16:  # a block of rows
            os.truncate(path, 1000)
        return crc(data, start)

    monkeypatch.setattr(memmap, "_BLOCK", 1 << 16)
    monkeypatch.setattr(memmap, "zlib", type("zlib", (), {"crc32": staticmethod(shrink)}))
    with pytest.raises(memmap.DamagedStoreError, match="it has become shorter while it was read"):
        memmap.open_rows(path, ROWS, {})


def test_a_cache_that_is_gone_or_spoilt_when_it_is_read_back_costs_only_memory(tmp_path, monkeypatch):
    leave = memmap.Writer.__exit__

    def spoil(writer, *error):
        leave(writer, *error)
        if "extents" not in writer.path.name:
            os.truncate(writer.path, 20)

    monkeypatch.setattr(memmap.Writer, "__exit__", spoil)
    fill(tmp_path)
    with pytest.warns(UserWarning, match="cannot be read back .*; the recordings are held in memory"):
        dataset = wb.load(tmp_path)
    assert held(dataset) == held(wb.load(tmp_path, cache=False))


def test_a_generated_set_that_would_unpack_to_more_is_refused(tmp_path):
    def toy(seed):
        recordings = wb.Recordings.from_ticks(np.ones((4, 2, 3), dtype=int), [0, 1], ticks_per_frame=2)
        return wb.Dataset("toy", recordings, recordings, "alike")

    made = generated_sets.load_or_generate("toy", toy, tmp_path, 0)
    (path,) = tmp_path.iterdir()
    members = {}
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.warns(UserWarning, match=r"is damaged \(its arrays are compressed.* generated again"):
        again = generated_sets.load_or_generate("toy", toy, tmp_path, 0)
    assert repr(again) == repr(made)


# disks that are full


FULL = """
import resource, sys, warnings
from pathlib import Path
import workbench as wb
root, limits = Path(sys.argv[1]), list(map(int, sys.argv[2:]))
whole = wb.load(root, cache=False)
for limit in limits:
    for path in (root / ".workbench").glob("*"):
        path.unlink()
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = wb.load(root)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    same = all((a == b).all() for part in ("train", "test") for a, b in zip(getattr(found, part), getattr(whole, part)))
    words = all("was not written ([Errno 27] File too large" in str(one.message) for one in told)
    print(limit, same, len(told), words, len(list((root / ".workbench").glob("*.part"))))
"""


def test_a_disk_that_is_full_at_any_moment_gives_a_warning_and_the_recordings(tmp_path):
    """The system refuses to let any file grow beyond a limit, as a full disk does."""
    wb.load(fill(tmp_path / "set"))
    largest = max(path.stat().st_size for path in (tmp_path / "set" / ".workbench").iterdir())
    limits = [0, 1, 7, 8, 9, 100, *range(200, largest, largest // 12), largest - 1, largest]
    answer = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "set"), *map(str, limits)],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    lines = [line.split() for line in answer.stdout.splitlines()]
    assert [int(line[0]) for line in lines] == limits
    for limit, same, told, words, left in lines:
        assert (same, words, left) == ("True", "True", "0"), limit
        assert (int(told) > 0) == (int(limit) < largest)
    assert answer.stderr == ""


@pytest.mark.parametrize("moment", ["open", "write", "flush", "close", "rename", "rewind"])
def test_whatever_fails_in_a_writer_nothing_is_left(tmp_path, moment, monkeypatch):
    full = OSError(28, "No space left on device")

    class Full:
        """A file that fails at one moment."""

        def __init__(self, file):
            self.file = file

        def __getattr__(self, name):
            if name == moment or (moment, name) == ("rewind", "truncate"):
                self.file.close()
                raise full
            return getattr(self.file, name)

    opened = Path.open

    def open_full(path, mode="r", *arguments, **options):
        if mode != "wb":
            return opened(path, mode, *arguments, **options)
        if moment == "open":
            raise full
        return Full(opened(path, mode, *arguments, **options))

    monkeypatch.setattr(Path, "open", open_full)
    if moment == "rename":
        monkeypatch.setattr(os, "replace", lambda *paths: (_ for _ in ()).throw(full))

    def write():
        with memmap.Writer(tmp_path / "a", ROWS, {}) as one:
            one.append(np.zeros(3, ROWS))
            mark = one.mark
            one.append(np.zeros(3, ROWS))
            one.rewind(mark)
            one.finish({})

    with pytest.raises(memmap.UnwritableStoreError, match="No space left"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_while_recordings_are_read_leaves_nothing(tmp_path, monkeypatch):
    fill(tmp_path)
    append = memmap.Writer.append

    def interrupt(writer, rows):
        append(writer, rows)
        raise KeyboardInterrupt

    monkeypatch.setattr(memmap.Writer, "append", interrupt)
    with pytest.raises(KeyboardInterrupt):
        wb.load(tmp_path)
    assert [path.name for path in (tmp_path / ".workbench").iterdir() if "-extents-" not in path.name] == []


def test_a_damaged_recording_on_a_full_disk_is_told_as_damage(tmp_path, monkeypatch):
    """The file aside cannot be closed cleanly either; the true reason is the one that is told."""
    fill(tmp_path)
    (tmp_path / "left" / "3.npy").write_bytes(b"no array")
    with pytest.raises(ValueError, match=r"3\.npy"):
        wb.load(tmp_path, sensor=(8, 8), window_us=10_000, clock="own")


def test_measured_extents_says_what_it_is():
    with pytest.raises(ValueError, match=r"MeasuredExtents\(sensor=\(0, 8\), .*\) cannot be: sizes are whole numbers"):
        extents.MeasuredExtents((0, 8), 3, "own")


def test_no_warning_where_all_is_well(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert held(wb.load(fill(tmp_path))) == held(wb.load(tmp_path))
