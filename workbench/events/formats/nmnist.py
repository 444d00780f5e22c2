"""The .bin files of N-MNIST and N-Caltech101: five bytes an event, and no header."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np

from workbench.events.event_arrays import EVENTS, Events
from workbench.events.formats.errors import refuse_empty
from workbench.events.formats.event_blocks import Block
from workbench.events.formats.event_checks import check_events
from workbench.events.formats.fixed_records import read_records, record_offsets
from workbench.events.formats.format import Format, never_sniffed, no_sensor, register
from workbench.events.formats.read_options import ReadOptions, Remarks

_BYTES = 5
_OVERFLOW_ROW = 240
_OVERFLOW_US = 2**13
_AT_ONCE = 2**12
"""Events in one call: tonic's time for one grows with events times overflow marks."""


def stream(path: Path, options: ReadOptions, remarks: Remarks) -> Iterator[Events]:
    """Events of x, y, polarity (one bit) and time in us (23 bits, big-endian), decoded by tonic.

    A row of 240 is no event but an overflow: it adds 8,192 us to all later times.
    Raises DamagedFile for an event cut short, a place off the sensor, a step back in time or no events.
    """
    refuse_empty(path)
    return check_events(path, _read(path, min(options.events, _AT_ONCE)), options, remarks)


def _read(path: Path, count: int) -> Generator[Block]:
    from tonic.io import read_mnist_file

    passed_us = 0
    for offset, raw in read_records(path, 0, _BYTES, count):
        found: Events = read_mnist_file(io.BytesIO(raw), dtype=EVENTS, is_stream=True)
        rows = np.frombuffer(raw, dtype=np.uint8)[1::_BYTES]
        place = record_offsets(offset, _BYTES, len(rows))[rows != _OVERFLOW_ROW]
        yield Block(found["x"], found["y"], found["t"] + passed_us, found["p"], place)
        passed_us += _OVERFLOW_US * int((rows == _OVERFLOW_ROW).sum())


FORMAT = register(Format("N-MNIST", (".bin",), "tonic", False, "", never_sniffed, stream, no_sensor))
