"""The transforms of events: laws on many random recordings, plain loops, and tonic where it means the same."""

import numpy as np
import pytest

from workbench.events.event_arrays import EVENTS
from workbench.events.transforms import (
    Centre,
    Crop,
    CropTime,
    Denoise,
    Downsample,
    Drop,
    DropHotPixels,
    Flip,
    Jitter,
    RandomFlip,
    Refractory,
    Shift,
    Transpose,
    Turn,
    Unsigned,
    apply,
    resize,
)

EXACT = [
    Crop(5, 4),
    Crop(5, 4, top=1, left=2),
    Crop(20, 30),
    Crop(6, 40, top=-3),
    CropTime(100, 700),
    Downsample(1),
    Downsample(3),
    Downsample(2, merge_us=90),
    Flip(),
    Flip(horizontal=True),
    Flip(vertical=True, polarity=True),
    DropHotPixels(9_000),
    Refractory(0),
    Refractory(100),
    Denoise(0),
    Denoise(40),
    Centre(),
    Turn(),
    Turn(-1),
    Turn(6),
    Transpose(),
    Unsigned(),
]
RANDOM = [RandomFlip(), Jitter(0.8), Jitter(time_us=50), Jitter(2.0, 300), Shift(3), Drop(0.4)]
SENSORS = [(9, 13), (1, 1), (16, 5)]
ORDER = [("t", np.int64), ("x", np.int16), ("y", np.int16), ("p", np.int8)]  # of another reader


def recording(seed, sensor=(9, 13), count=300, until=1000, dtype=EVENTS):
    """Random events, many at the same microsecond, some pixels far busier than others."""
    rng = np.random.default_rng(seed)
    events = np.zeros(count, dtype=dtype)
    events["t"] = np.sort(rng.integers(0, until, count))
    events["x"] = (sensor[1] * rng.random(count) ** 2).astype(int)
    events["y"] = (sensor[0] * rng.random(count) ** 2).astype(int)
    events["p"] = rng.integers(0, 2, count)
    return events


def counts(events, sensor):
    """Number of events a pixel, (height, width)."""
    total = np.zeros(sensor, dtype=int)
    np.add.at(total, (events["y"], events["x"]), 1)
    return total


# laws


@pytest.mark.parametrize("transform", EXACT + RANDOM, ids=repr)
@pytest.mark.parametrize("sensor", SENSORS)
def test_a_transform_is_pure_and_keeps_order_type_and_sensor(transform, sensor):
    for seed, dtype in ((0, EVENTS), (1, EVENTS), (2, ORDER)):
        events = recording(seed, sensor, dtype=dtype)
        before = events.copy()
        events.flags.writeable = False
        edited, new = transform(events, sensor, seed)
        np.testing.assert_array_equal(events, before)
        assert not np.shares_memory(edited, events)
        assert edited.flags.writeable
        assert edited.dtype == events.dtype
        assert (np.diff(edited["t"]) >= 0).all()
        assert new == transform.size(sensor)
        assert ((edited["x"] >= 0) & (edited["x"] < new[1]) & (edited["y"] >= 0) & (edited["y"] < new[0])).all()
        assert edited["t"].min(initial=0) >= 0


@pytest.mark.parametrize("transform", EXACT + RANDOM, ids=repr)
def test_no_events_and_one_event_pass_through(transform):
    for count in (0, 1):
        edited, sensor = transform(recording(0, count=count), (9, 13), 0)
        assert len(edited) <= count
        assert edited.dtype == EVENTS
        assert sensor == transform.size((9, 13))


@pytest.mark.parametrize("transform", EXACT + RANDOM, ids=repr)
def test_all_randomness_is_of_the_seed(transform):
    events = recording(3)
    np.random.seed(1)
    state = np.random.get_state()[1].copy()
    first = transform(events, (9, 13), [5, 6])[0]
    assert (np.random.get_state()[1] == state).all()
    np.random.seed(2)
    np.testing.assert_array_equal(transform(events, (9, 13), [5, 6])[0], first)
    others = [transform(events, (9, 13), [5, other])[0].tolist() != first.tolist() for other in range(20)]
    assert any(others) == (transform in RANDOM)


@pytest.mark.parametrize("transform", EXACT + RANDOM, ids=repr)
def test_transforms_are_values(transform):
    assert hash(transform) == hash(eval(repr(transform)))
    assert transform == eval(repr(transform))
    with pytest.raises(AttributeError, match="cannot assign"):
        transform.probability = 1


