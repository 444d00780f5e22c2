"""The scan of neurons that spike at once in torch alone: on every device, for every type of number, and to learn."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from workbench.engine.kernels.neuron_scan import Dynamics
from workbench.engine.neurons.surrogate import send_spikes


def scan_at_once(
    dynamics: Dynamics, drive: Tensor, level: Tensor, sent: Tensor | None, elapsed: int
) -> tuple[Tensor, Tensor]:
    """Spikes in every tick of a drive (ticks, ...), and then the membrane, of signed neurons with what they sent.

    `level` (...), which is written on where nothing is learned, and `sent` are those before.

    >>> scan_at_once(Dynamics(leak=0.5), torch.tensor([0.5, 0.5, 0.5]), torch.tensor(0.5), None, elapsed=0)
    (tensor([0., 0., 0.]), tensor(0.9375))
    """
    learning = drive.requires_grad or level.requires_grad
    into = None if learning else level  # where nothing is learned, the membrane is written in place
    limited, spikes = dynamics.floor > -math.inf or dynamics.ceiling < math.inf, []
    for tick, now in enumerate(drive.unbind(0), elapsed):
        level, sent = begin_tick(dynamics, level, sent, tick, into)
        level = torch.add(level, now, out=into)
        if limited:
            level = torch.clamp(level, dynamics.floor, dynamics.ceiling, out=into)
        fired = fire(dynamics, level, sent)
        if dynamics.reset_to_zero:
            level = torch.mul(level, fired == 0, out=into)
        else:
            level = torch.sub(level, fired if dynamics.threshold == 1 else fired * dynamics.threshold, out=into)
        sent = None if sent is None else sent + fired
        spikes.append(fired)
    return torch.stack(spikes), level if sent is None else torch.stack([level, sent])


def begin_tick(
    dynamics: Dynamics, level: Tensor, sent: Tensor | None, tick: int, into: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """The membrane to which the drive of a tick is added, and what was sent: after what a frame's begin and a leak do.

    The membrane is written into a tensor where one is given.
    """
    if tick % dynamics.frame == 0:
        if dynamics.restart:
            level = torch.full_like(level, dynamics.start) if into is None else into.fill_(dynamics.start)
        elif dynamics.rectify:
            level = torch.clamp(level, min=0.0, out=into)
        sent = None if sent is None else torch.zeros_like(sent)
    return torch.sub(level, find_leak(dynamics, level), out=into) if dynamics.leak else level, sent


def find_leak(dynamics: Dynamics, level: Tensor) -> Tensor:
    """What leaks of a membrane before a drive: its share, in whole grains at most that; its gradient is the share.

    >>> find_leak(Dynamics(leak=0.25, grain=0.5), torch.tensor([3.9, -0.5]))
    tensor([ 0.5000, -0.5000])
    """
    share = level * dynamics.leak
    if not dynamics.grain:
        return share
    whole = (share.detach() / dynamics.grain).floor_() * dynamics.grain
    return share + (whole - share.detach()) if share.requires_grad else whole


def fire(dynamics: Dynamics, level: Tensor, sent: Tensor | None) -> Tensor:
    """Whole numbers of spikes, those taken back negative."""
    burst = int(dynamics.burst)
    if burst == 1 and sent is None and not level.requires_grad:
        return (level >= dynamics.threshold).to(level.dtype)
    return send_spikes(level / dynamics.threshold, 0 if sent is None else -sent.clamp(0, burst), burst)
