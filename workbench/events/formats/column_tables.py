"""Tables of events: columns x, y, t and p that are read a part at a time, whatever file they lie in."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from workbench.events.event_arrays import Events, Sensor
from workbench.events.formats.column_checks import make_block
from workbench.events.formats.event_blocks import Block
from workbench.events.formats.event_checks import check_events
from workbench.events.formats.read_options import ReadOptions, Remarks
from workbench.events.formats.time_units import HEAD, Times, guess_unit

Columns = dict[str, NDArray[Any]]
Parts = Callable[[int], Generator[Columns]]
"""Reads the columns x, y, t and p from their beginning on, about that many rows at a time."""


@dataclass(frozen=True)
class Table:
    """How to read the columns of a table, and what its file says of them.

    ``unit`` is that of the times where the file names it, ``offset_us`` what is to be added to them; ``first`` is the
    number of the first row, in ``word``\\ s ("event", "line").
    """

    parts: Parts
    unit: str | None = None
    offset_us: int = 0
    first: int = 0
    word: str = "event"


def stream_table(
    path: Path, table: Table, options: ReadOptions, remarks: Remarks, file_sensor: Sensor | None = None
) -> Iterator[Events]:
    """The events of a table, checked; the unit of its times is given, named in the file or guessed from the first.

    Raises DamagedFile for values that are not whole, and as `event_checks.check_events` does.
    """
    return check_events(path, _read(path, table, options, remarks), options, remarks, file_sensor)


def _read(path: Path, table: Table, options: ReadOptions, remarks: Remarks) -> Generator[Block]:
    times = _find_times(table, options)
    row = table.first
    with closing(table.parts(options.events)) as parts:
        for columns in parts:
            us = times.convert(path, columns["t"], row, table.word)
            yield make_block(path, {**columns, "t": us}, row, table.offset_us, table.word)
            row += len(us)
    remarks.doubt = times.words


def _find_times(table: Table, options: ReadOptions) -> Times:
    known = options.unit or table.unit
    if known is not None:
        return Times(known, sure=True)
    with closing(table.parts(HEAD)) as parts:
        first = next(parts, None)
    unit, doubt = ("us", "") if first is None else guess_unit(first["t"][:HEAD])
    return Times(unit, sure=False, doubt=doubt)
