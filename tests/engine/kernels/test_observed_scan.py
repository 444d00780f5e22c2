"""The observed scan: what the neuron's own scans and sums give, of every kind of neuron, layout and cut.

Of neurons that count for a frame the spikes that are summed are those counted, whenever they are sent.
"""

import numpy as np
import pytest
import torch
from torch import Tensor

import workbench as wb
from tests.support.random_neurons import SpikingNeuron, some_drive, some_integrating, some_neuron
from workbench.engine.kernels import compilation
from workbench.engine.kernels.observed_scan import Observation


def observe_plainly(
    neuron: SpikingNeuron, drive: Tensor, membrane: Tensor | None, unbound: Tensor | None, elapsed: int
) -> Observation:
    """What is observed, by plain scans with a floor and without one."""
    free = neuron.without_floor()
    spikes, after = neuron.scan_plainly(drive, membrane, elapsed)
    _, without = free.scan_plainly(drive, unbound, elapsed)
    sums = [sum_spikes(neuron, drive, membrane, elapsed), sum_spikes(free, drive, unbound, elapsed)]
    held = neuron.count_at_floor(drive, membrane, elapsed)
    return Observation(spikes, after, without, drive.sum(0), *sums, held)


def sum_spikes(neuron: SpikingNeuron, drive: Tensor, membrane: Tensor | None, elapsed: int) -> Tensor:
    """All that is sent in these steps, or counted in those at which frames end, as the state then says."""
    total = torch.zeros_like(drive[0])
    for tick, now in enumerate(drive, elapsed):
        (spikes,), membrane = neuron.scan_plainly(now.unsqueeze(0), membrane, tick)
        if not neuron.dynamics.counts_frames:
            total += spikes
        elif tick % neuron.dynamics.frame == neuron.dynamics.frame - 1:
            total += membrane[1]
    return total


def assert_observed(neuron: SpikingNeuron, drive: Tensor, elapsed: int, sizes: list[int]) -> None:
    """What is observed is what plain scans give, in this cut."""
    membrane = unbound = plain_membrane = plain_unbound = None
    for block in drive.split(sizes):
        found = neuron.observe(block, membrane, unbound, elapsed)
        expected = observe_plainly(neuron, block, plain_membrane, plain_unbound, elapsed)
        assert found.held == expected.held
        for name, ours, theirs in zip(Observation._fields, found[:6], expected[:6], strict=False):
            assert torch.equal(ours, theirs), name
        membrane, unbound, elapsed = found.membrane, found.unbound, elapsed + len(block)
        plain_membrane, plain_unbound = expected.membrane, expected.unbound


@pytest.mark.parametrize("seed", range(200))
def test_the_compiled_observation_is_that_of_plain_scans(seed):
    rng = np.random.default_rng(seed)
    neuron, drive = some_neuron(rng), some_drive(rng, dyadic=True, channels_last=seed % 3 == 0)
    before, elapsed = drive.clone(), int(rng.integers(0, 9))
    assert_observed(neuron, drive, elapsed, [5, 1, 8])
    assert torch.equal(drive, before)


@pytest.mark.parametrize("seed", range(40))
def test_without_a_kernel_torch_observes_the_same(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    neuron, drive = some_neuron(rng), some_drive(rng, dyadic=True)[:, :1, :, :2, :2]
    elapsed = int(rng.integers(0, 9))
    assert_observed(neuron, drive.double(), elapsed, [5, 1, 8])
    monkeypatch.setattr(compilation, "_found", dict.fromkeys(compilation._found))  # as if nothing could be compiled
    assert_observed(neuron, drive, elapsed, [5, 1, 8])


@pytest.mark.parametrize("seed", range(60))
def test_floors_and_saturations_of_neurons_that_count_hold_what_they_keep(seed):
    rng = np.random.default_rng(seed)
    known = {"emission": ["spread", "burst"][seed % 2], "remainder": "keep", "cap": None} | {
        "reset": "subtract", "membrane": "carry", "burst": 1, "signed": False, "saturation": [None, 1.5][seed // 2 % 2]
    }  # fmt: skip
    neuron, drive = some_integrating(rng, **known), some_drive(rng, dyadic=True)
    assert_observed(neuron, drive, int(rng.integers(0, 9)), [3, 7, 4])


@pytest.mark.parametrize("kind", [torch.float64, torch.float32])
def test_without_a_kernel_torch_does_it(kind, monkeypatch):
    monkeypatch.setattr(compilation, "_found", dict.fromkeys(compilation._found))
    neuron, drive = wb.IntegrateAndFire(floor=-0.5), torch.tensor([[[-3.0, 0.75]], [[2.0, 0.75]]], dtype=kind)
    found = neuron.observe(drive, None, None, 0)
    assert found.spike_sum.tolist() == [[1.0, 2.0]]
    assert found.unbound_sum.tolist() == [[0.0, 2.0]]
    assert found.drive_sum.tolist() == [[-1.0, 1.5]]
    assert found.held == 1


@pytest.mark.parametrize("kind", [torch.float64, torch.float32])
def test_a_neuron_that_counts_written_by_hand(kind):
    """One unit counts 2 of 2.25 and one none of -3, twice; half of the spikes are sent when the last tick is over."""
    neuron = wb.IntegrateAndFire(start=0.25, floor=-0.5, emission="spread", remainder="keep", ticks_per_frame=2)
    drive = torch.tensor([[[1.0, -3.0]], [[1.0, 0.0]]] * 2, dtype=kind)
    found = neuron.observe(drive, None, None, 0)
    assert found.spikes[:, 0].T.tolist() == [[0, 1, 1, 1], [0, 0, 0, 0]]
    assert found.spike_sum.tolist() == [[4.0, 0.0]]
    assert found.unbound_sum.tolist() == [[4.0, 0.0]]
    assert found.drive_sum.tolist() == [[4.0, -6.0]]
    assert found.membrane[0].tolist() == [[0.25, -0.5]]
    assert found.unbound[0].tolist() == [[0.25, -5.75]]
    assert found.held == 2
