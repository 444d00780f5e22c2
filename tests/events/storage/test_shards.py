"""Data sets in shards: the same recordings however many there are, and only what is missing is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import workbench as wb
from workbench.events import augment
from workbench.events.event_arrays import EVENTS
from workbench.events.pieced_column import PiecedColumn
from workbench.events.storage import preprocessing, shards

FIELDS = ("time_us", "site", "starts", "labels", "origins")
OPTIONS: dict[str, dict[str, Any]] = {
    "whole": {},
    "windows": {"window_us": 2_500},
    "first windows": {"window_us": 3_000, "slices": "first"},
    "transforms": {"transforms": [wb.transforms.Drop(0.3), wb.transforms.Shift(2)], "window_us": 4_000},
}


def fill(root: Path, count: int = 9) -> Path:
    for label, kind in enumerate(("train/left", "train/right", "test/left", "test/right")):
        (root / kind).mkdir(parents=True)
        for number in range(count):
            rng = np.random.default_rng([label, number])
            events = np.zeros(int(rng.integers(1, 200)), dtype=EVENTS)
            events["t"], events["p"] = np.sort(rng.integers(0, 10_000, len(events))), rng.integers(0, 2, len(events))
            events["y"], events["x"] = rng.integers(0, 8, (2, len(events)))
            np.save(root / kind / f"{number}.npy", events)
    return root


def require_same(one: wb.Dataset, other: wb.Dataset) -> None:
    assert one.split == other.split
    for ours, theirs in ((one.train, other.train), (one.test, other.test)):
        for field in FIELDS:
            np.testing.assert_array_equal(getattr(ours, field), getattr(theirs, field))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The first clips of the shards that were read from recordings."""
    found: list[int] = []
    plain = preprocessing.prepare_all

    def prepare(clips: Any, preparation: Any, sink: Any, bar: Any, first: int) -> dict[str, Any]:
        found.append(first)
        return plain(clips, preparation, sink, bar, first)

    monkeypatch.setattr(preprocessing, "prepare_all", prepare)
    return found


