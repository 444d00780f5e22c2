"""Labelled event streams, in memory or mapped from disk, binned exactly into frames and ticks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property, partial
from itertools import pairwise
from types import EllipsisType
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.events.binning import (
    Bins,
    Located,
    count_events,
    require_clip,
    require_own_ticks,
)
from workbench.events.event_arrays import Events, flatten, unflatten
from workbench.events.pieced_column import PiecedColumn, select_parts
from workbench.events.recording_checks import (
    as_read_only,
    name_classes,
    require_tick_length,
    require_whole_ticks,
    validate,
)
from workbench.events.recording_words import describe_recordings
from workbench.validation import require_seed, require_whole

Selection = slice | Sequence[int] | NDArray[np.integer[Any]] | NDArray[np.bool_]


@dataclass(frozen=True, eq=False, repr=False)
class Recordings:
    """Labelled event streams of one sensor and how they are binned.

    Recording ``i`` holds the events ``starts[i]`` to ``starts[i + 1]`` of ``time_us`` (in order of time) and
    ``site`` (flat index into ``shape``). The ``frames`` together cover ``[0, window_us)``, each is cut in
    ``ticks_per_frame`` ticks; events outside the window stay in the recording but are not binned.
    ``origins`` numbers the stream that each was cut from (default: each its own); ``divided`` says in words how
    training and test recordings were divided. With a `clip`, of the events of one place and tick at most so many are
    counted, in ticks and in frames, their sums. All arrays are read-only, and may be mapped from a file, or from
    several (`PiecedColumn`); a subset of mapped recordings copies no event.

    Raises ValueError when the fields contradict each other or when there is no recording.

    >>> import numpy as np
    >>> counts = np.zeros((4, 1, 2, 3, 3), dtype=int)            # (tick, recording, polarity, height, width)
    >>> counts[1, 0, 1, 2, 0] = 5
    >>> recordings = Recordings.from_ticks(counts, labels=[0], ticks_per_frame=2)
    >>> recordings.as_ticks().shape, recordings.as_frames()[:, 0, 1, 2, 0].tolist()
    ((4, 1, 2, 3, 3), [5.0, 0.0])
    """

    time_us: NDArray[np.int32] | PiecedColumn
    site: NDArray[np.int32] | PiecedColumn
    starts: NDArray[np.int64]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    frames: int = 8
    ticks_per_frame: int = 12
    window_us: int = 300_000
    name: str = "recordings"
    origins: NDArray[np.int64] | None = None
    divided: str = ""
    clip: int | None = None

    def __post_init__(self) -> None:
        store = object.__setattr__
        store(self, "classes", tuple(str(name) for name in self.classes))
        store(self, "shape", tuple(int(size) for size in self.shape))
        origins = np.arange(len(self.labels)) if self.origins is None else self.origins
        store(self, "origins", origins)
        for field, bits in (("time_us", 32), ("site", 32), ("starts", 64), ("labels", 64), ("origins", 64)):
            given = getattr(self, field)
            if not isinstance(given, PiecedColumn):  # which is read-only
                store(self, field, as_read_only(given, bits, f"{self.name}: {field}"))
        self._require_bins()
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
        """Put together structured event arrays (fields x, y, t in us, p), one a recording, and sort each by time.

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
        """Turn integer counts (tick, recording, *shape) into events amid their ticks; `as_ticks` gives them back.

        Classes default to the numbers up to the largest label. Raises ValueError for counts or labels that are no whole
        numbers or negative, and ticks that do not make whole frames or last longer than times of 32 bits, 2,147 s.
        """
        counts = np.asarray(counts)
        ticks_per_frame = require_whole(f"{name}: ticks_per_frame", ticks_per_frame, floats=True)
        ticks = require_whole_ticks(counts, frames, ticks_per_frame, name)
        tick_us = require_tick_length(tick_us, ticks, name)
        by_recording = np.moveaxis(counts, 1, 0).reshape(counts.shape[1], ticks, -1).astype(np.int64)
        recording, tick, site = np.nonzero(by_recording)
        repeats = by_recording[recording, tick, site]
        starts = np.concatenate([[0], np.cumsum(by_recording.sum(axis=(1, 2)))])
        labels = as_read_only(labels, 64, f"{name}: labels")
        time_us = np.repeat(tick * tick_us + tick_us // 2, repeats).astype(np.int32)
        return cls(
            time_us=time_us, site=np.repeat(site, repeats).astype(np.int32), starts=starts, labels=labels, name=name,
            classes=tuple(name_classes(labels, name) if classes is None else classes), shape=counts.shape[2:],
            frames=ticks // ticks_per_frame, ticks_per_frame=ticks_per_frame, window_us=ticks * tick_us,
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
        chosen = self._to_indexes(index)
        if chosen.ndim == 0:
            part = slice(self.starts[chosen], self.starts[chosen + 1])
            return unflatten(self.time_us[part], self.site[part], self.shape)
        begins, ends = self.starts[:-1][chosen], self.starts[1:][chosen]
        parts = list(zip(begins.tolist(), ends.tolist(), strict=True))
        time_us, site = select_parts(self.time_us, parts), select_parts(self.site, parts)
        rows = np.concatenate([[0], np.cumsum(ends - begins)]), self.labels[chosen], self._origins[chosen]
        starts, labels, origins = (as_read_only(row, 64, self.name) for row in rows)
        changed = self._with if parts and isinstance(time_us, PiecedColumn) else partial(replace, self)
        return changed(time_us=time_us, site=site, starts=starts, labels=labels, origins=origins)

    def rebin(
        self,
        frames: int | None = None,
        ticks_per_frame: int | None = None,
        window_us: int | None = None,
        clip: int | EllipsisType | None = ...,
    ) -> Recordings:
        """The same events in other bins; what is not given stays as it is. No event is looked at.

        A `clip` acts on the ticks that result; None lifts it.

        >>> import numpy as np
        >>> one = Recordings.from_ticks(np.ones((12, 1, 1), dtype=int), labels=[0], ticks_per_frame=12)
        >>> one.rebin(frames=4, ticks_per_frame=1).as_ticks().ravel().tolist()
        [3.0, 3.0, 3.0, 3.0]
        """
        given = {"frames": frames, "ticks_per_frame": ticks_per_frame, "window_us": window_us}
        values: dict[str, Any] = {field: value for field, value in given.items() if value is not None}
        return self._with(**values if clip is ... else values | {"clip": clip})

    @property
    def left_out(self) -> int:
        """How many events lie outside the window, so that they are in no bin."""
        inside = 0
        for begin, end in pairwise(self.starts.tolist()):
            first, last = np.searchsorted(self.time_us[begin:end], (0, self.window_us))
            inside += int(last - first)
        return int(self.starts[-1]) - inside

    @cached_property
    def clipped(self) -> int:
        """How many events in the window are not counted because there are more than `clip` in their place and tick."""
        if self.clip is None:
            return 0
        kept = sum(len(self.as_sites([one], self.ticks_per_frame)[0]) for one in range(len(self)))
        return int(self.starts[-1]) - self.left_out - kept

    def with_split(self, divided: str) -> Recordings:
        """The same recordings, which say so that they were divided."""
        return self._with(divided=divided)

    @classmethod
    def _from_valid(cls, **values: Any) -> Recordings:
        """Recordings of all their fields, whose events are known to be valid and are not looked at."""
        recordings = object.__new__(cls)
        for field, value in values.items():
            object.__setattr__(recordings, field, value)
        recordings._require_bins()
        return recordings

    def as_ticks(
        self,
        indices: Selection | None = None,
        ticks_per_frame: int | None = None,
        begin: int = 0,
        end: int | None = None,
    ) -> NDArray[np.float32]:
        """Count events per tick: float32 (frames * ticks_per_frame, batch, *shape), or ticks begin .. end - 1 of these.

        The tick of an event at time t is ``t * frames * ticks_per_frame // window_us``, in whole numbers, so
        that a frame is exactly the sum of its ticks, however many they are. ValueError where recordings with a `clip`
        are asked for ticks of another length than their own: a clip is per tick.
        """
        ticks = self.ticks_per_frame if ticks_per_frame is None else ticks_per_frame
        ticks = require_whole(f"{self.name}: ticks_per_frame", ticks, floats=True)
        return self._count(indices, ticks, begin, end)

    def as_sites(
        self, indices: Selection | None, ticks_per_frame: int, begin: int = 0, end: int | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The same as lists: the site of every event, and the bounds of every tick (batch, ticks + 1) in them.

        >>> recordings = Recordings.from_ticks(np.array([[[0, 2]], [[1, 0]]]), labels=[0])
        >>> [part.tolist() for part in recordings.as_sites(None, 1)]
        [[1, 1, 0], [[0, 2, 3]]]
        """
        return self._locate(indices, ticks_per_frame, begin, end)

    def as_frames(
        self, indices: Selection | None = None, begin: int = 0, end: int | None = None
    ) -> NDArray[np.float32]:
        """Count events per frame: float32 (frames, batch, *shape), each the sum of its ticks."""
        return self._count(indices, 1, begin, end)

    def split(self, fraction: float, seed: int) -> tuple[Recordings, Recordings]:
        """Divide at random, class by class: ``fraction`` of each class first, the rest second; order is kept.

        Recordings that were cut from one stream stay together. Raises ValueError unless 0 < fraction < 1 and both
        parts get a recording.
        """
        if not 0 < fraction < 1:
            raise ValueError(f"{self.name}: fraction is {fraction}; give a share between 0 and 1")
        rng = np.random.default_rng(require_seed(seed, f"{self.name}: seed"))
        first = np.zeros(len(self), dtype=bool)
        for label in range(len(self.classes)):
            members = np.flatnonzero(self.labels == label)
            streams, place = np.unique(self._origins[members], return_index=True)
            streams = rng.permutation(streams[np.argsort(place)])
            first[members[np.isin(self._origins[members], streams[: round(fraction * len(streams))])]] = True
        return self[first], self[~first]

    def __repr__(self) -> str:
        return describe_recordings(self)

    def _with(self, **changes: Any) -> Recordings:
        return self._from_valid(**{field.name: getattr(self, field.name) for field in fields(self)} | changes)

    @property
    def _origins(self) -> NDArray[np.int64]:
        return np.asarray(self.origins)

    def _require_bins(self) -> None:
        for field in ("frames", "ticks_per_frame", "window_us"):
            value = require_whole(f"{self.name}: {field}", getattr(self, field), floats=True)
            object.__setattr__(self, field, value)
        object.__setattr__(self, "clip", require_clip(self.clip, self.name))
        if self.frames * self.ticks_per_frame * self.window_us >= 1 << 62:
            raise ValueError(
                f"{self.name}: {self.frames:,} frames of {self.ticks_per_frame:,} ticks over {self.window_us:,} us are"
                " too many for whole numbers of 64 bits; give fewer, or a shorter window_us"
            )

    def _to_indexes(self, index: int | Selection) -> NDArray[np.int64]:
        try:
            return np.asarray(np.arange(len(self))[index])
        except IndexError as error:
            raise IndexError(f"{self.name} has the recordings 0 to {len(self) - 1}: {error}") from None

    def _count(self, indices: Selection | None, ticks: int, begin: int, end: int | None) -> NDArray[np.float32]:
        """Events per step, (steps, batch, *shape)."""
        located = self._locate(indices, ticks, begin, end)
        chosen = self._to_indexes(slice(None) if indices is None else indices)
        return count_events(located, self.shape, [f"{self.name}: recording {one}" for one in chosen.ravel()])

    def _locate(self, indices: Selection | None, ticks: int, begin: int, end: int | None) -> Located:
        """The events of chosen recordings, and where each step begins and ends, so many ticks a frame."""
        first, last, _ = slice(begin, end).indices(self.frames * ticks)
        chosen = self._to_indexes(slice(None) if indices is None else indices)
        if chosen.ndim != 1:
            raise ValueError(f"{self.name}: a batch is a slice or a 1-D list of indexes; write [{chosen}]")
        require_own_ticks(self.clip, self.ticks_per_frame, ticks, self.name)
        parts = [slice(self.starts[one], self.starts[one + 1]) for one in chosen]
        bins = Bins(self.frames, self.ticks_per_frame, self.window_us, self.clip, self.shape)
        return bins.locate([(self.time_us[part], self.site[part]) for part in parts], ticks, first, max(first, last))
