"""What is said of damaged event files: the file, the fact, the byte and the cure."""

import struct
import sys

import pytest

from tests import event_writers as writers
from workbench.events import formats
from workbench.events.formats import DamagedFile

EVENTS = [(1, 2, 30, 1), (4, 5, 60, 0), (7, 8, 90, 1)]
WRITERS = {
    ".bin": writers.nmnist, "2.aedat": writers.aedat2, "3.aedat": writers.aedat3, ".aedat4": writers.aedat4,
    ".dat": writers.dat, "2.raw": writers.evt2, "3.raw": writers.evt3, ".npy": writers.npy, ".hdf5": writers.hdf5,
}  # fmt: skip
OF_BYTES = [name for name in WRITERS if name not in (".npy", ".hdf5")]


@pytest.fixture
def write(tmp_path):
    def write(name, data):
        path = tmp_path / f"one{name}"
        path.write_bytes(data)
        return path

    return write


def refuse(path, words, offset=None, sensor=None):
    """Reading raises DamagedFile of these words and this byte; its cure follows."""
    with pytest.raises(DamagedFile, match=words) as caught:
        formats.read(path, sensor)
    assert str(path) in str(caught.value)
    assert caught.value.path == path
    assert caught.value.offset == offset
    return caught.value


# what every format refuses


@pytest.mark.parametrize("name", WRITERS)
def test_empty_files_are_refused(name, write):
    refuse(write(name, b""), r"is empty, at byte 0 \(0 bytes\); get the file again, or take it out", 0)


@pytest.mark.parametrize("name", [name for name in WRITERS if name != ".bin"])
def test_files_without_events_are_refused(name, write):
    refuse(write(name, WRITERS[name]([])), r"holds no events; get the file again")


@pytest.mark.parametrize("name", [name for name in WRITERS if name != ".bin"])
def test_files_that_do_not_begin_as_their_suffix_says_are_refused(name, write):
    refuse(write(name, b"\x01\x02" * 40), r"begins with b'\\x01\\x02.*' at byte 0, not with .*; get the file again", 0)


@pytest.mark.parametrize("name", WRITERS)
def test_steps_back_in_time_are_refused_within_blocks_and_between_them(name, write):
    path = write(name, WRITERS[name]([*EVENTS, (9, 9, 80, 0), (9, 9, 95, 1)]))
    unit = "event 3" if name in (".npy", ".hdf5") else r"byte \d+"
    words = rf"runs backwards in time at {unit}, from 90 to 80 us; get the file again"
    for size in (1, 2, 3, 4, 100):
        with pytest.raises(DamagedFile, match=words):
            list(formats.stream(path, events=size))


@pytest.mark.parametrize("name", WRITERS)
def test_places_off_the_sensor_are_refused(name, write):
    path = write(name, WRITERS[name](EVENTS))
    unit = "event 2" if name in (".npy", ".hdf5") else r"byte \d+"
    for sensor in ((8, 30), (30, 7)):
        with pytest.raises(DamagedFile, match=f"has x = 7, y = 8 at {unit}, outside {sensor[0]} x {sensor[1]}; get"):
            formats.read(path, sensor)
    assert len(formats.read(path, (9, 8))) == 3


@pytest.mark.parametrize("name", WRITERS)
def test_files_cut_anywhere_are_refused_or_shorter(name, write):
    whole = WRITERS[name](EVENTS)
    expected = formats.read(write(name, whole)).tolist()
    read = 0
    for length in range(1, len(whole)):
        try:
            found = formats.read(write(name, whole[:length])).tolist()
        except DamagedFile as error:
            read += f"one{name} " in str(error)
        else:
            assert found == expected[: len(found)]
    assert read > len(whole) / 2


@pytest.mark.parametrize("name", WRITERS)
def test_bytes_after_the_end_are_refused(name, write):
    with pytest.raises(DamagedFile, match=r"at byte \d+ "):
        formats.read(write(name, WRITERS[name](EVENTS) + b"\x07"))


