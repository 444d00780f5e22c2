"""The first bytes of an HDF5 file: how long it says it is, and whether it is all of its data."""

from __future__ import annotations

import struct
from pathlib import Path

from workbench.events.formats.errors import DamagedFile

MAGIC = b"\x89HDF\r\n\x1a\n"
_UNDEFINED = 2**64 - 1
_AT = {0: (13, 24), 1: (13, 28), 2: (9, 12), 3: (9, 12)}
"""By version: where the width of addresses stands, and where the addresses do."""


def refuse_contradictions(path: Path) -> None:
    """Raise DamagedFile where the superblock contradicts the file's length or names a driver's block.

    The HDF5 library passes over bytes after the end, and for a wrong block of a driver reserves gigabytes.
    """
    length = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(64)
    if not head.startswith(MAGIC) or len(head) < 64:
        raise DamagedFile(path, f"has no whole superblock of HDF5 at byte 0 ({length} bytes)", 0)
    width, first = _AT.get(head[8], (0, 0))
    if not width or head[width] != 8:
        raise DamagedFile(path, "has a superblock that is none of HDF5's at byte 8", 8)
    base, _, end, driver = struct.unpack_from("<4Q", head, first)
    if base != 0:
        raise DamagedFile(path, f"says that it begins at {base} in its superblock, at byte {first}", first)
    if head[8] < 2 and driver != _UNDEFINED:
        raise DamagedFile(path, f"names a driver's block in its superblock, at byte {first + 24}", first + 24)
    if end > length:
        raise DamagedFile(path, f"ends before its data do, at byte {length} ({end} by its superblock)", length)
    if end < length:
        raise DamagedFile(path, f"goes on after its data, at byte {end} ({length} bytes)", end)
