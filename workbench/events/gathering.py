"""Clips read, cut, transformed and put one after another: recordings in memory or on disk."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.events.clips import Clip
from workbench.events.formats.reading import NOTHING_TOLD, Reading, Remarks
from workbench.events.layout import Sensor, flatten
from workbench.events.slices import cut
from workbench.events.store import DamagedStoreError, Mark, UnwritableStoreError, Writer, open_rows
from workbench.events.transforms import Transform, apply, resize

ROWS = np.dtype([("time_us", "<i4"), ("site", "<i4")])


@dataclass(frozen=True)
class Preparation:
    """What is done to every clip before it is a recording."""

    sensor: Sensor
    polarities: int
    window_us: int
    only_first: bool
    transforms: tuple[Transform, ...]
    seed: int
    skip: bool
    reading: Reading = NOTHING_TOLD

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of a step: polarity, height, width, after the transforms."""
        return (self.polarities, *resize(self.transforms, self.sensor))

    def prepare(self, clip: Clip, number: int, remarks: Remarks) -> Iterator[NDArray[Any]]:
        """The recordings that a clip becomes, as rows (time_us, site). ValueError for a clip without events."""
        place, reading = None, replace(self.reading, bounds=self.sensor)
        for place, events in enumerate(cut(clip.blocks(reading, remarks), self.window_us)):
            if place and self.only_first:
                continue  # read to the end all the same, so that damage there is found
            changed, _ = apply(self.transforms, events, self.sensor, [self.seed, number, place])
            time_us, site = flatten(changed, self.shape, clip.name)
            rows = np.empty(len(site), dtype=ROWS)
            rows["time_us"], rows["site"] = time_us, site
            yield rows
        if place is None:
            raise ValueError(f"{clip.name} holds no events; take it out")


@dataclass(frozen=True, eq=False)
class Gathered:
    """Recordings one after another: rows, where each starts, its label, its clip, why clips were skipped, of which
    events were sorted (and how many), and whose unit of time is doubtful (and why).
    """

    rows: NDArray[Any]
    starts: NDArray[np.int64]
    labels: NDArray[np.int64]
    origins: NDArray[np.int64]
    skipped: tuple[str, ...]
    sorted: tuple[tuple[str, int], ...]
    doubts: tuple[str, ...]


class Sink(Protocol):
    """Where rows go: to disk by a `store.Writer`, or into `Memory`."""

    @property
    def mark(self) -> Mark: ...
    def append(self, rows: NDArray[Any]) -> None: ...
    def rewind(self, mark: Mark) -> None: ...


@dataclass
class Memory:
    """Rows kept in memory."""

    parts: list[NDArray[Any]] = field(default_factory=list)

    @property
    def mark(self) -> Mark:
        """The present end."""
        return Mark(len(self.parts), 0)

    def append(self, rows: NDArray[Any]) -> None:
        """Add rows."""
        self.parts.append(rows)

    def rewind(self, mark: Mark) -> None:
        """Forget what was added after the mark."""
        del self.parts[mark.rows :]


def gather(clips: Sequence[Clip], preparation: Preparation, path: Path | None, stamp: dict[str, Any]) -> Gathered:
    """Read the clips, or what is kept of them under ``path`` if it was written for the same ``stamp``.

    Without a path all is held in memory; with one, rows are mapped from the file, and memory does not grow with them.
    Warns when the file is damaged (and made anew) or cannot be written. Raises ValueError or OSError as the reading
    of a clip does, unless the preparation skips such clips.
    """
    if path is not None and path.exists():
        try:
            return _kept(path, stamp)
        except (DamagedStoreError, OSError, KeyError, TypeError, ValueError) as error:
            warnings.warn(f"{path} is damaged ({error}); the recordings are read again", stacklevel=4)
    if path is not None:
        try:
            with Writer(path, ROWS, stamp) as writer:
                writer.finish(_append(clips, preparation, writer))
            return _kept(path, stamp)
        except UnwritableStoreError as error:
            warnings.warn(f"{path} was not written ({error}); give a writable root, or cache=False", stacklevel=4)
    memory = Memory()
    notes = _append(clips, preparation, memory)
    return _gathered(np.concatenate([np.zeros(0, dtype=ROWS), *memory.parts]), notes)


def _append(clips: Sequence[Clip], preparation: Preparation, sink: Sink) -> dict[str, Any]:
    """Put the rows of all clips into the sink; the notes tell where each recording starts, and what it is."""
    starts, labels, origins = [0], list[int](), list[int]()
    skipped, late, doubts = list[str](), list[tuple[str, int]](), list[str]()
    for number, clip in enumerate(clips):
        mark, before, remarks = sink.mark, len(labels), Remarks()
        try:
            for rows in preparation.prepare(clip, number, remarks):
                sink.append(rows)
                starts.append(starts[-1] + len(rows))
                labels.append(clip.label)
                origins.append(number)
        except (ValueError, OSError) as error:
            if not preparation.skip:
                raise
            skipped.append(str(error))
            sink.rewind(mark)
            del starts[before + 1 :], labels[before:], origins[before:]
            continue
        late += [(clip.name, remarks.late)] if remarks.late else []
        doubts += [f"{clip.name} {remarks.doubt}"] if remarks.doubt else []
    return {
        "starts": starts, "labels": labels, "origins": origins, "skipped": skipped, "sorted": late, "doubts": doubts,
    }  # fmt: skip


def _kept(path: Path, stamp: dict[str, Any]) -> Gathered:
    gathered = _gathered(*open_rows(path, ROWS, stamp))
    if gathered.starts[-1] != len(gathered.rows) or not len(gathered.labels) == len(gathered.starts) - 1:
        raise DamagedStoreError("its notes do not fit its rows")
    return gathered


def _gathered(rows: NDArray[Any], notes: dict[str, Any]) -> Gathered:
    starts, labels, origins = (np.array(notes[name], dtype=np.int64) for name in ("starts", "labels", "origins"))
    for array in (starts, labels, origins):
        array.flags.writeable = False
    if rows.flags.writeable:
        rows.flags.writeable = False
    late = tuple((str(name), int(count)) for name, count in notes["sorted"])
    return Gathered(rows, starts, labels, origins, tuple(notes["skipped"]), late, tuple(notes["doubts"]))
