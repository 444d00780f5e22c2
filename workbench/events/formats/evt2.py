"""Prophesee's EVT 2.0: a header of % lines, then 32-bit words, an event or the high bits of the time in each."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np

from workbench.events.event_arrays import Events, Sensor
from workbench.events.formats import prophesee_header
from workbench.events.formats.event_blocks import Block
from workbench.events.formats.event_checks import check_events
from workbench.events.formats.fixed_records import read_records, record_offsets
from workbench.events.formats.format import Format, register
from workbench.events.formats.read_options import ReadOptions, Remarks
from workbench.events.formats.timestamp_unwrapping import TimestampUnwrapper, forward_fill
from workbench.events.formats.word_types import refuse_unknown

_WORD = np.dtype("<u4")
_OFF, _ON, _TIME_HIGH = 0x0, 0x1, 0x8
_OTHERS = (0xA, 0xE, 0xF)
_LARGEST: Sensor = (2048, 2048)
_BEFORE = -1


def stream(path: Path, options: ReadOptions, remarks: Remarks) -> Iterator[Events]:
    """CD events in us, of a clock of 34 bits followed through its turns; other words are passed over.

    Decoded here: expelliarmus 1.1.12 lets time run back where the clock turns over, and takes data whose first byte
    is a % for a line of the header. Events before the first time in the stream have none and are passed over.
    Raises DamagedFile for a word cut short or of a reserved type, a place off the sensor, a step back in time or no
    events.
    """
    header = prophesee_header.read(path)
    prophesee_header.refuse_big_endian(path, header.text)
    sensor = prophesee_header.geometry(header.text) or _LARGEST
    return check_events(path, _read(path, header.end, options.events), options, remarks, sensor)


def _read(path: Path, start: int, count: int) -> Generator[Block]:
    clock = TimestampUnwrapper(bits=28)
    high_now = _BEFORE
    for offset, raw in read_records(path, start, _WORD.itemsize, count, "a word"):
        word = np.frombuffer(raw, dtype=_WORD).astype(np.int64)
        place = record_offsets(offset, _WORD.itemsize, len(word))
        kind = word >> 28
        refuse_unknown(path, kind, (_OFF, _ON, _TIME_HIGH, *_OTHERS), place)
        unwrapped = np.zeros_like(word)
        unwrapped[kind == _TIME_HIGH] = clock.unwrap(word[kind == _TIME_HIGH] & 0xFFFFFFF)
        high = forward_fill(kind == _TIME_HIGH, unwrapped, high_now)
        high_now = int(high[-1])
        seen = ((kind == _OFF) | (kind == _ON)) & (high != _BEFORE)
        word, high = word[seen], high[seen]
        yield Block(word >> 11 & 0x7FF, word & 0x7FF, high << 6 | word >> 22 & 0x3F, kind[seen], place[seen])


def _sniff(head: bytes) -> bool:
    return prophesee_header.encoding(prophesee_header.begins(head) or "") == "2.0"


FORMAT = register(Format("EVT 2.0", (".raw",), "numpy", True, "% evt 2.0", _sniff, stream, prophesee_header.sensor))
