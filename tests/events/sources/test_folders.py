"""Folders as people have them: every recording is read, or the split counts it and a warning names where it lies."""

import os
import re
import socket
import unicodedata
import warnings

import numpy as np
import pytest

import workbench as wb
from tests.support import event_writers
from workbench.events.event_arrays import EVENTS
from workbench.events.sources.folder_tree import natural_key, scan_folder

NOT_READ = re.compile(r"([\d,]+) recordings? (?:is|are) not read: ")


def some_events(seed=0):
    events = np.zeros(9, EVENTS)
    events["t"], events["x"] = np.arange(9) * 100, (seed + np.arange(9)) % 7
    return events


def put(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, some_events(seed))
    return path


def load(root, **options):
    """The set, and the one warning that there may be."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        dataset = wb.load(root, cache=False, **options)
    return dataset, [str(warning.message) for warning in told]


def left_out(dataset):
    found = NOT_READ.search(dataset.split)
    return int(found[1]) if found else 0


@pytest.mark.parametrize("seed", range(40))
def test_every_recording_is_read_or_counted(seed, tmp_path):
    """Random trees with parts, sub-folders, strays, other files, debris and links, against a plain count."""
    rng = np.random.default_rng(seed)
    parted, read, elsewhere, others = bool(rng.integers(2)), 0, 0, 0
    for part in ("Train", "test") if parted else ("",):
        for kind in ("cat", "dog", "10"):
            for depth in range(int(rng.integers(1, 4))):
                for number in range(int(rng.integers(2, 5))):
                    put(tmp_path.joinpath(part, kind, *["subject 2", "deeper"][:depth], f"{number}.npy"), number)
                    read += 1
    if parted:
        for place in ("val/cat", "extra", "cat"):
            for number in range(int(rng.integers(0, 3))):
                put(tmp_path / place / f"{number}.npy")
                elsewhere += 1
    for number in range(int(rng.integers(0, 3))):
        put(tmp_path / f"stray {number}.npy")
        elsewhere += 1
    for name in ("notes.md", "Train/film.mp4", "cat/picture.png", "empty.bak"):
        if rng.integers(2):
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"something else")
            others += 1
    for name in ("__MACOSX/cat/._1.npy", "cat/._1.npy", ".DS_Store", "Thumbs.db", ".git/1.npy", "__MACOSX/dog/1.npy"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\0\5\x16\7 debris")
    for name in ("bird", "Train/fish"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    links = int(rng.integers(0, 3))
    for number in range(links):
        (tmp_path / ("Train/cat" if parted else "cat") / f"again {number}.npy").symlink_to("0.npy")
    (tmp_path / "loop").symlink_to(tmp_path)
    dataset, told = load(tmp_path)
    assert (len(dataset), left_out(dataset)) == (read, elsewhere)
    assert (f"; {others} other files are not read" in dataset.split) == (others > 0)
    assert (f"; {links} further links to the same files" in dataset.split) == (links > 0)
    assert dataset.classes == ("10", "cat", "dog")
    if parted:
        foreign = (tmp_path / "cat" / "picture.png").exists() and not list(tmp_path.glob("cat/[0-9]*.npy"))
    else:
        foreign = (tmp_path / "Train" / "film.mp4").exists()
    name = "cat" if parted else "Train"
    assert len(told) == (elsewhere > 0) + foreign
    assert any(f"1 folder holds no recording ({name}), and no class" in words for words in told) == foreign
    assert re.search(r"; . folders? holds? no recording \([^)]*bird[^)]*\)", dataset.split)
    if elsewhere:
        assert f"{elsewhere} recording" in told[-1]
        assert "not read, because of where they lie: " in told[-1]


def test_a_third_part_and_strays_are_named(tmp_path):
    for part in ("train", "test", "val"):
        for kind in ("cat", "dog"):
            for number in range(3):
                put(tmp_path / part / kind / f"{number}.npy")
    put(tmp_path / "lost.npy")
    put(tmp_path / "train" / "stray.npy")
    dataset, told = load(tmp_path)
    where = f"1 in {tmp_path.name} itself, 1 in train, 6 in val"
    assert (len(dataset.train), len(dataset.test)) == (6, 6)
    assert dataset.split == f"folders train and test; 8 recordings are not read: {where}"
    assert told == [
        f"{tmp_path}: 8 recordings are not read, because of where they lie: {where}; give <class>/<recording>, or "
        "train/<class>/<recording> and test/<class>/<recording>"
    ]


def test_parts_may_lie_in_the_classes(tmp_path):
    for kind in ("cat", "dog"):
        for part, count in (("training", 4), ("testing", 2), ("val", 1)):
            for number in range(count):
                put(tmp_path / kind / part / f"{number}.npy")
    dataset, told = load(tmp_path)
    assert (len(dataset.train), len(dataset.test), left_out(dataset), len(told)) == (8, 4, 2, 1)
    assert dataset.classes == ("cat", "dog")


def test_a_class_may_be_called_train(tmp_path):
    for kind in ("bus", "train", "car"):
        for number in range(5):
            put(tmp_path / kind / f"{number}.npy")
    dataset, told = load(tmp_path)
    assert (dataset.classes, len(dataset), told) == (("bus", "car", "train"), 15, [])


def test_one_part_alone_is_refused(tmp_path):
    put(tmp_path / "train" / "cat" / "1.npy")
    put(tmp_path / "train" / "dog" / "1.npy")
    with pytest.raises(
        ValueError, match=r"has a folder train \(.*\.npy\), but none to test; add it, or give the one part alone"
    ):
        wb.load(tmp_path)
    put(tmp_path / "train" / "cat" / "2.npy")
    assert len(wb.load(tmp_path / "train")) == 3


def test_a_folder_too_high_is_refused(tmp_path):
    for kind in ("cat", "dog"):
        put(tmp_path / "data" / kind / "1.npy")
    with pytest.raises(ValueError, match=r"in folders of one class, data \(data/cat, data/dog\); if the classes are"):
        wb.load(tmp_path)
    for part in ("train", "test"):
        for kind in ("cat", "dog"):
            put(tmp_path / "set" / part / "all" / kind / "1.npy")
    with pytest.raises(ValueError, match="in folders of one class, all"):
        wb.load(tmp_path / "set")


@pytest.mark.parametrize("parted", [False, True])
def test_a_class_has_at_least_one_recording(tmp_path, parted):
    for part in ("train", "test") if parted else ("",):
        for kind in ("cat", "dog"):
            for number in range(3):
                put(tmp_path / part / kind / f"{number}.npy")
        (tmp_path / part / "bird").mkdir()
        (tmp_path / part / "fish").mkdir()
        (tmp_path / part / "fish" / "readme.md").write_text("to come")
    dataset, told = load(tmp_path)
    assert dataset.classes == ("cat", "dog")
    assert np.bincount(dataset.train.labels, minlength=2).min() > 0
    empty = [
        f"{part}/{name}" if parted else name for part in ("test", "train")[: 1 + parted] for name in ("bird", "fish")
    ]
    assert f"{len(empty)} folders hold no recording ({', '.join(empty)})" in dataset.split
    full = [name for name in empty if "fish" in name]
    hold = "1 folder holds" if len(full) == 1 else "2 folders hold"
    assert told == [f"{tmp_path}: {hold} no recording ({', '.join(full)}), and no class is made of it"]


def test_a_class_without_recordings_to_train_is_named(tmp_path):
    for place in ("train/cat", "train/dog", "test/cat", "test/Dog"):
        put(tmp_path / place / "1.npy")
    dataset, told = load(tmp_path)
    assert dataset.classes == ("Dog", "cat", "dog")
    assert told == [f"{tmp_path} has no recording of Dog to train, only to test"]


def test_names_in_other_forms_of_unicode_are_one_class(tmp_path):
    composed, apart = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    for part, name in (("train", composed), ("test", apart)):
        put(tmp_path / part / name / "1.npy")
        put(tmp_path / part / "thé" / "1.npy")
    assert load(tmp_path)[0].classes == (composed, "thé")
    put(tmp_path / "train" / apart / "2.npy")
    assert (len(load(tmp_path)[0].train), load(tmp_path)[1]) == (3, [])


def test_numbers_in_names_sort_as_numbers(tmp_path):
    names = ["0", "1", "2", "9", "10", "11", "100"]
    for name in names:
        for number in range(2):
            put(tmp_path / name / f"{number}.npy")
    assert load(tmp_path)[0].classes == tuple(names)
    assert sorted(["a10", "a9", "²", "x²", "a", ""], key=natural_key) == ["", "a", "a9", "a10", "x²", "²"]


@pytest.mark.parametrize("kind", ["file", "class", "root", "part"])
def test_links_anywhere_are_followed(tmp_path, kind):
    real, root = tmp_path / "elsewhere", tmp_path / "set"
    for part in ("train", "test"):
        for name in ("cat", "dog"):
            for number in range(2):
                put(real / part / name / f"{number}.npy")
    if kind == "root":
        root.symlink_to(real)
    elif kind == "part":
        root.mkdir()
        for part in ("train", "test"):
            (root / part).symlink_to(real / part)
    else:
        for path in list(real.glob("*/*/*.npy" if kind == "file" else "*/*")):
            there = root / path.relative_to(real)
            there.parent.mkdir(parents=True, exist_ok=True)
            there.symlink_to(os.path.relpath(path, there.parent))
    dataset, told = load(root)
    assert (len(dataset.train), len(dataset.test), dataset.split, told) == (4, 4, "folders train and test", [])
    assert dataset.classes == ("cat", "dog")


def test_one_file_in_two_places_is_refused(tmp_path):
    for name in ("cat", "dog"):
        for number in range(2):
            put(tmp_path / name / f"{number}.npy")
    (tmp_path / "dog" / "7.npy").symlink_to("../cat/1.npy")
    with pytest.raises(ValueError, match=r"dog/7.npy and .*cat/1.npy are one file in two classes or parts; take one"):
        wb.load(tmp_path)
    (tmp_path / "dog" / "7.npy").unlink()
    (tmp_path / "alias").symlink_to("dog")
    with pytest.raises(ValueError, match="are one file in two classes or parts"):
        wb.load(tmp_path)


def test_what_is_no_file_is_counted_and_never_opened(tmp_path):
    for name in ("cat", "dog"):
        for number in range(2):
            put(tmp_path / name / f"{number}.npy")
    os.mkfifo(tmp_path / "cat" / "pipe.npy")
    (tmp_path / "cat" / "broken.npy").symlink_to("nowhere.npy")
    (tmp_path / "dog" / "round.npy").symlink_to("round.npy")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "dog" / "s.npy"))
        dataset, told = load(tmp_path)
    assert (len(dataset), told) == (4, [])
    assert dataset.split.endswith("; 4 other files are not read")


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("1.NPY", event_writers.npy),
        ("1.Raw", event_writers.evt3),
        ("1.events", event_writers.aedat3),
        ("1", event_writers.aedat4),
        ("1.aedat2.bak", event_writers.evt2),
        ("1.hdf", event_writers.hdf5),
    ],
)
def test_recordings_with_other_endings_are_known_by_their_first_bytes(tmp_path, name, write):
    events = [(x, x, 100 * x, x % 2) for x in range(5)]
    for kind in ("cat", "dog"):
        for number in range(2):
            path = tmp_path / kind / str(number) / name
            path.parent.mkdir(parents=True)
            path.write_bytes(write(events))
    dataset, told = load(tmp_path)
    assert (len(dataset), told) == (4, [])
    assert dataset.train[0].tolist() == [(x, y, t, bool(p)) for x, y, t, p in events]


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path, monkeypatch):
    put(tmp_path / "cat" / "1.npy")
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("cat"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr("workbench.events.sources.folder_tree.os.scandir", refuse)
    with pytest.raises(PermissionError, match="cat"):
        wb.load(tmp_path)


@pytest.mark.parametrize("seed", range(20))
def test_a_walk_finds_every_file_once(seed, tmp_path):
    rng = np.random.default_rng(seed)
    places = [tmp_path]
    for number in range(12):
        parent = places[rng.integers(len(places))]
        folder = parent / f"f{number}"
        if rng.random() < 0.4:
            folder.symlink_to(places[rng.integers(len(places))])
        else:
            folder.mkdir()
            places.append(folder)
        (parent / f"{number}.txt").write_text("x")
    tree = scan_folder(tmp_path)
    assert {os.path.realpath(path) for path in tree.files} == {str(p) for p in tmp_path.rglob("*.txt")}
    assert len(tree.files) == 12
    assert all(str(path) == real for path, real in tree.files.items())
    links = {path: path.resolve() for path in tmp_path.rglob("f*") if path.is_symlink()}
    sideways = {path: str(real) for path, real in links.items() if not path.parent.is_relative_to(real)}
    assert (tree.repeated, tree.others) == (sideways, ())


# sets by name


def put_digit(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(event_writers.nmnist([(x, x, 100 * x, x % 2) for x in range(5)]))


def test_n_mnist_reads_what_lies_deeper_and_counts_what_lies_elsewhere(tmp_path):
    for part in ("Train", "Test"):
        for digit in "03":
            put_digit(tmp_path / part / digit / "1.bin")
            put_digit(tmp_path / part / digit / "more" / "2.BIN")
    (tmp_path / "__MACOSX" / "Train").mkdir(parents=True)
    (tmp_path / "Train" / "__MACOSX").mkdir(parents=True)
    put_digit(tmp_path / "Train" / "stray.bin")
    put_digit(tmp_path / "Valid" / "3" / "1.bin")
    (tmp_path / "Train" / "readme.txt").write_text("...")
    (tmp_path / "elsewhere").mkdir()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        dataset = wb.load("n-mnist", tmp_path, cache=False)
    assert (len(dataset.train), len(dataset.test)) == (4, 4)
    assert dataset.split == (
        "official folders Train and Test; 8 of 70,000 recordings; 2 recordings are not read: 1 in Train, 1 in Valid; "
        "1 other files are not read"
    )
    assert [str(one.message) for one in told] == [
        f"{tmp_path}: 2 recordings are not read, because of where they lie: 1 in Train, 1 in Valid; give "
        "Train/<digit>/*.bin and Test/<digit>/*.bin"
    ]


def test_n_cars_reads_what_is_linked_and_counts_what_lies_elsewhere(tmp_path):
    real = tmp_path / "disk"
    for part in ("train", "test"):
        for kind in ("cars", "background"):
            path = real / part / kind / "a" / "1.dat"
            path.parent.mkdir(parents=True)
            path.write_bytes(event_writers.dat([(x, x, 100 * x, x % 2) for x in range(5)]))
    root = tmp_path / "n-cars"
    root.mkdir()
    for part in ("train", "test"):
        (root / part).symlink_to(real / part)
    (root / "val").mkdir()
    (root / "val" / "1.dat").symlink_to(real / "train" / "cars" / "a" / "1.dat")
    (root / "2.dat").write_bytes(event_writers.dat([(1, 1, 1, 1)]))
    with pytest.warns(UserWarning, match=r"1 recording is not read, because of where they lie: 1 in n-cars itself"):
        dataset = wb.load("n-cars", tmp_path / "n-cars", cache=False)
    assert (len(dataset.train), len(dataset.test)) == (2, 2)
    assert dataset.split.endswith("1 recording is not read: 1 in n-cars itself; 1 further links to the same files")


@pytest.mark.parametrize("name", ["0.npy", "²"])
def test_dvs_gesture_counts_what_lies_elsewhere(tmp_path, name):
    table = event_writers.npy_table([(1, 1, 0, 5), (2, 2, 1, 9)], code="d", descr="'<f8'")
    for part in ("ibmGestureTrain", "ibmGestureTest"):
        for label in range(2):
            path = tmp_path / part / "user1_led" / f"{label}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(table)
    if name == "²":
        (tmp_path / "ibmGestureTest" / "user1_led" / "².npy").write_bytes(table)
        with pytest.raises(ValueError, match=r"².npy is not a class; the files of .* are called 0.npy to 10.npy"):
            wb.load("dvs-gesture", tmp_path, cache=False)
        return
    (tmp_path / "ibmGestureTest" / name).write_bytes(table)
    with pytest.warns(UserWarning, match="1 recording is not read, because of where they lie: 1 in ibmGestureTest"):
        dataset = wb.load("dvs-gesture", tmp_path, cache=False)
    assert len(dataset) == 4
    assert "1 recording is not read" in dataset.split
