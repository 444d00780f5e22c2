"""Recordings that are read from their files whenever they are asked for: of sets larger than any disk here.

What is kept is an index: where every recording begins in the row of all, its label, and from which clip it comes.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from workbench.events.formats.read_options import Remarks
from workbench.events.pieced_column import PiecedColumn
from workbench.events.sources.clips import Clip
from workbench.events.storage.memmap import Mark, UnwritableStoreError, Writer, open_rows
from workbench.events.storage.preprocessing import (
    DAMAGE,
    ROWS,
    Preparation,
    PreparedRecordings,
    from_notes,
    prepare_all,
    require_labels,
)
from workbench.progress import show_progress

MOST_EVENTS = 1 << 22  # that are held, of the clips read last


class RowCounter:
    """A sink of rows that only counts them."""

    def __init__(self) -> None:
        self._count = 0

    @property
    def mark(self) -> Mark:
        """The present end."""
        return Mark(self._count, 0)

    def append(self, rows: NDArray[Any]) -> None:
        """Count some rows more."""
        self._count += len(rows)

    def rewind(self, mark: Mark) -> None:
        """Forget what was counted after the mark."""
        self._count = mark.rows


class ClipReader:
    """Reads the recordings of clips when they are asked for, from any thread, and holds those of the last few."""

    def __init__(
        self, clips: Sequence[Clip], preparation: Preparation, starts: NDArray[np.int64], origins: NDArray[np.int64]
    ) -> None:
        self._clips, self._preparation, self._sizes, self._origins = clips, preparation, np.diff(starts), origins
        self._first = np.searchsorted(origins, origins)  # of the recordings of the same clip
        self._held: OrderedDict[int, list[NDArray[Any]]] = OrderedDict()
        self._lock = Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        """Sent to another process it reads there, from the same files."""
        starts = np.concatenate([[0], np.cumsum(self._sizes)])
        return ClipReader, (self._clips, self._preparation, starts, self._origins)

    def read(self, recording: int) -> NDArray[Any]:
        """The rows (time_us, site) of a recording; ValueError where its file is no longer what it was."""
        clip = int(self._origins[recording])
        with self._lock:
            held = self._held.get(clip)
            if held is not None:
                self._held.move_to_end(clip)
        if held is None:
            held = self._read_clip(clip, int(self._first[recording]))
            with self._lock:
                self._held[clip] = held
                while len(self._held) > 1 and self._count_held() > MOST_EVENTS:
                    self._held.popitem(last=False)
        return held[recording - int(self._first[recording])]

    def _count_held(self) -> int:
        return sum(len(rows) for clip in self._held.values() for rows in clip)

    def _read_clip(self, number: int, first: int) -> list[NDArray[Any]]:
        clip = self._clips[number]
        found = [rows for rows, _ in self._preparation.prepare(clip, number, Remarks()) if rows is not None]
        expected = self._sizes[first : first + len(found)].tolist()
        if [len(rows) for rows in found] != expected:
            raise ValueError(f"{clip.name} has changed since the set was loaded; load it again")
        for rows in found:
            rows.flags.writeable = False
        return found


class LateColumn(Sequence[NDArray[Any]]):
    """One field of every recording, an array each that is read when it is asked for."""

    is_late = True

    def __init__(self, reader: ClipReader, field: str, count: int) -> None:
        self._reader, self._field, self._count = reader, field, count
        self.dtype = ROWS[field]

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, recording: int) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, recording: slice) -> list[NDArray[Any]]: ...
    def __getitem__(self, recording: int | slice) -> Any:
        if isinstance(recording, slice):
            return [self[one] for one in range(self._count)[recording]]
        column: NDArray[Any] = self._reader.read(recording)[self._field]
        return column


def load_index(
    clips: Sequence[Clip],
    preparation: Preparation,
    path: Path | None,
    stamp: dict[str, Any],
    what: str,
    progress: bool = False,
    first: int = 0,
) -> PreparedRecordings:
    """Look through the clips, or take what is kept of that; takes and raises what `load_or_prepare` does.

    What is found has no events: `read_late` gives them.
    """
    if path is not None and path.exists():
        try:
            rows, notes = open_rows(path, ROWS, stamp)
            index = from_notes(rows, notes)
            require_labels(index, clips, first)
        except DAMAGE as error:
            warnings.warn(f"{path} is damaged ({error}); the recordings are looked through again", stacklevel=5)
        else:
            return index
    with show_progress(len(clips), what, "recording", progress) as bar:
        notes = prepare_all(clips, preparation, RowCounter(), bar, first)
    if path is not None:
        try:
            with Writer(path, ROWS, stamp) as writer:
                writer.finish(notes)
        except UnwritableStoreError as error:
            warnings.warn(f"{path} was not written ({error}); give a writable root, or cache=False", stacklevel=5)
    return from_notes(np.zeros(0, dtype=ROWS), notes)


def read_late(
    clips: Sequence[Clip], preparation: Preparation, index: PreparedRecordings
) -> tuple[PiecedColumn, PiecedColumn]:
    """The columns (time_us, site) of the recordings in an index, of which nothing is read yet."""
    count = len(index.labels)
    reader, rows = ClipReader(clips, preparation, index.starts, index.origins), np.arange(count)
    columns = (LateColumn(reader, field, count) for field in ("time_us", "site"))
    time_us, site = (PiecedColumn(column, rows, np.zeros(count, np.int64), index.starts) for column in columns)
    return time_us, site
