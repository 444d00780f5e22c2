"""The base of explore and compare: one recording under a time cursor, its neighbours prefetched."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

import ipywidgets
import plotly.graph_objects as go

from workbench.model import Model
from workbench.widgets._background.prefetch import PrefetchCache
from workbench.widgets._base.lifetime import weak_callback
from workbench.widgets._base.recording_pages import RecordingPages

KEPT = 8  # drawings


def name_moment(step: int, model: Model) -> str:
    """The moment at the end of a step: frames count from 0, ticks from 0 through the recording.

    >>> name_moment(3, Model(Network({"eye": (1,)}, [Edge("eye", "hand", Dense(2))])))
    'frame 3'
    """
    frame = f"frame {step // model.ticks_per_frame}"
    return f"{frame}, tick {step}" if model.spiking else frame


def name_answer(answer: str | None, correct: bool) -> str:
    """The class that is answered, and whether that is correct.

    >>> name_answer("left", True), name_answer(None, False)
    ('left, correct', 'none yet')
    """
    return "none yet" if answer is None else f"{answer}, {'correct' if correct else 'wrong'}"


class RecordingPanel(RecordingPages):
    """Controls over a figure of one recording; the clock moves a cursor over it without a redraw.

    Subclasses set `recording` and `clock` before they call this constructor.
    """

    def __init__(self, controls: Iterable[ipywidgets.Widget], followed: Iterable[ipywidgets.Widget]) -> None:
        self._drawings: PrefetchCache[tuple[Any, ...], go.Figure] = PrefetchCache(
            lambda key: self._draw_recording(*key), keep=KEPT
        )
        self._background = (*self._background, self._drawings)
        super().__init__(controls, followed)
        self.clock.step.observe(weak_callback(self._move), "value")
        self._update_time()

    @abstractmethod
    def _choices(self) -> tuple[Any, ...]:
        """What the figure depends on besides the recording."""

    @abstractmethod
    def _draw_recording(self, recording: int, *choices: Any) -> go.Figure:
        """The figure of a recording under these choices."""

    @abstractmethod
    def _move(self, change: Any = None) -> None:
        """Update cursor and numbers to the clock, without a redraw."""

    def _draw(self) -> go.Figure:
        return self._drawings((self.recording.value, *self._choices()))

    def refresh(self) -> None:
        """Redraw for the values of the controls, and prefetch the neighbouring recordings."""
        super().refresh()
        self._update_time()

    def _update_time(self) -> None:
        self._move()
        number = self.recording.value
        beside = (number, min(number + 1, self.recording.max), max(number - 1, 0))
        self._drawings.prepare(dict.fromkeys((each, *self._choices()) for each in beside))