@pytest.mark.parametrize("clips", [1, 4, 18, 100])
@pytest.mark.parametrize("options", OPTIONS)
def test_shards_of_any_size_give_the_same_recordings(tmp_path, monkeypatch, read, options, clips):
    folder, given = fill(tmp_path / "set"), {"sensor": (8, 8), **OPTIONS[options]}
    plain = wb.load(folder, cache=False, **given)
    monkeypatch.setattr(shards, "CLIPS", clips)
    read.clear()
    first = wb.load(folder, **given)
    parts = -(-18 // clips)
    assert len(read) == 2 * parts
    second = wb.load(folder, **given)
    assert len(read) == 2 * parts, "the second load reads none"
    for found in (first, second):
        require_same(found, plain)
        assert isinstance(found.train.time_us, PiecedColumn if parts > 1 else np.memmap)


@pytest.mark.parametrize("seed", range(12))
def test_what_is_done_with_mapped_recordings_is_done_as_in_memory(tmp_path, monkeypatch, seed):
    rng = np.random.default_rng(seed)
    folder = fill(tmp_path / "set")
    held = wb.load(folder, sensor=(8, 8), frames=4, ticks_per_frame=2, cache=False).train
    monkeypatch.setattr(shards, "CLIPS", int(rng.integers(1, 20)))
    mapped = wb.load(folder, sensor=(8, 8), frames=4, ticks_per_frame=2).train
    for _ in range(2):
        chosen = rng.permutation(len(held))[: int(rng.integers(2, len(held)))]
        held, mapped = held[chosen], mapped[chosen]
        assert isinstance(mapped.time_us, PiecedColumn)
        for field in FIELDS:
            np.testing.assert_array_equal(getattr(mapped, field), getattr(held, field))
        np.testing.assert_array_equal(mapped.as_ticks(), held.as_ticks())
        assert (mapped.left_out, repr(mapped)) == (held.left_out, repr(held))
        assert mapped[0].tolist() == held[0].tolist()
        with pytest.raises(ValueError, match="read-only"):
            mapped.starts[0] = 1
    changed = [
        augment(one, np.array([0, 1, 0]), [wb.transforms.Drop(0.5)], [seed]).recordings for one in (held, mapped)
    ]
    np.testing.assert_array_equal(changed[0].as_ticks(), changed[1].as_ticks())
    with pytest.raises(ValueError, match="no recordings; give at least one"):
        mapped[[]]


def test_a_training_on_mapped_recordings_is_the_one_in_memory(tmp_path, monkeypatch):
    folder = fill(tmp_path / "set")
    network = wb.architectures.toy_network((2, 8, 8), 2)
    options: dict[str, Any] = {"epochs": 2, "batch": 5, "patience": 1, "progress": False}
    histories = []
    for cache in (False, True):
        monkeypatch.setattr(shards, "CLIPS", 5)
        dataset = wb.load(folder, sensor=(8, 8), cache=cache)
        _, history = wb.train(wb.Model(network, seed=1), dataset.train, **options)
        histories.append(history)
    assert histories[0].equals(histories[1])


def test_an_interrupted_load_goes_on_with_the_shards_that_are_missing(tmp_path, monkeypatch, read):
    folder = fill(tmp_path / "set")
    plain = wb.load(folder, sensor=(8, 8), window_us=10_000, cache=False)
    monkeypatch.setattr(shards, "CLIPS", 4)
    monkeypatch.setattr(shards, "_begin_apart", list)
    load = preprocessing.prepare_all

    def interrupt(clips: Any, preparation: Any, sink: Any, bar: Any, first: int) -> dict[str, Any]:
        if first == 12:
            raise KeyboardInterrupt
        return load(clips, preparation, sink, bar, first)

    read.clear()
    with monkeypatch.context() as patched:
        patched.setattr(preprocessing, "prepare_all", interrupt)
        with pytest.raises(KeyboardInterrupt):
            wb.load(folder, sensor=(8, 8), window_us=10_000)
    assert read == [0, 4, 8]
    read.clear()
    require_same(wb.load(folder, sensor=(8, 8), window_us=10_000), plain)
    assert read == [12, 16, 0, 4, 8, 12, 16]


def test_only_the_shard_of_a_changed_file_is_read_again(tmp_path, monkeypatch, read):
    folder = fill(tmp_path / "set")
    monkeypatch.setattr(shards, "CLIPS", 4)
    wb.load(folder, sensor=(8, 8), window_us=10_000)
    path = folder / "train" / "left" / "5.npy"
    events = np.load(path)[:1]
    np.save(path, events)
    read.clear()
    found = wb.load(folder, sensor=(8, 8), window_us=10_000)
    assert read == [4]
    assert found.train[5].tolist() == events.tolist()


def test_a_damaged_shard_alone_is_made_anew(tmp_path, monkeypatch, read):
    folder = fill(tmp_path / "set")
    plain = wb.load(folder, sensor=(8, 8), window_us=10_000, cache=False)
    monkeypatch.setattr(shards, "CLIPS", 4)
    wb.load(folder, sensor=(8, 8), window_us=10_000)
    path = sorted((folder / ".workbench").glob("set-train-*.events"))[2]
    path.write_bytes(path.read_bytes()[:-1])
    read.clear()
    with pytest.warns(UserWarning, match=f"{path.name} is damaged .* the recordings are read again"):
        found = wb.load(folder, sensor=(8, 8), window_us=10_000)
    assert len(read) == 1
    require_same(found, plain)


def test_processes_begin_at_shards_of_their_own_and_find_the_same(tmp_path, monkeypatch):
    folder = fill(tmp_path / "set")
    plain = wb.load(folder, sensor=(8, 8), window_us=10_000, cache=False)
    monkeypatch.setattr(shards, "CLIPS", 4)
    begins = set()
    for number in range(12):
        monkeypatch.setattr(shards.os, "getpid", lambda number=number: number)
        order = shards._begin_apart(range(0, 18, 4))
        assert sorted(order) == [0, 4, 8, 12, 16]
        begins.add(order[0])
        for path in (folder / ".workbench").glob("*.events"):
            path.unlink()
        require_same(wb.load(folder, sensor=(8, 8), window_us=10_000), plain)
    assert len(begins) > 2


def test_what_was_left_out_or_sorted_is_told_of_all_shards(tmp_path, monkeypatch):
    folder = fill(tmp_path / "set")
    for number in (1, 6, 8):
        (folder / "train" / "left" / f"{number}.npy").write_bytes(b"broken")
    monkeypatch.setattr(shards, "CLIPS", 4)
    with pytest.warns(UserWarning, match=r"3 of 36 recordings are damaged and left out"):
        found = wb.load(folder, sensor=(8, 8), window_us=10_000, on_error="skip")
    assert found.split.endswith("3 damaged left out")
    assert found.train.origins.tolist() == [0, 2, 3, 4, 5, 7, *range(9, 18)]
