"""AEDAT 3.1, cAER's files: a header of # lines, then little-endian packets of events of one type each."""

from __future__ import annotations

import re
import struct
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from workbench.events.event_arrays import Events, Sensor
from workbench.events.formats.errors import DamagedFile
from workbench.events.formats.event_blocks import Block
from workbench.events.formats.event_checks import check_events
from workbench.events.formats.fixed_records import record_offsets
from workbench.events.formats.format import Format, register
from workbench.events.formats.read_options import ReadOptions, Remarks
from workbench.events.formats.text_header import Header, read_header

_MAGIC = b"#!AER-DAT3.1"
_LAST = "!END-HEADER"
_PACKET = struct.Struct("<hhiiiiii")
_EVENT = np.dtype([("data", "<u4"), ("time", "<i4")])
_POLARITY = 1
_TIME_AT = 4
_DVS128 = re.compile(r"^-?Source \d+: *DVS128", re.MULTILINE)


@dataclass(frozen=True)
class _Packet:
    """What a packet's head says, and the byte at which its events begin."""

    start: int
    type: int
    size: int
    time_at: int
    turns: int
    capacity: int
    number: int


def stream(path: Path, options: ReadOptions, remarks: Remarks) -> Iterator[Events]:
    """Polarity events in us, of a clock of 31 bits and the number of its turns in each packet; other types are skipped.

    Decoded here: tonic 1.7 fails on these files. Events marked invalid are dropped; as many events follow a packet's
    head as it says are in it (eventNumber), not as many as it had room for.
    Raises DamagedFile for a packet cut short or that contradicts itself, a place off the sensor, a step back in time
    or no events.
    """
    header = read_header(path, b"#", _LAST)
    return check_events(path, _read(path, header, options.events), options, remarks, _find_sensor(header))


def sensor(path: Path) -> Sensor | None:
    """Height and width of a DVS128, if that is the header's source."""
    return _find_sensor(read_header(path, b"#", _LAST))


def _find_sensor(header: Header) -> Sensor | None:
    return (128, 128) if _DVS128.search(header.text) else None


def _read(path: Path, header: Header, count: int) -> Generator[Block]:
    length = path.stat().st_size
    start = header.end
    with path.open("rb") as file:
        while start < length:
            packet = _read_packet(path, file, start, length)
            start = packet.start + packet.size * packet.number
            if packet.type == _POLARITY:
                yield from _read_events(path, file, packet, count)


def _read_packet(path: Path, file: BinaryIO, start: int, length: int) -> _Packet:
    file.seek(start)
    head = file.read(_PACKET.size)
    if len(head) < _PACKET.size:
        raise DamagedFile(path, f"ends within a packet's head, at byte {start} ({length} bytes)", start)
    kind, _, size, time_at, turns, capacity, number, valid = _PACKET.unpack(head)
    packet = _Packet(start + _PACKET.size, kind, size, time_at, turns, capacity, number)
    layout = kind != _POLARITY or (size, time_at) == (_EVENT.itemsize, _TIME_AT)
    if kind < 0 or size < 1 or turns < 0 or not 0 <= valid <= number <= capacity or not layout:
        fact = f"has a packet of type {kind} at byte {start} that contradicts itself"
        raise DamagedFile(path, f"{fact} ({number} events of {size} bytes, room for {capacity})", start)
    if packet.start + size * number > length:
        fact = f"ends within a packet, at byte {start}"
        raise DamagedFile(path, f"{fact} ({number} events of {size} bytes, but {length - packet.start} bytes)", start)
    return packet


def _read_events(path: Path, file: BinaryIO, packet: _Packet, count: int) -> Generator[Block]:
    for first in range(0, packet.number, count):
        offset = packet.start + first * _EVENT.itemsize
        file.seek(offset)
        found = np.frombuffer(file.read(_EVENT.itemsize * min(count, packet.number - first)), dtype=_EVENT)
        is_valid = found["data"] & 1 == 1
        place = record_offsets(offset, _EVENT.itemsize, len(found))[is_valid]
        found = found[is_valid]
        if (found["time"] < 0).any():
            bad = int((found["time"] < 0).argmax())
            fact = f"has t = {found['time'][bad]} us at byte {place[bad]}, before the clock began"
            raise DamagedFile(path, fact, int(place[bad]))
        data = found["data"].astype(np.int64)
        time = found["time"].astype(np.int64) + (packet.turns << 31)
        yield Block(data >> 17 & 0x7FFF, data >> 2 & 0x7FFF, time, data >> 1 & 1, place)


def _sniff(head: bytes) -> bool:
    return head.startswith(_MAGIC)


FORMAT = register(Format("AEDAT 3.1", (".aedat",), "workbench", True, _MAGIC.decode(), _sniff, stream, sensor))
