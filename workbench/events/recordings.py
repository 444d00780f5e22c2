"""Labelled event streams in memory, binned exactly into frames and ticks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.events.layout import Events, flatten, unflatten
from workbench.events.validity import frozen, positive, validate, whole_ticks

Selection = slice | Sequence[int] | NDArray[np.integer[Any]] | NDArray[np.bool_]


@dataclass(frozen=True, eq=False, repr=False)
class Recordings:
    """Labelled event streams of one sensor, all in memory, and how they are binned.

    Recording ``i`` holds the events ``starts[i]`` to ``starts[i + 1]`` of ``time_us`` (in order of time) and
    ``site`` (flat index into ``shape``). The ``frames`` together cover ``[0, window_us)``, each is cut in
    ``ticks_per_frame`` ticks; events outside the window stay in the recording but are not binned.
    Other bins: ``dataclasses.replace(recordings, frames=16)``. All arrays are read-only.

    Raises ValueError when the fields contradict each other or when there is no recording.

    >>> import numpy as np
    >>> counts = np.zeros((4, 1, 2, 3, 3), dtype=int)            # (tick, recording, polarity, height, width)
    >>> counts[1, 0, 1, 2, 0] = 5
    >>> recordings = Recordings.from_ticks(counts, labels=[0], ticks_per_frame=2)
    >>> recordings.as_ticks().shape, recordings.as_frames()[:, 0, 1, 2, 0].tolist()
    ((4, 1, 2, 3, 3), [5.0, 0.0])
    """

    time_us: NDArray[np.int32]
    site: NDArray[np.int32]
    starts: NDArray[np.int64]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    frames: int = 8
    ticks_per_frame: int = 12
    window_us: int = 300_000
    name: str = "recordings"

    def __post_init__(self) -> None:
        store = object.__setattr__
        store(self, "classes", tuple(str(name) for name in self.classes))
        store(self, "shape", tuple(int(size) for size in self.shape))
        for field, bits in (("time_us", 32), ("site", 32), ("starts", 64), ("labels", 64)):
            store(self, field, frozen(getattr(self, field), bits, f"{self.name}: {field}"))
        for field in ("frames", "ticks_per_frame", "window_us"):
            store(self, field, positive(getattr(self, field), f"{self.name}: {field}"))
        validate(self)

    @classmethod
    def from_events(
        cls,
        events: Iterable[Events],
        labels: ArrayLike,
        classes: Sequence[str],
        shape: tuple[int, ...],
        frames: int = 8,
        ticks_per_frame: int = 12,
        window_us: int = 300_000,
        name: str = "recordings",
    ) -> Recordings:
        """Gather structured event arrays (fields x, y, t in us, p), one a recording, and sort each by time.

        Raises ValueError when an event lacks a field or lies outside ``shape``, naming recording and event.

        >>> import numpy as np
        >>> events = np.array([(1, 0, 250, True)], dtype=[("x", int), ("y", int), ("t", int), ("p", bool)])
        >>> Recordings.from_events([events], [0], ["spark"], (2, 2, 2), window_us=1000)[0].tolist()
        [(1, 0, 250, True)]
        """
        shape = tuple(int(size) for size in shape)
        flat = [flatten(one, shape, f"{name}: recording {i}") for i, one in enumerate(events)]
        none = np.zeros(0, dtype=np.int32)
        return cls(
            time_us=np.concatenate([none, *(time for time, _ in flat)]),
            site=np.concatenate([none, *(site for _, site in flat)]),
            starts=np.cumsum([0, *(len(time) for time, _ in flat)]), labels=np.asarray(labels),
            classes=tuple(classes), shape=shape, frames=frames, ticks_per_frame=ticks_per_frame,
            window_us=window_us, name=name,
        )  # fmt: skip

    @classmethod
    def from_ticks(
        cls,
        counts: ArrayLike,
        labels: ArrayLike,
        classes: Sequence[str] | None = None,
        frames: int | None = None,
        ticks_per_frame: int = 1,
        tick_us: int = 1000,
        name: str = "recordings",
    ) -> Recordings:
        """Turn integer counts (tick, recording, *shape) into events in the middle of their ticks.

        ``as_ticks()`` gives back exactly ``counts``. Classes default to the numbers up to the largest label.
        Raises ValueError when counts are negative or fractional, or ticks do not make whole frames.
        """
        counts = np.asarray(counts)
        ticks = whole_ticks(counts, frames, ticks_per_frame, name)
        by_recording = np.moveaxis(counts, 1, 0).reshape(counts.shape[1], ticks, -1).astype(np.int64)
        recording, tick, site = np.nonzero(by_recording)
        repeats = by_recording[recording, tick, site]
        starts = np.concatenate([[0], np.cumsum(by_recording.sum(axis=(1, 2)))])
        labels = np.asarray(labels)
        if classes is None:
            classes = [str(number) for number in range(int(labels.max(initial=0)) + 1)]
        time_us = np.repeat(tick * tick_us + tick_us // 2, repeats).astype(np.int32)
        return cls(
            time_us=time_us, site=np.repeat(site, repeats).astype(np.int32), starts=starts, labels=labels,
            classes=tuple(classes), shape=counts.shape[2:], frames=ticks // ticks_per_frame,
            ticks_per_frame=ticks_per_frame, window_us=ticks * tick_us, name=name,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[Events]:
        return (self[i] for i in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Events: ...
    @overload
    def __getitem__(self, index: Selection) -> Recordings: ...
    def __getitem__(self, index: int | Selection) -> Events | Recordings:
        """One recording's events (index), or the Recordings of a subset (slice, indexes or mask)."""
        chosen = self._choose(index)
        if chosen.ndim == 0:
            part = slice(self.starts[chosen], self.starts[chosen + 1])
            return unflatten(self.time_us[part], self.site[part], self.shape)
        which, event = self._gather(chosen)
        starts = np.searchsorted(which, np.arange(len(chosen) + 1))
        time_us, site, labels = self.time_us[event], self.site[event], self.labels[chosen]
        return replace(self, time_us=time_us, site=site, starts=starts, labels=labels)

    def as_ticks(self, indices: Selection | None = None, ticks_per_frame: int | None = None) -> NDArray[np.float32]:
        """Count events per tick: float32 (frames * ticks_per_frame, batch, *shape).

        The tick of an event at time t is ``t * frames * ticks_per_frame // window_us``, in whole numbers, so
        that a frame is exactly the sum of its ticks, however many they are.
        """
        ticks = self.ticks_per_frame if ticks_per_frame is None else ticks_per_frame
        return self._count(indices, self.frames * positive(ticks, f"{self.name}: ticks_per_frame"))

    def as_frames(self, indices: Selection | None = None) -> NDArray[np.float32]:
        """Count events per frame: float32 (frames, batch, *shape), each the sum of its ticks."""
        return self._count(indices, self.frames)

    def split(self, fraction: float, seed: int) -> tuple[Recordings, Recordings]:
        """Divide at random, class by class: ``fraction`` of each class first, the rest second; order is kept.

        Raises ValueError unless 0 < fraction < 1 and both parts get a recording.
        """
        if not 0 < fraction < 1:
            raise ValueError(f"{self.name}: fraction is {fraction}; give a share between 0 and 1")
        rng = np.random.default_rng(seed)
        first = np.zeros(len(self), dtype=bool)
        for label in range(len(self.classes)):
            members = rng.permutation(np.flatnonzero(self.labels == label))
            first[members[: round(fraction * len(members))]] = True
        return self[first], self[~first]

    def __repr__(self) -> str:
        sizes = np.diff(self.starts)
        rate = sizes.mean() / self.window_us * 1000
        return (
            f"Recordings {self.name}: {len(self):,} recordings of {len(self.classes)} classes\n"
            f"  classes: {', '.join(self.classes)}\n"
            f"  shape {self.shape}, {self.frames} frames x {self.ticks_per_frame} ticks"
            f" over {self.window_us / 1000:g} ms\n"
            f"  {sizes.mean():,.0f} events a recording ({sizes.min():,} to {sizes.max():,}),"
            f" {rate:,.1f} events a millisecond"
        )

    def _choose(self, index: int | Selection) -> NDArray[np.int64]:
        try:
            return np.asarray(np.arange(len(self))[index])
        except IndexError as error:
            raise IndexError(f"{self.name} has the recordings 0 to {len(self) - 1}: {error}") from None

    def _gather(self, chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Place in ``chosen`` and index of every event of the chosen recordings."""
        sizes = self.starts[chosen + 1] - self.starts[chosen]
        which = np.repeat(np.arange(len(chosen)), sizes)
        shift = self.starts[chosen] - (np.cumsum(sizes) - sizes)
        return which, np.arange(len(which)) + shift[which]

    def _count(self, indices: Selection | None, steps: int) -> NDArray[np.float32]:
        chosen = self._choose(slice(None) if indices is None else indices)
        if chosen.ndim != 1:
            raise ValueError(f"{self.name}: a batch is a slice or a 1-D list of indexes; write [{chosen}]")
        which, event = self._gather(chosen)
        step = self.time_us[event].astype(np.int64) * steps // self.window_us
        inside = (step >= 0) & (step < steps)
        place = ((step * len(chosen) + which) * prod(self.shape) + self.site[event])[inside]
        counts = np.zeros(steps * len(chosen) * prod(self.shape), dtype=np.float32)
        np.add.at(counts, place, np.float32(1))
        return counts.reshape(steps, len(chosen), *self.shape)


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A named pair of training and test recordings with, in words, how they were divided.

    Raises ValueError when the two parts differ in classes, shape or binning.
    """

    name: str
    train: Recordings
    test: Recordings
    split: str

    def __post_init__(self) -> None:
        for field in ("classes", "shape", "frames", "ticks_per_frame", "window_us"):
            ours, theirs = getattr(self.train, field), getattr(self.test, field)
            if ours != theirs:
                raise ValueError(f"dataset {self.name}: {field} is {ours} in train, {theirs} in test; make them alike")

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
