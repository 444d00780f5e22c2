"""What is said of damaged event files: the file, the fact, the byte and the cure."""

import re
import struct
import sys

import pytest

from tests.support import event_writers as writers
from workbench.events import formats
from workbench.events.formats import DamagedFile

EVENTS = [(1, 2, 30, 1), (4, 5, 60, 0), (7, 8, 90, 1)]
WRITERS = {
    ".bin": writers.nmnist, "2.aedat": writers.aedat2, "3.aedat": writers.aedat3, ".aedat4": writers.aedat4,
    ".dat": writers.dat, "2.raw": writers.evt2, "3.raw": writers.evt3, ".npy": writers.npy, ".hdf5": writers.hdf5,
}  # fmt: skip
OF_BYTES = [name for name in WRITERS if name not in (".npy", ".hdf5")]


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
    with pytest.raises(FileNotFoundError, match=r"no file /.*nowhere.bin; give the path of a file of events: AEDAT"):
        formats.read(tmp_path / "nowhere.bin")
    with pytest.raises(ValueError, match=r"is a folder; give a file of events: AEDAT 2.0 \(\.aedat\), AEDAT 3.1"):
        formats.sensor(tmp_path)
    with pytest.raises(ValueError, match=r"one.mp4 begins with b'ftyp', which no known format does; give one of AEDAT"):
        formats.find_format(write(".mp4", b"ftyp"))
    with pytest.raises(DamagedFile, match=r"not with #!AER-DAT2.0 \(AEDAT 2.0\) or #!AER-DAT3.1 \(AEDAT 3.1\); get"):
        formats.find_format(write(".aedat", b"#!AER-DAT1.0\r\n"))
    with pytest.raises(DamagedFile, match=r"not with % evt 2.0 \(EVT 2.0\) or % evt 3.0 \(EVT 3.0\); get"):
        formats.find_format(write(".raw", b"% evt 2.1\n" + bytes(80)))


def test_first_bytes_go_before_the_suffix(write):
    assert formats.find_format(write(".raw", writers.aedat4(EVENTS))).name == "AEDAT 4"
    assert formats.read(write(".aedat", writers.evt3(EVENTS)))["x"].tolist() == [1, 4, 7]
    assert formats.read(write(".raw", writers.dat(EVENTS)))["x"].tolist() == [1, 4, 7]


@pytest.mark.parametrize(
    ("package", "name", "cure"),
    [("aedat", ".aedat4", "'spiking-workbench[aedat]'"), ("h5py", ".hdf5", "h5py")],
)
def test_missing_packages_are_named(package, name, cure, write, monkeypatch):
    path = write(name, WRITERS[name](EVENTS))
    monkeypatch.setitem(sys.modules, package, None)
    words = rf"one{name} is an .* file, which the package {package} reads; pip install {re.escape(cure)}$"
    with pytest.raises(ImportError, match=words):
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
        with pytest.raises(ValueError, match=r"is of the chip .*Davis640C; give a file of a DVS128, a DAVIS240, a DA"):
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
        (14, 2**32 - 1, r"says that its header has 4,294,967,295 bytes, at byte 14"),
        (18, 2**31, r"no AEDAT 4 header, at byte 18 \(an offset leads out of it\)"),
        (18 + 24, 2**31, r"at byte 18 \(an offset leads out of it\)"),
        (18 + 28, 77, r"cannot be read at byte \d+ \(unknown compression algorithm\)"),
        (18 + 40, 2**31, r"at byte 18 \(an offset leads out of it\)"),
        (18 + 44, 2**31, r"at byte 18 \(no XML"),
        (18 + 50, 0x3C3C3C3C, r"no AEDAT 4 header, at byte 18 \(no XML"),
    ]:
        data = bytearray(whole)
        data[place : place + 4] = struct.pack("<I", number)
        with pytest.raises(DamagedFile, match=words):
            formats.read(write(".aedat4", bytes(data)))


def test_descriptions_that_would_end_the_process_are_refused(write):
    deep = "<a>" * 200_000 + "</a>" * 200_000
    refuse(write(".aedat4", writers.aedat4(EVENTS, description=f"<dv>{deep}</dv>")), "nested more than 64 deep", 18)


@pytest.mark.parametrize("entities", [1, 11])
def test_descriptions_that_define_entities_are_refused(entities, write):
    """Expat counts what entities grow to, and aedat knows none."""
    names = [f'<!ENTITY a{i} "{f"&a{i - 1};" * 10 if i else "lol"}">' for i in range(entities)]
    text = f"<!DOCTYPE dv [{''.join(names)}]><dv>&a{entities - 1};</dv>"
    with pytest.raises(DamagedFile, match=r"one\.aedat4 (cannot be read \(|has a header that is no AEDAT 4 header)"):
        formats.read(write(".aedat4", writers.aedat4(EVENTS, description=text)))


EXTREMES = [0, 1, 64, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63, 2**64 - 1]


@pytest.mark.parametrize(("name", "first", "last"), [(".aedat4", 14, 70), (".hdf5", 8, 96)])
@pytest.mark.parametrize("width", [1, 4, 8])
def test_numbers_overwritten_anywhere_in_a_header_are_refused_or_change_nothing(name, first, last, width, write):
    whole, same = WRITERS[name](EVENTS), [(x, y, t, p == 1) for x, y, t, p in EVENTS]
    refused = 0
    for place in range(first, last):
        for number in EXTREMES:
            data = bytearray(whole)
            data[place : place + width] = (number % 256**width).to_bytes(width, "little")
            try:
                assert formats.read(write(name, bytes(data))).tolist() == same
            except DamagedFile:
                refused += 1
    assert refused > (last - first)


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


@pytest.mark.parametrize("compression", writers.FRAMES)
def test_compressed_packets_without_content_are_refused(compression, write):
    start = len(writers.aedat4_compressed([], compression))
    for content in (b"", bytes(8), bytes(80)):
        frame = writers.FRAMES[compression](content)
        data = writers.aedat4_compressed([], compression) + struct.pack("<II", 0, len(frame)) + frame
        refuse(write(".aedat4", data), rf"cannot be read at byte {start} \(", start)


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
