"""The base of panels of recordings, whose saved pages hold the recordings that are asked for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

import ipywidgets

from workbench.validation import whole
from workbench.widgets._base.panel import Panel
from workbench.widgets._base.playback import Playback
from workbench.widgets._base.saved_page import Control, SavedPage, keep_control, read_options, write_saved_page


class RecordingPages(Panel):
    """A panel with a slider over recordings and a clock."""

    recording: ipywidgets.IntSlider
    clock: Playback

    def save(self, path: str | Path, *, recordings: Sequence[int] | None = None) -> None:
        """Save the panel as `Panel.save` does, with time and choices to go through, of these recordings.

        By default of the one in view. ValueError for one that is not there.
        """
        asked = [self.recording.value] if recordings is None else [whole(number) for number in recordings]
        chosen = [number for number in asked if number is not None and 0 <= number <= self.recording.max]
        if chosen != asked or not asked:
            raise ValueError(
                f"save: recordings={recordings!r} must name some of the {self.recording.max + 1} there are, from 0 on"
            )
        with self._lock:
            write_saved_page(self._make_recording_page(list(dict.fromkeys(chosen))), path)

    @abstractmethod
    def _make_recording_page(self, recordings: Sequence[int]) -> SavedPage:
        """The panel as a page of these recordings."""

    def _keep_recordings(self, recordings: Sequence[int]) -> dict[str, Control]:
        """The controls of a page that choose the recording and the step."""
        listed = [(number, str(number)) for number in recordings]
        first = self.recording.value if self.recording.value in recordings else recordings[0]
        return {
            "recording": keep_control(self.recording, listed, value=first),
            "step": keep_control(self.clock.step, read_options(self.clock.step), plays=True),
        }
