"""Prophesee's DAT, version 2: a header of % lines, two bytes for the kind of events, then eight bytes an event."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np

from workbench.events.event_arrays import Events, Sensor
from workbench.events.formats import prophesee_header
from workbench.events.formats.errors import DamagedFile
from workbench.events.formats.event_blocks import Block
from workbench.events.formats.event_checks import check_events
from workbench.events.formats.fixed_records import read_records, record_offsets
from workbench.events.formats.format import Format, register
from workbench.events.formats.read_options import ReadOptions, Remarks
from workbench.events.formats.text_header import Header
from workbench.events.formats.time_order import refuse_backwards
from workbench.events.formats.timestamp_unwrapping import TimestampUnwrapper

_EVENT = np.dtype([("time", "<u4"), ("data", "<u4")])
_CD = (0x00, 0x0C)
_LARGEST: Sensor = (2**14, 2**14)


def stream(path: Path, options: ReadOptions, remarks: Remarks) -> Iterator[Events]:
    """Events in us, of a clock of 32 bits followed through its turns.

    Decoded here: expelliarmus 1.1.12 does not end on a header without an end, and takes each step back in time for a
    turn of the clock. Raises DamagedFile for an event cut short or of another kind, a place off the sensor, a step back
    in time or no events.
    """
    header = prophesee_header.read(path)
    _refuse_other_kinds(path, header)
    sensor = prophesee_header.geometry(header.text) or _LARGEST
    return check_events(path, _read(path, header.end + 2, options), options, remarks, sensor)


def _refuse_other_kinds(path: Path, header: Header) -> None:
    version = re.search(r"^Version *(\d+)", header.text, re.IGNORECASE | re.MULTILINE)
    if not header.lines:
        raise DamagedFile(path, "does not begin with a header of % lines, at byte 0", 0)
    if version and version[1] != "2":
        raise DamagedFile(path, f"says version {version[1]} in its header, at byte 0", 0, "convert it to version 2")
    with path.open("rb") as file:
        file.seek(header.end)
        kind = file.read(2)
    if len(kind) < 2 or kind[0] not in _CD or kind[1] != _EVENT.itemsize:
        fact = f"has {kind.hex(' ') or 'nothing'} after its header, at byte {header.end}"
        raise DamagedFile(path, f"{fact}, not 00 08 or 0c 08, the kind and the size of CD events", header.end)


def _read(path: Path, start: int, options: ReadOptions) -> Generator[Block]:
    clock = TimestampUnwrapper(bits=32)
    last = 0
    for offset, raw in read_records(path, start, _EVENT.itemsize, options.events):
        words = np.frombuffer(raw, dtype=_EVENT)
        place = record_offsets(offset, _EVENT.itemsize, len(words))
        time, data = clock.unwrap(words["time"]), words["data"]
        polarity = data >> 28
        if (polarity > 1).any():
            bad = int((polarity > 1).argmax())
            raise DamagedFile(path, f"has polarity {polarity[bad]} at byte {place[bad]}, not 0 or 1", int(place[bad]))
        if not options.sort:
            refuse_backwards(path, time, place, last)
            last = int(time[-1])
        yield Block(data & 0x3FFF, data >> 14 & 0x3FFF, time, polarity, place)


def _sniff(head: bytes) -> bool:
    text = prophesee_header.begins(head)
    if text is None or prophesee_header.encoding(text):
        return False
    kind = re.match(rb"(?:%[^\r\n]*\r?\n)+[\x00\x0c]\x08", head)
    return kind is not None


FORMAT = register(
    Format("DAT", (".dat",), "numpy", True, "% lines, then 00 08", _sniff, stream, prophesee_header.sensor)
)
