"""Batches of recordings: whether recordings fit a model, and how many run side by side."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

import numpy as np
import torch
from torch import Tensor

from workbench.engine import MemoryRequest, choose_block, fits, require_memory
from workbench.events import Recordings
from workbench.model import Model
from workbench.validation import require_whole

MOST_RECORDINGS = 32  # recordings side by side: more gain nothing
MEMORY_SHARE = 0.5  # of the memory that is free, which a batch chosen here may take


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


def choose_evenly(count: int, most: int, *, nearest: bool = True) -> np.ndarray:
    """At most so many of the indices 0 .. count - 1, evenly spread and rising, the first and the last among them.

    Index i is i (count - 1) / (most - 1), rounded to the nearest whole number, or down unless `nearest`.

    >>> choose_evenly(6, 4).tolist(), choose_evenly(6, 4, nearest=False).tolist(), choose_evenly(2, 4).tolist()
    ([0, 2, 3, 5], [0, 1, 3, 5], [0, 1])
    """
    exact = np.linspace(0, count - 1, min(most, count))
    return np.unique((exact.round() if nearest else exact).astype(int))


def choose_batch(
    model: Model, count: int, record: Collection[str], batch: int | None = None, steps: int | None = None
) -> int:
    """How many of so many recordings to run side by side: as named, else 32, or fewer where memory is short.

    So many `steps` are held at a time, by default those of a block. MemoryError, with the batch that fits, where a
    batch that is named does not, or not even one recording does.
    """
    asked = min(MOST_RECORDINGS, count) if batch is None else require_whole("batch", batch)

    def need(some: int) -> MemoryRequest:
        block = steps or choose_block(model.network, some, model.ticks_per_frame)
        return MemoryRequest(model.network, record, block, some, block, False, model.dtype)

    if batch is None:
        while asked > 1 and not fits(need(asked), model.device, MEMORY_SHARE):
            asked = -(-asked // 2)
    require_memory(need(asked), model.device)
    return asked


def bin_batch(
    model: Model, recordings: Recordings, chosen: np.ndarray, begin: int = 0, end: int | None = None
) -> Tensor:
    """Steps begin .. end - 1 of some recordings as the model takes them, (steps, batch, *shape), in its own numbers."""
    counts = recordings.as_ticks(chosen, model.ticks_per_frame, begin, end)
    return torch.from_numpy(counts).to(model.device, model.dtype)
