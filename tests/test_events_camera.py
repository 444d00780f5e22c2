"""The emulated event camera against what follows from its definition."""

import numpy as np
import pytest

from workbench.events import Camera

EXACT = Camera(on_threshold=0.2, off_threshold=0.25, threshold_mismatch=0)


def ramp(slope, images=5, base=100.0):
    """One pixel whose log intensity rises by ``slope`` altogether."""
    return base * np.exp(np.linspace(0, slope, images)).reshape(-1, 1, 1)


@pytest.mark.parametrize("images", [2, 3, 5, 33])
@pytest.mark.parametrize(("slope", "threshold"), [(1.0, 0.2), (1.1, 0.2), (-1.0, 0.25), (-0.99, 0.25)])
def test_a_ramp_fires_at_known_times(images, slope, threshold):
    events = EXACT.record(ramp(slope, images), np.linspace(0, 100_000, images))
    number = int(abs(slope) / threshold + 1e-6)
    expected = np.rint(np.arange(1, number + 1) * threshold / abs(slope) * 100_000)
    np.testing.assert_allclose(events["t"], expected, atol=1)
    assert (events["p"] == (slope > 0)).all()
    assert events.dtype.names == ("x", "y", "t", "p")


def test_a_smaller_change_than_the_threshold_is_silent():
    assert len(EXACT.record(ramp(0.19), np.arange(5) * 1000)) == 0
    assert len(EXACT.record(np.full((5, 3, 3), 7.0), np.arange(5) * 1000)) == 0


def test_up_and_down_again_needs_both_thresholds():
    there = np.exp(np.array([0, 0.5, 0])).reshape(3, 1, 1) * 50
    events = EXACT.record(there, [0, 1000, 2000])
    assert events["p"].tolist() == [True, True, False]
    assert events["t"].tolist() == [400, 800, 1700]


def test_the_place_of_an_event_is_its_pixel():
    films = np.full((2, 4, 6), 100.0)
    films[1, 3, 5] *= np.exp(0.21)
    films[1, 1, 2] *= np.exp(-0.26)
    events = EXACT.record(films, [0, 1000])
    assert sorted(events[["x", "y", "p"]].tolist()) == [(2, 1, False), (5, 3, True)]


def test_black_is_no_infinity():
    camera = Camera(on_threshold=0.5, threshold_mismatch=0, linear_below=10.0)
    films = np.array([0.0, 10.0, 10 * np.e]).reshape(3, 1, 1)  # L rises by 1 below d, by 1 above
    assert camera.record(films, [0, 1000, 2000])["t"].tolist() == [500, 1000, 1500, 2000]


def test_refractory_pixels_lose_what_follows_too_soon():
    times = [0, 1000]
    every = EXACT.record(ramp(2.0, 2), times)["t"]
    assert every.tolist() == list(range(100, 1001, 100))
    for rest, kept in ((100, every), (101, every[::2]), (250, every[::3]), (5000, every[:1])):
        camera = Camera(0.2, 0.25, threshold_mismatch=0, refractory_us=rest)
        assert camera.record(ramp(2.0, 2), times)["t"].tolist() == kept.tolist()


def test_refractory_equals_a_plain_loop():
    films = 100 * np.exp(np.random.default_rng(0).normal(0, 1, (6, 3, 3)).cumsum(axis=0))
    times = np.arange(6) * 1000
    free = Camera(noise_hz=500, threshold_mismatch=0.02)
    rested = Camera(noise_hz=500, threshold_mismatch=0.02, refractory_us=300).record(films, times)
    last, kept = {}, []
    for event in free.record(films, times).tolist():
        if event[2] - last.get(event[:2], -1000) >= 300:
            last[event[:2]] = event[2]
            kept.append(event)
    assert 0 < len(kept) < len(free.record(films, times))
    assert rested.tolist() == kept


def test_noise_fires_at_its_rate():
    camera = Camera(noise_hz=5.0)
    events = camera.record(np.full((2, 40, 40), 30.0), [0, 1_000_000])
    mean = 5 * 1600
    assert abs(len(events) - mean) < 5 * np.sqrt(mean)
    assert abs(events["p"].mean() - 0.5) < 5 * 0.5 / np.sqrt(mean)
    assert 0 <= events["t"].min() <= events["t"].max() <= 1_000_000
    assert (np.diff(events["t"]) >= 0).all()


def test_mismatch_differs_from_pixel_to_pixel_not_from_recording_to_recording():
    films = np.broadcast_to(ramp(1.0), (5, 30, 30))
    first = Camera(threshold_mismatch=0.03, on_threshold=0.3).record(films, np.arange(5) * 1000)
    again = Camera(threshold_mismatch=0.03, on_threshold=0.3).record(films, np.arange(5) * 1000, seed=9)
    other = Camera(threshold_mismatch=0.03, on_threshold=0.3, seed=1).record(films, np.arange(5) * 1000)
    assert first.tolist() == again.tolist() != other.tolist()
    _, earliest = np.unique(first["y"].astype(int) * 30 + first["x"], return_index=True)
    thresholds = first["t"][earliest] / 4000
    assert abs(thresholds.mean() - 0.3) < 0.005
    assert abs(thresholds.std() - 0.03) < 0.004


def test_a_recording_does_not_depend_on_its_batch():
    rng = np.random.default_rng(1)
    films = 100 * np.exp(rng.normal(0, 0.4, (70, 4, 34, 34)).cumsum(axis=1))  # more than one chunk
    times = np.array([0, 900, 2500, 4000])
    camera = Camera(noise_hz=20, refractory_us=200, seed=5)
    together = camera.record_many(films, times)
    for i in (0, 55, 56, 69):
        np.testing.assert_array_equal(camera.record(films[i], times, seed=i), together[i])
    turned = camera.record_many(films[::-1], times, seeds=range(69, -1, -1))
    np.testing.assert_array_equal(turned[0], together[69])


def test_recording_leaves_its_arguments_alone():
    films = ramp(1.0)
    before = films.copy()
    EXACT.record(films, np.arange(5))
    np.testing.assert_array_equal(films, before)


@pytest.mark.parametrize(
    ("images", "times", "words"),
    [
        (np.zeros((4, 4)), [0, 1], r"images have shape \(1, 4, 4\); give \(recording, time, height, width\)"),
        (np.zeros((1, 4, 4)), [0], "two times at least"),
        (-np.ones((2, 4, 4)), [0, 1], "negative or not finite intensities; give light, >= 0"),
        (np.full((2, 4, 4), np.nan), [0, 1], "not finite"),
        (np.ones((2, 4, 4)), [0, 1, 2], "3 times for 2 images; give one"),
        (np.ones((2, 4, 4)), [1, 1], "times_us do not rise"),
    ],
)
def test_bad_images_are_refused(images, times, words):
    with pytest.raises(ValueError, match=words):
        EXACT.record(images, times)


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="on_threshold is 0; give a positive number"):
        Camera(on_threshold=0)
    with pytest.raises(ValueError, match="noise_hz is -1; give 0 or more"):
        Camera(noise_hz=-1)
    with pytest.raises(ValueError, match="1 seeds for 2 recordings"):
        EXACT.record_many(np.ones((2, 2, 3, 3)), [0, 1], seeds=[0])
