"""What the packages for event files do wrong: where one of these fails, a fault is mended and a reader may go back."""

import ast
import struct
import subprocess
import sys

import numpy as np
import pytest

from tests.support import event_writers as writers
from tests.support.event_fuzzer import ROOT
from workbench.events import formats
from workbench.events.event_arrays import EVENTS as EVENT_TYPE

EVENTS = [(1, 2, 30, 1), (4, 5, 60, 0), (7, 8, 90, 1)]
LIMIT_S = 20


def run(code, *arguments):
    """Run Python in a process of its own, which may end as it likes."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=LIMIT_S,
    )


# tonic


@pytest.mark.parametrize("reader", ["read_dvs_128", "read_dvs_ibm", "read_dvs_red", "read_dvs_346mini"])
@pytest.mark.parametrize("write", [writers.aedat2, writers.aedat3])
def test_tonic_unpacks_two_of_three_values(tonic, reader, write, tmp_path):
    path = tmp_path / "one.aedat"
    path.write_bytes(write(EVENTS))
    with pytest.raises(ValueError, match="too many values to unpack"):
        getattr(tonic.io, reader)(str(path))
    assert len(formats.read(path)) == 3


def test_tonic_takes_data_for_a_comment(tonic, tmp_path):
    path = tmp_path / "one.aedat"
    event = (346 - 1 - 1, 119, 30, 1)
    path.write_bytes(writers.aedat2([event] * 3, "346"))
    assert path.read_bytes()[-24:-23] == b"#"
    assert len(tonic.io.read_davis_346(str(path))[2]) == 0
    assert formats.read(path).tolist() == [(*event[:3], True)] * 3


def test_tonic_reads_frames_and_signals_of_a_davis_as_events(tonic, tmp_path):
    path = tmp_path / "one.aedat"
    path.write_bytes(writers.aedat2(EVENTS, "346", between=True))
    assert len(tonic.io.read_davis_346(str(path))[2]) > len(EVENTS)
    assert len(formats.read(path)) == len(EVENTS)


def test_tonic_takes_room_for_events_and_passes_over_type_turn_and_validity(tonic, tmp_path):
    path = tmp_path / "one.aedat"
    events = [(1, 2, 2**31 + 5, 1)]
    path.write_bytes(writers.aedat3(events, others=True, invalid=1))
    read = tonic.io.get_aer_events_from_file(str(path), 3.1, len(writers.aedat3([])))
    assert read["timeStamp"].tolist() != [2**31 + 5]
    assert len(read) > 1
    assert formats.read(path)["t"].tolist() == [2**31 + 5]


@pytest.mark.parametrize("seed", range(20))
def test_tonic_reads_n_mnist_as_we_do(seed, tonic, tmp_path):
    rng, path = np.random.default_rng(seed), tmp_path / "one.bin"
    time, (x, y, p) = np.sort(rng.integers(0, 2**23, 2000)), rng.integers(0, (256, 34, 2), (2000, 3)).T
    y[rng.random(2000) < 0.02] = 240  # overflows
    path.write_bytes(np.stack([x, y, p << 7 | time >> 16, time >> 8, time], 1).astype(np.uint8).tobytes())
    theirs = tonic.io.read_mnist_file(str(path), EVENT_TYPE)
    np.testing.assert_array_equal(formats.read(path), theirs)
    np.testing.assert_array_equal(np.concatenate(list(formats.stream(path, events=7))), theirs)


# expelliarmus


READ = (
    "import sys; from expelliarmus import Wizard;"
    "wizard = Wizard(encoding=sys.argv[1], fpath=sys.argv[2]);"
    "print([tuple(map(int, (e['t'], e['x'], e['y'], e['p']))) for part in wizard.read_chunk() for e in part])"
)


@pytest.mark.parametrize("seed", range(20))
def test_expelliarmus_reads_dat_as_we_do_where_nothing_is_wrong(seed, tmp_path):
    expelliarmus = pytest.importorskip("expelliarmus")
    rng, path = np.random.default_rng(seed), tmp_path / "one.dat"
    x, y, p = rng.integers(0, (2**14, 2**14, 2), (2000, 3)).T
    events = np.stack([x, y, np.sort(rng.integers(0, 2**32, 2000)), p], 1)
    path.write_bytes(writers.dat(events.tolist()))
    theirs, ours = expelliarmus.Wizard(encoding="dat").read(path), formats.read(path)
    for field in "xytp":
        np.testing.assert_array_equal(ours[field], theirs[field])
    np.testing.assert_array_equal(np.concatenate(list(formats.stream(path, events=7))), ours)


def conjured(encoding, path):
    """What expelliarmus reads: events of (t, x, y, p), and what it writes to stderr."""
    pytest.importorskip("expelliarmus")
    done = run(READ, encoding, path)
    assert done.returncode == 0
    return ast.literal_eval(done.stdout), done.stderr


def test_expelliarmus_counts_turns_of_the_low_time_twice_in_evt3(tmp_path):
    path = tmp_path / "one.raw"
    path.write_bytes(writers.evt3([(5, 3, 4000, 0), (6, 3, 4106, 0)]))
    assert conjured("evt3", path)[0] == [(4000, 5, 3, 0), (4106 + 4096, 6, 3, 0)]
    assert formats.read(path)["t"].tolist() == [4000, 4106]


def test_expelliarmus_loses_what_comes_with_an_external_trigger_in_evt3(tmp_path):
    path = tmp_path / "one.raw"
    path.write_bytes(b"% evt 3.0\n" + struct.pack("<6H", 0x8000, 0x6028, 3, 0x2005, 0xA000, 0x2006))
    events, words = conjured("evt3", path)
    assert events == []
    assert "event type not recognised: 0xa" in words
    assert formats.read(path)["x"].tolist() == [5, 6]


def test_expelliarmus_lets_time_run_back_where_the_clock_of_evt2_turns(tmp_path):
    path = tmp_path / "one.raw"
    path.write_bytes(writers.evt2([(1, 1, 2**34 - 1, 0), (1, 1, 2**34 + 1, 0)]))
    assert [event[0] for event in conjured("evt2", path)[0]] == [2**34 - 1, 1]
    assert formats.read(path)["t"].tolist() == [2**34 - 1, 2**34 + 1]


@pytest.mark.parametrize(
    ("encoding", "data"),
    [("evt2", writers.evt2([(1, 1, 0x25 << 6, 1)], "% evt 2.0\n")),
     ("evt3", writers.evt3([(1, 1, 0x25 << 12, 1)], "% evt 3.0\n"))],
    ids=["evt2", "evt3"],
)  # fmt: skip
def test_expelliarmus_takes_words_for_a_header(encoding, data, tmp_path):
    path = tmp_path / "one.raw"
    path.write_bytes(data + b"\n\n\n\n")
    assert conjured(encoding, path)[0] == []
    path.write_bytes(data)
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run([sys.executable, "-c", READ, encoding, str(path)], cwd=ROOT, capture_output=True, timeout=2)
    assert len(formats.read(path)) == 1


def test_expelliarmus_does_not_end_on_a_header_without_an_end(tmp_path):
    path = tmp_path / "one.dat"
    path.write_bytes(b"% Version 2")
    pytest.importorskip("expelliarmus")
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run([sys.executable, "-c", READ, "dat", str(path)], cwd=ROOT, capture_output=True, timeout=2)


def test_expelliarmus_takes_a_step_back_for_a_turn_and_says_nothing_of_trailing_bytes_in_dat(tmp_path):
    path = tmp_path / "one.dat"
    path.write_bytes(writers.dat([(1, 2, 10, 1), (1, 2, 9, 1)]) + b"12345")
    events, words = conjured("dat", path)
    assert [event[0] for event in events] == [10, 2**32 + 9]
    assert "not monotonic" in words


def test_expelliarmus_warns_of_a_true_turn_of_the_clock_of_dat_but_reads_it(tmp_path):
    path = tmp_path / "one.dat"
    path.write_bytes(writers.dat([(1, 2, 2**32 - 1, 1), (1, 2, 2**32 + 3, 1)]))
    events, words = conjured("dat", path)
    assert [event[0] for event in events] == [2**32 - 1, 2**32 + 3]
    assert "not monotonic" in words


# aedat


DECODE = (
    "import sys, aedat;"
    "print(sum(len(packet.get('events', ())) for packet in aedat.Decoder(sys.argv[1])))"
)  # fmt: skip


def test_aedat_ends_the_process_on_deeply_nested_headers(tmp_path):
    path = tmp_path / "one.aedat4"
    path.write_bytes(writers.aedat4(EVENTS, description="<a>" * 200_000 + "</a>" * 200_000))
    assert run(DECODE, path).returncode < 0


def test_aedat_panics_where_offsets_and_sizes_lead_nowhere(tmp_path):
    path = tmp_path / "one.aedat4"
    data = bytearray(writers.aedat4(EVENTS))
    data[18:22] = struct.pack("<I", 2**31)
    path.write_bytes(bytes(data))
    assert "PanicException" in run(DECODE, path).stderr
    path.write_bytes(writers.aedat4(EVENTS) + struct.pack("<II", 0, 0))
    assert "PanicException" in run(DECODE, path).stderr


def test_aedat_says_nothing_of_trailing_bytes_and_turns_places_below_zero_into_large_ones(tmp_path):
    import aedat

    path = tmp_path / "one.aedat4"
    path.write_bytes(writers.aedat4([(-1, 2, 3, 1)]) + b"12")
    packets = list(aedat.Decoder(path))
    assert packets[0]["events"]["x"].tolist() == [2**16 - 1]


# HDF5


def test_the_library_of_hdf5_says_nothing_of_a_second_file_behind_the_first(tmp_path):
    import h5py

    path = tmp_path / "one.h5"
    whole = writers.hdf5(EVENTS)
    path.write_bytes(whole + writers.hdf5([(9, 9, 99, 1)] * 5))
    with h5py.File(path) as file:
        assert len(file["events/t"]) == len(EVENTS)
    with pytest.raises(formats.DamagedFile, match=rf"goes on after its data, at byte {len(whole)} "):
        formats.read(path)


def test_the_library_of_hdf5_fills_as_much_memory_as_a_drivers_block_asks_for(tmp_path):
    path = tmp_path / "one.h5"
    whole = writers.hdf5(EVENTS)
    block = struct.pack("<BBBBI8s", 0, 0, 0, 0, 2**29, b"NCSAmult")
    data = bytearray(whole + block)
    data[40:48] = struct.pack("<Q", len(data))
    data[48:56] = struct.pack("<Q", len(whole))
    path.write_bytes(bytes(data))
    code = (
        "import h5py, re, sys\n"
        "def peak(): return 1024 * int(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1])\n"
        "before = peak()\n"
        "try: h5py.File(sys.argv[1])\n"
        "except OSError: pass\n"
        "print(peak() - before)"
    )
    assert int(run(code, path).stdout) > 2**28
    with pytest.raises(formats.DamagedFile, match="names a driver's block"):
        formats.read(path)
