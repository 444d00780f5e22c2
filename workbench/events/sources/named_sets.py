"""The data sets that `load` knows by name: the module of each registers it here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workbench.events.dataset import Dataset
from workbench.events.sources.clips import Collection
from workbench.events.sources.location import Location


@dataclass(frozen=True)
class RecordedSet:
    """A published set of recordings: where it lies on disk, and how its clips are collected from there.

    ``collect(root, split, seed, **options)`` gives its clips; ``options`` names the arguments of `load` that it takes
    beyond those that every recorded set takes.
    """

    location: Location
    collect: Callable[..., Collection]
    options: tuple[str, ...] = ()


GENERATED_SETS: dict[str, Callable[..., Dataset]] = {}
"""How each generated set is made, ``generate(seed, progress=...)``, by name."""

RECORDED_SETS: dict[str, RecordedSet] = {}
"""The sets of recordings, by name."""


def register_generated(name: str, generate: Callable[..., Dataset]) -> None:
    """Let `load` know a set that ``generate(seed, progress=...)`` makes, with a bar or without.

    Raises ValueError for a name that is taken.
    """
    _refuse_taken(name)
    GENERATED_SETS[name] = generate


def register_recorded(location: Location, collect: Callable[..., Collection], options: tuple[str, ...] = ()) -> None:
    """Let `load` know a set of recordings, by the name in its location. Raises ValueError for a name that is taken."""
    _refuse_taken(location.name)
    RECORDED_SETS[location.name] = RecordedSet(location, collect, options)


def known_names() -> list[str]:
    """The names of all known sets: the generated ones, then the recorded ones, each in alphabetical order.

    >>> known_names()[:3]
    ['digits', 'motion', 'cifar10-dvs']
    """
    return [*sorted(GENERATED_SETS), *sorted(RECORDED_SETS)]


def _refuse_taken(name: str) -> None:
    if name in GENERATED_SETS or name in RECORDED_SETS:
        raise ValueError(f"there is a data set {name!r} already; register yours by another name")
