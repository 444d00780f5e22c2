"""Moments and lengths of time as they are said; the convention stands in docs/conventions.md."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

ROUNDING = 1e-6  # of a frame: what a time computed as (step + 1) / ticks_per_frame may be off by


def frame_of(times: ArrayLike) -> NDArray[np.int64]:
    """The frames, counted from 0, in which steps lie that end at these times (frames).

    >>> frame_of([0.25, 1.0, 1.25]).tolist()
    [0, 0, 1]
    """
    ends = np.asarray(times, dtype=np.float64)
    return np.maximum(np.ceil(ends - ROUNDING).astype(np.int64) - 1, 0)


def moment(time: float, step: float | None = None) -> str:
    """The moment at which a step ends, in words: its frame, and its tick where a frame has several.

    `time` is in frames, as the column `frame` of `wb.compare` says, `step` that of the same row.

    >>> moment(4.0), moment(4.0, step=3), moment(3.25, step=12)
    ('frame 3', 'frame 3', 'frame 3, tick 12')
    """
    frame = int(frame_of(time))
    ticks = step is not None and not math.isclose(step + 1, time, rel_tol=0, abs_tol=ROUNDING)
    return f"frame {frame}, tick {int(step or 0)}" if ticks else f"frame {frame}"


def duration(frames: float) -> str:
    """A length of time in words.

    >>> duration(1), duration(3.5)
    ('1 frame', '3.5 frames')
    """
    number = f"{float(f'{frames:.4g}'):g}"
    return f"{number} frame{'s' * (number != '1')}"
