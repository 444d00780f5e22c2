"""The parts of a batch: learned one after the other, by several processes side by side, or both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class BatchPart:
    """The recordings `begin` .. `end` - 1 of a batch `of` so many."""

    begin: int
    end: int
    of: int

    @classmethod
    def whole(cls, count: int) -> BatchPart:
        """All recordings of a batch."""
        return cls(0, count, count)

    @property
    def weight(self) -> float:
        """Its share of the batch, by which its mean counts in the mean of the batch."""
        return (self.end - self.begin) / self.of


def divide_batch(count: int, turns: int, process: int = 0, processes: int = 1) -> list[BatchPart]:
    """The parts of a batch that one process learns, one a turn; those of all processes together are the batch.

    A turn is a stretch of the batch, and is divided among the processes: which recordings are learned together depends
    on the turns, never on the processes. Parts differ by one recording at most.

    >>> [[(part.begin, part.end) for part in divide_batch(10, 2, process, 2)] for process in range(2)]
    [[(0, 3), (5, 8)], [(3, 5), (8, 10)]]
    """
    found = []
    for begin, end in _cut(0, count, turns):
        found.append(BatchPart(*_cut(begin, end, processes)[process], count))
    return found


def require_parts(count: int, batch: int, turns: int, processes: int) -> None:
    """ValueError, with the cure, where a batch of an epoch has no recording for a turn of a process.

    >>> require_parts(count=42, batch=14, turns=5, processes=3)
    Traceback (most recent call last):
    ValueError: a batch of 14 recordings cannot be divided among 5 turns of 3 processes; take batch=15 or more, or fewer
    """
    rounds = math.ceil(count / batch)
    smallest = count // rounds
    if smallest < turns * processes:
        shared = f"{turns} turns" if turns > 1 else ""
        shared += " of " if shared and processes > 1 else ""
        shared += f"{processes} processes" if processes > 1 else ""
        enough = f"batch={turns * processes} or more" if batch < turns * processes else "another batch"
        enough = enough if count >= turns * processes else "more recordings"
        raise ValueError(
            f"a batch of {smallest} recording{'s' * (smallest > 1)} cannot be divided among {shared}; take {enough}, "
            "or fewer"
        )


def _cut(begin: int, end: int, pieces: int) -> list[tuple[int, int]]:
    """Nearly equal stretches, the longer ones first."""
    length, longer = divmod(end - begin, pieces)
    firsts = [begin + length * piece + min(piece, longer) for piece in range(pieces + 1)]
    return list(pairwise(firsts))
