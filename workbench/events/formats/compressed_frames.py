"""Compressed frames of LZ4 and Zstandard: how many bytes they can unpack to, found without unpacking them."""

from __future__ import annotations

_ZSTANDARD, _LZ4 = 0xFD2FB528, 0x184D2204
_SKIPPABLE = range(0x184D2A50, 0x184D2A60)
_MOST_OF_BLOCK = 2**17
_LZ4_BLOCKS = {4: 2**16, 5: 2**18, 6: 2**20, 7: 2**22}
_LZ4_MOST = 255
_STORED = 2**31
_RAW, _RUN, _PACKED = 0, 1, 2
_MOST_BLOCKS = 2**20


def bound_zstandard(packed: bytes) -> int:
    """The most bytes that Zstandard frames, one after the other, can unpack to: block by block, at most 128 KiB each.

    Raises ValueError for what is no whole frame. Source: RFC 8878.

    >>> [bound_zstandard(bytes.fromhex(one)) for one in ("28b52ffd2003190000616263", "28b52ffd20031b000061")]
    [3, 3]
    """
    most = at = 0
    while at < len(packed):
        mark = _number(packed, at, 4)
        if mark in _SKIPPABLE:
            at += 8 + _number(packed, at + 4, 4)
        elif mark == _ZSTANDARD:
            size, at = _pass_zstandard(packed, at + 4)
            most += size
        else:
            raise ValueError("no frame of Zstandard")
    if at > len(packed):
        raise ValueError("a frame that ends early")
    return most


def bound_lz4(packed: bytes) -> int:
    """The most bytes that a frame of LZ4 can unpack to: block by block, at most 255 times its size.

    What follows the frame is not unpacked by anyone here. Raises ValueError for what is no whole frame.
    Source: LZ4 frame format 1.6.4.
    """
    if _number(packed, 0, 4) != _LZ4:
        raise ValueError("no frame of LZ4")
    flags, size = _number(packed, 4, 1), _number(packed, 5, 1) >> 4 & 7
    largest = _LZ4_BLOCKS.get(size)
    if largest is None or flags >> 6 != 1:
        raise ValueError("no frame of LZ4 of version 1")
    at = 7 + 8 * (flags >> 3 & 1) + 4 * (flags & 1)
    most = 0
    for _ in range(_MOST_BLOCKS):
        length = _number(packed, at, 4)
        if length == 0:
            return most
        stored, length = length >= _STORED, length % _STORED
        most += length if stored else min(largest, _LZ4_MOST * length)
        at += 4 + length + 4 * (flags >> 4 & 1)
    raise ValueError("a frame of far too many blocks")


def _pass_zstandard(packed: bytes, at: int) -> tuple[int, int]:
    """What a frame can unpack to, its mark before it, and the byte after it."""
    flags = _number(packed, at, 1)
    alone = flags >> 5 & 1
    size_bytes = (alone, 2, 4, 8)[flags >> 6]  # bytes that hold the size of the content
    at += 1 + (1 - alone) + (0, 1, 2, 4)[flags & 3] + size_bytes
    most = 0
    for _ in range(_MOST_BLOCKS):
        block = _number(packed, at, 3)
        last, kind, size = block & 1, block >> 1 & 3, block >> 3
        if kind not in (_RAW, _RUN, _PACKED):
            raise ValueError("a block of no known kind")
        most += _MOST_OF_BLOCK if kind == _PACKED else size
        at += 3 + (1 if kind == _RUN else size)
        if last:
            return most, at + 4 * (flags >> 2 & 1)
    raise ValueError("a frame of far too many blocks")


def _number(packed: bytes, at: int, size: int) -> int:
    if at + size > len(packed):
        raise ValueError("a frame that ends early")
    return int.from_bytes(packed[at : at + size], "little")
