"""The emulated event camera against what follows from its definition."""

from dataclasses import replace

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
        camera = Camera(off_threshold=0.25, threshold_mismatch=0, refractory_us=rest)
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
        (np.zeros((4, 4)), [0, 1], r"images have shape \(4, 4\); give \(time, height, width\), in colour with 3"),
        (np.zeros((2, 4, 4, 2)), [0, 1], r"shape \(2, 4, 4, 2\); .*in colour with 3 or 4 channels last"),
        (np.zeros((2, 3, 4, 5)), [0, 1], "in colour with 3 or 4 channels last"),
        (np.zeros((2, 0, 4)), [0, 1], r"images have shape \(2, 0, 4\)"),
        (np.zeros((1, 4, 4)), [0], "1 images of a film; give two at least"),
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
    with pytest.raises(ValueError, match="threshold is 0; give a positive number"):
        Camera(0)
    with pytest.raises(ValueError, match="on_threshold is 0; give a positive number"):
        Camera(on_threshold=0)
    with pytest.raises(ValueError, match="off_threshold is nan; give a positive number"):
        Camera(off_threshold=float("nan"))
    with pytest.raises(ValueError, match="noise_hz is -1; give 0 or more"):
        Camera(noise_hz=-1)
    with pytest.raises(ValueError, match="1 seeds for 2 recordings"):
        EXACT.record_many(np.ones((2, 2, 3, 3)), [0, 1], seeds=[0])
    with pytest.raises(ValueError, match=r"give \(recording, time, height, width\)"):
        EXACT.record_many(np.ones((2, 3, 3)), [0, 1])


# closed forms


def test_one_threshold_serves_both_polarities_unless_one_has_its_own():
    up, down = ramp(1.0), ramp(-1.0)
    for camera, numbers in (
        (Camera(0.3, threshold_mismatch=0), (3, 3)),
        (Camera(0.3, off_threshold=0.4, threshold_mismatch=0), (3, 2)),
        (replace(Camera(0.3, off_threshold=0.4, threshold_mismatch=0), threshold=0.22), (4, 2)),
        (Camera(on_threshold=0.45, threshold_mismatch=0), (2, 5)),
    ):
        assert tuple(len(camera.record(film, np.arange(5) * 1000)) for film in (up, down)) == numbers


def test_any_ramp_fires_exactly_when_it_should():
    rng = np.random.default_rng(0)
    for slope, threshold in zip(rng.uniform(-3, 3, 100), rng.uniform(0.05, 0.7, 100), strict=True):
        images, duration = int(rng.integers(2, 20)), int(rng.integers(10_000, 1_000_000))
        camera = Camera(threshold, threshold_mismatch=0)
        events = camera.record(ramp(slope, images), np.linspace(0, duration, images))
        ranks = np.arange(1, int(abs(slope) / threshold) + 1)
        assert events["t"].tolist() == np.rint(ranks * threshold / abs(slope) * duration).astype(int).tolist()


