"""The error of a damaged file, and files that are refused before they are read."""

from __future__ import annotations

import stat
from pathlib import Path

CURE = "get the file again, or take it out"

_KINDS = {
    stat.S_IFIFO: "a FIFO", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFSOCK: "a socket",
}  # fmt: skip


class DamagedFile(ValueError):
    """A file that contradicts its format: ``path``, ``fact``, ``offset`` (the byte, or None); the message adds a cure.

    >>> print(DamagedFile("one.bin", "is empty, at byte 0", 0))
    one.bin is empty, at byte 0; get the file again, or take it out
    """

    def __init__(self, path: Path | str, fact: str, offset: int | None = None, cure: str = CURE) -> None:
        super().__init__(f"{path} {fact}; {cure}")
        self.path, self.fact = Path(path), fact
        self.offset = offset


def refuse_empty(path: Path) -> None:
    """Raise DamagedFile for a file of no bytes."""
    if path.stat().st_size == 0:
        raise DamagedFile(path, "is empty, at byte 0 (0 bytes)", 0)


def refuse_streams(path: Path) -> None:
    """Raise ValueError for a FIFO, a device or a socket: what has no length and may never end, or never begin."""
    kind = _KINDS.get(stat.S_IFMT(path.stat().st_mode))
    if kind is not None:
        raise ValueError(f"{path} is {kind}, not a file; write what comes from it into a file first")
