"""The observed scan: what the neuron's own scans and sums give, of every kind of neuron, layout and cut."""

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.random_neurons import some_drive, some_neuron
from workbench.engine import SpikingNeuron
from workbench.engine.kernels import compilation


@pytest.mark.parametrize("seed", range(120))
def test_the_compiled_observation_is_that_of_plain_scans(seed):
    rng = np.random.default_rng(seed)
    neuron, drive = some_neuron(rng), some_drive(rng, dyadic=True, channels_last=seed % 3 == 0)
    before, elapsed = drive.clone(), int(rng.integers(0, 9))
    membrane = unbound = plain_membrane = plain_unbound = None
    for block in drive.split([5, 1, 8]):
        found = neuron.observe(block, membrane, unbound, elapsed)
        expected = SpikingNeuron.observe(neuron, block, plain_membrane, plain_unbound, elapsed)
        assert found.held == expected.held
        for ours, theirs in zip(found[:6], expected[:6], strict=True):
            assert torch.equal(ours, theirs)
        membrane, unbound, elapsed = found.membrane, found.unbound, elapsed + len(block)
        plain_membrane, plain_unbound = expected.membrane, expected.unbound
    assert torch.equal(drive, before)


@pytest.mark.parametrize("kind", [torch.float64, torch.float32])
def test_without_a_kernel_torch_does_it(kind, monkeypatch):
    monkeypatch.setattr(compilation, "_found", dict.fromkeys(compilation._found))  # as if nothing could be compiled
    neuron, drive = wb.IntegrateAndFire(floor=-0.5), torch.tensor([[[-3.0, 0.75]], [[2.0, 0.75]]], dtype=kind)
    found = neuron.observe(drive, None, None, 0)
    assert found.spike_sum.tolist() == [[1.0, 2.0]]
    assert found.unbound_sum.tolist() == [[0.0, 2.0]]
    assert found.drive_sum.tolist() == [[-1.0, 1.5]]
    assert found.held == 1
