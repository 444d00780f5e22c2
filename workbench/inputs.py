"""What a model is given, frames and weights, looked at before it is used."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from workbench.graph import Network


def arrange_inputs(network: Network, frames: Tensor | Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The frames by input node; ValueError where they do not fit the network.

    >>> network = Network({"image": (1, 4, 4)}, [Edge("image", "class", Dense(2))])
    >>> {node: tuple(frames.shape) for node, frames in arrange_inputs(network, torch.zeros(5, 3, 1, 4, 4)).items()}
    {'image': (5, 3, 1, 4, 4)}
    """
    names = list(network.inputs)
    if isinstance(frames, Tensor):
        if len(names) > 1:
            raise ValueError(f"the network has the inputs {', '.join(names)}; give a dict of one tensor each")
        frames = {names[0]: frames}
    if set(frames) != set(names):
        raise ValueError(f"frames are given for {', '.join(frames)}, but the inputs are {', '.join(names)}")
    for node, values in frames.items():
        if tuple(values.shape[2:]) != network.inputs[node] or values.ndim < 3:
            raise ValueError(
                f"input {node!r}: frames of shape {tuple(values.shape)} do not fit; expected (steps, batch, "
                f"{', '.join(map(str, network.inputs[node]))})"
            )
    if len({values.shape[:2] for values in frames.values()}) > 1:
        raise ValueError("all inputs need the same number of steps and the same batch")
    if len(next(iter(frames.values()))) == 0:
        raise ValueError("the recording has no steps; give at least one frame")
    return dict(frames)


def require_numbers(inputs: Mapping[str, Tensor], like: Tensor) -> None:
    """ValueError where frames are of another type or on another device than the model, or are not finite.

    >>> require_numbers({"image": torch.tensor([[0.0, torch.nan]])}, torch.zeros(1))
    Traceback (most recent call last):
    ValueError: input 'image': 1 of 2 numbers are not finite; clean the recording, for instance by torch.nan_to_num
    """
    for node, values in inputs.items():
        if values.dtype != like.dtype:
            raise ValueError(
                f"input {node!r}: frames are {values.dtype}, but the model computes in {like.dtype}; "
                f"use frames.to({like.dtype})"
            )
        if values.device != like.device:
            raise ValueError(
                f"input {node!r}: frames are on {values.device}, but the model is on {like.device}; "
                f'use frames.to("{like.device}")'
            )
        if not values.sum().isfinite():  # a sum is quick; it may also overflow, so look again
            wrong = int((~values.isfinite()).sum())
            if wrong:
                raise ValueError(
                    f"input {node!r}: {wrong:,} of {values.numel():,} numbers are not finite; clean the recording, "
                    "for instance by torch.nan_to_num"
                )


def require_finite(network: Network, numbers: Mapping[str, Tensor]) -> None:
    """ValueError where a number of a model's state is not finite; it names the edge or the node.

    >>> network = Network({"image": (2,)}, [Edge("image", "class", Dense(1))])
    >>> require_finite(network, {"weights.0.0": torch.tensor([[1.0, torch.nan]])})
    Traceback (most recent call last):
    ValueError: edge image -> class: its weights are not all finite; train with a lower learning_rate, or load others
    """
    real = {key: values for key, values in numbers.items() if values.is_floating_point()}
    sums = torch.stack([values.sum().float() for values in real.values()])
    if sums.isfinite().all():  # quick, and most often the end of it; a sum may overflow
        return
    for key, values in real.items():
        if not values.isfinite().all():
            kind, place, *_ = key.split(".")
            if kind in ("weights", "gains"):
                edge = network.edges[int(place)]
                where = f"edge {edge.source} -> {edge.target}: its {kind} are"
            else:
                where = f"node {network.nodes[int(place)]!r}: its numbers are"
            raise ValueError(f"{where} not all finite; train with a lower learning_rate, or load others")