# another way round


@pytest.mark.parametrize("sensor", SENSORS)
def test_turning_events_turns_their_image(sensor):
    for seed in range(20):
        events = recording(seed, sensor)
        image = counts(events, sensor)
        for quarters in range(-5, 6):
            edited, new = Turn(quarters)(events, sensor)
            assert new == np.rot90(image, quarters).shape
            np.testing.assert_array_equal(counts(edited, new), np.rot90(image, quarters))
            np.testing.assert_array_equal(edited[["t", "p"]], events[["t", "p"]])
        edited, new = Transpose()(events, sensor)
        np.testing.assert_array_equal(counts(edited, new), image.T)
        np.testing.assert_array_equal(edited[["t", "p"]], events[["t", "p"]])


def test_turns_add_up_and_a_transposition_is_a_turn_of_a_mirror():
    for seed in range(20):
        events, sensor = recording(seed), (9, 13)
        for first, second in np.random.default_rng(seed).integers(-9, 9, (10, 2)).tolist():
            np.testing.assert_array_equal(
                apply((Turn(first), Turn(second)), events, sensor)[0], Turn(first + second)(events, sensor)[0]
            )
        mirrored = apply((Flip(horizontal=True), Turn(1)), events, sensor)[0]
        np.testing.assert_array_equal(mirrored, Transpose()(events, sensor)[0])
        np.testing.assert_array_equal(apply((Transpose(), Transpose()), events, sensor)[0], events)


def test_apply_gives_each_transform_its_own_stream():
    events = recording(0, count=4000)
    twice, sensor = apply((Drop(0.5), Drop(0.5)), events, (9, 13), 7)
    assert sensor == (9, 13)
    assert abs(len(twice) - 1000) < 5 * np.sqrt(4000 * 0.25 * 0.75)
    by_hand, size = events, (9, 13)
    for number, transform in enumerate((Drop(0.5), Drop(0.5))):
        by_hand, size = transform(by_hand, size, [7, number])
    np.testing.assert_array_equal(twice, by_hand)
    np.testing.assert_array_equal(apply((Drop(0.5), Drop(0.5)), events, (9, 13), np.int64(7))[0], twice)
    assert (
        apply((Drop(0.5),), events, (9, 13), [7, 1])[0].tolist() != apply((Drop(0.5),), events, (9, 13), 7)[0].tolist()
    )


def test_apply_of_nothing_is_a_copy():
    events = recording(0)
    same, sensor = apply((), events, (9, 13), 0)
    np.testing.assert_array_equal(same, events)
    assert sensor == (9, 13)
    assert not np.shares_memory(same, events)


def test_resize_says_what_apply_will_give():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        chain = [(EXACT + RANDOM)[i] for i in rng.integers(0, len(EXACT + RANDOM), 5)]
        assert apply(chain, recording(seed), (9, 13), seed)[1] == resize(chain, (9, 13))


# where things go


def test_flipped_twice_is_as_before():
    for seed in range(20):
        events = recording(seed)
        for flags in np.ndindex(2, 2, 2):
            flip = Flip(*map(bool, flags))
            np.testing.assert_array_equal(flip(*flip(events, (9, 13)))[0], events)
    flipped = Flip(True, True, True)(recording(0), (9, 13))[0]
    np.testing.assert_array_equal(counts(flipped, (9, 13)), counts(recording(0), (9, 13))[::-1, ::-1])
    np.testing.assert_array_equal(flipped["p"], ~recording(0)["p"])


def test_a_certain_flip_flips_and_an_impossible_one_does_not():
    events = recording(0)
    np.testing.assert_array_equal(RandomFlip(1.0)(events, (9, 13), 3)[0], Flip(horizontal=True)(events, (9, 13))[0])
    np.testing.assert_array_equal(RandomFlip(0.0)(events, (9, 13), 3)[0], events)
    changed = [not np.array_equal(RandomFlip(0.3)(events, (9, 13), seed)[0], events) for seed in range(1000)]
    assert abs(sum(changed) - 300) < 5 * np.sqrt(1000 * 0.3 * 0.7)


def test_a_crop_is_a_slice_of_the_image():
    for seed in range(10):
        image = counts(recording(seed), (9, 13))
        cropped = counts(*Crop(4, 6, top=2, left=5)(recording(seed), (9, 13)))
        np.testing.assert_array_equal(cropped, image[2:6, 5:11])
        np.testing.assert_array_equal(counts(*Crop(4, 6)(recording(seed), (9, 13))), image[2:6, 3:9])


