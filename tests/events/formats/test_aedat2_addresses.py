"""AEDAT 2.0 word by word, as jAER, libcaer and v2e have it; and which chip a file is of that names none."""

import struct

import numpy as np
import pytest

import workbench as wb
from tests.support import event_writers as writers
from tests.support.event_fuzzer import recording
from workbench.events import formats
from workbench.events.formats import DamagedFile

BARE = "#!AER-DAT2.0\r\n# made by an emulator\r\n# Timestamps tick is 1 us\r\n"


def some(seed, width, height, count=200, left=0, top=0):
    """Random events in a part of a sensor, in order of time."""
    shifted = recording(np.random.default_rng(seed), width, height, 500, count)
    return [(x + left, y + top, t, p) for x, y, t, p in shifted]


def listed(events):
    return [(x, y, t, bool(p)) for x, y, t, p in events]


def put(path, events, write=writers.v2e, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(write(events, **options))
    return path


# a DVS128, as its makers read it


def test_every_word_of_a_dvs128_is_where_jaer_has_it(tmp_path):
    words = np.arange(2**15)
    pairs = np.stack([words, np.arange(2**15)], 1).astype(">u4")
    path = tmp_path / "one.aedat"
    path.write_bytes(writers.AEDAT2_HEADER.encode() + pairs.tobytes())
    read = formats.read(path)
    np.testing.assert_array_equal(read["x"], 127 - (words >> 1 & 127))
    np.testing.assert_array_equal(read["y"], 127 - (words >> 8 & 127))
    np.testing.assert_array_equal(read["p"], 1 - (words & 1))


def test_a_raw_bit_of_zero_is_on_and_the_first_pixel_is_at_the_bottom_right(tmp_path):
    path = tmp_path / "one.aedat"
    path.write_bytes(writers.AEDAT2_HEADER.encode() + struct.pack(">IIII", 0x0000, 5, 0x7FFF, 6))
    assert formats.read(path).tolist() == [(127, 127, 5, True), (0, 0, 6, False)]


@pytest.mark.parametrize(
    ("line", "size"),
    [("AEChip: ch.unizh.ini.jaer.chip.retina.DVS128", (128, 128)), ("HardwareInterface: DVS128", (128, 128)),
     ("AEChip: ch.unizh.ini.jaer.chip.retina.Tmpdiff128", (128, 128)),
     ("AEChip: eu.seebetter.ini.chips.davis.Davis346B", (260, 346)),
     ("AEChip: eu.seebetter.ini.chips.davis.DAVIS240C", (180, 240)),
     ("AEChip: ch.unizh.ini.jaer.chip.retina.DVS640", (480, 640))],
)  # fmt: skip
def test_the_header_goes_before_everything(line, size, tmp_path):
    shifts = {(128, 128): (1, 8, 0)} | writers.V2E_SHIFTS
    right, up, polarity = shifts[size]
    events = some(3, size[1], size[0])
    on = 0 if size == (128, 128) else 1
    data = f"#!AER-DAT2.0\r\n# {line}\r\n".encode()
    for x, y, t, p in events:
        word = (size[1] - 1 - x) << right | (size[0] - 1 - y) << up | (p == on) << polarity
        data += struct.pack(">II", word, t)
    path = tmp_path / "one.aedat"
    path.write_bytes(data)
    assert formats.sensor(path) == size
    assert formats.read(path).tolist() == listed(events)
    assert formats.read(path, (480, 640)).tolist() == listed(events)  # only the bounds are wider


def test_another_chip_of_a_like_name_is_refused(tmp_path):
    path = tmp_path / "one.aedat"
    path.write_bytes(b"#!AER-DAT2.0\r\n# AEChip: com.sec.dvs.SecDvs640Gen2\r\n" + struct.pack(">II", 5, 5))
    with pytest.raises(ValueError, match=r"is of the chip .*SecDvs640Gen2; give a file of a DVS128, a DAVIS240, a DAV"):
        formats.read(path)


# v2e, which names no chip


@pytest.mark.parametrize("header", [writers.V2E_HEADER, BARE])
@pytest.mark.parametrize("size", writers.V2E_SHIFTS)
def test_a_told_sensor_says_how_words_are_laid_out(size, header, tmp_path):
    for seed in range(10):
        events = some(seed, size[1], size[0], count=1 + 5 * seed)
        path = put(tmp_path / "one.aedat", events, sensor=size, header=header)
        assert formats.read(path, size).tolist() == listed(events)


@pytest.mark.parametrize("header", [writers.V2E_HEADER, BARE])
@pytest.mark.parametrize("size", [(260, 346), (480, 640)])
def test_addresses_say_it_where_they_can(size, header, tmp_path):
    for seed in range(10):
        events = some(seed, size[1], size[0])
        path = put(tmp_path / "one.aedat", events, sensor=size, header=header)
        assert formats.sensor(path) == size
        assert formats.read(path).tolist() == listed(events)


def test_addresses_of_a_dvs128_say_it_too(tmp_path):
    for seed in range(10):
        events = some(seed, 128, 128)
        path = tmp_path / "one.aedat"
        path.write_bytes(BARE.encode() + writers.aedat2(events)[len(writers.AEDAT2_HEADER) :])
        assert formats.sensor(path) == (128, 128)
        assert formats.read(path).tolist() == listed(events)


def test_where_nothing_tells_files_are_refused_with_the_sizes_that_may_be(tmp_path):
    corner = put(tmp_path / "a.aedat", some(1, 8, 8, 30, left=300, top=465), sensor=(480, 640), header=BARE)
    middle = put(tmp_path / "b.aedat", some(1, 40, 40, 30, left=200, top=200), sensor=(260, 346))
    for path, chips, cure in (
        (corner, "a DVS128 or a DVS640", r"say which, by sensor=\(128, 128\) or sensor=\(480, 640\)"),
        (middle, "a DAVIS240 or a DAVIS346", r"say which, by sensor=\(180, 240\) or sensor=\(260, 346\)"),
    ):
        assert formats.sensor(path) is None
        words = f"names no chip in its header, and its addresses may be those of {chips}; {cure}"
        with pytest.raises(DamagedFile, match=words):
            formats.read(path)
        with pytest.raises(DamagedFile, match=words):  # no size of a chip says anything of words
            formats.read(path, (1000, 1000))


def test_the_name_of_v2e_rules_a_dvs128_out(tmp_path):
    events = some(1, 8, 8, 30, left=300, top=465)
    path = put(tmp_path / "one.aedat", events, sensor=(480, 640))
    assert formats.read(path).tolist() == listed(events)


@pytest.mark.parametrize("header", [writers.V2E_HEADER, BARE])
def test_no_wrong_place_is_accepted_whatever_part_of_a_sensor_fires(header, tmp_path):
    """Whatever is read is what was written; all else is refused."""
    rng = np.random.default_rng(0)
    read, refused = 0, list[str]()
    for number in range(300):
        size = [*writers.V2E_SHIFTS][number % 3]
        height, width = (int(rng.integers(1, side + 1)) for side in size)
        events = some(number, width, height, int(rng.integers(1, 80)), size[1] - width, size[0] - height)
        path = put(tmp_path / "one.aedat", events, sensor=size, header=header)
        try:
            found = formats.read(path).tolist()
        except DamagedFile as error:
            refused.append(str(error))
        else:
            assert found == listed(events)
            read += 1
    assert min(read, len(refused)) > 50
    assert all("sensor=" in words for words in refused)


def test_words_of_no_chip_are_named_by_their_byte(tmp_path):
    path = tmp_path / "one.aedat"
    path.write_bytes(BARE.encode() + struct.pack(">IIII", 5, 5, 0x7FFFFFFF & ~(1 << 10), 6))
    at = len(BARE) + 8
    for read in (formats.read, formats.sensor):
        with pytest.raises(DamagedFile, match=rf"has address 0x7ffffbff at byte {at}, as no word of .* is; let the h"):
            read(path)
    with pytest.raises(DamagedFile, match=rf"0x7ffffbff at byte {at}, beyond the 21 bits of a DVS640; let the head"):
        formats.read(path, (480, 640))
    with pytest.raises(DamagedFile, match=rf"0x5 at byte {at - 8}, as no word is of a DAVIS346; let the header name"):
        formats.read(path, (260, 346))
    path.write_bytes(BARE.encode())
    with pytest.raises(DamagedFile, match="holds no events"):
        formats.read(path)


# in folders


def test_folders_of_v2e_files_are_loaded_by_sensor_or_by_their_addresses(tmp_path):
    written = []
    for kind in ("left", "right"):
        for i in range(4):
            events = some([len(kind), i], 346, 260)
            put(tmp_path / kind / f"{i}.aedat", events)
            written.append((kind, [(x, y, t - events[0][2], bool(p)) for x, y, t, p in events]))
    for options in ({"sensor": (260, 346)}, {}):
        dataset = wb.load(tmp_path, **options)
        assert dataset.shape == (2, 260, 346)
        read = [
            (dataset.classes[label], one.tolist())
            for part in (dataset.train, dataset.test)
            for one, label in zip(part, part.labels, strict=True)
        ]
        assert sorted(read) == sorted(written)
    with pytest.raises(DamagedFile, match=r"as no word is of a DVS640|beyond the 21 bits of a DVS640"):
        wb.load(tmp_path, sensor=(480, 640))


def test_chips_of_several_sizes_in_one_folder_keep_their_own_layout(tmp_path):
    """The sensor that holds them all says nothing of how the words of one of them are laid out."""
    for kind in ("left", "right"):
        for i, size in enumerate([(260, 346), (480, 640), (260, 346)]):
            put(tmp_path / kind / f"{i}.aedat", some([len(kind), i], size[1], size[0]), sensor=size)
    dataset = wb.load(tmp_path)
    assert dataset.shape == (2, 480, 640)
    most = [max(one["y"].max() for one in part) for part in (dataset.train, dataset.test)]
    assert max(most) >= 260
    assert len(dataset) == 6
