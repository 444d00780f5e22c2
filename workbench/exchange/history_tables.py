"""The history of a training as plain data, and back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from workbench.json_text import require_names, shorten

if TYPE_CHECKING:
    import pandas as pd

_KINDS = {"i": "int64", "u": "int64", "f": "float64", "b": "bool"}
_TYPES: dict[str, tuple[type, ...]] = {
    "int64": (int,), "float64": (float, int, type(None)), "bool": (bool,), "str": (str,),
}  # fmt: skip


def describe_history(history: Any) -> dict[str, Any]:
    """The table that `wb.train` returns as plain data; ValueError for what is none.

    >>> describe_history(pd.DataFrame({"epoch": [1, 2], "loss": [0.5, 0.25]}))["columns"]["loss"]
    ['float64', [0.5, 0.25]]
    """
    import pandas as pd

    if not isinstance(history, pd.DataFrame):
        raise ValueError(
            f"history takes the table that wb.train returns, not a {type(history).__name__}; ann, history = "
            "wb.train(...), then wb.save_model(ann, path, history=history)"
        )
    columns: dict[str, Any] = {}
    for name, values in history.items():
        plain = values.tolist()
        kind = _KINDS.get(values.dtype.kind, "str")
        if not isinstance(name, str) or not all(isinstance(value, _TYPES[kind]) for value in plain):
            raise ValueError(
                f"history: column {name!r} holds {values.dtype}; a file keeps columns of numbers, of true and false "
                "and of text, by their names: leave it out"
            )
        if any(isinstance(value, float) and math.isinf(value) for value in plain):
            raise ValueError(f"history: column {name!r} holds an infinite number, which a file does not; leave it out")
        columns[name] = [kind, [None if value != value else value for value in plain]]
    recipe = history.attrs.get("recipe")
    return {"columns": columns, "recipe": recipe if isinstance(recipe, str) else None}


def require_history(data: Any) -> dict[str, Any]:
    """The data, if they describe a history; ValueError for what does not.

    >>> require_history({"columns": {"loss": ["float64", ["a"]]}, "recipe": None})
    Traceback (most recent call last):
    ValueError: column 'loss' holds 'a', where float64 is said; save the model again
    """
    history = require_names("the history", data, ("columns", "recipe"))
    if not isinstance(history["columns"], dict) or not isinstance(history["recipe"], str | None):
        raise ValueError("its columns must be columns by name, and its recipe text or null; save the model again")
    lengths = set()
    for name, column in history["columns"].items():
        pair = isinstance(column, list) and len(column) == 2
        if not pair or not isinstance(column[0], str) or column[0] not in _TYPES or not isinstance(column[1], list):
            raise ValueError(f"column {name!r} is {shorten(column)}, not a type and its values; save the model again")
        kind, values = column
        for value in values:
            small = not isinstance(value, int) or kind != "int64" or -(1 << 63) <= value < 1 << 63
            if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "bool") or not small:
                raise ValueError(f"column {name!r} holds {shorten(value)}, where {kind} is said; save the model again")
        lengths.add(len(values))
    if len(lengths) > 1:
        raise ValueError(f"its columns have {', '.join(map(str, sorted(lengths)))} rows; save the model again")
    return history


def make_history(data: dict[str, Any]) -> pd.DataFrame:
    """The table that such data describe, its recipe in its attributes."""
    import pandas as pd

    columns = {name: pd.Series(values, dtype=kind) for name, (kind, values) in data["columns"].items()}
    history = pd.DataFrame(columns)
    history.attrs["recipe"] = data["recipe"]
    return history