@pytest.mark.parametrize("name", ["2.aedat", ".dat"])
def test_the_byte_of_a_single_event_is_told(name, write):
    data = WRITERS[name](EVENTS)
    refuse(write(name, data), "has x = 7, y = 8", len(data) - 8, (8, 8))
    refuse(write(name, data[:-3]), rf"ends within an event, at byte {len(data) - 8} \({len(data) - 3} bytes, 8 an ev",
           len(data) - 8)  # fmt: skip


# what is no file of a known format


def test_missing_files_folders_and_unknown_formats_are_named(tmp_path, write):
    with pytest.raises(FileNotFoundError, match=r"no file /.*nowhere.bin; give the path of a file of events: N-MNIST"):
        formats.read(tmp_path / "nowhere.bin")
    with pytest.raises(ValueError, match=r"is a folder; give a file of events: N-MNIST \(\.bin\), AEDAT 2.0"):
        formats.sensor(tmp_path)
    with pytest.raises(ValueError, match=r"one.mp4 begins with b'ftyp', which no known format does; give one of N-MN"):
        formats.find_format(write(".mp4", b"ftyp"))
    with pytest.raises(DamagedFile, match=r"not with #!AER-DAT2.0 \(AEDAT 2.0\) or #!AER-DAT3.1 \(AEDAT 3.1\); get"):
        formats.find_format(write(".aedat", b"#!AER-DAT1.0\r\n"))
    with pytest.raises(DamagedFile, match=r"not with % evt 2.0 \(EVT 2.0\) or % evt 3.0 \(EVT 3.0\); get"):
        formats.find_format(write(".raw", b"% evt 2.1\n" + bytes(80)))


def test_first_bytes_go_before_the_suffix(write):
    assert formats.find_format(write(".raw", writers.aedat4(EVENTS))).name == "AEDAT 4"
    assert formats.read(write(".aedat", writers.evt3(EVENTS)))["x"].tolist() == [1, 4, 7]
    with pytest.raises(ValueError, match=r"one.raw is a DAT file by its header; give it a name that ends in .dat"):
        formats.read(write(".raw", writers.dat(EVENTS)))


@pytest.mark.parametrize(("package", "name"), [("aedat", ".aedat4"), ("h5py", ".hdf5")])
def test_missing_packages_are_named(package, name, write, monkeypatch):
    path = write(name, WRITERS[name](EVENTS))
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"one{name} is an .* file, .* {package} reads; pip install {package}"):
        formats.read(path)


# single formats


def test_nmnist_tells_the_bytes_of_events_not_of_overflow_marks(write):
    path = write(".bin", writers.nmnist([(1, 1, 5, 0), (0, 240, 6, 0), (34, 1, 7, 0)]))
    refuse(path, "has x = 34, y = 1 at byte 10, outside 34 x 34; get", 10, (34, 34))
    refuse(write(".bin", bytes(248)), r"ends within an event, at byte 245 \(248 bytes, 5 an event\); get", 245)
    refuse(write(".bin", b"\0\xf0\0\0\0" * 3), "holds no events")


def test_addresses_that_no_dvs128_has_are_refused(write):
    data = writers.AEDAT2_HEADER.encode() + struct.pack(">II", 1 << 16, 5)
    path = write(".aedat", data)
    refuse(path, rf"has address 0x10000 at byte {len(data) - 8}, beyond the 16 bits of a DVS128; let the header name",
           len(data) - 8)  # fmt: skip


def test_chips_that_are_not_known_are_named(write):
    path = write(".aedat", writers.aedat2(EVENTS, "640"))
    for read in (formats.read, formats.sensor):
        with pytest.raises(ValueError, match=r"is of the chip .*Davis640C; give a file of a DVS128, a DAVIS240 or a"):
            read(path)
    data = writers.AEDAT2_HEADER + "# HardwareInterface: DAVIS FX3 0002-INI\r\n# AEChip: eu.seebetter.DAVIS240C\r\n"
    assert formats.sensor(write(".aedat", data.encode())) == (180, 240)


