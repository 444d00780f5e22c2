"""Parts of a data set, each kept in a file of its own: several processes and machines share what each has read."""

from __future__ import annotations

import os
import socket
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.events.pieced_column import PiecedColumn
from workbench.events.sources.clips import Clip, Collection
from workbench.events.storage.cache_entries import cache_entry
from workbench.events.storage.on_demand import load_index, read_late
from workbench.events.storage.preprocessing import Preparation, PreparedRecordings, load_or_prepare

CLIPS = 1024  # in a shard


def load_shards(
    collection: Collection,
    clips: Sequence[Clip],
    preparation: Preparation,
    part: str,
    cache: Path | None,
    progress: bool = False,
    late: bool = False,
) -> PreparedRecordings:
    """The recordings of all clips of a part, read shard by shard where they are not kept in the cache.

    A shard is written when all of it is read, under a name that tells its clips: an interrupted load goes on with the
    next, and only the shards of changed files are read again. Processes that load one set into one folder at the same
    time begin at different shards, and take those that another has written. `late`: an index alone is kept, and events
    are read whenever they are asked for.
    """
    size = CLIPS if cache is not None else max(1, len(clips))
    kind, load = (f"{part}-index", load_index) if late else (part, load_or_prepare)
    firsts = range(0, max(1, len(clips)), size)
    found: dict[int, PreparedRecordings] = {}
    for first in _begin_apart(firsts):
        shard = clips[first : first + size]
        settings = {"preparation": repr(preparation)} | ({"first": first} if first else {})
        path, stamp = cache_entry(collection, shard, settings, kind, cache)
        which = f" ({len(found) + 1} of {len(firsts)})" if len(firsts) > 1 else ""
        what = f"{'look through' if late else 'read'} {collection.name} {part}{which}"
        found[first] = load(shard, preparation, path, stamp, what, progress, first)
    whole = join([found[first] for first in firsts])
    if late:
        time_us, site = read_late(clips, preparation, whole)
        whole = replace(whole, time_us=time_us, site=site)
    return whole


def _begin_apart(firsts: range) -> list[int]:
    """All shards, from one on that differs between processes and machines; the result is the same from anywhere."""
    begin = zlib.crc32(f"{socket.gethostname()} {os.getpid()}".encode()) % len(firsts)
    return [*firsts[begin:], *firsts[:begin]]


def join(shards: Sequence[PreparedRecordings]) -> PreparedRecordings:
    """The recordings of all shards in their order; no event is copied."""
    if len(shards) == 1:
        return shards[0]
    sizes = np.concatenate([np.diff(shard.starts) for shard in shards])
    return PreparedRecordings(
        time_us=PiecedColumn.join([np.asarray(shard.time_us) for shard in shards]),
        site=PiecedColumn.join([np.asarray(shard.site) for shard in shards]),
        starts=_frozen(np.concatenate([[0], np.cumsum(sizes)])),
        labels=_frozen(np.concatenate([shard.labels for shard in shards])),
        origins=_frozen(np.concatenate([shard.origins for shard in shards])),
        skipped=tuple(reason for shard in shards for reason in shard.skipped),
        sorted=tuple(pair for shard in shards for pair in shard.sorted),
        doubts=tuple(words for shard in shards for words in shard.doubts),
        left_out=sum(shard.left_out for shard in shards),
    )


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array
