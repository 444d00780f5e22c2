"""The slider that chooses one of the recordings that a panel looks at."""

from __future__ import annotations

import ipywidgets

from workbench.events import Recordings
from workbench.validation import whole
from workbench.widgets._base.panel import LABELLED


def slide_recordings(recordings: Recordings, recording: int, panel: str) -> ipywidgets.IntSlider:
    """A slider over the recordings that stands at one of them; ValueError if that is not there.

    >>> recordings = Recordings.from_ticks(np.ones((2, 3, 1), dtype=int), labels=[0, 0, 0])
    >>> slide_recordings(recordings, 1, "player").max
    2
    """
    chosen = whole(recording)
    if chosen not in range(len(recordings)):
        raise ValueError(f"widgets.{panel}: recording={recording!r} is not among the {len(recordings)}; count from 0")
    return ipywidgets.IntSlider(
        chosen, 0, len(recordings) - 1, description="recording", **LABELLED, disabled=len(recordings) == 1
    )