def packets(*heads, rest=b""):
    return writers.aedat3([]) + b"".join(struct.pack("<hhiiiiii", *head) for head in heads) + rest


@pytest.mark.parametrize(
    "head",
    [(1, 0, 4, 4, 0, 1, 1, 1), (1, 0, 8, 0, 0, 1, 1, 1), (1, 0, 8, 4, -1, 1, 1, 1), (1, 0, 8, 4, 0, 0, 1, 1),
     (1, 0, 8, 4, 0, 1, -1, 0), (1, 0, 8, 4, 0, 1, 1, 2), (-1, 0, 8, 4, 0, 1, 1, 1), (2, 0, -8, 4, 0, 1, 1, 1)],
)  # fmt: skip
def test_packets_that_contradict_themselves_are_refused(head, write):
    start = len(writers.aedat3([]))
    path = write(".aedat", packets(head, rest=bytes(8)))
    refuse(path, rf"has a packet of type -?\d at byte {start} that contradicts itself \(", start)


def test_packets_that_promise_more_than_there_is_are_refused(write):
    start = len(writers.aedat3([]))
    path = write(".aedat", packets((1, 0, 8, 4, 0, 2**31 - 1, 2**31 - 1, 1), rest=bytes(8)))
    refuse(path, rf"ends within a packet, at byte {start} \(2147483647 events of 8 bytes, but 8 bytes\); get", start)
    refuse(write(".aedat", packets() + bytes(9)), rf"ends within a packet's head, at byte {start} \(", start)


def test_room_in_packets_is_not_taken_for_events(write):
    data = writers.aedat3([]) + writers.packet3(EVENTS[:2], capacity=50) + writers.packet3(EVENTS[2:], capacity=50)
    assert formats.read(write(".aedat", data))["t"].tolist() == [30, 60, 90]


def test_headers_of_aedat4_that_lead_out_of_themselves_are_refused(write):
    whole = writers.aedat4(EVENTS)
    for place, number, words in [
        (14, 2**32 - 1, r"ends within its header, at byte 14 \(\d+ bytes, 4294967295 of header\)"),
        (18, 2**31, r"at byte 18 \(an offset that leads out of it\)"),
        (18 + 4, 0, r"at byte 18 \(no mark IOHE\)"),
        (18 + 24, 2**31, r"at byte 18 \(an offset that leads out of it\)"),
        (18 + 28, 77, r"names an unknown compression, 77, in its header at byte 18"),
        (18 + 40, 2**31, r"at byte 18 \(an offset that leads out of it\)"),
        (18 + 44, 2**31, r"at byte 18 \(a description beyond its end\)"),
        (18 + 50, 0x3C3C3C3C, r"has a header whose description is no XML, at byte 18"),
    ]:
        data = bytearray(whole)
        data[place : place + 4] = struct.pack("<I", number)
        with pytest.raises(DamagedFile, match=words):
            formats.read(write(".aedat4", bytes(data)))


def test_descriptions_that_would_end_the_process_are_refused(write):
    deep = "<a>" * 200_000 + "</a>" * 200_000
    refuse(write(".aedat4", writers.aedat4(EVENTS, description=f"<dv>{deep}</dv>")), "nested or defined XML", 18)
    entity = '<!DOCTYPE dv [<!ENTITY a "b">]><dv>&a;</dv>'
    refuse(write(".aedat4", writers.aedat4(EVENTS, description=entity)), "nested or defined XML", 18)


