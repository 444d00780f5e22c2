"""Loading from folders, memory and tonic: one form, one cache, one way of refusing."""

import subprocess
import sys
import tracemalloc
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

import workbench as wb
from tests.support.many_threads import run_at_once
from workbench.events.event_arrays import EVENTS
from workbench.events.storage import shards
from workbench.events.transforms import transforms


def some_events(seed, count=60, end_us=10_000, sensor=(8, 9)):
    rng = np.random.default_rng(seed)
    events = np.zeros(count, dtype=EVENTS)
    events["t"], events["p"] = np.sort(rng.integers(0, end_us, count)), rng.integers(0, 2, count)
    events["y"], events["x"] = rng.integers(0, sensor[0], count), rng.integers(0, sensor[1], count)
    events["t"][-1], events["y"][-1], events["x"][-1] = end_us - 1, sensor[0] - 1, sensor[1] - 1
    return events


def fill(root, classes=("left", "right"), count=5, **options):
    for label, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for i in range(count):
            np.save(root / name / f"{i}.npy", some_events(100 * label + i, **options))
    return root


def same(one, other):
    fields = ("time_us", "site", "starts", "labels", "origins")
    return all(np.array_equal(getattr(one, field), getattr(other, field)) for field in fields)


# folders


def test_a_folder_by_class_is_a_data_set(tmp_path):
    dataset = wb.load(fill(tmp_path / "waves"), frames=5, ticks_per_frame=4)
    assert (dataset.name, dataset.classes, dataset.shape) == ("waves", ("left", "right"), (2, 8, 9))
    assert (dataset.window_us, dataset.frames, dataset.ticks_per_frame) == (10_000, 5, 4)
    assert (len(dataset.train), len(dataset.test)) == (8, 2)
    assert dataset.split == "at random by seed 0, 80 to 20 in every class"
    found = sorted(one.tolist() for part in (dataset.train, dataset.test) for one in part)
    assert found == sorted(some_events(100 * label + i).tolist() for label in range(2) for i in range(5))
    for part in (dataset.train, dataset.test):
        for events, label in zip(part, part.labels, strict=True):
            seeds = [100 * label + i for i in range(5)]
            assert events.tolist() in [some_events(seed).tolist() for seed in seeds]
    assert same(wb.load(str(tmp_path / "waves")).train, dataset.train)


def test_folders_train_and_test_decide(tmp_path):
    fill(tmp_path / "Train", ("a", "b"), 3)
    fill(tmp_path / "test", ("a", "b"), 2)
    dataset = wb.load(tmp_path)
    assert (len(dataset.train), len(dataset.test), dataset.split) == (6, 4, "folders train and test")
    with pytest.raises(ValueError, match="has an official split; leave split out"):
        wb.load(tmp_path, split="random")


def test_files_that_no_format_claims_are_counted(tmp_path):
    fill(tmp_path)
    (tmp_path / "readme.md").write_text("hello")
    (tmp_path / "left" / "film.mp4").write_bytes(b"...")
    (tmp_path / "notes").mkdir()
    assert wb.load(tmp_path).split.endswith("; 2 other files are not read")
    assert wb.load(tmp_path).classes == ("left", "right")


