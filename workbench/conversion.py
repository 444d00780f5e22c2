"""From an ANN to an SNN with matching delays: fold, scale, slow down, and replace the neuron."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from workbench.events.recordings import Recordings
from workbench.graph import Network
from workbench.model import NORM_EPSILON, Model, Norm
from workbench.neurons import IntegrateAndFire

CALIBRATION_RECORDINGS = 256


def convert(
    model: Model,
    recordings: Recordings,
    percentile: float = 99.9,
    start: float = 0.5,
    floor: float | None = -1.0,
    reset: str = "subtract",
    delays: str | Mapping[tuple[str, str], int] = "matched",
    *,
    membrane: str = "carry",
    ticks_per_frame: int | None = None,
) -> Model:
    """The spiking network of a trained ANN, with K = `ticks_per_frame` (of the recordings, unless given) ticks a frame.

    With lambda the scale of a node (K for inputs, 1 for the output, else the `percentile` of its non-zero activations
    over the recordings), weights become W lambda_source / lambda_target and biases b / lambda, added every tick; then
    spikes per tick times lambda estimates the ANN's activity. `delays`: "matched" (K times the ANN's), "frame" (K
    ticks on every edge), "tick" (one tick on every edge), or {(source, target): ticks} on top of the matched ones.
    `start` and `floor` of the membrane are in units of the threshold; `membrane="frame"` returns it to its start every
    frame.

    Source: Rueckauer et al. 2017 (percentile, folding), Kugele et al. 2020 (matching delays), Bu et al. 2022 (start).
    """
    if model.spiking:
        raise ValueError("convert takes an ANN; this model spikes already, so nothing would change")
    k = recordings.ticks_per_frame if ticks_per_frame is None else ticks_per_frame
    network = delay_ticks(model.network, k, delays)
    neuron = IntegrateAndFire(start=start, floor=floor, reset=reset, membrane=membrane, ticks_per_frame=k)
    folded = fold(model)
    scales = measure_scales(folded, recordings, percentile) | dict.fromkeys(model.network.inputs, float(k))
    spiking = Model(network, norm=None, neuron=neuron, ticks_per_frame=k).to(model.device)
    spiking.load_state_dict(folded.state_dict(), strict=False)
    _copy_gains(folded, spiking)
    for position, edge in enumerate(network.edges):
        _scale_edge(spiking, position, torch.tensor(scales[edge.source] / scales[edge.target], device=model.device))
    with torch.no_grad():
        for node in network.nodes:
            if node not in network.inputs:
                spiking.node_layer(node).bias.div_(scales[node])
    spiking.trained_network, spiking.scales = model.network, scales
    return spiking.eval()


def delay_ticks(network: Network, k: int, delays: str | Mapping[tuple[str, str], int]) -> Network:
    """The network on a clock of k ticks a frame, with the delays of a conversion."""
    matched = network.slowed(k)
    if isinstance(delays, Mapping):
        return matched.with_delays(delays)
    uniform = {"frame": k, "tick": 1}
    if delays in uniform:
        return matched.with_delays({edge.ends: uniform[delays] for edge in network.edges})
    if delays != "matched":
        raise ValueError(
            f'delays={delays!r} is unknown; choose "matched", "frame", "tick" or a dict {{(source, target): ticks}}'
        )
    return matched


def fold(model: Model) -> Model:
    """The same model without batch norm: W gain / sqrt(variance + eps), bias - mean gain / sqrt(variance + eps).

    Source: Rueckauer et al. 2017.
    """
    folded = Model(model.network, norm=None, neuron=model.neuron, ticks_per_frame=model.ticks_per_frame)
    folded.to(model.device)
    folded.load_state_dict(model.state_dict(), strict=False)
    _copy_gains(model, folded)
    for node in model.network.nodes:
        layer = None if node in model.network.inputs else model.node_layer(node)
        if isinstance(layer, Norm):
            factor = (layer.gain / (layer.variance + NORM_EPSILON).sqrt()).detach()
            for position in model.network.incoming(node):
                _scale_edge(folded, position, factor)
            with torch.no_grad():
                folded.node_layer(node).bias.copy_(layer.bias - layer.mean * factor)
    return folded.eval()


@torch.no_grad()
def measure_scales(model: Model, recordings: Recordings, percentile: float) -> dict[str, float]:
    """Scale of every node but the inputs: the percentile of its non-zero activations, 1 for the output.

    At most 256 recordings, evenly spread over the set, are measured.
    """
    if not 0 < percentile <= 100:
        raise ValueError(f"percentile={percentile!r} must lie above 0 and at most at 100")
    network = model.network
    hidden = [node for node in network.nodes if node not in network.inputs and node != network.output]
    seen: dict[str, list[np.ndarray]] = {node: [] for node in hidden}
    chosen = np.unique(np.linspace(0, len(recordings) - 1, CALIBRATION_RECORDINGS).astype(int))
    for part in np.array_split(chosen, -(-len(chosen) // 32)):
        frames = torch.from_numpy(recordings.as_frames(part)).to(model.device)
        for node, activity in model.run(frames, record=hidden).items():
            seen[node].append(activity[activity != 0].cpu().numpy())
    scales = {}
    for node in hidden:
        active = np.concatenate(seen[node])
        if network.first_response[node] >= recordings.frames:
            scales[node] = 1.0  # it answers after the recordings end, so nothing depends on its scale
            continue
        if active.size == 0:
            raise ValueError(
                f"node {node!r} is silent on all {len(chosen)} recordings measured, so it has no scale; train the "
                "model, calibrate with more varied recordings, or leave the node out"
            )
        scales[node] = float(np.percentile(active, percentile))
    return scales | {network.output: 1.0}


def _copy_gains(model: Model, into: Model) -> None:
    for key, gain in model.gains.items():
        into.gains[key] = nn.Parameter(gain.detach().clone())


@torch.no_grad()
def _scale_edge(model: Model, position: int, factor: Tensor) -> None:
    """Multiply an edge's map by a factor, one number or one per target channel."""
    weights = list(model.weights[position].parameters())
    if weights:
        weights[-1].mul_(factor.view(-1, *[1] * (weights[-1].ndim - 1)) if factor.ndim else factor)
        return
    shape = model.network.shapes[model.network.edges[position].target]
    gain = factor.expand(shape[0]).reshape(-1, *[1] * (len(shape) - 1)).clone()
    key = str(position)
    model.gains[key] = nn.Parameter(model.gains[key] * gain if key in model.gains else gain)
