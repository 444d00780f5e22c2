"""Under which name a part of a data set is kept, and for which files, settings and reading it holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.events.sources.clips import Clip, Collection
from workbench.events.sources.location import normalize_name

READING_VERSION = 1
"""Raise it when what is read from files changes: what is on disk is then read again. A test compares digests."""


def cache_entry(
    collection: Collection, clips: Sequence[Clip], settings: dict[str, Any], part: str, cache: Path | None
) -> tuple[Path | None, dict[str, Any]]:
    """The path under which a part is stored, and the stamp for which it holds; no path when clips have no stamp."""
    stamps = [clip.stamp for clip in clips]
    if cache is None or None in stamps:
        return None, {}
    labels = [clip.label for clip in clips]
    whole = json.dumps([stamps, labels]).encode()
    stamp = {**settings, "clips": hashlib.sha256(whole).hexdigest(), "version": READING_VERSION}
    digest = hashlib.sha256(json.dumps(stamp).encode()).hexdigest()[:12]
    return cache / f"{normalize_name(collection.name) or 'set'}-{part}-{digest}.events", stamp
