"""What the views of a sweep draw: its points with results, and how columns and points are said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.evaluation import amount
from workbench.figures._words import brief, whole
from workbench.sweeps import NOT_RUN

FEW = 8  # values that are all written beside an axis
MOST_NAMED = 3  # parameters of a point that a title names


@dataclass(frozen=True)
class SweptPoints:
    """The points of a sweep that have results, and how many have none."""

    rows: pd.DataFrame
    parameters: tuple[str, ...]
    results: tuple[str, ...]
    failed: int
    not_run: int

    @property
    def numbers(self) -> tuple[str, ...]:
        """The results that are numbers."""
        return tuple(name for name in self.results if is_numeric(self.rows[name]))

    def choose_result(self, name: str | None, option: str, otherwise: Iterable[str] = ()) -> str:
        """This result, or the first that there is of others, or any; ValueError for a name that is no number."""
        if name is not None:
            if name not in self.numbers:
                raise ValueError(
                    f"figures.sweep: {option}={name!r} is no result that is a number; there are "
                    f"{', '.join(self.numbers) or 'none'}"
                )
            return name
        return next((other for other in (*otherwise, *self.numbers) if other in self.numbers), "")

    def say_missing(self) -> str:
        """How many points failed, and how many did not run, for the end of a title."""
        failed = f"; {self.failed} failed" if self.failed else ""
        return failed + (f"; {self.not_run} not run" if self.not_run else "")

    def say_point(self, row: pd.Series, letters: int | None = None) -> str:
        """The parameters of a point: all of them in whole words, or the first few, briefly."""
        names = self.parameters if letters is None else self.parameters[:MOST_NAMED]
        said = [f"{spell(name, letters)} {spell(say(row[name]), letters)}" for name in names]
        return ", ".join(said) + (", ..." if len(names) < len(self.parameters) else "")


def read_points(table: pd.DataFrame, parameters: Sequence[str] | None) -> SweptPoints:
    """The points of a table of `wb.sweep`; ValueError where it does not say which columns are parameters."""
    named = parameters if parameters is not None else table.attrs.get("parameters")
    if named is None:
        raise ValueError(
            "figures.sweep: the table does not say which columns are parameters; give the table that wb.sweep "
            'returns, or name them: parameters=["..."]'
        )
    missing = [name for name in named if name not in table.columns]
    if missing:
        raise ValueError(
            f"figures.sweep: the table has no parameter {', '.join(missing)}; it has "
            f"{', '.join(map(str, table.columns)) or 'no column'}"
        )
    listed = table.attrs.get("results") or [name for name in table.columns if name not in (*named, "error", "seed")]
    results = [name for name in listed if name in table.columns and name not in named]
    errors = table["error"].fillna("").astype(str) if "error" in table.columns else pd.Series("", index=table.index)
    rows = table[(errors == "").to_numpy()]
    waiting = int((errors == NOT_RUN).sum())
    return SweptPoints(rows, tuple(named), tuple(results), int((errors != "").sum()) - waiting, waiting)


def is_numeric(column: pd.Series) -> bool:
    """Whether a column holds numbers, at least one of them finite, and no booleans."""
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return False
    return bool(find_finite(column).any())


def find_finite(column: pd.Series) -> NDArray[np.bool_]:
    """Which cells of a column hold a finite number."""
    found: NDArray[np.bool_] = np.isfinite(column.to_numpy(dtype=np.float64, na_value=np.nan))
    return found


def order_values(column: pd.Series) -> list[Any]:
    """The different values of a parameter: numbers by size, others as they came."""
    values = list(dict.fromkeys(column.tolist()))
    return sorted(values) if is_numeric(column) else values


def say(value: Any) -> str:
    """A value as it is said: floats in four digits, large numbers with a unit.

    >>> say(99.90000001), say(123456), say(True), say(None), say("zero")
    ('99.9', '123 k', 'yes', 'none', 'zero')
    """
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if value is None or value is pd.NA:
        return "none"
    if not isinstance(value, int | float | np.number):
        return str(value)
    number = float(value)
    return amount(number) if abs(number) >= 10_000 else f"{number:.4g}"


def spell(name: object, letters: int | None) -> str:
    """A name whole, or briefly."""
    return whole(name) if letters is None else brief(name, letters)


def place(column: pd.Series) -> tuple[NDArray[np.float64], list[tuple[float, str]]]:
    """Where the values of a column lie on an axis from 0 to 1, and the values to be written beside it."""
    if is_numeric(column):
        values = column.to_numpy(dtype=np.float64)
        values = np.where(np.isfinite(values), values, np.nan)
        low, high = np.nanmin(values), np.nanmax(values)
        if not high > low:
            return np.where(np.isnan(values), np.nan, 0.5), [(0.5, say(low))]
        few = np.unique(values[np.isfinite(values)])
        named = few.tolist() if len(few) <= FEW and np.diff(few).min() * 2 * FEW >= high - low else [low, high]
        return (values - low) / (high - low), [(float((value - low) / (high - low)), say(value)) for value in named]
    listed = order_values(column)
    places = np.linspace(0, 1, len(listed)) if len(listed) > 1 else np.array([0.5])
    found = dict(zip(listed, places, strict=True))
    marks = [(float(where), say(value)) for value, where in found.items()]
    return np.array([found[value] for value in column.tolist()]), marks if len(marks) <= FEW else [marks[0], marks[-1]]
