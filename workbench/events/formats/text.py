"""Text: a row of numbers for each event, separated by commas, semicolons or blanks, with named or given columns."""

from __future__ import annotations

import io
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from numpy.typing import NDArray

from workbench.events.event_arrays import Events, Sensor
from workbench.events.formats.column_names import ColumnMap, find_columns, map_given_columns
from workbench.events.formats.column_tables import Columns, Table, stream_table
from workbench.events.formats.errors import DamagedFile, refuse_empty
from workbench.events.formats.format import Format, register
from workbench.events.formats.npy import find_named_columns
from workbench.events.formats.read_options import ReadOptions, Remarks

_MARK = b"\xef\xbb\xbf"  # what some editors put before UTF-8
_COMMENTS = ("#", "%")
_LONGEST_LINE = 2**12
_MOST_LINES = 2**10
_LEAST_WIDTH = 4
_BYTES_PER_ROW = 24
_SMALLEST, _LARGEST = 2**12, 2**21
_GEOMETRY = re.compile(r"geometry *[:= ] *(\d{1,5}) *[x,] *(\d{1,5})", re.IGNORECASE)
_E2VID = ("t", "x", "y", "p")


@dataclass(frozen=True)
class _Preamble:
    """What stands before the rows, and how the rows look.

    ``names`` of columns or the ``sensor`` may stand there (``sized``: in a line of width and height); the rows begin
    at byte ``start``, in line ``line``, and have ``width`` numbers each (0: there are none).
    """

    names: tuple[str, ...] = ()
    sensor: Sensor | None = None
    sized: bool = False
    start: int = 0
    line: int = 1
    separator: str = ""
    width: int = 0


def stream(path: Path, options: ReadOptions, remarks: Remarks) -> Iterator[Events]:
    """Events of lines of numbers, parsed by pandas.

    Before them may stand comments (# or %) and a line that names the columns, x, y, t and p in any order; or, as in
    files for E2VID, one of width and height, which says that the columns are t, x, y and p. Of files without either,
    ``options.columns`` says which column is which.
    Raises DamagedFile for a line that is no such row, values that are not whole, a place off the sensor, a step back in
    time or no events, and ValueError where neither file nor options say which column is which.
    """
    refuse_empty(path)
    with path.open("rb") as file:
        preamble = _read_preamble(path, file)
    if preamble.width == 0:
        raise DamagedFile(path, "holds no events")
    naming = _map_columns(path, preamble, options)

    def parts(count: int) -> Generator[Columns]:
        line = preamble.line
        with path.open("rb") as file:
            file.seek(preamble.start)
            for chunk in _read_lines(path, file, count, line):
                yield _parse(path, chunk, preamble, naming, line)
                line += chunk.count(b"\n")

    table = Table(parts, naming.unit, first=preamble.line, word="line")
    return stream_table(path, table, options, remarks, preamble.sensor)


def sensor(path: Path) -> Sensor | None:
    """Height and width, where a line of width and height or a comment "geometry: width, height" names them."""
    refuse_empty(path)
    with path.open("rb") as file:
        return _read_preamble(path, file).sensor


def _map_columns(path: Path, preamble: _Preamble, options: ReadOptions) -> ColumnMap:
    """Which column is which. Raises ValueError where neither the file nor the user says."""
    what = f"{path} has {preamble.width} columns"
    if options.columns is not None:
        if len(options.columns) != preamble.width:
            raise ValueError(f"{what}, but columns names {len(options.columns)}; name every one, those of no use as -")
        return map_given_columns(options.columns)
    if preamble.sized and preamble.width == len(_E2VID):
        return map_given_columns(_E2VID)
    naming = find_named_columns(what, preamble.names)
    if naming is None:
        called = f" called {', '.join(preamble.names)}" if preamble.names else " without names"
        raise ValueError(f'{what}{called}; say which is which, as columns="t x y p"')
    if len(preamble.names) != preamble.width:
        raise DamagedFile(
            path, f"names {len(preamble.names)} columns, but has {preamble.width} at line {preamble.line}"
        )
    return naming


def _read_preamble(path: Path, file: BinaryIO) -> _Preamble:
    """Everything up to the first row of numbers. Raises DamagedFile where something else comes."""
    found, comment, fields = _Preamble(), "", tuple[str, ...]()
    for number in range(1, _MOST_LINES):
        raw = file.readline(_LONGEST_LINE)
        line = _decode(raw if number > 1 else raw.removeprefix(_MARK))
        if line is None or len(raw) == _LONGEST_LINE:
            raise DamagedFile(path, f"is no text at line {number}, at byte {found.start}", found.start)
        if not raw:
            return found
        fields = _split(line)
        if line.startswith(_COMMENTS):
            comment = line.lstrip("#% ")
            geometry = _GEOMETRY.search(comment)
            found = replace(found, sensor=(int(geometry[2]), int(geometry[1]))) if geometry else found
        elif len(fields) >= _LEAST_WIDTH and (all(map(_is_number, fields)) or _is_row_under(fields, found.names)):
            names = found.names or _names_in(comment)
            return replace(found, names=names, separator=_separator(line), width=len(fields))
        elif len(fields) == 2 and all(field.isdecimal() for field in fields) and not found.sized:
            found = replace(found, sensor=(int(fields[1]), int(fields[0])), sized=True)
        elif fields and not found.names and not found.sized:
            found = replace(found, names=fields)
        else:
            break
        found = replace(found, start=found.start + len(raw), line=number + 1)
    raise DamagedFile(path, f"has no row of numbers at line {number}, but {' '.join(fields)[:40]!r}")


