"""The table of `compare`: a pandas table that a notebook shows as one row per model, accuracy frame by frame."""

from __future__ import annotations

import html

import pandas as pd

from workbench.evaluation.summary import COLUMNS, format_summary, summarise
from workbench.evaluation.votes import find_per


class CostTable(pd.DataFrame):
    """Accuracy and counts of models at every step; with other columns or none it shows itself as any table does."""

    @property
    def _constructor(self) -> type[CostTable]:
        return CostTable

    def _repr_html_(self) -> str | None:
        if self.empty or not set(COLUMNS) <= set(self.columns):
            shown: str | None = super()._repr_html_()  # type: ignore[misc]  # pandas-stubs do not know it
            return shown
        wide = format_summary(summarise(self))
        caption = (
            f"{len(self):,} rows, a model and step each: accuracy at the end of every frame, and counts per "
            f"{find_per(self)} at the last step. figures.accuracy(costs) and figures.operations(costs) draw them."
        )
        caption += f" Split: {html.escape(str(self.attrs['split']))}." if self.attrs.get("split") else ""
        return f"{wide.rename(columns=html.escape).to_html(border=0)}<p>{caption}</p>"
