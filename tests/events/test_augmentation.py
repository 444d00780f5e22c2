"""Augmentation: transforms of batches do what those of one recording do, and nothing that is given changes."""

import inspect
from collections import Counter

import numpy as np
import pytest

import workbench as wb
from workbench import transforms as t
from workbench.events.augmentation import augment, require_augmentation, take_transforms
from workbench.events.event_arrays import flatten, unflatten
from workbench.events.event_batch import EventBatch
from workbench.events.transforms.placement import Affine, PlacingTransform, place_together

KEEPING_THE_SENSOR = [
    t.Shift(3), t.RandomFlip(), t.Rotate(30), t.Scale(0.4), t.CutOut(4), t.Drop(0.3), t.Jitter(time_us=40.0),
    t.Jitter(pixels=1.0), t.Jitter(1.0, 40.0), t.Flip(horizontal=True), t.Centre(), t.Denoise(500), t.Refractory(90),
    t.DropHotPixels(3e4), t.Unsigned(),
]  # fmt: skip
SHAPES = [(2, 9, 14), (1, 1, 30), (2, 34, 34), (7, 5)]


def some_recordings(seed: int, shape: tuple[int, ...] = (2, 9, 14), events: int = 80, count: int = 6) -> wb.Recordings:
    rng = np.random.default_rng(seed)
    streams = []
    for _ in range(count):
        size = int(rng.integers(0, events))
        time = np.sort(rng.integers(-5, 3000, size)).astype(np.int32)
        streams.append(unflatten(time, rng.integers(0, np.prod(shape), size).astype(np.int32), shape))
    return wb.Recordings.from_events(streams, np.arange(count) % 3, ["a", "b", "c"], shape, window_us=3000)


def columns(events: np.ndarray, shape: tuple[int, ...]) -> list[list[int]]:
    return [part.tolist() for part in flatten(events, shape, "events")]


@pytest.mark.parametrize(
    ("transform", "shape"),
    [(one, shape) for one in KEEPING_THE_SENSOR for shape in SHAPES if shape[0] == 2 or one != t.Unsigned()],
    ids=str,
)
@pytest.mark.parametrize("events", [0, 1, 60, 4000])
def test_of_a_batch_of_one_is_made_what_is_made_of_it_alone(transform, shape, events):
    for seed in range(4):
        recordings = some_recordings(seed, shape, events + 1, 1)
        given = recordings[0]
        alone, sensor = transform(given, (1, *shape)[-2:], [seed, 5])
        batch = EventBatch.join([flatten(given, shape, "given")])
        edited = transform.edit_batch(batch, shape, np.random.default_rng([seed, 5]))
        assert sensor == (1, *shape)[-2:]
        assert [part.tolist() for part in edited[0]] == columns(alone, shape)
        assert len(edited) == 1


@pytest.mark.parametrize("transform", KEEPING_THE_SENSOR[:5], ids=repr)
def test_it_is_the_same_event_by_event_and_pixel_by_pixel(transform):
    """Whichever are fewer are looked at: of a batch with few events, and of the same events many times over."""
    for seed in range(20):
        shape = SHAPES[seed % 4]
        few = some_recordings(seed, shape, 20)
        batch = EventBatch.join([flatten(events, shape, "few") for events in few])
        many = EventBatch(batch.time_us.repeat(400), batch.site.repeat(400), batch.starts * 400)
        sparse = transform.edit_batch(batch, shape, np.random.default_rng(seed))
        dense = transform.edit_batch(many, shape, np.random.default_rng(seed))
        assert dense.site.tolist() == sparse.site.repeat(400).tolist()
        assert dense.time_us.tolist() == sparse.time_us.repeat(400).tolist()
        assert dense.starts.tolist() == (sparse.starts * 400).tolist()


def homogeneous(affine: Affine, recording: int) -> np.ndarray:
    rows = [[affine.xx, affine.xy, affine.right], [affine.yx, affine.yy, affine.down]]
    return np.array([*([value[recording] for value in row] for row in rows), [0, 0, 1]])


def test_transforms_that_move_pixels_are_composed_and_places_rounded_once():
    chain, shape = [t.Shift(2), t.Rotate(40), t.Scale(0.3), t.RandomFlip(), t.Rotate(10)], (2, 21, 17)
    for seed in range(30):
        recordings = some_recordings(seed, shape, 50)
        batch = EventBatch.join([flatten(events, shape, "events") for events in recordings])
        together = place_together(chain, batch, shape, np.random.default_rng(seed))
        rng = np.random.default_rng(seed)
        maps = [one.draw(shape[1:], rng, len(batch)) for one in chain]
        for number, events in enumerate(recordings):
            whole = np.linalg.multi_dot([homogeneous(one, number) for one in reversed(maps)])
            x, y, _ = whole @ np.stack([events["x"], events["y"], np.ones(len(events))])
            close = (np.abs(x % 1 - 0.5) < 1e-9) | (np.abs(y % 1 - 0.5) < 1e-9)
            x, y = np.rint(x), np.rint(y)
            inside = (x >= 0) & (x < 17) & (y >= 0) & (y < 21)
            assert not close.any()
            site = (events["p"] * 21 * 17 + y * 17 + x)[inside].astype(int)
            assert together[number][1].tolist() == site.tolist()
            assert together[number][0].tolist() == events["t"][inside].tolist()


