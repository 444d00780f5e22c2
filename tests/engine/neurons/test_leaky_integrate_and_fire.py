"""The neuron that leaks: written by hand, in plain integers, in any cut, and what it passes back to what drove it."""

import dataclasses

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.plain_neurons import plain_scan
from tests.support.random_neurons import some_leaky

LIF = wb.LeakyIntegrateAndFire


def scan(neuron: LIF, drive: list[float]) -> tuple[list[float], float]:
    spikes, left = neuron.scan(torch.tensor(drive).unsqueeze(1), None, 0)
    return spikes.flatten().tolist(), left.item()


@pytest.mark.parametrize(
    ("neuron", "drive", "spikes", "membrane"),
    [
        # v: .5  .25+.5  .375+.75 > .125  .0625
        (LIF(leak=1), [0.5, 0.5, 0.75, 0.0], [0, 0, 1, 0], 0.0625),
        # the same and 0 after the spike
        (LIF(leak=1, reset="zero"), [0.5, 0.5, 0.75, 0.0], [0, 0, 1, 0], 0.0),
        # a start leaks before the first drive: .25+.75 reaches the threshold
        (LIF(leak=1, start=0.5), [0.75], [1], 0.0),
        # sixteenths: 8  8-2  6-1  5-1  4-1  3
        (LIF(leak=2, resolution=4), [0.5, 0, 0, 0, 0, 0], [0] * 6, 3 / 16),
        # sixteenths, rounded down: -8  -8+2  -6+2  -4+1  -3+1  -2+1  -1+1  0
        (LIF(leak=2, resolution=4), [-0.5, 0, 0, 0, 0, 0, 0, 0], [0] * 8, 0.0),
        (LIF(leak=2, resolution=4), [-0.5, 0, 0, 0], [0] * 4, -3 / 16),
        # held after the drive at 1.5, at -1 when it leaks to -.5 and is driven by -3
        (LIF(leak=1, saturation=1.5), [9.0, 0.0], [1, 0], 0.25),
        (LIF(leak=1), [-3.0, -3.0], [0, 0], -1.0),
    ],
    ids=repr,
)
def test_a_membrane_written_by_hand(neuron, drive, spikes, membrane):
    assert scan(neuron, drive) == (spikes, membrane)


def shift_integers(neuron: LIF, bits: int, drive: list[int]) -> tuple[list[int], list[int]]:
    """The update in integers alone, V - (V >> k), and what Python knows of them; spikes and membranes."""
    unit = 1 << bits
    least, most = round(neuron.floor * unit), round(neuron.saturation * unit)
    v, spikes, membranes = round(neuron.start * unit), [], []
    for now in drive:
        v = min(max(v - (v >> neuron.leak) + now, least), most)
        spikes.append(int(v >= unit))
        v = (v - unit if neuron.reset == "subtract" else 0) if spikes[-1] else v
        membranes.append(v)
    return spikes, membranes


@pytest.mark.parametrize("seed", range(60))
def test_on_a_grid_it_is_the_shift_of_integers(seed):
    rng = np.random.default_rng(seed)
    bits = int(rng.integers(1, 20))
    neuron = some_leaky(rng, threshold=1.0, floor=float(rng.choice([0.0, -1.0, -2.7])), start=-0.0, saturation=3.0)
    neuron = dataclasses.replace(neuron, leak=int(rng.integers(1, 24))).rounded(bits)
    assert neuron.is_on_grid(bits)
    assert neuron.resolution == bits
    drive = rng.integers(-(1 << bits), (1 << bits) + 1, 80)
    expected, membranes = shift_integers(neuron, bits, drive.tolist())
    given, found, state = torch.tensor(drive / 2.0**bits, dtype=torch.float32).view(-1, 1, 1), [], None
    for tick, now in enumerate(given):
        spikes, state = neuron.scan(now.unsqueeze(0), state, tick)
        found.append((int(spikes), float(state) * 2.0**bits))
    assert found == list(zip(expected, membranes, strict=True))
    for kind in (torch.float32, torch.float64):
        assert neuron.scan_plainly(given.to(kind), None, 0)[0].flatten().tolist() == expected


@pytest.mark.parametrize("seed", range(40))
def test_it_is_the_plain_loop_and_its_scan_in_any_cut_is_that_of_the_whole(seed):
    rng = np.random.default_rng(seed)
    neuron = some_leaky(rng, threshold=float(rng.choice([1.0, 0.5])), start=0.25, floor=-0.5)
    drive = torch.tensor(rng.integers(-40, 60, (24, 2, 3)) / 32)
    spikes, left = neuron.scan(drive, None, 0)
    expected, membrane = plain_scan(neuron, drive)
    assert torch.equal(spikes, expected)
    assert torch.equal(left, membrane)
    pieces, state, elapsed = [], None, 0
    for size in (1, 4, 2, 9, 8):
        piece, state = neuron.scan(drive[elapsed : elapsed + size], state, elapsed)
        pieces, elapsed = [*pieces, piece], elapsed + size
    assert torch.equal(torch.cat(pieces), spikes)
    assert torch.equal(state, left)


