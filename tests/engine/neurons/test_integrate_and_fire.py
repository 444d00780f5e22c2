"""Neurons: trajectories by hand, what a spike takes from the membrane, and scans in any cut."""

import dataclasses
import math

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.plain_neurons import plain_scan, step_by_step
from tests.support.random_neurons import draw_emission
from workbench.engine import NEURONS

IF = wb.IntegrateAndFire
DRIVE = [0.25, 0.5, 1.75, -3.0, 0.5, 2.5, 0.0, 0.0]


def scan(neuron, drive, membrane=None, elapsed=0):
    """Spikes of a single neuron as a list, and its membrane after the last step."""
    spikes, left = neuron.scan(torch.tensor(drive).unsqueeze(1), membrane, elapsed)
    return spikes.flatten().tolist(), left.item()


@pytest.mark.parametrize(
    ("neuron", "spikes", "membrane"),
    [
        # v:  .75  1.25>.25  2.0>1.0  -1(floor)  -.5  2.0>1.0  1.0>0  0
        (IF(), [0, 1, 1, 0, 0, 1, 1, 0], 0.0),
        # v:  .25  .75  2.5>1.5  -1(floor)  -.5  2.0>1.0  1.0>0  0
        (IF(start=0.0), [0, 0, 1, 0, 0, 1, 1, 0], 0.0),
        # v:  .75  1.25>.25  2.0>1.0  -2.0  -1.5  1.0>0  0  0
        (IF(floor=None), [0, 1, 1, 0, 0, 1, 0, 0], 0.0),
        # v:  .75  1.25>.25  2.0>1.0  0(floor)  .5  3.0>2.0  2.0>1.0  1.0>0
        (IF(floor=0.0), [0, 1, 1, 0, 0, 1, 1, 1], 0.0),
        # v:  .75  1.25>0  1.75>0  -1(floor)  -.5  2.0>0  0  0
        (IF(reset="zero"), [0, 1, 1, 0, 0, 1, 0, 0], 0.0),
        # v:  1.25  1.75  3.5>1.5  -1.5  -1.0  1.5  1.5  1.5
        (IF(threshold=2.0), [0, 0, 1, 0, 0, 0, 0, 0], 1.5),
        # frames of three ticks, each from .5:  .75  1.25>.25  2.0>1.0 | -1(floor)  -.5  2.0>1.0 | .5  .5
        (IF(membrane="frame", ticks_per_frame=3), [0, 1, 1, 0, 0, 1, 0, 0], 0.5),
        # v:  -.25  .25  2.0>1.0  -1(floor)  -.5  2.0>1.0  1.0>0  0
        (IF(start=-0.5), [0, 0, 1, 0, 0, 1, 1, 0], 0.0),
    ],
    ids=repr,
)
def test_a_membrane_written_by_hand(neuron, spikes, membrane):
    assert scan(neuron, DRIVE) == (spikes, membrane)


def test_a_neuron_fires_when_its_threshold_is_reached_exactly():
    assert scan(IF(start=0.0), [0.5, 0.5]) == ([0, 1], 0.0)
    assert scan(IF(start=0.0, threshold=0.5), [0.5, 0.25]) == ([1, 0], 0.25)


def test_a_neuron_spikes_at_most_once_a_tick_and_keeps_the_rest():
    assert scan(IF(start=0.0), [3.0, 0.0, 0.0, 0.0]) == ([1, 1, 1, 0], 0.0)


def random_drive(seed: int, steps: int = 24, level: float = 0.0) -> torch.Tensor:
    """Dyadic numbers, so that every sum is exact."""
    generator = torch.Generator().manual_seed(seed)
    return level + torch.randint(-40, 60, (steps, 2, 3, 4), generator=generator).double() / 32


