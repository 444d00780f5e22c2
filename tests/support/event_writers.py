"""Writers of event files, byte by byte and independent of any reader; each takes a list of (x, y, t, p)."""

import io
import struct
import zipfile
from itertools import groupby

DVS_WORDS_BETWEEN = 0x80000000  # bit 31: a sample of a frame or of the inertia, no event
COMPLEMENT = 2**12


def nmnist(events):
    """Five bytes an event; a mark of row 240 for every 8,192 us that the 23 bits of time cannot hold."""
    data, passed = b"", 0
    for x, y, t, p in events:
        while t - passed >= 2**23:
            data += struct.pack(">BBBH", 0, 240, 0, 0)
            passed += 2**13
        left = t - passed
        data += struct.pack(">BBBH", x, y, p << 7 | left >> 16, left & 0xFFFF)
    return data


AEDAT2_HEADER = (
    "#!AER-DAT2.0\r\n# This is a raw AE data file - do not edit\r\n# created Thu Dec 03 14:47:00 CET 2015\r\n"
)


def aedat2(events, chip="", between=False):
    """The layout of a DVS128, or of a DAVIS where ``chip`` is 240 or 346; ``between`` adds words that are no events.

    Columns count from the right and rows from the bottom; of a DVS128 a bit of 0 is ON.
    """
    data = AEDAT2_HEADER + (f"# AEChip: eu.seebetter.ini.chips.davis.Davis{chip}C\r\n" if chip else "")
    data = data.encode()
    height, width = {"240": (180, 240), "346": (260, 346)}.get(chip, (128, 128))
    for number, (x, y, t, p) in enumerate(events):
        right, up = width - 1 - x, height - 1 - y
        address = up << 22 | right << 12 | p << 11 if chip else up << 8 | right << 1 | 1 - p
        if between and number % 3 == 0:
            other = (0x80000000 | number, 1 << 10)[number % 2] if chip else 1 << 15
            data += struct.pack(">II", other, t % 2**32)
        data += struct.pack(">II", address, t % 2**32)
    return data


V2E_HEADER = (
    "#!AER-DAT2.0\r\n# This is a raw AE data file created by AEDat2Output in v2e (see https://github.com/SensorsINI/v2e)"
    "\r\n# Data format is int32 address, int32 timestamp (8 bytes total), repeated for each event\r\n"
    "# Timestamps tick is 1 us\r\n# Creation time: 01:57PM December 16 2020\r\n# User name: somebody\r\n"
)
V2E_SHIFTS = {(180, 240): (12, 22, 11), (260, 346): (12, 22, 11), (480, 640): (1, 11, 0)}


def v2e(events, sensor=(260, 346), header=V2E_HEADER):
    """What v2e writes: no line that names the chip, columns from the right, rows from the bottom, 1 is ON."""
    (height, width), (right, up, polarity) = sensor, V2E_SHIFTS[sensor]
    words = (((width - 1 - x) << right | (height - 1 - y) << up | p << polarity, t) for x, y, t, p in events)
    return header.encode() + b"".join(struct.pack(">II", *pair) for pair in words)


AEDAT3_HEADER = "#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#Start-Time: 2015-12-03 14:47:00 (TZ+0100)\r\n"


def packet3(events, capacity=None, kind=1, invalid=0):
    """One packet of AEDAT 3.1, all in the same turn of the clock; ``invalid`` events of nonsense stand before."""
    turn = events[0][2] >> 31 if events else 0
    rows = [struct.pack("<II", 0xFFFFFFFE, 0)] * invalid
    rows += [struct.pack("<Ii", x << 17 | y << 2 | p << 1 | 1, t & 0x7FFFFFFF) for x, y, t, p in events]
    room = len(rows) if capacity is None else capacity
    return struct.pack("<hhiiiiii", kind, 1, 8, 4, turn, room, len(rows), len(events)) + b"".join(rows)


def aedat3(events, packet=50, end=True, header=AEDAT3_HEADER, others=False, invalid=0):
    """Packets of at most ``packet`` polarity events each; ``others`` adds packets of other types between them."""
    data = (header + ("#!END-HEADER\r\n" if end else "")).encode()
    for _, turn in groupby(events, lambda event: event[2] >> 31):
        turn = list(turn)
        for first in range(0, len(turn), packet):
            data += packet3(turn[first : first + packet], invalid=invalid)
            if others:
                data += struct.pack("<hhiiiiii", 3, 1, 36, 4, 0, 2, 2, 2) + bytes(72)
                data += struct.pack("<hhiiiiii", 0, 1, 8, 4, 0, 1, 1, 1) + bytes(8)
    return data


STREAM = (
    '<node name="{}"><attr key="typeIdentifier" type="string">{}</attr><node name="info">'
    '<attr key="sizeX" type="int">{}</attr><attr key="sizeY" type="int">{}</attr></node></node>'
)


