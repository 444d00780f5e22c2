"""The formats of event files that are read, and reading by them."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import numpy as np

from workbench.events.formats import aedat2, aedat3, aedat4, arrays, dat, evt2, evt3, hdf5, nmnist
from workbench.events.formats.damage import DamagedFile, refuse_empty
from workbench.events.formats.format import Format
from workbench.events.layout import Events, Sensor
from workbench.events.validity import positive

FORMATS: tuple[Format, ...] = (
    nmnist.FORMAT,
    aedat2.FORMAT,
    aedat3.FORMAT,
    aedat4.FORMAT,
    dat.FORMAT,
    evt2.FORMAT,
    evt3.FORMAT,
    arrays.FORMAT,
    hdf5.FORMAT,
)

_HEAD = 2**14
_SHOWN = 16


def find_format(path: str | PathLike[str]) -> Format:
    """The format of a file: by its first bytes where they tell, else by its suffix.

    Raises FileNotFoundError where there is no such file, DamagedFile for a file that is not what its suffix says and
    ValueError for a format that is not known.
    """
    path = _existing(Path(path))
    with path.open("rb") as file:
        head = file.read(_HEAD)
    for known in FORMATS:
        if known.sniff(head):
            return known
    named = [known for known in FORMATS if path.suffix.lower() in known.suffixes]
    if not named:
        raise ValueError(f"{path} begins with {head[:_SHOWN]!r}, which no known format does; give one of {_known()}")
    if not named[0].magic:
        return named[0]
    refuse_empty(path)
    marks = " or ".join(f"{known.magic} ({known.name})" for known in named)
    raise DamagedFile(path, f"begins with {head[:_SHOWN]!r} at byte 0, not with {marks}", 0)


def begins_as_one(path: Path) -> bool:
    """Whether a file begins as those of a known format do, whatever its name."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return any(known.sniff(head) for known in FORMATS)


def stream(
    path: str | PathLike[str], sensor: tuple[int, int] | None = None, events: int = 2**18
) -> Iterator[Events]:  # fmt: skip
    """The events of a file (dtype EVENTS, time in us), at most ``events`` at a time, in constant memory.

    Places outside ``sensor``, a height and a width, are refused; without it those outside what the header tells.
    Raises FileNotFoundError, DamagedFile for a file that contradicts its format and ValueError for an unknown one.
    """
    size = positive(events, "events")
    if sensor is not None:
        sensor = (positive(sensor[0], "height of the sensor"), positive(sensor[1], "width of the sensor"))
    return find_format(path).stream(Path(path), sensor, size)


def read(path: str | PathLike[str], sensor: tuple[int, int] | None = None) -> Events:
    """All events of a file in one array; raises what ``stream`` raises."""
    return np.concatenate(list(stream(path, sensor)))


def sensor(path: str | PathLike[str]) -> Sensor | None:
    """Height and width of the sensor as the file's header tells them, None where it does not."""
    return find_format(path).sensor(Path(path))


def _existing(path: Path) -> Path:
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give a file of events: {_known()}")
    if not path.exists():
        raise FileNotFoundError(f"no file {path.absolute()}; give the path of a file of events: {_known()}")
    return path


def _known() -> str:
    return ", ".join(f"{known.name} ({' '.join(known.suffixes)})" for known in FORMATS)
