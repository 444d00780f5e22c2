"""Which recordings a panel looks at, and the slider that chooses one of them."""

from __future__ import annotations

import ipywidgets

from workbench.events.datasets import Dataset
from workbench.events.recordings import Recordings
from workbench.validation import whole
from workbench.widgets.panel import LABELLED


def take_test(recordings: Recordings | Dataset) -> Recordings:
    """The recordings themselves; of a Dataset, its test part."""
    return recordings.test if isinstance(recordings, Dataset) else recordings


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
