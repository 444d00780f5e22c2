"""Clips: labelled stretches of events that are read only when they are needed, and collections of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.events import formats
from workbench.events.event_arrays import Events, Sensor
from workbench.events.formats.column_checks import refuse_other_types
from workbench.events.formats.column_tables import Columns, Table, stream_table
from workbench.events.formats.errors import DamagedFile
from workbench.events.formats.npy import map_columns, refuse_given_columns, take_columns
from workbench.events.formats.read_options import DEFAULT_OPTIONS, ReadOptions, Remarks
from workbench.events.formats.registry import stream_with_options

_CURE = (
    "give events in order of time: whole pixels and microseconds, polarity 0 or 1; or leave it out, or say what helps:"
    ' unit="s", on_error="sort"'
)

Blocks = Callable[[ReadOptions, Remarks], Iterator[Events]]
"""Reads events block by block, with options, and remarks what deserves a warning."""


@dataclass(frozen=True)
class Clip:
    """One labelled stretch of events: how to read it, and what it is called in messages.

    ``own_clock``: whether its times are known to count from its own beginning; else they may count from when a camera
    was switched on, or a longer recording began. ``stamp`` changes when its events may have changed; None where that
    cannot be known. ``file_sensor`` gives the sensor that its file names, if any. ``extent`` is there
    where it has been read before.
    """

    name: str
    label: int
    blocks: Blocks
    own_clock: bool = False
    stamp: str | None = None
    file_sensor: Callable[[], Sensor | None] | None = None
    extent: Extent | None = None

    def measure(self, options: ReadOptions) -> Extent | None:
        """Its extent, read block by block unless it is known; ValueError and OSError as its blocks raise them."""
        if self.extent is not None and options.columns is None and options.unit is None:
            return self.extent
        return measure_extent(
            self.blocks(options, Remarks()), (self.file_sensor() if self.file_sensor else None) or (1, 1)
        )


@dataclass(frozen=True)
class Extent:
    """From when to when a clip has events (its first and its last), and the smallest sensor that holds all of them."""

    first_us: int
    last_us: int
    sensor: Sensor


def measure_extent(blocks: Iterable[Events], sensor: Sensor = (1, 1)) -> Extent | None:
    """The extent of events in order of time, of at least this sensor; None where there are none.

    >>> import numpy as np
    >>> events = np.array([(3, 1, 50, 1), (0, 0, 400, 0)], dtype=[*zip("xytp", "iiii")])
    >>> measure_extent([events])
    Extent(first_us=50, last_us=400, sensor=(2, 4))
    """
    first, last, (height, width) = None, 0, sensor
    for block in blocks:
        if len(block):
            first = int(block["t"][0]) if first is None else first
            last = int(block["t"][-1])
            height, width = max(height, int(block["y"].max()) + 1), max(width, int(block["x"].max()) + 1)
    return None if first is None else Extent(first, last, (height, width))


def hold_nothing() -> None:
    """Of clips that hold nothing."""


@dataclass(frozen=True)
class Collection:
    """Clips of a data set, divided into training and test ones, and what is known of them before they are read.

    ``close`` lets go of what was made ready ahead of the reading, when that has ended.
    """

    name: str
    classes: tuple[str, ...]
    train: tuple[Clip, ...]
    test: tuple[Clip, ...]
    divided: str
    sensor: Sensor | None = None
    window_us: int | None = None
    polarities: int = 2
    close: Callable[[], None] = hold_nothing


def clip_file(path: Path, label: int, own_clock: bool = False) -> Clip:
    """The clip that is a whole file, in any format that `formats.FORMATS` lists.

    It begins at its first event where a format's clock runs from when the camera was switched on, unless the
    recordings of a set are known to have a clock of their own.
    """

    def blocks(options: ReadOptions, remarks: Remarks) -> Iterator[Events]:
        origin = 0 if own_clock or not formats.find_format(path).running_clock else None
        for block in stream_with_options(path, options, remarks):
            origin = int(block["t"][0]) if origin is None else origin
            block["t"] -= origin
            yield block

    return Clip(str(path), label, blocks, own_clock, fingerprint_file(path), lambda: formats.sensor(path))


def clip_interval(path: Path, label: int, begin_us: int, end_us: int) -> Clip:
    """The clip that is the events of a file from one time to another, by the clock of the file."""

    def blocks(options: ReadOptions, remarks: Remarks) -> Iterator[Events]:
        for block in stream_with_options(path, options, remarks):
            first, last = np.searchsorted(block["t"], [begin_us, end_us])
            if last > first:
                part = block[first:last].copy()
                part["t"] -= begin_us
                yield part
            if last < len(block):
                return

    name = f"{path} from {begin_us} to {end_us} us"
    return Clip(name, label, blocks, True, f"{fingerprint_file(path)} {begin_us} {end_us}")


def clip_array(events: Any, label: int, name: str, own_clock: bool = False, extent: Extent | None = None) -> Clip:
    """The clip that is a structured array in memory, or a function that gives one."""

    def blocks(options: ReadOptions, remarks: Remarks) -> Iterator[Events]:
        yield require_events(events() if callable(events) else events, name, options, remarks)

    return Clip(name, label, blocks, own_clock, extent=extent)


def fingerprint_file(path: Path) -> str:
    """A text that changes when the file does: its path, size, times of writing and of any change, and its inode.

    The time of writing can be set by whoever writes, that of a change cannot; another file of the same name has
    another inode.
    """
    status = path.stat()
    return f"{path.absolute()} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"


def require_events(
    events: Any, owner: str, options: ReadOptions = DEFAULT_OPTIONS, remarks: Remarks | None = None
) -> Events:
    """The events as type EVENTS, a row y of zeros where there is none (as in recordings of sound).

    ValueError, naming owner and event, for what is no structured array x, t, p (or one of given columns), for times
    that run backwards or are no whole numbers, and for a place outside the sensor.

    >>> import numpy as np
    >>> require_events(np.array([(3, 7, 1)], dtype=[("x", int), ("t", int), ("p", int)]), "a tone").tolist()
    [(3, 0, 7, True)]
    """
    path, given = Path(owner), np.asarray(events)
    if given.dtype.names is None and given.ndim == 2 and options.columns is not None:
        naming = map_columns(path, given.dtype, given.shape, options)
        columns, unit = take_columns(given, naming), naming.unit
    else:
        refuse_given_columns(path, options)
        columns, unit = _take_fields(owner, given), None
    one_block = replace(options, columns=None, events=max(1, len(given)))
    try:
        table = Table(lambda count: _yield_all(columns), unit)
        return np.concatenate(list(stream_table(path, table, one_block, remarks or Remarks())))
    except DamagedFile as error:
        raise ValueError(f"{owner} {error.fact}; {_CURE}") from None


def _take_fields(owner: str, given: NDArray[Any]) -> Columns:
    missing = {"x", "t", "p"} - set(given.dtype.names or ())
    if missing or given.ndim != 1:
        what = f"lacks the field {', '.join(sorted(missing))}" if given.dtype.names else f"is {given.dtype}"
        raise ValueError(f"{owner} {what} (shape {given.shape}); give a structured array with the fields x, y, t, p")
    names, nothing = given.dtype.names or (), np.zeros(len(given), dtype=np.int64)
    columns = {field: given[field] if field in names else nothing for field in "xytp"}
    for field, values in columns.items():
        refuse_other_types(Path(owner), field, values.dtype)
    return columns


def _yield_all(columns: Columns) -> Generator[Columns]:
    """All events of an array in one part, as a file's are in many."""
    yield columns