def test_padded_then_cropped_is_as_before():
    for seed, pads in enumerate(np.ndindex(5, 5)):
        events = recording(seed)
        larger, sensor = Crop(9 + 2 * pads[0], 13 + 2 * pads[1])(events, (9, 13))
        assert len(larger) == len(events)
        np.testing.assert_array_equal(Crop(9, 13)(larger, sensor)[0], events)
        larger, sensor = Crop(20, 30, top=-pads[0], left=-pads[1])(events, (9, 13))
        np.testing.assert_array_equal(Crop(9, 13, top=pads[0], left=pads[1])(larger, sensor)[0], events)


@pytest.mark.parametrize("factor", [1, 2, 3, 7, 40, 100_000])
def test_a_downsampled_image_sums_its_squares(factor):
    height, width = Downsample(factor).size((9, 13))
    padded = np.zeros((height * min(factor, 40), width * min(factor, 40)), dtype=int)
    padded[:9, :13] = counts(recording(4), (9, 13))
    squares = padded.reshape(height, min(factor, 40), width, min(factor, 40)).sum(axis=(1, 3))
    np.testing.assert_array_equal(counts(*Downsample(factor)(recording(4), (9, 13))), squares)


def test_downsampling_composes():
    for seed in range(10):
        twice, sensor = apply((Downsample(2), Downsample(3)), recording(seed), (9, 13))
        np.testing.assert_array_equal(twice, Downsample(6)(recording(seed), (9, 13))[0])
        assert sensor == Downsample(6).size((9, 13))


def test_the_centre_of_the_box_is_the_centre_of_the_sensor():
    for seed in range(20):
        events = Crop(20, 30, top=-(seed % 7), left=-(seed % 11))(recording(seed, (5, 7)), (5, 7))[0]
        centred, sensor = Centre()(events, (20, 30))
        assert len(centred) == len(events)
        for field, size in (("y", sensor[0]), ("x", sensor[1])):
            before, after = centred[field].min(), size - 1 - centred[field].max()
            assert after - before in (0, 1)
            assert np.unique(events[field] - centred[field]).size == 1
        np.testing.assert_array_equal(Centre()(centred, sensor)[0], centred)


def test_shifts_are_whole_and_alike_often():
    middle = np.zeros(1, dtype=EVENTS)
    middle["x"] = middle["y"] = 10
    moved = [Shift(2)(middle, (21, 21), seed)[0][["y", "x"]].tolist()[0] for seed in range(5000)]
    places, times = np.unique(moved, axis=0, return_counts=True)
    assert places.tolist() == [[y, x] for y in range(8, 13) for x in range(8, 13)]
    assert abs(times - 200).max() < 5 * np.sqrt(200)
    np.testing.assert_array_equal(Shift(0)(recording(0), (9, 13), 1)[0], recording(0))


def test_what_is_shifted_off_the_sensor_is_dropped():
    events = recording(0)
    image = np.pad(counts(events, (9, 13)), 3)
    for seed in range(30):
        shifted = counts(*Shift(3)(events, (9, 13), seed))
        windows = [image[y : y + 9, x : x + 13] for y in range(7) for x in range(7)]
        assert sum(np.array_equal(shifted, window) for window in windows) == 1


# when things happen


def test_cropped_time_starts_anew():
    events = recording(0)
    cropped = CropTime(100, 700)(events, (9, 13))[0]
    np.testing.assert_array_equal(cropped["t"] + 100, events["t"][(events["t"] >= 100) & (events["t"] < 700)])
    halves = CropTime(0, 500)(events, (9, 13))[0], CropTime(500, 1000)(events, (9, 13))[0]
    halves[1]["t"] += 500
    np.testing.assert_array_equal(np.concatenate(halves), events)


def test_jitter_is_gaussian_around_the_place_and_the_time():
    events = np.zeros(40_000, dtype=EVENTS)
    events["x"], events["y"], events["t"] = 100, 50, 10_000
    moved = Jitter(3.0, 200.0)(events, (200, 300), 1)[0]
    assert len(moved) == len(events)
    for field, mean, deviation in (("x", 100, 3), ("y", 50, 3), ("t", 10_000, 200)):
        assert abs(moved[field].mean() - mean) < 5 * deviation / np.sqrt(len(events))
        assert abs(moved[field].std() - np.sqrt(deviation**2 + 1 / 12)) < 5 * deviation / np.sqrt(2 * len(events))
    assert abs(np.corrcoef(moved["x"], moved["y"])[0, 1]) < 5 / np.sqrt(len(events))


