"""The data sets of the paper, from small files in their own layouts, against the events that were written."""

import re
import struct
import sys

import numpy as np
import pytest

import workbench as wb
from tests.support import event_writers as writers
from workbench.events import formats
from workbench.events.sources import ncars
from workbench.events.sources.location import normalize_name


def some_events(seed, sensor=(128, 128), count=40, begin_us=0, end_us=90_000):
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(begin_us, end_us, count))
    y, x = (rng.integers(0, size, count) for size in sensor)
    return [(int(a), int(b), int(t), int(p)) for a, b, t, p in zip(x, y, times, rng.integers(0, 2, count), strict=True)]


def put(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def held(dataset):
    """Every recording of both parts with its class."""
    return sorted(
        (dataset.classes[label], [(x, y, t, int(p)) for x, y, t, p in events.tolist()])
        for part in (dataset.train, dataset.test)
        for events, label in zip(part, part.labels, strict=True)
    )


def zeroed(events):
    return [(x, y, t - events[0][2], p) for x, y, t, p in events]


# N-CARS


def fill_ncars(root, train="n-cars_train", test="n-cars_test"):
    written = []
    for part, count in ((train, 3), (test, 2)):
        for kind in ("cars", "background"):
            for i in range(count):
                events = some_events([len(kind), i, count], sensor=(40 + 20 * i, 50 + 30 * i))
                put(root / part / kind / f"obj_{i:06d}_td.dat", writers.dat(events))
                written.append((kind, events))
    return sorted(written)


@pytest.mark.parametrize(
    "parts", [("n-cars_train", "n-cars_test"), ("train", "test"), ("n-cars_train/train", "n-cars_test/test")]
)
def test_n_cars_of_differing_size_lie_on_one_sensor(tmp_path, parts):
    written = fill_ncars(tmp_path / "Prophesee_Dataset_n_cars", *parts)
    dataset = wb.load("n-cars", tmp_path)
    assert (dataset.shape, dataset.window_us, dataset.classes) == ((2, 100, 120), 100_000, ("background", "cars"))
    assert (len(dataset.train), len(dataset.test)) == (6, 4)
    assert held(dataset) == written
    assert dataset.split == "official folders train and test; 10 of 24,029 recordings"


def test_n_cars_is_a_data_set_in_the_manner_of_tonic(tonic, tmp_path):
    fill_ncars(tmp_path)
    train = ncars.NCARS(tmp_path, train=True)
    assert (len(train), train.sensor_size) == (6, (120, 100, 2))
    events, label = train[0]
    assert train.classes[label] == "background"
    assert events.dtype.names == train.ordering
    framed = ncars.NCARS(
        tmp_path,
        train=False,
        transform=tonic.transforms.ToFrame(sensor_size=train.sensor_size, n_time_bins=4),
        target_transform=lambda label: -label,
        transforms=lambda frames, label: (frames, label - 1),
    )
    assert framed[3][0].shape == (4, 2, 100, 120)
    assert framed[3][1] == -2
    both = wb.load((train, ncars.NCARS(tmp_path, train=False)), window_us=100_000)
    assert held(both) == held(wb.load("n-cars", tmp_path))


def test_a_car_outside_the_sensor_is_damage(tmp_path):
    fill_ncars(tmp_path)
    put(tmp_path / "n-cars_train" / "cars" / "obj_000001_td.dat", writers.dat([(5, 5, 0, 1), (120, 3, 9, 0)]))
    with pytest.raises(
        formats.DamagedFile, match=r"obj_000001_td\.dat has x = 120, y = 3 at byte \d+, outside 100 x 120"
    ):
        wb.load("n-cars", tmp_path)


# CIFAR10-DVS

KINDS = ("airplane", "truck")


def fill_cifar(root, write, suffix, numbers=(0, 2, 10, 99, 100, 101), begin_us=0):
    written = []
    for kind in KINDS:
        for number in numbers:
            events = some_events([len(kind), number], begin_us=begin_us, end_us=begin_us + 1_000_000)
            put(root / kind / f"cifar10_{kind}_{number}{suffix}", write(events))
            written.append((kind, zeroed(events)))
    return sorted(written)


def fill_tonics(root, **options):
    return fill_cifar(root, lambda events: writers.aedat4(events, sensor=(128, 128)), ".aedat4", **options)


def turned(recordings):
    """What lies along the columns stands along the rows, and what was at the bottom is at the left."""
    return sorted((kind, [(127 - y, x, t, p) for x, y, t, p in events]) for kind, events in recordings)


@pytest.mark.parametrize("upright", [None, True, False])
def test_cifar10_dvs_of_the_authors_is_turned_upright_unless_it_is_left_as_it_lay(tmp_path, upright):
    written = fill_cifar(tmp_path / "CIFAR10DVS", writers.aedat2, ".aedat", begin_us=5_000_000)
    dataset = wb.load("cifar10-dvs", tmp_path, **({} if upright is None else {"upright": upright}))
    assert (dataset.shape, dataset.window_us, len(dataset.classes)) == ((2, 128, 128), 1_200_000, 10)
    assert held(dataset) == (written if upright is False else turned(written))
    assert dataset.split == "at random by seed 0, 90 to 10 in every class; 12 of 10,000 recordings"
    assert (len(dataset.train), len(dataset.test)) == (10, 2)


def test_words_of_cifar10_dvs_stand_upright(tmp_path):
    """The vertical lies along bits 1 to 7, its top at 127 - low; a raw bit of 0 is ON."""
    rng = np.random.default_rng(0)
    rows = [(int(word), 50 * i) for i, word in enumerate(rng.integers(0, 2**15, 300))]
    data = writers.AEDAT2_HEADER.encode() + b"".join(struct.pack(">II", *pair) for pair in rows)
    for number in (0, 1):
        put(tmp_path / "bird" / f"cifar10_bird_{number}.aedat", data)
    upright, lying = (wb.load("cifar10-dvs", tmp_path, split=0.5, upright=one).train[0] for one in (True, False))
    word = np.array(rows)[:, 0]
    order = [np.lexsort((word, events["t"])) for events in (upright, lying)]
    np.testing.assert_array_equal(upright["x"][order[0]], word >> 8 & 127)
    np.testing.assert_array_equal(upright["y"][order[0]], 127 - (word >> 1 & 127))
    np.testing.assert_array_equal(lying["x"][order[1]], 127 - (word >> 1 & 127))
    np.testing.assert_array_equal(lying["y"][order[1]], 127 - (word >> 8 & 127))
    np.testing.assert_array_equal(upright["p"][order[0]], 1 - (word & 1))


def test_cifar10_dvs_of_tonic_is_never_turned(tmp_path):
    written = fill_tonics(tmp_path, begin_us=5_000_000)
    assert held(wb.load("cifar10-dvs", tmp_path)) == written
    assert held(wb.load("cifar10-dvs", tmp_path, upright=False)) == written
    words = r"\.aedat4 copy of CIFAR10-DVS, and nobody has said how it lies; leave out upright=, look at some"
    with pytest.raises(ValueError, match=words):
        wb.load("cifar10-dvs", tmp_path, upright=True)


def test_the_two_copies_of_cifar10_dvs_are_never_mixed(tmp_path):
    fill_cifar(tmp_path, writers.aedat2, ".aedat")
    fill_tonics(tmp_path, numbers=(5,))
    with pytest.raises(ValueError, match=r"holds two copies of CIFAR10-DVS, 12 \.aedat and 2 \.aedat4 files, .*; ke"):
        wb.load("cifar10-dvs", tmp_path)


def test_the_turn_is_kept_apart_in_the_cache(tmp_path):
    fill_cifar(tmp_path, writers.aedat2, ".aedat", numbers=(0, 1))
    found = [held(wb.load("cifar10-dvs", tmp_path, upright=upright)) for upright in (True, False, True)]
    assert found[0] == found[2] == turned(found[1])
    assert found[0] != found[1]


def test_cifar10_dvs_is_divided_by_seed_or_by_the_popular_cut(tmp_path):
    fill_cifar(tmp_path, writers.aedat2, ".aedat")
    cut = wb.load("cifar10-dvs", tmp_path, split="first-100")
    assert (len(cut.train), len(cut.test)) == (4, 8)
    assert cut.split.startswith("first 100 of every class test")
    splits = {wb.load("cifar10-dvs", tmp_path, seed=seed).test.time_us.tobytes() for seed in range(6)}
    assert len(splits) > 1
    half = wb.load("cifar10-dvs", tmp_path, split=0.5)
    assert (len(half.train), len(half.test)) == (6, 6)


def test_a_folder_that_is_no_class_is_refused(tmp_path):
    fill_cifar(tmp_path, writers.aedat2, ".aedat")
    (tmp_path / "house").mkdir()
    with pytest.raises(ValueError, match=r"house is not a class of CIFAR10-DVS; they are airplane, .*truck"):
        wb.load("cifar10-dvs", tmp_path)


# DvsGesture

TABLE = "class,startTime_usec,endTime_usec\n"


def fill_trials(root, begin_us=80_000_000):
    """Three users, two of them train; each makes gestures 1, 8 and 11 of a second, with pauses of a tenth."""
    written = []
    for user in (1, 2, 3):
        events, rows = [], []
        for i, kind in enumerate((1, 8, 11)):
            begin = begin_us + i * 1_100_000
            some = some_events([user, kind], begin_us=begin, end_us=begin + 1_000_000)
            events += some + some_events([user, kind, 1], count=5, begin_us=begin + 1_000_000, end_us=begin + 1_100_000)
            rows.append(f"{kind},{begin},{begin + 1_000_000}\n")
            written.append((kind - 1, [(x, y, t - begin, p) for x, y, t, p in some]))
        put(root / f"user{user:02d}_led.aedat", writers.aedat3(events))
        (root / f"user{user:02d}_led_labels.csv").write_text(TABLE + "".join(rows))
    (root / "trials_to_train.txt").write_text("user01_led.aedat\nuser02_led.aedat\nuser09_led.aedat\n")
    (root / "trials_to_test.txt").write_text("user03_led.aedat\n")
    return written


def test_gestures_are_cut_from_the_authors_recordings(tmp_path):
    written = fill_trials(tmp_path / "DvsGesture")
    dataset = wb.load("dvs-gesture", tmp_path, window_us=1_000_000)
    assert (dataset.shape, len(dataset.train), len(dataset.test)) == ((2, 128, 128), 6, 3)
    assert held(dataset) == sorted((dataset.classes[label], events) for label, events in written)
    assert dataset.split == 'official, by users; 11 classes, with "other gestures"; 9 of 1,464 recordings'
    ten = wb.load("dvs-gesture", tmp_path, classes=10)
    assert (len(ten.classes), len(ten)) == (10, 6)
    assert '10 classes, without "other gestures"' in ten.split
    with pytest.raises(ValueError, match=r"has 11 classes, or 10 without .*; classes is 12"):
        wb.load("dvs-gesture", tmp_path, classes=12)


def test_gestures_are_read_from_the_copy_of_tonic(tmp_path):
    written = []
    for part, users in (("ibmGestureTrain", (1, 2)), ("ibmGestureTest", (3,))):
        for user in users:
            for label in (0, 7, 10):
                rows = [(x, y, p, t // 1000) for x, y, t, p in some_events([user, label])]
                put(tmp_path / "DVSGesture" / part / f"user{user:02d}_lab" / f"{label}.npy", writers.npy_table(rows))
                written.append((label, [(x, y, t * 1000, p) for x, y, p, t in rows]))
    dataset = wb.load("dvs-gesture", tmp_path)
    assert held(dataset) == sorted((dataset.classes[label], events) for label, events in written)
    assert (len(dataset.train), len(dataset.test)) == (6, 3)
    (tmp_path / "DVSGesture" / "ibmGestureTest" / "user03_lab" / "left.npy").write_bytes(b"")
    with pytest.raises(ValueError, match=r"left.npy is not a class; the files of .* are called 0.npy to 10.npy"):
        wb.load("dvs-gesture", tmp_path)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("kind,begin,end\n1,2,3\n", r"labels.csv, line 1 is .*; it should name the columns class, startTime_usec"),
        (TABLE + "1,20\n", r"labels.csv, line 2 is \['1', '20'\]; give class, begin and end in whole numbers"),
        (TABLE + "1,a,b\n", "line 2 is .*; give class"),
        (TABLE + "1,5,9\n12,20,30\n", "line 3: class 12 from 20 to 30 us is not one"),
        (TABLE + "1,30,20\n", "line 2: class 1 from 30 to 20 us is not one"),
    ],
)
def test_damaged_tables_are_named_with_the_line(tmp_path, table, words):
    fill_trials(tmp_path)
    (tmp_path / "user02_led_labels.csv").write_text(table)
    with pytest.raises(ValueError, match=words):
        wb.load("dvs-gesture", tmp_path)


def test_a_recording_without_its_table_is_named(tmp_path):
    fill_trials(tmp_path)
    (tmp_path / "user02_led_labels.csv").unlink()
    with pytest.raises(ValueError, match=r"user02_led.aedat has no table user02_led_labels.csv beside it"):
        wb.load("dvs-gesture", tmp_path)


# all of them

NAMES = ("n-mnist", "cifar10-dvs", "n-cars", "dvs-gesture")


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_set_says_where_how_large_and_how_to_get_it(tmp_path, name):
    with pytest.raises(FileNotFoundError) as error:
        wb.load(name, tmp_path / "nowhere")
    words = str(error.value)
    assert re.search(r"no [\w-]+ in .*nowhere; give root=, a folder with .*<", words)
    assert re.search(r"The whole set has [\d,]+ recordings, (about|some|below) [\d.]+ GB; a part of it will do", words)
    assert re.search(r"download=True|tonic cannot download it", words)
    assert "https://" in words


@pytest.mark.parametrize(
    ("name", "kind", "calls"),
    [
        ("n-mnist", "NMNIST", [True, False]),
        ("dvs-gesture", "DVSGesture", [True, False]),
        ("cifar10-dvs", "CIFAR10DVS", [None]),
    ],
)
def test_tonic_downloads_only_when_asked(tonic, tmp_path, monkeypatch, name, kind, calls):
    asked = []
    monkeypatch.setattr(tonic.datasets, kind, lambda save_to, train=None: asked.append((save_to, train)))
    with pytest.raises(FileNotFoundError):
        wb.load(name, tmp_path)
    assert asked == []
    with pytest.raises(FileNotFoundError):  # nothing has come, as nothing was really fetched
        wb.load(name, tmp_path, download=True)
    assert asked == [(str(tmp_path), train) for train in calls]


def test_without_tonic_nothing_is_downloaded_and_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tonic", None)
    words = r"fetch N-MNIST; pip install 'spiking-workbench\[tonic\]', or get it from https://"
    with pytest.raises(ImportError, match=words):
        wb.load("n-mnist", tmp_path, download=True)


def test_what_tonic_does_not_know_is_not_downloaded(tmp_path):
    with pytest.raises(ValueError, match=r"tonic cannot download N-CARS; get it from https://"):
        wb.load("n-cars", tmp_path, download=True)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "cifar10-dvs"])
