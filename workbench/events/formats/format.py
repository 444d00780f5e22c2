"""A file format: how it is recognised and who decodes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.events.event_arrays import Events, Sensor
from workbench.events.formats.read_options import Reading, Remarks


@dataclass(frozen=True)
class Format:
    """One format of event files; ``reader`` is who decodes its events, ``magic`` how its files begin, in words.

    ``sniff`` knows the format by a file's first bytes (never, where files of the format have no mark), ``stream``
    yields its events in blocks and ``sensor`` tells the height and width that a file's header names, or None.
    ``running_clock`` marks formats whose time counts from when the camera was switched on, not from the first event;
    ``is_table`` those whose columns, and the unit of whose times, a user may have to tell; ``is_common`` those whose
    mark begins many files that hold no events, so that it says little of a file with another suffix.
    """

    name: str
    suffixes: tuple[str, ...]
    reader: str
    running_clock: bool
    magic: str
    sniff: Callable[[bytes], bool]
    stream: Callable[[Path, Reading, Remarks], Iterator[Events]]
    sensor: Callable[[Path], Sensor | None]
    is_table: bool = False
    is_common: bool = False


def unmarked(head: bytes) -> bool:
    """Of a format whose files begin with no mark: never known by its first bytes.

    >>> unmarked(b"anything")
    False
    """
    return False


def untold(path: Path) -> None:
    """Of a format whose files do not tell the sensor's size.

    >>> untold(Path("one.bin"))
    """
