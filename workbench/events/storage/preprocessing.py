"""Clips read, cut, transformed and put one after another: recordings in memory or on disk."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.events.event_arrays import Sensor, flatten
from workbench.events.formats.read_options import DEFAULT_OPTIONS, ReadOptions, Remarks
from workbench.events.pieced_column import PiecedColumn
from workbench.events.recording_checks import as_read_only, validate
from workbench.events.sources.clips import Clip
from workbench.events.storage.memmap import DamagedStoreError, Mark, UnwritableStoreError, Writer, open_rows
from workbench.events.transforms.composition import Transform, apply, resize
from workbench.events.windowing import cut_windows
from workbench.progress import Progress, show_progress
from workbench.validation import require_whole

DAMAGE = (DamagedStoreError, OSError, KeyError, TypeError, ValueError)
ROWS = np.dtype([("time_us", "<i4"), ("site", "<i4")])


@dataclass(frozen=True)
class Preparation:
    """What is done to every clip before it is a recording."""

    sensor: Sensor
    polarities: int
    window_us: int
    clock: str
    only_first: bool
    transforms: tuple[Transform, ...]
    seed: int
    skip: bool
    options: ReadOptions = DEFAULT_OPTIONS

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of a step: polarity, height, width, after the transforms."""
        return (self.polarities, *resize(self.transforms, self.sensor))

    def prepare(self, clip: Clip, number: int, remarks: Remarks) -> Iterator[tuple[NDArray[Any] | None, int]]:
        """The recordings that a clip becomes, as rows (time_us, site), and how many events of each are not binned.

        None stands for the rows of a window that is not asked for. ValueError for a clip without events.
        """
        place, options = None, replace(self.options, bounds=self.sensor)
        running = self.clock == "running" and not clip.own_clock
        for place, events in enumerate(cut_windows(clip.blocks(options, remarks), self.window_us, running)):
            if place and self.only_first:
                yield None, len(events)  # read to the end all the same, so that damage there is found
                continue
            changed, _ = apply(self.transforms, events, self.sensor, [self.seed, number, place])
            time_us, site = flatten(changed, self.shape, clip.name)
            rows = np.empty(len(site), dtype=ROWS)
            rows["time_us"], rows["site"] = time_us, site
            yield rows, int(((time_us < 0) | (time_us >= self.window_us)).sum())
        if place is None:
            raise ValueError(f"{clip.name} holds no events; take it out")


@dataclass(frozen=True, eq=False)
class PreparedRecordings:
    """Recordings one after another: events, where each starts, its label and its clip; why clips were skipped, of which
    events were sorted (and how many), whose unit of time is doubtful (and why), and how many events are not binned.
    """

    time_us: NDArray[Any] | PiecedColumn
    site: NDArray[Any] | PiecedColumn
    starts: NDArray[np.int64]
    labels: NDArray[np.int64]
    origins: NDArray[np.int64]
    skipped: tuple[str, ...]
    sorted: tuple[tuple[str, int], ...]
    doubts: tuple[str, ...]
    left_out: int


class RowSink(Protocol):
    """Where rows go: to disk by a `memmap.Writer`, or into `RowsInMemory`."""

    @property
    def mark(self) -> Mark: ...
    def append(self, rows: NDArray[Any]) -> None: ...
    def rewind(self, mark: Mark) -> None: ...


@dataclass
class RowsInMemory:
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
        """Remove what was added after the mark."""
        del self.parts[mark.rows :]


def load_or_prepare(
    clips: Sequence[Clip],
    preparation: Preparation,
    path: Path | None,
    stamp: dict[str, Any],
    what: str,
    progress: bool = False,
    first: int = 0,
) -> PreparedRecordings:
    """Read the clips, or what is kept of them under ``path`` if it was written for the same ``stamp``.

    They are called by their numbers from ``first`` on. Without a path all is held in memory; with one, rows are mapped
    from the file, and memory does not grow with them. A bar says of ``what`` how much is read, if ``progress``.
    Warns when the file is damaged (and made anew) or cannot be written. Raises ValueError or OSError as the reading
    of a clip does, unless the preparation skips such clips.
    """
    if path is not None and path.exists():
        try:
            return _open_prepared(path, stamp, clips, preparation, progress, first)
        except DAMAGE as error:
            warnings.warn(f"{path} is damaged ({error}); the recordings are read again", stacklevel=5)
    if path is not None:
        try:
            with Writer(path, ROWS, stamp) as writer, show_progress(len(clips), what, "recording", progress) as bar:
                writer.finish(prepare_all(clips, preparation, writer, bar, first))
        except UnwritableStoreError as error:
            warnings.warn(f"{path} was not written ({error}); give a writable root, or cache=False", stacklevel=5)
        else:
            try:
                return _open_prepared(path, stamp, clips, preparation, progress, first)
            except DAMAGE as error:
                warnings.warn(f"{path} cannot be read back ({error}); the recordings are held in memory", stacklevel=5)
    memory = RowsInMemory()
    with show_progress(len(clips), what, "recording", progress) as bar:
        notes = prepare_all(clips, preparation, memory, bar, first)
    return from_notes(np.concatenate([np.zeros(0, dtype=ROWS), *memory.parts]), notes)


