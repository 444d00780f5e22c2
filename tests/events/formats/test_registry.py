"""Event files of every format read back, event by event; the writers know nothing of the readers."""

import struct

import numpy as np
import pytest

from tests.support import event_writers as writers
from tests.support.event_fuzzer import recording
from workbench.events import formats
from workbench.events.event_arrays import EVENTS
from workbench.events.formats.npy import read_gesture

# suffix, writer, (width, height, largest step in us), what sensor() tells
CASES = {
    "bin": (".bin", writers.nmnist, (34, 34, 9_000), None),
    "bin overflowing": (".bin", writers.nmnist, (34, 34, 400_000), None),
    "aedat2": (".aedat", writers.aedat2, (128, 128, 9_000), (128, 128)),
    "aedat2 turning": (".aedat", writers.aedat2, (128, 128, 2**30), (128, 128)),
    "aedat2 between": (".aedat", lambda events: writers.aedat2(events, between=True), (128, 128, 300), (128, 128)),
    "aedat2 davis240": (".aedat", lambda events: writers.aedat2(events, "240", True), (240, 180, 300), (180, 240)),
    "aedat2 davis346": (".aedat", lambda events: writers.aedat2(events, "346", True), (346, 260, 300), (260, 346)),
    "aedat3": (".aedat", writers.aedat3, (128, 128, 9_000), (128, 128)),
    "aedat3 turning": (".aedat", lambda events: writers.aedat3(events, 7), (128, 128, 2**29), (128, 128)),
    "aedat3 others": (".aedat", lambda events: writers.aedat3(events, 5, others=True), (128, 128, 99), (128, 128)),
    "aedat3 invalid": (".aedat", lambda events: writers.aedat3(events, 9, invalid=3), (128, 128, 99), (128, 128)),
    "aedat3 no end": (".aedat", lambda events: writers.aedat3(events, end=False), (128, 128, 99), (128, 128)),
    "aedat3 davis": (
        ".aedat",
        lambda events: writers.aedat3(events, header="#!AER-DAT3.1\r\n#Source 1: DAVIS640\r\n"),
        (640, 480, 99),
        None,
    ),
    "aedat4": (".aedat4", writers.aedat4, (346, 260, 9_000), (260, 346)),
    "aedat4 table": (".aedat4", lambda events: writers.aedat4(events, table=True), (346, 260, 9_000), (260, 346)),
    "aedat4 others": (
        ".aedat4",
        lambda events: writers.aedat4(events, packet=3, others=True),
        (346, 260, 99),
        (260, 346),
    ),
    "aedat4 lz4": (".aedat4", lambda events: writers.aedat4_compressed(events, 1), (346, 260, 9_000), (260, 346)),
    "aedat4 zstandard": (".aedat4", lambda events: writers.aedat4_compressed(events, 3), (346, 260, 9_000), (260, 346)),
    "dat": (".dat", writers.dat, (2**14, 2**14, 9_000), None),
    "dat turning": (".dat", writers.dat, (304, 240, 2**30), None),
    "dat sized": (
        ".dat",
        lambda events: writers.dat(events, "% Version 2\r\n% Height 240\r\n% Width 304\r\n", b"\x0c\x08"),
        (304, 240, 9_000),
        (240, 304),
    ),
    "evt2": (".raw", writers.evt2, (1280, 720, 9_000), (720, 1280)),
    "evt2 turning": (".raw", lambda events: writers.evt2(events, others=True), (1280, 720, 2**33), (720, 1280)),
    "evt2 crlf": (".raw", lambda events: writers.evt2(events, "% evt 2.0\r\n% x\r\n"), (2048, 2048, 9_000), None),
    "evt3": (".raw", writers.evt3, (1280, 720, 9_000), (720, 1280)),
    "evt3 single": (".raw", lambda events: writers.evt3(events, vectors=False), (1280, 720, 9_000), (720, 1280)),
    "evt3 turning": (".raw", writers.evt3, (1280, 720, 2**23), (720, 1280)),
    "evt3 dense": (".raw", lambda events: writers.evt3(sorted(events, key=row), others=True), (99, 2, 3), (720, 1280)),
    "evt3 crlf": (
        ".raw",
        lambda events: writers.evt3(events, "% format EVT3;height=720;width=1280\r\n"),
        (1280, 720, 99),
        (720, 1280),
    ),
    "npy": (".npy", writers.npy, (1280, 720, 9_000), None),
    "npy floats": (
        ".npy",
        lambda events: writers.npy(events, {"x": "<f4", "y": "<i2", "t": "<f8", "p": "|i1"}, "ptyx"),
        (1280, 720, 9_000),
        None,
    ),
    "npy unsigned": (
        ".npy",
        lambda events: writers.npy(events, {"x": "<u4", "y": "<u8", "t": "<u8", "p": "|u1"}, "txyp"),
        (1280, 720, 2**40),
        None,
    ),
    "npz": (".npz", writers.npz, (1280, 720, 9_000), None),
    "npz stored": (
        ".npz",
        lambda events: writers.npz(events, ("xs", "ys", "timestamps", "polarity"), compressed=False),
        (1280, 720, 9_000),
        None,
    ),
    "npz small types": (
        ".npz",
        lambda events: writers.npz(events, types={"x": "<u2", "y": "<i2", "t": "<f8", "p": "|b1"}),
        (1280, 720, 9_000),
        None,
    ),
    "npz of one array": (
        ".npz",
        lambda events: writers.archive({"events": writers.npy(events)}),
        (1280, 720, 9_000),
        None,
    ),
    "csv": (".csv", writers.text, (1280, 720, 9_000), None),
    "csv of other names": (
        ".csv",
        lambda events: writers.text(events, "ptyx", header="polarity, Timestamp (us), y, X", end="\r\n"),
        (1280, 720, 9_000),
        None,
    ),
    "csv of pandas": (
        ".csv",
        lambda events: writers.text(events, "ixytp", header=",x,y,t,p"),
        (1280, 720, 9_000),
        None,
    ),
    "text of numpy": (
        ".txt",
        lambda events: writers.text(events, "typx", " ", header="# t y p x"),
        (1280, 720, 9_000),
        None,
    ),
    "text with tabs": (
        ".tsv",
        lambda events: writers.text(events, "xytp", "\t", before="% geometry:1280,720\n"),
        (1280, 720, 9_000),
        (720, 1280),
    ),
    "text of E2VID": (
        ".txt",
        lambda events: writers.text(events, "txyp", " ", header="346 260", seconds=True),
        (346, 260, 9_000),
        (260, 346),
    ),
    "hdf5": (".hdf5", writers.hdf5, (1280, 720, 9_000), None),
    "hdf5 of other names": (
        ".h5",
        lambda events: writers.hdf5(events, names=("xs", "ys", "ts", "ps"), p="?"),
        (1280, 720, 9_000),
        None,
    ),
    "hdf5 root": (".h5", lambda events: writers.hdf5(events, "/", t="u8", x="i2", p="i1"), (1280, 720, 99), None),
    "hdf5 table": (".h5", lambda events: writers.hdf5(events, table="events"), (1280, 720, 99), None),
    "hdf5 prophesee": (".hdf5", lambda events: writers.hdf5(events, table="CD/events", p="i2"), (1280, 720, 99), None),
    "hdf5 gzip": (
        ".h5",
        lambda events: writers.hdf5(events, compression="gzip", chunks=(16,), t="f8"),
        (1280, 720, 99),
        None,
    ),
}


