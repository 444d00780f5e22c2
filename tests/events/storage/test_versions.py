"""Versions of what is kept on disk: whoever changes what is generated or read must raise one, or caches would be stale.

Only whole numbers are digested. What is read is computed in whole numbers too, and the same everywhere; what is
generated comes of numpy's exponentials in float32, which are the same on processors that have FMA (since 2013).
"""

import hashlib

import numpy as np
import pytest

import workbench as wb
from tests.support import event_writers as writers
from workbench.events import formats
from workbench.events.sources.named_sets import GENERATED_SETS
from workbench.events.storage.cache_entries import READING_VERSION
from workbench.events.storage.generated_sets import GENERATION_VERSION
from workbench.events.transforms import Crop, Denoise, Downsample, Drop, Flip, Jitter, Refractory, Turn

FIELDS = ("time_us", "site", "starts", "labels")
GENERATED = {
    1: {
        "digits": "12764632165c1e3c3d3a191a4d28c0fe",
        "motion": "b3cef55b789ac791ec117050f7af3e33",
    },
}
"""Digests of the generated sets at seed 0, by GENERATION_VERSION."""

READ = {
    1: {
        "nmnist": "0ab6f38e0b7f374cb1cd22a459512cb4",
        "aedat2 dvs128": "3f7c6d16125d2bba3abaa84a7fc68b8f",
        "aedat2 davis346": "1e8249d659072340db158d0cf21bb73b",
        "aedat2 v2e": "dbf9204a4cdb5e1f9995ef860ae07d82",
        "aedat3": "7dc4c560aecb59f418c1711afe439c3c",
        "aedat4": "dbf9204a4cdb5e1f9995ef860ae07d82",
        "aedat4 lz4": "dbf9204a4cdb5e1f9995ef860ae07d82",
        "aedat4 zstandard": "dbf9204a4cdb5e1f9995ef860ae07d82",
        "dat": "bd3ababa3e5546109cf20d0f1bcb9b43",
        "evt2": "c5525868a7ccbb2578d3e271c626b75e",
        "evt3": "378fb41ef65a6e87a73c6e321c9c4718",
        "npy": "dbf9204a4cdb5e1f9995ef860ae07d82",
        "npy columns": "4f69b3e3d88aa49e9b466dcd01eb30ce",
        "npz": "dbf9204a4cdb5e1f9995ef860ae07d82",
        "hdf5": "8959f62bc9e28f4c83e0cf172f356e2e",
        "hdf5 table": "dbf9204a4cdb5e1f9995ef860ae07d82",
        "text": "dbf9204a4cdb5e1f9995ef860ae07d82",
        "text late": "a1657e866a5474907cf6f921f13783c3",
        "folders, whole": "d28b7ecd682f64b5920aec7416abd857",
        "folders, windows": "0acb05ec3e331c62f64268d732da7f31",
        "folders, first windows": "b51ffce82b35b32dc8834c51f0ef7d8d",
        "folders, transforms": "3f9ea17a590aa7e48fec2eb994722b63",
        "folders, fewer pixels": "7af5cabf282fa93f8c77819829e49500",
        "cifar10-dvs": "abd316683536876158cc0b787915f0c4",
    },
}
"""Digests of what is read from files and prepared, by READING_VERSION."""


def digest(*arrays):
    hashed = hashlib.sha256()
    for array in arrays:
        assert array.dtype.kind in "iub", array.dtype
        hashed.update(f"{len(array)} ".encode() + np.asarray(array).astype("<i8").tobytes())
    return hashed.hexdigest()[:32]


def digest_dataset(dataset):
    return digest(*(getattr(part, field) for part in (dataset.train, dataset.test) for field in FIELDS))


def compare(what, known, version, name, found):
    """AssertionError, which says what to do, unless this is the digest that is known of this version."""
    constant = {"generated": "GENERATION_VERSION", "read": "READING_VERSION"}[what]
    assert name in known.get(version, {}), (
        f"nobody has noted what is {what} as {name} under {constant} = {version}: write {found!r} into this test"
    )
    assert found == known[version][name], (
        f"what is {what} as {name} has changed, so that what is kept on disk is stale. If that is meant, raise "
        f"{constant} (it is {version}), and write the new digest {found!r} here under the new version"
    )


@pytest.mark.skipif(
    not {"X86_V3", "FMA3"} & set(np.show_config(mode="dicts")["SIMD Extensions"]["found"]),
    reason="numpy's exponentials in float32 differ in their last bit on processors without FMA",
)
@pytest.mark.parametrize("name", sorted(GENERATED_SETS))
def test_what_is_generated_belongs_to_its_version(name):
    compare("generated", GENERATED, GENERATION_VERSION, name, digest_dataset(GENERATED_SETS[name](0)))


def some_events(width, height, step_us, seed=0, count=60):
    """Events (x, y, t, p) by a generator of numbers that nobody will change: Lehmer's, of 1951."""
    number, time, events = 48_271 * (seed + 1) % (2**31 - 1), 0, []
    for _ in range(count):
        drawn = []
        for size in (width, height, 2 * step_us, 2):
            number = number * 48_271 % (2**31 - 1)
            drawn.append(number % size)
        time += max(0, drawn[2] - step_us)
        events.append((drawn[0], drawn[1], time, drawn[3]))
    return events