def test_jitter_of_nothing_is_the_same_and_no_clock_falls_below_zero():
    np.testing.assert_array_equal(Jitter()(recording(0), (9, 13), 1)[0], recording(0))
    early = recording(0)
    early["t"] -= 400
    np.testing.assert_array_equal(Jitter()(early, (9, 13), 1)[0], early)
    late = Jitter(time_us=5000)(recording(0), (9, 13), 1)[0]
    assert len(late) == len(recording(0))
    assert late["t"].min() == 0
    assert late["t"].max() > 3000


def test_jitter_drops_what_leaves_the_sensor():
    edge = np.zeros(10_000, dtype=EVENTS)
    kept = Jitter(1.0)(edge, (50, 50), 2)[0]
    share = 0.6915**2  # of a Gaussian above -1/2, both ways
    assert abs(len(kept) / 10_000 - share) < 5 * np.sqrt(share * (1 - share) / 10_000)


# what is left


def test_drop_keeps_its_share_in_order():
    events = recording(0, count=10_000)
    kept = Drop(0.3)(events, (9, 13), 1)[0]
    assert abs(len(kept) - 7000) < 5 * np.sqrt(10_000 * 0.3 * 0.7)
    np.testing.assert_array_equal(Drop(0.0)(events, (9, 13), 1)[0], events)
    assert len(Drop(1.0)(events, (9, 13), 1)[0]) == 0


def loop_refractory(events, rest, key):
    last, kept = {}, []
    for event in events.tolist():
        if key(event) not in last or event[2] - last[key(event)] >= rest:
            last[key(event)] = event[2]
            kept.append(event)
    return kept


def pixel(event):
    return event[:2]


def test_refractory_equals_a_plain_loop():
    for seed in range(60):
        events = recording(seed, count=400, until=10 ** (1 + seed % 4))
        for rest in (0, 1, 2, 30, 99, 100, 5000, 10**12):
            kept = Refractory(rest)(events, (9, 13))[0]
            assert kept.tolist() == loop_refractory(events, rest, pixel)
            np.testing.assert_array_equal(Refractory(rest)(kept, (9, 13))[0], kept)


def test_merging_equals_a_plain_loop_over_pixels_and_polarities():
    for seed in range(20):
        fewer = Downsample(3)(recording(seed), (9, 13))[0]
        for rest in (1, 40, 2000):
            merged = Downsample(3, merge_us=rest)(recording(seed), (9, 13))[0]
            assert merged.tolist() == loop_refractory(fewer, rest, lambda event: (*event[:2], event[3]))


def test_denoise_equals_a_plain_loop():
    for seed in range(20):
        events = recording(seed, count=120, until=10 ** (1 + seed % 4))
        for window in (0, 1, 25, 400, 10**12):
            kept = [
                (x, y, t, p)
                for x, y, t, p in events.tolist()
                if any(
                    max(abs(x - other_x), abs(y - other_y)) == 1 and 0 <= t - other_t <= window
                    for other_x, other_y, other_t, _ in events.tolist()
                )
            ]
            assert Denoise(window)(events, (9, 13))[0].tolist() == kept


def test_hot_pixels_are_dropped_whole():
    for seed in range(20):
        events = recording(seed)
        rate = counts(events, (9, 13)) / (np.ptp(events["t"]) * 1e-6)
        rate[counts(events, (9, 13)) == 1] = 0  # once is no rate
        for above in (500.0, 2000.0, 9000.0, 1e6):
            kept = DropHotPixels(above)(events, (9, 13))[0]
            np.testing.assert_array_equal(kept, events[rate[events["y"], events["x"]] <= above])


def test_unsigned_events_are_all_on():
    unsigned = Unsigned()(recording(0), (9, 13))[0]
    assert unsigned["p"].all()
    np.testing.assert_array_equal(unsigned[["x", "y", "t"]], recording(0)[["x", "y", "t"]])


# tonic, where it means the same


