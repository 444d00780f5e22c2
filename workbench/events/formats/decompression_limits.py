"""How large what is compressed may become: as large as events justify, and no larger."""

from __future__ import annotations

from pathlib import Path

from workbench.events.formats.errors import DamagedFile

LARGEST_RATIO = 64
"""Events are seldom packed to a tenth of their size; what would grow more than this many times holds none."""

ALWAYS_ALLOWED = 2**26
"""Bytes to which anything may be unpacked."""


def refuse_decompression_bombs(path: Path, what: str, packed: int, unpacked: int, offset: int | None = None) -> None:
    """Raise DamagedFile for compressed data that would take far more memory than events of their size need.

    >>> refuse_decompression_bombs(Path("one.npz"), "t", packed=2**20, unpacked=2**30)
    Traceback (most recent call last):
    workbench.events.formats.errors.DamagedFile: one.npz would grow from 1,048,576 to 1,073,741,824 bytes in t, more \
than 64 times, as no events do; get the file again, or take it out
    """
    if unpacked > max(ALWAYS_ALLOWED, LARGEST_RATIO * packed):
        place = "" if offset is None else f" at byte {offset}"
        fact = f"would grow from {packed:,} to {unpacked:,} bytes in {what}{place}, more than {LARGEST_RATIO} times"
        raise DamagedFile(path, f"{fact}, as no events do", offset)
