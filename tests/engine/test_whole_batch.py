"""Norms of which several hold a part of the batch each: moments and gradients are those of the whole batch."""

import threading

import pytest
import torch
from torch.nn.functional import batch_norm

from tests.support.many_threads import run_at_once
from workbench.engine import Norm, find_gather, find_mean_square, sharing_batch

COUNTS = (3, 1, 4)  # recordings of each part


class Parts:
    """Threads that stand for processes: each gives a tensor, and gets those of all."""

    def __init__(self, size):
        self.size, self.given, self.barrier = size, {}, threading.Barrier(size, timeout=20)

    def gather_of(self, rank):
        def gather(values):
            self.given[rank] = values.detach().clone()
            self.barrier.wait()
            found = torch.stack([self.given[place] for place in range(self.size)])
            self.barrier.wait()
            return found

        return gather

    def run(self, work):
        ranks, found = iter(range(self.size)), {}
        lock = threading.Lock()

        def one():
            with lock:
                rank = next(ranks)
            with sharing_batch(self.gather_of(rank)):
                found[rank] = work(rank)

        run_at_once(one, self.size)
        return [found[rank] for rank in range(self.size)]


def some_norm(on_cycle=False, runs=0):
    norm = Norm("v1", (5,), on_cycle).double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for values in (norm.gain, norm.bias, norm.mean):
            values.copy_(torch.randn(5, generator=generator, dtype=torch.float64))
        norm.variance.copy_(torch.rand(5, generator=generator, dtype=torch.float64) + 0.5)
        norm.runs.fill_(runs)
    return norm


def some_batch():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(sum(COUNTS), 5, 6, 6, generator=generator, dtype=torch.float64) * 3 + 2
    return x, torch.randn(x.shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(("on_cycle", "runs"), [(False, 0), (False, 3), (True, 0), (True, 3)])
def test_parts_are_normalised_as_the_whole_and_learn_the_same(on_cycle, runs):
    x, upstream = some_batch()
    whole, norm = x.clone().requires_grad_(), some_norm(on_cycle, runs)
    expected = norm(whole)
    expected.backward(upstream)
    norm.update()

    def learn(rank):
        own, mine = x.split(COUNTS)[rank].clone().requires_grad_(), some_norm(on_cycle, runs)
        y = mine(own)
        y.backward(upstream.split(COUNTS)[rank])
        mine.update()
        return y.detach(), own.grad, mine

    found = Parts(len(COUNTS)).run(learn)
    close = {"rtol": 0, "atol": 1e-11}
    torch.testing.assert_close(torch.cat([y for y, _, _ in found]), expected.detach(), **close)
    torch.testing.assert_close(torch.cat([gradient for _, gradient, _ in found]), whole.grad, **close)
    for name in ("gain", "bias"):
        summed = sum(getattr(mine, name).grad for _, _, mine in found)
        torch.testing.assert_close(summed, getattr(norm, name).grad, **close)
    for _, _, mine in found:
        torch.testing.assert_close(mine.mean, norm.mean, **close)
        torch.testing.assert_close(mine.variance, norm.variance, **close)
        assert mine.runs == norm.runs


def test_the_whole_batch_is_that_of_torch():
    x, _ = some_batch()
    norm = some_norm()
    found = Parts(len(COUNTS)).run(lambda rank: norm(x.split(COUNTS)[rank]).detach())
    expected = batch_norm(x, None, None, norm.gain, norm.bias, training=True)
    torch.testing.assert_close(torch.cat(found), expected.detach(), rtol=0, atol=1e-11)


def test_one_number_a_channel_is_enough_where_others_have_more_and_refused_where_none_has():
    x = torch.randn(2, 5, dtype=torch.float64)
    norm = some_norm()
    found = Parts(2).run(lambda rank: norm(x[rank : rank + 1]).detach())
    torch.testing.assert_close(torch.cat(found), some_norm()(x).detach(), rtol=0, atol=1e-11)
    with pytest.raises(
        ValueError, match="node 'v1': batch norm cannot estimate a variance from one number per channel"
    ):
        Parts(1).run(lambda rank: norm(x[:1]))


def test_the_mean_square_is_that_of_all_parts():
    x, _ = some_batch()
    found = Parts(len(COUNTS)).run(lambda rank: float(find_mean_square(x.split(COUNTS)[rank])))
    assert found == pytest.approx([float(x.square().mean())] * len(COUNTS), rel=1e-14)


def test_other_threads_and_what_comes_after_know_nothing_of_it():
    seen = []
    with sharing_batch(lambda values: values[None]):
        assert find_gather() is not None
        run_at_once(lambda: seen.append(find_gather()), 1)
    assert seen == [None]
    assert find_gather() is None


def test_in_bfloat16_parts_are_rounded_as_the_whole_is():
    x, upstream = (values.bfloat16() for values in some_batch())
    norm = some_norm().float()
    whole = x.clone().requires_grad_()
    expected = norm(whole)
    expected.backward(upstream)

    def learn(rank):
        own, mine = x.split(COUNTS)[rank].clone().requires_grad_(), some_norm().float()
        y = mine(own)
        y.backward(upstream.split(COUNTS)[rank])
        return y.detach(), own.grad

    found = Parts(len(COUNTS)).run(learn)
    for place, theirs in ((0, expected.detach()), (1, whole.grad)):
        ours = torch.cat([one[place] for one in found])
        assert ours.dtype == theirs.dtype == torch.bfloat16
        torch.testing.assert_close(ours.float(), theirs.float(), rtol=0, atol=0.02 * float(theirs.abs().max()))
