"""Playback controls: through the steps of a recording by hand, or played at a chosen speed."""

from __future__ import annotations

from typing import Any

import ipywidgets

from workbench.widgets._base.controls import CLOCK, NARROW

SPEEDS = {"real speed": 1, "10 times slower": 10, "30 times slower": 30, "100 times slower": 100}
SPEED_HINT = "How fast time runs while it plays, beside the recording's; steps too short to be drawn are left out"
HINTS = {
    "frame": "The frame in view, a step of an ANN, counted from 0; it is shown at its end",
    "tick": "The tick in view, a step of an SNN, counted from 0 through the recording; it is shown at its end",
}
FASTEST_MS = 100  # between two steps of a playing clock: what a panel can draw


class Playback(ipywidgets.HBox):  # type: ignore[misc]  # ipywidgets carries no types
    """A play button, a slider over steps (arrow keys go step by step) and a choice of speed.

    `step` is the slider, whose value is the step; `step_us` what a step lasts in the recording. Where that is too
    short to be drawn, playing leaves out steps so that time keeps its pace.

    >>> clock = Playback(steps=96, step_us=3125)
    >>> clock.speed.value = "30 times slower"
    >>> clock.play.interval, clock.play.step
    (100, 1)
    >>> clock.speed.value = "real speed"
    >>> clock.play.interval, clock.play.step
    (100, 32)
    """

    def __init__(self, steps: int, step_us: float, what: str = "tick") -> None:
        self.step_us = step_us
        self.step = ipywidgets.IntSlider(0, 0, steps - 1, description=what, tooltip=HINTS[what], **CLOCK)
        self.play = ipywidgets.Play(
            value=0, min=0, max=steps - 1, show_repeat=False, description="play", tooltip="Let the time run, or stop it"
        )
        self.speed = ipywidgets.Dropdown(options=list(SPEEDS), description="speed", tooltip=SPEED_HINT, **NARROW)
        self._link = ipywidgets.jslink((self.play, "value"), (self.step, "value"))
        self.speed.observe(self._update_interval, "value")
        self.speed.value = "30 times slower"
        super().__init__([self.play, self.step, self.speed])

    def resize(self, steps: int, step_us: float) -> None:
        """Change the number of steps and their length, and stay at the same time."""
        before = self.step.max + 1
        if steps != before:
            step = self.step.value * steps // before
            self.step.max = self.play.max = steps - 1
            self.step.value = step
            self.step_us = step_us
            self._update_interval()

    def name(self, what: str) -> None:
        """Say what a step is: a frame or a tick."""
        self.step.description, self.step.tooltip = what, HINTS[what]

    def enable(self, enabled: bool) -> None:
        """Enable or disable all controls."""
        for control in self.children:
            control.disabled = not enabled

    def open(self) -> None:
        self._link.open()
        super().open()

    def close(self) -> None:
        self._link.close()
        super().close()

    def _update_interval(self, change: Any = None) -> None:
        step_ms = self.step_us * SPEEDS[self.speed.value] / 1000
        self.play.step = max(1, round(FASTEST_MS / step_ms))
        self.play.interval = max(FASTEST_MS, round(step_ms))