def test_what_is_no_data_set_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"is no data set: no folder in it holds recordings; give a folder with <class>"
    ):
        wb.load(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere is no folder; give one with <class>/<recording>"):
        wb.load(tmp_path / "nowhere")
    np.save(tmp_path / "one.npy", some_events(0))
    with pytest.raises(ValueError, match=r"one.npy is one file; sort recordings in folders by class, or read it alone"):
        wb.load(tmp_path / "one.npy")
    with pytest.raises(ValueError, match="unknown data set 'n-minst'; did you mean 'n-mnist'"):
        wb.load("n-minst")
    with pytest.raises(ValueError, match="int is no data set; give a name, a folder"):
        wb.load(3)


def test_a_sensor_that_is_told_holds_all(tmp_path):
    fill(tmp_path)
    assert wb.load(tmp_path, sensor=(20, 30)).shape == (2, 20, 30)
    with pytest.raises(ValueError, match=r"has x = 8, y = \d at event \d+, outside 8 x 8"):
        wb.load(tmp_path, sensor=(8, 8))


# slices and transforms


def test_long_recordings_are_cut_and_stay_on_their_side(tmp_path):
    dataset = wb.load(fill(tmp_path), window_us=2500)
    assert (len(dataset.train), len(dataset.test)) == (32, 8)
    assert "10 recordings cut into 40 slices of 2.5 ms" in dataset.split
    assert dataset.train.origins.tolist() == np.repeat(np.arange(8), 4).tolist()
    whole = wb.load(tmp_path)
    ours = dataset.train.as_ticks(slice(0, 4), 5)
    np.testing.assert_array_equal(
        ours.swapaxes(0, 1).reshape(-1, *dataset.shape), whole.rebin(frames=32).train.as_ticks([0], 5)[:, 0]
    )
    first = wb.load(tmp_path, window_us=2500, slices="first")
    assert (len(first.train), len(first.test)) == (8, 2)
    np.testing.assert_array_equal(first.train.as_ticks(), dataset.train[::4].as_ticks())


def test_embedded_sets_are_cut_and_transformed_alike(tmp_path):
    digits = wb.load("digits", tmp_path)
    cut = wb.load("digits", tmp_path, window_us=100_000, transforms=transforms.Downsample(2))
    assert cut.shape == (2, 17, 17)
    assert len(cut) == 3 * len(digits)
    assert "1,797 recordings cut into 5,391 slices of 100 ms" in cut.split
    assert cut.train.as_frames(slice(0, 3)).sum() == digits.train.as_frames([0]).sum()
    assert len(wb.load("digits", tmp_path, window_us=100_000, slices="first")) == len(digits)


def test_transforms_change_every_slice_by_seed(tmp_path):
    fill(tmp_path)
    plain, drop = wb.load(tmp_path), transforms.Drop(0.5)
    one = wb.load(tmp_path, transforms=[transforms.Crop(6, 6), drop])
    assert one.shape == (2, 6, 6)
    assert 0 < len(one.train.time_us) < len(plain.train.time_us)
    assert same(one.train, wb.load(tmp_path, transforms=[transforms.Crop(6, 6), drop], cache=False).train)
    assert not same(wb.load(tmp_path, transforms=drop).train, wb.load(tmp_path, transforms=drop, seed=1).train)


# damage


def test_damage_is_named_or_skipped_and_counted(tmp_path):
    fill(tmp_path)
    (tmp_path / "left" / "3.npy").write_bytes(b"no array")
    with pytest.raises(ValueError, match=r"3\.npy"):
        wb.load(tmp_path)
    for _ in range(2):  # read, and read from the cache
        with pytest.warns(UserWarning, match=r"1 of 10 recordings are damaged and left out; the first: .*3\.npy"):
            dataset = wb.load(tmp_path, on_error="skip", sensor=(8, 9), window_us=10_000)
    assert len(dataset) == 9
    assert dataset.split.endswith("; 1 damaged left out")


def test_a_recording_damaged_in_its_middle_leaves_nothing_behind(tmp_path):
    fill(tmp_path, end_us=10_000)
    broken = some_events(3)
    broken["t"][-2:] = [9000, 10]
    np.save(tmp_path / "left" / "3.npy", broken)
    with pytest.warns(UserWarning, match="runs backwards in time"):
        dataset = wb.load(tmp_path, on_error="skip", sensor=(8, 9), window_us=2500)
    assert len(dataset) == 36
    np.testing.assert_array_equal(np.diff(dataset.train.starts) > 0, True)


@pytest.mark.filterwarnings("ignore:.*damaged and left out")
def test_nothing_left_is_refused(tmp_path):
    fill(tmp_path, count=2)
    for path in tmp_path.rglob("*.npy"):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"no recording to train could be read; the first: .*npy"):
        wb.load(tmp_path, on_error="skip")