def test_what_is_dropped_between_moves_is_dropped_in_the_same_pass():
    """The same moves as without it, and a share of the events less."""
    for seed in range(20):
        shape = SHAPES[seed % 4]
        batch = EventBatch.join([flatten(events, shape, "events") for events in some_recordings(seed, shape, 2000)])
        chain = [t.Shift(2), t.Drop(0.3), t.Rotate(20), t.Drop(0.5), t.CutOut(2)]
        moved = place_together(chain[::2], batch, shape, np.random.default_rng(seed))
        fewer = place_together(chain, batch, shape, np.random.default_rng(seed))
        for number in range(len(batch)):
            left = Counter(zip(*(part.tolist() for part in moved[number]), strict=True))
            left.subtract(zip(*(part.tolist() for part in fewer[number]), strict=True))
            assert min(left.values(), default=0) >= 0
        share = len(fewer.site) / max(1, len(moved.site))
        assert share == pytest.approx(0.35, abs=3 / max(1, len(moved.site)) ** 0.5)
    only = place_together([t.Drop(0.3)], batch, shape, np.random.default_rng(3))
    assert only.site.tolist() == t.Drop(0.3).edit_batch(batch, shape, np.random.default_rng(3)).site.tolist()


def test_a_cut_after_a_turn_is_a_cut_of_what_was_turned():
    shape, everywhere = (1, 20, 20), np.arange(400, dtype=np.int32)
    batch = EventBatch.join([(np.zeros(400, np.int32), everywhere)] * 3)
    turned = t.Rotate(45).edit_batch(batch, shape, np.random.default_rng(4))
    both = place_together([t.Rotate(45), t.CutOut(6)], batch, shape, np.random.default_rng(4))
    for number in range(3):
        lost = sorted(set(turned[number][1].tolist()) - set(both[number][1].tolist()))
        rows, columns = np.divmod(lost, 20)
        assert 0 < len(lost) <= 36
        assert np.ptp(rows) < 6
        assert np.ptp(columns) < 6
        assert set(both[number][1].tolist()).isdisjoint(lost)


# each for itself


def turned(transform, many=400):
    """Where an event five pixels to the right of the middle goes, as it lies from the middle."""
    batch = EventBatch.join([(np.zeros(1, np.int32), np.array([1000 * 2001 + 1900], np.int32))] * many)
    moved = transform.edit_batch(batch, (1, 2001, 2001), np.random.default_rng(0))
    assert len(moved.site) == many
    y, x = np.divmod(moved.site, 2001)
    return x - 1000, y - 1000


@pytest.mark.parametrize("degrees", [0, 12, 45, 90])
def test_angles_are_even_between_their_bounds(degrees):
    x, y = turned(t.Rotate(degrees))
    angles = np.degrees(np.arctan2(y, x))
    assert np.hypot(x, y) == pytest.approx(900, abs=1)
    assert np.abs(angles).max() <= degrees + 0.1
    assert np.sort(angles)[[0, 100, 200, 300, -1]] == pytest.approx(
        [-degrees, -degrees / 2, 0, degrees / 2, degrees], abs=0.15 * degrees + 0.1
    )


@pytest.mark.parametrize("share", [0, 0.1])
def test_factors_are_even_between_their_bounds(share):
    x, y = turned(t.Scale(share))
    assert (y == 0).all()
    assert np.abs(x / 900 - 1).max() <= share + 1e-3
    assert np.sort(x)[[0, 200, -1]] / 900 == pytest.approx([1 - share, 1, 1 + share], abs=0.2 * share + 1e-3)


def test_a_cut_out_square_is_empty_and_nothing_else():
    shape, sites = (2, 12, 15), np.arange(360, dtype=np.int32)
    sizes = set()
    for seed in range(60):
        batch = EventBatch.join([(np.zeros(360, np.int32), sites)])
        kept = t.CutOut(5).edit_batch(batch, shape, np.random.default_rng(seed))[0][1]
        lost = np.setdiff1d(sites, kept)
        _, rows, columns = np.unravel_index(lost, shape)
        assert len(lost) == 2 * len(set(rows.tolist())) * len(set(columns.tolist()))
        assert np.ptp(rows) < 5
        assert np.ptp(columns) < 5
        sizes.add(len(lost))
    assert max(sizes) == 50  # the whole square, of both polarities
    assert min(sizes) < 50  # a part of it lies beyond the sensor


@pytest.mark.parametrize("name", ["Shift", "Flip", "RandomFlip", "Rotate", "Scale", "CutOut", "Drop", "Jitter", "Mix"])
def test_each_says_what_it_does_to_directions(name):
    words = inspect.getdoc(getattr(t, name))
    assert "irection" in words or "moves to the left" in words


# batches


