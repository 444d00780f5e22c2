"""How long, and at what cost, until a model answers as well as is wanted."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any

from workbench.evaluation.operation_counts import COUNTS

if TYPE_CHECKING:
    import pandas as pd

SPENT = ("step", "frame", *COUNTS, "energy_nj")


def measure_latency(costs: pd.DataFrame, accuracies: Iterable[float] = (0.8, 0.9, 0.95)) -> pd.DataFrame:
    """The first step from which on each accuracy is reached and kept: one row per model and accuracy.

    `costs` is the table of `wb.compare`. Columns: model, wanted (accuracy), outcome in words ("kept", "reached at step
    3, then lost", "never"), accuracy at that step, and spent until then, per recording: step, frame, dense_macs,
    effective_macs, synaptic_operations, neuron_updates, energy_nj, as many as `costs` has; NaN where it is not kept to
    the last step; last the per of `costs`, if it has it. ValueError for a table without model, step, frame,
    accuracy, or a wanted accuracy not in (0, 1].

    >>> steps = {"model": "ANN", "step": [0, 1, 2, 3], "frame": [1.0, 2.0, 3.0, 4.0]}
    >>> costs = pd.DataFrame({**steps, "accuracy": [np.nan, 0.95, 0.7, 0.9]})
    >>> wb.measure_latency(costs, (0.8, 0.95, 0.99))[["outcome", "frame"]].values.tolist()
    [['kept', 4.0], ['reached at step 1, then lost', nan], ['never', nan]]
    """
    import pandas as pd

    wanted = list(accuracies)
    missing = [column for column in ("model", "step", "frame", "accuracy") if column not in costs.columns]
    if missing:
        raise ValueError(
            f"measure_latency: the table lacks the column {', '.join(missing)}; give the table that wb.compare returns"
        )
    if not wanted or not all(0 < accuracy <= 1 for accuracy in wanted):
        raise ValueError(f"measure_latency: accuracies={wanted!r} must be shares above 0 and at most 1, such as 0.9")
    rows = [
        {"model": model, "wanted": accuracy, **_find_step(steps.sort_values("step"), accuracy)}
        for model, steps in costs.groupby("model", sort=False)
        for accuracy in wanted
    ]
    spent = [column for column in SPENT if column in costs.columns]
    told = [column for column in ("per",) if column in costs.columns]  # the same in every row
    table = pd.DataFrame(rows, columns=["model", "wanted", "outcome", "accuracy", *spent, *told])
    for column in told:
        table[column] = costs[column].iloc[0] if len(costs) else None
    table.attrs = dict(costs.attrs)
    return table.astype({"step": "Int64"})


def _find_step(steps: pd.DataFrame, wanted: float) -> dict[Hashable, Any]:
    """The row at which one model has the accuracy for good, and in words what became of it."""
    enough = (steps["accuracy"] >= wanted - 1e-12).to_numpy()  # a share of recordings is rounded
    kept = enough[::-1].cumprod()[::-1].astype(bool)
    if kept.any():
        return {"outcome": "kept", **steps.iloc[int(kept.argmax())].drop("model").to_dict()}
    lost = f"reached at step {steps['step'].iloc[int(enough.argmax())]}, then lost"
    return {"outcome": lost if enough.any() else "never"}
