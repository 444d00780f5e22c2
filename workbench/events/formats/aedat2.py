"""AEDAT 2.0, jAER's files: a header of # lines, then big-endian pairs of address and time."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.events.event_arrays import Events, Sensor
from workbench.events.formats.aedat2_addresses import DAVIS240, DAVIS346, DVS128, DVS640, LAYOUTS, Layout
from workbench.events.formats.errors import DamagedFile
from workbench.events.formats.event_blocks import Block
from workbench.events.formats.event_checks import check_events
from workbench.events.formats.fixed_records import read_records, record_offsets
from workbench.events.formats.format import Format, register
from workbench.events.formats.read_options import ReadOptions, Remarks
from workbench.events.formats.text_header import Header, read_header
from workbench.events.formats.timestamp_unwrapping import TimestampUnwrapper

_PAIR = np.dtype([("address", ">u4"), ("time", ">u4")])
_MAGIC = b"#!AER-DAT2.0"
_CHIP = re.compile(r"^(AEChip|HardwareInterface)\b:?(.*)$", re.IGNORECASE | re.MULTILINE)
_KNOWN = {
    r"(\bDVS|tmpdiff)128": DVS128, r"davis\D{0,3}240": DAVIS240, r"davis\D{0,3}346": DAVIS346, r"\bDVS640": DVS640,
}  # fmt: skip
_JAER_LINE = "This is a raw AE data file - do not edit"
_V2E_LINE = re.compile(r"\bv2e\b")
_V2E_LAYOUTS = (DAVIS240, DAVIS346, DVS640)
_AT_ONCE = 2**16


def stream(path: Path, options: ReadOptions, remarks: Remarks) -> Iterator[Events]:
    """Events of a DVS128, a DAVIS240 or DAVIS346 or a DVS640, in us of a clock of 32 bits.

    The chip is the one that the header names. Files without such a line are of the chip that ``options.sensor`` is
    the size of; else, if jAER wrote them, of a DVS128; else of the one chip whose addresses all of theirs can be (v2e
    names no chip). Decoded here, as jAER does: tonic 1.7 fails on all of these but the DAVIS346, takes data that begin
    with # for a comment, and has the DVS128 on its side, mirrored and with ON and OFF exchanged. Words that are no
    polarity events (frames, inertia, external signals) are skipped.
    Raises DamagedFile for an event cut short, addresses that no such chip has or several have, a place off the sensor,
    a step back in time or no events, and ValueError for another chip.
    """
    header = read_header(path, b"#", "")
    named = _named(path, header)
    layout = named or _choose(path, header, options.sensor)
    strict = named not in (DAVIS240, DAVIS346)  # jAER may set bits of theirs that are not known
    blocks = _read(path, header, layout, strict, options.events)
    return check_events(path, blocks, options, remarks, layout.sensor)


def sensor(path: Path) -> Sensor | None:
    """Height and width of the chip that the header names, or to which the addresses point; None where neither does.

    Raises ValueError for a chip that is not known, and DamagedFile for addresses of none.
    """
    header = read_header(path, b"#", "")
    named = _named(path, header)
    possible = (named,) if named else _possible(path, header, None)
    return possible[0].sensor if len(possible) == 1 else None


def _named(path: Path, header: Header) -> Layout | None:
    for line, chip in _CHIP.findall(header.text):
        for pattern, layout in _KNOWN.items():
            if re.search(pattern, chip, re.IGNORECASE):
                return layout
        if line == "AEChip":
            raise ValueError(f"{path} is of the chip{chip}; give a file of {_list(LAYOUTS, 'or')}")
    return None


def _choose(path: Path, header: Header, sensor: Sensor | None) -> Layout:
    possible = _possible(path, header, sensor)
    if len(possible) > 1:
        sizes = " or ".join(f"sensor={layout.sensor}" for layout in possible)
        fact = f"names no chip in its header, and its addresses may be those of {_list(possible, 'or')}"
        raise DamagedFile(path, fact, None, f"say which, by {sizes}")
    return possible[0]


def _possible(path: Path, header: Header, sensor: Sensor | None) -> tuple[Layout, ...]:
    """The chips that a file may be of whose header names none: at least one."""
    layouts: tuple[Layout, ...] = _V2E_LAYOUTS if _V2E_LINE.search(header.text) else LAYOUTS
    if sensor in [layout.sensor for layout in layouts]:
        return tuple(layout for layout in layouts if layout.sensor == sensor)
    if _JAER_LINE in header.text:
        return (DVS128,)
    offset = None
    for offset, raw in read_records(path, header.end, _PAIR.itemsize, _AT_ONCE):
        address = np.frombuffer(raw, dtype=_PAIR)["address"].astype(np.int64)
        foreign = [layout.find_foreign(address) for layout in layouts]
        left = tuple(layout for layout, strange in zip(layouts, foreign, strict=True) if not strange.any())
        if not left:
            bad = max(int(strange.argmax()) for strange in foreign)
            raise _foreign(path, f"as no word of {_list(layouts, 'or')} is", int(address[bad]), offset, bad)
        layouts = left
        if len(layouts) == 1:
            break
    if offset is None:
        raise DamagedFile(path, "holds no events")
    return layouts


def _read(path: Path, header: Header, layout: Layout, strict: bool, count: int) -> Generator[Block]:
    clock = TimestampUnwrapper(bits=32)
    for offset, raw in read_records(path, header.end, _PAIR.itemsize, count):
        pairs = np.frombuffer(raw, dtype=_PAIR)
        address = pairs["address"].astype(np.int64)
        if strict:
            _refuse_foreign(path, layout, address, offset)
        is_event = layout.find_events(address)
        x, y, p = layout.decode(address[is_event])
        place = record_offsets(offset, _PAIR.itemsize, len(pairs))[is_event]
        yield Block(x, y, clock.unwrap(pairs["time"])[is_event], p, place)


def _refuse_foreign(path: Path, layout: Layout, address: NDArray[np.int64], offset: int) -> None:
    foreign = layout.find_foreign(address)
    if foreign.any():
        bad = int(foreign.argmax())
        wide = address[bad] >> layout.bits != 0
        words = f"beyond the {layout.bits} bits of" if wide else "as no word is of"
        raise _foreign(path, f"{words} a {layout.chip}", int(address[bad]), offset, bad)


def _foreign(path: Path, words: str, address: int, offset: int, number: int) -> DamagedFile:
    place = offset + number * _PAIR.itemsize
    cure = "let the header name the chip, or say its size, as sensor=(height, width), or get the file again"
    return DamagedFile(path, f"has address {address:#x} at byte {place}, {words}", place, cure)


def _list(layouts: tuple[Layout, ...], word: str) -> str:
    """The chips in a row: "a DVS128, a DAVIS240 or a DAVIS346"."""
    *some, last = (f"a {layout.chip}" for layout in layouts)
    return f"{', '.join(some)} {word} {last}" if some else last


def _sniff(head: bytes) -> bool:
    return head.startswith(_MAGIC)


FORMAT = register(Format("AEDAT 2.0", (".aedat",), "workbench", True, _MAGIC.decode(), _sniff, stream, sensor))
