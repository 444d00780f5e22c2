"""What explore and compare share: one recording under a time cursor, those beside it drawn ahead."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

import ipywidgets
import plotly.graph_objects as go

from workbench.widgets._background.prefetch import Prefetch
from workbench.widgets._base.lifetime import weakly
from workbench.widgets._base.panel import Panel
from workbench.widgets._base.playback import Playback

KEPT = 8  # drawings


class RecordingPanel(Panel):
    """Controls over a figure of one recording; the clock moves a cursor over it and draws nothing anew.

    `recording` and `clock` are there before this is called.
    """

    recording: ipywidgets.IntSlider
    clock: Playback

    def __init__(self, controls: Iterable[ipywidgets.Widget], followed: Iterable[ipywidgets.Widget]) -> None:
        self._drawings: Prefetch[tuple[Any, ...], go.Figure] = Prefetch(
            lambda key: self._draw_recording(*key), keep=KEPT
        )
        self._background = (*self._background, self._drawings)
        super().__init__(controls, followed)
        self.clock.step.observe(weakly(self._move), "value")
        self._settle()

    @abstractmethod
    def _choices(self) -> tuple[Any, ...]:
        """What else than the recording the drawing depends on."""

    @abstractmethod
    def _draw_recording(self, recording: int, *choices: Any) -> go.Figure:
        """The figure of a recording under these choices."""

    @abstractmethod
    def _move(self, change: Any = None) -> None:
        """Bring cursor and numbers to the clock; the figure stays as it is."""

    def _draw(self) -> go.Figure:
        return self._drawings((self.recording.value, *self._choices()))

    def refresh(self) -> None:
        """Draw anew what the controls want, and prepare the recordings beside."""
        super().refresh()
        self._settle()

    def _settle(self) -> None:
        self._move()
        number = self.recording.value
        beside = (number, min(number + 1, self.recording.max), max(number - 1, 0))
        self._drawings.prepare(dict.fromkeys((each, *self._choices()) for each in beside))
