"""Blocks of decoded events, as readers hand them on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.events.event_arrays import EVENTS, Events
from workbench.events.formats.errors import CURE, DamagedFile


@dataclass(frozen=True)
class Block:
    """Some events in the file's order: columns of equal length, the time in microseconds, and where each is.

    ``place`` is the byte of each event in the file, or its number or line: ``unit`` is "byte", "event" or "line".
    """

    x: NDArray[Any]
    y: NDArray[Any]
    t: NDArray[np.int64]
    p: NDArray[Any]
    place: NDArray[np.int64]
    unit: str = "byte"

    def __len__(self) -> int:
        return len(self.t)

    def choose(self, which: slice | NDArray[Any]) -> Block:
        """Some of the events, or all in another order."""
        return Block(self.x[which], self.y[which], self.t[which], self.p[which], self.place[which], self.unit)

    def pack(self) -> Events:
        """The events as one structured array of type EVENTS."""
        packed = np.empty(len(self), dtype=EVENTS)
        for field in "xytp":
            packed[field] = getattr(self, field)
        return packed


def join(blocks: Sequence[Block]) -> Block:
    """The events of several blocks of one file, one after the other."""
    if len(blocks) == 1:
        return blocks[0]
    fields = ("x", "y", "t", "p", "place")
    x, y, t, p, place = (np.concatenate([getattr(block, field) for block in blocks]) for field in fields)
    return Block(x, y, t, p, place, blocks[0].unit)


def rechunk(parts: Iterable[Events], events: int) -> Iterator[Events]:
    """The same events in arrays of exactly ``events``, but for the last.

    >>> [len(block) for block in rechunk([np.zeros(5, EVENTS), np.zeros(2, EVENTS)], 3)]
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


def event_error(path: Path, fact: str, unit: str, place: int, rest: str, cure: str = CURE) -> DamagedFile:
    """What is wrong with one event, and where: "has x = 9, y = 1 at byte 5, outside 8 x 8"."""
    return DamagedFile(path, f"{fact} at {unit} {place:d}, {rest}", place if unit == "byte" else None, cure)
