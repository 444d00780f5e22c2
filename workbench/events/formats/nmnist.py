"""The .bin files of N-MNIST and N-Caltech101: five bytes an event, and no header."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np

from workbench.events.event_arrays import Events
from workbench.events.formats.errors import refuse_empty
from workbench.events.formats.event_blocks import Block
from workbench.events.formats.event_checks import check_events
from workbench.events.formats.fixed_records import read_records, record_offsets
from workbench.events.formats.format import Format, never_sniffed, no_sensor, register
from workbench.events.formats.read_options import ReadOptions, Remarks

_BYTES = 5
_OVERFLOW_ROW = 240
_OVERFLOW_US = 2**13


def stream(path: Path, options: ReadOptions, remarks: Remarks) -> Iterator[Events]:
    """Events of x, y, polarity (one bit) and time in us (23 bits, big-endian).

    A row of 240 is no event but an overflow: it adds 8,192 us to all later times.
    Raises DamagedFile for an event cut short, a place off the sensor, a step back in time or no events.
    Source: Orchard et al. 2015, Front. Neurosci. 9:437; a test compares it with tonic's read_mnist_file.
    """
    refuse_empty(path)
    return check_events(path, _read(path, options.events), options, remarks)


def _read(path: Path, count: int) -> Generator[Block]:
    passed = 0
    for offset, raw in read_records(path, 0, _BYTES, count):
        x, y, high, middle, low = np.frombuffer(raw, dtype=np.uint8).reshape(-1, _BYTES).T
        overflow = y == _OVERFLOW_ROW
        overflows = passed + np.cumsum(overflow, dtype=np.int64)
        passed = int(overflows[-1])
        time = (high & 0x7F).astype(np.int64) << 16 | middle.astype(np.int64) << 8 | low
        place = record_offsets(offset, _BYTES, len(time))
        yield Block(x, y, time + _OVERFLOW_US * overflows, high >> 7, place).choose(~overflow)


FORMAT = register(Format("N-MNIST", (".bin",), "numpy", False, "", never_sniffed, stream, no_sensor))
