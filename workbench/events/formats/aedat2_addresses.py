"""Address words of AEDAT 2.0: which bits hold column, row and polarity, chip by chip."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.events.event_arrays import Sensor

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """The words of one chip, each of ``bits``: ``x`` and ``y`` are (shift, bits), ``polarity`` is a bit's number.

    Columns count from the right, rows from the bottom; the bit of polarity is ``on`` for an event ON. Words with a bit
    of ``other`` are no polarity events but frames, inertia or external signals.
    """

    chip: str
    sensor: Sensor
    bits: int
    x: tuple[int, int]
    y: tuple[int, int]
    polarity: int
    on: int
    other: int

    def find_events(self, address: Integers) -> NDArray[np.bool_]:
        """Which words are polarity events."""
        found: NDArray[np.bool_] = address & self.other == 0
        return found

    def decode(self, address: Integers) -> tuple[Integers, Integers, Integers]:
        """Column from the left, row from the top, and polarity (1: ON) of every word.

        >>> x, y, p = DVS128.decode(np.array([127 << 8 | 127 << 1, 0x0001]))
        >>> x.tolist(), y.tolist(), p.tolist()
        ([0, 127], [0, 127], [1, 0])
        """
        height, width = self.sensor
        x, y = (address >> shift & (1 << bits) - 1 for shift, bits in (self.x, self.y))
        return width - 1 - x, height - 1 - y, (address >> self.polarity & 1) ^ (1 - self.on)

    def find_foreign(self, address: Integers) -> NDArray[np.bool_]:
        """Which words this chip never writes: too wide ones, events with other bits set or off its sensor."""
        x, y, _ = self.decode(address)
        own = sum((1 << bits) - 1 << shift for shift, bits in (self.x, self.y)) | 1 << self.polarity
        strange = (x < 0) | (y < 0) | (address & ~own != 0)
        foreign: NDArray[np.bool_] = (address >> self.bits != 0) | (self.find_events(address) & strange)
        return foreign


DVS128 = Layout("DVS128", (128, 128), 16, x=(1, 7), y=(8, 7), polarity=0, on=0, other=1 << 15)
"""A raw bit of 0 is ON. Source: DVS128.Extractor of jAER."""

DVS640 = Layout("DVS640", (480, 640), 21, x=(1, 10), y=(11, 10), polarity=0, on=1, other=0)
"""Source: DVS640.Extractor of jAER; aedat2_output.py of v2e."""

DAVIS240 = Layout("DAVIS240", (180, 240), 32, x=(12, 10), y=(22, 9), polarity=11, on=1, other=1 << 31 | 1 << 10)
DAVIS346 = replace(DAVIS240, chip="DAVIS346", sensor=(260, 346))
"""Source: DavisChip and DavisBaseCamera of jAER; aedat2_output.py of v2e."""

LAYOUTS = (DVS128, DAVIS240, DAVIS346, DVS640)
