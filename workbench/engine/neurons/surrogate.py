"""Spikes as whole numbers, and the gradient by which they are learned."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class Surrogate(torch.autograd.Function):
    """Spikes of a membrane in thresholds, clip(floor(v), least, burst), with a gradient to learn by.

    ds/dv = max(0, 1 - distance of v from the interval [least + 1, burst]): a triangle around the threshold for a
    neuron with one spike a tick, and 1 wherever one spike more or less is at stake.

    Source: Esser et al. 2016, PNAS (triangle); its extension to several spikes is ours.
    """

    @staticmethod
    def forward(ctx: Any, level: Tensor, least: Tensor, burst: int) -> Tensor:
        """The spikes, whole numbers."""
        ctx.save_for_backward(level, least)
        ctx.burst = burst
        return whole_spikes(level, least, burst)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        """The gradient of the membrane."""
        level, least = ctx.saved_tensors
        distance = torch.relu(least + 1 - level) + torch.relu(level - ctx.burst)
        return gradients[0] * (1 - distance).clamp(min=0), None, None


def whole_spikes(level: Tensor, least: Tensor | int, burst: int) -> Tensor:
    """How many spikes a membrane in thresholds sends, clip(floor(level), least, burst)."""
    whole = level.floor()
    return (torch.maximum(whole, least) if isinstance(least, Tensor) else whole.clamp_(min=least)).clamp_(max=burst)


def send_spikes(level: Tensor, least: Tensor | int, most: int) -> Tensor:
    """The same, with the gradient of `Surrogate` where something is learned."""
    if not level.requires_grad:
        return whole_spikes(level, least, most)
    least = least.detach() if isinstance(least, Tensor) else torch.full_like(level, least)
    learned: Tensor = Surrogate.apply(level, least, most)  # type: ignore[no-untyped-call]  # torch's own
    return learned
