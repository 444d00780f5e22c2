"""Whole numbers of spikes, and the gradient by which they are learned."""

import math

import pytest
import torch

from workbench.engine.neurons.surrogate import Surrogate, whole_spikes

LEVELS = torch.linspace(-3, 9, 97, dtype=torch.float64)  # multiples of 1/8, so that thresholds are met exactly


@pytest.mark.parametrize(("burst", "taken"), [(1, 0.0), (3, 0.0), (3, 2.0), (3, 7.0)])
def test_spikes_are_clipped_whole_numbers_with_the_gradient_of_a_triangle(burst, taken):
    level, low = LEVELS.clone().requires_grad_(), -min(taken, burst)
    spikes = Surrogate.apply(level, torch.full_like(level, low), burst)
    assert spikes.tolist() == [min(max(math.floor(v), low), burst) for v in LEVELS.tolist()]
    assert torch.equal(spikes.detach(), whole_spikes(LEVELS, torch.full_like(LEVELS, low), burst))
    (gradient,) = torch.autograd.grad(spikes.sum(), level)
    expected = [max(0.0, 1 - max(low + 1 - v, 0.0, v - burst)) for v in LEVELS.tolist()]
    torch.testing.assert_close(gradient, torch.tensor(expected, dtype=torch.float64))


def test_a_least_of_one_number_is_that_of_all_and_nothing_is_written_over():
    before = LEVELS.clone()
    assert torch.equal(whole_spikes(LEVELS, 0, 4), whole_spikes(LEVELS, torch.zeros_like(LEVELS), 4))
    assert torch.equal(LEVELS, before)
