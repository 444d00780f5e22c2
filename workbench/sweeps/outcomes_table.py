"""The table of a sweep: a row a point in the order of the grid, parameters, results, and what went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from workbench.sweeps.point_run import Outcome
from workbench.sweeps.points import ERROR, SEED, Point

if TYPE_CHECKING:
    import pandas as pd

NOT_RUN = "not run"
"""What the column `error` says of points that nobody ran."""


def tabulate(
    points: Sequence[Point], seeds: Mapping[int, int], outcomes: Mapping[int, Outcome], attrs: Mapping[str, Any]
) -> pd.DataFrame:
    """Parameters (with their seed, if the function took one), then results, then `error`, empty where all went well.

    Results are missing where a point failed. `attrs` say which columns are which.
    """
    import pandas as pd

    names = list(points[0].parameters)
    results = _order_columns(points, outcomes)
    columns: dict[str, Any] = {name: [point.parameters[name] for point in points] for name in names}
    if seeds:
        columns[SEED] = [seeds[point.number] for point in points]
    none = Outcome(error=NOT_RUN)
    found = [outcomes.get(point.number, none) for point in points]
    columns |= {name: [outcome.results.get(name) for outcome in found] for name in results}
    columns[ERROR] = [outcome.error for outcome in found]
    table = pd.DataFrame({name: pd.Series(values, dtype=_choose_type(values)) for name, values in columns.items()})
    table.attrs.update({"parameters": names, "results": results, **attrs})
    return table


def mark_different(points: Sequence[Point], outcomes: Mapping[int, Outcome]) -> dict[int, Outcome]:
    """The outcomes; those whose columns are not those of the first that went well say so as their error.

    Their values stay.
    """
    first = next((point for point in points if point.number in outcomes and not outcomes[point.number].error), None)
    if first is None:
        return dict(outcomes)
    usual = list(outcomes[first.number].results)
    return {
        number: replace(outcome, error=_explain_difference(usual, list(outcome.results), first))
        if not outcome.error and set(outcome.results) != set(usual)
        else outcome
        for number, outcome in outcomes.items()
    }


def _explain_difference(usual: Sequence[str], own: Sequence[str], first: Point) -> str:
    return (
        f"the function returned the columns {', '.join(own)} here, but {', '.join(usual)} at {first}; return the same "
        "ones from every point, None where there is no value"
    )


def _order_columns(points: Sequence[Point], outcomes: Mapping[int, Outcome]) -> list[str]:
    """Every result in the order of the first point that returned it."""
    found: dict[str, None] = {}
    for point in points:
        if point.number in outcomes:
            found |= dict.fromkeys(outcomes[point.number].results)
    return list(found)


def _choose_type(values: Sequence[Any]) -> str | None:
    """The type of a column: floats where numbers are missing, what pandas takes where none is, or else any."""
    present = [value for value in values if value is not None]
    if not present:
        return "float64"
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in present)
    if numbers and (len(present) < len(values) or any(isinstance(value, float) for value in present)):
        return "float64"
    if numbers:
        return "int64"
    if all(isinstance(value, bool) for value in present) and len(present) == len(values):
        return "bool"
    return "str" if all(isinstance(value, str) for value in present) else "object"