@pytest.mark.parametrize("seed", range(40))
def test_reset_by_subtraction_without_floor_loses_nothing(seed):
    neuron = IF(threshold=[1.0, 0.5, 2.0][seed % 3], start=[0.5, 0.0, -0.25][seed % 3], floor=None)
    drive = random_drive(seed)
    spikes, membrane = neuron.scan(drive, None, 0)
    start = neuron.start * neuron.threshold
    assert torch.equal(drive.sum(0), neuron.threshold * spikes.sum(0) + membrane - start)
    assert set(spikes.unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("seed", range(40))
def test_a_floor_can_only_add(seed):
    neuron, drive = IF(floor=[-1.0, -0.5, 0.0][seed % 3]), random_drive(seed)
    spikes, membrane = neuron.scan(drive, None, 0)
    kept = spikes.sum(0) + membrane - neuron.start
    assert (kept >= drive.sum(0)).all()
    assert (kept > drive.sum(0)).any()
    assert (membrane >= neuron.floor).all()


@pytest.mark.parametrize("seed", range(40))
def test_a_scan_in_any_cut_is_the_scan_of_the_whole(seed):
    neuron = IF(
        reset=["subtract", "zero"][seed % 2],
        floor=[-1.0, None, 0.0][seed % 3],
        membrane=["carry", "frame"][seed // 2 % 2],
        ticks_per_frame=1 + seed % 5,
    )
    drive = random_drive(seed)
    before = drive.clone()
    whole, left = neuron.scan(drive, None, 0)
    sizes = torch.randint(1, 6, (24,), generator=torch.Generator().manual_seed(seed)).tolist()
    pieces, membrane, elapsed = [], None, 0
    while elapsed < len(drive):
        known = None if membrane is None else membrane.clone()
        spikes, after = neuron.scan(drive[elapsed : elapsed + sizes[0]], membrane, elapsed)
        assert membrane is None or torch.equal(membrane, known)  # the state handed in is left alone
        pieces, membrane, elapsed = [*pieces, spikes], after, elapsed + sizes.pop(0)
    assert torch.equal(torch.cat(pieces), whole)
    assert torch.equal(membrane, left)
    assert torch.equal(drive, before)


@pytest.mark.parametrize("seed", range(20))
def test_a_membrane_that_returns_every_frame_treats_each_frame_alike(seed):
    neuron, frame = IF(membrane="frame", ticks_per_frame=6), random_drive(seed, steps=6)
    alone, _ = neuron.scan(frame, None, 0)
    spikes, _ = neuron.scan(torch.cat([random_drive(seed + 1, steps=6), frame, frame]), None, 0)
    assert torch.equal(spikes[6:12], alone)
    assert torch.equal(spikes[12:], alone)


def test_a_relu_is_torchs_and_keeps_no_state():
    drive = random_drive(0)
    activity, membrane = wb.ReLU().scan(drive, None, 0)
    assert torch.equal(activity, torch.nn.functional.relu(drive))
    assert membrane is None


@pytest.mark.parametrize("kind", NEURONS.values())
def test_neurons_are_frozen_values_that_print_as_made(kind):
    neuron = kind()
    assert eval(repr(neuron), vars(wb)) == neuron
    assert hash(kind()) == hash(neuron)
    assert neuron.spiking == (kind in (IF, wb.LeakyIntegrateAndFire))
    with pytest.raises(dataclasses.FrozenInstanceError):
        neuron.threshold = 3.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"threshold": 0.0}, r"threshold=0\.0 must be positive: a neuron fires when it is reached"),
        ({"threshold": -1}, r"threshold=-1 must be positive"),
        ({"threshold": float("nan")}, r"threshold=nan must be positive"),
        ({"start": 1.0}, r"start=1\.0 is in units of the threshold and must lie below 1"),
        ({"start": float("nan")}, r"start=nan is in units of the threshold"),
        ({"floor": 0.25}, r"floor=0\.25 must lie at or below 0 and start=0\.5, or be None for no floor"),
        ({"floor": -0.25, "start": -0.5}, r"floor=-0\.25 must lie at or below 0 and start=-0\.5"),
        ({"floor": float("nan")}, r"floor=nan must lie at or below 0"),
        ({"reset": "hard"}, r"reset='hard' is unknown; choose from subtract, zero"),
        ({"membrane": "leak"}, r"membrane='leak' is unknown; choose from carry, rectify, frame"),
        ({"ticks_per_frame": 0}, r"ticks_per_frame=0 must be a whole number"),
    ],
)
def test_options_that_make_no_neuron_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        IF(**options)


# several spikes a tick, spikes taken back


@pytest.mark.parametrize(
    ("neuron", "spikes", "membrane"),
    [
        # v:  .75  1.25>.25  2.0>0  -1(floor)  -.5  2.0>0  0  0
        (IF(burst=5), [0, 1, 2, 0, 0, 2, 0, 0], 0.0),
        # one frame; v:  .75  1.25>.25  2.0>0  -3.0>0 (all three taken back)  .5  3.0>0  0  0
        (IF(burst=5, signed=True, floor=None, ticks_per_frame=8), [0, 1, 2, -3, 0, 3, 0, 0], 0.0),
        # one at a time; v: .75  1.25>.25  2.0>1.0  -2.0>-1.0  -.5>.5  3.0>2.0  2.0>1.0  1.0>0
        (IF(signed=True, floor=None, ticks_per_frame=8), [0, 1, 1, -1, -1, 1, 1, 1], 0.0),
        # frames of four; v: ... 2.0>1.0  -2.0>-1 | -.5, of which nothing was sent  2.0>1.0  1.0>0  0
        (IF(signed=True, floor=None, ticks_per_frame=4), [0, 1, 1, -1, 0, 1, 1, 0], 0.0),
        # frames of four, what is negative is dropped; v: .75  1.25>.25  2.0>1.0  -2.0 | .5  3.0>2.0  2.0>1.0  1.0>0
        (IF(membrane="rectify", floor=None, ticks_per_frame=4), [0, 1, 1, 0, 0, 1, 1, 1], 0.0),
    ],
    ids=repr,
)
def test_the_other_ways_to_spike_written_by_hand(neuron, spikes, membrane):
    found, left = neuron.scan(torch.tensor(DRIVE).unsqueeze(1), None, 0)
    assert found.flatten().tolist() == spikes
    assert neuron.potential(left).item() == membrane