SMALL, DAVIS, HD = (34, 34), (346, 260), (1280, 720)
FILES = {
    "nmnist": (".bin", lambda: writers.nmnist(some_events(*SMALL, 400_000)), {}),
    "aedat2 dvs128": (".aedat", lambda: writers.aedat2(some_events(128, 128, 9000), between=True), {}),
    "aedat2 davis346": (".aedat", lambda: writers.aedat2(some_events(*DAVIS, 9000), "346", True), {}),
    "aedat2 v2e": (".aedat", lambda: writers.v2e(some_events(*DAVIS, 900)), {"sensor": (260, 346)}),
    "aedat3": (".aedat", lambda: writers.aedat3(some_events(128, 128, 2**27), 9, others=True, invalid=2), {}),
    "aedat4": (".aedat4", lambda: writers.aedat4(some_events(*DAVIS, 900), packet=16, others=True), {}),
    "aedat4 lz4": (".aedat4", lambda: writers.aedat4_compressed(some_events(*DAVIS, 900), 1, packet=16), {}),
    "aedat4 zstandard": (".aedat4", lambda: writers.aedat4_compressed(some_events(*DAVIS, 900), 3, packet=16), {}),
    "dat": (".dat", lambda: writers.dat(some_events(304, 240, 2**28)), {}),
    "evt2": (".raw", lambda: writers.evt2(some_events(*HD, 2**30), others=True), {}),
    "evt3": (".raw", lambda: writers.evt3(some_events(1280, 3, 9000), others=True), {}),
    "npy": (".npy", lambda: writers.npy(some_events(*DAVIS, 900), {"t": "<f8"}, "ptyx"), {}),
    "npy columns": (".npy", lambda: writers.npy_table(some_events(*DAVIS, 900)), {"columns": "x y t p", "unit": "ms"}),
    "npz": (".npz", lambda: writers.npz(some_events(*DAVIS, 900)), {}),
    "hdf5": (".h5", lambda: writers.hdf5(some_events(*DAVIS, 900), offset=5), {}),
    "hdf5 table": (".h5", lambda: writers.hdf5(some_events(*DAVIS, 900), table="CD/events"), {}),
    "text": (".csv", lambda: writers.text(some_events(*DAVIS, 900), "txyp", " ", "346 260", seconds=True), {}),
    "text late": (
        ".csv",
        lambda: writers.text([*some_events(*DAVIS, 900), (1, 1, 9000, 1)]),
        {"unit": "us", "on_error": "sort"},
    ),
}


@pytest.mark.filterwarnings("ignore:.*stepped back in time")
@pytest.mark.parametrize("name", FILES)
def test_what_is_read_from_a_file_belongs_to_its_version(name, write):
    suffix, make, options = FILES[name]
    events = formats.read(write(suffix, make()), **options)
    assert len(events) >= 60
    compare("read", READ, READING_VERSION, name, digest(*(events[field] for field in "xytp")))


def test_every_format_is_among_the_files(write):
    found = {formats.find_format(write(suffix, make())).name for suffix, make, _ in FILES.values()}
    assert found == {known.name for known in formats.FORMATS}


LOADS = {
    "whole": {},
    "windows": {"window_us": 7_000},
    "first windows": {"window_us": 7_000, "slices": "first", "clock": "running"},
    "transforms": {
        "window_us": 9_000,
        "transforms": [Denoise(3_000), Jitter(pixels=1, time_us=20), Drop(0.2), Flip(horizontal=True), Turn(1)],
        "seed": 3,
    },
    "fewer pixels": {"transforms": [Crop(24, 24), Downsample(2, merge_us=100), Refractory(500)], "seed": 1},
}


@pytest.mark.parametrize("name", LOADS)
def test_what_is_prepared_belongs_to_its_version(name, tmp_path):
    for label, kind in enumerate(("left", "right")):
        (tmp_path / kind).mkdir()
        for number in range(4):
            events = some_events(*SMALL, 900, seed=10 * label + number, count=200)
            (tmp_path / kind / f"{number}.npy").write_bytes(writers.npy(events))
    dataset = wb.load(tmp_path, **LOADS[name], cache=False)
    compare("read", READ, READING_VERSION, f"folders, {name}", digest_dataset(dataset))


def test_what_is_read_of_a_named_set_belongs_to_its_version(tmp_path):
    for kind in ("cat", "dog"):
        (tmp_path / kind).mkdir()
        for number in range(3):
            events = some_events(128, 128, 900, seed=number, count=100)
            (tmp_path / kind / f"{number}.aedat").write_bytes(writers.aedat2(events))
    dataset = wb.load("cifar10-dvs", tmp_path, window_us=30_000, cache=False)
    compare("read", READ, READING_VERSION, "cifar10-dvs", digest_dataset(dataset))
