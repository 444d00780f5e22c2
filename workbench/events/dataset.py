"""Training and test recordings under one name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import EllipsisType

import numpy as np

from workbench.events.recordings import Recordings


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A named pair of training and test recordings with, in words, how they were divided; the parts say so too.

    Raises ValueError when the two parts differ in classes, shape or binning.
    """

    name: str
    train: Recordings
    test: Recordings
    split: str

    def __post_init__(self) -> None:
        for field in ("classes", "shape", "frames", "ticks_per_frame", "window_us", "clip"):
            ours, theirs = getattr(self.train, field), getattr(self.test, field)
            if ours != theirs:
                raise ValueError(f"dataset {self.name}: {field} is {ours} in train, {theirs} in test; make them alike")
        for part in ("train", "test"):
            object.__setattr__(self, part, getattr(self, part).with_split(self.split))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; a label is an index into them."""
        return self.train.classes

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one step, such as (2, 34, 34): polarity OFF, ON; height; width."""
        return self.train.shape

    @property
    def frames(self) -> int:
        """Number of frames that cover the window."""
        return self.train.frames

    @property
    def ticks_per_frame(self) -> int:
        """Number of ticks in a frame."""
        return self.train.ticks_per_frame

    @property
    def window_us(self) -> int:
        """Time that all frames together cover, in microseconds."""
        return self.train.window_us

    @property
    def left_out(self) -> int:
        """How many events lie outside the windows, so that they are in no bin."""
        return self.train.left_out + self.test.left_out

    @property
    def clip(self) -> int | None:
        """How many events of one place and tick are counted at most; None where all are."""
        return self.train.clip

    @property
    def clipped(self) -> int:
        """How many events in the windows are not counted because of the clip."""
        return self.train.clipped + self.test.clipped

    def rebin(
        self,
        frames: int | None = None,
        ticks_per_frame: int | None = None,
        window_us: int | None = None,
        clip: int | EllipsisType | None = ...,
    ) -> Dataset:
        """The same events in other bins; what is not given stays as it is, and a `clip` of None lifts it."""
        train, test = (part.rebin(frames, ticks_per_frame, window_us, clip) for part in (self.train, self.test))
        return replace(self, train=train, test=test)

    def __len__(self) -> int:
        return len(self.train) + len(self.test)

    def __repr__(self) -> str:
        lines = [f"Dataset {self.name}: {len(self.train):,} train + {len(self.test):,} test recordings"]
        lines += [f"  split: {self.split}"]
        width = max(len(name) for name in ("class", *self.classes))
        lines += [f"  {'class':{width}}  train   test"]
        size = len(self.classes)
        train, test = (np.bincount(part.labels, minlength=size) for part in (self.train, self.test))
        rows = zip(self.classes, train, test, strict=True)
        lines += [f"  {name:{width}} {ours:6,} {theirs:6,}" for name, ours, theirs in rows]
        return "\n".join(lines + repr(self.train).splitlines()[2:])
