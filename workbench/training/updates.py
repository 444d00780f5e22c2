"""What a training tells while it goes on, and how it is told to end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Update:
    """Where a training stands after a batch: of this epoch (from 1), batches done, loss and accuracy so far.

    `history` has a row for every epoch that has ended.
    """

    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    accuracy: float
    history: tuple[dict[str, float], ...]


Callback = Callable[[Update], bool | None]


class StopTraining(Exception):
    """A callback has asked a training to end."""
