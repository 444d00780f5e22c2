"""Which epoch a training returns, and by which recordings it is chosen: never by those of the test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workbench.events import Recordings

SELECTIONS = ("last", "best")
HELD_BACK = 0.1  # of every class, where the best epoch is to be chosen and no recordings are given to choose it by


def require_selection(select: object) -> None:
    """ValueError unless it says which epoch to return, or which share of the recordings chooses it.

    >>> require_selection("test")
    Traceback (most recent call last):
    ValueError: select='test' is unknown; choose from last, best, or give the share of the training recordings ...
    """
    is_share = isinstance(select, float) and 0 < select < 1
    if select is not None and select not in SELECTIONS and not is_share:
        raise ValueError(
            f"select={select!r} is unknown; choose from {', '.join(SELECTIONS)}, or give the share of the training "
            "recordings that is held back to choose the best epoch, such as 0.1"
        )


def selects_best(select: str | float | None, patience: int | None) -> bool:
    """Whether the best epoch is returned, and not the last: by default where a training may end early."""
    return patience is not None if select is None else select != "last"


def rank(row: Mapping[str, float]) -> tuple[float, float]:
    """By what epochs are compared, the least is the best: validation accuracy, then loss."""
    return -row.get("validation_accuracy", 0.0), row["loss"]


def find_best(history: Sequence[Mapping[str, float]]) -> int:
    """The place of the best row of a history.

    >>> find_best([{"loss": 2.0}, {"loss": 1.0}, {"loss": 1.0}])
    1
    """
    return min(range(len(history)), key=lambda place: rank(history[place]))


def is_over(history: Sequence[Mapping[str, float]], patience: int | None) -> bool:
    """Whether so many epochs have gone by since the best one."""
    return patience is not None and len(history) > patience and len(history) - 1 - find_best(history) >= patience


def hold_back(
    recordings: Recordings, validation: Recordings | None, select: str | float | None, patience: int | None, seed: int
) -> tuple[Recordings, Recordings | None]:
    """The recordings to learn, and those by which the best epoch is chosen: given, or held back class by class.

    ValueError where a share is held back and recordings are given as well, or where a class has too few.
    """
    if isinstance(select, float) and validation is not None:
        raise ValueError(
            f'select={select:g} holds back a part of the recordings, but validation is given; use select="best", or '
            "leave validation out"
        )
    if validation is not None or not selects_best(select, patience):
        return recordings, validation
    share = select if isinstance(select, float) else HELD_BACK
    try:
        held_back, seen = recordings.split(share, seed)
    except ValueError as error:
        raise ValueError(
            f"select={select!r}: {share:g} of the {len(recordings)} training recordings cannot be held back ({error}); "
            "give validation, or a larger share"
        ) from error
    return seen, held_back