def test_packets_of_aedat4_are_refused_by_their_byte(write):
    whole = writers.aedat4(EVENTS)
    start = len(writers.aedat4([]))
    for data, words in [
        (whole + struct.pack("<II", 0, 2**32 - 1), rf"ends within a packet, at byte {len(whole)} \("),
        (whole + b"12", rf"ends within a packet, at byte {len(whole)} \("),
        (whole + struct.pack("<II", 0, 0), rf"has a packet of 0 bytes at byte {len(whole)}, too few for any content"),
        (whole + writers.packet4(EVENTS, 5), rf"cannot be read at byte {len(whole)} \(unknown stream id\)"),
        (whole[:start] + writers.packet4(EVENTS, 0, b"IMUS"), rf"cannot be read at byte {start} \(the stream id and"),
        (writers.aedat4(EVENTS, table=True)[:-50], r"ends before its packets do, at byte \d+ \(\d+ by its header"),
        (writers.aedat4(EVENTS, streams=[("0", "TRIG")]), "names no stream of events in its header"),
        (writers.aedat4(EVENTS, streams=[("0", "WHAT")]), r"cannot be read \(unsupported stream type\)"),
        (writers.aedat4([(-1, 5, 3, 1)]), rf"has x = -1, y = 5 at byte {start}, outside 260 x 346"),
        (writers.aedat4([(1, 5, -3, 1)]), rf"runs backwards in time at byte {start}, from 0 to -3 us"),
    ]:
        with pytest.raises(DamagedFile, match=words):
            formats.read(write(".aedat4", data))


def test_headers_of_dat_are_held_against_the_format(write):
    refuse(
        write(".dat", writers.dat(EVENTS, "% Version 1\n")), "says version 1 in its header, at byte 0; convert it", 0
    )
    known = writers.dat(EVENTS, "% Version 2\n", b"\x07\x08")
    refuse(write(".dat", known), r"begins with b'% Version 2.*' at byte 0, not with % lines, then 00 08 \(DAT\)", 0)
    high = writers.dat([(1, 2, 3, 1), (1, 2, 3, 5)])
    refuse(write(".dat", high), f"has polarity 5 at byte {len(high) - 8}, not 0 or 1", len(high) - 8)
    for cut in (b"% Version 2", b"% Version 2\n", b"% Version 2\n\0"):
        refuse(write(".dat", cut), "at byte 0, not with % lines, then 00 08", 0)


def test_words_of_reserved_types_are_refused(write):
    for name, header, form, good, bad in [
        ("2.raw", b"% evt 2.0\n", "<I", 0x80000000, 0x20000000),
        ("3.raw", b"% evt 3.0\n", "<H", 0x8000, 0x1000),
    ]:
        data = header + struct.pack(form, good) + struct.pack(form, bad)
        place = len(data) - struct.calcsize(form)
        refuse(write(name, data), f"has a word of the reserved type 0x[12] at byte {place}; get", place)
        refuse(write(name, data + b"\0"), rf"ends within a word, at byte {len(data)} \({len(data) + 1} bytes, \d",
               len(data))  # fmt: skip


def test_big_endian_words_are_refused(write):
    path = write(".raw", writers.evt2(EVENTS, "% evt 2.0\n% format EVT2;endianness=big\n"))
    refuse(path, "says big endian in its header, at byte 0; convert it", 0)


def test_vectors_that_leave_the_largest_sensor_are_refused(write):
    data = b"% evt 3.0\n" + struct.pack("<5H", 0x8000, 0x6000, 1, 0x3000 | 2040, 0x4FFF)
    refuse(write(".raw", data), r"has x = 2048, y = 1 at byte 18, outside 2048 x 2048", 18)


