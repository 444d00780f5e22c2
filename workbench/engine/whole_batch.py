"""Batches that several processes compute a part of each: statistics are those of the whole batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import batch_norm

Gather = Callable[[Tensor], Tensor]
"""From a tensor of every process to all of them, (processes, *shape), in the same order everywhere."""

_gather: ContextVar[Gather | None] = ContextVar("gather", default=None)  # of this thread alone


@contextmanager
def sharing_batch(gather: Gather | None) -> Iterator[None]:
    """What is computed here is a part of a batch whose other parts other processes compute; None: it is the whole."""
    token = _gather.set(gather)
    try:
        yield
    finally:
        _gather.reset(token)


def find_gather() -> Gather | None:
    """How to reach the other parts of the batch; None where there are none."""
    return _gather.get()


def find_mean_square(values: Tensor) -> Tensor:
    """The mean of the squares of these values, in all parts of the batch together, without a gradient.

    >>> find_mean_square(torch.tensor([1.0, 3.0]))
    tensor(5.)
    """
    gather, own = _gather.get(), values.detach().square()
    if gather is None:
        return own.mean()
    counts, sums = gather(torch.stack([own.new_tensor(own.numel()), own.sum()])).unbind(1)
    return sums.sum() / counts.sum()


@torch.no_grad()
def find_moments(x: Tensor, gather: Gather, like: Tensor) -> tuple[int, Tensor, Tensor]:
    """How many numbers of x (images, channels, ...) each channel has in all parts, their mean and variance (by count).

    Source: Chan, Golub, LeVeque 1983, The American Statistician (moments of parts put together).
    """
    scratch = torch.zeros_like(like), torch.ones_like(like)  # ten times as quick as torch.var_mean
    mean, variance = torch.batch_norm_update_stats(x, *scratch, 1.0)
    counts, means, variances = gather(
        torch.stack([torch.full_like(mean, x.numel() // x.shape[1]), mean, variance])
    ).unbind(1)
    total = counts.sum(0)
    mean = (counts * means).sum(0) / total
    return int(total[0]), mean, (counts * (variances + (means - mean).square())).sum(0) / total


def normalise_whole(
    x: Tensor, gain: Tensor, bias: Tensor, moments: tuple[int, Tensor, Tensor], gather: Gather, epsilon: float
) -> Tensor:
    """y = gain (x - mean) / sqrt(variance + eps) + bias by the moments of all parts, with their gradient."""
    normalised: Tensor = _WholeBatchNorm.apply(x, gain, bias, moments, gather, epsilon)  # type: ignore[no-untyped-call]
    return normalised


class _WholeBatchNorm(torch.autograd.Function):
    """Batch norm of which every process holds a part of the batch: torch has it for GPUs alone, as SyncBatchNorm.

    Backward, the gradients of gain and bias are those of this part, as all other gradients are; that of x takes them of
    all parts, because mean and variance depend on every x.

    Source: Ioffe & Szegedy 2015, arXiv 1502.03167.
    """

    @staticmethod
    def forward(
        context: Any,
        x: Tensor,
        gain: Tensor,
        bias: Tensor,
        moments: tuple[int, Tensor, Tensor],
        gather: Gather,
        epsilon: float,
    ) -> Tensor:
        count, mean, variance = moments
        context.save_for_backward(x, gain, mean, variance)
        context.count, context.gather, context.epsilon = count, gather, epsilon
        return batch_norm(x, mean, variance, gain, bias, eps=epsilon)

    @staticmethod
    @once_differentiable
    def backward(context: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        x, gain, mean, variance = context.saved_tensors
        as_constants = upstream, x, gain, mean, variance, None, None, False, context.epsilon, [True] * 3
        of_x, of_gain, of_bias = torch.ops.aten.native_batch_norm_backward(*as_constants)
        along, level = context.gather(torch.stack([of_gain, of_bias])).sum(0) / context.count
        inverse = (variance + context.epsilon).rsqrt()
        slope = -gain * inverse.square() * along
        offset = -gain * inverse * level - slope * mean
        neutral = torch.zeros_like(mean), torch.ones_like(mean)
        of_x += batch_norm(x, *neutral, slope, offset, eps=0.0)  # slope x + offset, channel by channel
        return of_x, of_gain, of_bias, None, None, None
