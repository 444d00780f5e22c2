"""Recordings that are read from their files whenever they are asked for are those that are kept."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest

import workbench as wb
from tests.support.many_threads import run_at_once
from workbench.events import augment
from workbench.events.event_arrays import EVENTS
from workbench.events.storage import on_demand, shards

FIELDS = ("time_us", "site", "starts", "labels", "origins")
OPTIONS: dict[str, dict[str, Any]] = {
    "whole": {"window_us": 10_000},
    "windows": {"window_us": 2_500},
    "first windows": {"window_us": 3_000, "slices": "first"},
    "transforms": {"transforms": [wb.transforms.Drop(0.3), wb.transforms.Shift(2)], "window_us": 4_000},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for label, kind in enumerate(("train/left", "train/right", "test/left", "test/right")):
        (tmp_path / "set" / kind).mkdir(parents=True)
        for number in range(6):
            rng = np.random.default_rng([label, number])
            events = np.zeros(int(rng.integers(1, 200)), dtype=EVENTS)
            events["t"], events["p"] = np.sort(rng.integers(0, 10_000, len(events))), rng.integers(0, 2, len(events))
            events["y"], events["x"] = rng.integers(0, 8, (2, len(events)))
            np.save(tmp_path / "set" / kind / f"{number}.npy", events)
    return tmp_path / "set"


@pytest.mark.parametrize("clips", [4, 100])
@pytest.mark.parametrize("options", OPTIONS)
def test_they_are_the_same_recordings_and_only_an_index_is_kept(folder, monkeypatch, options, clips):
    given = {"sensor": (8, 8), "clock": "own", **OPTIONS[options]}
    plain = wb.load(folder, cache=False, **given)
    monkeypatch.setattr(shards, "CLIPS", clips)
    late = wb.load(folder, cache="index", **given)
    kept = list((folder / ".workbench").glob("*.events"))
    assert len(kept) == 2 * -(-12 // clips)
    assert all("-index-" in path.name and path.stat().st_size < 2_000 for path in kept)
    monkeypatch.setattr(on_demand, "prepare_all", None)  # would look through the recordings
    again = wb.load(folder, cache="index", **given)
    for found in (late, again):
        assert found.split == plain.split
        for ours, theirs in ((found.train, plain.train), (found.test, plain.test)):
            for field in FIELDS:
                np.testing.assert_array_equal(getattr(ours, field), getattr(theirs, field))
            np.testing.assert_array_equal(ours[::2].as_ticks(), theirs[::2].as_ticks())
            assert ours.left_out == theirs.left_out


@pytest.mark.parametrize("most", [0, 200, 1 << 22])
def test_a_training_on_them_is_the_one_in_memory_however_little_is_held(folder, monkeypatch, most):
    network = wb.architectures.toy_network((2, 8, 8), 2)
    monkeypatch.setattr(on_demand, "MOST_EVENTS", most)
    histories = []
    for cache in (False, "index"):
        dataset = wb.load(folder, sensor=(8, 8), window_us=5_000, clock="own", cache=cache)
        options: dict[str, Any] = {"epochs": 2, "batch": 5, "patience": 1, "augment": [wb.transforms.Drop(0.2)]}
        _, history = wb.train(wb.Model(network, seed=1), dataset.train, progress=False, **options)
        histories.append(history)
    assert histories[0].equals(histories[1])


def test_threads_read_them_at_the_same_time(folder):
    late = wb.load(folder, sensor=(8, 8), window_us=2_500, clock="own", cache="index").train
    expected = wb.load(folder, sensor=(8, 8), window_us=2_500, clock="own", cache=False).train.as_ticks()

    def look() -> None:
        for seed in range(5):
            chosen = np.random.default_rng(seed).permutation(len(late))
            np.testing.assert_array_equal(late.as_ticks(chosen), expected[:, chosen])

    run_at_once(look, 4)


def test_no_more_is_held_than_the_last_recordings(folder, monkeypatch):
    monkeypatch.setattr(on_demand, "MOST_EVENTS", 300)
    late = wb.load(folder, sensor=(8, 8), window_us=10_000, clock="own", cache="index").train
    reader = late.time_us.sources._reader
    for number in range(len(late)):
        augment(late, np.array([number, number]), [], [0])
        held = reader._count_held()
        assert held <= max(300, int(np.diff(late.starts)[number]))
    assert set(reader._held) < set(range(12))


def test_printing_them_reads_nothing(folder, monkeypatch):
    late = wb.load(folder, sensor=(8, 8), window_us=10_000, clock="own", cache="index")
    monkeypatch.setattr(on_demand.ClipReader, "read", None)
    assert "events are read from their files when they are asked for" in repr(late)
    assert "events are read from their files" in repr(late.train[:3])


def test_a_file_that_has_changed_since_is_named(folder):
    late = wb.load(folder, sensor=(8, 8), window_us=10_000, clock="own", cache="index").train
    path = folder / "train" / "left" / "2.npy"
    np.save(path, np.load(path)[:0])
    with pytest.raises(ValueError, match=r"2.npy holds no events; get the file again, or take it out"):
        late[2]
    np.save(path, np.zeros(777, EVENTS))
    with pytest.raises(ValueError, match=r"2.npy has changed since the set was loaded; load it again"):
        late[2]


def test_damaged_recordings_and_indexes_are_told(folder):
    (folder / "train" / "left" / "3.npy").write_bytes(b"broken")
    given: dict[str, Any] = {"sensor": (8, 8), "window_us": 10_000, "clock": "own", "cache": "index"}
    with pytest.raises(wb.formats.DamagedFile, match=r"3\.npy"):
        wb.load(folder, **given)
    with pytest.warns(UserWarning, match="1 of 24 recordings are damaged and left out"):
        found = wb.load(folder, on_error="skip", **given)
    assert found.train.origins.tolist() == [0, 1, 2, *range(4, 12)]
    (folder / "train" / "left" / "3.npy").unlink()
    before = set((folder / ".workbench").iterdir())  # under the other settings
    wb.load(folder, **given)
    (path,) = (path for path in set((folder / ".workbench").iterdir()) - before if "-test-index-" in path.name)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.warns(UserWarning, match=f"{path.name} is damaged .* looked through again"):
        wb.load(folder, **given)


def test_what_cannot_be_late_is_refused(folder, tmp_path):
    with pytest.raises(ValueError, match="cache is 'late'; give True, False or 'index'"):
        wb.load(folder, cache="late")
    with pytest.raises(ValueError, match="digits has no use for cache='index'; leave it out"):
        wb.load("digits", tmp_path, cache="index")


def test_sent_to_another_process_they_are_read_there(folder):
    late = wb.load(folder, sensor=(8, 8), window_us=5_000, clock="own", cache="index").train
    late.as_ticks()
    raw = cloudpickle.dumps(late)
    assert len(raw) < 200_000
    again = pickle.loads(raw)
    assert again.time_us.is_late
    np.testing.assert_array_equal(again.as_ticks(), late.as_ticks())


def test_several_processes_learn_from_them_what_one_learns_in_memory(folder):
    network = wb.architectures.toy_network((2, 8, 8), 2)
    given: dict[str, Any] = {"sensor": (8, 8), "window_us": 10_000, "clock": "own"}
    found = []
    for cache, fabric in ((False, None), ("index", 2)):
        dataset = wb.load(folder, cache=cache, **given)
        model = wb.Model(network, seed=1).double()
        _, history = wb.train(model, dataset.train, epochs=2, batch=4, progress=False, fabric=fabric)
        found.append(history)
    np.testing.assert_allclose(found[0]["loss"], found[1]["loss"], rtol=1e-12)