def test_an_official_split_stands(tmp_path, name):
    with pytest.raises(ValueError, match=f"{name} has an official split; leave split out"):
        wb.load(name, tmp_path, split="random")


def test_other_spellings_are_alike():
    assert normalize_name("N-MNIST") in normalize_name("nmnist_part-500")
    assert normalize_name("CIFAR10-DVS") == normalize_name("cifar10_dvs") == "cifar10dvs"


def test_a_part_that_is_missing_is_named(tmp_path):
    put(tmp_path / "n-cars_train" / "cars" / "a.dat", writers.dat(some_events(0, (50, 50))))
    with pytest.raises(ValueError, match=r"has no .dat file to test; n-cars needs n-cars_train"):
        wb.load("n-cars", tmp_path)


# every format, in folders by class

WRITERS = {
    ".bin": (writers.nmnist, (34, 34)),
    ".aedat": (writers.aedat2, (128, 128)),
    ".aedat4": (lambda events: writers.aedat4(events, sensor=(60, 80)), (60, 80)),
    ".dat": (writers.dat, (60, 80)),
    ".raw": (writers.evt3, (60, 80)),
    ".npy": (writers.npy, (60, 80)),
    ".hdf5": (writers.hdf5, (60, 80)),
}


@pytest.mark.parametrize("suffix", WRITERS)
def test_files_of_every_format_make_a_data_set(tmp_path, suffix):
    write, sensor = WRITERS[suffix]
    written = []
    for kind in ("left", "right"):
        for i in range(4):
            events = some_events([len(kind), i], sensor, end_us=40_000)
            put(tmp_path / kind / f"{i}{suffix}", write(events))
            written.append((kind, events if suffix in (".bin", ".npy") else zeroed(events)))
    dataset = wb.load(tmp_path, sensor=sensor)
    assert dataset.shape == (2, *sensor)
    assert held(dataset) == sorted(written)
    height, width = wb.load(tmp_path).shape[1:]
    told = {".aedat": (128, 128), ".aedat4": sensor, ".raw": (720, 1280)}
    tallest, widest = (max(event[axis] for _, events in written for event in events) + 1 for axis in (1, 0))
    assert (height, width) == told.get(suffix, (tallest, widest))


