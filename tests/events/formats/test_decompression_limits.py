"""Files that would grow beyond all measure, never end or never begin: refused in words, in little memory and time."""

import json
import os
import re
import socket
import struct
import subprocess
import sys
import zipfile
import zlib

import h5py
import numpy as np
import pytest

import workbench as wb
from tests.support import event_writers as writers
from tests.support.event_fuzzer import ROOT, recording
from workbench.events import formats
from workbench.events.formats import DamagedFile, compressed_frames

EVENTS = [(1, 2, 30, 1), (4, 5, 60, 0), (7, 8, 90, 1)]
MEGABYTES = 400
"""What reading may take beyond the packages that it needs."""

READ = f"""
import json, resource, sys, warnings
import aedat, h5py, pandas
from workbench.events import formats
from workbench.events.formats.npy import read_gesture
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + {MEGABYTES} * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for path in sys.argv[1:]:
    for options in ({{}}, {{"columns": "t x y p"}}):
        try:
            formats.sensor(path)
            words = f"read {{len(formats.read(path, **options))}}"
        except ValueError as error:
            words = f"{{type(error).__name__}}: {{error}}"
        print(json.dumps(words), flush=True)
"""


def read_in_little_memory(*paths):
    """What is said of each file, without and with told columns, in a process that may take little memory."""
    done = subprocess.run(
        [sys.executable, "-c", READ, *map(str, paths)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = [json.loads(line) for line in done.stdout.splitlines()]
    return [said[i : i + 2] for i in range(0, len(said), 2)]


# frames of LZ4 and Zstandard


def runs(blocks):
    """A Zstandard frame of blocks that each repeat one byte 131,072 times: four bytes a block."""
    frame = struct.pack("<IBB", 0xFD2FB528, 0, 0x38)
    return frame + b"".join(
        ((i == blocks - 1) | 1 << 1 | 2**17 << 3).to_bytes(3, "little") + b"\0" for i in range(blocks)
    )


def packed_runs(blocks):
    """The same in compressed blocks, whose literals are one byte repeated."""
    literals = (1 | 3 << 2 | 2**17 - 1 << 4).to_bytes(3, "little") + b"\0" + b"\0"
    frame = struct.pack("<IBB", 0xFD2FB528, 0, 0x38)
    head = [((i == blocks - 1) | 2 << 1 | len(literals) << 3).to_bytes(3, "little") for i in range(blocks)]
    return frame + b"".join(one + literals for one in head)


def matches(blocks):
    """An LZ4 frame of blocks of 4 MiB, each a byte and a match that goes on and on."""
    rest = 2**22 - 1 - 5 - 4 - 15
    block = b"\x1f\0\1\0" + b"\xff" * (rest // 255) + bytes([rest % 255]) + b"\x50" + bytes(5)
    return bytes.fromhex("04224d18 6070 73") + (struct.pack("<I", len(block)) + block) * blocks + bytes(4)


def frame_packet(frame, compression):
    """A whole file with one good packet and one that is this frame."""
    good = writers.aedat4_compressed(EVENTS, 3 if compression > 2 else 1)
    data = bytearray(good + struct.pack("<II", 0, len(frame)) + frame)
    data[18 + 28 : 18 + 32] = struct.pack("<I", compression)
    return bytes(data)


BOMBS = {
    "runs": frame_packet(runs(16_000), 3),
    "packed runs": frame_packet(packed_runs(8_000), 3),
    "runs in many frames": frame_packet(runs(100) * 160, 4),
    "runs after a frame to skip": frame_packet(struct.pack("<II", 0x184D2A50, 4) + b"skip" + runs(16_000), 4),
    "matches": frame_packet(matches(64), 1),
    "matches, high": frame_packet(matches(64), 2),
}


def test_packets_that_would_grow_are_refused_by_their_byte(tmp_path):
    paths = []
    for number, data in enumerate(BOMBS.values()):
        paths.append(tmp_path / f"{number}.aedat4")
        paths[-1].write_bytes(data)
    for path, data, (said, _) in zip(paths, BOMBS.values(), read_in_little_memory(*paths), strict=True):
        good = len(writers.aedat4_compressed(EVENTS, data[18 + 28] if data[18 + 28] in (1, 3) else data[18 + 28] - 1))
        assert said.startswith("DamagedFile"), said
        assert f"{path.name} would grow from" in said
        assert f"bytes in its packet at byte {good}, more than 64 times, as no events do; get the file again" in said


def test_a_bomb_of_64_kb_is_what_it_says():
    assert len(BOMBS["runs"]) < 2**16 + 2**9
    assert compressed_frames.bound_zstandard(runs(16_000)) == 16_000 * 2**17
    assert compressed_frames.bound_lz4(matches(64)) == 64 * 2**22


def test_bounds_hold_for_true_frames_and_are_close():
    for seed in range(50):
        rng = np.random.default_rng(seed)
        data = rng.bytes(int(rng.integers(1, 400_000)))
        assert compressed_frames.bound_zstandard(writers.zstandard(data)) == len(data)
        assert compressed_frames.bound_lz4(writers.lz4(data)) == len(data)
        assert compressed_frames.bound_zstandard(writers.zstandard(data) * 3) == 3 * len(data)
        assert compressed_frames.bound_lz4(writers.lz4(data) + b"what nobody unpacks") == len(data)


@pytest.mark.parametrize("bound", [compressed_frames.bound_zstandard, compressed_frames.bound_lz4])
def test_frames_cut_anywhere_are_no_frames(bound):
    whole = {compressed_frames.bound_zstandard: writers.zstandard, compressed_frames.bound_lz4: writers.lz4}[bound](
        bytes(100)
    )
    for length in range(1, len(whole)):
        with pytest.raises(ValueError, match=r"a frame that ends early|no frame of"):
            bound(whole[:length])
    with pytest.raises(ValueError, match="no frame of"):
        bound(b"what is no frame at all")


def test_frames_of_nothing_but_blocks_end_soon(monkeypatch):
    monkeypatch.setattr(compressed_frames, "_MOST_BLOCKS", 100)
    for bound, head, block in (
        (compressed_frames.bound_zstandard, struct.pack("<IBB", 0xFD2FB528, 0, 0x38), bytes(3)),
        (compressed_frames.bound_lz4, bytes.fromhex("04224d18 6070 73"), struct.pack("<I", 2**31)),
    ):
        with pytest.raises(ValueError, match="a frame of far too many blocks"):
            bound(head + block * 101)


# archives and HDF5


def zeros_npz(path, count):
    """Four arrays of zeros; a thousandth of their size is left of them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for field in "xytp":
            with file.open(f"{field}.npy", "w") as member:
                member.write(writers.npy_file("'|u1'", f"({count},)", b""))
                for _ in range(0, count, 2**22):
                    member.write(bytes(2**22))
    return path


def zeros_hdf5(path, count, chunk, deflations=1, written=True):
    """Columns of zeros, their chunks compressed so many times over."""
    packed = bytes(chunk if written else 0)
    for _ in range(deflations):
        packed = zlib.compress(packed, 9)
    with h5py.File(path, "w") as file:
        file.create_group("events")
        for field in "xytp":
            plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            plan.set_chunk((chunk,))
            for _ in range(deflations):
                plan.set_deflate(9)
            space = h5py.h5s.create_simple((count,))
            made = h5py.h5d.create(file.id, f"events/{field}".encode(), h5py.h5t.NATIVE_UINT8, space, plan)
            for first in range(0, count if written else 0, chunk):
                made.write_direct_chunk((first,), packed)
    return path


def overfull_hdf5(path):
    """A chunk of 8 kB that unpacks to a gigabyte."""
    with h5py.File(path, "w") as file:
        for field in "xytp":
            made = file.create_dataset(f"events/{field}", (1024,), "i8", chunks=(1024,), compression="gzip")
            made[:] = 0
        file["events/y"].id.write_direct_chunk((0,), zlib.compress(bytes(2**30), 9))
    return path


def test_archives_and_chunks_that_would_grow_are_refused(tmp_path):
    paths = {
        zeros_npz(tmp_path / "a.npz", 2**27): r"would grow from \d.* to 536,871,\d+ bytes in its arrays, more than",
        zeros_hdf5(tmp_path / "a.h5", 2**33, 2**24): r"would grow from \d.* to 34,359,738,368 bytes in x, y, t, p, m",
        zeros_hdf5(tmp_path / "b.h5", 2**33, 2**24, deflations=2): r"has x compressed more than once, by the",
        zeros_hdf5(tmp_path / "c.h5", 2**29, 2**29, written=False): r"has chunks of 536870912 values in x, and not",
        overfull_hdf5(tmp_path / "d.h5"): r"has a chunk in y that unpacks to more than its 8,192 bytes",
    }
    for (path, words), (said, _) in zip(paths.items(), read_in_little_memory(*paths), strict=True):
        assert said.startswith("DamagedFile"), said
        assert re.search(rf"{path.name} {words}", said), said


def test_what_is_packed_well_but_small_or_packed_as_events_are_is_read(tmp_path):
    for path in (zeros_npz(tmp_path / "a.npz", 2**22), zeros_hdf5(tmp_path / "a.h5", 2**22, 2**20)):
        assert len(formats.read(path, unit="us")) == 2**22
    count = 4_000_000
    events = np.zeros(count, [("x", "i8"), ("y", "i8"), ("t", "i8"), ("p", "i8")])
    events["t"] = np.arange(count) * 3
    events["x"] = np.arange(count) % 346
    np.savez_compressed(tmp_path / "b.npz", **{field: events[field] for field in "xytp"})
    assert (tmp_path / "b.npz").stat().st_size * 10 < events.nbytes
    assert len(formats.read(tmp_path / "b.npz")) == count


# files of which most is not there


def sparse(path, head, size):
    """A file of which only the first bytes are written; the others read as zeros, and take no room."""
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)
    return path


def test_headers_packets_and_lines_of_gigabytes_are_refused(tmp_path):
    good = writers.aedat4(EVENTS)
    header = b"#!AER-DAT4.0\r\n" + struct.pack("<I", 2**31)
    npy = b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b"{'descr': "
    member = {field: b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b" " * 10**6 for field in "xytp"}
    (tmp_path / "e.npz").write_bytes(writers.archive(member))
    paths = {
        sparse(tmp_path / "a.aedat4", header, 2**32): "says that its header has 2,147,483,648 bytes, at byte 14",
        sparse(tmp_path / "b.aedat4", good + struct.pack("<II", 0, 2**31), 2**32): f"bytes at byte {len(good)}, more",
        sparse(tmp_path / "c.npy", npy, 2**32): "says that its header has more than 65,536 bytes, at byte 8",
        sparse(tmp_path / "d.csv", writers.text(EVENTS), 2**32): "is no text at line 5 (",
        tmp_path / "e.npz": "has no array that can be read in x.npy (",
    }
    for (path, words), (said, _) in zip(paths.items(), read_in_little_memory(*paths), strict=True):
        assert said.startswith("DamagedFile"), said
        assert f"{path.name} " in said
        assert words in said


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_archives_that_numpy_never_writes_are_refused(method, tmp_path):
    path = tmp_path / "one.npz"
    with zipfile.ZipFile(path, "w", method) as file:
        for field in "xytp":
            file.writestr(f"{field}.npy", writers.npy_file("'|u1'", f"({2**20},)", bytes(2**20)))
    with pytest.raises(
        DamagedFile, match=rf"has x.npy compressed by method {method}; write it by numpy.savez_compressed"
    ):
        formats.read(path)


def test_archives_of_far_too_many_members_are_refused(write):
    path = write(".npz", writers.npz(EVENTS))
    with zipfile.ZipFile(path, "a") as file:
        for number in range(20):
            file.writestr(f"{number}" + "x" * 60_000, b"")
    with pytest.raises(DamagedFile, match=r"has a directory of 1,2\d\d,\d+ bytes, far more than four columns need"):
        formats.read(path)


# what is no file

ASK = """
import sys
from workbench.events import formats
from workbench.events.formats.npy import read_gesture
for path in sys.argv[1:]:
    for ask in (formats.read, formats.sensor, formats.find_format, read_gesture):
        try:
            ask(path)
        except ValueError as error:
            print(error)
        else:
            print("read")
"""


def test_fifos_devices_and_sockets_are_refused_at_once(tmp_path):
    held = socket.socket(socket.AF_UNIX)
    held.bind(str(tmp_path / "one.h5"))
    suffixes = sorted({suffix for known in formats.FORMATS for suffix in known.suffixes} - {".h5"})
    for suffix in suffixes:
        os.mkfifo(tmp_path / f"one{suffix}")
    os.symlink("/dev/zero", tmp_path / "zero.csv")
    os.symlink(tmp_path / "one.bin", tmp_path / "link.bin")
    fifos = [tmp_path / f"one{suffix}" for suffix in suffixes] + [tmp_path / "link.bin"]
    kinds = dict.fromkeys(fifos, "a FIFO") | {tmp_path / "zero.csv": "a device", tmp_path / "one.h5": "a socket"}
    done = subprocess.run(
        [sys.executable, "-c", ASK, *map(str, kinds)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    held.close()
    said = done.stdout.splitlines()
    assert len(said) == 4 * len(kinds), done.stderr
    for number, (path, kind) in enumerate(kinds.items()):
        words = f"{path} is {kind}, not a file; write what comes from it into a file first"
        assert said[4 * number : 4 * number + 4] == [words] * 4


LOAD = "import sys, workbench; d = workbench.load(sys.argv[1]); print(len(d), d.split)"


def test_a_folder_with_a_fifo_in_it_is_loaded_and_the_fifo_counted(tmp_path):
    for kind in ("left", "right"):
        (tmp_path / kind).mkdir()
        for i in range(3):
            (tmp_path / kind / f"{i}.npy").write_bytes(writers.npy(recording(np.random.default_rng(i), 34, 34, 900)))
        os.mkfifo(tmp_path / kind / "9.npy")
        os.symlink("/dev/zero", tmp_path / kind / "8.npy")
    command = [sys.executable, "-c", LOAD, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    said = "6 at random by seed 0, 80 to 20 in every class; 4 other files are not read"
    assert done.stdout.strip() == said, done.stderr
    assert len(wb.load(tmp_path)) == 6