def _decode(raw: bytes) -> str | None:
    """A line as text, None of what is none."""
    try:
        line = raw.decode().strip()
    except UnicodeDecodeError:
        return None
    return line if line.replace("\t", " ").isprintable() else None


def _separator(line: str) -> str:
    return next((mark for mark in ",;" if mark in line), r"\s+")


def _split(line: str) -> tuple[str, ...]:
    """The fields of a line, without blanks and quotation marks around them.

    >>> _split('0.5, 3,"4" ,1'), _split(" 1 2\\t3 ")
    (('0.5', '3', '4', '1'), ('1', '2', '3'))
    """
    mark = _separator(line)
    fields = line.split() if mark == r"\s+" else line.split(mark)
    return tuple(field.strip().strip('"') for field in fields)


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return field in ("True", "False")
    return True


def _is_row_under(fields: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """Whether fields can be a row under the names of columns: numbers at least where an event needs them."""
    naming = find_columns(names) if len(fields) == len(names) else None
    return naming is not None and all(_is_number(fields[place]) for place in naming.places.values())


def _names_in(comment: str) -> tuple[str, ...]:
    """The names of columns in a comment before the rows, as numpy.savetxt writes them; none of any other."""
    names = _split(comment)
    try:
        return names if find_columns(names) else ()
    except ValueError:
        return ()


def _read_lines(path: Path, file: BinaryIO, count: int, line: int) -> Iterator[bytes]:
    """Whole lines, each with its end, about ``count`` at a time; blank ones at the end of the file are left out."""
    size = min(max(_SMALLEST, count * _BYTES_PER_ROW), _LARGEST)
    waiting = b""
    while block := file.read(size):
        waiting += block
        end = waiting.rstrip().rfind(b"\n") + 1
        if len(waiting) - end > size + _LONGEST_LINE:
            line += waiting.count(b"\n", 0, end)
            raise DamagedFile(path, f"is no text at line {line} ({len(waiting) - end:,} bytes and more in it)")
        if end:
            yield waiting[:end]
            line += waiting.count(b"\n", 0, end)
            waiting = waiting[end:]
    if waiting.strip():
        yield waiting.rstrip() + b"\n"


def _parse(path: Path, chunk: bytes, preamble: _Preamble, naming: ColumnMap, line: int) -> Columns:
    """The columns of some lines. Raises DamagedFile for the first one that is no row of numbers."""
    from pandas import read_csv
    from pandas.errors import ParserError

    try:
        frame = read_csv(
            io.BytesIO(chunk), sep=preamble.separator, header=None, index_col=False, skip_blank_lines=False,
            skipinitialspace=True, na_filter=False, low_memory=False,
        )  # fmt: skip
    except (ParserError, ValueError, OverflowError) as error:
        raise _find_bad_line(path, chunk, preamble, naming, line) from error
    if frame.shape != (chunk.count(b"\n"), preamble.width):
        raise _find_bad_line(path, chunk, preamble, naming, line)
    columns: dict[str, NDArray[Any]] = {}
    for field, place in naming.places.items():
        column = frame.iloc[:, place]
        try:
            columns[field] = (column if column.dtype.kind in "biuf" else column.astype("float64")).to_numpy()
        except (ValueError, TypeError) as error:
            raise _find_bad_line(path, chunk, preamble, naming, line) from error
    return columns


def _find_bad_line(path: Path, chunk: bytes, preamble: _Preamble, naming: ColumnMap, line: int) -> DamagedFile:
    """What is wrong with some lines: the first that is no row of numbers."""
    lines = chunk.splitlines()
    for number, raw in enumerate(lines, line):
        text = raw.decode(errors="replace")
        fields = _split(text) if _separator(text) == preamble.separator else ()
        if len(fields) != preamble.width or not all(_is_number(fields[place]) for place in naming.places.values()):
            return DamagedFile(path, f"has {text[:40]!r} at line {number}, not {preamble.width} numbers")
    return DamagedFile(path, f"has no rows of {preamble.width} numbers from line {line} to {line + len(lines) - 1}")


def _sniff(head: bytes) -> bool:
    try:
        preamble = _read_preamble(Path(), io.BytesIO(head))
        return preamble.width > 0 or find_columns(preamble.names) is not None
    except ValueError:
        return False


FORMAT = register(
    Format(
        "text",
        (".csv", ".txt", ".tsv"),
        "pandas",
        False,
        "rows of numbers",
        _sniff,
        stream,
        sensor,
        is_table=True,
        is_common=True,
        last_resort=True,
    )
)
