"""Recordings fed to a model: whether they fit, and in which batches they come."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from workbench.events.recordings import Recordings
from workbench.model import Model


def require_match(model: Model, recordings: Recordings) -> None:
    """ValueError unless the recordings fit the model's input and its classes and last until its first response."""
    require_fit(model, recordings)
    network = model.network
    first, steps = network.first_response[network.output], recordings.frames * model.ticks_per_frame
    if first >= steps:
        raise ValueError(
            f"output {network.output!r} answers first at step {first}, but the recordings have {steps} steps; load "
            "them with more frames, or use smaller delays"
        )


def require_fit(model: Model, recordings: Recordings) -> None:
    """ValueError unless the recordings fit the model's input and its classes."""
    network = model.network
    if len(network.inputs) != 1:
        raise ValueError(f"recordings feed one input, but the network has {', '.join(network.inputs)}")
    (node, shape), output = next(iter(network.inputs.items())), network.shapes[network.output]
    if tuple(recordings.shape) != shape:
        raise ValueError(f"input {node!r} has shape {shape}, but the recordings have {tuple(recordings.shape)}")
    if output != (len(recordings.classes),):
        raise ValueError(
            f"output {network.output!r} has shape {output}, but the recordings have {len(recordings.classes)} classes; "
            f"end in Dense({len(recordings.classes)})"
        )


def batches(count: int, batch: int, order: np.ndarray | None = None) -> Iterator[np.ndarray]:
    """Indices 0 .. count - 1, in this order, in nearly equal batches of at most `batch`."""
    indices = np.arange(count) if order is None else order
    yield from np.array_split(indices, math.ceil(count / batch))
