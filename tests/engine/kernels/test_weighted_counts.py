"""What active units weigh: by torch and compiled, in every layout, with spikes of either sign."""

import numpy as np
import pytest
import torch

from workbench.engine.kernels import weighted_counts
from workbench.engine.kernels.weighted_counts import count_weighted


@pytest.mark.parametrize("seed", range(40))
def test_it_is_the_sum_over_units_one_by_one(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    shape = [(7,), (3, 4, 5), (70, 1, 2)][seed % 3]
    values = torch.tensor(rng.choice([0.0, -0.0, 1.0, 2.0, -1.0], (4, 3, *shape)), dtype=torch.float32)
    if len(shape) == 3 and seed % 2:
        values = values.movedim(2, -1).contiguous().movedim(-1, 2)
    weights = torch.tensor(rng.integers(0, 2**40, (values[0, 0].numel(), seed % 4)), dtype=torch.float64)
    for spikes in (True, False):
        counted = values.abs() if spikes else (values != 0).float()
        expected = counted.flatten(2).double() @ weights
        assert torch.equal(count_weighted(values, weights, spikes), expected)
        with monkeypatch.context() as patch:
            patch.setattr(weighted_counts, "find_kernel", lambda *_: None)
            assert torch.equal(count_weighted(values, weights, spikes), expected)


def test_other_numbers_are_weighed_by_torch():
    values = torch.tensor([[[0.5, 0.0]]], dtype=torch.float64)
    assert count_weighted(values, torch.tensor([[2.0], [4.0]], dtype=torch.float64), True).item() == 1.0