def test_values_of_arrays_are_whole_finite_and_not_too_large(write):
    for types, event, words in [
        ({"x": "<f8"}, (1.5, 2, 9, 1), r"has x = 1.5 at event 1, not a whole number; get"),
        ({"t": "<f4"}, (1, 2, float("nan"), 1), r"has t = nan at event 1, not a finite number; get"),
        ({"t": "<f8"}, (1, 2, float("inf"), 1), r"has t = inf at event 1, not a finite number; get"),
        ({"t": "<f8"}, (1, 2, 1e300, 1), r"has t = 1e\+300 at event 1, beyond 64 bits; get"),
        ({"t": "<u8"}, (1, 2, 2**63, 1), r"has t = 9223372036854775808 at event 1, beyond 64 bits; get"),
        ({"x": "<i8"}, (-1, 2, 9, 1), r"has x = -1, y = 2 at event 1, outside 32768 x 32768; get"),
        ({"x": "<i8"}, (2**40, 2, 9, 1), r"has x = 1099511627776, y = 2 at event 1, outside 32768 x 32768; get"),
        ({"p": "<i8"}, (1, 2, 9, 3), r"has p = 3 at event 1, not 0 or 1 \(or -1 and 1\); get"),
        ({"t": "<i8"}, (1, 2, -9, 1), r"runs backwards in time at event 1, from 5 to -9 us; get"),
    ]:
        refuse(write(".npy", writers.npy([(1, 2, 5, 1), event], types)), words)
        options = {field: code[1:] for field, code in types.items()}
        refuse(write(".hdf5", writers.hdf5([(1, 2, 5, 1), event], **options)), words)


def test_arrays_of_other_layouts_are_refused(write):
    for data, words in [
        (writers.npy_file("'<i8'", "(3,)", bytes(24)), r"holds int64 of shape \(3,\); give a structured array"),
        (writers.npy_file("[('x', '<i8'), ('t', '<i8')]", "(1,)", bytes(16)), r"give a structured array of one row"),
        (
            writers.npy_file("[('x', '<i8'), ('y', '<i8'), ('t', 'S8'), ('p', '<i8')]", "(1,)", bytes(32)),
            r"has t of \|S8",
        ),
        (
            writers.npy_file("[('x', '<i8'), ('y', '<i8'), ('t', '<c8'), ('p', '<i8')]", "(1,)", bytes(32)),
            "has t of com",
        ),
    ]:
        with pytest.raises(ValueError, match=words):
            formats.read(write(".npy", data))


def test_objects_and_sizes_that_lie_are_refused_by_numpy(write):
    refuse(
        write(".npy", writers.npy_file("'|O'", "(3,)", b"cos\nsystem\n")), "cannot be read as an array, at byte 0", 0
    )
    refuse(write(".npy", writers.npy(EVENTS).replace(b"(3,)", b"(9**9,)")), "cannot be read as an array, at byte 0", 0)
    huge = writers.npy(EVENTS).replace(b"(3,), }    ", b"(99999999,)}")
    refuse(write(".npy", huge), r"cannot be read as an array, at byte 0 \(mmap length is greater", 0)
    data = writers.npy(EVENTS)
    refuse(
        write(".npy", data + b"1"), rf"goes on after its array, at byte {len(data)} \({len(data) + 1} bytes", len(data)
    )


def hdf5(tmp_path, fill):
    import h5py

    path = tmp_path / "one.h5"
    with h5py.File(path, "w") as file:
        fill(file)
    return path


def test_columns_of_hdf5_are_as_long_as_each_other(tmp_path):
    def fill(file):
        for field, count in zip("xytp", (3, 3, 2, 3), strict=True):
            file[f"events/{field}"] = [0] * count

    refuse(hdf5(tmp_path, fill), r"has columns of different lengths \(3 of x, 3 of y, 2 of t, 3 of p\); get")


def test_a_refused_file_is_closed(write):
    path = write(".h5", writers.hdf5([(1, 2, 5, 1), (-1, 2, 5, 1)], x="i8"))
    with pytest.raises(DamagedFile) as kept:
        formats.read(path)
    path.write_bytes(writers.hdf5([(1, 2, 5, 1), (-3, 2, 5, 1)], x="i8"))
    refuse(path, "has x = -3")
    assert "has x = -1" in str(kept.value)


