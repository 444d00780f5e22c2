"""The header of an AEDAT 4 file, a flatbuffer whose offsets are followed only where they stay inside it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from workbench.events.formats.errors import DamagedFile

MAGIC = b"#!AER-DAT4.0\r\n"
COMPRESSIONS = ("none", "LZ4", "LZ4 high", "Zstandard", "Zstandard high")
_DEEPEST = 64
_LARGEST = 2**24


@dataclass(frozen=True)
class IOHeader:
    """The compression, the byte at which a table ends the packets (-1: none does), and where the packets begin."""

    compression: str
    table_at: int
    start: int


def read_ioheader(path: Path) -> IOHeader:
    """The header of ``path``; raises DamagedFile unless all of it can be given to the package aedat safely."""
    length = path.stat().st_size
    with path.open("rb") as file:
        size = _read_size(path, file, length)
        raw = file.read(size)
    start = len(MAGIC) + 4
    try:
        compression, table_at, text = parse(raw)
    except ValueError as error:
        raise DamagedFile(path, f"has a header that is no AEDAT 4 header, at byte {start} ({error})", start) from error
    if not 0 <= compression < len(COMPRESSIONS):
        raise DamagedFile(path, f"names an unknown compression, {compression}, in its header at byte {start}", start)
    _refuse_deep(path, text, start)
    return IOHeader(COMPRESSIONS[compression], table_at, start + size)


def _read_size(path: Path, file: BinaryIO, length: int) -> int:
    if file.read(len(MAGIC)) != MAGIC:
        raise DamagedFile(path, f"does not begin with {MAGIC.decode().strip()}, at byte 0", 0)
    prefix = file.read(4)
    size = int.from_bytes(prefix, "little")
    if len(prefix) < 4 or size > length - len(MAGIC) - 4:
        fact = f"ends within its header, at byte {len(MAGIC)}"
        raise DamagedFile(path, f"{fact} ({length} bytes, {size} of header)", len(MAGIC))
    if size > _LARGEST:
        raise DamagedFile(path, f"says that its header has {size:,} bytes, at byte {len(MAGIC)}", len(MAGIC))
    return size


def parse(raw: bytes) -> tuple[int, int, str]:
    """Number of the compression, byte of the table and description; raises ValueError for none.

    >>> parse(bytes(12))
    Traceback (most recent call last):
    ValueError: no mark IOHE
    """
    if raw[4:8] != b"IOHE":
        raise ValueError("no mark IOHE")
    table = _unpack("<I", raw, 0)
    fields = table - _unpack("<i", raw, table)
    count = (_unpack("<H", raw, fields) - 4) // 2
    room = _unpack("<H", raw, fields + 2)
    slots = [_unpack("<H", raw, fields + 4 + 2 * slot) if slot < count else 0 for slot in range(3)]
    for slot, width in zip(slots, (4, 8, 4), strict=True):
        if slot and (slot < 4 or slot + width > room or table + slot + width > len(raw)):
            raise ValueError("a field beyond its end")
    compression, table_at, text = slots
    if not text:
        raise ValueError("no description")
    begin = table + text + _unpack("<I", raw, table + text)
    end = begin + 4 + _unpack("<I", raw, begin)
    if end > len(raw):
        raise ValueError("a description beyond its end")
    return (
        _unpack("<i", raw, table + compression) if compression else 0,
        _unpack("<q", raw, table + table_at) if table_at else -1,
        raw[begin + 4 : end].decode(),
    )


def _unpack(form: str, raw: bytes, at: int) -> int:
    if not 0 <= at <= len(raw) - struct.calcsize(form):
        raise ValueError("an offset that leads out of it")
    return int(struct.unpack_from(form, raw, at)[0])


def _refuse_deep(path: Path, text: str, start: int) -> None:
    """XML nested some thousands deep ends the process within the package aedat."""
    from xml.parsers.expat import ExpatError, ParserCreate

    depth = deepest = 0

    def enter(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, deepest
        depth += 1
        deepest = max(depth, deepest)

    def leave(name: str) -> None:
        nonlocal depth
        depth -= 1

    parser = ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = enter, leave
    try:
        parser.Parse(text, True)
    except ExpatError as error:
        fact = f"has a header whose description is no XML, at byte {start} ({error})"
        raise DamagedFile(path, fact, start) from error
    if deepest > _DEEPEST or "<!" in text.replace("<!--", ""):
        raise DamagedFile(path, f"has a header of nested or defined XML beyond AEDAT 4, at byte {start}", start)
