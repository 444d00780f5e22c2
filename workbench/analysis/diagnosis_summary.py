"""A diagnosis in short: every node's mean error, what ails its units, and the largest cause of its error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.analysis.error_decomposition import CAUSES

if TYPE_CHECKING:
    import pandas as pd

SYMPTOMS = ("saturated", "silent", "floor_hits")
"""The columns of a diagnosis that are shares of a node's units."""


def summarise_nodes(diagnosis: pd.DataFrame) -> pd.DataFrame:
    """Means over the frames in which a node answers: one row per node that does, in the order of the table.

    `diagnosis` is the table of `wb.diagnose`. Columns: node, relative_error (of its mean ANN activity), saturated,
    silent and floor_hits (shares of its units; NaN for the output, which does not spike), advice ("" if it is well).

    >>> rows = {"node": "v1", "frame": [0, 1, 2], "relative_error": [np.nan, 0.1, 0.3], "advice": ""}
    >>> table = summarise_nodes(pd.DataFrame({**rows, "saturated": 0.5, "silent": 0.0, "floor_hits": 0.0}))
    >>> float(table["relative_error"].round(3).item()), float(table["saturated"].item())
    (0.2, 0.5)
    """
    answered = diagnosis[diagnosis["relative_error"].notna()]
    nodes = answered.groupby("node", sort=False)
    table: pd.DataFrame = nodes[["relative_error", *SYMPTOMS]].mean()
    advice = answered.drop_duplicates("node").set_index("node")["advice"]
    return table.assign(advice=advice.fillna("")).reset_index()


def summarise_causes(diagnosis: pd.DataFrame) -> pd.DataFrame:
    """Each node's mean error, divided among its causes: one row per node that errs, in the order of the table.

    `diagnosis` is the table of `wb.diagnose`. Columns: node, relative_error, the causes in the same unit (shares of the
    node's mean ANN activity; they add up to relative_error, and what cancels others is negative) and largest_cause.
    Means over the frames in which the node answers with an error.

    >>> causes = dict.fromkeys(["saturation", "sources", "delays", "carry", "floor"], 0.0)
    >>> row = {"node": "v1", "frame": 1, "relative_error": 0.25, "error": 1.0, "quantisation": 0.75, "unevenness": 0.25}
    >>> summarise_causes(pd.DataFrame([row | causes]))[["quantisation", "largest_cause"]].values.tolist()
    [[0.1875, 'quantisation']]
    """
    wrong = diagnosis[diagnosis["error"] > 0].reset_index(drop=True)
    wrong = wrong[wrong["relative_error"].notna()].reset_index(drop=True)
    causes, scale = list(CAUSES), wrong["relative_error"] / wrong["error"]
    errors = wrong.groupby("node", sort=False)[["relative_error"]].mean()
    table: pd.DataFrame = errors.join(wrong[causes].mul(scale, axis=0).groupby(wrong["node"], sort=False).mean())
    return table.assign(largest_cause=table[causes].idxmax(axis=1)).reset_index()
