"""Operations of all kinds together: by model, and by edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.evaluation.votes import require_one_per

if TYPE_CHECKING:
    import pandas as pd


def total_operations(counts: pd.DataFrame, *, effective: bool = False) -> pd.Series[float]:
    """All operations of every row of a table of counts: synaptic operations and dense MACs, or effective ones.

    >>> counts = pd.DataFrame({"synaptic_operations": [30.0, 0.0], "dense_macs": [0.0, 100.0]})
    >>> total_operations(counts).tolist()
    [30.0, 100.0]
    """
    return counts["synaptic_operations"] + counts["effective_macs" if effective else "dense_macs"]


def compare_operations(costs: pd.DataFrame) -> pd.DataFrame:
    """Operations per recording of every model at its last step, from cheap to costly: one row per model.

    `costs` is the table of `wb.compare`. Columns: model, synaptic_operations, effective_macs, dense_macs, operations
    (synaptic operations and dense MACs), effective_operations (with effective MACs instead), and both as multiples of
    the fewest `operations` of any model: ratio, effective_ratio (infinite or NaN where that model takes none).

    >>> counts = {"synaptic_operations": [0.0, 50.0], "effective_macs": [40.0, 0.0], "dense_macs": [100.0, 0.0]}
    >>> compare_operations(pd.DataFrame({"model": ["ANN", "SNN"], **counts})).set_index("model")["ratio"].to_dict()
    {'SNN': 1.0, 'ANN': 2.0}
    """
    require_one_per(costs)
    last = costs.groupby("model", sort=False).tail(1)
    last = last[["model", "synaptic_operations", "effective_macs", "dense_macs"]].assign(
        operations=total_operations(last), effective_operations=total_operations(last, effective=True)
    )
    table = last.sort_values("operations", kind="stable").reset_index(drop=True)
    fewest = table["operations"].min()
    table = table.assign(ratio=table["operations"] / fewest, effective_ratio=table["effective_operations"] / fewest)
    table.attrs = dict(costs.attrs)
    return table


def total_by_edge(counts: pd.DataFrame, step: int | None = None) -> pd.DataFrame:
    """What every edge takes up to the end of a step (the last, unless given), and its share: one row per edge.

    `counts` is the table of `wb.operations`, whose columns are kept. Added: operations (synaptic operations and dense
    MACs) and share (of those of all edges, 0 to 1; NaN where there are none). ValueError for a step that is not there.

    >>> counts = pd.DataFrame({"edge": [0, 1], "step": 3, "synaptic_operations": [30, 0], "dense_macs": [0, 90]})
    >>> total_by_edge(counts)["share"].tolist()
    [0.25, 0.75]
    """
    last = int(counts["step"].max())
    rows = counts[counts["step"] == (last if step is None else step)]
    if rows.empty:
        raise ValueError(f"step={step!r} is not in the table; it has 0 to {last}")
    operations = total_operations(rows)
    return rows.assign(operations=operations, share=operations / operations.sum())