def test_tonic_agrees_on_crops_flips_and_hot_pixels(tonic):
    for seed in range(20):
        events = recording(seed)
        for height, width in ((4, 6), (5, 5), (20, 31), (3, 40)):
            theirs = tonic.transforms.CenterCrop((13, 9, 2), (width, height))(events.copy())
            np.testing.assert_array_equal(Crop(height, width)(events, (9, 13))[0], theirs)
        theirs = tonic.transforms.RandomFlipUD((13, 9, 2), p=1.0)(events.copy())
        theirs = tonic.transforms.RandomFlipLR((13, 9, 2), p=1.0)(theirs)
        theirs = tonic.transforms.RandomFlipPolarity(p=1.0)(theirs)
        np.testing.assert_array_equal(Flip(True, True, True)(events, (9, 13))[0], theirs)
        for rate in (2500, 9000):
            theirs = tonic.transforms.DropPixel(hot_pixel_frequency=rate)(events.copy())
            np.testing.assert_array_equal(DropHotPixels(rate)(events, (9, 13))[0], theirs)


@pytest.mark.parametrize("factor", [1, 2, 4, 8])  # whose inverse is exact
def test_tonic_agrees_on_downsampling(tonic, factor):
    for seed in range(20):
        theirs = tonic.transforms.Downsample(spatial_factor=1 / factor)(recording(seed))
        np.testing.assert_array_equal(Downsample(factor)(recording(seed), (9, 13))[0], theirs)


def test_tonic_agrees_on_the_refractory_time_where_nothing_is_dropped(tonic):
    events = recording(0)
    spread = events.copy()
    spread["t"] *= 1000
    theirs = tonic.functional.refractory_period_numpy(Refractory(101)(spread, (9, 13))[0], 100)
    np.testing.assert_array_equal(theirs[theirs["t"] > 0], Refractory(101)(spread, (9, 13))[0])


# words


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Crop(0, 5), "Crop: height=0 must be a whole number from 1 to 32768"),
        (lambda: Crop(5, 2.5), r"Crop: width=2\.5 must be a whole number"),
        (lambda: Crop(5, 40_000), "Crop: width=40000 must be a whole number from 1 to 32768"),
        (lambda: Crop(5, 5, top="1"), "Crop: top='1' must be a whole number from -32768 to 32768"),
        (lambda: CropTime(5, 5), "CropTime: end_us=5 must be a whole number of at least 6"),
        (lambda: CropTime(0.5, 5), r"CropTime: begin_us=0\.5 must be a whole number"),
        (lambda: Downsample(0), "Downsample: factor=0 must be a whole number of at least 1"),
        (lambda: Downsample(True), "Downsample: factor=True must be a whole number"),
        (lambda: Downsample(2, -1), "Downsample: merge_us=-1 must be a whole number of at least 0"),
        (lambda: RandomFlip(1.5), "RandomFlip: probability is 1.5; give a share from 0 to 1"),
        (lambda: Drop(float("nan")), "Drop: probability is nan; give a share from 0 to 1"),
        (lambda: Jitter(-1), "Jitter: pixels is -1; give a standard deviation, 0 for none"),
        (lambda: Jitter(0, float("inf")), "Jitter: time_us is inf; give a standard deviation"),
        (lambda: Shift(-1), "Shift: pixels=-1 must be a whole number of at least 0"),
        (lambda: DropHotPixels(0), "DropHotPixels: above_hz is 0; give a positive rate"),
        (lambda: Refractory(-5), "Refractory: microseconds=-5 must be a whole number of at least 0"),
        (lambda: Turn(0.5), r"Turn: quarters=0\.5 must be a whole number"),
        (lambda: Turn(True), "Turn: quarters=True must be a whole number"),
        (lambda: Denoise(1.5), r"Denoise: microseconds=1\.5 must be a whole number"),
    ],
)
def test_bad_settings_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize("transform", EXACT + RANDOM, ids=repr)
def test_bad_events_are_refused(transform):
    name = type(transform).__name__
    with pytest.raises(ValueError, match=rf"{name}: event \d+ has x = \d+, outside 0 to 3 of the sensor \(9, 4\)"):
        transform(recording(0), (9, 4), 0)
    with pytest.raises(ValueError, match=f"{name}: time runs backwards; sort the events by time"):
        transform(recording(0)[::-1], (9, 13), 0)
    with pytest.raises(ValueError, match=f"{name}: no field p; give the fields x, y, t, p"):
        transform(recording(0)[["x", "y", "t"]], (9, 13), 0)