def some_neuron(seed: int) -> IF:
    rng = np.random.default_rng(seed)
    frame = int(rng.integers(1, 7))
    emission = draw_emission(rng, frame)
    at_once = {
        "membrane": ["carry", "rectify", "frame"][seed // 3 % 3],
        "burst": int(rng.choice([1, 2, 5, 100])),
        "signed": bool(seed % 2),
    }
    return IF(
        threshold=float(rng.choice([1.0, 0.5, 2.0])),
        start=float(rng.choice([0.5, 0.0, 0.25])),
        floor=[-1.0, None, 0.0][seed % 3],
        ticks_per_frame=frame,
        **(at_once if emission["emission"] == "at_once" else emission),
    )


@pytest.mark.parametrize("seed", range(100))
def test_every_kind_of_neuron_is_the_plain_loop_and_its_scan_in_any_cut_is_that_of_the_whole(seed):
    neuron, drive = some_neuron(seed), random_drive(seed)
    spikes, left = neuron.scan(drive, None, 0)
    expected, membrane = plain_scan(neuron, drive)
    assert torch.equal(spikes, expected)
    assert torch.equal(neuron.potential(left), membrane)
    pieces, state, elapsed = [], None, 0
    for size in (1, 4, 2, 9, 8):
        piece, state = neuron.scan(drive[elapsed : elapsed + size], state, elapsed)
        pieces, elapsed = [*pieces, piece], elapsed + size
    assert torch.equal(torch.cat(pieces), spikes)
    assert torch.equal(state, left)


@pytest.mark.parametrize("seed", range(40))
def test_a_neuron_that_takes_spikes_back_has_sent_the_quantised_sum_in_the_end(seed):
    frames = random_drive(seed, steps=24).unflatten(0, (4, 6))
    back = IF(burst=1000, signed=True, floor=None, membrane="frame", ticks_per_frame=6)
    sent = back.scan(frames.flatten(0, 1), None, 0)[0].unflatten(0, (4, 6))
    assert torch.equal(sent.sum(1), (frames.sum(1) + 0.5).floor().clamp(min=0))
    assert (sent.cumsum(1) >= 0).all()


@pytest.mark.parametrize("levels", [1, 2, 4, 7])
def test_a_quantised_relu_is_what_a_spiking_neuron_says_and_learns_as_if_it_had_no_steps(levels):
    drive = random_drive(levels).requires_grad_()
    activity, state = wb.QuantisedReLU(levels).scan(drive, None, 0)
    neurons = [
        IF(burst=levels, floor=None, membrane="frame"),
        IF(emission="burst", cap=levels),
    ]
    (spikes, others), _ = zip(*(neuron.scan(drive.detach() * levels, None, 0) for neuron in neurons), strict=True)
    assert torch.equal(spikes, others)
    torch.testing.assert_close(activity.detach(), spikes / levels)
    assert state is None
    activity.sum().backward()
    inside = (drive > 0) & (drive < 1)
    assert (drive.grad[inside] == 1).all()
    assert (drive.grad[(drive < 0) | (drive > 1)] == 0).all()
    assert torch.equal(wb.QuantisedReLU(None).scan(drive.detach(), None, 0)[0], drive.detach().clamp(0, 1))


@pytest.mark.parametrize("seed", range(30))
def test_learning_changes_no_spike(seed):
    neuron, drive = some_neuron(seed), random_drive(seed)
    learned = drive.clone().requires_grad_()
    assert torch.equal(neuron.scan(learned, None, 0)[0].detach(), neuron.scan(drive, None, 0)[0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"burst": 0}, "burst=0 must be a whole number of at least 1"),
        ({"burst": 2.5}, r"burst=2\.5 must be a whole number"),
        ({"signed": True, "reset": "zero"}, 'takes spikes back, which reset="zero" cannot; use reset="subtract"'),
    ],
)
def test_options_of_bursts_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        IF(**options)


def test_levels_are_whole_numbers_or_none():
    with pytest.raises(ValueError, match="levels=0 must be a whole number of at least 1"):
        wb.QuantisedReLU(0)


# saturation