def test_without_drive_it_falls_to_its_eth_part_in_about_two_to_the_k_ticks():
    for leak in (3, 5, 7):
        _, left = LIF(leak=leak).scan(torch.tensor([0.9, *[0.0] * 2**leak]).view(-1, 1), None, 0)
        assert left.item() / 0.9 == pytest.approx(np.exp(-1), rel=0.1)


def learn_plainly(neuron: LIF, drive: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The gradient at the drives of the weighted spikes, by the chain rule, tick by tick and in numbers alone.

    dv/du = 1 - 2^-k, du/d(drive) = 1 within the limits; ds/dv is the triangle around the threshold.
    """
    keep, (levels, fired) = 1 - 2.0**-neuron.leak, ([], [])
    v = neuron.start * neuron.threshold
    for now in drive.tolist():
        v = v - (v * 2.0**-neuron.leak) + now
        levels.append(v)
        fired.append(float(v >= neuron.threshold))
        v = v - fired[-1] * neuron.threshold if neuron.reset == "subtract" else v * (fired[-1] == 0)
    back, found = 0.0, []
    for level, spike, weight in reversed(list(zip(levels, fired, weights.tolist(), strict=True))):
        slope = max(0.0, 1 - abs(level / neuron.threshold - 1)) / neuron.threshold
        kept = 1 - slope * neuron.threshold if neuron.reset == "subtract" else float(spike == 0)
        at_level = weight * slope + back * kept
        found.append(at_level)
        back = at_level * keep
    return torch.tensor(found[::-1], dtype=torch.float64)


@pytest.mark.parametrize("seed", range(30))
def test_gradients_are_those_of_the_chain_rule(seed):
    rng = np.random.default_rng(seed)
    neuron = some_leaky(rng, floor=None, saturation=None, resolution=None)
    drive = torch.tensor(rng.normal(0.3, 0.6, 20), requires_grad=True)
    weights = torch.tensor(rng.normal(0, 1, 20))
    spikes, _ = neuron.scan(drive.view(-1, 1), None, 0)
    (found,) = torch.autograd.grad((spikes.flatten() * weights).sum(), drive)
    assert torch.allclose(found, learn_plainly(neuron, drive.detach(), weights), atol=1e-12)
    assert found.any()


def test_on_a_grid_the_gradient_is_that_of_the_share_and_the_spikes_stay_those_of_the_grid():
    neuron = LIF(leak=2, resolution=4, floor=None)  # below 0, where no spike is at stake
    drive = torch.tensor([[-0.5], [-0.25], [-0.25]], requires_grad=True)
    _, left = neuron.scan(drive, None, 0)
    (found,) = torch.autograd.grad(left.sum(), drive)
    assert torch.equal(left.detach(), neuron.scan(drive.detach(), None, 0)[1])
    assert found.flatten().tolist() == [0.75**2, 0.75, 1.0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"leak": 0}, "leak=0 must be a whole number"),
        ({"leak": 24}, "leak=24 must be a whole number from 1 to 23"),
        ({"leak": 0.5}, r"leak=0\.5 must be a whole number"),
        ({"resolution": -1}, "resolution=-1 must be a whole number from 0 to 23"),
        ({"threshold": 0.0}, r"threshold=0\.0 must be positive"),
        ({"start": 1.0}, r"start=1\.0 is in units of the threshold"),
        ({"floor": 0.5}, r"floor=0\.5 must lie at or below 0"),
        ({"reset": "hard"}, "reset='hard' is unknown; choose from subtract, zero"),
        ({"saturation": 0.5}, r"saturation=0\.5 must be at least burst=1"),
    ],
)
def test_options_that_make_no_neuron_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        LIF(**options)


def test_only_with_a_resolution_and_limits_it_lies_on_a_grid():
    assert not LIF(saturation=8.0).is_on_grid(10)
    assert LIF(saturation=8.0, resolution=10).is_on_grid(10)
    assert not LIF(saturation=8.0, resolution=10).is_on_grid(11)
    assert not LIF(resolution=10).is_on_grid(10)
    assert not LIF(threshold=0.5, saturation=8.0).rounded(10).is_on_grid(10)
