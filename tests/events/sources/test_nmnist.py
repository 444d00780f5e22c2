"""Reading N-MNIST from its own layout; the files are written here, independently of any reader."""

import struct

import numpy as np
import pytest

from workbench.events import formats, load
from workbench.events.sources.nmnist import SENSOR


def write(path, events):
    """Five bytes an event: x, y, polarity bit and 23 bits of time, big-endian."""
    path.parent.mkdir(parents=True, exist_ok=True)
    five = (struct.pack(">BBBH", x, y, p << 7 | t >> 16, t & 0xFFFF) for x, y, t, p in events)
    path.write_bytes(b"".join(five))
    return path


def some_events(rng, count=50):
    times = np.sort(rng.integers(0, 315_000, count))
    return [(int(rng.integers(34)), int(rng.integers(34)), int(t), int(rng.integers(2))) for t in times]


@pytest.fixture
def root(tmp_path):
    rng = np.random.default_rng(0)
    for part, digits in (("Train", "0037"), ("Test", "39")):
        for i, digit in enumerate(digits):
            write(tmp_path / "NMNIST" / part / digit / f"{i:05d}.bin", some_events(rng))
    return tmp_path / "NMNIST"


def test_a_part_of_the_set_is_read(root):
    dataset = load("n-mnist", root, frames=6, ticks_per_frame=5)
    assert dataset.train.labels.tolist() == [0, 0, 3, 7]
    assert dataset.test.labels.tolist() == [3, 9]
    late = sum(int((events["t"] >= 300_000).sum()) for part in (dataset.train, dataset.test) for events in part)
    outside = f"; {late} events lie outside the windows and are not binned"
    assert dataset.split == f"official folders Train and Test; 6 of 70,000 recordings{outside}"
    assert late == dataset.left_out > 0
    assert (dataset.shape, dataset.window_us, dataset.frames) == ((2, 34, 34), 300_000, 6)
    assert dataset.classes == tuple("0123456789")
    inside = sum((one["t"] < 300_000).sum() for one in dataset.train)
    assert dataset.train.as_ticks().sum() == inside < 200


def test_its_folder_its_parent_and_other_spellings_will_do(root):
    parent = root.parent
    expected = load("n-mnist", root).train[0]
    np.testing.assert_array_equal(load("n-mnist", parent).train[0], expected)
    root.rename(parent / "N-MNIST-part")
    np.testing.assert_array_equal(load("n-mnist", str(parent)).train[0], expected)


def test_events_are_read_exactly(tmp_path):
    events = [(0, 33, 0, 1), (33, 0, 70_000, 0), (1, 2, 2**23 - 1, 1), (1, 2, 2**23 - 1, 0)]
    read = formats.read(write(tmp_path / "one.bin", events), SENSOR)
    assert read.tolist() == [(x, y, t, bool(p)) for x, y, t, p in events]


def test_damaged_files_are_named_with_the_byte(root):
    path = root / "Train" / "3" / "00002.bin"
    whole = path.read_bytes()
    path.write_bytes(whole[:-2])
    with pytest.raises(ValueError, match=r"00002.bin ends within an event, at byte 245 \(248 bytes"):
        load("n-mnist", root)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"00002.bin is empty, at byte 0 .* get the file again"):
        load("n-mnist", root)
    write(path, [(1, 1, 5, 0), (1, 34, 6, 0)])
    with pytest.raises(ValueError, match=r"00002.bin has x = 1, y = 34 at byte 5, outside 34 x 34; get"):
        load("n-mnist", root)
    write(path, [(1, 1, 5, 0), (1, 1, 6, 0), (1, 1, 4, 0)])
    with pytest.raises(ValueError, match=r"00002.bin runs backwards in time at byte 10, from 6 to 4 us; get"):
        load("n-mnist", root)


def test_overflow_marks_do_not_shift_the_bytes_named(tmp_path):
    path = write(tmp_path / "one.bin", [(1, 1, 5, 0), (0, 240, 6, 0), (34, 1, 7, 0)])
    with pytest.raises(ValueError, match="x = 34, y = 1 at byte 10"):
        formats.read(path, SENSOR)


def test_missing_folders_are_named(root, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no N-MNIST in .*nowhere; give root=.*Train/<digit>/\*.bin"):
        load("n-mnist", tmp_path / "nowhere")
    (root / "Test").rename(root / "Later")
    with pytest.raises(ValueError, match=r"NMNIST has no folder Test; n-mnist needs Train/<digit>/\*.bin"):
        load("n-mnist", root)
    (root / "Test").mkdir()
    with pytest.raises(ValueError, match=r"Test holds no .bin file; n-mnist needs"):
        load("n-mnist", root)


def test_unknown_classes_and_several_sets_are_refused(root, tmp_path):
    (root / "Train" / ".hidden").mkdir()
    (root / "Train" / "readme.txt").write_text("not looked at")
    load("n-mnist", root)
    (root / "Train" / "ten").mkdir()
    with pytest.raises(ValueError, match=r"ten is not a class; the folders of .*Train are called 0 to 9"):
        load("n-mnist", root)
    (tmp_path / "nmnist-copy" / "Train").mkdir(parents=True)
    with pytest.raises(ValueError, match="holds several: NMNIST, nmnist-copy; give one of them as root"):
        load("n-mnist", tmp_path)
