"""Files of event cameras: found by their first bytes, checked in passing, read in constant memory."""

from workbench.events.formats.arrays import read_gesture
from workbench.events.formats.catalogue import FORMATS, begins_as_one, find_format, is_note, read, sensor, stream
from workbench.events.formats.damage import DamagedFile
from workbench.events.formats.format import Format

__all__ = [
    "FORMATS", "DamagedFile", "Format", "begins_as_one", "find_format", "is_note", "read", "read_gesture", "sensor",
    "stream",
]  # fmt: skip
