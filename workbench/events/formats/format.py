"""A file format: how it is recognised and who decodes it; the module of each registers it here."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.events.event_arrays import Events, Sensor
from workbench.events.formats.read_options import ReadOptions, Remarks


@dataclass(frozen=True)
class Format:
    """One format of event files; ``reader`` is who decodes its events, ``magic`` how its files begin, in words.

    ``sniff`` knows the format by a file's first bytes (never, where files of the format have no mark), ``stream``
    yields its events in blocks and ``sensor`` gives the height and width that a file's header names, or None.
    ``running_clock`` marks formats whose time counts from when the camera was switched on, not from the first event;
    ``is_table`` those whose columns, and the unit of whose times, a user may have to give; ``is_common`` those whose
    mark begins many files that hold no events, so that it says little of a file with another suffix. ``last_resort``
    marks those that are recognised by their content, for want of a mark: they are asked when no other format knows a
    file, and a file of their suffix that is none of theirs is taken for a note.
    """

    name: str
    suffixes: tuple[str, ...]
    reader: str
    running_clock: bool
    magic: str
    sniff: Callable[[bytes], bool]
    stream: Callable[[Path, ReadOptions, Remarks], Iterator[Events]]
    sensor: Callable[[Path], Sensor | None]
    is_table: bool = False
    is_common: bool = False
    last_resort: bool = False


FORMATS: list[Format] = []
"""Every format that is read, by name; those that are asked last stand at the end."""


def register(known: Format) -> Format:
    """Let files of a format be read. Raises ValueError for a name that is taken."""
    if any(other.name == known.name for other in FORMATS):
        raise ValueError(f"there is a format {known.name!r} already; register yours by another name")
    insort(FORMATS, known, key=lambda one: (one.last_resort, one.name.casefold()))
    return known


def never_sniffed(head: bytes) -> bool:
    """Of a format whose files begin with no mark: never known by its first bytes.

    >>> never_sniffed(b"anything")
    False
    """
    return False


def no_sensor(path: Path) -> None:
    """Of a format whose files do not name the sensor's size.

    >>> no_sensor(Path("one.bin"))
    """
