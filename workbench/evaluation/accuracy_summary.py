"""When each model first answers, and how accurate it is then, at its best and in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def summarise_accuracy(costs: pd.DataFrame) -> pd.DataFrame:
    """First response, best and last accuracy of every model that answers: one row per model.

    `costs` is the table of `wb.compare`. Columns: model, first_step, first_frame, first_accuracy (at the first
    response), best_frame, best_accuracy (the first of several steps), last_frame, last_accuracy; accuracies from 0 to
    1. How soon a wanted accuracy is reached says `wb.measure_latency`.

    >>> steps = {"model": "ANN", "step": [0, 1, 2], "frame": [1.0, 2.0, 3.0], "accuracy": [np.nan, 0.9, 0.8]}
    >>> summarise_accuracy(pd.DataFrame(steps))[["first_frame", "best_accuracy", "last_accuracy"]].values.tolist()
    [[2.0, 0.9, 0.8]]
    """
    columns = ["model", "step", "frame", "accuracy"]
    answered = costs.loc[costs["accuracy"].notna(), columns].reset_index(drop=True)
    models = answered.groupby("model", sort=False)
    best = answered.loc[models["accuracy"].idxmax()].set_index("model")
    first, last = models.first(), models.last()
    table = first.add_prefix("first_").join(best[["frame", "accuracy"]].add_prefix("best_"))
    table = table.join(last[["frame", "accuracy"]].add_prefix("last_")).reset_index()
    table.attrs = dict(costs.attrs)
    return table
