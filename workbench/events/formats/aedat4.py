"""AEDAT 4, DV's files: a header that names the streams, then packets of one stream each."""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from workbench.events.event_arrays import Events, Sensor
from workbench.events.formats.aedat4_header import MAGIC, PacketRange, read_packet_range
from workbench.events.formats.compressed_frames import bound_lz4, bound_zstandard
from workbench.events.formats.decompression_limits import refuse_decompression_bombs
from workbench.events.formats.errors import DamagedFile
from workbench.events.formats.event_blocks import Block
from workbench.events.formats.event_checks import check_events
from workbench.events.formats.format import Format, register
from workbench.events.formats.read_options import ReadOptions, Remarks

_HEAD = struct.Struct("<II")
_SMALLEST = 12
"""Bytes of a packet before any content: size, root and mark."""

_LARGEST = 2**28
_BOUNDS = {
    "LZ4": bound_lz4, "LZ4 high": bound_lz4, "Zstandard": bound_zstandard, "Zstandard high": bound_zstandard,
}  # fmt: skip


def stream(path: Path, options: ReadOptions, remarks: Remarks) -> Iterator[Events]:
    """Events in us of the first event stream (that of the lowest number), decoded by the package aedat.

    Offsets and sizes are checked first: aedat 2.3.0 ends the process on deeply nested headers, panics on others,
    says nothing of bytes after the last whole packet and unpacks 2 GB from 64 kB where they say so. The byte
    named of an event is that of its packet.
    Raises DamagedFile for what is no AEDAT 4, a packet cut short, a place off the sensor, a step back in time or no
    events, ImportError where aedat is not installed.
    """
    packets = read_packet_range(path)
    decoder = _open(path)
    number, file_sensor = _event_stream(path, decoder)
    return check_events(path, _read(path, decoder, packets, number), options, remarks, file_sensor)


def sensor(path: Path) -> Sensor | None:
    """Height and width of the first event stream."""
    read_packet_range(path)
    return _event_stream(path, _open(path))[1]


def _open(path: Path) -> Any:
    try:
        from aedat import Decoder
    except ImportError as error:
        raise ImportError(
            f"{path} is an AEDAT 4 file, which the package aedat reads; pip install 'spiking-workbench[aedat]'"
        ) from error
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
    streams = {number: one for number, one in decoder.id_to_stream().items() if one["type"] == "events"}
    if not streams:
        raise DamagedFile(path, "names no stream of events in its header", None)
    first = min(streams)
    height, width = streams[first]["height"], streams[first]["width"]
    return first, (height, width) if height and width else None


def _read(path: Path, decoder: Any, packets: PacketRange, number: int) -> Generator[Block]:
    for offset, stream_number in _packets(path, packets):
        packet = _guard(path, offset, lambda: next(decoder, None))
        if packet is None or packet["stream_id"] != stream_number:
            raise DamagedFile(path, f"is not read to its end by aedat, at byte {offset}", offset)
        if stream_number == number:
            found = packet["events"]
            time = found["t"].astype(np.int64)
            place = np.full(len(found), offset, dtype=np.int64)
            yield Block(found["x"].astype(np.int16), found["y"].astype(np.int16), time, found["on"] != 0, place)


def _packets(path: Path, packets: PacketRange) -> Iterator[tuple[int, int]]:
    """Byte and stream of every packet; raises DamagedFile where they do not end where the header says they do."""
    length = path.stat().st_size
    end = length if packets.table_at == -1 else packets.table_at
    if not packets.start <= end <= length:
        raise DamagedFile(path, f"ends before its packets do, at byte {length} ({end} by its header)", length)
    start = packets.start
    with path.open("rb") as file:
        while start < end:
            file.seek(start)
            head = file.read(_HEAD.size)
            stream, size = _HEAD.unpack(head) if len(head) == _HEAD.size else (0, length)
            if start + _HEAD.size + size > end:
                raise DamagedFile(path, f"ends within a packet, at byte {start} ({end} bytes)", start)
            _refuse_sizes(path, file, packets.compression, start, size)
            yield start, stream
            start += _HEAD.size + size


def _refuse_sizes(path: Path, file: BinaryIO, compression: str, start: int, size: int) -> None:
    """Raise DamagedFile for a packet too small for any content, or, stored or unpacked, too large for events."""
    if size > _LARGEST or (size < _SMALLEST and compression == "none"):
        rest = "too few for any content" if size < _SMALLEST else f"more than {_LARGEST:,}"
        raise DamagedFile(path, f"has a packet of {size} bytes at byte {start}, {rest}", start)
    if compression in _BOUNDS:
        try:
            unpacked = _BOUNDS[compression](file.read(size))
        except ValueError as error:
            raise DamagedFile(path, f"cannot be read at byte {start} ({error})", start) from error
        refuse_decompression_bombs(path, "its packet", size, unpacked, start)


def _sniff(head: bytes) -> bool:
    return head.startswith(MAGIC)


FORMAT = register(
    Format("AEDAT 4", (".aedat4",), "aedat, as in tonic", True, MAGIC.decode().strip(), _sniff, stream, sensor)
)