def test_other_options_are_refused(tmp_path):
    with pytest.raises(ValueError, match="on_error is 'ignore'; give 'raise' or 'skip'"):
        wb.load("digits", on_error="ignore")
    with pytest.raises(ValueError, match="slices is 'some'; give 'all' or 'first'"):
        wb.load("digits", slices="some")
    with pytest.raises(
        ValueError, match=r"transforms\[1\] is 3, which is none; give those of workbench.events.transforms"
    ):
        wb.load("digits", transforms=[transforms.Drop(0.1), 3])
    with pytest.raises(ValueError, match="window_us is 3000000000, beyond 2147483647; give a shorter one"):
        wb.load({"a": [some_events(0)] * 2}, window_us=3_000_000_000)


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("digits", "split", "random"),
        ("motion", "sensor", (3, 4)),
        ("digits", "download", True),
        ("n-mnist", "classes", 10),
        ("n-cars", "labels", [0]),
        ("folder", "classes", ["a"]),
        ({"a": []}, "download", True),
        ("digits", "unit", "s"),
        ("motion", "columns", "t x y p"),
        ("n-mnist", "columns", "t x y p"),
        ("dvs-gesture", "unit", "us"),
        ("n-cars", "upright", True),
        ("folder", "upright", False),
        ({"a": []}, "upright", True),
    ],
)
def test_an_option_that_would_change_nothing_is_refused(tmp_path, name, option, value):
    name = fill(tmp_path) if name == "folder" else name
    with pytest.raises(ValueError, match=rf"has no use for {option}=.*; leave it out"):
        wb.load(name, tmp_path, **{option: value})


# the cache


def events_files(root):
    return sorted(path for path in (root / ".workbench").glob("*.events") if "-extents-" not in path.name)


def test_the_second_load_reads_no_recording(tmp_path, monkeypatch):
    first = wb.load(fill(tmp_path))
    assert len(events_files(tmp_path)) == 2
    monkeypatch.setattr(shards, "load_or_prepare", callback := Watch(shards.load_or_prepare))
    monkeypatch.setattr("workbench.events.storage.preprocessing.prepare_all", None)  # would read the recordings
    monkeypatch.setattr("workbench.events.storage.extents.measure_extents", None)  # so would this
    second = wb.load(tmp_path, frames=3)
    assert callback.calls == 2
    assert same(first.train, second.train)
    assert isinstance(second.train.time_us.base, np.memmap)
    assert second.frames == 3


class Watch:
    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, *arguments):
        self.calls += 1
        return self.function(*arguments)


def test_other_files_and_other_settings_are_kept_apart(tmp_path):
    wb.load(fill(tmp_path))
    wb.load(tmp_path, window_us=2500)
    wb.load(tmp_path, transforms=transforms.Flip(horizontal=True))
    assert len(events_files(tmp_path)) == 6
    np.save(tmp_path / "left" / "0.npy", some_events(999))
    changed = wb.load(tmp_path)
    assert any(one.tolist() == some_events(999).tolist() for part in (changed.train, changed.test) for one in part)