def test_dsec_adds_its_offset_to_every_time(write):
    path = write(".h5", writers.hdf5(EVENTS, offset=5_000_000_000, t="u4"))
    assert formats.read(path)["t"].tolist() == [5_000_000_030, 5_000_000_060, 5_000_000_090]
    with pytest.raises(DamagedFile, match=r"has t = 30 \+ 9223372036854775807 at event 0, beyond 64 bits"):
        formats.read(write(".h5", writers.hdf5(EVENTS, offset=2**63 - 1)))
    with pytest.raises(DamagedFile, match=r"has a t_offset of int64 and shape \(2,\), not one number"):
        formats.read(write(".h5", writers.hdf5(EVENTS, offset=[1, 2])))


def test_hdf5_without_events_or_of_other_shapes_is_refused(tmp_path):
    def square(file):
        for field in "xytp":
            file[field] = [[0, 1], [2, 3]]

    for fill, words in [
        (lambda file: None, "has no events; give datasets x, y, t"),
        (lambda file: file.update({"events": [1, 2]}), "has no events; give datasets x, y, t"),
        (square, r"has x of shape \(2, 2\); give one row"),
        (
            lambda file: [file.create_dataset(field, data=[b"a"]) for field in "xytp"],
            r"has x of object; give the fields",
        ),
    ]:
        with pytest.raises(ValueError, match=words):
            formats.read(hdf5(tmp_path, fill))


def test_hdf5_that_promises_more_than_it_stores_is_refused(tmp_path):
    def unwritten(file):
        for field in "xytp":
            file.create_dataset(field, (2**40,), "i8", chunks=(2**10,))

    def unwritten_in_part(file):
        for field in "xytp":
            file.create_dataset(field, (2**22,), "i8", chunks=(2**10,), compression="gzip")[:5000] = 1

    refuse(hdf5(tmp_path, unwritten), "has 1099511627776 events by the shape of x, but only 0 bytes of them; get")
    refuse(hdf5(tmp_path, unwritten_in_part), "has chunks of 1024 values in x, and not all that its shape needs; get")


def test_hdf5_that_keeps_its_events_elsewhere_is_refused(tmp_path):
    def elsewhere(file):
        for field in "xytp":
            file.create_dataset(field, (2,), "i8", external=[(str(tmp_path / "other.bin"), 0, 16)])

    with pytest.raises(ValueError, match="keeps x in other files; give a file with all its events"):
        formats.read(hdf5(tmp_path, elsewhere))


def test_missing_filters_of_hdf5_are_named(tmp_path):
    import h5py
    import numpy as np

    def compressed(file):
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((4,))
        plan.set_filter(0x8ECF, h5py.h5z.FLAG_OPTIONAL)
        kind = np.dtype([("x", "u2"), ("y", "u2"), ("p", "i2"), ("t", "i8")])
        group = file.create_group("CD")
        space = h5py.h5s.create_simple((4,))
        made = h5py.h5d.create(group.id, b"events", h5py.h5t.py_create(kind), space, plan)
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.zeros(4, kind))

    with pytest.raises(ValueError, match="compressed by the HDF5 filter 36559; install Prophesee's hdf5_ecf"):
        formats.read(hdf5(tmp_path, compressed))


def test_superblocks_that_contradict_the_file_are_refused(write):
    whole = writers.hdf5(EVENTS)
    refuse(write(".h5", whole[:50]), r"has no whole superblock of HDF5 at byte 0 \(50 bytes\)", 0)
    refuse(
        write(".h5", whole[:-1]),
        rf"ends before its data do, at byte {len(whole) - 1} \({len(whole)} by",
        len(whole) - 1,
    )
    refuse(
        write(".h5", whole + b"1"), rf"goes on after its data, at byte {len(whole)} \({len(whole) + 1} b", len(whole)
    )
    for place, number, words in [
        (8, 9, "has a superblock that is none of HDF5's at byte 8"),
        (24, 5, "says that it begins at 5 in its superblock, at byte 24"),
        (48, 96, "names a driver's block in its superblock, at byte 48"),
    ]:
        data = bytearray(whole)
        data[place] = number
        with pytest.raises(DamagedFile, match=words):
            formats.read(write(".h5", bytes(data)))
