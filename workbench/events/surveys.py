"""A first look at clips whose sensor or length nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.events.clips import Clip
from workbench.events.formats.reading import Reading, Remarks
from workbench.events.layout import Sensor
from workbench.events.store import DamagedStoreError, UnwritableStoreError, Writer, open_rows

_NO_ROWS = np.dtype("u1")


@dataclass(frozen=True)
class Survey:
    """What a first reading found: the smallest sensor that holds all events and all sensors that files name, and how
    long the longest clip lasts.

    From a millisecond on, the length is rounded up to whole milliseconds.
    """

    sensor: Sensor
    longest_us: int


def survey(clips: Sequence[Clip], reading: Reading, skip: bool) -> Survey:
    """Read all clips once, block by block. Damaged ones raise ValueError or OSError, or are skipped.

    >>> import numpy as np
    >>> from workbench.events.clips import clip_array
    >>> events = np.array([(3, 1, 50, 1), (0, 0, 400, 0)], dtype=[*zip("xytp", "iiii")])
    >>> survey([clip_array(events, 0, "some")], Reading(), skip=False)
    Survey(sensor=(2, 4), longest_us=401)
    """
    height = width = longest = 1
    for clip in clips:
        begin, end = None, 0
        try:
            tall, wide = (clip.told() if clip.told else None) or (1, 1)
            for block in clip.blocks(reading, Remarks()):
                if len(block):
                    begin = int(block["t"][0]) if begin is None else begin
                    end = int(block["t"][-1])
                    tall, wide = max(tall, int(block["y"].max()) + 1), max(wide, int(block["x"].max()) + 1)
        except (ValueError, OSError):
            if not skip:
                raise
            continue
        if begin is not None:
            longest = max(longest, end + 1 - (0 if 0 <= begin <= end - begin else begin))  # the clock ran before
            height, width = max(height, tall), max(width, wide)
    return Survey(reading.sensor or (height, width), -(-longest // 1000) * 1000 if longest > 1000 else longest)


def recall(clips: Sequence[Clip], reading: Reading, skip: bool, path: Path | None, stamp: dict[str, Any]) -> Survey:
    """The survey that is kept under ``path`` for this ``stamp``; else a new one, which is kept there if it can be."""
    if path is None:
        return survey(clips, reading, skip)
    try:
        height_width, longest = (open_rows(path, _NO_ROWS, stamp)[1][name] for name in ("sensor", "longest_us"))
        return Survey((height_width[0], height_width[1]), longest)
    except (FileNotFoundError, DamagedStoreError, NotADirectoryError, KeyError, TypeError, ValueError):
        found = survey(clips, reading, skip)
    try:
        with Writer(path, _NO_ROWS, stamp) as writer:
            writer.finish(asdict(found))
    except UnwritableStoreError:
        return found  # `gather`, which comes next to the same folder, says so
    return found
