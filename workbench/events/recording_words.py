"""What recordings say of themselves when they are printed."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from workbench.events.binning import describe_clipped, describe_unbinned
from workbench.events.pieced_column import PiecedColumn
from workbench.events.recording_checks import RecordingFields


class CountedRecordings(RecordingFields, Protocol):
    """The fields of recordings that are told here."""

    @property
    def frames(self) -> int: ...
    @property
    def ticks_per_frame(self) -> int: ...
    @property
    def window_us(self) -> int: ...
    @property
    def clip(self) -> int | None: ...
    @property
    def left_out(self) -> int: ...
    @property
    def clipped(self) -> int: ...
    def __len__(self) -> int: ...


def describe_recordings(recordings: CountedRecordings) -> str:
    """How many there are, of which classes, shape and bins, how many events, and what of these is not counted."""
    sizes = np.diff(recordings.starts)
    rate = sizes.mean() / recordings.window_us * 1000
    lines = [
        f"Recordings {recordings.name}: {len(recordings):,} recordings of {len(recordings.classes)} classes",
        f"  classes: {', '.join(recordings.classes)}",
        f"  shape {recordings.shape}, {recordings.frames} frames x {recordings.ticks_per_frame} ticks"
        f" over {recordings.window_us / 1000:g} ms",
        f"  {sizes.mean():,.0f} events a recording ({sizes.min():,} to {sizes.max():,}),"
        f" {rate:,.1f} events a millisecond",
    ]
    if isinstance(recordings.time_us, PiecedColumn) and recordings.time_us.is_late:
        return "\n".join([*lines, "  events are read from their files when they are asked for"])
    outside = recordings.left_out
    lines += [f"  {describe_unbinned(outside, 'the window')}"] if outside else []
    return "\n".join(lines) + describe_clipped(recordings.clipped, recordings.clip)
