"""Which column of a table is x, y, t and p: by their names, or as a user gives them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

FIELDS = "xytp"
_SYNONYMS = {
    "x": ("xs", "col", "cols", "column", "columns"),
    "y": ("ys", "row", "rows"),
    "t": ("ts", "time", "times", "timestamp", "timestamps"),
    "p": ("ps", "pol", "pols", "polarity", "polarities"),
}
_UNITS = {
    "s": ("s", "sec", "secs", "second", "seconds"),
    "ms": ("ms", "msec", "millisecond", "milliseconds"),
    "us": ("us", "usec", "\u03bcs", "microsecond", "microseconds"),
    "ns": ("ns", "nsec", "nanosecond", "nanoseconds"),
}
_FIELD_OF = {name: field for field, names in _SYNONYMS.items() for name in (field, *names)}
_UNIT_OF = {name: unit for unit, names in _UNITS.items() for name in names}
_PARTS = re.compile(r"(.+?)(?:[\s_.-]*[\[(]\s*|[\s_.-]+)([^\s\])]+)[\])]?")


@dataclass(frozen=True)
class ColumnMap:
    """The places of the columns x, y, t and p in a table, and the unit of the times where their name says it."""

    places: dict[str, int]
    unit: str | None = None


def parse_columns(columns: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """The fields of a table's columns as a user names them, other columns as "-".

    Raises ValueError unless each of x, y, t and p is named once.

    >>> parse_columns("t x y p"), parse_columns(["id", "x", "y", "polarity", "t"])
    (('t', 'x', 'y', 'p'), ('-', 'x', 'y', 'p', 't'))
    """
    if columns is None:
        return None
    names = re.split(r"[\s,;]+", columns.strip()) if isinstance(columns, str) else [str(name) for name in columns]
    fields = tuple(_FIELD_OF.get(name.strip().lower(), "-") for name in names)
    if sorted(field for field in fields if field != "-") != sorted(FIELDS):
        raise ValueError(
            f'columns is {columns!r}; name each of x, y, t and p once, in the order of the file, as "t x y p"'
        )
    return fields


def map_given_columns(columns: Sequence[str]) -> ColumnMap:
    """The places of given columns, as `parse_columns` gives them."""
    return ColumnMap({field: list(columns).index(field) for field in FIELDS})


def find_columns(names: Sequence[str]) -> ColumnMap | None:
    """The places of x, y, t and p among the names of columns, in any case, spelling and order; None if one is missing.

    The time's unit may stand behind its name. A plain x, y, t or p goes before its synonyms; raises ValueError for two
    synonyms of one field.

    >>> find_columns(["polarity", "X", "Y", "time [us]"])
    ColumnMap(places={'x': 1, 'y': 2, 't': 3, 'p': 0}, unit='us')
    >>> find_columns(["x", "y", "t"])
    """
    read = [_read_name(name) for name in names]
    found = {field: [i for i, (name, _) in enumerate(read) if _FIELD_OF.get(name) == field] for field in FIELDS}
    if not all(found.values()):
        return None
    places: dict[str, int] = {}
    for field, same in found.items():
        chosen = [place for place in same if read[place][0] == field] or same
        if len(chosen) > 1:
            words = " and ".join(repr(names[place]) for place in chosen)
            raise ValueError(f"names {field} twice, as {words}; leave one of them out")
        places[field] = chosen[0]
    return ColumnMap(places, read[places["t"]][1])


def _read_name(name: str) -> tuple[str, str | None]:
    """A name in small letters, and the unit behind it if there is one."""
    plain = unicodedata.normalize("NFKC", name).strip().strip("\"'").strip().lower()
    parts = _PARTS.fullmatch(plain)
    unit = _UNIT_OF.get(parts[2]) if parts else None
    return (parts[1], unit) if parts and unit else (plain, None)