def test_a_wave_fires_the_predicted_number_at_the_predicted_times():
    amplitude, threshold, period = 1.13, 0.2, 1_000_000
    times = np.linspace(0, 2 * period, 801)  # the crests are among them
    film = 100 * np.exp(amplitude * np.sin(2 * np.pi * times / period)).reshape(-1, 1, 1)
    events = Camera(threshold, threshold_mismatch=0).record(film, times)
    rise = int(amplitude / threshold)  # to the first crest
    swing = int((rise * threshold + amplitude) / threshold)  # from where it last fired to the next trough
    assert (rise, swing) == (5, 10)
    runs = np.split(events["p"], np.flatnonzero(np.diff(events["p"])) + 1)
    expected = [(True, rise), (False, swing), (True, swing), (False, swing), (True, swing // 2)]
    assert [(bool(run[0]), len(run)) for run in runs] == expected
    first = np.arcsin(np.arange(1, 6) * threshold / amplitude) / (2 * np.pi) * period
    np.testing.assert_allclose(events["t"][:5], first, atol=period / 800)


def test_an_edge_passes_pixel_by_pixel():
    width, step_us, contrast = 12, 700, 0.9
    film = np.full((width + 1, 3, width), 50.0)
    for moment in range(width + 1):
        film[moment, :, :moment] *= np.exp(contrast)  # pixel x brightens from image x to image x + 1
    events = Camera(0.25, threshold_mismatch=0).record(film, np.arange(width + 1) * step_us)
    expected = [
        (x, y, round((x + rank * 0.25 / contrast) * step_us), True)
        for x in range(width)
        for rank in (1, 2, 3)
        for y in range(3)
    ]
    assert events.tolist() == expected


def test_near_black_the_answer_is_linear():
    rng = np.random.default_rng(1)
    dark, threshold = 20.0, 0.11
    camera = Camera(threshold, threshold_mismatch=0, linear_below=dark)
    for start, end in rng.uniform(0, dark, (50, 2)):
        events = camera.record(np.array([start, end]).reshape(2, 1, 1), [0, 90_000])
        ranks = np.arange(1, int(abs(end - start) / dark / threshold) + 1)
        expected = np.rint(ranks * threshold * dark / abs(end - start) * 90_000)
        assert events["t"].tolist() == expected.astype(int).tolist()
    for start, end in zip(rng.uniform(0, dark, 50), rng.uniform(dark, 500, 50), strict=True):
        rise = 1 - start / dark + np.log(end / dark)  # line, then logarithm
        assert len(camera.record(np.array([start, end]).reshape(2, 1, 1), [0, 1000])) == int(rise / threshold)


def test_films_equal_a_plain_loop():
    rng = np.random.default_rng(2)
    levels = rng.normal(0, 0.5, (7, 3, 4)).cumsum(axis=0)
    times = np.array([-500, 0, 400, 1000, 1001, 3000, 5000])
    expected = []
    for y, x in np.ndindex(3, 4):
        reference = levels[0, y, x]
        for step in range(1, 7):
            before, after = levels[step - 1, y, x], levels[step, y, x]
            sign, size = (1, 0.2) if after > reference else (-1, 0.25)
            while sign * (after - reference) >= size:
                reference += sign * size
                share = min(max((reference - before) / (after - before), 0), 1)
                time = round(times[step - 1] + share * (times[step] - times[step - 1]))
                expected.append((time, y, x, sign == 1))
    events = EXACT.record(100 * np.exp(levels), times)
    assert events[["t", "y", "x", "p"]].tolist() == sorted(expected)


def test_noise_with_rest_fires_as_a_counter_with_dead_time():
    rate, rest = 200.0, 2000
    camera = Camera(noise_hz=rate, refractory_us=rest)
    events = camera.record(np.full((2, 20, 20), 30.0), [0, 1_000_000])
    mean = 400 * rate / (1 + rate * rest * 1e-6)
    assert abs(len(events) - mean) < 5 * np.sqrt(mean)
    pixel = events["y"].astype(int) * 20 + events["x"]
    order = np.argsort(pixel, kind="stable")
    between = np.diff(events["t"][order])[np.diff(pixel[order]) == 0]
    assert between.min() >= rest
    assert abs(between.mean() - rest - 1e6 / rate) < 0.03 * 1e6 / rate


# colour


def colour_film(seed=0, channels=3):
    return np.random.default_rng(seed).integers(5, 256, (5, 6, 7, channels), dtype=np.uint8)


def test_colour_is_seen_as_its_luminance():
    film, times = colour_film(), np.arange(5) * 1000
    luminance = 0.2126 * film[..., 0] + 0.7152 * film[..., 1] + 0.0722 * film[..., 2]
    events = EXACT.record(film, times)
    assert len(events) > 0
    assert events.tolist() == EXACT.record(luminance, times).tolist()
    np.testing.assert_array_equal(EXACT.record(film.astype(np.float32), times), events)
    np.testing.assert_array_equal(EXACT.record_many(np.stack([film, film]), times)[1], events)


def test_opacity_is_ignored():
    film, times = colour_film(channels=4), np.arange(5) * 1000
    np.testing.assert_array_equal(EXACT.record(film, times), EXACT.record(film[..., :3], times))
    clear = film.astype(float)
    clear[..., 3] = np.nan
    np.testing.assert_array_equal(EXACT.record(clear, times), EXACT.record(film, times))


def test_grey_of_any_type_and_in_three_channels_is_the_same():
    grey, times = colour_film()[..., 0], np.arange(5) * 1000
    events = EXACT.record(grey, times)
    assert events.tolist() == EXACT.record(np.repeat(grey[..., None], 3, axis=3), times).tolist()
    for kind in (np.int32, np.float32, np.uint16):
        np.testing.assert_array_equal(EXACT.record(grey.astype(kind), times), events)
    np.testing.assert_array_equal(EXACT.record(grey[..., :3], times), EXACT.record(grey[..., :3].tolist(), times))


# as it comes


@pytest.mark.parametrize("rest", [0, 1, 300, 2500])
@pytest.mark.parametrize("times", [np.arange(8) * 500, np.linspace(-3000.3, 2500.7, 8), np.arange(8) - 3])
def test_a_stream_is_the_recording_cut_at_its_images(rest, times):
    for seed in range(5):
        film = 100 * np.exp(np.random.default_rng(seed).normal(0, 0.7, (8, 5, 6)).cumsum(axis=0))
        film[3] = film[2]
        camera = Camera(refractory_us=rest, threshold_mismatch=0.05 * (seed % 2))
        parts = list(camera.stream(iter(film), iter(times.tolist())))
        np.testing.assert_array_equal(np.concatenate(parts), camera.record(film, times))
        assert len(parts) == len(film)
        for part, begin, end in zip(parts, times, [*times[1:], np.inf], strict=True):
            assert (part["t"] >= np.floor(begin)).all()
            assert (part["t"] < end).all()


def test_a_stream_holds_no_more_than_it_needs():
    asked = []

    def film():
        for number in range(10):
            asked.append(number)
            yield np.full((4, 4), 10.0 * (1 + number % 3))

    parts = EXACT.stream(film(), range(0, 10_000, 1000))
    for number in range(9):
        next(parts)
        assert asked[-1] == number + 1


def test_the_noise_of_a_stream_has_its_rate_and_its_seed():
    camera = Camera(noise_hz=50, refractory_us=100)
    film, times = np.full((11, 20, 20), 30.0), np.arange(11) * 100_000

    def noise(seed):
        return np.concatenate(list(camera.stream(film, times, seed)))

    mean = 400 * 50 / (1 + 50 * 100 * 1e-6)
    assert abs(len(noise(0)) - mean) < 5 * np.sqrt(mean)
    assert (np.diff(noise(0)["t"]) >= 0).all()
    np.testing.assert_array_equal(noise(0), noise(0))
    assert noise(0).tolist() != noise(1).tolist()


@pytest.mark.parametrize(
    ("images", "times", "words"),
    [
        ([], [], "0 images of a film; give two at least"),
        (np.ones((1, 4, 4)), [0], "1 images of a film"),
        (np.ones((2, 4, 4)), [0], "images and times_us are not equally many; give one time_us an image"),
        (np.ones((2, 4, 4)), [0, 1, 2], "not equally many"),
        (np.ones((2, 4)), [0, 1], r"images have shape \(4,\); give \(height, width\)"),
        (np.ones((3, 4, 4)), [0, 1, 1], "times_us do not rise"),
        ([np.ones((4, 4)), np.ones((4, 5))], [0, 1], r"image 1 is \(4, 5\), not \(4, 4\) as before; give one size"),
        ([np.ones((4, 4)), -np.ones((4, 4))], [0, 1], "negative or not finite"),
    ],
)
def test_bad_streams_are_refused(images, times, words):
    with pytest.raises(ValueError, match=words):
        list(EXACT.stream(images, times))