def ioheader4(description, compression=0, table_at=-1):
    """The flatbuffer IOHE: a table of compression (int32), position of the data table (int64) and description."""
    text = description.encode()
    data = struct.pack("<I4s", 24, b"IOHE") + bytes(4) + struct.pack("<HHHHH", 10, 20, 4, 8, 16) + bytes(2)
    data += struct.pack("<iiqI", 24 - 12, compression, table_at, 4)
    data += struct.pack("<I", len(text)) + text + b"\0"
    return data + bytes(-len(data) % 8)


def packet4(events, stream=0, mark=b"EVTS"):
    """A packet of a stream: its number and size, then a flatbuffer with its own size before it."""
    data = struct.pack("<I4s", 16, mark) + struct.pack("<HHH", 6, 8, 4) + bytes(2)
    data += struct.pack("<iI", 8, 4) + struct.pack("<I", len(events))
    data += b"".join(struct.pack("<qhhB3x", t, x, y, p) for x, y, t, p in events)
    data = struct.pack("<I", len(data)) + data
    return struct.pack("<II", stream, len(data)) + data


def aedat4(events, sensor=(260, 346), packet=50, description=None, streams=(("0", "EVTS"),), table=False, others=False):
    """Packets without compression; ``table`` ends them with a table, ``others`` mixes in a stream of triggers."""
    height, width = sensor
    streams = [*streams, ("1", "TRIG")] if others else streams
    nodes = "".join(STREAM.format(number, mark, width, height) for number, mark in streams)
    text = description or f'<dv version="2.0"><node name="outInfo" path="/out/">{nodes}</node></dv>'
    packets = b""
    for first in range(0, len(events), packet):
        packets += packet4(events[first : first + packet])
        packets += packet4([], 1, b"TRIG") if others else b""
    before = 14 + 4 + len(ioheader4(text))
    header = ioheader4(text, table_at=before + len(packets) if table else -1)
    return b"#!AER-DAT4.0\r\n" + struct.pack("<I", len(header)) + header + packets + (b"table" * 9 if table else b"")


def dat(events, header="% Data file containing CD events.\n% Version 2\n% Date 2017-10-31 11:29:21\n", kind=b"\0\x08"):
    """Eight bytes an event: the time, then 14 bits of x, 14 of y and 4 of polarity."""
    rows = (struct.pack("<II", t % 2**32, p << 28 | y << 14 | x) for x, y, t, p in events)
    return header.encode() + kind + b"".join(rows)


def evt2(events, header="% evt 2.0\n% format EVT2;height=720;width=1280\n% end\n", others=False):
    """A word for each event with six bits of time, and one before it whenever the higher bits change."""
    words, high = [], None
    for number, (x, y, t, p) in enumerate(events):
        if high != t >> 6:
            high = t >> 6
            words.append(0x80000000 | high % 2**28)
        if others and number % 4 == 0:
            words += [0xA0000000 | number, 0xE0000001, 0xF0000002]
        words.append(p << 28 | (t & 63) << 22 | x << 11 | y)
    return header.encode() + struct.pack(f"<{len(words)}I", *words)


def evt3(events, header="% evt 3.0\n% geometry 1280x720\n% end\n", vectors=True, others=False):
    """Words of what changes; neighbours of a row, time and polarity as vectors of 12 and 8."""
    words, time, row = [], None, None
    runs = groupby(events, lambda event: (event[2], event[1], event[3]))
    for number, ((t, y, p), run) in enumerate(runs):
        if time is None or time >> 12 != t >> 12 or (others and number % 5 == 0):
            words.append(0x8000 | (t >> 12) % COMPLEMENT)
        if time is None or time != t:
            words.append(0x6000 | t % COMPLEMENT)
        if row != y or number % 7 == 0:
            words.append(y)
        if others and number % 3 == 0:
            words += [0xA001, 0xE002, 0xF003, 0x7004]
        time, row = t, y
        words += columns3([event[0] for event in run], p, vectors)
    return header.encode() + struct.pack(f"<{len(words)}H", *words)


def columns3(columns, p, vectors):
    """Single events, or for every rising run one base and vectors of alternating width."""
    if not vectors:
        return [0x2000 | p << 11 | x for x in columns]
    words, left = [], list(columns)
    while left:
        run = [left.pop(0)]
        while left and run[-1] < left[0] < run[0] + 60:
            run.append(left.pop(0))
        if len(run) == 1:
            words.append(0x2000 | p << 11 | run[0])
            continue
        words.append(0x3000 | p << 11 | run[0])
        base, wide = run[0], True
        while base <= run[-1]:
            width = 12 if wide else 8
            mask = sum(1 << (x - base) for x in run if base <= x < base + width)
            words.append((0x4000 if wide else 0x5000) | mask)
            base, wide = base + width, not wide
    return words


NPY_TYPES = {"x": "<u2", "y": "<i4", "t": "<i8", "p": "|b1"}
CODES = {"|b1": "?", "|i1": "b", "|u1": "B", "<i2": "h", "<u2": "H", "<i4": "i", "<u4": "I", "<i8": "q", "<u8": "Q",
         "<f4": "f", "<f8": "d"}  # fmt: skip


