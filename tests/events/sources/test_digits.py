"""Data sets by name: what they hold, that they repeat, and how they are kept."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from workbench.events import Dataset, Recordings, load
from workbench.events.sources.digit_images import load_digit_images, spline_weights
from workbench.events.storage import generated_sets


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("sets")


@pytest.fixture(scope="module")
def digits(root):
    return load("digits", root)


def same(one, other):
    fields = ("time_us", "site", "starts", "labels")
    return all(np.array_equal(getattr(one, field), getattr(other, field)) for field in fields)


def test_digits_hold_every_digit_once(digits):
    assert (digits.shape, digits.frames, digits.ticks_per_frame) == ((2, 34, 34), 8, 12)
    assert digits.left_out == 0
    assert digits.window_us == 300_000
    assert len(digits) == 1797
    assert 1420 <= len(digits.train) <= 1450
    together = np.bincount(digits.train.labels) + np.bincount(digits.test.labels)
    assert together.tolist() == np.bincount(load_digit_images()[1]).tolist()
    assert digits.classes == tuple("0123456789")
    assert "80 to 20 in every class, seed 0" in digits.split


def test_digits_have_as_many_events_as_n_mnist(digits):
    sizes = np.diff(digits.train.starts)
    assert 3500 < sizes.mean() < 4700
    assert sizes.min() > 2000
    assert sizes.max() < 7000


def test_digits_are_recorded_along_three_saccades(digits):
    by_tick = digits.train.as_ticks(slice(0, 200)).sum(axis=(1, 2, 3, 4))
    saccades = by_tick.reshape(3, 32)
    middle, ends = saccades[:, 12:20].sum(axis=1), saccades[:, :4].sum(axis=1) + saccades[:, -4:].sum(axis=1)
    assert (middle > 4 * ends).all()


def test_digits_can_be_told_apart(digits):
    from sklearn.linear_model import LogisticRegression

    train, test = (part.as_frames()[[1, 6]] for part in (digits.train, digits.test))
    train, test = (np.moveaxis(part, 1, 0).reshape(part.shape[1], -1) for part in (train, test))
    linear = LogisticRegression(C=0.001, max_iter=300).fit(train[:500], digits.train.labels[:500])
    assert linear.score(test, digits.test.labels) > 0.85


def test_a_kept_set_is_the_generated_one_under_any_bins(digits, root):
    kept = load("digits", root, frames=5, ticks_per_frame=3, window_us=250_000)
    assert same(kept.train, digits.train)
    assert same(kept.test, digits.test)
    assert (kept.frames, kept.ticks_per_frame, kept.window_us) == (5, 3, 250_000)
    assert [path.suffix for path in root.iterdir()] == [".npz"]


def toy(seed):
    counts = np.full((96, 3, 4), seed)
    recordings = Recordings.from_ticks(counts, [0, 1, 0], ticks_per_frame=12, name="toy train")
    return Dataset("toy", recordings, dataclasses.replace(recordings, name="toy test"), "alike")


def test_a_kept_set_comes_back_whole(tmp_path):
    made = generated_sets.load_or_generate("toy", toy, tmp_path, 7)
    kept = generated_sets.load_or_generate("toy", lambda seed: pytest.fail("generated again"), tmp_path, 7)
    assert same(made.train, kept.train)
    assert (repr(kept), kept.train.name) == (repr(made), "toy train")
    assert [path.name.split("-")[:2] for path in tmp_path.iterdir()] == [["toy", "seed7"]]


@pytest.mark.parametrize("damage", [b"", b"no archive", "half", "flipped"])
def test_a_damaged_file_is_made_anew(tmp_path, damage):
    made = generated_sets.load_or_generate("toy", toy, tmp_path, 1)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    at = whole.index(b"NUMPY") + 200
    flipped = whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :]
    path.write_bytes({"half": whole[: len(whole) // 2], "flipped": flipped}.get(damage, damage))
    with pytest.warns(UserWarning, match=rf"{path.name} is damaged .* generated again"):
        again = generated_sets.load_or_generate("toy", toy, tmp_path, 1)
    assert same(again.train, made.train)
    assert path.read_bytes() == whole
    generated_sets.load_or_generate("toy", toy, tmp_path, 1)


def test_other_versions_and_other_seeds_have_other_files(tmp_path, monkeypatch):
    generated_sets.load_or_generate("toy", toy, tmp_path, 1)
    generated_sets.load_or_generate("toy", toy, tmp_path, 2)
    monkeypatch.setattr(generated_sets, "GENERATION_VERSION", 2)
    generated_sets.load_or_generate("toy", toy, tmp_path, 1)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_folder_that_cannot_be_written_is_only_slow(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.warns(UserWarning, match="was not written .* give a writable root"):
        made = generated_sets.load_or_generate("toy", toy, tmp_path / "file", 1)
    assert len(made) == 6


def test_unknown_names_are_refused_with_the_known_ones(root):
    with pytest.raises(ValueError, match="unknown data set 'N-MNIST'; did you mean 'n-mnist'"):
        load("N-MNIST", root)
    with pytest.raises(ValueError, match="unknown data set 'xyz'; known sets: digits, motion, cifar10-dvs"):
        load("xyz", root)


def test_bad_bins_are_refused(root, digits):
    with pytest.raises(ValueError, match="digits train: frames=0 must be a whole number of at least 1"):
        load("digits", root, frames=0)


def test_importing_the_package_imports_nothing_heavy():
    bare = "import sys, types; bare = types.ModuleType('workbench'); bare.__path__ = [sys.argv[1]]"
    load = "sys.modules['workbench'] = bare; import workbench.events"
    code = f"{bare}; {load}; print({{'tonic', 'sklearn', 'scipy'}} & set(sys.modules))"
    command = [sys.executable, "-c", code, str(Path(generated_sets.__file__).parents[2])]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"


def test_spline_weights_sum_to_one_inside():
    weights = spline_weights(np.linspace(1, 6, 50))
    np.testing.assert_allclose(weights.sum(axis=-1), 1)
    assert not spline_weights([-2.0, 9.0]).any()