def row(event):
    """The order in which a camera that reads row by row tells events."""
    x, y, t, p = event
    return t, y, p, x


def listed(events):
    return [(x, y, t, bool(p)) for x, y, t, p in events]


def some(name, seed, count=60):
    suffix, write, (width, height, step), told = CASES[name]
    events = recording(np.random.default_rng([seed, *name.encode()]), width, height, step, count)
    return suffix, write, sorted(events, key=row) if name == "evt3 dense" else events, told


@pytest.mark.parametrize("name", CASES)
def test_events_are_read_exactly_in_blocks_of_any_size(name, tmp_path):
    for seed in range(12):
        suffix, write, events, told = some(name, seed)
        path = tmp_path / f"one{suffix}"
        path.write_bytes(write(events))
        whole = formats.read(path)
        assert whole.dtype == EVENTS
        assert whole.tolist() == listed(events)
        assert formats.sensor(path) == told
        for size in (1, 2, 7, 59):
            blocks = list(formats.stream(str(path), events=size))
            assert [len(block) for block in blocks[:-1]] == [size] * (len(blocks) - 1)
            assert np.array_equal(np.concatenate(blocks), whole)


@pytest.mark.parametrize("name", CASES)
def test_a_single_event_will_do(name, tmp_path):
    suffix, write, events, _ = some(name, 99, 1)
    path = tmp_path / f"one{suffix}"
    path.write_bytes(write(events))
    assert formats.read(path).tolist() == listed(events)