def test_augmenting_changes_nothing_and_is_of_the_seed():
    recordings = some_recordings(0, events=300)
    before = [array.tobytes() for array in (recordings.time_us, recordings.site, recordings.starts, recordings.labels)]
    chosen, chain = np.array([4, 1, 1]), [t.Shift(2), t.Drop(0.2), t.Mix(0.5), t.Jitter(time_us=9.0)]
    first, again, other = (augment(recordings, chosen, chain, seed) for seed in ([1, 2, 3], [1, 2, 3], [1, 2, 4]))
    assert first.recordings.as_ticks().tobytes() == again.recordings.as_ticks().tobytes()
    assert first.recordings.as_ticks().tobytes() != other.recordings.as_ticks().tobytes()
    assert first.share == again.share
    assert first.recordings.labels.tolist() == recordings.labels[chosen].tolist()
    assert first.recordings.origins.tolist() == chosen.tolist()
    after = [array.tobytes() for array in (recordings.time_us, recordings.site, recordings.starts, recordings.labels)]
    assert before == after


def test_without_transforms_the_recordings_are_those_chosen():
    recordings, chosen = some_recordings(3, events=300), np.array([5, 0])
    plain = augment(recordings, chosen, [], [0])
    assert plain.recordings.as_ticks().tobytes() == recordings.as_ticks(chosen).tobytes()
    assert plain.share == 1
    assert plain.other_labels.tolist() == recordings.labels[chosen].tolist()


def test_augmented_recordings_are_valid():
    """They are not checked when they are made; what checks recordings finds nothing."""
    from workbench.events.recording_checks import validate

    for seed in range(30):
        recordings = some_recordings(seed, SHAPES[2 * seed % 4], 200)
        rng = np.random.default_rng(seed)
        chain = [KEEPING_THE_SENSOR[i] for i in rng.integers(0, len(KEEPING_THE_SENSOR), 4)]
        found = augment(recordings, np.arange(6), [*chain, t.Mix(0.3)], [seed]).recordings
        validate(found)
        assert found.time_us.dtype == found.site.dtype == np.int32
        for one in found:
            assert (np.diff(one["t"]) >= 0).all()


def test_a_mix_holds_a_share_of_each_of_two_recordings():
    shape = (1, 40, 50)
    sites = [np.arange(1000, dtype=np.int32) + 1000 * half for half in range(2)]
    streams = [unflatten(np.arange(1000, dtype=np.int32), half, shape) for half in sites]
    recordings = wb.Recordings.from_events(streams, [0, 1], ["a", "b"], shape, window_us=1000)
    shares = []
    for seed in range(40):
        mixed = augment(recordings, np.array([0, 1]), [t.Mix(1.0)], [seed])
        for number, other in enumerate(mixed.other_labels.tolist()):
            site = mixed.recordings.site[mixed.recordings.starts[number] : mixed.recordings.starts[number + 1]]
            own = int((site // 1000 == number).sum())
            deviation = 6 * np.sqrt(1000 * mixed.share * (1 - mixed.share)) + 1
            if other != number:
                assert own == pytest.approx(1000 * mixed.share, abs=deviation)
                assert len(site) - own == pytest.approx(1000 * (1 - mixed.share), abs=deviation)
        shares.append(mixed.share)
    assert 0.5 <= min(shares) < 0.6
    assert 0.9 < max(shares) < 1


# refusals


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("Shift", r"augment='Shift' is no list of transforms; give augment=\[wb.transforms.Shift\(3\), \.\.\.\]"),
        (3, r"augment=3 is no list of transforms"),
        ([t.Shift], r"augment: <class .*Shift'> is no transform of the workbench; give values of wb.transforms"),
        ([t.Mix(1.0), t.Mix(0.2)], r"mixes twice; give one Mix, for a loss is mixed of two labels"),
    ],
)
def test_what_is_no_transform_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        take_transforms(given)


@pytest.mark.parametrize("transform", [t.Crop(3, 3), t.Downsample(2), t.Turn(1)])
def test_a_transform_that_changes_the_sensor_is_refused(transform):
    with pytest.raises(
        ValueError, match=r"augment: .* makes a sensor .* of \(9, 14\), which the model does not take; giv"
    ):
        require_augmentation([transform], some_recordings(0))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: t.Rotate(181), "Rotate: degrees is 181; give an angle from 0 to 180"),
        (lambda: t.Rotate(float("nan")), "Rotate: degrees is nan; give an angle"),
        (lambda: t.Scale(1), "Scale: share is 1; give a share from 0 to less than 1"),
        (lambda: t.CutOut(0), "CutOut: pixels=0 must be a whole number of at least 1"),
        (lambda: t.Mix(0), "Mix: alpha is 0; give a positive number"),
    ],
)
def test_bad_settings_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_mix_of_one_recording_is_refused():
    with pytest.raises(
        ValueError, match=r"Mix\(alpha=0.2\) mixes recordings of a batch .* use wb.train\(augment=\[Mix"
    ):
        t.Mix(0.2)(some_recordings(0)[0], (9, 14))


def test_every_transform_that_moves_pixels_is_in_the_list():
    known = {type(transform) for transform in KEEPING_THE_SENSOR}
    assert set(PlacingTransform.__subclasses__()) <= known
