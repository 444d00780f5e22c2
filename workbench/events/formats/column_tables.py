"""Tables of events: columns x, y, t and p that are read a part at a time, whatever file they lie in."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from workbench.events.event_arrays import Events, Sensor
from workbench.events.formats.column_checks import gather
from workbench.events.formats.event_blocks import Block
from workbench.events.formats.event_checks import check
from workbench.events.formats.read_options import Reading, Remarks
from workbench.events.formats.time_units import HEAD, Times, find_unit

Columns = dict[str, NDArray[Any]]
Parts = Callable[[int], Generator[Columns]]
"""Reads the columns x, y, t and p from their beginning on, about so many rows at a time."""


@dataclass(frozen=True)
class Table:
    """How to read the columns of a table, and what its file tells of them.

    ``unit`` is that of the times where the file names it, ``offset_us`` what is to be added to them; ``first`` is the
    number of the first row, in ``word``\\ s ("event", "line").
    """

    parts: Parts
    unit: str | None = None
    offset_us: int = 0
    first: int = 0
    word: str = "event"


def stream_table(
    path: Path, table: Table, reading: Reading, remarks: Remarks, told: Sensor | None = None
) -> Iterator[Events]:
    """The events of a table, checked; the unit of its times is told, named or found out from the first of them.

    Raises DamagedFile for values that are not whole, and as `checks.check` does.
    """
    return check(path, _read(path, table, reading, remarks), reading, remarks, told)


def _read(path: Path, table: Table, reading: Reading, remarks: Remarks) -> Generator[Block]:
    times = _find_times(table, reading)
    row = table.first
    with closing(table.parts(reading.events)) as parts:
        for columns in parts:
            us = times.convert(path, columns["t"], row, table.word)
            yield gather(path, {**columns, "t": us}, row, table.offset_us, table.word)
            row += len(us)
    remarks.doubt = times.words


def _find_times(table: Table, reading: Reading) -> Times:
    told = reading.unit or table.unit
    if told is not None:
        return Times(told, sure=True)
    with closing(table.parts(HEAD)) as parts:
        first = next(parts, None)
    unit, doubt = ("us", "") if first is None else find_unit(first["t"][:HEAD])
    return Times(unit, sure=False, doubt=doubt)
