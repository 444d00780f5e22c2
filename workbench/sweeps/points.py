"""The points of a grid: their parameters in order, the key by which each is known, and its own seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from workbench.sweeps.plain_values import encode, simplify_parameter, standardise

if TYPE_CHECKING:
    import pandas as pd  # for mypy, in a text

Grid: TypeAlias = "Mapping[str, Iterable[Any]] | Iterable[Mapping[str, Any]] | pd.DataFrame"
ERROR, SEED = "error", "seed"
KEY_LETTERS = 32  # 128 bits


@dataclass(frozen=True)
class Point:
    """One call of the function: its place in the grid and its parameters, which no other point has.

    >>> Point(0, {"percentile": 99.0}).key == Point(7, {"percentile": 99}).key
    True
    """

    number: int
    parameters: Mapping[str, Any]

    @cached_property
    def key(self) -> str:
        """Hexadecimal digits that follow from the parameters alone, whatever their order."""
        standard = {name: encode(standardise(value)) for name, value in self.parameters.items()}
        text = json.dumps(standard, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:KEY_LETTERS]

    def derive_seed(self, seed: int) -> int:
        """The seed of this point, 0 to 2^63 - 1: of numpy's SeedSequence, from the sweep's seed and the parameters.

        It is independent of the place in the grid, so a grid may grow without changing what is known.

        >>> Point(0, {"k": 4}).derive_seed(0) == Point(3, {"k": 4}).derive_seed(0) != Point(0, {"k": 4}).derive_seed(1)
        True
        """
        words = [int(self.key[place : place + 8], 16) for place in range(0, KEY_LETTERS, 8)]
        return int(np.random.SeedSequence(seed, spawn_key=words).generate_state(1, np.uint64)[0] >> np.uint64(1))

    def __str__(self) -> str:
        said = ", ".join(f"{name}={value!r}" for name, value in self.parameters.items())
        return f"point {self.number} ({said})" if said else f"point {self.number}"


def read_grid(grid: Grid) -> list[Point]:
    """The points of a grid in its order: lists by name (every combination, the last fastest), a table, or mappings.

    ValueError for a grid that is empty or ragged, values that no table holds, and points that are there twice.

    >>> [dict(point.parameters) for point in read_grid({"k": [4, 8], "reset": ["zero"]})]
    [{'k': 4, 'reset': 'zero'}, {'k': 8, 'reset': 'zero'}]
    >>> read_grid([{"k": 4}, {"l": 8}])
    Traceback (most recent call last):
    ValueError: sweep: point 1 has the parameters l, but point 0 has k; give every point the same parameters
    """
    rows = _read_rows(grid)
    if not rows:
        raise ValueError("sweep: the grid has no point; give each parameter at least one value")
    names = _read_names(rows[0], 0)
    points = []
    for number, row in enumerate(rows):
        if set(_read_names(row, number)) != set(names):
            raise ValueError(
                f"sweep: point {number} has the parameters {', '.join(map(str, row)) or 'none'}, but point 0 has "
                f"{', '.join(names) or 'none'}; give every point the same parameters"
            )
        points.append(Point(number, {name: _read_value(name, row[name], number) for name in names}))
    _require_different(points)
    return points


def _read_rows(grid: Any) -> list[Mapping[str, Any]]:
    if type(grid).__module__.partition(".")[0] == "pandas":
        if grid.ndim != 2:
            raise ValueError("sweep: the grid is a column of pandas; give a DataFrame, such as column.to_frame()")
        return _read_table(grid)
    if isinstance(grid, Mapping):
        columns = {name: _read_column(name, values) for name, values in grid.items()}
        return [dict(zip(columns, row, strict=True)) for row in product(*columns.values())] if columns else []
    if isinstance(grid, str) or not isinstance(grid, Iterable):
        raise ValueError(f'sweep: {grid!r} is no grid; give {{"parameter": [values]}}, a table, or a list of dicts')
    rows = list(grid)
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise ValueError(f'sweep: point {number} is {row!r}; give it as a dict, such as {{"parameter": value}}')
    return rows


def _read_table(table: Any) -> list[Mapping[str, Any]]:
    """The rows of a table; a cell without a value would be a point that lacks a parameter."""
    if not table.columns.is_unique:
        raise ValueError("sweep: two columns of the table have the same name; name each parameter once")
    missing = table.isna()
    for column in table.columns:
        if missing[column].any():
            row = int(missing[column].to_numpy().argmax())
            raise ValueError(f"sweep: the table has no {column} in row {row}; give every point the same parameters")
    rows: list[Mapping[str, Any]] = table.to_dict("records")
    return rows


def _read_column(name: object, values: object) -> list[Any]:
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable) or getattr(values, "ndim", 1) == 0:
        raise ValueError(f"sweep: {name}={values!r} is no list of values; write [{values!r}] for a single one")
    listed = list(values)
    if not listed:
        raise ValueError(f"sweep: {name} has no values, so the grid has no point; give it at least one")
    return listed


def _read_names(row: Mapping[str, Any], number: int) -> Sequence[str]:
    for name in row:
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"sweep: point {number} has a parameter {name!r}, which is no name of an argument")
        if name == ERROR:
            raise ValueError("sweep: the column error tells what went wrong; give that parameter another name")
    return list(row)


def _read_value(name: str, value: object, number: int) -> Any:
    try:
        found = simplify_parameter(value)
    except TypeError as error:
        raise ValueError(
            f"sweep: parameter {name} of point {number}: {error}; give what is the same for all points by shared=, and "
            "else a name by which the function finds it"
        ) from error
    if found != found:
        raise ValueError(f"sweep: parameter {name} of point {number} is not a number (NaN); leave that point out")
    return found


def _require_different(points: Sequence[Point]) -> None:
    seen: dict[str, Point] = {}
    for point in points:
        other = seen.setdefault(point.key, point)
        if other is not point:
            raise ValueError(
                f"sweep: points {other.number} and {point.number} are the same: {point}; leave one out, or tell them "
                "apart by a parameter, such as repetition=[0, 1]"
            )