# tonic's own data sets, on the same files


@pytest.fixture
def trusting(tonic, monkeypatch):
    """Tonic takes what is on disk for the whole set, and downloads nothing."""
    for kind in (tonic.datasets.NMNIST, tonic.datasets.CIFAR10DVS, tonic.datasets.DVSGesture):
        monkeypatch.setattr(kind, "_check_exists", lambda self: True)


def test_n_mnist_of_tonic_is_ours(tonic, tmp_path, trusting):
    for part in ("Train", "Test"):
        for digit in "0279":
            put(
                tmp_path / "NMNIST" / part / digit / "1.bin",
                writers.nmnist(some_events([len(part), int(digit)], (34, 34))),
            )
    theirs = wb.load(tuple(tonic.datasets.NMNIST(str(tmp_path), train=train) for train in (True, False)))
    ours = wb.load("n-mnist", tmp_path)
    assert [events.tolist() for events in theirs.train] == [events.tolist() for events in ours.train]
    assert theirs.test.labels.tolist() == ours.test.labels.tolist() == [0, 2, 7, 9]
    assert theirs.classes[7] == "7 - seven"


def test_cifar10_dvs_of_tonic_is_ours(tonic, tmp_path, trusting):
    fill_cifar(tmp_path / "CIFAR10DVS", lambda events: writers.aedat4(events, sensor=(128, 128)), ".aedat4")
    theirs, ours = wb.load(tonic.datasets.CIFAR10DVS(str(tmp_path))), wb.load("cifar10-dvs", tmp_path)
    assert theirs.classes == ours.classes
    assert sorted((kind, zeroed(events)) for kind, events in held(theirs)) == held(ours)


def test_gestures_of_tonic_are_ours(tonic, tmp_path, trusting):
    for part in ("ibmGestureTrain", "ibmGestureTest"):
        for label in (0, 7, 10):
            rows = [(x, y, p, t // 1000) for x, y, t, p in some_events([len(part), label])]
            put(tmp_path / "DVSGesture" / part / "user01_lab" / f"{label}.npy", writers.npy_table(rows))
    theirs = wb.load(tuple(tonic.datasets.DVSGesture(str(tmp_path), train=train) for train in (True, False)))
    ours = wb.load("dvs-gesture", tmp_path)
    assert {label: events.tolist() for label, events in zip(theirs.train.labels, theirs.train, strict=True)} == {
        label: events.tolist() for label, events in zip(ours.train.labels, ours.train, strict=True)
    }