def test_every_format_is_among_the_cases_and_is_found_by_its_first_bytes(tmp_path):
    found = set()
    for name, (suffix, write, (width, height, step), _) in CASES.items():
        path = tmp_path / f"one{'.anything' if suffix != '.bin' else suffix}"
        path.write_bytes(write(recording(np.random.default_rng(0), width, height, step)))
        known = formats.find_format(path)
        assert suffix in known.suffixes, name
        found.add(known)
    assert found == set(formats.FORMATS)


def test_formats_say_who_decodes_them_and_whose_clock_runs():
    readers = {known.name: known.reader for known in formats.FORMATS}
    assert readers == {
        "N-MNIST": "numpy", "AEDAT 2.0": "workbench", "AEDAT 3.1": "workbench", "AEDAT 4": "aedat, as in tonic",
        "DAT": "numpy", "EVT 2.0": "numpy", "EVT 3.0": "numpy", "NumPy": "numpy", "NumPy archive": "numpy",
        "HDF5": "h5py", "text": "pandas",
    }  # fmt: skip
    own = {known.name for known in formats.FORMATS if not known.running_clock}
    assert own == {"N-MNIST", "NumPy", "NumPy archive", "text"}


# headers


@pytest.mark.parametrize("first", [b"#\x10", b"#\n", b"#\r", b"#\x0b\r\n"])
def test_data_that_begin_with_the_mark_of_a_comment_are_data(tmp_path, first):
    path = tmp_path / "one.aedat"
    address = int.from_bytes(first.ljust(4, b"\x10"), "big") & 0x7FFFFBFF
    pair = struct.pack(">II", address, 5)
    path.write_bytes(b"#!AER-DAT2.0\r\n# AEChip: DAVIS346\r\n" + pair * 3)
    assert pair[:1] == b"#"
    assert len(formats.read(path, (600, 2000))) == 3


def test_words_that_begin_with_the_mark_of_a_header_are_words(tmp_path):
    events = [(5, 3, (0x25 << 12) + 9, 1)]
    path = tmp_path / "one.raw"
    path.write_bytes(writers.evt3(events, "% evt 3.0\n"))
    assert path.read_bytes()[10:11] == b"%"
    assert formats.read(path).tolist() == listed(events)
    events = [(5, 3, (0x25 << 6) + 9, 1)]
    path.write_bytes(writers.evt2(events, "% evt 2.0\n"))
    assert path.read_bytes()[10:11] == b"%"
    assert formats.read(path).tolist() == listed(events)


def test_headers_may_speak_other_languages_and_end_their_lines_as_they_like(tmp_path):
    path = tmp_path / "one.aedat"
    events = [(1, 2, 3, 1)]
    text = writers.AEDAT2_HEADER.encode()
    data = writers.aedat2(events)[len(text) :]
    path.write_bytes(text + "# erstellt Do März 03\t2015 \r\n".encode() + data)
    assert formats.read(path).tolist() == listed(events)
    path.write_bytes(text.replace(b"\r\n", b"\n") + data)
    assert formats.read(path).tolist() == listed(events)


# words of Prophesee's encodings


def words3(*words):
    return b"% evt 3.0\n" + struct.pack(f"<{len(words)}H", *words)


