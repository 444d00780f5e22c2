"""Recordings played frame by frame or tick by tick, as a strip of frames or as an event cloud."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import cache, lru_cache, partial
from itertools import product
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench import figures
from workbench.analysis import count_events
from workbench.events import Dataset, Recordings
from workbench.model import take_test
from workbench.widgets._base.controls import LABELLED
from workbench.widgets._base.playback import Playback
from workbench.widgets._base.recording_finder import RecordingFinder
from workbench.widgets._base.recording_pages import RecordingPages
from workbench.widgets._base.recording_slider import make_recording_slider
from workbench.widgets._base.saved_page import Control, Part, SavedPage, keep_control, read_options

FRAMES, TICKS, STRIP, CLOUD = "frame by frame", "tick by tick", "all frames", "cloud in space and time"
VIEW_HINT = (
    "One frame (a step of an ANN) at a time, one tick (a step of an SNN) at a time, all frames beside each other, or "
    "every event as a point"
)


def player(recordings: Recordings | Dataset, *, recording: int = 0) -> PlayerPanel:
    """A panel that plays the recordings of an event camera; of a Dataset, its test part.

    `recording` is the one to begin with. ValueError for one that is not there.

    >>> ticks = np.ones((4, 3, 2, 5, 5), dtype=int)
    >>> panel = player(Recordings.from_ticks(ticks, labels=[0, 1, 1], ticks_per_frame=2))
    >>> panel.clock.step.value = 1
    >>> panel
    PlayerPanel(recording 0, frame by frame, step 1)
    >>> panel.table.query("step == 1")[["begin_ms", "off", "on"]].values.tolist()
    [[2.0, 50.0, 50.0]]
    """
    return PlayerPanel(take_test(recordings, "widgets.player"), recording)


class PlayerPanel(RecordingPages):
    """A recording step by step; `selection` is the (recording, step) in view."""

    title = "Recording"

    def __init__(self, recordings: Recordings, recording: int = 0) -> None:
        self.recordings = recordings
        self.recording = make_recording_slider(recordings, recording, "player")
        self.view = ipywidgets.Dropdown(
            options=[FRAMES, TICKS, STRIP, CLOUD], description="view", tooltip=VIEW_HINT, **LABELLED
        )
        self.clock = Playback(recordings.frames, recordings.window_us / recordings.frames, "frame")
        self._counts = lru_cache(maxsize=4)(self._count)
        self.finder = RecordingFinder(recordings, {}, self.recording)
        rows = (self.finder, ipywidgets.HBox([self.recording, self.view]), self.clock)
        super().__init__(rows, (self.recording, self.view, self.clock.step))

    @property
    def selection(self) -> tuple[int, int]:
        """The (recording, step) in view."""
        return self.recording.value, self.clock.step.value

    @property
    def table(self) -> pd.DataFrame:
        """A row per step of the recording in view: step, begin_ms, end_ms, off, on (numbers of events)."""
        self._require_images()
        return count_events(self._counts(self.recording.value, self._steps()), self.recordings.window_us)

    def _require_images(self) -> None:
        shape = self.recordings.shape
        if len(shape) != 3 or shape[0] != 2:
            raise ValueError(f"these recordings have the shape {shape}; only images (2, height, width) play")

    def _steps(self) -> int:
        return self.recordings.frames * (self.recordings.ticks_per_frame if self.view.value == TICKS else 1)

    def _count(self, recording: int, steps: int) -> np.ndarray:
        return self.recordings.as_ticks([recording], steps // self.recordings.frames)[:, 0]

    def _on_control(self, change: Any) -> None:
        with self._pausing():
            self.clock.resize(self._steps(), self.recordings.window_us / self._steps())
            self.clock.enable(self.view.value in (FRAMES, TICKS))
            self.clock.name("tick" if self.view.value == TICKS else "frame")
        self.refresh()

    def _draw(self) -> go.Figure:
        self._require_images()
        return self._draw_view(self.view.value, *self.selection)

    def _draw_view(self, view: str, recording: int, step: int) -> go.Figure:
        if view == CLOUD:
            return figures.events(self.recordings[recording], self.recordings.shape, self.recordings.window_us)
        steps = self.recordings.frames * (self.recordings.ticks_per_frame if view == TICKS else 1)
        counts = self._counts(recording, steps)
        if view == STRIP:
            return figures.frames(counts, self.recordings.window_us)
        return figures.frame(counts, step, self.recordings.window_us, "tick" if view == TICKS else "frame")

    def _note(self) -> str:
        return self._introduce(self.recording.value)

    def _introduce(self, recording: int) -> str:
        name = self.recordings.classes[self.recordings.labels[recording]]
        return f"Recording {recording} shows <b>{html.escape(name)}</b>."

    def _make_recording_page(self, recordings: Sequence[int]) -> SavedPage:
        """All views travel; the clock goes tick by tick, through frames as well."""
        self._require_images()
        k, ticks = self.recordings.ticks_per_frame, self.recordings.frames * self.recordings.ticks_per_frame
        here = self.clock.step.value * (ticks // (self.clock.step.max + 1))
        controls = {
            "view": keep_control(self.view, read_options(self.view)),
            "recording": self._keep_recordings(recordings)["recording"],
            "step": Control("tick", tuple(map(str, range(ticks))), here, slider=True, plays=True),
        }
        drawn, idle = {}, {}
        for (place, view), (number, recording) in product(enumerate(self.view.options), enumerate(recordings)):
            moving = {FRAMES: k, TICKS: 1}.get(view)
            draw = cache(partial(self._draw_view, view, recording))
            for tick in range(ticks):
                drawn[place, number, tick] = draw(tick // moving if moving else 0)
            idle[place,] = [] if moving else ["step"]
        names = {(number,): self._introduce(recording) for number, recording in enumerate(recordings)}
        rows = [
            [Part("disabled", ("view",), idle)],
            [Part("words", ("recording",), names)],
            [Part("figure", ("view", "recording", "step"), drawn)],
        ]
        return SavedPage(self.title, controls, rows)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(recording {self.recording.value}, {self.view.value}, step {self.clock.step.value})"
        )
