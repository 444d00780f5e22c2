"""Event files broken at random: whatever their bytes, reading ends soon, in events or in words.

python -m tests.support.event_fuzzer --count 10000 breaks so many files of each format, each in a process of its own.
"""

import argparse
import io
import resource
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from pathlib import Path

import numpy as np

from tests.support import event_writers as writers
from tests.support.mutations import mutate
from workbench.events import formats
from workbench.events.event_arrays import EVENTS
from workbench.events.formats import time_units

ROOT = Path(__file__).parents[2]
SLOWEST_S = 10.0
LARGEST = 3 * 2**30
LARGEST_STEP = 2**28


def recording(rng, width, height, step_us, count=40):
    """Random events in the order of time, with ties; now and then after a long pause."""
    pauses = rng.integers(0, step_us, count) * (rng.random(count) < 0.7)
    times = np.cumsum(pauses).tolist()
    xs, ys, ps = (rng.integers(0, size, count).tolist() for size in (width, height, 2))
    return list(zip(xs, ys, times, ps, strict=True))


def make_npy(rng):
    types = {field: str(rng.choice(["<i8", "<u8", "<f8", "<i4", "<f4"])) for field in "xyt"}
    if rng.random() < 0.5:
        types = {}
    return writers.npy(recording(rng, 346, 260, 200), types, "".join(rng.permutation(list("xytp"))))


def make_hdf5(rng):
    events = recording(rng, 346, 260, 200)
    kind = rng.integers(7)
    if kind == 0:
        return writers.hdf5(events, table="CD/events")
    if kind == 4:
        return writers.hdf5(events, names=("xs", "ys", "ts", "ps"), t="f8")
    if kind == 5:
        return writers.hdf5_rows(events, compression="gzip", chunks=(8, 4))
    if kind == 1:
        return writers.hdf5(events, compression="gzip", chunks=(16,))
    if kind == 2:
        return writers.hdf5(events, group="/", t="f8", x="i4")
    return writers.hdf5(events, offset=5, chunks=(16,) if kind == 3 else None)


def make_npz(rng):
    events = recording(rng, 346, 260, 200)
    kind = rng.integers(4)
    if kind == 0:
        return writers.archive({"events": writers.npy(events)}, bool(rng.integers(2)))
    types = {field: rng.choice(["<i8", "<u2", "<f8", "<i4"]) for field in "xyt"} if kind == 1 else {}
    names = ("xs", "ys", "ts", "ps") if kind == 2 else "xytp"
    return writers.npz(events, names, types, bool(rng.integers(2)))


def make_text(rng):
    events, order = recording(rng, 346, 260, 200), "".join(rng.permutation(list("xytp")))
    separator = str(rng.choice([",", ", ", ";", " ", "\t"]))
    before = str(rng.choice(["", "# some words", "% geometry:346,260"]))
    end = str(rng.choice(["\n", "\r\n"]))
    if rng.random() < 0.2:
        return writers.text(events, "txyp", " ", "346 260", end, seconds=True)
    return writers.text(events, order, separator, end=end, seconds=bool(rng.integers(2)), before=before)


def make_v2e(rng):
    size = [*writers.V2E_SHIFTS][int(rng.integers(3))]
    return writers.v2e(recording(rng, size[1], size[0], 900), size)


def make_aedat4(rng):
    events = recording(rng, 346, 260, 9000)
    return writers.aedat4(events, packet=16, table=bool(rng.integers(2)), others=bool(rng.integers(2)))


def make_aedat2(rng):
    chip = str(rng.choice(["", "240", "346"]))
    size = {"": (128, 128), "240": (240, 180), "346": (346, 260)}[chip]
    return writers.aedat2(recording(rng, *size, 9000), chip, bool(rng.integers(2)))


MAKERS = {
    "bin": (".bin", lambda rng: writers.nmnist(recording(rng, 34, 34, 9000))),
    "aedat2": (".aedat", make_aedat2),
    "aedat2-v2e": (".aedat", make_v2e),
    "aedat3": (".aedat", lambda rng: writers.aedat3(recording(rng, 128, 128, 9000), 9, others=bool(rng.integers(2)))),
    "aedat4": (".aedat4", make_aedat4),
    "aedat4-lz4": (".aedat4", lambda rng: writers.aedat4_compressed(recording(rng, 346, 260, 9000), 1, packet=16)),
    "aedat4-zstandard": (
        ".aedat4",
        lambda rng: writers.aedat4_compressed(recording(rng, 346, 260, 9000), 3, packet=16),
    ),
    "dat": (".dat", lambda rng: writers.dat(recording(rng, 304, 240, 9000))),
    "evt2": (".raw", lambda rng: writers.evt2(recording(rng, 1280, 720, 9000), others=bool(rng.integers(2)))),
    "evt3": (".raw", lambda rng: writers.evt3(recording(rng, 1280, 3, 900), others=bool(rng.integers(2)))),
    "npy": (".npy", make_npy),
    "npz": (".npz", make_npz),
    "text": (".csv", make_text),
    "hdf5": (".h5", make_hdf5),
}


