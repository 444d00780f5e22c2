"""What must hold of recordings, and the words when it does not."""

from __future__ import annotations

from math import prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.events.pieced_column import PiecedColumn
from workbench.validation import require_whole

_LONGEST_US = int(np.iinfo(np.int32).max)
_MOST_EVENTS = 1 << 36
_MOST_CLASSES = 100_000  # that are named by their numbers
_AT_ONCE = 1 << 22  # events looked at together, so that mapped files are not held in memory


class RecordingFields(Protocol):
    """The fields of recordings that are checked here."""

    @property
    def time_us(self) -> NDArray[np.int32] | PiecedColumn: ...
    @property
    def site(self) -> NDArray[np.int32] | PiecedColumn: ...
    @property
    def starts(self) -> NDArray[np.int64]: ...
    @property
    def labels(self) -> NDArray[np.int64]: ...
    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def name(self) -> str: ...
    @property
    def origins(self) -> NDArray[np.int64] | None: ...


def as_read_only(values: ArrayLike, bits: int, owner: str) -> NDArray[Any]:
    """The values as a read-only row of integers of 32 or 64 bits; no copy where they are that already."""
    given = np.asarray(values)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise ValueError(f"{owner} is {given.dtype} of shape {given.shape}; give whole numbers in one row")
    if given.size and max(-int(given.min()) - 1, int(given.max())) >> (bits - 1):
        raise ValueError(f"{owner} reaches from {given.min()} to {given.max()}; give what fits {bits} bits")
    array = given.astype(f"i{bits // 8}", copy=given.flags.writeable)
    array.flags.writeable = False
    return array


def validate(r: RecordingFields) -> None:
    """Refuse fields that contradict each other."""
    if len(r.labels) == 0:
        raise ValueError(f"{r.name}: no recordings; give at least one (was a folder, subset or part empty?)")
    if not r.shape or min(r.shape) < 1 or prod(r.shape) > np.iinfo(np.int32).max:
        raise ValueError(
            f"{r.name}: shape is {r.shape}; every size must be at least 1, as in (2, 34, 34), and their product below"
            " 2^31"
        )
    if not len(r.time_us) == len(r.site):
        raise ValueError(f"{r.name}: {len(r.time_us)} times but {len(r.site)} sites; give one each an event")
    bounds = [0, *r.starts.tolist(), len(r.site)] if len(r.starts) == len(r.labels) + 1 else [1, 0]
    if bounds[1] != 0 or bounds[-2] != bounds[-1] or (np.diff(r.starts) < 0).any():
        raise ValueError(
            f"{r.name}: starts must rise from 0 to the number of events ({len(r.site)}) in"
            f" {len(r.labels) + 1} values, one more than the {len(r.labels)} labels"
        )
    if r.origins is not None and len(r.origins) != len(r.labels):
        raise ValueError(f"{r.name}: {len(r.origins)} origins for {len(r.labels)} labels; give one a recording")
    _require_inside(r.labels, len(r.classes), f"{r.name}: labels", "the classes; give an index into them")
    _require_inside(r.site, prod(r.shape), f"{r.name}: site", f"shape {r.shape}; crop the events or mend the shape")
    for begin in range(0, len(r.time_us), _AT_ONCE):
        back = begin + np.flatnonzero(np.diff(r.time_us[begin : begin + _AT_ONCE + 1]) < 0) + 1
        back = back[~np.isin(back, r.starts)]
        if len(back):
            raise ValueError(f"{r.name}: time runs backwards at event {back[0]}; sort each recording by time")


def _require_inside(values: NDArray[Any] | PiecedColumn, size: int, owner: str, cure: str) -> None:
    for begin in range(0, len(values), _AT_ONCE):
        some = values[begin : begin + _AT_ONCE]
        outside = (some < 0) | (some >= size)
        if outside.any():
            first = begin + int(outside.argmax())
            raise ValueError(f"{owner}[{first}] is {values[first]}, outside 0 to {size - 1} of {cure}")


def require_whole_ticks(counts: NDArray[Any], frames: int | None, ticks_per_frame: int, name: str) -> int:
    """Number of ticks of ``counts``, refused unless they are counts and make whole frames."""
    if counts.ndim < 3 or counts.dtype.kind not in "iu" or counts.min(initial=0) < 0:
        raise ValueError(
            f"{name}: counts are {counts.dtype} of shape {counts.shape}; give whole numbers of events >= 0"
            " of shape (tick, recording, *shape)"
        )
    total = float(counts.sum(dtype=np.float64))
    if total > _MOST_EVENTS:
        raise ValueError(f"{name}: counts hold {total:.3g} events, more than {_MOST_EVENTS:,}; give fewer recordings")
    ticks = len(counts)
    wanted = ticks // ticks_per_frame if frames is None else frames
    if wanted * ticks_per_frame != ticks or ticks == 0:
        raise ValueError(
            f"{name}: {ticks} ticks are not {wanted} frames of {ticks_per_frame} ticks; let counts have"
            " frames * ticks_per_frame steps"
        )
    return ticks


def name_classes(labels: NDArray[Any], name: str) -> tuple[str, ...]:
    """Classes named by their numbers, up to the largest label."""
    largest = int(labels.max(initial=0))
    if largest > _MOST_CLASSES:
        raise ValueError(f"{name}: labels reach {largest}; give indices into the classes, and their names")
    return tuple(map(str, range(largest + 1)))


def require_tick_length(tick_us: object, ticks: int, name: str) -> int:
    """The length of a tick, refused unless it is whole, positive and so short that times of 32 bits hold all ticks."""
    length = require_whole(f"{name}: tick_us", tick_us, floats=True)
    if length * ticks > _LONGEST_US:
        raise ValueError(
            f"{name}: {ticks:,} ticks of {length:,} us last {length * ticks / 1e6:,.0f} s, longer than times of 32 bits"
            f" ({_LONGEST_US / 1e6:,.0f} s); give tick_us of at most {_LONGEST_US // ticks:,}, or fewer ticks"
        )
    return length
