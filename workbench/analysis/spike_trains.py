"""Spikes of one node as a sparse list, and how many fall into each pixel of a part of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

CHUNK = 1 << 25  # dense entries looked at in one go
Values = NDArray[Any]


@dataclass(frozen=True, eq=False)
class SpikeTrain:
    """Where one node spiked in one recording: entry i says that `units[i]` spiked `counts[i]` times at `steps[i]`.

    The entries are in order of their steps (int32). `length` is the number of steps, `width` the number of units,
    spikes or not; units are counted through `*shape` in C order.
    """

    steps: NDArray[np.int32]
    units: NDArray[np.int32]
    counts: NDArray[np.int32]
    length: int
    width: int

    @property
    def total(self) -> int:
        """Number of spikes."""
        return int(self.counts.sum(dtype=np.int64))


def gather_spikes(values: Tensor | ArrayLike, recording: int = 0, name: str = "activity") -> SpikeTrain:
    """The spikes of one recording of a node's activity (step, batch, *shape): dense of any dtype, or sparse COO.

    `name` is what errors call the activity. ValueError for another shape, a recording that is not there, and for
    values that are no counts (negative or fractional).

    >>> train = gather_spikes(np.array([[[0, 2]], [[1, 0]]]))
    >>> train.steps.tolist(), train.units.tolist(), train.counts.tolist()
    ([0, 1], [1, 0], [2, 1])
    """
    if isinstance(values, Tensor) and values.layout != torch.strided:
        return _gather_sparse(values.detach().cpu(), recording, name)
    array = choose_recording(values, recording, name)
    width = math.prod(array.shape[1:])
    steps, units, counts = [], [], []
    for begin, part in _chunks(array):
        place = np.flatnonzero(part != 0)
        found = part.ravel()[place]
        _require_counts(found, name)
        step, unit = np.divmod(place, max(width, 1))
        steps.append((step + begin).astype(np.int32))
        units.append(unit.astype(np.int32))
        counts.append(found.astype(np.int32))
    return SpikeTrain(_join(steps), _join(units), _join(counts), length=len(array), width=width)


def choose_recording(values: Tensor | ArrayLike, recording: int, name: str = "activity") -> Values:
    """One recording (step, *shape) of a dense activity (step, batch, *shape), not copied where numpy knows the dtype.

    >>> choose_recording(torch.ones(4, 2, 3), 1).shape
    (4, 3)
    """
    array = values.detach().cpu() if isinstance(values, Tensor) else np.asarray(values)
    _require_recording(tuple(array.shape), recording, name)
    chosen = array[:, recording]
    if isinstance(chosen, Tensor):
        return (chosen.float() if chosen.dtype == torch.bfloat16 else chosen).numpy()
    return chosen


def are_counts(values: Values) -> bool:
    """Whether these (step, *shape) can be numbers of spikes: whole and not negative.

    >>> are_counts(np.array([[0.0, 2.0]])), are_counts(np.array([[0.5]]))
    (True, False)
    """
    if values.dtype.kind in "bu":
        return True
    return all(bool((part >= 0).all() and (part == np.round(part)).all()) for _, part in _chunks(values))


def cut_spikes(train: SpikeTrain, begin_step: int, end_step: int, low_unit: int, high_unit: int) -> SpikeTrain:
    """The spikes of the steps begin .. end - 1 and the units low .. high - 1, numbered as in the whole train.

    >>> cut_spikes(gather_spikes(np.ones((4, 1, 5))), 1, 3, 0, 2).total
    4
    """
    first, last = np.searchsorted(train.steps, [begin_step, end_step])
    part = slice(first, max(first, last))
    steps, units, counts = train.steps[part], train.units[part], train.counts[part]
    if low_unit > 0 or high_unit < train.width:
        inside = (units >= low_unit) & (units < high_unit)
        steps, units, counts = steps[inside], units[inside], counts[inside]
    return SpikeTrain(steps, units, counts, train.length, train.width)


def count_between(train: SpikeTrain, begin_step: int, end_step: int, low_unit: int, high_unit: int) -> int:
    """Number of spikes in the steps begin .. end - 1 of the units low .. high - 1.

    >>> count_between(gather_spikes(np.ones((4, 1, 5))), 0, 4, 2, 5)
    12
    """
    return cut_spikes(train, begin_step, end_step, low_unit, high_unit).total


def bin_spikes(
    train: SpikeTrain, begin_step: int, end_step: int, low_unit: int, high_unit: int, columns: int, rows: int
) -> NDArray[np.int64]:
    """Spikes per pixel (rows, columns) of the steps begin .. end - 1 and the units low .. high - 1; none is lost.

    Step s is in column (s - begin) columns // (end - begin), a unit in its row alike. ValueError for an empty range
    or for no pixels.

    >>> bin_spikes(gather_spikes(np.ones((4, 1, 6))), 0, 4, 0, 6, columns=2, rows=3).tolist()
    [[4, 4], [4, 4], [4, 4]]
    """
    height, length = high_unit - low_unit, end_step - begin_step
    if min(height, length, columns, rows) < 1:
        raise ValueError(
            f"bin_spikes: steps {begin_step} .. {end_step} and units {low_unit} .. {high_unit} in {rows} x {columns} "
            "pixels hold nothing; give at least one of each"
        )
    seen = cut_spikes(train, begin_step, end_step, low_unit, high_unit)
    column_of = (np.arange(length) * columns // length).astype(np.int32)
    first_of_row = (np.arange(height) * rows // height * columns).astype(np.int32)
    pixel = np.take(first_of_row, seen.units - np.int32(low_unit))
    pixel += np.take(column_of, seen.steps - np.int32(begin_step))
    several = seen.counts.max(initial=1) > 1
    sums = np.bincount(pixel, weights=seen.counts if several else None, minlength=rows * columns)
    return sums.astype(np.int64, copy=False).reshape(rows, columns)


def _gather_sparse(values: Tensor, recording: int, name: str) -> SpikeTrain:
    if values.layout != torch.sparse_coo or values.dense_dim():
        raise ValueError(f"{name!r} has layout {values.layout}; give it dense, or sparse in every axis: .to_sparse()")
    shape = tuple(values.shape)
    _require_recording(shape, recording, name)
    values = values.coalesce()  # in order of steps
    where, found = values.indices().numpy(), values.values()
    numbers = (found.float() if found.dtype == torch.bfloat16 else found).numpy()
    chosen = (where[1] == recording) & (numbers != 0)
    where, numbers = (where, numbers) if chosen.all() else (where[:, chosen], numbers[chosen])
    _require_counts(numbers, name)
    width = math.prod(shape[2:])
    place = where[0] * width
    for axis in range(2, len(shape)):
        place += where[axis] * math.prod(shape[axis + 1 :])
    step, unit = np.divmod(place, max(width, 1))
    return SpikeTrain(_join([step]), _join([unit]), _join([numbers]), length=shape[0], width=width)


def _join(parts: list[Values]) -> NDArray[np.int32]:
    return np.concatenate([np.zeros(0, dtype=np.int32), *parts], dtype=np.int32, casting="unsafe")


def _chunks(array: Values) -> list[tuple[int, Values]]:
    """Views (steps, units) of consecutive steps with the step at which each begins."""
    width = math.prod(array.shape[1:])
    steps = max(1, CHUNK // max(width, 1))
    pieces = ((begin, array[begin : begin + steps]) for begin in range(0, len(array), steps))
    return [(begin, piece.reshape(len(piece), width)) for begin, piece in pieces]


def _require_recording(shape: tuple[int, ...], recording: int, name: str) -> None:
    if len(shape) < 3:
        raise ValueError(f"{name!r} has shape {shape}; expected (step, batch, *shape)")
    if not 0 <= recording < shape[1]:
        raise ValueError(f"recording={recording!r} is not among the {shape[1]} of {name!r}; count from 0")


def _require_counts(found: Values, name: str) -> None:
    if not are_counts(found[:, None]):
        raise ValueError(f"{name!r} holds negative or fractional values; spikes are counted in whole numbers")
