"""Recordings behind a URL are those of the folder that is there, copied while they are read and then removed."""

from __future__ import annotations

import pickle
import sys
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cloudpickle
import fsspec
import numpy as np
import pytest

import workbench as wb
from workbench.events.event_arrays import EVENTS
from workbench.events.remote_files import AHEAD, CopiesAhead, RemoteFolder
from workbench.events.storage import preprocessing

FIELDS = ("time_us", "site", "starts", "labels", "origins")


def some_events(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    events = np.zeros(40, dtype=EVENTS)
    events["t"], events["p"] = np.sort(rng.integers(0, 10_000, 40)), rng.integers(0, 2, 40)
    events["y"], events["x"] = rng.integers(0, 8, (2, 40))
    return events


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A set here, with things in it that are no recordings."""
    for label, kind in enumerate(("train/left", "train/right", "test/left", "test/right")):
        (tmp_path / "set" / kind).mkdir(parents=True)
        for number in (1, 2, 10, 11, 12):
            np.save(tmp_path / "set" / kind / f"{number}.npy", some_events(100 * label + number))
    (tmp_path / "set" / "README.txt").write_text("notes")
    (tmp_path / "set" / ".hidden.npy").write_text("no recording")
    return tmp_path / "set"


@pytest.fixture
def in_memory(folder: Path) -> Iterator[str]:
    """The URL of the same set in fsspec's own memory, as an object store would hold it."""
    store = fsspec.filesystem("memory")
    store.put(str(folder), "/bucket/set", recursive=True)
    yield "memory://bucket/set"
    store.rm("/bucket", recursive=True)


@pytest.fixture
def served(folder: Path) -> Iterator[str]:
    """The URL of the same set on a web server."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder.parent))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/set"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where copies lie while they are read."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return tmp_path / "temporary"


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def require_same(one: wb.Dataset, other: wb.Dataset) -> None:
    assert one.classes == other.classes
    for ours, theirs in ((one.train, other.train), (one.test, other.test)):
        for field in FIELDS:
            np.testing.assert_array_equal(getattr(ours, field), getattr(theirs, field))


@pytest.mark.parametrize("options", [{}, {"window_us": 2_500}, {"sensor": (9, 9), "window_us": 10_000, "clock": "own"}])
def test_a_set_in_a_store_is_the_one_in_the_folder(folder, in_memory, tmp_path, temporary, options):
    found = wb.load(in_memory, tmp_path, **options)
    expected = wb.load(folder, **options)
    require_same(found, expected)
    assert found.name == "set"
    assert found.split == expected.split
    assert files(temporary) == []


def test_a_set_on_a_web_server_is_the_one_in_the_folder_and_is_not_kept_for_want_of_versions(folder, served, tmp_path):
    found = wb.load(served, tmp_path)
    require_same(found, wb.load(folder))
    words = f"20 recordings carry no version at {served}, so that nothing is kept of them"
    assert found.split.endswith(words)
    assert not (tmp_path / ".workbench").exists()


def test_the_second_load_copies_nothing_until_a_file_changes(in_memory, tmp_path, monkeypatch):
    first = wb.load(in_memory, tmp_path)
    copied: list[str] = []
    copy = RemoteFolder.copy
    monkeypatch.setattr(RemoteFolder, "copy", lambda *given: copied.append(given[1]) or copy(*given))
    with monkeypatch.context() as patched:
        patched.setattr(preprocessing, "prepare_all", None)
        require_same(wb.load(in_memory, tmp_path), first)
    assert copied == []
    with fsspec.open(f"{in_memory}/train/left/1.npy", "wb") as file:
        np.save(file, some_events(999))
    changed = wb.load(in_memory, tmp_path)
    assert changed.train[0].tolist() == some_events(999).tolist()
    late = wb.load(in_memory, tmp_path, cache="index").train
    copied.clear()
    assert late[7].tolist() == first.train[7].tolist()
    assert len(copied) == 1, "in any order nothing is copied ahead"


@pytest.mark.parametrize("place", ["in_memory", "served"])
def test_one_file_is_read_streamed_and_measured_by_its_url(request, place, folder, temporary):
    url = f"{request.getfixturevalue(place)}/train/left/10.npy"
    local = folder / "train" / "left" / "10.npy"
    assert wb.formats.read(url).tolist() == wb.formats.read(local).tolist()
    blocks = list(wb.formats.stream(url, events=7))
    assert [len(block) for block in blocks] == [7] * 5 + [5]
    assert np.concatenate(blocks).tolist() == some_events(10).tolist()
    assert wb.formats.sensor(url) is None
    assert files(temporary) == []


def test_copies_run_ahead_in_order_and_are_never_more_than_asked_for(in_memory, temporary):
    names = [f"train/left/{number}.npy" for number in (1, 2, 10, 11, 12)]
    copies = CopiesAhead(RemoteFolder(in_memory), names, ahead=3)
    most = 0
    for number, name in zip((1, 2, 10, 11, 12), names, strict=True):
        with copies.take(name) as path:
            assert path.name == f"{number}.npy"
            assert np.load(path).tolist() == some_events(number).tolist()
            most = max(most, len(files(temporary)))
    assert most <= 3 < AHEAD
    with copies.take(names[0]) as path:  # those that were ahead at the end, or again from the beginning
        assert np.load(path).tolist() == some_events(1).tolist()
    with copies.take(names[4]):  # what was ahead of the first is dropped
        pass
    copies._threads.shutdown()
    assert files(temporary) == []
    del copies
    assert list(temporary.iterdir()) == []


def test_a_broken_file_is_named_by_its_url_and_can_be_left_out(in_memory, tmp_path, temporary):
    with fsspec.open(f"{in_memory}/test/right/2.npy", "wb") as file:
        file.write(b"broken")
    with pytest.raises(wb.formats.DamagedFile, match=rf"^{in_memory}/test/right/2.npy begins with b'broken' at byte 0"):
        wb.load(in_memory, tmp_path)
    with pytest.warns(UserWarning, match=rf"1 of 20 .* damaged and left out; the first: {in_memory}/test/right/2.npy"):
        found = wb.load(in_memory, tmp_path, on_error="skip", window_us=10_000, sensor=(9, 9), clock="own")
    assert len(found.test) == 9
    with pytest.raises(wb.formats.DamagedFile, match=rf"^{in_memory}/test/right/2.npy begins"):
        wb.formats.read(f"{in_memory}/test/right/2.npy")
    assert files(temporary) == []


def test_what_cannot_be_reached_is_refused_by_its_url(in_memory, served):
    with pytest.raises(FileNotFoundError, match=r"nothing is at memory://bucket/set/none.npy; mend the URL"):
        wb.formats.read("memory://bucket/set/none.npy")
    with pytest.raises(FileNotFoundError, match=rf"nothing is at {served}/none.npy"):
        wb.formats.read(f"{served}/none.npy")
    with pytest.raises(ValueError, match=r"foo://bucket/set: Protocol not known: foo; give a path, or a URL such as"):
        wb.load("foo://bucket/set")
    with pytest.raises(OSError, match=r"http://127.0.0.1:9/one.npy cannot be read \(ClientConnector.*\); try again"):
        wb.formats.read("http://127.0.0.1:9/one.npy")
    with pytest.raises(ValueError, match=r"memory://bucket/nothing is no data set: no folder in it holds recordings"):
        wb.load("memory://bucket/nothing")
    with pytest.raises(ValueError, match="has no use for labels="):
        wb.load(in_memory, labels=[1])


def test_a_store_whose_package_is_missing_is_named_with_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(ImportError, match=r"^s3://bucket/one.npy: Install s3fs to access S3"):
        wb.formats.read("s3://bucket/one.npy")


def test_recordings_behind_a_url_are_read_late_by_another_process_too(in_memory, tmp_path, temporary):
    late = wb.load(in_memory, tmp_path, cache="index").train
    again = pickle.loads(cloudpickle.dumps(late))
    np.testing.assert_array_equal(again.as_ticks(), late.as_ticks())
    for recordings in (late, again):
        clips = recordings.time_us.sources._reader._clips
        assert len(clips) == 10
