"""A sweep in the background, with a figure that grows and a stop button."""

from __future__ import annotations

import html
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from workbench import figures
from workbench.figures._for_panels import empty
from workbench.sweeps import NOT_RUN, Grid, SweepUpdate, carry_out, read_grid
from workbench.widgets._base.controls import LABELLED
from workbench.widgets._base.job_panel import JobPanel

VIEWS = ("parallel", "trade-off", "heat map")
VIEW_HINT = "All columns side by side, what is gained against what is spent, or a result over two parameters"


def sweep(
    function: Callable[..., Any],
    grid: Grid,
    executor: Executor | str | int | None = None,
    store: str | Path | None = None,
    *,
    view: str = "parallel",
    **options: Any,
) -> SweepPanel:
    """Begin a sweep in the background, with a figure that grows and a stop button; what has ended stays.

    The arguments are those of `wb.sweep`, `view` is one of `figures.sweep`. `table = await panel` waits for the end and
    returns what `wb.sweep` returns; outside of notebooks, `panel.result()` does. ValueError for a grid or a view that
    is none; what is wrong otherwise is said in the panel.

    >>> from workbench import widgets
    >>> panel = widgets.sweep(lambda k: {"cost": k, "gain": k % 3}, {"k": [1, 2, 4]}, executor="here")
    >>> panel.result()["gain"].tolist(), panel
    ([1, 2, 1], SweepPanel(ended after 3 of 3 points))
    """
    if view not in VIEWS:
        raise ValueError(f"widgets.sweep: view={view!r} is unknown; choose one of {', '.join(VIEWS)}")
    points = [dict(point.parameters) for point in read_grid(grid)]
    return SweepPanel(function, points, executor, store, view, **options)


class SweepPanel(JobPanel[pd.DataFrame]):
    """A sweep in a thread of its own; `table` has the points that have ended, `selection` is the view."""

    title, job, anew = "Sweep", "sweep", "sweep anew"

    def __init__(
        self,
        function: Callable[..., Any],
        points: list[dict[str, Any]],
        executor: Executor | str | int | None,
        store: str | Path | None,
        view: str = "parallel",
        **options: Any,
    ) -> None:
        self._table = pd.DataFrame()
        self._done, self._remarks = 0, list[str]()
        self.view = ipywidgets.Dropdown(options=VIEWS, value=view, description="view", tooltip=VIEW_HINT, **LABELLED)
        options = {"progress": False, **options}
        super().__init__(
            lambda: self._sweep(function, points, executor, store, options), len(points), "points",
            "End the sweep; the points that have ended are kept", [self.view],
        )  # fmt: skip

    @property
    def table(self) -> pd.DataFrame:
        """The points that have ended so far, as `wb.sweep` returns them."""
        return self._table

    @property
    def selection(self) -> str:
        """The view."""
        return str(self.view.value)

    def _sweep(
        self, function: Callable[..., Any], points: list[dict[str, Any]], executor: Any, store: Any,
        options: dict[str, Any],
    ) -> pd.DataFrame:  # fmt: skip
        table, self._remarks = carry_out(function, points, executor, store, **options, callback=self._on_update)
        return table

    def _count_done(self) -> int:
        return self._done

    def _keep(self, outcome: pd.DataFrame) -> None:
        self._table = outcome
        self._done = int((outcome["error"] != NOT_RUN).sum())

    def _on_update(self, update: SweepUpdate) -> bool:
        """Update the panel; returns whether to stop."""
        more = update.done > self._done
        words = f"{update.done} of {update.points} points" + (f", {update.failed} failed" if update.failed else "")
        return self._follow(update.done, words, (lambda: self._see(update)) if more else None)

    def _see(self, update: SweepUpdate) -> None:
        self._table, self._done = update.table, update.done

    def _saved_controls(self) -> dict[str, ipywidgets.Widget]:
        return {"view": self.view}

    def _draw_done(self) -> go.Figure:
        if not self._done:
            return empty(self.title, "no point has ended yet")
        return figures.sweep(self._table, self.view.value)

    def _note(self) -> str:
        return "<br>".join([super()._note(), *(html.escape(remark) for remark in self._remarks)])
