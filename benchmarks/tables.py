"""Tables of the docs."""

from __future__ import annotations

import pandas as pd


def markdown(table: pd.DataFrame) -> str:
    """A table as markdown, its index as first columns."""
    table = table.reset_index()
    rows = [list(table.columns), ["---"] * len(table.columns), *table.itertuples(index=False, name=None)]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)


def spread(values: pd.Series, digits: int = 1) -> str:
    """Mean and standard error of values, "98.3 ± 0.2"."""
    error = values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else float("nan")
    return f"{values.mean():.{digits}f} ± {error:.{digits}f}" if error == error else f"{values.mean():.{digits}f}"
