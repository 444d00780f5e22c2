"""Streams of words, each with its type in its highest bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.events.formats.errors import DamagedFile


def refuse_unknown(path: Path, kind: NDArray[np.int64], known: tuple[int, ...], place: NDArray[np.int64]) -> None:
    """Raise DamagedFile for the first word whose type is not one of ``known``."""
    unknown = ~np.isin(kind, known)
    if unknown.any():
        bad = int(unknown.argmax())
        fact = f"has a word of the reserved type {kind[bad]:#x} at byte {place[bad]}"
        raise DamagedFile(path, fact, int(place[bad]))