def npy(events, types=None, order="xytp"):
    """A structured array, version 1.0: the header a Python literal, padded to 64 bytes."""
    types = {**NPY_TYPES, **(types or {})}
    descr = [(field, types[field]) for field in order]
    rows = ({"x": x, "y": y, "t": t, "p": p} for x, y, t, p in events)
    form = "<" + "".join(CODES[types[field]] for field in order)
    data = b"".join(struct.pack(form, *(row[field] for field in order)) for row in rows)
    return npy_file(str(descr), f"({len(events)},)", data)


def npy_file(descr, shape, data):
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data


def npy_table(rows, code="q", descr="'<i8'"):
    """An array of four columns without names."""
    data = b"".join(struct.pack(f"<4{code}", *row) for row in rows)
    return npy_file(descr, f"({len(rows)}, 4)", data)


def hdf5(events, group="events", offset=None, compression=None, chunks=None, table=None, names="xytp", **options):
    """Columns in a group, or one table of that name; this writer needs a package."""
    import h5py
    import numpy as np

    memory = io.BytesIO()
    kinds = {"x": "u2", "y": "u2", "t": "i8", "p": "u1", **options}
    rows = [tuple(event) for event in events]
    with h5py.File(memory, "w") as file:
        made = {"compression": compression, "chunks": chunks and (min(chunks[0], len(rows)),)}
        if table:
            file.create_dataset(table, data=np.array(rows, dtype=[(field, kinds[field]) for field in "xytp"]), **made)
        else:
            for place, (field, name) in enumerate(zip("xytp", names, strict=True)):
                values = np.array([row[place] for row in rows], dtype=kinds[field])
                file.create_dataset(f"{group}/{name}", data=values, **made)
        if offset is not None:
            file["t_offset"] = offset
    return memory.getvalue()


def zstandard(data):
    """A Zstandard frame of blocks that are stored as they are; 128 KiB are the most in one."""
    frame = struct.pack("<IBI", 0xFD2FB528, 0xA0, len(data))
    pieces = [data[first : first + 2**17] for first in range(0, len(data), 2**17)]
    for number, piece in enumerate(pieces):
        frame += ((number == len(pieces) - 1) | len(piece) << 3).to_bytes(3, "little") + piece
    return frame


def lz4(data):
    """An LZ4 frame of blocks that are stored as they are; 4 MiB are the most in one."""
    pieces = [data[first : first + 2**22] for first in range(0, len(data), 2**22)]
    blocks = b"".join(struct.pack("<I", 2**31 | len(piece)) + piece for piece in pieces)
    return bytes.fromhex("04224d18 6070 73") + blocks + bytes(4)


FRAMES = {1: lz4, 3: zstandard}


def aedat4_compressed(events, compression, sensor=(260, 346), packet=50):
    """As ``aedat4``, each packet in a frame of LZ4 (1) or Zstandard (3)."""
    plain = aedat4([], sensor)
    text = plain[plain.index(b"<dv") : plain.index(b"</dv>") + 5].decode()
    header = ioheader4(text, compression)
    data = b"#!AER-DAT4.0\r\n" + struct.pack("<I", len(header)) + header
    for first in range(0, len(events), packet):
        frame = FRAMES[compression](packet4(events[first : first + packet])[8:])
        data += struct.pack("<II", 0, len(frame)) + frame
    return data


def npz(events, names="xytp", types=None, compressed=True, level=6, others=None):
    """An archive of a plain array for each column, as numpy.savez writes it; the only writer that needs zipfile."""
    types = {"x": "<i8", "y": "<i8", "t": "<i8", "p": "<i8", **(types or {})}
    made = dict(others or {})
    for place, (field, name) in enumerate(zip("xytp", names, strict=True)):
        values = [event[place] for event in events]
        code = CODES[types[field]]
        data = struct.pack(f"<{len(values)}{code}", *values)
        made[name] = npy_file(f"'{types[field]}'", f"({len(values)},)", data)
    return archive(made, compressed, level)


def archive(members, compressed=True, level=6):
    """A zip archive of .npy files."""
    memory = io.BytesIO()
    how = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(memory, "w", how, compresslevel=level) as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)
    return memory.getvalue()


def text(events, order="xytp", separator=",", header=True, end="\n", seconds=False, before=""):
    """A row for each event; the header names the columns by their letters unless it is a text of its own."""
    names = separator.join(order) if header is True else header
    rows = [before.rstrip("\n")] if before else []
    rows += [names] if names else []
    for x, y, t, p in events:
        row = {"x": x, "y": y, "t": f"{t / 1e6:.6f}" if seconds else t, "p": p}
        rows.append(separator.join(str(row.get(field, 7)) for field in order))
    return (end.join(rows) + end).encode()


def hdf5_rows(events, name="events", order="xytp", kind="f8", **options):
    """One dataset of four columns without names."""
    import h5py
    import numpy as np

    memory = io.BytesIO()
    rows = np.array([[dict(zip("xytp", event, strict=True))[field] for field in order] for event in events], dtype=kind)
    with h5py.File(memory, "w") as file:
        file.create_dataset(name, data=rows.reshape(len(events), 4), **options)
    return memory.getvalue()
