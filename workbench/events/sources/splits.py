"""Which clips train and which test, where there is no official split."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workbench.events.sources.clips import Clip

RANDOM, FIRST_100 = "random", "first-100"
Split = str | float | None


def divide(
    clips: Sequence[Clip], split: Split, seed: int, share: float = 0.8
) -> tuple[tuple[Clip, ...], tuple[Clip, ...], str]:
    """Training clips, test clips, and in words how they were divided.

    ``"random"`` (or None) draws ``share`` of every class for training by ``seed``, a number draws that share instead;
    ``"first-100"`` tests on the files 0 to 99 of every class, by the number in their names, whichever of them are
    there. A clip is on one side only, and so are all its slices. Raises ValueError for another split, file names
    without a number, or a part without clips.
    """
    if split == FIRST_100:
        test = np.array([_file_number(clip) < 100 for clip in clips])
        words = "first 100 of every class test (by the numbers of the files), the others train"
    else:
        test = ~_draw_training(clips, share if split in (None, RANDOM) else _share(split), seed)
        percent = round(100 * (share if split in (None, RANDOM) else _share(split)))
        words = f"at random by seed {seed}, {percent} to {100 - percent} in every class"
    training = tuple(clip for clip, chosen in zip(clips, test, strict=True) if not chosen)
    testing = tuple(clip for clip, chosen in zip(clips, test, strict=True) if chosen)
    for part, name in ((training, "train"), (testing, "test")):
        if not part:
            raise ValueError(
                f"no recording is left to {name} of {len(clips)}, divided {words}; give more recordings, or another "
                "split"
            )
    return training, testing, words


def require_official(split: Split, name: str) -> None:
    """ValueError for any other split where the data set has an official one."""
    if split not in (None, "official"):
        raise ValueError(f'{name} has an official split; leave split out (it is {split!r}), or give "official"')


def _share(split: Split) -> float:
    if isinstance(split, bool) or not isinstance(split, int | float) or not 0 < split < 1:
        raise ValueError(f'split is {split!r}; give "{RANDOM}", "{FIRST_100}" or a share for training between 0 and 1')
    return float(split)


def _draw_training(clips: Sequence[Clip], share: float, seed: int) -> np.ndarray:
    """Mask of the training clips: at least one of a class on either side, if it has two."""
    rng = np.random.default_rng(seed)
    labels = np.array([clip.label for clip in clips])
    chosen = np.zeros(len(clips), dtype=bool)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        most = max(1, len(members) - 1)
        chosen[members[: min(most, max(1, round(share * len(members))))]] = True
    return chosen


def _file_number(clip: Clip) -> int:
    found = re.findall(r"\d+", Path(clip.name).stem)
    if not found:
        raise ValueError(
            f'{clip.name} has no number in its name, which the split "{FIRST_100}" goes by; name files as '
            'cifar10_airplane_7, or take split="random"'
        )
    return int(found[-1])
