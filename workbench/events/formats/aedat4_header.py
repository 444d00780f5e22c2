"""The header of an AEDAT 4 file: how its packets are compressed, and from where to where they lie."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from workbench.events.formats.errors import DamagedFile

MAGIC = b"#!AER-DAT4.0\r\n"
_COMPRESSIONS = ("none", "LZ4", "LZ4 high", "Zstandard", "Zstandard high")
_DEEPEST = 64
_LARGEST = 2**24


@dataclass(frozen=True)
class PacketRange:
    """The compression ("" for one that is not known), the byte at which the packets begin, and that at which a table
    ends them (-1: none does).
    """

    compression: str
    start: int
    table_at: int


def read_packet_range(path: Path) -> PacketRange:
    """What the header of ``path`` says of its packets.

    Raises DamagedFile for a header that is larger than any, is no flatbuffer, or would end the process within the
    package aedat; whatever else is wrong with it aedat finds by itself.
    """
    start = len(MAGIC) + 4
    with path.open("rb") as file:
        size = int.from_bytes(file.read(start)[len(MAGIC) :], "little")
        if size > _LARGEST:
            raise DamagedFile(path, f"says that its header has {size:,} bytes, at byte {len(MAGIC)}", len(MAGIC))
        raw = file.read(size)
    try:
        compression, table_at, description = parse(raw)
        _refuse_deep(description)
    except ValueError as error:
        raise DamagedFile(path, f"has a header that is no AEDAT 4 header, at byte {start} ({error})", start) from error
    known = 0 <= compression < len(_COMPRESSIONS)
    return PacketRange(_COMPRESSIONS[compression] if known else "", start + size, table_at)


def parse(raw: bytes) -> tuple[int, int, bytes]:
    """Number of the compression, byte of the table (-1: none) and description; ValueError where an offset leads out.

    Source: the schema IOHeader.fbs of dv-processing.

    >>> parse(bytes(3))
    Traceback (most recent call last):
    ValueError: an offset leads out of it
    """
    table = _unpack("<I", raw, 0)
    fields = table - _unpack("<i", raw, table)
    size = _unpack("<H", raw, fields)
    slots = [_unpack("<H", raw, fields + at) if at < size else 0 for at in (4, 6, 8)]
    compression, table_at, text = (table + slot if slot else None for slot in slots)
    begin = None if text is None else text + _unpack("<I", raw, text)
    return (
        0 if compression is None else _unpack("<i", raw, compression),
        -1 if table_at is None else _unpack("<q", raw, table_at),
        b"" if begin is None else raw[begin + 4 : begin + 4 + _unpack("<I", raw, begin)],
    )


def _unpack(form: str, raw: bytes, at: int) -> int:
    if not 0 <= at <= len(raw) - struct.calcsize(form):
        raise ValueError("an offset leads out of it")
    return int(struct.unpack_from(form, raw, at)[0])


def _refuse_deep(description: bytes) -> None:
    """Raise ValueError for XML nested so deep that aedat runs out of stack, and for what is no XML."""
    from xml.parsers.expat import ExpatError, ParserCreate

    depth = 0

    def enter(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise ValueError(f"XML nested more than {_DEEPEST} deep")

    def leave(name: str) -> None:
        nonlocal depth
        depth -= 1

    parser = ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = enter, leave
    try:
        parser.Parse(description, True)
    except ExpatError as error:
        raise ValueError(f"no XML: {error}") from error
