"""Files of event cameras: found by their first bytes, checked in passing, read in constant memory.

A format is one module here, which registers it; nothing else lists it.
"""

from workbench.discovery import import_rooms
from workbench.events.formats.errors import DamagedFile
from workbench.events.formats.format import FORMATS, Format
from workbench.events.formats.npy import read_gesture
from workbench.events.formats.registry import begins_as_one, find_format, is_note, read, sensor, stream

__all__ = [
    "FORMATS", "DamagedFile", "Format", "begins_as_one", "find_format", "is_note", "read", "read_gesture", "sensor",
    "stream",
]  # fmt: skip

import_rooms(__name__, __path__)
