"""The largest number of an input and whether all are whole: compiled or not, the same."""

import numpy as np
import pytest
import torch

from workbench.engine import find_count_range
from workbench.engine.kernels import count_range


@pytest.mark.parametrize("seed", range(60))
def test_the_range_is_that_of_numpy_compiled_or_not(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    numbers = rng.integers(-50, 90, int(rng.integers(1, 3000))).astype(np.float32)
    if seed % 3 == 0:  # one of them is no whole number, by little or by much
        numbers[rng.integers(len(numbers))] += rng.choice([0.5, 2.0**-18])
    expected = float(np.abs(numbers).max()), bool((numbers == numbers.round()).all())
    given = torch.from_numpy(numbers)
    assert find_count_range(given) == expected
    assert find_count_range(given.double()) == expected
    assert find_count_range(given.repeat(2, 1).T) == expected
    monkeypatch.setattr(count_range, "find_kernel", lambda *names: None)
    assert find_count_range(given) == expected


def test_an_empty_input_holds_nothing():
    assert find_count_range(torch.zeros(0, 3)) == (0.0, True)
