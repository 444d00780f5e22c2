"""The slider that chooses one of the recordings of a panel."""

from __future__ import annotations

import ipywidgets

from workbench.events import Recordings
from workbench.validation import whole
from workbench.widgets._base.controls import LABELLED


def make_recording_slider(recordings: Recordings, recording: int, panel: str) -> ipywidgets.IntSlider:
    """A slider over the recordings, set to one of them; ValueError if there is no such recording.

    >>> recordings = Recordings.from_ticks(np.ones((2, 3, 1), dtype=int), labels=[0, 0, 0])
    >>> make_recording_slider(recordings, 1, "player").max
    2
    """
    chosen = whole(recording)
    if chosen not in range(len(recordings)):
        raise ValueError(f"widgets.{panel}: recording={recording!r} is not among the {len(recordings)}; count from 0")
    return ipywidgets.IntSlider(
        chosen, 0, len(recordings) - 1, description="recording", tooltip="Which recording is shown, counted from 0",
        disabled=len(recordings) == 1, **LABELLED,
    )  # fmt: skip
