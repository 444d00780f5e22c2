"""Data sets by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from pathlib import Path

from workbench.events import digits, motion, nmnist
from workbench.events.cache import remember
from workbench.events.recordings import Dataset, Recordings

SETS: dict[str, Callable[[Path, int], Dataset]] = {
    "digits": lambda root, seed: remember("digits", digits.generate, root, seed),
    "motion": lambda root, seed: remember("motion", motion.generate, root, seed),
    "n-mnist": lambda root, seed: nmnist.read(root),
}
"""How each set is made from a folder and a seed; a further set is one file and one line here."""


def load(
    name: str,
    root: str | PathLike[str] = "data",
    frames: int = 8,
    ticks_per_frame: int = 12,
    window_us: int | None = None,
    seed: int = 0,
) -> Dataset:
    """Load a data set, binned into frames and ticks that together cover ``window_us`` (by default the set's).

    ``"digits"`` and ``"motion"`` are generated from ``seed``, without any download, and kept in ``root``;
    ``"n-mnist"`` is read from ``root``, its folder or the parent of its folder, and has no use for a seed.
    Raises ValueError for an unknown name or bins, FileNotFoundError when n-mnist is not under ``root``.

    >>> load("digit")
    Traceback (most recent call last):
    ValueError: unknown data set 'digit'; did you mean 'digits'? known sets: digits, motion, n-mnist
    """
    if name not in SETS:
        near = difflib.get_close_matches(str(name).lower(), SETS, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown data set {name!r}; {hint}known sets: {', '.join(SETS)}")
    dataset = SETS[name](Path(root), seed)
    window_us = dataset.window_us if window_us is None else window_us

    def binned(part: Recordings) -> Recordings:
        return replace(part, frames=frames, ticks_per_frame=ticks_per_frame, window_us=window_us)

    return replace(dataset, train=binned(dataset.train), test=binned(dataset.test))
