"""The activity that a node's spikes stand for, measured on recordings or learned in training."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from workbench.conversion.options import ConversionOptions, Percentiles
from workbench.engine import MemoryRequest, fits, require_memory
from workbench.evaluation import MEMORY_SHARE, choose_evenly, run_blocks
from workbench.events import Recordings
from workbench.model import Model, Scales

CALIBRATION_RECORDINGS = 256


Measured = Mapping[tuple[str, float | None], Scales]  # by "node" or "channel", and percentile


def measure_scales(
    model: Model,
    recordings: Recordings,
    percentiles: Sequence[float],
    kinds: Sequence[str] = ("node",),
    batch: int | None = None,
) -> Measured:
    """By kind and percentile the scale of every node but the inputs: of its non-zero activations, 1 for the output.

    The kind "node" gives one number, "channel" a tuple with one per channel; a channel that is never active takes the
    node's. At most 256 recordings, evenly spread over the set, are measured. ValueError for a percentile outside
    (0, 100], and for a node that is silent on all of them.
    """
    for percentile in percentiles:
        if not 0 < percentile <= 100:
            raise ValueError(f"percentile={percentile!r} must lie above 0 and at most at 100")
    network = model.network
    found: dict[tuple[str, float | None], Scales] = {(kind, each): {} for kind in kinds for each in percentiles}
    chosen = choose_evenly(len(recordings), CALIBRATION_RECORDINGS, nearest=False)
    for node, active in _record(model, recordings, chosen, batch):
        if network.first_response_of(node) >= recordings.frames:
            whole, channels = np.ones(len(percentiles)), active[:0]  # it answers too late: nothing depends on its scale
        elif not active.any():
            raise ValueError(
                f"node {node!r} is silent on all {len(chosen)} recordings measured, so it has no scale; train the "
                "model, calibrate with more varied recordings, or leave the node out"
            )
        else:
            whole, channels = np.percentile(active[active != 0], percentiles), active
        for kind in kinds:
            parts = [_percentiles(each, percentiles, whole) for each in channels] if kind == "channel" else []
            for place, percentile in enumerate(percentiles):
                numbers = tuple(float(part[place]) for part in parts or [whole])
                found[kind, percentile][node] = numbers if len(numbers) > 1 else numbers[0]
    for scales in found.values():
        scales[network.output] = 1.0
    return found


def select_scales(options: ConversionOptions, measured: Measured) -> Scales:
    """The scale of every node at the percentile that the options give it, from those measured."""
    nodes = next(iter(measured.values()))
    return {node: measured[options.scale, options.percentile_of(node)][node] for node in nodes}


def require_hidden(model: Model, options: ConversionOptions) -> None:
    """ValueError unless every node to which the options give a percentile of its own is hidden in the network."""
    if isinstance(options.percentile, Percentiles):
        hidden = dict.fromkeys(model.network.hidden)
        for node in options.percentile:
            if node not in hidden:
                raise ValueError(f"percentile names {node!r}; only hidden nodes have one: {', '.join(hidden)}")


def learned_ceilings(model: Model, ticks_per_frame: int) -> Scales:
    """The scales of an ANN with learned ceilings: ceiling K / L, so that N spikes a frame stand for N ceiling / L.

    K = `ticks_per_frame`, L = the levels of its neuron; without levels, one spike in every tick is the ceiling.
    """
    levels = model.levels or ticks_per_frame
    scales = Scales({node: model.ceiling(node).item() * ticks_per_frame / levels for node in model.network.hidden})
    return Scales(scales | {model.network.output: 1.0})


def broadcast_scale(model: Model, node: str) -> Tensor:
    """The scale of an SNN's node, to multiply (..., *shape) of its spikes; ValueError where it has none."""
    if model.scales is None:
        raise ValueError("this model has no scales, so it was not converted; make an SNN with wb.convert(ann, ...)")
    scale = as_tensor(model, model.scales[node])
    return scale.view(-1, *[1] * (len(model.network.shape_of(node)) - 1)) if scale.ndim else scale


def as_tensor(model: Model, scale: float | tuple[float, ...]) -> Tensor:
    """A scale as a tensor on the model's device: one number, or one per channel."""
    like = next(model.parameters())  # all are alike, and to look through them for every node takes long
    return torch.tensor(scale, dtype=like.dtype, device=like.device)


def _record(
    model: Model, recordings: Recordings, chosen: np.ndarray, batch: int | None
) -> Iterator[tuple[str, np.ndarray]]:
    """Every hidden node with its activities by channel, (channels, all the rest).

    As many nodes at a time as fit into memory, for a percentile asks for all activities of a node at once.
    """
    waiting = list(model.network.hidden)
    while waiting:
        many = len(waiting)
        while many > 1 and not fits(
            _all_of(model, recordings, len(chosen), waiting[:many]), model.device, MEMORY_SHARE
        ):
            many = -(-many // 2)
        some, waiting = waiting[:many], waiting[many:]
        require_memory(_all_of(model, recordings, len(chosen), some), model.device)
        parts: dict[str, list[np.ndarray]] = {node: [] for node in some}
        for _, _, activity in run_blocks(model, recordings[chosen], some, batch):
            for node, values in activity.items():
                parts[node].append(values.flatten(0, 1).transpose(0, 1).flatten(1).cpu().numpy())
        yield from ((node, np.concatenate(parts.pop(node), axis=1)) for node in some)


def _all_of(model: Model, recordings: Recordings, count: int, nodes: Collection[str]) -> MemoryRequest:
    return MemoryRequest(model.network, nodes, recordings.frames, count, recordings.frames, False, model.dtype)


def _percentiles(active: np.ndarray, percentiles: Sequence[float], otherwise: np.ndarray) -> np.ndarray:
    active = active[active != 0]
    return np.percentile(active, percentiles) if active.size else otherwise