def test_events_before_the_first_time_row_or_column_are_passed_over(tmp_path):
    path = tmp_path / "one.raw"
    path.write_bytes(words3(0x0003, 0x2001, 0x6005, 0x8001, 0x6006, 0x4FFF, 0x2007, 0x3010, 0x4003))
    assert formats.read(path).tolist() == [(7, 3, 4102, False), (16, 3, 4102, False), (17, 3, 4102, False)]
    path.write_bytes(words3(0x8001, 0x6006, 0x2007, 0x0003, 0x2008))
    assert formats.read(path).tolist() == [(8, 3, 4102, False)]
    path.write_bytes(b"% evt 2.0\n" + struct.pack("<3I", 0x00400801, 0x80000001, 0x10400801))
    assert formats.read(path).tolist() == [(1, 1, 65, True)]


def test_high_bits_of_the_time_set_the_low_ones_to_zero_only_when_they_change(tmp_path):
    path = tmp_path / "one.raw"
    path.write_bytes(words3(0x0003, 0x8001, 0x6006, 0x2001, 0x8001, 0x2002, 0x8002, 0x2003))
    for size in (1, 2, 100):
        times = np.concatenate(list(formats.stream(path, events=size)))["t"]
        assert times.tolist() == [4102, 4102, 8192]


def test_vectors_go_on_where_the_one_before_ended(tmp_path):
    path = tmp_path / "one.raw"
    path.write_bytes(words3(0x0003, 0x8000, 0x6001, 0x3800 | 100, 0x4801, 0x5080, 0x2005, 0x4001, 0x7001, 0x5001))
    expected = [(100, 1), (111, 1), (119, 1), (5, 0), (120, 1), (132, 1)]
    for size in (1, 2, 100):
        read = np.concatenate(list(formats.stream(path, events=size)))
        assert [(event["x"], event["p"]) for event in read] == expected


# sensors


def test_a_given_sensor_goes_before_that_of_the_header(tmp_path):
    path = tmp_path / "one.aedat4"
    path.write_bytes(writers.aedat4([(300, 200, 5, 1)]))
    with pytest.raises(formats.DamagedFile, match=r"has x = 300, y = 200 at byte \d+, outside 100 x 346; get"):
        formats.read(path, (100, 346))
    path.write_bytes(writers.aedat4([(300, 200, 5, 1)], sensor=(100, 100)))
    with pytest.raises(formats.DamagedFile, match=r"outside 100 x 100; get"):
        formats.read(path)
    assert len(formats.read(path, (260, 346))) == 1


def test_asked_sizes_are_whole_and_positive(tmp_path):
    path = tmp_path / "one.bin"
    path.write_bytes(writers.nmnist([(1, 2, 3, 1)]))
    with pytest.raises(ValueError, match="events=0 must be a whole number of at least 1"):
        formats.stream(path, events=0)
    with pytest.raises(ValueError, match="height of the sensor=-1 must be"):
        formats.stream(path, (-1, 5))


# DVS128 Gesture as tonic keeps it


def test_gestures_are_read_by_their_own_name_only(tmp_path):
    path = tmp_path / "one.npy"
    path.write_bytes(writers.npy_table([(1, 2, 0, 3), (4, 5, 1, 6)]))
    assert read_gesture(path).tolist() == [(1, 2, 3_000, False), (4, 5, 6_000, True)]
    with pytest.raises(ValueError, match=r'without names for its columns; read it with load\("dvs-gesture"\)'):
        formats.stream(path)
    path.write_bytes(writers.npy_table([(1, 2, 0, 3.25), (4, 5, 1, 6.0)], "d", "'<f8'"))
    assert read_gesture(path)["t"].tolist() == [3_250, 6_000]
    path.write_bytes(writers.npy_table([(1, 128, 0, 3)]))
    with pytest.raises(formats.DamagedFile, match="has x = 1, y = 128 at event 0, outside 128 x 128; get"):
        read_gesture(path)
    path.write_bytes(writers.npy_table([(1, 2, 0, 3), (1, 2, 0, 2)]))
    with pytest.raises(formats.DamagedFile, match="runs backwards in time at event 1, from 3000 to 2000 us; get"):
        read_gesture(path)
    path.write_bytes(writers.npy_table([(1, 2, 0, 2**62)]))
    with pytest.raises(formats.DamagedFile, match="beyond 64 bits"):
        read_gesture(path)
    path.write_bytes(writers.npy([(1, 2, 3, 1)]))
    with pytest.raises(ValueError, match=r"has columns of .*; give the fields x, y, t, p as whole numbers"):
        read_gesture(path)
