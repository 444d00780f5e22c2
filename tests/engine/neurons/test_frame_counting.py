"""Neurons that count for a frame: what they send written by hand, when they send it, how they learn, and refusals."""

import dataclasses

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.plain_neurons import plain_scan
from tests.support.random_neurons import draw_counting, some_drive
from workbench.engine.kernels.neuron_scan import EMISSIONS, Dynamics
from workbench.engine.neurons.frame_counting import MOST_TICKS, send_counts
from workbench.engine.neurons.surrogate import Surrogate

IF = wb.IntegrateAndFire


def counting(emission: str, remainder: str | None = None, ticks: int = 4, **options: object) -> IF:
    return IF(emission=emission, remainder=remainder, ticks_per_frame=ticks, **options)


def some_neuron(seed: int) -> IF:
    """One that counts, with dyadic numbers."""
    rng = np.random.default_rng(seed)
    frame = int(rng.integers(1, 7))
    return IF(
        threshold=float(rng.choice([1.0, 0.5, 2.0])),
        start=float(rng.choice([0.5, 0.0, -0.25])),
        floor=[-1.0, None, -0.25][rng.integers(3)],
        ticks_per_frame=frame,
        saturation=[None, 3.5][rng.integers(2)],
        **draw_counting(rng, frame),
    )


# what is sent, and what is left


DRIVE = [0.25, 0.5, 1.75, -0.25, 3.0, 0.0, -1.0, 0.5, -9.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("neuron", "spikes", "membrane"),
    [
        # frames of four, each from .5: 2.75 is 2, 3.0 is 3, -8.5 is none, 3.5 is 3
        (counting("spread"), [0, 0, 0, 1, 0, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 0], 0.5),
        (counting("burst"), [0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0], 0.5),
        # at the end of frames: 2.75 is 2 and .75, 3.25 is 3 and .25, -8.75 is none and -1 (floor), 2.0 is 2
        (counting("spread", "keep"), [0, 0, 0, 1, 0, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0], 0.0),
        (counting("burst", "keep"), [0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0], 0.0),
        # without a floor -8.75 is kept, and -5.75 is none
        (counting("burst", "keep", floor=None), [0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], -5.75),
        # at most two: 2.75 leaves .75, 3.25 leaves 1.25, -7.75 leaves -1, 2.0 leaves 0
        (counting("burst", "keep", cap=2), [0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0], 0.0),
        (counting("spread", cap=1), [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0], 0.5),
        # thresholds of a half, from .25: 2.5 is 5, of which four are sent, 2.75 is 5, -8.25 is none, 3.25 is 6
        (counting("burst", threshold=0.5), [0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0], 0.25),
        (counting("burst", threshold=0.5, cap=9), [0, 0, 0, 5, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0], 0.25),
        # within 2 on both sides, from 0: 2 leaves 0, 1.5 (3 is held at 2, then 1, 1.5) leaves .5, -2 leaves -1, 1
        (
            counting("burst", "keep", start=0.0, saturation=2.0),
            [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0],
            0.0,
        ),
    ],
    ids=repr,
)
def test_what_is_counted_sent_and_kept_written_by_hand(neuron, spikes, membrane):
    for kind in (torch.float32, torch.float64):
        drive = torch.tensor(DRIVE, dtype=kind).view(-1, 1, 1)
        for scan in (neuron.scan, neuron.scan_plainly):
            found, left = scan(drive, None, 0)
            assert found.dtype == left.dtype == kind
            assert found.flatten().tolist() == spikes
            assert neuron.potential(left).item() == membrane


def test_a_frame_of_one_tick_answers_in_it():
    drive = torch.tensor([0.25, 3.0, 0.5]).view(-1, 1, 1)
    for emission in ("spread", "burst"):
        neuron = counting(emission, ticks=1)
        assert neuron.latency == 0
        assert neuron.scan(drive, None, 0)[0].flatten().tolist() == [0, 1, 1]
    assert counting("burst", ticks=1, cap=5).scan(drive, None, 0)[0].flatten().tolist() == [0, 3, 1]


@pytest.mark.parametrize("emission", ["spread", "burst"])
def test_the_floor_holds_only_what_is_kept_and_only_after_the_count(emission):
    """Deep below the floor in the middle of a frame, and yet all that came is counted at its end."""
    drive = torch.tensor([-7.0, 0.0, 9.5, 0.0, 0.0, 0.0, -2.5, 0.0]).view(-1, 1, 1)
    kept = counting(emission, "keep", floor=-1.0).scan(drive, None, 0)[1]
    assert kept[:, 0, 0].tolist() == [-1.0, 0.0]  # 3.0 is 3 and 0, then -2.5 is none and held
    inside = counting(emission, "keep", floor=-1.0).scan(drive[:7], None, 0)[1]
    assert inside[:, 0, 0].tolist() == [-2.5, 3.0]
    for floor in (-1.0, -0.25, None):
        dropped = counting(emission, "drop", floor=floor).scan(drive, None, 0)
        assert torch.equal(dropped[0], counting(emission, "drop").scan(drive, None, 0)[0])
        assert dropped[1][:, 0, 0].tolist() == [0.5, 0.0]


