"""Spike trains: the same from dense and sparse activity of any dtype, and binned without losing a spike."""

import numpy as np
import pytest
import torch

from workbench.analysis import spike_trains as sparse
from workbench.analysis.spike_trains import (
    SpikeTrain,
    are_counts,
    bin_spikes,
    choose_recording,
    count_between,
    gather_spikes,
)


def random_activity(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 30)), int(rng.integers(1, 4)), *rng.integers(1, 6, int(rng.integers(1, 4))))
    return rng.poisson(rng.choice([0.02, 0.3, 2.0]), shape)


def spread(train: SpikeTrain) -> np.ndarray:
    """The train as a dense array again, (step, unit)."""
    dense = np.zeros((train.length, train.width), dtype=np.int64)
    np.add.at(dense, (train.steps, train.units), train.counts)
    return dense


def brute_force(dense: np.ndarray, begin: int, end: int, low: int, high: int, columns: int, rows: int) -> np.ndarray:
    pixels = np.zeros((rows, columns), dtype=np.int64)
    for step in range(begin, end):
        for unit in range(low, high):
            row, column = (unit - low) * rows // (high - low), (step - begin) * columns // (end - begin)
            pixels[row, column] += dense[step, unit]
    return pixels


@pytest.mark.parametrize("seed", range(50))
def test_dense_and_sparse_activity_of_every_dtype_give_the_same_train(seed: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sparse, "CHUNK", 7 if seed % 2 else sparse.CHUNK)
    values = random_activity(seed)
    recording = seed % values.shape[1]
    expected = values[:, recording].reshape(len(values), -1)
    tensor = torch.tensor(values)
    forms = [values.astype(kind) for kind in ("uint8", "int64", "float32", "float16")]
    forms += [
        tensor.bfloat16(),
        tensor.float().requires_grad_(),
        tensor.to_sparse(),
        tensor.float().to_sparse(),
        tensor.bfloat16().to_sparse(),
    ]
    forms += [np.asfortranarray(values), values.tolist()]
    for form in forms:
        train = gather_spikes(form, recording)
        np.testing.assert_array_equal(spread(train), expected)
        assert (np.diff(train.steps) >= 0).all()
        assert (train.counts > 0).all()
        assert {train.steps.dtype, train.units.dtype, train.counts.dtype} == {np.dtype(np.int32)}
        assert train.total == expected.sum()
    for form in (values > 0, tensor > 0, (tensor > 0).to_sparse()):
        np.testing.assert_array_equal(spread(gather_spikes(form, recording)), expected > 0)


def test_sparse_entries_may_come_in_any_order_and_more_than_once():
    where = torch.tensor([[3, 0, 3, 1], [0, 0, 0, 1], [1, 2, 1, 0]])
    tensor = torch.sparse_coo_tensor(where, torch.tensor([1.0, 2.0, 1.0, 5.0]), (4, 2, 3), check_invariants=True)
    train = gather_spikes(tensor)
    assert (train.steps.tolist(), train.units.tolist(), train.counts.tolist()) == ([0, 3], [2, 1], [2, 2])
    assert gather_spikes(tensor, 1).counts.tolist() == [5]


@pytest.mark.parametrize("seed", range(50))
def test_bins_equal_brute_force_and_none_is_lost(seed: int):
    rng = np.random.default_rng([seed, 1])
    train = gather_spikes(random_activity(seed))
    dense = spread(train)
    for _ in range(4):
        begin, low = int(rng.integers(train.length)), int(rng.integers(train.width))
        end, high = int(rng.integers(begin, train.length)) + 1, int(rng.integers(low, train.width)) + 1
        columns, rows = (int(size) for size in rng.integers(1, 12, 2))
        part = (begin, end, low, high)
        pixels = bin_spikes(train, *part, columns, rows)
        np.testing.assert_array_equal(pixels, brute_force(dense, *part, columns, rows))
        assert pixels.sum() == count_between(train, *part) == dense[begin:end, low:high].sum()


def test_nothing_is_counted_beyond_the_train():
    train = gather_spikes(np.ones((3, 1, 2)))
    assert count_between(train, -5, 50, -1, 9) == 6
    assert count_between(train, 2, 1, 0, 2) == 0
    assert bin_spikes(train, -3, 6, 0, 2, columns=3, rows=1).tolist() == [[0, 6, 0]]
    assert gather_spikes(np.zeros((0, 1, 2))).total == 0
    assert gather_spikes(torch.zeros(4, 1, 2).to_sparse()).total == 0


def test_what_can_be_counted():
    assert are_counts(np.array([[0.0, 3.0]]))
    assert are_counts(np.zeros((3, 0)))
    assert not are_counts(np.array([[-1]]))
    assert not are_counts(np.array([[np.nan]]))


def test_a_dense_recording_is_not_copied():
    values = np.zeros((5, 2, 3), dtype=np.uint8)
    assert np.shares_memory(choose_recording(values, 1), values)


def test_mistakes_are_refused_with_a_cure():
    with pytest.raises(ValueError, match=r"'v1' has shape \(3, 2\); expected \(step, batch, \*shape\)"):
        gather_spikes(np.ones((3, 2)), name="v1")
    with pytest.raises(ValueError, match="recording=-1 is not among the 2 of 'v1'; count from 0"):
        gather_spikes(torch.ones(3, 2, 1).to_sparse(), -1, name="v1")
    for form in (np.full((2, 1, 1), 0.5), torch.full((2, 1, 1), -1.0).to_sparse()):
        with pytest.raises(ValueError, match="negative or fractional values; spikes are counted in whole numbers"):
            gather_spikes(form)
    with pytest.raises(ValueError, match=r"sparse in every axis: \.to_sparse\(\)"):
        gather_spikes(torch.ones(3, 2, 1).to_sparse(2))
    with pytest.raises(ValueError, match="hold nothing; give at least one of each"):
        bin_spikes(gather_spikes(np.ones((3, 1, 2))), 1, 1, 0, 2, columns=2, rows=2)
