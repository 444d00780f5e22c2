"""Files of event cameras: found by their first bytes, checked in passing, read in constant memory.

A format is one module here, which registers it; nothing else lists it.

registry              which format a file is of, and reading it
format                what all formats share, and which there are
read_options          how events are to be read, and what was noticed on the way
errors                what is said of a damaged file
nmnist                .bin of N-MNIST and N-Caltech101
aedat2                AEDAT 2.0 of jAER
aedat2_addresses      the address words of its chips
aedat3                AEDAT 3.1 of cAER
aedat4                AEDAT 4 of DV
aedat4_header         where its packets lie
dat                   DAT of Prophesee
evt2                  EVT 2.0 of Prophesee
evt3                  EVT 3.0 of Prophesee
prophesee_header      the headers of Prophesee's formats
npy                   arrays of NumPy
npz                   archives of NumPy
zip_archives          archives that are safe to open
hdf5                  HDF5
hdf5_chunks           its datasets, whole and no larger than they say
text                  rows of numbers
column_tables         tables of events, read a part at a time
column_names          which column is x, y, t and p
column_checks         columns of whole numbers
time_units            the unit of the times in a table
text_header           headers of text lines before binary data
fixed_records         records of one size
word_types            words with their type in their highest bits
timestamp_unwrapping  counters of time that wrap around
event_blocks          blocks of decoded events
event_checks          what holds of all events, whatever their format
time_order            events in the order of time
compressed_frames     how large frames of LZ4 and Zstandard unpack
decompression_limits  how large anything may unpack
"""

from workbench.discovery import import_rooms
from workbench.events.formats.errors import DamagedFile
from workbench.events.formats.format import FORMATS, Format
from workbench.events.formats.registry import find_format, read, sensor, stream

__all__ = [
    "FORMATS",
    "DamagedFile",
    "Format",
    "find_format",
    "read",
    "sensor",
    "stream",
]

import_rooms(__name__, __path__)


def __dir__() -> list[str]:
    return list(__all__)
