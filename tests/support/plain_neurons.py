"""Spiking neurons as their words say them: one unit, one tick after the other, in Python's own numbers."""

import math

import numpy as np
import torch

import workbench as wb


def step_by_step(
    neuron: wb.IntegrateAndFire | wb.LeakyIntegrateAndFire, drive: list[float]
) -> tuple[list[float], list[float]]:
    """Spikes and membranes of one unit in every tick."""
    if isinstance(neuron, wb.LeakyIntegrateAndFire):
        return leak_and_spike(neuron, drive)
    return count_frames(neuron, drive) if neuron.emission != "at_once" else spike_at_once(neuron, drive)


def spike_at_once(neuron: wb.IntegrateAndFire, drive: list[float]) -> tuple[list[float], list[float]]:
    threshold, start, most = neuron.threshold, neuron.start * neuron.threshold, saturation(neuron)
    least = -most if neuron.floor is None else neuron.floor * threshold
    v, sent, spikes, membranes = start, 0.0, [], []
    for tick, now in enumerate(drive):
        if tick % neuron.ticks_per_frame == 0:
            v = {"frame": start, "rectify": max(v, 0.0), "carry": v}[neuron.membrane]
            sent = 0.0
        v = min(max(v + now, least), most)
        back = min(max(sent, 0.0), neuron.burst) if neuron.signed else 0.0
        fired = float(min(max(math.floor(v / threshold), -back), neuron.burst))
        sent += fired
        v = v - fired * threshold if neuron.reset == "subtract" else (0.0 if fired else v)
        spikes.append(fired)
        membranes.append(v)
    return spikes, membranes


def leak_and_spike(neuron: wb.LeakyIntegrateAndFire, drive: list[float]) -> tuple[list[float], list[float]]:
    """One that leaks, in fractions where it has no resolution; else in integers, shifted, whose unit is fine enough."""
    threshold, v = neuron.threshold, neuron.start * neuron.threshold
    most, spikes, membranes = saturation(neuron), [], []
    least = -most if neuron.floor is None else neuron.floor * threshold
    for now in drive:
        if neuron.resolution is None:
            v -= v * 2.0**-neuron.leak
        elif (v * 2.0**neuron.resolution).is_integer():
            whole = int(v * 2**neuron.resolution)
            v = (whole - (whole >> neuron.leak)) * 2.0**-neuron.resolution
        else:
            v -= math.floor(v * 2.0 ** (neuron.resolution - neuron.leak)) * 2.0**-neuron.resolution
        v = min(max(v + now, least), most)
        spikes.append(float(v >= threshold))
        if spikes[-1]:
            v = v - threshold if neuron.reset == "subtract" else 0.0
        membranes.append(v)
    return spikes, membranes


def count_frames(neuron: wb.IntegrateAndFire, drive: list[float]) -> tuple[list[float], list[float]]:
    """The same of one that counts for a frame: each of its spikes is put where it is sent when it is counted."""
    threshold, k, most = neuron.threshold, neuron.ticks_per_frame, saturation(neuron)
    v, membranes, spikes = neuron.start * threshold, [], [0.0] * (len(drive) + k)
    for tick, now in enumerate(drive):
        v = min(max(v + now, -most), most)
        if tick % k == k - 1:
            number = min(max(math.floor(v / threshold), 0), neuron.cap or k)
            for m in range(number):
                spikes[tick + (m * k // number if neuron.emission == "spread" else 0)] += 1.0
            v -= number * threshold
            if neuron.remainder == "drop":
                v = neuron.start * threshold
            elif neuron.floor is not None:
                v = max(v, neuron.floor * threshold)
        membranes.append(v)
    return spikes[: len(drive)], membranes


def saturation(neuron: wb.IntegrateAndFire | wb.LeakyIntegrateAndFire) -> float:
    return math.inf if neuron.saturation is None else neuron.saturation * neuron.threshold


def plain_scan(
    neuron: wb.IntegrateAndFire | wb.LeakyIntegrateAndFire, drive: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Spikes (steps, ...) of all units, and the membranes after the last step."""
    spikes, left = torch.zeros_like(drive), torch.zeros_like(drive[0])
    for place in np.ndindex(*drive.shape[1:]):
        sent, membranes = step_by_step(neuron, drive[(slice(None), *place)].tolist())
        spikes[(slice(None), *place)] = torch.tensor(sent, dtype=drive.dtype)
        left[place] = membranes[-1]
    return spikes, left
