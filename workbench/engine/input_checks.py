"""Checks of what a model computes with, frames and weights, before it does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.network import Network

Frames = Tensor | NDArray[Any] | Mapping[str, Tensor | NDArray[Any]]
"""What a model is fed: (step, batch, *shape) of its input, or of several inputs by name; arrays of numpy as well."""


def arrange_inputs(network: Network, frames: Frames, like: Tensor) -> dict[str, Tensor]:
    """The frames by input node; ValueError where they do not fit the network.

    Arrays of numpy become tensors `like` the model's numbers, of their type and on their device.

    >>> network = Network({"image": (1, 4, 4)}, [Edge("image", "class", Dense(2))])
    >>> [tuple(frames.shape) for frames in arrange_inputs(network, np.zeros((5, 3, 1, 4, 4)), torch.zeros(1)).values()]
    [(5, 3, 1, 4, 4)]
    """
    names = list(network.inputs)
    if not isinstance(frames, Mapping):
        if len(names) > 1:
            raise ValueError(f"the network has the inputs {', '.join(names)}; give a dict of one tensor each")
        frames = {names[0]: frames}
    if set(frames) != set(names):
        raise ValueError(f"frames are given for {', '.join(frames)}, but the inputs are {', '.join(names)}")
    given = {node: to_tensor(node, values, like) for node, values in frames.items()}
    for node, values in given.items():
        if tuple(values.shape[2:]) != network.inputs[node] or values.ndim < 3:
            raise ValueError(
                f"input {node!r}: frames of shape {tuple(values.shape)} do not fit; expected (steps, batch, "
                f"{', '.join(map(str, network.inputs[node]))})"
            )
    if len({values.shape[:2] for values in given.values()}) > 1:
        raise ValueError("all inputs need the same number of steps and the same batch")
    steps, batch = next(iter(given.values())).shape[:2]
    if steps == 0:
        raise ValueError("the recording has no steps; give at least one frame")
    if batch == 0:
        raise ValueError(f"the batch is empty: frames are {_shown(given)}; give at least one recording")
    return given


def to_tensor(node: str, values: Any, like: Tensor) -> Tensor:
    """The values of a node as a tensor: one as it is, an array of numpy in the type and on the device of another."""
    if isinstance(
        values, Tensor
    ):  # what was made under torch.inference_mode can be used there alone, its copy anywhere
        return values.clone() if values.is_inference() and not torch.is_inference_mode_enabled() else values
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biuf":
        what = f"an array of {values.dtype}" if isinstance(values, np.ndarray) else f"of type {type(values).__name__}"
        raise ValueError(
            f"node {node!r}: its values are {what}; give a tensor or an array of numbers (step, batch, *shape), as "
            "recordings.as_ticks() makes them"
        )
    return torch.tensor(np.ascontiguousarray(values), dtype=like.dtype, device=like.device)


def _shown(given: Mapping[str, Tensor]) -> str:
    return ", ".join(str(tuple(values.shape)) for values in given.values())


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


def require_one_type(numbers: Iterable[tuple[str, Tensor]]) -> torch.dtype:
    """The type that all these numbers have; ValueError, with a cure, where they have several, or half precision, or
    where nothing can be computed with them but under torch.inference_mode.

    >>> require_one_type([("weights.0.0", torch.zeros(1, dtype=torch.float16))])
    Traceback (most recent call last):
    ValueError: the model computes in torch.float16, in which sums of spikes are not exact; use model.float(), and \
train(..., precision="bf16") where half precision is enough to learn
    """
    known = dict(numbers)
    found = {values.dtype: name for name, values in known.items()}
    if len(found) > 1:
        types = ", ".join(f"{kind} ({name})" for kind, name in found.items())
        raise ValueError(f"the model has numbers of several types: {types}; use model.float() or model.double()")
    (dtype,) = found or {torch.get_default_dtype(): ""}
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(
            f"the model computes in {dtype}, in which sums of spikes are not exact; use model.float(), and "
            'train(..., precision="bf16") where half precision is enough to learn'
        )
    if not torch.is_inference_mode_enabled() and any(values.is_inference() for values in known.values()):
        raise ValueError(
            "the numbers of the model were made under torch.inference_mode, outside of which nothing can be computed "
            "with them; use model.copy(), whose numbers are free"
        )
    return dtype


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
