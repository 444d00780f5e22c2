"""What is said of damaged .npy and HDF5 files; events are told by their number."""

import pytest

from tests.support import event_writers as writers
from workbench.events import formats
from workbench.events.formats import DamagedFile

EVENTS = [(1, 2, 30, 1), (4, 5, 60, 0), (7, 8, 90, 1)]


def refuse(path, words, offset=None):
    """Reading raises DamagedFile of these words and this byte."""
    with pytest.raises(DamagedFile, match=words) as caught:
        formats.read(path)
    assert (caught.value.path, caught.value.offset) == (path, offset)


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


def test_hdf5_files_that_are_cut_or_go_on_or_contradict_themselves_are_refused(write):
    whole = writers.hdf5(EVENTS)
    refuse(write(".h5", whole[:50]), r"cannot be read as HDF5 \(.*truncated file: eof = 50,")
    refuse(write(".h5", whole[:-1]), rf"cannot be read as HDF5 \(.*truncated file: .*stored_eof = {len(whole)}\)")
    words = rf"goes on after its data, at byte {len(whole)} \({len(whole) + 1} b"
    refuse(write(".h5", whole + b"1"), words, len(whole))
    for place, number, words in [
        (8, 9, r"cannot be read as HDF5 \(.*bad superblock version number"),
        (48, 96, "names a driver's block in its superblock, at byte 48"),
    ]:
        data = bytearray(whole)
        data[place] = number
        with pytest.raises(DamagedFile, match=words):
            formats.read(write(".h5", bytes(data)))