def random_neuron(seed: int) -> wb.IntegrateAndFire:
    """A neuron on a grid of 2^-12 with a saturation, every other option at random."""
    rng = np.random.default_rng(seed)
    reset, frame = str(rng.choice(["subtract", "zero"])), int(rng.integers(1, 5))
    emission = draw_emission(rng, frame)
    at_once = {
        "reset": reset,
        "membrane": str(rng.choice(["carry", "frame", "rectify"])),
        "burst": int(rng.choice([1, 2, 5])),
        "signed": bool(reset == "subtract" and rng.random() < 0.5),
    }
    return IF(
        start=float(rng.integers(-3000, 4000)) / 4096,
        floor=rng.choice([None, -1.0, -float(rng.integers(3000, 9000)) / 4096]),
        ticks_per_frame=frame,
        saturation=float(rng.integers(5 * 4096, 12 * 4096)) / 4096,
        **(at_once if emission["emission"] == "at_once" else emission),
    )


@pytest.mark.parametrize("seed", range(60))
def test_a_saturated_membrane_is_that_of_a_plain_loop_compiled_or_not(seed):
    neuron, rng = random_neuron(seed), np.random.default_rng([seed, 1])
    drive = rng.integers(-12 * 4096, 14 * 4096, 200) / 4096
    spikes, membranes = step_by_step(neuron, drive.tolist())
    for kind in (torch.float32, torch.float64):
        for scan in (neuron.scan, neuron.scan_plainly):
            found, left = scan(torch.from_numpy(drive).to(kind).view(-1, 1, 1), None, 0)
            assert found.flatten().tolist() == spikes
            assert neuron.potential(left).item() == membranes[-1]
    assert max(membranes) <= neuron.saturation
    floored = neuron.floor is not None and not neuron.counts_frames  # others may be below it until they have counted
    assert min(membranes) >= (neuron.floor if floored else -neuron.saturation)
    assert neuron.most_potential() == neuron.saturation


def test_a_neuron_driven_above_its_most_for_long_stays_on_its_grid():
    """Without a saturation its membrane would leave the 24 digits of a float32 after 20,000 of these ticks."""
    steps, bits = 100_000, 10
    rng = np.random.default_rng(0)
    drive = 1.0 + rng.integers(1, 1 << bits, steps) / (1 << bits)
    neuron = IF(saturation=16.0)
    spikes, membranes = step_by_step(neuron, drive.tolist())
    assert max(membranes) == 15.0
    numbers = torch.from_numpy(drive).float().view(-1, 1, 1)
    pieces, membrane, begin = [], None, 0
    for length in (1, 40_000, 59_999):
        found, membrane = neuron.scan(numbers[begin : begin + length], membrane, begin)
        pieces.append(found)
        begin += length
    assert torch.cat(pieces).flatten().tolist() == spikes
    assert membrane.item() == membranes[-1]
    assert (membrane.item() * 2**bits).is_integer()


@pytest.mark.parametrize("seed", range(40))
def test_a_saturation_that_is_never_reached_changes_nothing(seed):
    neuron, drive = random_neuron(seed), random_drive(seed).float()
    wide, none = (dataclasses.replace(neuron, saturation=most) for most in (1e6, None))
    (found, left), (expected, before) = wide.scan(drive, None, 0), none.scan(drive, None, 0)
    assert torch.equal(found, expected)
    assert torch.equal(left, before)


@pytest.mark.parametrize("bits", [2, 5, 9, 16])
def test_a_rounded_neuron_lies_on_its_grid_and_rounds_to_itself(bits):
    neuron = IF(start=0.3, floor=-0.7, saturation=10.1)
    rounded = neuron.rounded(bits)
    assert rounded.is_on_grid(bits)
    assert rounded.rounded(bits) == rounded
    assert not neuron.is_on_grid(bits)
    for option in ("start", "floor", "saturation"):
        value = getattr(rounded, option)
        assert (value * 2**bits).is_integer()
        assert abs(value - getattr(neuron, option)) <= 2.0 ** -(bits + 1)
    assert IF(start=0.999999, saturation=8.0).rounded(bits).start == 1 - 2.0**-bits  # below the threshold


def test_a_neuron_without_limit_or_with_another_threshold_lies_on_no_grid():
    assert not IF().is_on_grid(23)
    assert not IF(threshold=0.5, saturation=8.0).is_on_grid(23)
    assert IF().most_potential() == math.inf


@pytest.mark.parametrize(
    "options", [{"saturation": 0.5}, {"saturation": 2.0, "burst": 3}, {"saturation": 1.5, "floor": -2.0}]
)
def test_a_saturation_that_leaves_no_room_is_refused(options):
    with pytest.raises(ValueError, match=r"saturation=.* must be at least burst=.* floor=.*, or be None for no limit"):
        IF(**options)
