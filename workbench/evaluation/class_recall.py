"""How much of every class is recognised, and what the rest is taken for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def tabulate_recall(table: pd.DataFrame) -> pd.DataFrame:
    """Share of the recordings of every class that are answered correctly in the end: a row per class.

    `table` is that of `wb.evaluate` with `rows=True`, or of `wb.count_confusions`, whose last step counts. Columns:
    class, recordings, recall (0 to 1; NaN for a class without recordings) and "most frequent wrong answer" (of equally
    frequent ones the first; "" where there is none). Classes come as the table has them. ValueError for other tables.

    recall = recordings of the class answered as the class / recordings of the class

    >>> cells = {"label": list("aabb"), "answer": list("abab"), "recordings": [3, 1, 0, 4]}
    >>> tabulate_recall(pd.DataFrame({"frame": 1.0, **cells})).values.tolist()
    [['a', 4, 0.75, 'b'], ['b', 4, 1.0, '']]
    """
    import pandas as pd

    cells = _count_cells(table)
    rows = []
    for name, its in cells.groupby("label", sort=False):
        counts = its.groupby("answer", sort=False)["recordings"].sum()
        whole, right = int(counts.sum()), int(counts.get(name, 0))
        wrong = counts.drop(name, errors="ignore")
        taken_for = wrong.idxmax() if wrong.sum() > 0 else ""
        rows.append((name, whole, right / whole if whole else float("nan"), taken_for))
    return pd.DataFrame(rows, columns=["class", "recordings", "recall", "most frequent wrong answer"])


def _count_cells(table: pd.DataFrame) -> pd.DataFrame:
    """Columns label, answer and recordings, at the last step."""
    if {"frame", "label", "answer", "recordings"} <= set(table.columns):
        last: pd.DataFrame = table[table["frame"] == table["frame"].max()]
        return last
    if {"label", "answer", "correct"} <= set(table.columns):
        return table[["label", "answer"]].assign(recordings=1)
    raise ValueError(
        f"tabulate_recall: a table with the columns {', '.join(map(str, table.columns)) or 'none'} does not say what "
        "was answered; give that of wb.evaluate with rows=True, or of wb.count_confusions"
    )