@pytest.mark.parametrize("seed", range(40))
def test_what_is_dropped_does_not_matter_and_what_comes_may_come_in_any_order(seed):
    """The law behind lossless conversion: N = clip(floor(sum of drive + start), 0, cap), frame by frame."""
    generator, k = torch.Generator().manual_seed(seed), 6
    frames = torch.randint(-40, 60, (4, k, 2, 3), generator=generator).double() / 32
    whole = (frames.sum(1) + 0.5).floor().clamp(0, k)
    order = torch.randperm(k, generator=generator)
    for drive in (frames, frames[:, order]):
        spread = counting("spread", ticks=k).scan(drive.flatten(0, 1), None, 0)[0]
        assert torch.equal(spread[k - 1 :][: 3 * k].unflatten(0, (3, k)).sum(1), whole[:3])
        burst = counting("burst", ticks=k).scan(drive.flatten(0, 1), None, 0)[0]
        assert torch.equal(burst.unflatten(0, (4, k))[:, -1], whole)
        assert not burst.unflatten(0, (4, k))[:, :-1].any()


@pytest.mark.parametrize("seed", range(40))
def test_what_is_kept_without_a_floor_is_never_lost(seed):
    generator, k = torch.Generator().manual_seed(seed), 4
    drive = torch.randint(-40, 60, (6 * k, 2, 3), generator=generator).double() / 32
    spikes, left = counting("burst", "keep", ticks=k, floor=None, cap=1000).scan(drive, None, 0)
    assert torch.equal(drive.sum(0) + 0.5, spikes.sum(0) + left[0])
    assert spikes.any()


# when it is sent


