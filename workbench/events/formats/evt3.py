"""Prophesee's EVT 3.0: a header of % lines, then 16-bit words, each for one thing that has changed."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.events.event_arrays import Events, Sensor
from workbench.events.formats import prophesee_header
from workbench.events.formats.event_blocks import Block
from workbench.events.formats.event_checks import check_events
from workbench.events.formats.fixed_records import read_records, record_offsets
from workbench.events.formats.format import Format, register
from workbench.events.formats.read_options import ReadOptions, Remarks
from workbench.events.formats.timestamp_unwrapping import TimestampUnwrapper, forward_fill
from workbench.events.formats.word_types import refuse_unknown

_WORD = np.dtype("<u2")
_ROW, _COLUMN, _BASE, _VECTOR_12, _VECTOR_8, _TIME_LOW, _TIME_HIGH = 0x0, 0x2, 0x3, 0x4, 0x5, 0x6, 0x8
_OTHERS = (0x7, 0xA, 0xE, 0xF)
_KNOWN = (_ROW, _COLUMN, _BASE, _VECTOR_12, _VECTOR_8, _TIME_LOW, _TIME_HIGH, *_OTHERS)
_LARGEST: Sensor = (2048, 2048)
_UNKNOWN = -(2**40)


def stream(path: Path, options: ReadOptions, remarks: Remarks) -> Iterator[Events]:
    """CD events in us, of a clock of 24 bits followed through its turns; other words are passed over.

    Decoded here: expelliarmus 1.1.12 counts every turn of the low 12 bits of the time twice, stops at an external
    trigger and takes data whose first byte is a % for a line of the header. Events before the first time, row or
    column in the stream, as at the start of a cut recording, are passed over.
    Raises DamagedFile for a word cut short or of a reserved type, a place off the sensor, a step back in time or no
    events.
    """
    header = prophesee_header.read(path)
    prophesee_header.refuse_big_endian(path, header.text)
    sensor = prophesee_header.geometry(header.text) or _LARGEST
    return check_events(path, _read(path, header.end, options.events), options, remarks, sensor)


@dataclass
class _State:
    """State after the words so far: high bits of the time with turns, low bits, row, base column, its polarity."""

    clock: TimestampUnwrapper = field(default_factory=lambda: TimestampUnwrapper(bits=12))
    high: int = _UNKNOWN
    low: int = 0
    row: int = _UNKNOWN
    base: int = _UNKNOWN
    polarity: int = 0


def _read(path: Path, start: int, count: int) -> Generator[Block]:
    state = _State()
    for offset, raw in read_records(path, start, _WORD.itemsize, count // 4 + 1, "a word"):
        word = np.frombuffer(raw, dtype=_WORD).astype(np.int64)
        place = record_offsets(offset, _WORD.itemsize, len(word))
        kind, value = word >> 12, word & 0xFFF
        refuse_unknown(path, kind, _KNOWN, place)
        time = _times(kind, value, state)
        row = forward_fill(kind == _ROW, value & 0x7FF, state.row)
        state.row = int(row[-1])
        base, polarity = _bases(kind, value, state)
        bits = np.where(kind == _VECTOR_12, value, np.where(kind == _VECTOR_8, value & 0xFF, kind == _COLUMN))
        base = np.where(kind == _COLUMN, value & 0x7FF, base)
        polarity = np.where(kind == _COLUMN, value >> 11, polarity)
        bits[(time < 0) | (row < 0) | (base < 0)] = 0
        at, shift = np.nonzero(bits[:, None] >> np.arange(12) & 1)
        yield Block(base[at] + shift, row[at], time[at], polarity[at], place[at])


def _times(kind: NDArray[np.int64], value: NDArray[np.int64], state: _State) -> NDArray[np.int64]:
    """The time at every word; high bits that change set the low ones to 0, repeated ones leave them."""
    unwrapped = np.zeros_like(value)
    here = np.flatnonzero(kind == _TIME_HIGH)
    unwrapped[here] = state.clock.unwrap(value[here])
    changed = here[np.diff(unwrapped[here], prepend=state.high) != 0]
    high = forward_fill(kind == _TIME_HIGH, unwrapped, state.high)
    is_low = kind == _TIME_LOW
    lows = np.where(is_low, value, 0)
    is_low[changed] = True
    low = forward_fill(is_low, lows, state.low)
    state.high, state.low = int(high[-1]), int(low[-1])
    return (high << 12) + low


def _bases(
    kind: NDArray[np.int64], value: NDArray[np.int64], state: _State
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The column at which a vector would begin, and its polarity, at every word; each vector moves on the column."""
    width = np.where(kind == _VECTOR_12, 12, np.where(kind == _VECTOR_8, 8, 0))
    moved = np.cumsum(width) - width
    base = forward_fill(kind == _BASE, (value & 0x7FF) - moved, state.base) + moved
    polarity = forward_fill(kind == _BASE, value >> 11, state.polarity)
    state.base, state.polarity = int(base[-1] + width[-1]), int(polarity[-1])
    return base, polarity


def _sniff(head: bytes) -> bool:
    return prophesee_header.encoding(prophesee_header.begins(head) or "") == "3.0"


FORMAT = register(Format("EVT 3.0", (".raw",), "numpy", True, "% evt 3.0", _sniff, stream, prophesee_header.sensor))