@pytest.mark.parametrize("damage", [b"", b"no store", "half", "flipped"])
def test_a_damaged_cache_is_made_anew(tmp_path, damage):
    made = wb.load(fill(tmp_path))
    path = next(path for path in events_files(tmp_path) if "-train-" in path.name)
    whole = path.read_bytes()
    flipped = whole[:100] + bytes([whole[100] ^ 1]) + whole[101:]
    path.unlink()  # not written over: the arrays of `made` are mapped from it
    path.write_bytes({"half": whole[: len(whole) // 2], "flipped": flipped}.get(damage, damage))
    with pytest.warns(UserWarning, match=rf"{path.name} is damaged .* the recordings are read again"):
        again = wb.load(tmp_path)
    assert same(again.train, made.train)
    assert path.read_bytes() == whole


def test_damaged_extents_are_measured_again(tmp_path):
    made = wb.load(fill(tmp_path))
    (path,) = (tmp_path / ".workbench").glob("*-extents-*")
    path.write_bytes(b"no extents")
    again = wb.load(tmp_path)
    assert (again.shape, again.window_us) == (made.shape, made.window_us)
    assert path.read_bytes() != b"no extents"


def test_without_a_cache_nothing_is_written(tmp_path):
    made = wb.load(fill(tmp_path), cache=False)
    assert not (tmp_path / ".workbench").exists()
    assert same(made.train, wb.load(tmp_path).train)


def test_a_folder_that_cannot_be_written_is_only_slow(tmp_path):
    fill(tmp_path)
    (tmp_path / ".workbench").write_text("in the way")
    with pytest.warns(UserWarning, match="was not written .* give a writable root, or cache=False"):
        assert len(wb.load(tmp_path)) == 10


def test_many_load_at_once(tmp_path):
    fill(tmp_path)
    found = []
    run_at_once(lambda: found.append(wb.load(tmp_path)), 6)
    assert len(found) == 6
    assert all(same(one.train, found[0].train) for one in found)
    assert len(events_files(tmp_path)) == 2
    assert len(list((tmp_path / ".workbench").iterdir())) == 3


def test_two_processes_load_at_once(tmp_path):
    fill(tmp_path)
    code = "import sys; from workbench.events import load; print(len(load(sys.argv[1])))"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(2)
    ]
    assert [one.communicate()[0].strip() for one in running] == ["10", "10"]
    assert len(list((tmp_path / ".workbench").iterdir())) == 3


def test_a_long_recording_is_loaded_in_constant_memory(tmp_path):
    """Two sets, one sixteen times as long: the same memory."""

    def peak(count):
        root = tmp_path / str(count)
        for name in ("a", "b"):
            (root / name).mkdir(parents=True)
            for i in range(2):
                np.save(root / name / f"{i}.npy", some_events(i, count, end_us=count * 10))
        tracemalloc.start()
        dataset = wb.load(root, window_us=100_000, sensor=(8, 9))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(dataset.train.time_us) + len(dataset.test.time_us) == 4 * count
        return most

    peak(60_000)
    assert peak(1_600_000) < 1.5 * peak(400_000) + 4e6


# memory and tonic


def test_arrays_by_class_or_with_labels():
    rows = {name: [some_events(10 * i + j) for j in range(4)] for i, name in enumerate("ab")}
    by_class = wb.load(rows, seed=3)
    assert (by_class.classes, len(by_class.train), len(by_class.test)) == (("a", "b"), 6, 2)
    labelled = wb.load([*rows["a"], *rows["b"]], labels=[0] * 4 + [1] * 4, classes=["a", "b"], seed=3)
    assert same(by_class.train, labelled.train)
    assert wb.load([*rows["a"], *rows["b"]], labels=[0] * 4 + [2] * 4).classes == ("0", "1", "2")


@pytest.mark.parametrize(
    ("events", "options", "words"),
    [
        ([some_events(0)], {}, "these arrays have no labels; give labels="),
        ([some_events(0)], {"labels": [0, 1]}, "1 recordings but 2 labels; give one each"),
        (
            [some_events(0)],
            {"labels": [3], "classes": ["a"]},
            r"labels\[0\] is 3, which is not a class; give 0 to 0 \(a\)",
        ),
        ([some_events(0)], {"labels": [-1]}, r"labels\[0\] is -1, which is not a class; give whole numbers from 0"),
        ({"a": [some_events(0)]}, {"labels": [0]}, "given by class; leave out labels= and classes="),
        ({"a": []}, {}, "no recordings; give at least one of every class"),
        ({"a": [np.zeros((3, 4))] * 2}, {}, r"recording 0 is float64 \(shape \(3, 4\)\); give a structured array"),
        ({"a": [np.zeros(3, dtype=[("x", int), ("t", int)])] * 2}, {}, "recording 0 lacks the field p"),
        ({"a": [some_events(0)[:0]] * 2}, {"window_us": 9}, "recording 0 holds no events; give events"),
        (
            {"a": [some_events(0)[::-1]] * 2},
            {},
            "recording 0 runs backwards in time at event 1, from .* us; give events in order of time",
        ),
    ],
)
def test_arrays_that_are_no_recordings_are_refused(events, options, words):
    with pytest.raises(ValueError, match=words):
        wb.load(events, **options)


def test_numbers_that_are_not_whole_are_refused():
    events = some_events(0).astype([("x", float), ("y", int), ("t", float), ("p", int)])
    assert len(wb.load({"a": [events] * 3})) == 3
    for field, value, shown in (
        ("t", 0.5, "t = 0.5"),
        ("x", np.nan, "x = nan"),
        ("p", 2, "p = 2"),
        ("y", 70_000, "y = 70000"),
    ):
        broken = events.copy()
        broken[field][0] = value
        with pytest.raises(ValueError, match=f"{shown} at event 0, .*; give events in order of time"):
            wb.load({"a": [broken] * 2})


def test_off_may_be_minus_one():
    events = some_events(0).astype([("x", int), ("y", int), ("t", int), ("p", int)])
    signed = events.copy()
    signed["p"] = 2 * signed["p"] - 1
    assert same(wb.load({"a": [events] * 2}).train, wb.load({"a": [signed] * 2}).train)


class LikeTonic:
    """What every data set of tonic offers."""

    sensor_size = (9, 8, 2)
    classes = ("up", "down")

    def __init__(self, numbers, listed=True):
        self.numbers = numbers
        if listed:
            self.targets = [number % 2 for number in numbers]

    def __len__(self):
        return len(self.numbers)

    def __getitem__(self, index):
        return some_events(self.numbers[index]), self.numbers[index] % 2


@pytest.mark.parametrize("listed", [True, False])
def test_data_sets_of_tonic_are_loaded(listed):
    train, test = LikeTonic(range(6), listed), LikeTonic(range(6, 9), listed)
    dataset = wb.load((train, test), frames=2)
    assert (dataset.name, dataset.classes, dataset.shape) == ("LikeTonic", ("up", "down"), (2, 8, 9))
    assert dataset.train.labels.tolist() == [0, 1] * 3
    assert [one.tolist() for one in dataset.test] == [some_events(i).tolist() for i in range(6, 9)]
    assert dataset.split == "LikeTonic as given: train 6, test 3"
    assert len(wb.load(train).train) == 4


def test_a_subset_of_a_data_set_and_one_of_differing_sensors_will_do():
    from torch.utils.data import Subset

    whole = LikeTonic(range(10))
    dataset = wb.load((Subset(whole, [0, 1, 2, 3]), Subset(whole, [8, 5])))
    assert (dataset.name, dataset.classes, dataset.test.labels.tolist()) == ("LikeTonic", ("up", "down"), [0, 1])
    assert [one.tolist() for one in dataset.test] == [some_events(i).tolist() for i in (8, 5)]

    class Varying(LikeTonic):
        sensor_size = None

    assert wb.load(Varying(range(6))).shape == (2, 8, 9)
    with pytest.raises(ValueError, match="the two data sets differ in sensor_size"):
        wb.load((whole, Varying(range(6))))


def test_other_targets_of_tonic_become_classes():
    class Named(LikeTonic):
        classes = None

        def __getitem__(self, index):
            return some_events(index), "cat" if index % 3 else "dog"

    dataset = wb.load(Named(range(8), listed=False))
    assert dataset.classes == ("cat", "dog")

    class Numbered(LikeTonic):
        classes = MappingProxyType({"down": 1, "up": 0})

    assert wb.load(Numbered(range(8))).classes == ("up", "down")


def test_sounds_have_one_row_and_one_polarity():
    class Sound(LikeTonic):
        sensor_size = (700, 1, 1)

        def __getitem__(self, index):
            events = np.zeros(20, dtype=[("t", int), ("x", int), ("p", int)])
            events["t"], events["x"], events["p"] = np.arange(20) * 50, np.arange(20) * 30, 1
            return events, self.numbers[index] % 2

    dataset = wb.load(Sound(range(6)))
    assert dataset.shape == (1, 1, 700)
    assert dataset.train[0]["x"].tolist() == list(range(0, 600, 30))


def test_what_tonic_has_without_classes_is_refused():
    class Boxes(LikeTonic):
        classes = None

        def __getitem__(self, index):
            return some_events(index), {"boxes": []}

    with pytest.raises(ValueError, match="Boxes: its targets are no classes"):
        wb.load(Boxes(range(4), listed=False))

    class Broken(LikeTonic):
        def __getitem__(self, index):
            if index == 2:
                raise AssertionError("not even")
            return super().__getitem__(index)

    with pytest.raises(ValueError, match=r"Broken\[2\] cannot be read \(AssertionError: not even\); mend the file"):
        wb.load(Broken(range(6)))
    with pytest.warns(UserWarning, match=r"1 of 6 recordings are damaged and left out; the first: Broken\[2\]"):
        assert len(wb.load(Broken(range(6)), on_error="skip")) == 5

    class Framed(LikeTonic):
        def __getitem__(self, index):
            return np.zeros((3, 2, 8, 9)), 0

    with pytest.raises(ValueError, match=r"Framed\[\d\] is float64 \(shape \(3, 2, 8, 9\)\); give a structured array"):
        wb.load(Framed(range(4)))


# what results say


def test_every_result_table_tells_the_split(tmp_path):
    dataset = wb.load(fill(tmp_path), frames=4, ticks_per_frame=3)
    network = wb.Network({"eye": dataset.shape}, [wb.Edge("eye", "class", wb.Dense(2))])
    ann, _ = wb.train(wb.Model(network), dataset.train, epochs=1, progress=False)
    costs = wb.compare({"ANN": ann}, dataset.test)
    tables = (costs, wb.measure_latency(costs, (0.1,)), wb.compare({"ANN": ann}, dataset.test[:1]))
    assert {table.attrs["split"] for table in tables} == {dataset.split}