@pytest.mark.parametrize("ticks", range(1, 13))
def test_counts_of_consecutive_frames_never_overlap(ticks):
    """N spikes in the K ticks from the count on, at most one in each, the m-th in tick floor(m K / N)."""
    numbers = torch.arange(ticks + 1).float()
    dynamics = Dynamics(frame=ticks, emission=EMISSIONS.index("spread"))
    frame = send_counts(dynamics, numbers, elapsed=ticks - 1, ticks=ticks)
    for number, sent in enumerate(frame.T.tolist()):
        places = [m * ticks // number for m in range(number)]
        assert [tick for tick, spikes in enumerate(sent) if spikes] == places
        assert set(sent) <= {0.0, 1.0}
    neuron = counting("spread", ticks=ticks, start=0.0)
    for first in range(ticks + 1):  # any count after any other
        drive = torch.zeros(3 * ticks, 1, ticks + 1)
        drive[0], drive[ticks] = float(first), numbers
        spikes = neuron.scan(drive, None, 0)[0][ticks - 1 : 3 * ticks - 1, 0].unflatten(0, (2, ticks))
        assert (spikes.sum(1)[0] == first).all()
        assert torch.equal(spikes[1], frame)


@pytest.mark.parametrize("emission", ["spread", "burst"])
def test_what_is_announced_is_what_is_sent_whatever_drives_it_then(emission):
    rng = np.random.default_rng(0)
    neuron, drive = counting(emission, "keep", ticks=5, cap=4), some_drive(rng, dyadic=True)
    for begin in range(4, 14):
        _, state = neuron.scan(drive[:begin], None, 0)
        steps = 4 - begin % 5  # until the next count
        told = neuron.announce(state, begin, steps)
        assert torch.equal(told, neuron.scan(100 * torch.ones(steps, *drive.shape[1:]), state, begin)[0])
        assert begin != 5 or emission == "burst" or told.any()


def test_latency_and_most_spikes_follow_from_the_options():
    plain, spread, burst = IF(ticks_per_frame=4), counting("spread"), counting("burst")
    assert [neuron.latency for neuron in (plain, spread, burst)] == [0, 3, 3]
    assert [neuron.silent_ticks for neuron in (plain, spread, burst)] == [0, 0, 3]
    assert [neuron.most_spikes_per_tick() for neuron in (plain, spread, burst)] == [1, 1, 4]
    assert [neuron.most_spikes_per_frame() for neuron in (plain, spread, burst)] == [4, 4, 4]
    capped = [counting("spread", cap=3), counting("burst", cap=9)]
    assert [neuron.most_spikes_per_tick() for neuron in capped] == [1, 9]
    assert [neuron.most_spikes_per_frame() for neuron in capped] == [3, 9]


def test_the_biases_of_a_frame_arrive_in_its_last_tick():
    assert IF(ticks_per_frame=3).extra_biases(0, 6) is None
    for emission in ("spread", "burst"):
        assert counting(emission, ticks=3).extra_biases(2, 6).tolist() == [2, -1, -1, 2, -1, -1]
        assert counting(emission, ticks=1).extra_biases(0, 2).tolist() == [0, 0]


# scans


@pytest.mark.parametrize("seed", range(100))
def test_a_scan_is_that_of_a_plain_loop_compiled_or_not_in_any_cut(seed):
    rng, neuron = np.random.default_rng([seed, 1]), some_neuron(seed)
    numbers = torch.from_numpy(rng.integers(-40, 60, (24, 2, 3, 4)) / 32)
    expected, membrane = plain_scan(neuron, numbers)
    for kind in (torch.float32, torch.float64):
        drive = numbers.to(kind)
        before, (whole, left) = drive.clone(), neuron.scan(drive, None, 0)
        assert torch.equal(whole.double(), expected)
        assert torch.equal(neuron.potential(left).double(), membrane)
        for scan in (neuron.scan, neuron.scan_plainly):
            pieces, state, elapsed = [], None, 0
            while elapsed < len(drive):
                size, known = int(rng.integers(1, 6)), None if state is None else state.clone()
                piece, after = scan(drive[elapsed : elapsed + size], state, elapsed)
                assert state is None or torch.equal(state, known)  # the state handed in is left alone
                pieces, state, elapsed = [*pieces, piece], after, elapsed + len(piece)
            assert torch.equal(torch.cat(pieces), whole)
            assert torch.equal(state, left)
        assert torch.equal(drive, before)


# learning


@pytest.mark.parametrize("seed", range(30))
def test_learning_changes_no_spike(seed):
    neuron, rng = some_neuron(seed), np.random.default_rng([seed, 2])
    drive = torch.from_numpy(rng.integers(-40, 60, (24, 2, 3)) / 32)
    learned, state = drive.clone().requires_grad_(), None
    spikes, left = neuron.scan(learned, None, 0)
    expected, after = neuron.scan(drive, None, 0)
    assert torch.equal(spikes.detach(), expected)
    assert torch.equal(left.detach(), after)
    pieces = []
    for begin in range(0, 24, 7):
        piece, state = neuron.scan(learned[begin : begin + 7], state, begin)
        pieces.append(piece.detach())
    assert torch.equal(torch.cat(pieces), expected)


@pytest.mark.parametrize("remainder", ["drop", "keep"])
@pytest.mark.parametrize("emission", ["spread", "burst"])
def test_the_spikes_of_a_frame_together_have_the_gradient_of_their_count(emission, remainder):
    """Every tick of the frame brings the same; each of K spikes that are spread passes on a K-th of it."""
    k, cap = 4, 3
    level = torch.linspace(-2, 6, 65, dtype=torch.float64)
    drive = torch.zeros(2 * k, 1, len(level), dtype=torch.float64)
    drive[1, 0] = level
    drive.requires_grad_()
    neuron = counting(emission, remainder, ticks=k, cap=cap, start=0.0)
    spikes = neuron.scan(drive, None, 0)[0]
    frame = spikes[k - 1 : 2 * k - 1].sum(0)[0]
    (gradient,) = torch.autograd.grad(frame.sum(), drive, retain_graph=True)
    known = level.clone().requires_grad_()
    count = Surrogate.apply(known, torch.zeros_like(known), cap)
    (expected,) = torch.autograd.grad(count.sum(), known)
    assert torch.equal(frame.detach(), count.detach())
    torch.testing.assert_close(gradient[:k, 0], expected.expand(k, -1))
    assert not gradient[k:].any()
    if emission == "spread":
        for tick in range(k - 1, 2 * k - 1):
            (part,) = torch.autograd.grad(spikes[tick].sum(), drive, retain_graph=True)
            torch.testing.assert_close(part[0, 0], expected / k)


def test_what_is_kept_learns_on_and_what_is_dropped_does_not():
    drive = torch.full((8, 1, 1), 0.05, dtype=torch.float64, requires_grad=True)
    for remainder, reached in (("keep", True), ("drop", False)):
        spikes = counting("burst", remainder).scan(drive, None, 0)[0]
        (gradient,) = torch.autograd.grad(spikes[7].sum(), drive)
        assert bool(gradient[:4].any()) == reached
        assert gradient[4:].all()


# refusals


@pytest.mark.parametrize("emission", ["spread", "burst"])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"reset": "zero"}, "reset='zero' is for neurons .*: it always loses what it has counted; leave reset out"),
        ({"membrane": "frame"}, 'membrane=\'frame\' is .*: say remainder="drop" or remainder="keep"; leave membrane'),
        ({"membrane": "rectify"}, "membrane='rectify' is for neurons that spike at once"),
        ({"burst": 3}, 'burst=3 is .*: say cap=, the most that it counts, with emission="burst"; leave burst out'),
        ({"signed": True}, "signed=True is .*: what it counts is never negative; leave signed out"),
        ({"bias": "frame"}, "bias='frame' is .*: it gets the bias of a frame at once; leave bias out"),
        ({"remainder": "lose"}, "remainder='lose' is unknown; choose from drop, keep"),
        ({"cap": 0}, "cap=0 must be a whole number of at least 1"),
        ({"cap": 2.5}, r"cap=2\.5 must be a whole number"),
        (
            {"ticks_per_frame": MOST_TICKS + 1},
            f"ticks_per_frame={MOST_TICKS + 1} are more than emission='.*' can count; use at most {MOST_TICKS}",
        ),
    ],
)
def test_options_that_are_not_for_neurons_that_count_are_refused_with_a_cure(emission, options, words):
    with pytest.raises(ValueError, match=words):
        IF(emission=emission, **{"ticks_per_frame": 4} | options)


