"""What a node applies to the sum of its edges: a bias, or a batch norm that leaves silent steps out."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm

from workbench.engine.whole_batch import find_gather, find_moments, normalise_whole

NORM_MOMENTUM = 0.1
NORM_EPSILON = 1e-5


class Bias(nn.Module):
    """One bias per channel."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(shape[0]))

    def forward(self, drive: Tensor) -> Tensor:
        return drive + self.bias.view(-1, *[1] * (drive.ndim - 2))


class Norm(nn.Module):
    """Batch norm per channel over the steps and recordings in which the node is not silent.

    y = gain (x - mean) / sqrt(variance + eps) + bias. In training, mean and variance are those of the batch. A node
    on a cycle gets its steps in several sub-blocks whose statistics differ; there the batch's normalisation is
    corrected by r = sigma_batch / sigma and d = (mean_batch - mean) / sigma, taken as constants, so that training
    computes what evaluation will. Running statistics take all steps of a run together, once per run. Where several
    processes compute a part of the batch each, statistics are those of the whole batch. ValueError, naming the `node`,
    for a batch with one number per channel.

    Source: Ioffe 2017, Batch renormalization, arXiv 1702.03275 (its limits on r and d).
    """

    mean: Tensor
    variance: Tensor
    runs: Tensor

    def __init__(self, node: str, shape: tuple[int, ...], on_cycle: bool) -> None:
        super().__init__()
        self.node, self.on_cycle = node, on_cycle
        self.gain = nn.Parameter(torch.ones(shape[0]))
        self.bias = nn.Parameter(torch.zeros(shape[0]))
        self.register_buffer("mean", torch.zeros(shape[0]))
        self.register_buffer("variance", torch.ones(shape[0]))
        self.register_buffer("runs", torch.zeros((), dtype=torch.int64))
        self._seen: list[tuple[int, Tensor, Tensor]] = []  # of each sub-block: how many, mean, variance by count - 1

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return batch_norm(x, self.mean, self.variance, self.gain, self.bias, eps=NORM_EPSILON)
        gather = find_gather()
        if gather is not None:
            moments = find_moments(x, gather, self.mean)
            count, mean, variance = moments
            self._require_several(count)
            gain, bias = self._renormalise(mean, variance) if self.on_cycle else (self.gain, self.bias)
            self._seen.append((count, mean, variance * (count / (count - 1))))
            return normalise_whole(x, gain, bias, moments, gather, NORM_EPSILON)
        self._require_several(x.numel() // x.shape[1])
        gain, bias = self.gain, self.bias
        if self.on_cycle:
            with torch.no_grad():
                variance, mean = torch.var_mean(x.to(self.mean), [0, *range(2, x.ndim)], correction=0)
            gain, bias = self._renormalise(mean, variance)
        mean, variance = torch.zeros_like(self.mean), torch.ones_like(self.variance)
        y = batch_norm(x, mean, variance, gain, bias, training=True, momentum=1.0, eps=NORM_EPSILON)
        self._seen.append((x.numel() // x.shape[1], mean, variance))
        return y

    def _require_several(self, count: int) -> None:
        if count < 2:
            raise ValueError(
                f"node {self.node!r}: batch norm cannot estimate a variance from one number per channel, as one "
                "recording in one step gives; take a larger batch or more frames, or wb.Model(network, norm=None)"
            )

    def _renormalise(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """Gain and bias with which a batch of these moments is normalised as evaluation would, within the limits."""
        if self.runs == 0:
            return self.gain, self.bias
        with torch.no_grad():
            sigma = (self.variance + NORM_EPSILON).sqrt()
            r = ((variance + NORM_EPSILON).sqrt() / sigma).clamp(1 / 3, 3)
            d = ((mean - self.mean) / sigma).clamp(-5, 5)
        return self.gain * r, self.bias + self.gain * d

    @torch.no_grad()
    def update(self) -> None:
        """Move the running statistics towards those of this run; the first run sets them."""
        if self._seen:
            mean, variance = _gather(self._seen)
            runs = int(self.runs) + 1
            momentum = max(NORM_MOMENTUM, 1 / runs)
            self.mean.lerp_(mean, momentum)
            self.variance.lerp_(variance, momentum)
            self.runs.fill_(runs)
            self.discard()

    @property
    def untouched(self) -> bool:
        """Whether its running statistics are still the initial ones."""
        return bool(self.runs == 0 and (self.mean == 0).all() and (self.variance == 1).all())

    def discard(self) -> None:
        """Leave what was seen since the last update out of the running statistics."""
        self._seen = []


def _gather(seen: list[tuple[int, Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Mean and variance of all sub-blocks together, of (how many, mean, variance) of each."""
    if len(seen) == 1:
        return seen[0][1:]
    means, variances = torch.stack([mean for _, mean, _ in seen]), torch.stack([variance for _, _, variance in seen])
    counts = means.new_tensor([count for count, _, _ in seen]).unsqueeze(1)
    total = counts.sum()
    mean = (counts * means).sum(0) / total
    inside, between = (counts - 1) * variances, counts * (means - mean).square()
    return mean, (inside + between).sum(0) / (total - 1)
