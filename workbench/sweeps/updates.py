"""How far a sweep has come, for those who watch it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.sweeps.outcomes_table import tabulate
from workbench.sweeps.point_run import Outcome
from workbench.sweeps.points import Point

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SweepUpdate:
    """The points that have ended so far, of all: `failed` counts those without results."""

    points: int
    done: int
    failed: int
    _points: Sequence[Point]
    _seeds: Mapping[int, int]
    _outcomes: Mapping[int, Outcome]
    _attrs: Mapping[str, Any]

    @property
    def table(self) -> pd.DataFrame:
        """The rows of the points that have ended."""
        ended = [point for point in self._points if point.number in self._outcomes]
        return tabulate(ended or self._points, self._seeds, self._outcomes, self._attrs).head(len(ended))


SweepCallback = Callable[[SweepUpdate], bool | None]
"""Called when a point has ended, and several times a second; whoever returns True stops the sweep."""
