"""What processes agree on: that they train the same, from the same state, and what validation has found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.events import Recordings
from workbench.training.checkpoints import Checkpoint, TrainingState
from workbench.training.processes.group import Group


def require_same(identities: Sequence[Mapping[str, Any]]) -> None:
    """ValueError, with what differs, unless all processes train the same model in the same way.

    >>> require_same([{"seed": 0, "batch": 8}, {"seed": 1, "batch": 8}])
    Traceback (most recent call last):
    ValueError: the processes of fabric train differently: process 2 differs from process 1 in seed; give all the same
    """
    first = dict(identities[0])
    for number, other in enumerate(identities[1:], start=2):
        differing = [name for name in {**first, **other} if first.get(name) != other.get(name)]
        if differing:
            raise ValueError(
                f"the processes of fabric train differently: process {number} differs from process 1 in "
                f"{', '.join(differing)}; give all the same"
            )


def resume_together(group: Group, saved: Checkpoint | None, state: TrainingState) -> None:
    """Let all processes go on where the checkpoint of the first one ends, however many have written it.

    What is wrong with the file is said in all of them.
    """
    error, found = None, None
    if saved is not None and saved.path.exists():
        try:
            saved.resume(state)
        except (ValueError, OSError) as wrong:
            if group.size == 1:
                raise
            error = wrong
        numbers = {prefix: model.state_dict() for prefix, model in state.models().items()}
        found = numbers, state.optimizer.state_dict(), state.history
    if group.size == 1:
        return
    error, found = group.of_first((error, None if error else found))
    if error is not None:
        raise error
    if found is not None and group.rank:
        numbers, moments, state.history = found
        state.best = state.model.copy()
        for prefix, model in state.models().items():
            model.load_state_dict(numbers[prefix])
        state.optimizer.load_state_dict(moments)


def take_share(recordings: Recordings | None, group: Group) -> Recordings | None:
    """The recordings that one process validates with: a stretch of them, or all where there are too few to divide."""
    if recordings is None or group.size == 1 or len(recordings) < group.size:
        return recordings
    begin, end = (len(recordings) * place // group.size for place in (group.rank, group.rank + 1))
    return recordings[begin:end]


def average_together(group: Group, found: Mapping[str, float], count: int) -> dict[str, float]:
    """What validation has found with `count` recordings, of those of all processes together."""
    if group.size == 1:
        return dict(found)
    right = round(found["accuracy"] * count)  # exactly, so that equal accuracies stay equal
    losses, all_right, total = group.total([found["loss"] * count, right, count])
    return {"loss": losses / total, "accuracy": all_right / total}
