"""Events in the order of time: steps back refused, or, where they are small, sorted."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.events.formats.errors import CURE, DamagedFile
from workbench.events.formats.event_blocks import Block, event_error, join
from workbench.events.formats.read_options import Remarks

LATE_US = 1_000_000
"""A little: what stands at most so long behind a later event is sorted when that is asked for."""

_HELD = 2**20
_AT_ONCE = 2**16
_SORT = f'{CURE}, or let steps back of at most {LATE_US // 1_000_000} s be sorted, by on_error="sort"'


def refuse_backwards(
    path: Path, time: NDArray[np.int64], place: NDArray[np.int64], last: int, unit: str = "byte"
) -> None:
    """Raise DamagedFile for the first time that is before the one before it, ``last`` being before them all."""
    before = np.concatenate([[last], time[:-1]])
    back = time < before
    if back.any():
        bad = int(back.argmax())
        raise _backwards(path, unit, int(place[bad]), int(before[bad]), int(time[bad]))


def require_order(path: Path, blocks: Iterable[Block]) -> Generator[Block]:
    """The blocks as they are. Raises DamagedFile for a step back in time, also between blocks, or a time before 0."""
    last = 0
    for block in blocks:
        refuse_backwards(path, block.t, block.place, last, block.unit)
        last = int(block.t[-1])
        yield block


def sort_late_events(path: Path, blocks: Iterable[Block], remarks: Remarks) -> Generator[Block]:
    """All events in the order of time, those of equal time in the order of the file: a stable sort of them all.

    An event may stand at most ``LATE_US`` behind a later one: what was read in that time waits in memory, of more than
    a million events the last ones. ``remarks`` counts what was late. Raises DamagedFile for a larger step back, or a
    time before 0.
    """
    waiting = list[Block]()  # the first one sorted already
    count = held = latest = given = 0
    for block in blocks:
        latest = _track_latest(path, block, latest, given, remarks)
        waiting.append(block)
        count += len(block)
        if count - held < max(_AT_ONCE, held // 2):
            continue
        ordered = _sort(waiting)
        free = max(int(np.searchsorted(ordered.t, latest - LATE_US, side="right")), count - _HELD)
        if free:
            given = int(ordered.t[free - 1])
            yield ordered.choose(slice(free))
        waiting = [ordered.choose(slice(free, None))]
        count = held = count - free
    if count:
        yield _sort(waiting)


def _sort(blocks: list[Block]) -> Block:
    block = join(blocks)
    return block.choose(np.argsort(block.t, kind="stable"))


def _track_latest(path: Path, block: Block, latest: int, given: int, remarks: Remarks) -> int:
    """The latest time so far. Raises DamagedFile for an event that is too late to be sorted, and counts the others."""
    reached = np.maximum.accumulate(np.concatenate([[latest], block.t]))
    behind = reached[:-1] - block.t
    too_late = (behind > LATE_US) | (block.t < given) | (block.t < 0)
    if too_late.any():
        bad = int(too_late.argmax())
        step = int(reached[bad]), int(block.t[bad])
        rest = ", further than is sorted (1 s, or a million events)" if step[1] >= 0 else ""
        raise _backwards(path, block.unit, int(block.place[bad]), *step, rest, CURE)
    remarks.late += int((behind > 0).sum())
    remarks.latest_us = max(remarks.latest_us, int(behind.max()))
    return int(reached[-1])


def _backwards(
    path: Path, unit: str, place: int, before: int, time: int, rest: str = "", cure: str = _SORT
) -> DamagedFile:
    cure = CURE if time < 0 else cure
    return event_error(path, "runs backwards in time", unit, place, f"from {before} to {time} us{rest}", cure)
