"""The scale of a film's light and the unit of its times: told, found, or doubted in words."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from workbench.events import Camera
from workbench.events.camera.image_sequence import WHITE
from workbench.events.sources import digits, motion
from workbench.events.sources.digit_images import load_digit_images

CAMERA = Camera(threshold_mismatch=0.02, noise_hz=5)
TIMES = np.arange(12) * 33_333


def bytes_film(seed=0, shape=(12, 9, 11)):
    """A film of whole numbers from 0 to 255, both of them in it."""
    rng = np.random.default_rng(seed)
    film = np.cumsum(rng.normal(0, 12, shape), 0)
    film = np.rint((film - film.min()) / np.ptp(film) * 255).astype(np.uint8)
    return film


def real_film(seed=0):
    rng = np.random.default_rng(seed)
    film = np.cumsum(rng.normal(0, 12, (12, 9, 11)), 0)
    return (film - film.min()) / np.ptp(film) * 255


def streamed(camera, film, times=TIMES, **options):
    return np.concatenate(list(camera.stream(iter(film), iter(list(times)), **options)))


QUIET = Camera(threshold_mismatch=0.02)


# light


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_a_film_from_0_to_1_gives_the_events_of_the_same_film_from_0_to_255(kind):
    for seed in range(20):
        film = bytes_film(seed)
        events = CAMERA.record(film, TIMES)
        assert len(events) > 100
        ones = film.astype(kind) / kind(255)
        np.testing.assert_array_equal(CAMERA.record(ones, TIMES), events)
        np.testing.assert_array_equal(CAMERA.record_many(ones[None], TIMES)[0], events)
        np.testing.assert_array_equal(streamed(QUIET, ones), QUIET.record(film, TIMES))


def test_films_of_real_numbers_differ_by_no_more_than_roundings():
    for seed in range(20):
        film = real_film(seed)
        events, ones = QUIET.record(film, TIMES), QUIET.record(film / 255, TIMES)
        assert len(events) == len(ones)
        assert (
            events[["x", "y", "p"]].tolist() == ones[["x", "y", "p"]].tolist()
            or np.abs(np.sort(events["t"]) - np.sort(ones["t"])).max() <= 1
        )
        assert np.abs(events["t"] - ones["t"]).max() <= 1


def test_colour_from_0_to_1_and_truth_values_are_exposed_alike():
    film = np.stack([bytes_film(seed) for seed in range(4)], -1)
    for channels in (3, 4):
        some = film[..., :channels]
        np.testing.assert_array_equal(CAMERA.record(some / 255, TIMES), CAMERA.record(some, TIMES))
    mask = bytes_film() > 127
    np.testing.assert_array_equal(CAMERA.record(mask, TIMES), CAMERA.record(mask * np.uint8(255), TIMES))
    np.testing.assert_array_equal(streamed(QUIET, mask), QUIET.record(mask, TIMES))


@pytest.mark.parametrize(
    ("white", "kind"), [(1023, np.uint16), (4095, np.int32), (65535, np.uint16), (100, np.float64)]
)
def test_the_number_that_is_white_may_be_told(white, kind):
    film = bytes_film()
    told = Camera(threshold_mismatch=0.02, noise_hz=5, full_scale=white)
    scaled = film * (white / 255) if white % 255 else film.astype(kind) * kind(white // 255)
    np.testing.assert_array_equal(told.record(scaled.astype(np.float64), TIMES), CAMERA.record(film, TIMES))
    if white % 255 == 0:
        np.testing.assert_array_equal(told.record(scaled.astype(kind), TIMES), CAMERA.record(film, TIMES))


def test_a_told_scale_is_taken_without_a_word():
    film = bytes_film()
    dim = film / 255
    events = Camera(full_scale=255).record(dim, TIMES)
    assert len(events) < len(Camera().record(film, TIMES)) / 2
    np.testing.assert_array_equal(streamed(Camera(full_scale=255), dim), events)
    ones = Camera(full_scale=1)
    np.testing.assert_array_equal(ones.record((film > 127).astype(np.uint8), TIMES), ones.record(film > 127, TIMES))


def test_a_camera_for_light_from_0_to_1_keeps_its_own_linear_part():
    """One that is told where its linear part ends below 1 sees fractions as they are, and needs no scale."""
    film = real_film()
    small = Camera(threshold_mismatch=0, linear_below=1 / 255)
    large = Camera(threshold_mismatch=0, linear_below=1)
    a, b = small.record(film / 255, TIMES), large.record(film, TIMES)
    assert len(a) == len(b)
    assert np.abs(a["t"] - b["t"]).max() <= 1


DOUBTS = [
    (
        lambda film: film * np.uint16(257),
        r"images reach 65,535 and are taken for light where 255 is white; say which n",
    ),
    (
        lambda film: film.astype(np.int64) * 4,
        r"images reach 1,020 and are taken for light where 255 is white; say which",
    ),
    (
        lambda film: (film > 127).astype(np.uint8),
        "images hold nothing but 0 and 1 and are taken for light from 0 to 255",
    ),
    (lambda film: film / 255 * 1.3, r"images reach 1.3 and are taken for light from 0 to 1; say which number is white"),
]


@pytest.mark.parametrize(("change", "words"), DOUBTS)
def test_a_scale_that_is_not_sure_is_warned_of(change, words):
    film = change(bytes_film())
    for record in (
        lambda: CAMERA.record(film, TIMES),
        lambda: CAMERA.record_many(film[None], TIMES),
        lambda: list(CAMERA.stream(film, TIMES)),
    ):
        with pytest.warns(UserWarning, match=words) as told:
            record()
        assert len(told) == 1
        assert str(told[0].message).endswith("as full_scale=1, full_scale=255 or full_scale=65535")
        assert told[0].filename == __file__
    for white in (1, 255, 65535):
        Camera(full_scale=white).record(film, TIMES)


SURE = [
    bytes_film(),
    bytes_film().astype(np.uint16),
    bytes_film().astype(np.float16),
    real_film(),
    real_film() * 7,
    np.ones((12, 3, 3)),
    np.zeros((12, 3, 3)),
    np.zeros((12, 3, 3), np.uint8),
]


@pytest.mark.parametrize("film", SURE)
def test_what_is_light_without_doubt_is_taken_without_a_word(film):
    CAMERA.record(film, TIMES)
    list(CAMERA.stream(film, TIMES))


def test_a_stream_finds_its_scale_by_the_first_image_that_is_not_black():
    film = bytes_film()
    black = np.zeros_like(film[:3])
    whole = np.concatenate([black, film])
    times = np.arange(len(whole)) * 1000
    np.testing.assert_array_equal(streamed(QUIET, whole / 255, times), QUIET.record(whole, times))
    np.testing.assert_array_equal(streamed(QUIET, whole.astype(float), times), QUIET.record(whole, times))
    fading = np.concatenate([np.full((1, 9, 11), 0.5), film.astype(float)])
    words = r"images reach 156 after some that reached 0.5 and were taken for light from 0 to 1; say which number"
    with pytest.raises(ValueError, match=words):
        streamed(QUIET, fading, np.arange(len(fading)) * 1000)
    told = Camera(threshold_mismatch=0.02, full_scale=255)
    times = np.arange(len(fading)) * 1000
    np.testing.assert_array_equal(streamed(told, fading, times), told.record(fading, times))


def test_recording_leaves_films_alone():
    film = bytes_film() / 255
    before = film.copy()
    CAMERA.record(film, TIMES)
    np.testing.assert_array_equal(film, before)


@pytest.mark.parametrize("white", [0, -1, float("nan"), float("inf")])
def test_white_is_a_positive_number(white):
    with pytest.raises(ValueError, match=f"full_scale is {white}; give a positive number"):
        Camera(full_scale=white)
    assert WHITE == 255


# times


@pytest.mark.parametrize(("unit", "factor"), [("s", 1e-6), ("ms", 1e-3), ("us", 1), ("ns", 1000)])
def test_a_told_unit_gives_the_same_events_without_a_word(unit, factor):
    for seed in range(10):
        film = bytes_film(seed)
        times = np.sort(np.random.default_rng(seed).choice(10**7, 12, replace=False))
        events = CAMERA.record(film, times)
        np.testing.assert_array_equal(CAMERA.record(film, times * factor, unit=unit), events)
        np.testing.assert_array_equal(CAMERA.record_many(film[None], times * factor, unit=unit)[0], events)
        np.testing.assert_array_equal(streamed(QUIET, film, times * factor, unit=unit), QUIET.record(film, times))


def test_times_in_seconds_are_known_and_told():
    film = bytes_film()
    words = (
        r'images are at most 0.0333\d* us apart by times_us, which are taken as seconds; say unit="s", or unit="us" if'
    )
    for record, camera in (
        (lambda: CAMERA.record(film, TIMES / 1e6), CAMERA),
        (lambda: CAMERA.record_many(film[None], TIMES / 1e6)[0], CAMERA),
        (lambda: np.concatenate([*QUIET.stream(film, TIMES / 1e6)]), QUIET),
    ):
        with pytest.warns(UserWarning, match=words) as told:
            events = record()
        assert len(told) == 1
        assert told[0].filename == __file__
        np.testing.assert_array_equal(events, camera.record(film, TIMES))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert set(CAMERA.record(film, TIMES / 1e6, unit="us")["t"].tolist()) == {0}


def test_times_that_may_be_nanoseconds_are_warned_of():
    film = bytes_film()
    words = (
        r'images are at least 33.33 s apart by times_us, which may be nanoseconds; say unit="ns", or unit="us" if they'
    )
    for record in (lambda: QUIET.record(film, TIMES * 1000), lambda: list(QUIET.stream(film, TIMES * 1000))):
        with pytest.warns(UserWarning, match=words) as told:
            record()
        assert len(told) == 1
    QUIET.record(film, TIMES * 1000, unit="us")
    QUIET.record(film, np.arange(12) * 1_000_000)  # an image a second is a film of things that grow


def test_other_units_are_refused():
    film = bytes_film()
    for record in (
        lambda: CAMERA.record(film, TIMES, unit="minutes"),
        lambda: list(CAMERA.stream(film, TIMES, unit="m")),
    ):
        with pytest.raises(ValueError, match=r"unit is 'm.*; give 's', 'ms', 'us' or 'ns'"):
            record()


def test_embedded_sets_see_light_as_it_is():
    """Their cameras are told that white is 255; without that the films give the same events, and no warning."""
    rng = np.random.default_rng(0)
    images = load_digit_images()[0][:6]
    moving = motion.render(motion.draw_scenes(images, rng), np.arange(6))
    for camera, film in ((digits.CAMERA, digits.render(images)), (motion.CAMERA, moving)):
        plain = replace(camera, full_scale=None)
        times = np.linspace(0, 300_000, film.shape[1])
        for one, other in zip(camera.record_many(film, times), plain.record_many(film, times), strict=True):
            assert len(one) > 0
            np.testing.assert_array_equal(one, other)