def prepare_all(
    clips: Sequence[Clip], preparation: Preparation, sink: RowSink, bar: Progress, first: int
) -> dict[str, Any]:
    """Put the rows of all clips into the sink; the notes say where each recording starts, and what it is."""
    starts, labels, origins = [0], list[int](), list[int]()
    skipped, late, doubts = list[str](), list[tuple[str, int]](), list[str]()
    left_out = 0
    for number, clip in enumerate(bar.track(clips), first):
        mark, before, left_out_before, remarks = sink.mark, len(labels), left_out, Remarks()
        try:
            for rows, outside in preparation.prepare(clip, number, remarks):
                left_out += outside
                if rows is None:
                    continue
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
            left_out = left_out_before
            continue
        late += [(clip.name, remarks.late)] if remarks.late else []
        doubts += [f"{clip.name} {remarks.doubt}"] if remarks.doubt else []
    return {
        "starts": starts, "labels": labels, "origins": origins, "skipped": skipped, "sorted": late, "doubts": doubts,
        "left_out": left_out,
    }  # fmt: skip


def _open_prepared(
    path: Path,
    stamp: dict[str, Any],
    clips: Sequence[Clip],
    preparation: Preparation,
    progress: bool,
    first: int,
) -> PreparedRecordings:
    """What a store holds, checked as if a user had made it: folders are shared, and checksums show no wrong values."""
    prepared = from_notes(*open_rows(path, ROWS, stamp, progress))
    _require_consistent(prepared, clips, preparation, first)
    return prepared


def _require_consistent(
    prepared: PreparedRecordings, clips: Sequence[Clip], preparation: Preparation, first: int
) -> None:
    """Raise DamagedStoreError or ValueError unless these can be the recordings of the clips."""
    require_labels(prepared, clips, first)
    if len(prepared.labels):
        whole = {name: getattr(prepared, name) for name in ("starts", "labels", "origins")}
        fields = {"time_us": prepared.time_us, "site": prepared.site} | whole
        classes = tuple(map(str, range(1 + max(clip.label for clip in clips))))
        validate(SimpleNamespace(**fields, classes=classes, shape=preparation.shape, name="recordings"))
    elif len(prepared.time_us):
        raise DamagedStoreError("it has events, but no recordings")


def require_labels(prepared: PreparedRecordings, clips: Sequence[Clip], first: int) -> None:
    """Raise DamagedStoreError unless these are clips from `first` on, in their order, with their labels and starts."""
    starts, numbers = prepared.starts, prepared.origins - first
    if len(starts) != len(prepared.labels) + 1 or starts[0] != 0 or (np.diff(starts) < 0).any():
        raise DamagedStoreError("its starts do not rise from 0, one more than its labels")
    outside = (numbers < 0) | (numbers >= len(clips))
    if len(numbers) != len(prepared.labels) or outside.any() or (np.diff(numbers) < 0).any():
        raise DamagedStoreError("its origins are none of these recordings")
    if not np.array_equal(prepared.labels, np.array([clip.label for clip in clips], dtype=np.int64)[numbers]):
        raise DamagedStoreError("its labels are not those of these recordings")


def from_notes(rows: NDArray[Any], notes: dict[str, Any]) -> PreparedRecordings:
    """Raises ValueError, KeyError or TypeError for notes that are none."""
    starts, labels, origins = (
        as_read_only(np.array(notes[name]), 64, name) for name in ("starts", "labels", "origins")
    )
    skipped, left_out = notes["skipped"], notes["left_out"]
    if not isinstance(skipped, list) or not all(isinstance(reason, str) for reason in skipped):
        raise TypeError("skipped is no list of reasons")
    if rows.flags.writeable:
        rows.flags.writeable = False
    late = tuple((str(name), require_whole("late", count)) for name, count in notes["sorted"])
    doubts = tuple(map(str, notes["doubts"]))
    left_out = require_whole("left_out", left_out, least=0)
    return PreparedRecordings(
        rows["time_us"], rows["site"], starts, labels, origins, tuple(skipped), late, doubts, left_out
    )
