"""Event files of all known formats: which one a file is of, and reading it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path

import numpy as np

from workbench.events.event_arrays import Events, Sensor
from workbench.events.formats.column_names import parse_columns
from workbench.events.formats.errors import DamagedFile, refuse_empty, refuse_streams
from workbench.events.formats.format import FORMATS, Format
from workbench.events.formats.read_options import ReadOptions, Remarks
from workbench.events.formats.time_units import require_unit
from workbench.events.remote_files import is_url, local_copy
from workbench.validation import require_whole

HEAD = 2**14  # bytes by which a file is known
_SHOWN = 16


def find_format(path: str | PathLike[str]) -> Format:
    """The format of a file: by its first bytes where a format is known by them, else by its suffix.

    Raises FileNotFoundError where there is no such file, DamagedFile for a file that is not what its suffix says and
    ValueError for a format that is not known, a folder, a FIFO or a device.
    """
    path = _existing(Path(path))
    with path.open("rb") as file:
        head = file.read(HEAD)
    found = _sniff(head)
    if found is not None:
        return found
    named = [known for known in FORMATS if path.suffix.lower() in known.suffixes]
    if not named:
        raise ValueError(f"{path} begins with {head[:_SHOWN]!r}, which no known format does; give one of {_known()}")
    if not named[0].magic:
        return named[0]
    refuse_empty(path)
    marks = " or ".join(f"{known.magic} ({known.name})" for known in named)
    raise DamagedFile(path, f"begins with {head[:_SHOWN]!r} at byte 0, not with {marks}", 0)


def begins_as_recording(path: Path) -> bool:
    """Whether a file begins with the mark of a known format, whatever its name."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    return any(known.sniff(head) for known in FORMATS if not known.is_common)


def is_note(path: Path) -> bool:
    """Whether a file is no recording but text beside recordings: by its suffix a table, but without rows of numbers."""
    suffixes = {suffix for known in FORMATS if known.last_resort for suffix in known.suffixes}
    if path.suffix.lower() not in suffixes or not path.is_file():
        return False
    with path.open("rb") as file:
        return is_head_of_note(file.read(HEAD))


def is_head_of_note(head: bytes) -> bool:
    """Whether what ends as a table begins as none; a file of no bytes is a damaged recording."""
    return bool(head) and _sniff(head) is None


def stream(
    path: str | PathLike[str],
    sensor: tuple[int, int] | None = None,
    events: int = 2**18,
    *,
    columns: str | Sequence[str] | None = None,
    unit: str | None = None,
    on_error: str = "raise",
) -> Iterator[Events]:
    """The events of a file, or of one behind a URL (dtype EVENTS, time in us), in constant memory.

    They come at most ``events`` at a time; what is behind a URL is copied here as long as it is read.

    ``sensor`` (height, width) may decide how a file is laid out that names no chip; places outside are refused, without
    it those outside what the header says. Of a table ``columns`` says which column is which where it does not,
    as "t x y p" (of no use: "-"), and ``unit`` that of its times ("s", "ms", "us", "ns"; without it a unit that is not
    sure is warned of). ``on_error="sort"`` sorts events that are at most a second late, and warns.
    Raises FileNotFoundError, DamagedFile for a file that contradicts its format and ValueError for an unknown one.
    """
    options = make_read_options(sensor, columns, unit, on_error, events)
    remarks = Remarks()
    if is_url(path):
        return _warned(path, _stream_copy(str(path), options, remarks), remarks)
    return _warned(path, stream_with_options(Path(path), options, remarks), remarks)


def stream_with_options(path: Path, options: ReadOptions, remarks: Remarks) -> Iterator[Events]:
    """As ``stream``, but without warnings: what they would say is in ``remarks`` after the last event."""
    known = find_format(path)
    for option in ("columns", "unit"):
        if getattr(options, option) is not None and not known.is_table:
            raise ValueError(f"{path} is a {known.name} file, which has no use for {option}=; leave it out")
    return known.stream(path, options, remarks)


def make_read_options(
    sensor: tuple[int, int] | None = None,
    columns: str | Sequence[str] | None = None,
    unit: str | None = None,
    on_error: str = "raise",
    events: int = 2**18,
) -> ReadOptions:
    """The options of reading, checked. Raises ValueError for what is no size, no column, no unit or no choice."""
    if on_error not in ("raise", "sort"):
        raise ValueError(f"on_error is {on_error!r}; give 'raise' or 'sort'")
    size = require_whole("events", events, floats=True)
    if sensor is not None:
        height, width = sensor
        sensor = (
            require_whole("height of the sensor", height, floats=True),
            require_whole("width of the sensor", width, floats=True),
        )
    return ReadOptions(sensor, None, parse_columns(columns), require_unit(unit), on_error == "sort", size)


def read(
    path: str | PathLike[str],
    sensor: tuple[int, int] | None = None,
    *,
    columns: str | Sequence[str] | None = None,
    unit: str | None = None,
    on_error: str = "raise",
) -> Events:
    """All events of a file in one array; takes and raises what ``stream`` does."""
    remarks, options = Remarks(), make_read_options(sensor, columns, unit, on_error)
    with local_copy(path) as local:
        blocks = list(stream_with_options(local, options, remarks))
    _warn(path, remarks)
    return np.concatenate(blocks)


def sensor(path: str | PathLike[str]) -> Sensor | None:
    """Height and width of the sensor as the file says, None where it does not."""
    with local_copy(path) as local:
        return find_format(local).sensor(local)


def _sniff(head: bytes) -> Format | None:
    return next((known for known in FORMATS if known.sniff(head)), None)


def _stream_copy(url: str, options: ReadOptions, remarks: Remarks) -> Iterator[Events]:
    """The events behind a URL, from a copy that lies here as long as they are read."""
    with local_copy(url) as local:
        yield from stream_with_options(local, options, remarks)


def _warned(path: str | PathLike[str], blocks: Iterator[Events], remarks: Remarks) -> Iterator[Events]:
    yield from blocks
    _warn(path, remarks)


def _warn(path: str | PathLike[str], remarks: Remarks) -> None:
    """Warn the caller of what was noticed."""
    for words in remarks.words:
        warnings.warn(f"{path} {words}", stacklevel=3)


def _existing(path: Path) -> Path:
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give a file of events: {_known()}")
    if not path.exists():
        raise FileNotFoundError(f"no file {path.absolute()}; give the path of a file of events: {_known()}")
    refuse_streams(path)
    return path


def _known() -> str:
    return ", ".join(f"{known.name} ({' '.join(known.suffixes)})" for known in FORMATS)