def mend_length(data):
    """HDF5's superblock tells the length of the file; with the right one more is read before the damage is met."""
    return data[:40] + len(data).to_bytes(8, "little") + data[48:]


def mend_archive(rng, data):
    """A good archive whose sums are right, but one of its members is broken."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        members = {name.removesuffix(".npy"): file.read(name) for name in file.namelist()}
    name = str(rng.choice(list(members)))
    return writers.archive(members | {name: mutate(rng, members[name])}, bool(rng.integers(2)))


MENDED = {".h5": lambda rng, good: mend_length(mutate(rng, good)), ".npz": mend_archive}


def attempt(path, rng):
    """Read one file; None of a good one, else the words of its refusal. Anything else is raised."""
    sensor = None if rng.random() < 0.5 else (260, 346)
    options = {"on_error": "sort"} if rng.random() < 0.3 else {}
    try:
        formats.sensor(path)
        if formats.find_format(path).is_table and rng.random() < 0.3:
            options |= {"columns": "x y t p"} if rng.random() < 0.5 else {"unit": str(rng.choice(time_units.UNITS))}
        examine(path, sensor, int(rng.choice([1, 7, 2**18])), options)
    except ValueError as error:
        words = str(error)
    else:
        return None
    assert str(path) in words, words
    assert "; " in words, words
    return words


def examine(path, sensor, size, options):
    """Hold what is read against what is promised of events."""
    last = 0
    count = 0
    for block in formats.stream(path, sensor, size, **options):
        assert block.dtype == EVENTS, block.dtype
        assert 0 < len(block) <= size, len(block)
        assert (np.diff(block["t"], prepend=last) >= 0).all(), "time runs back"
        assert min(block["x"].min(), block["y"].min()) >= 0, "places below 0"
        assert sensor is None or ((block["x"] < sensor[1]) & (block["y"] < sensor[0])).all(), "off the sensor"
        assert set(block["p"].view(np.uint8).tolist()) <= {0, 1}, "odd polarity"
        last = block["t"][-1]
        count += len(block)
    assert count, "no events, and nothing said"


def most_held():
    """The most bytes that this process has held at once."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def fuzz(name, count, seed, folder):
    """Break ``count`` files of a format and read them; how many were refused. The last file is left in ``folder``."""
    suffix, make = MAKERS[name]
    rng = np.random.default_rng([seed, *name.encode()])
    path = Path(folder) / f"broken{suffix}"
    refused = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for told in ("stepped back in time", "has times that are taken as"):
            warnings.filterwarnings("ignore", f".*{told}")
        for number in range(count):
            if number % 20 == 0:
                good = make(rng)
            breaking = MENDED[suffix] if suffix in MENDED and number % 4 else mutate
            path.write_bytes(breaking(rng, good))
            begin, held = time.perf_counter(), most_held()
            refused += attempt(path, rng) is not None
            assert most_held() - held < LARGEST_STEP, f"{path} took {most_held() - held:,} bytes"
            assert time.perf_counter() - begin < SLOWEST_S, f"{path} took {time.perf_counter() - begin:.1f} s"
    return refused


def fuzz_apart(name, count, seed, folder):
    """``fuzz`` in a process of its own, so that one that ends is noticed; its last words, or AssertionError."""
    command = [
        sys.executable,
        "-m",
        "tests.support.event_fuzzer",
        "--only",
        name,
        "--count",
        str(count),
        "--seed",
        str(seed),
    ]
    command += ["--count", str(count), "--seed", str(seed), "--folder", str(folder)]
    limit_s = 60 + count  # of reading that never ends
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=limit_s)
    assert done.returncode == 0, f"{name} ended with {done.returncode}, see {folder}: {done.stderr[-2000:]}"
    return done.stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=list(MAKERS))
    parser.add_argument("--folder")
    given = parser.parse_args()
    if given.folder:
        resource.setrlimit(resource.RLIMIT_AS, (LARGEST, LARGEST))
        refused = fuzz(given.only, given.count, given.seed, given.folder)
        print(f"{given.only}: {given.count:,} broken files, {refused:,} refused, the others read")
        return
    for name in [given.only] if given.only else MAKERS:
        print(fuzz_apart(name, given.count, given.seed, tempfile.mkdtemp(prefix=f"fuzz-{name}-")), flush=True)


if __name__ == "__main__":
    main()
