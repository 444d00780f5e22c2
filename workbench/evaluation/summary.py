"""The table of `compare` in short: one row per model, accuracy at the end of every frame, counts at the last step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.evaluation.number_words import amount, share
from workbench.evaluation.operation_counts import COUNTS
from workbench.evaluation.time_words import moment

if TYPE_CHECKING:
    import pandas as pd

SHOWN = (*COUNTS, "energy_nj")
COLUMNS = ("model", "step", "frame", "accuracy", *SHOWN)


def summarise(costs: pd.DataFrame) -> pd.DataFrame:
    """Every model at its last step, and beside it the accuracy at the end of every frame, 0 on: a wide table."""
    import pandas as pd

    whole = costs[np.isclose(costs["frame"] % 1, 0)]
    accuracy = whole.pivot_table(index="model", columns="frame", values="accuracy", sort=False, dropna=False)
    accuracy.columns = pd.Index([moment(float(str(time))) for time in accuracy.columns])
    last = costs.groupby("model", sort=False).tail(1).set_index("model")
    frames = accuracy.sort_index(axis=1, key=lambda names: names.str.extract(r"(\d+)")[0].astype(int))
    table = pd.DataFrame(frames.join(last[list(SHOWN)]))
    table.attrs = dict(costs.attrs)
    return table


def format_summary(summary: pd.DataFrame) -> pd.DataFrame:
    """A summary as text: accuracies in per cent, counts in thousands, millions, ..."""
    import pandas as pd

    formatted = {
        column: [share(value) if column.startswith("frame") else amount(value) for value in summary[column]]
        for column in summary.columns
    }
    text = pd.DataFrame(formatted, index=summary.index).rename(columns=lambda name: name.replace("_", " "))
    text.attrs = dict(summary.attrs)
    return text
