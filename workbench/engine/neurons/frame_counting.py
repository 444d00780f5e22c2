"""Neurons that count for a frame before they answer: what they count, and when they send it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from workbench.engine.kernels.neuron_scan import SPREAD, Dynamics
from workbench.engine.neurons.surrogate import send_spikes

REMAINDERS = ("drop", "keep")
AT_ONCE = {"reset": "subtract", "membrane": "carry", "burst": 1, "signed": False, "bias": "tick"}
"""The options that only neurons at once have, and what they are where nobody names them."""
MOST_TICKS = 4096  # up to which K^2 and its K-th part are exact in float32


def scan_counts(dynamics: Dynamics, drive: Tensor, level: Tensor, count: Tensor, elapsed: int) -> tuple[Tensor, Tensor]:
    """Spikes in every tick of a drive (ticks, ...), and then the membrane and the count that is being sent (2, ...).

    `level` and `count` (...) are those before; what is counted passes on the gradient of `Surrogate`.

    >>> dynamics = Dynamics(frame=2, emission=SPREAD, start=0.5, burst=2, restart=True)
    >>> spikes, after = scan_counts(dynamics, torch.tensor([1.0, 0.5]), torch.tensor(0.5), torch.tensor(0.0), elapsed=0)
    >>> spikes, after
    (tensor([0., 1.]), tensor([0.5000, 2.0000]))
    """
    spikes, threshold = [], dynamics.threshold
    for tick, now in enumerate(drive.unbind(0), elapsed):
        level = (level + now).clamp(-dynamics.ceiling, dynamics.ceiling)
        if (tick + 1) % dynamics.frame == 0:
            count = send_spikes(level / threshold, 0, int(dynamics.burst))
            left = (level - count * threshold).clamp(min=dynamics.floor)
            level = torch.full_like(level, dynamics.start) if dynamics.restart else left
        spikes.append(send_counts(dynamics, count, tick, 1)[0])
    return torch.stack(spikes), torch.stack([level, count])


def send_counts(dynamics: Dynamics, count: Tensor, elapsed: int, ticks: int) -> Tensor:
    """The spikes of counts (...) in so many ticks from the tick `elapsed` on, (ticks, ...), until the next is known.

    In tick q of the K that begin with the one in which N was counted, ceil((q + 1) N / K) - ceil(q N / K) spikes, or
    all N in the first. Each spike of a spread one passes on a K-th of the gradient of its count.

    >>> dynamics = Dynamics(frame=5, emission=SPREAD)
    >>> send_counts(dynamics, torch.tensor([2.0, 5.0]), elapsed=4, ticks=5).T.tolist()
    [[1.0, 0.0, 1.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0, 1.0]]
    """
    k, number = dynamics.frame, count.detach()
    place = torch.arange(elapsed + 1, elapsed + 1 + ticks, device=count.device).remainder(k).to(count.dtype)
    place = place.view(-1, *[1] * count.ndim)
    if dynamics.emission != SPREAD:
        return (place == 0) * count
    spikes = ((place + 1) * number / k).ceil() - (place * number / k).ceil()
    return spikes + (count - number) / k if count.requires_grad else spikes


def require_counting(emission: str, given: Mapping[str, tuple[Any, Any]]) -> None:
    """ValueError for an option of neurons at once that is not as it is where nobody names it: (value, usual value)."""
    cures = {
        "reset": "it always loses what it has counted",
        "membrane": 'say remainder="drop" or remainder="keep"',
        "burst": 'say cap=, the most that it counts, with emission="burst"',
        "signed": "what it counts is never negative",
        "bias": "it gets the bias of a frame at once",
    }
    for option, (value, usual) in given.items():
        if value != usual:
            raise ValueError(
                f"{option}={value!r} is for neurons that spike at once, and emission={emission!r} counts for a frame: "
                f'{cures[option]}; leave {option} out, or use emission="at_once"'
            )


def require_at_once(**given: Any) -> None:
    """ValueError for an option of neurons that count for a frame that is not None."""
    for option, value in given.items():
        if value is not None:
            raise ValueError(
                f'{option}={value!r} is for neurons that count for a frame; leave it out, or use emission="spread" or '
                'emission="burst"'
            )