def test_the_refusal_of_an_option_names_the_emission_and_the_way_back():
    words = "emission='spread' counts for a frame: .*; leave signed out, or use emission=\"at_once\"$"
    with pytest.raises(ValueError, match=words):
        IF(emission="spread", signed=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"remainder": "drop"},
            "remainder='drop' is for neurons that count for a frame; leave it out, or use emission=",
        ),
        ({"remainder": "keep"}, 'remainder=\'keep\' is .*, or use emission="spread" or emission="burst"'),
        ({"cap": 3}, "cap=3 is for neurons that count for a frame; leave it out"),
        ({"emission": "late"}, "emission='late' is unknown; choose from at_once, spread, burst"),
        (
            {"emission": "spread", "cap": 5, "ticks_per_frame": 4},
            "cap=5 single spikes do not fit into the ticks_per_frame=4 of a frame; use at most 4, more ticks, or "
            'emission="burst"',
        ),
    ],
)
def test_what_only_neurons_that_count_have_is_refused_of_others_and_as_more_than_fits(options, words):
    with pytest.raises(ValueError, match=words):
        IF(**options)


def test_what_fits_is_allowed_and_a_remainder_is_dropped_where_none_is_named():
    assert counting("spread", cap=4) == counting("spread", "drop", cap=4)
    assert counting("burst", cap=127).remainder == "drop"
    assert IF().remainder is None
    for neuron in (counting("spread", "keep", cap=2), counting("burst")):
        assert eval(repr(neuron), vars(wb)) == neuron
        assert hash(dataclasses.replace(neuron)) == hash(neuron)
        assert dataclasses.replace(neuron) == neuron
        assert neuron.without_floor().emission == neuron.emission
        assert neuron.rounded(4) == neuron


@pytest.mark.parametrize("delay", [0, 1, 3, 5, 6])
def test_an_edge_out_of_a_neuron_that_counts_takes_whole_frames(delay):
    edges = [wb.Edge("eye", "v1", wb.Dense(3), 1), wb.Edge("v1", "hand", wb.Dense(2), delay)]
    network, words = wb.Network({"eye": (2,)}, edges), (
        rf"edge v1 -> hand takes {delay} ticks, and 'v1' counts its spikes for a frame of 4 .* so it needs whole "
        r'frames: at least 4, a multiple of 4; train the streaming network \(network.streaming\(\)\) and convert with '
        r'delays="matched" or "frame", or use emission="at_once"'
    )  # fmt: skip
    for given in ({"neuron": counting("burst")}, {"neuron": IF(), "neurons": {"v1": counting("spread")}}):
        with pytest.raises(ValueError, match=words):
            wb.Model(network, norm=None, **given)
    wb.Model(network, norm=None, neuron=IF(ticks_per_frame=4))


@pytest.mark.parametrize("delay", [4, 8])
def test_an_edge_of_whole_frames_is_shorter_by_the_time_the_neuron_takes(delay):
    edges = [wb.Edge("eye", "v1", wb.Dense(3), 1), wb.Edge("v1", "hand", wb.Dense(2), delay)]
    model = wb.Model(wb.Network({"eye": (2,)}, edges), norm=None, neuron=counting("spread"))
    assert model.latencies == {"v1": 3}
    assert [model.executed_delay(position) for position in range(2)] == [1, delay - 3]
