"""What an early exit saves, and what that costs in accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def measure_savings(sweep: pd.DataFrame, against: str = "frame") -> pd.DataFrame:
    """The calibrated exit beside running to the end: one row per model that has both.

    `sweep` is the table of `EarlyExit.sweep`, or several of them in one; `against` a column of it: frame, energy_nj or
    a count. Columns: model, threshold (infinite where the exit runs to the end itself), accuracy and end_accuracy (0 to
    1), lost_accuracy (end_accuracy - accuracy), spent and end_spent (mean per recording, in the unit of `against`),
    saving (1 - spent / end_spent; NaN for a model that counts none). ValueError for a table without the column.

    >>> sweep = pd.DataFrame({"model": "SNN", "threshold": [0.9, np.inf], "calibrated": [True, False]})
    >>> savings = measure_savings(sweep.assign(accuracy=[0.91, 0.93], frame=[3.0, 8.0]))
    >>> savings[["spent", "end_spent", "saving"]].values.tolist()
    [[3.0, 8.0, 0.625]]
    """
    if against not in sweep.columns:
        raise ValueError(f"measure_savings: the table lacks the column {against!r}; give that of EarlyExit.sweep")
    columns = ["model", "threshold", "accuracy", against]
    exits = sweep.loc[sweep["calibrated"].eq(True), columns].drop_duplicates("model")
    ends = sweep.loc[sweep["threshold"] == np.inf, ["model", "accuracy", against]].drop_duplicates("model")
    ends = ends.rename(columns={"accuracy": "end_accuracy", against: "end_spent"})
    table = exits.rename(columns={against: "spent"}).merge(ends, on="model")
    table["lost_accuracy"] = table["end_accuracy"] - table["accuracy"]
    table["saving"] = 1 - table["spent"] / table["end_spent"]
    order = ["model", "threshold", "accuracy", "end_accuracy", "lost_accuracy", "spent", "end_spent", "saving"]
    return table[order]
