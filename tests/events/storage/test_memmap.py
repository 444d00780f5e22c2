"""Rows on disk: what comes back, what is checked, and what two writers do to each other."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.many_threads import run_at_once
from workbench.events.storage.memmap import DamagedStoreError, UnwritableStoreError, Writer, open_rows

ROWS = np.dtype([("time_us", "<i4"), ("site", "<i4")])
SETTINGS = {"window": 3, "words": "a"}


def rows(seed: int, count: int = 50) -> np.ndarray:
    found = np.empty(count, dtype=ROWS)
    rng = np.random.default_rng(seed)
    found["time_us"], found["site"] = rng.integers(0, 1000, (2, count))
    return found


def write(path: Path, *parts: np.ndarray) -> Path:
    with Writer(path, ROWS, SETTINGS) as writer:
        for part in parts:
            writer.append(part)
        writer.finish({"starts": [0, 50]})
    return path


@pytest.mark.parametrize("parts", [[], [rows(0)], [rows(0), rows(1, 0), rows(2, 7)]])
def test_what_is_written_comes_back(tmp_path, parts):
    found, notes = open_rows(write(tmp_path / "deep" / "a.events", *parts), ROWS, SETTINGS)
    np.testing.assert_array_equal(found, np.concatenate([rows(0, 0), *parts]))
    assert notes == {"starts": [0, 50]}
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.events"]


def test_it_is_mapped_not_read(tmp_path):
    found, _ = open_rows(write(tmp_path / "a.events", rows(0)), ROWS, SETTINGS)
    assert isinstance(found, np.memmap)
    assert not found.flags.writeable


def test_a_writer_goes_back_to_a_mark(tmp_path):
    with Writer(tmp_path / "a", ROWS, SETTINGS) as writer:
        writer.append(rows(0))
        mark = writer.mark
        writer.append(rows(1, 9))
        writer.rewind(mark)
        writer.append(rows(2, 3))
        writer.finish({})
    np.testing.assert_array_equal(open_rows(tmp_path / "a", ROWS, SETTINGS)[0], np.concatenate([rows(0), rows(2, 3)]))


def test_every_flipped_byte_and_every_cut_is_noticed(tmp_path):
    whole = write(tmp_path / "a", rows(0, 5)).read_bytes()
    broken = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole))]
    broken += [whole[:end] for end in range(len(whole))]
    for raw in broken:
        (tmp_path / "a").write_bytes(raw)
        with pytest.raises((DamagedStoreError, ValueError, KeyError)):
            open_rows(tmp_path / "a", ROWS, SETTINGS)


def test_other_settings_are_no_match(tmp_path):
    path = write(tmp_path / "a", rows(0))
    with pytest.raises(DamagedStoreError, match="other settings"):
        open_rows(path, ROWS, SETTINGS | {"window": 4})


def test_nothing_is_there_until_all_is_there(tmp_path):
    def stop() -> None:
        with Writer(tmp_path / "a", ROWS, SETTINGS) as writer:
            writer.append(rows(0))
            assert not (tmp_path / "a").exists()
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        stop()
    assert list(tmp_path.iterdir()) == []


def test_writers_of_one_store_do_not_disturb_each_other(tmp_path):
    parts = [rows(seed, 20_000) for seed in range(4)]

    def work() -> None:
        for _ in range(5):
            write(tmp_path / "a", *parts)
            found, _ = open_rows(tmp_path / "a", ROWS, SETTINGS)
            np.testing.assert_array_equal(found, np.concatenate(parts))

    run_at_once(work, 4)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_that_is_none_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UnwritableStoreError, match="file"), Writer(tmp_path / "file" / "a", ROWS, SETTINGS):
        pass


def test_a_store_without_its_last_page_is_not_left(tmp_path):
    with (
        pytest.raises(RuntimeError, match="a is left without its last page; call finish"),
        Writer(tmp_path / "a", ROWS, SETTINGS) as writer,
    ):
        writer.append(rows(0))
    assert list(tmp_path.iterdir()) == []
