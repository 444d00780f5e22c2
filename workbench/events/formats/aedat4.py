"""AEDAT 4, DV's files: a header that names the streams, then packets of one stream each."""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from workbench.events.formats.blocks import Block, check
from workbench.events.formats.damage import DamagedFile
from workbench.events.formats.format import Format
from workbench.events.formats.ioheader import MAGIC, IOHeader, read_ioheader
from workbench.events.layout import Events, Sensor

_HEAD = struct.Struct("<II")
_SMALLEST = 12
"""Bytes of a packet before any content: size, root and mark."""


def stream(path: Path, sensor: Sensor | None, events: int) -> Iterator[Events]:
    """Events in us of the first event stream (that of the lowest number), decoded by the package aedat.

    Offsets and sizes are checked first: aedat 2.3.0 ends the process on deeply nested headers, panics on others
    and says nothing of bytes after the last whole packet. The byte told of an event is that of its packet.
    Raises DamagedFile for what is no AEDAT 4, a packet cut short, a place off the sensor, a step back in time or no
    events, ImportError where aedat is not installed.
    """
    header = read_ioheader(path)
    decoder = _open(path)
    number, told = _event_stream(path, decoder)
    return check(path, _read(path, decoder, header, number), sensor or told, events)


def sensor(path: Path) -> Sensor | None:
    """Height and width of the first event stream."""
    read_ioheader(path)
    return _event_stream(path, _open(path))[1]


def _open(path: Path) -> Any:
    try:
        from aedat import Decoder
    except ImportError as error:
        raise ImportError(f"{path} is an AEDAT 4 file, which the package aedat reads; pip install aedat") from error
    return _guard(path, None, lambda: Decoder(path))


def _guard(path: Path, offset: int | None, act: Any) -> Any:
    """What ``act`` returns; errors and panics of aedat become DamagedFile."""
    try:
        return act()
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        where = "" if offset is None else f" at byte {offset}"
        raise DamagedFile(path, f"cannot be read{where} ({error})", offset) from error


def _event_stream(path: Path, decoder: Any) -> tuple[int, Sensor | None]:
    streams = {number: told for number, told in decoder.id_to_stream().items() if told["type"] == "events"}
    if not streams:
        raise DamagedFile(path, "names no stream of events in its header", None)
    first = min(streams)
    height, width = streams[first]["height"], streams[first]["width"]
    return first, (height, width) if height and width else None


def _read(path: Path, decoder: Any, header: IOHeader, number: int) -> Generator[Block]:
    for offset, told in _packets(path, header):
        packet = _guard(path, offset, lambda: next(decoder, None))
        if packet is None or packet["stream_id"] != told:
            raise DamagedFile(path, f"is not read to its end by aedat, at byte {offset}", offset)
        if told == number:
            found = packet["events"]
            time = found["t"].astype(np.int64)
            place = np.full(len(found), offset, dtype=np.int64)
            yield Block(found["x"].astype(np.int16), found["y"].astype(np.int16), time, found["on"] != 0, place)


def _packets(path: Path, header: IOHeader) -> Iterator[tuple[int, int]]:
    """Byte and stream of every packet; raises DamagedFile where they do not end where the header says they do."""
    length = path.stat().st_size
    end = length if header.table_at == -1 else header.table_at
    if not header.start <= end <= length:
        raise DamagedFile(path, f"ends before its packets do, at byte {length} ({end} by its header)", length)
    start = header.start
    with path.open("rb") as file:
        while start < end:
            file.seek(start)
            head = file.read(_HEAD.size)
            stream, size = _HEAD.unpack(head) if len(head) == _HEAD.size else (0, length)
            if start + _HEAD.size + size > end:
                raise DamagedFile(path, f"ends within a packet, at byte {start} ({end} bytes)", start)
            if size < _SMALLEST and header.compression == "none":
                raise DamagedFile(path, f"has a packet of {size} bytes at byte {start}, too few for any content", start)
            yield start, stream
            start += _HEAD.size + size


def _sniff(head: bytes) -> bool:
    return head.startswith(MAGIC)


FORMAT = Format(
    "AEDAT 4", (".aedat4",), "aedat, as in tonic", True, MAGIC.decode().strip(), _sniff, stream, sensor
)  # fmt: skip
