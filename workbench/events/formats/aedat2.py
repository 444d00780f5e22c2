"""AEDAT 2.0, jAER's files: a header of # lines, then big-endian pairs of address and time."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.events.formats.blocks import Block, check
from workbench.events.formats.clock import Clock
from workbench.events.formats.damage import DamagedFile
from workbench.events.formats.format import Format
from workbench.events.formats.headers import Header, read_header
from workbench.events.formats.records import places, read_records
from workbench.events.layout import Events, Sensor

_PAIR = np.dtype([("address", ">u4"), ("time", ">u4")])
_MAGIC = b"#!AER-DAT2.0"
_DVS128: Sensor = (128, 128)
_DAVIS: dict[str, Sensor] = {"240": (180, 240), "346": (260, 346)}
_CHIP = re.compile(r"^(AEChip|HardwareInterface)\b:?(.*)$", re.IGNORECASE | re.MULTILINE)
_KNOWN = re.compile(r"(DVS|tmpdiff)128|davis\D{0,3}(240|346)", re.IGNORECASE)


def stream(path: Path, sensor: Sensor | None, events: int) -> Iterator[Events]:
    """Events of a DVS128, or of the DAVIS240 or DAVIS346 that the header names, in us of a clock of 32 bits.

    Decoded here: tonic 1.7 fails on all of these but the DAVIS346, and takes data that begin with # for a comment.
    Words that are no polarity events (frames, inertia, external signals) are passed over.
    Raises DamagedFile for an event cut short, a place off the sensor, a step back in time or no events, and
    ValueError for another chip.
    """
    header = read_header(path, b"#", "")
    chip = _chip(path, header)
    return check(path, _read(path, header, chip, events), sensor or chip, events)


def sensor(path: Path) -> Sensor:
    """Height and width of the chip that the header names, a DVS128 where it names none; ValueError for another."""
    return _chip(path, read_header(path, b"#", ""))


def _chip(path: Path, header: Header) -> Sensor:
    for line, chip in _CHIP.findall(header.text):
        known = _KNOWN.search(chip)
        if known:
            return _DAVIS.get(known[2], _DVS128)
        if line == "AEChip":
            raise ValueError(f"{path} is of the chip{chip}; give a file of a DVS128, a DAVIS240 or a DAVIS346")
    return _DVS128


def _read(path: Path, header: Header, chip: Sensor, count: int) -> Generator[Block]:
    clock = Clock(bits=32)
    for offset, raw in read_records(path, header.end, _PAIR.itemsize, count):
        pairs = np.frombuffer(raw, dtype=_PAIR)
        address = pairs["address"].astype(np.int64)
        place = places(offset, _PAIR.itemsize, len(pairs))
        if chip == _DVS128:
            _refuse_wide(path, address, place)
            is_event = address >> 15 & 1 == 0
            x, y, p = address >> 8 & 127, address >> 1 & 127, address & 1
        else:
            is_event = (address >> 31 & 1 == 0) & (address >> 10 & 1 == 0)
            x, y = chip[1] - 1 - (address >> 12 & 1023), chip[0] - 1 - (address >> 22 & 511)
            p = address >> 11 & 1
        time = clock.follow(pairs["time"])
        yield Block(x[is_event], y[is_event], time[is_event], p[is_event], place[is_event])


def _refuse_wide(path: Path, address: NDArray[Any], place: NDArray[np.int64]) -> None:
    wide = address >> 16 != 0
    if wide.any():
        bad = int(wide.argmax())
        fact = f"has address {address[bad]:#x} at byte {place[bad]}, beyond the 16 bits of a DVS128"
        raise DamagedFile(path, fact, int(place[bad]), "let the header name the chip, or get the file again")


def _sniff(head: bytes) -> bool:
    return head.startswith(_MAGIC)


FORMAT = Format("AEDAT 2.0", (".aedat",), "workbench", True, _MAGIC.decode(), _sniff, stream, sensor)
