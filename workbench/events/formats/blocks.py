"""Blocks of decoded events: checked in passing, and cut to the asked size."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.events.formats.damage import DamagedFile
from workbench.events.layout import EVENTS, Events, Sensor

WIDEST: Sensor = (2**15, 2**15)
"""What the fields x and y can hold."""


@dataclass(frozen=True)
class Block:
    """Some events in the file's order: columns of equal length, the time in microseconds, and where each is.

    ``place`` is the byte of each event in the file, or its number, as ``unit`` ("byte", "event") tells.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    t: NDArray[np.int64]
    p: NDArray[Any]
    place: NDArray[np.int64]
    unit: str = "byte"


def check(path: Path, blocks: Generator[Block], sensor: Sensor | None, events: int) -> Iterator[Events]:
    """The events of ``blocks``, ``events`` at a time.

    Raises DamagedFile for a place outside ``sensor``, a step back in time, also between blocks, or no event at all.
    """
    return cut(_checked(path, blocks, sensor or WIDEST), events)


def cut(parts: Iterable[Events], events: int) -> Iterator[Events]:
    """The same events in blocks of exactly ``events``, but for the last.

    >>> [len(block) for block in cut([np.zeros(5, EVENTS), np.zeros(2, EVENTS)], 3)]
    [3, 3, 1]
    """
    waiting: list[Events] = []
    count = 0
    for part in parts:
        waiting.append(part)
        count += len(part)
        if count < events:
            continue
        whole = np.concatenate(waiting) if len(waiting) > 1 else part
        full = count - count % events
        for start in range(0, full, events):
            yield whole[start : start + events].copy()
        waiting, count = [whole[full:].copy()], count - full
    if count:
        yield np.concatenate(waiting)


def refuse_backwards(
    path: Path, time: NDArray[np.int64], place: NDArray[np.int64], last: int, unit: str = "byte"
) -> None:
    """Raise DamagedFile for the first time that is before the one before it, ``last`` being before them all."""
    before = np.concatenate([[last], time[:-1]])
    back = time < before
    if back.any():
        bad = int(back.argmax())
        step = f"from {before[bad]} to {time[bad]} us"
        raise misplaced(path, "runs backwards in time", unit, int(place[bad]), step)


def misplaced(path: Path, fact: str, unit: str, place: int, rest: str) -> DamagedFile:
    """What is wrong with one event, and where: "has x = 9, y = 1 at byte 5, outside 8 x 8"."""
    return DamagedFile(path, f"{fact} at {unit} {place}, {rest}", place if unit == "byte" else None)


def _checked(path: Path, blocks: Generator[Block], sensor: Sensor) -> Iterator[Events]:
    last: int | None = None
    with closing(blocks):  # an error's traceback must not keep the file open
        for block in blocks:
            if len(block.t) == 0:
                continue
            _refuse_outside(path, block, sensor)
            refuse_backwards(path, block.t, block.place, 0 if last is None else last, block.unit)
            last = int(block.t[-1])
            found = np.empty(len(block.t), dtype=EVENTS)
            for field in "xytp":
                found[field] = getattr(block, field)
            yield found
    if last is None:
        raise DamagedFile(path, "holds no events")


def _refuse_outside(path: Path, block: Block, sensor: Sensor) -> None:
    height, width = sensor
    outside = (block.x < 0) | (block.x >= width) | (block.y < 0) | (block.y >= height)
    if outside.any():
        bad = int(outside.argmax())
        fact = f"has x = {block.x[bad]}, y = {block.y[bad]}"
        raise misplaced(path, fact, block.unit, int(block.place[bad]), f"outside {height} x {width}")
