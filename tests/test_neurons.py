"""Neurons: trajectories by hand, what a spike takes from the membrane, and scans in any cut."""

import dataclasses

import pytest
import torch

import workbench as wb
from workbench.exchange import NEURONS

IF = wb.IntegrateAndFire
DRIVE = [0.25, 0.5, 1.75, -3.0, 0.5, 2.5, 0.0, 0.0]


def scan(neuron, drive, membrane=None, age=0):
    """Spikes of a single neuron as a list, and its membrane after the last step."""
    spikes, left = neuron.scan(torch.tensor(drive).unsqueeze(1), membrane, age)
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
    pieces, membrane, age = [], None, 0
    while age < len(drive):
        known = None if membrane is None else membrane.clone()
        spikes, after = neuron.scan(drive[age : age + sizes[0]], membrane, age)
        assert membrane is None or torch.equal(membrane, known)  # the state handed in is left alone
        pieces, membrane, age = [*pieces, spikes], after, age + sizes.pop(0)
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
    assert neuron.spiking == (kind is IF)
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
