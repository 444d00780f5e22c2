"""The compiled scan: exactly the torch scan in every layout, and torch where it cannot be."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.random_neurons import some_drive, some_neuron
from workbench.engine.kernels import neuron_scan


@pytest.mark.parametrize("seed", range(300))
def test_the_compiled_scan_is_the_torch_scan_bit_for_bit(seed):
    rng = np.random.default_rng(seed)
    neuron, drive = some_neuron(rng), some_drive(rng, dyadic=seed % 2 == 0, channels_last=seed % 3 == 0)
    before, membrane, plain, elapsed = drive.clone(), None, None, int(rng.integers(0, 9))
    for block in drive.split([5, 1, 8]):
        known = None if membrane is None else membrane.clone()
        spikes, after = neuron.scan(block, membrane, elapsed)
        expected, plain = neuron.scan_plainly(block, plain, elapsed)
        assert torch.equal(spikes, expected)
        assert torch.equal(after, plain)
        assert spikes.stride() == block.stride()
        assert membrane is None or torch.equal(membrane, known)  # the state handed in is left alone
        membrane, elapsed = after, elapsed + len(block)
    assert torch.equal(drive, before)


@pytest.mark.parametrize("seed", range(60))
def test_it_writes_over_the_drive_and_adds_the_bias_on_the_way(seed):
    rng = np.random.default_rng(seed)
    neuron, drive = some_neuron(rng), some_drive(rng, dyadic=seed % 2 == 0, channels_last=seed % 3 == 0)
    bias, extra_biases = torch.randn(4), torch.tensor(rng.integers(-1, 5, len(drive)), dtype=torch.float32)
    wide = bias.view(-1, 1, 1)
    expected, left = neuron.scan_plainly((drive + wide) + extra_biases.view(-1, 1, 1, 1, 1) * wide, None, 3)
    spikes, membrane = neuron_scan.scan_in_place(neuron.dynamics, drive, None, 3, bias, extra_biases)
    assert torch.equal(spikes, expected)
    assert torch.equal(membrane, left)
    assert spikes.data_ptr() == drive.data_ptr()


@pytest.mark.parametrize("shape", [(6, 2), (6, 2, 5), (6, 0, 5), (1, 1, 1), (3, 2, 7, 1, 3)])
@pytest.mark.parametrize(
    "neuron",
    [
        wb.IntegrateAndFire(),
        wb.IntegrateAndFire(burst=3, signed=True),
        wb.IntegrateAndFire(emission="spread", ticks_per_frame=3, remainder="keep"),
        wb.IntegrateAndFire(emission="burst", ticks_per_frame=2),
    ],
)
def test_any_shape_and_any_layout_will_do(neuron, shape):
    drive = torch.randn(*shape[:1], 2 * shape[1], *shape[2:], generator=torch.Generator().manual_seed(0))
    for given in (drive, drive[:, ::2], drive.transpose(0, 1).contiguous().transpose(0, 1)):
        spikes, membrane = neuron.scan(given, None, 0)
        expected, left = neuron.scan_plainly(given, None, 0)
        assert torch.equal(spikes, expected)
        assert torch.equal(membrane, left)


def test_threads_may_scan_at_the_same_time():
    neuron = wb.IntegrateAndFire()
    drives = [some_drive(np.random.default_rng(seed), dyadic=False) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda drive: neuron.scan(drive, None, 0)[0], drives))
    assert all(map(torch.equal, found, [neuron.scan_plainly(drive, None, 0)[0] for drive in drives]))


def test_what_the_compiled_scan_cannot_take_is_left_to_torch():
    drive = torch.ones(2, 1, 3)
    assert neuron_scan.can_compile(drive, None)
    assert not neuron_scan.can_compile(drive.double(), None)
    assert not neuron_scan.can_compile(drive.clone().requires_grad_(), None)
    assert not neuron_scan.can_compile(drive, torch.zeros(1, 3, requires_grad=True))
    assert not neuron_scan.can_compile(drive.to("meta"), None)
