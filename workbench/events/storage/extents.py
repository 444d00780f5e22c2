"""Sensor, length and clock of clips, measured by reading them once where they are not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.events.event_arrays import Sensor
from workbench.events.formats.read_options import ReadOptions
from workbench.events.sources.clips import Clip, Extent
from workbench.events.storage.memmap import DamagedStoreError, UnwritableStoreError, Writer, open_rows
from workbench.progress import show_progress
from workbench.validation import whole

_NO_ROWS = np.dtype("u1")
CLOCKS = ("own", "running")
"""What a recording's times count from: its own beginning, or something before it, so that it begins at its first event.
"""


@dataclass(frozen=True)
class MeasuredExtents:
    """What reading all clips once has found: the smallest sensor that holds all events and all sensors that files
    name, how long the longest clip lasts, and the clock of all clips that have none known to be their own.

    From a millisecond on, the length is rounded up to whole milliseconds.
    """

    sensor: Sensor
    longest_us: int
    clock: str

    def __post_init__(self) -> None:
        sizes = (*self.sensor, self.longest_us)
        if len(self.sensor) != 2 or not all((whole(size) or 0) >= 1 for size in sizes) or self.clock not in CLOCKS:
            raise ValueError(f"{self!r} cannot be: sizes are whole numbers of at least 1")


def measure_extents(
    clips: Sequence[Clip],
    options: ReadOptions,
    skip: bool,
    window_us: int | None = None,
    clock: str | None = None,
    progress: bool = False,
) -> MeasuredExtents:
    """Read all clips once, block by block. Damaged ones raise ValueError or OSError, or are skipped.

    Unless the ``clock`` is given, the clips share one: it was running before them if one of them begins before 0, or
    later than the longest of them, and the ``window_us`` if there is one, lasts; else it is their own.

    >>> import numpy as np
    >>> from workbench.events.sources.clips import clip_array
    >>> events = np.array([(3, 1, 50, 1), (0, 0, 400, 0)], dtype=[*zip("xytp", "iiii")])
    >>> measure_extents([clip_array(events, 0, "some")], ReadOptions(), skip=False)
    MeasuredExtents(sensor=(2, 4), longest_us=401, clock='own')
    """
    extents = _measure_all(clips, options, skip, progress)
    clock = clock or _find_clock([extent for clip, extent in extents if not clip.own_clock], window_us or 0)
    lengths = [1]
    for clip, extent in extents:
        begin = extent.first_us if clock == "running" and not clip.own_clock else 0
        lengths.append(extent.last_us + 1 - begin)
    longest = max(lengths)
    height, width = (max([1, *(extent.sensor[axis] for _, extent in extents)]) for axis in (0, 1))
    return MeasuredExtents(
        options.sensor or (height, width), -(-longest // 1000) * 1000 if longest > 1000 else longest, clock
    )


def _measure_all(clips: Sequence[Clip], options: ReadOptions, skip: bool, progress: bool) -> list[tuple[Clip, Extent]]:
    """The clips that have events, each with its extent."""
    extents = []
    with show_progress(len(clips), "measure recordings", "recording", progress) as bar:
        for clip in bar.track(clips):
            try:
                extent = clip.measure(options)
            except (ValueError, OSError):
                if not skip:
                    raise
                continue
            if extent is not None:
                extents.append((clip, extent))
    return extents


def _find_clock(extents: Sequence[Extent], window_us: int) -> str:
    longest = max((extent.last_us - extent.first_us + 1 for extent in extents), default=0)
    begins = [extent.first_us for extent in extents]
    outside = min(begins, default=0) < 0 or max(begins, default=0) > max(longest, window_us)
    return "running" if outside else "own"


def load_or_measure_extents(
    clips: Sequence[Clip], path: Path | None, stamp: dict[str, Any], **settings: Any
) -> MeasuredExtents:
    """The extents that are kept under ``path`` for this ``stamp``; else a new one, which is kept there if it can be."""
    if path is None:
        return measure_extents(clips, **settings)
    try:
        notes = open_rows(path, _NO_ROWS, stamp)[1]
        return MeasuredExtents(tuple(notes["sensor"]), notes["longest_us"], notes["clock"])
    except (OSError, DamagedStoreError, KeyError, TypeError, ValueError):
        found = measure_extents(clips, **settings)
    try:
        with Writer(path, _NO_ROWS, stamp) as writer:
            writer.finish(asdict(found))
    except UnwritableStoreError:
        return found  # `load_or_prepare`, which comes next to the same folder, says so
    return found
