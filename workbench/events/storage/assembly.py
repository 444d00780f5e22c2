"""Clips become a data set, which says what was done to them and what was left out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workbench.events.binning import describe_unbinned
from workbench.events.dataset import Dataset
from workbench.events.recordings import Recordings
from workbench.events.sources.clips import Collection
from workbench.events.storage.preprocessing import Preparation, PreparedRecordings
from workbench.events.storage.shards import load_shards


def assemble(
    collection: Collection, preparation: Preparation, cache: Path | None, progress: bool = False, late: bool = False
) -> Dataset:
    """Read all clips, or what is kept of them, as a data set that says what was done to them; or read them `late`."""
    prepared = {}
    for part, clips in (("train", collection.train), ("test", collection.test)):
        prepared[part] = load_shards(collection, clips, preparation, part, cache, progress, late)
    words = collection.divided
    clips, found = (sum(lengths) for lengths in zip(
        *((len(np.unique(one.origins)), len(one.labels)) for one in prepared.values()), strict=True))  # fmt: skip
    if found > clips:
        words += f"; {clips:,} recordings cut into {found:,} slices of {preparation.window_us / 1000:g} ms"
    if preparation.clock == "running":
        words += "; each recording begins at its first event"
    words += describe_left_out(sum(one.left_out for one in prepared.values()))
    skipped = [reason for one in prepared.values() for reason in one.skipped]
    if skipped:
        words += f"; {len(skipped):,} damaged left out"
        whole = len(collection.train) + len(collection.test)
        warnings.warn(
            f"{collection.name}: {len(skipped):,} of {whole:,} recordings are damaged and left out; the first: "
            f"{skipped[0]}",
            stacklevel=3,
        )
    words += _warn_of_remarks(collection, [*prepared.values()])
    train, test = (_recordings(collection, preparation, one, part, words) for part, one in prepared.items())
    return Dataset(collection.name, train, test, words)


def describe_left_out(events: int) -> str:
    """What the split says of events that are in no bin; nothing where there are none."""
    return f"; {describe_unbinned(events, 'the windows')}" if events else ""


def _warn_of_remarks(collection: Collection, prepared: Sequence[PreparedRecordings]) -> str:
    """Warn of recordings that were sorted or whose unit of time is doubtful; what the split is to say of it."""
    whole = len(collection.train) + len(collection.test)
    late = [pair for one in prepared for pair in one.sorted]
    doubts = [words for one in prepared for words in one.doubts]
    if doubts:
        warnings.warn(
            f"{collection.name}: of {len(doubts):,} of {whole:,} recordings the unit of time is not sure; the first: "
            f"{doubts[0]}",
            stacklevel=4,
        )
    if not late:
        return ""
    count = sum(events for _, events in late)
    warnings.warn(
        f"{collection.name}: {len(late):,} of {whole:,} recordings step back in time, at {count:,} events in all, and "
        f"were sorted; the first: {late[0][0]}",
        stacklevel=4,
    )
    return f"; {len(late):,} recordings sorted by time ({count:,} events were late)"


def _recordings(
    collection: Collection, preparation: Preparation, prepared: PreparedRecordings, part: str, words: str
) -> Recordings:
    if len(prepared.labels) == 0:
        reason = f"; the first: {prepared.skipped[0]}" if prepared.skipped else ""
        raise ValueError(f"{collection.name}: no recording to {part} could be read{reason}")
    return Recordings._from_valid(
        time_us=prepared.time_us, site=prepared.site, starts=prepared.starts, labels=prepared.labels,
        classes=collection.classes, shape=preparation.shape, frames=1, ticks_per_frame=1,
        window_us=preparation.window_us, name=f"{collection.name} {part}", origins=prepared.origins, divided=words,
    )  # fmt: skip
