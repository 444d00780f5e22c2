"""The set `motion`: a class played backwards is its opposite, and no single frame tells them apart."""

import numpy as np
import pytest

from workbench.events.sources import motion
from workbench.events.sources.digit_images import load_digit_images

TIMES = np.linspace(0, motion.WINDOW_US, 9)
LEFT, RIGHT, UP, DOWN, CLOCKWISE, COUNTER, APPROACH, RECEDE = range(8)


@pytest.fixture(scope="module")
def dataset():
    return motion.generate(seed=0, train=800, test=200)


@pytest.fixture(scope="module")
def scenes():
    return motion.draw_scenes(load_digit_images()[0][:8], np.random.default_rng(0))


def logs(scenes, label):
    return np.log(motion.render(scenes, np.full(len(scenes.angle), label), TIMES))


@pytest.mark.parametrize("label", range(8))
def test_a_class_played_backwards_is_its_opposite(scenes, label):
    np.testing.assert_allclose(logs(scenes, label)[:, ::-1], logs(scenes, label ^ 1), atol=1e-9)


@pytest.mark.parametrize(("label", "axis", "step"), [(LEFT, 2, -1), (RIGHT, 2, 1), (UP, 1, -1), (DOWN, 1, 1)])
def test_translations_go_where_they_say(scenes, label, axis, step):
    before, after = logs(scenes, label)[:, 4], logs(scenes, label)[:, 5]
    along, against = np.roll(before, step, axis), np.roll(before, -step, axis)
    inner = (slice(None), slice(2, -2), slice(2, -2))
    errors = [((after - moved)[inner] ** 2).mean(axis=(1, 2)) for moved in (along, before, against)]
    assert (errors[0] < errors[1]).all()
    assert (errors[1] < errors[2]).all()


def test_turns_and_zooms_go_where_they_say(scenes):
    """Follow the flow: the change in time equals minus velocity times gradient."""
    middle = (motion.SIZE - 1) / 2
    y, x = np.mgrid[: motion.SIZE, : motion.SIZE] - middle
    y, x = y - scenes.centre[:, 0, None, None], x - scenes.centre[:, 1, None, None]
    for label, velocity in ((CLOCKWISE, (x, -y)), (APPROACH, (y, x))):  # (down, right) on a screen
        film = logs(scenes, label)
        down, right = np.gradient(film[:, 4], axis=(1, 2))
        expected = -(velocity[0] * down + velocity[1] * right)
        change = film[:, 5] - film[:, 3]
        agreement = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(change, expected, strict=True)]
        assert np.mean(agreement) > 0.5


def test_classes_are_alike_often_and_long(dataset):
    assert np.bincount(dataset.train.labels).tolist() == [100] * 8
    assert np.bincount(dataset.test.labels).tolist() == [25] * 8
    sizes = np.diff(dataset.train.starts)
    assert 2500 < sizes.mean() < 4500
    by_class = np.bincount(dataset.train.labels, sizes) / 100
    assert np.abs(by_class[::2] / by_class[1::2] - 1).max() < 0.15  # opposites have the same number of events
    by_frame = dataset.train.as_frames(slice(0, 400)).sum(axis=(1, 2, 3, 4))
    assert by_frame.max() / by_frame.min() < 1.15


@pytest.mark.parametrize("frame", [0, 4, 7])
def test_a_single_frame_does_not_tell(dataset, frame):
    from sklearn.linear_model import LogisticRegression

    train, test = (part.as_frames()[frame] for part in (dataset.train, dataset.test))
    train, test = train.reshape(len(train), -1), test.reshape(len(test), -1)
    linear = LogisticRegression(C=0.001, max_iter=300).fit(train, dataset.train.labels)
    assert linear.score(test, dataset.test.labels) < 0.4


def flow(recordings):
    """Correlations of each frame with the next, shifted by up to two pixels, in 3 x 3 regions."""
    frames = recordings.as_frames()
    net = frames[:, :, 1] - frames[:, :, 0]
    before, after = net[:-1, :, 2:-2, 2:-2], net[1:]
    features = []
    for row in range(5):
        for column in range(5):
            match = (before * after[:, :, row : row + 30, column : column + 30]).sum(axis=0)
            features.append(match.reshape(-1, 3, 10, 3, 10).sum(axis=(2, 4)).reshape(len(recordings), -1))
    joined = np.concatenate(features, axis=1)
    return joined / np.linalg.norm(joined, axis=1, keepdims=True)


def test_the_order_of_frames_tells(dataset):
    from sklearn.linear_model import LogisticRegression

    linear = LogisticRegression(C=100, max_iter=500).fit(flow(dataset.train), dataset.train.labels)
    assert linear.score(flow(dataset.test), dataset.test.labels) > 0.9


def test_playing_backwards_keeps_the_window_and_is_its_own_inverse():
    events = np.zeros(4, dtype=[("x", "i2"), ("y", "i2"), ("t", "i8"), ("p", "?")])
    events["t"], events["x"], events["p"] = [-1, 0, 5, 300_000], [0, 1, 2, 3], [0, 1, 0, 1]
    forwards, backwards = motion.crop_and_reverse(events, False), motion.crop_and_reverse(events, True)
    assert forwards["x"].tolist() == [1, 2]
    assert backwards["t"].tolist() == [299_994, 299_999]
    assert backwards["p"].tolist() == [True, False]
    assert motion.crop_and_reverse(backwards, True).tolist() == forwards.tolist()
