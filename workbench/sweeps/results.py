"""What a point returned, as columns of a table."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.sweeps.plain_values import KINDS, simplify
from workbench.sweeps.points import ERROR

RESULT = "result"


class UnfitResultError(Exception):
    """What a function returned does not fit in a row of a table."""


def read_results(returned: object, taken: Sequence[str]) -> dict[str, Any]:
    """Columns and values: of a mapping or a table of one row its own, of a single value the column `result`.

    UnfitResultError for anything else, and for a column that has the name of a parameter.

    >>> read_results(0.5, ["k"]), read_results({"accuracy": np.float32(0.5)}, ["k"])
    ({'result': 0.5}, {'accuracy': 0.5})
    """
    columns = _read_columns(returned)
    if not columns:
        raise UnfitResultError(f"the function returned nothing; return {KINDS}, or a dict of them")
    found = {}
    for name, value in columns.items():
        if not isinstance(name, str) or not name:
            raise UnfitResultError(f"the function returned a column called {name!r}; use texts as names")
        if name in taken or name == ERROR:
            raise UnfitResultError(f"the function returned {name}, which is a column already; give it another name")
        try:
            found[name] = simplify(value)
        except TypeError as error:
            raise UnfitResultError(
                f"the result {name} cannot stand in a table: {error}; return what you need of it as one value each"
            ) from error
    return found


def _read_columns(returned: object) -> Mapping[Any, Any]:
    if isinstance(returned, Mapping):
        return returned
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(returned, pandas.DataFrame):
        if len(returned) != 1:
            raise UnfitResultError(
                f"the function returned a table of {len(returned)} rows; return one, such as table.tail(1)"
            )
        return dict(zip(returned.columns, returned.iloc[0].tolist(), strict=True))
    if pandas is not None and isinstance(returned, pandas.Series):
        return dict(returned.items())
    return {} if returned is None else {RESULT: returned}
