"""Tables of events: columns named in any way or told, times of any unit, in every file that holds tables."""

import io
import itertools
import zipfile

import numpy as np
import pytest

import workbench as wb
from tests.support import event_writers as writers
from tests.support.event_fuzzer import recording
from workbench.events import formats
from workbench.events.event_arrays import EVENTS
from workbench.events.formats import DamagedFile, time_units


def some(seed, count=60, step_us=900):
    return recording(np.random.default_rng(seed), 346, 260, step_us, count)


def listed(events):
    return [(x, y, t, bool(p)) for x, y, t, p in events]


def rows(events, order="xytp", kind=np.int64):
    return np.array([[dict(zip("xytp", event, strict=True))[field] for field in order] for event in events], kind)


def npz(path, **arrays):
    np.savez_compressed(path, **arrays)
    return path


# names


@pytest.mark.parametrize("order", [*itertools.permutations("xytp")][::5], ids="".join)
def test_named_columns_may_stand_in_any_order(order, write):
    for seed in range(3):
        events = some(seed)
        for name, separator in ((".csv", ","), (".txt", " "), (".tsv", "\t"), (".csv", ";"), (".csv", ", ")):
            path = write(name, writers.text(events, order, separator))
            assert formats.read(path).tolist() == listed(events)


NAMES = [
    ("x", "y", "t", "p"), ("X", "Y", "T", "P"), ("xs", "ys", "ts", "ps"), ("col", "row", "timestamp", "polarity"),
    ("x", "y", "Time", "pol"), ("x", "y", "timestamps", "polarities"), ("column", "row", "times", "pols"),
]  # fmt: skip


@pytest.mark.parametrize("names", NAMES, ids=" ".join)
def test_columns_are_known_by_their_usual_names(names, write, tmp_path):
    events = some(1)
    table = rows(events)
    columns = dict(zip(names, table.T, strict=True))
    structured = np.zeros(len(events), [(name, "i8") for name in names])
    for name in names:
        structured[name] = columns[name]
    np.save(tmp_path / "a.npy", structured)
    paths = [
        write(".csv", writers.text(events, header=",".join(names))),
        write(".h5", writers.hdf5(events, names=names)),
        npz(tmp_path / "a.npz", **columns),
        tmp_path / "a.npy",
    ]
    for path in paths:
        assert formats.read(path).tolist() == listed(events)


def test_other_columns_are_passed_over(write, tmp_path):
    events = some(2)
    path = write(".csv", writers.text(events, "axbytcp", header="id,x,kind,y,t,extra,p"))
    assert formats.read(path).tolist() == listed(events)
    text = path.read_text().replace(",7,", ",cat,")
    path.write_text(text)
    assert formats.read(path).tolist() == listed(events)
    columns = dict(zip("xytp", rows(events).T, strict=True))
    assert formats.read(npz(tmp_path / "a.npz", label=np.array(3), **columns)).tolist() == listed(events)


def test_two_names_of_one_column_are_refused_but_the_plain_one_goes_first(write):
    path = write(".csv", b"x,y,timestamp,ts,p\n1,2,3,4,1\n")
    with pytest.raises(ValueError, match=r"names t twice, as 'timestamp' and 'ts'; leave one of them out"):
        formats.read(path)
    path.write_bytes(b"x,y,timestamp,t,p\n1,2,3,4,1\n")
    assert formats.read(path).tolist() == [(1, 2, 4, True)]


def test_comments_and_marks_of_editors_are_no_rows(write):
    events = some(3)
    body = writers.text(events)
    path = write(".csv", b"\xef\xbb\xbf" + body)
    assert formats.read(path).tolist() == listed(events)
    path = write(".txt", b"# made somewhere\n%geometry:346,260\n" + body + b"\n \n")
    assert formats.sensor(path) == (260, 346)
    assert formats.read(path).tolist() == listed(events)
    np.savetxt(path, rows(events, "typx"), fmt="%d", header="t y p x")
    assert formats.read(path).tolist() == listed(events)
    assert formats.sensor(write(".csv", body)) is None


# told columns


def test_columns_are_told_where_they_have_no_names(write, tmp_path):
    for seed, order in enumerate(itertools.permutations("xytp")):
        events, told = some(seed), " ".join(order)
        table = rows(events, order)
        np.save(tmp_path / "c.npy", table)
        np.save(tmp_path / "f.npy", np.asfortranarray(table))
        paths = [
            write(".txt", writers.text(events, order, " ", header=False)),
            write(".csv", writers.text(events, order, ",", header=False)),
            write(".h5", writers.hdf5_rows(events, order="".join(order), compression="gzip", chunks=(7, 4))),
            tmp_path / "c.npy",
            tmp_path / "f.npy",
            npz(tmp_path / "c.npz", events=table),
            npz(tmp_path / "f.npz", events=np.asfortranarray(table)),
        ]
        for path in paths:
            for columns in (told, list(order), told.replace(" ", ",")):
                assert formats.read(path, columns=columns).tolist() == listed(events)
            blocks = list(formats.stream(path, events=7, columns=told))
            assert np.concatenate(blocks).tolist() == listed(events)


def test_columns_of_no_use_are_told_as_such(write, tmp_path):
    events = some(0)
    table = np.insert(rows(events), 2, 9, axis=1)
    np.save(tmp_path / "a.npy", table)
    for path in (write(".csv", writers.text(events, "xyatp", header=False)), tmp_path / "a.npy"):
        assert formats.read(path, columns="x y - t p").tolist() == listed(events)
        with pytest.raises(ValueError, match=r"columns names 4; name every"):
            formats.read(path, columns="x y t p")


@pytest.mark.parametrize("name", [".txt", ".csv", ".npy", ".npz", ".h5"])
def test_which_column_is_which_is_never_guessed(name, tmp_path):
    events = some(0)
    path = tmp_path / f"one{name}"
    if name in (".txt", ".csv"):
        path.write_bytes(writers.text(events, separator=" " if name == ".txt" else ",", header=False))
    elif name == ".npy":
        np.save(path, rows(events))
    elif name == ".npz":
        npz(path, events=rows(events))
    else:
        path.write_bytes(writers.hdf5_rows(events))
    with pytest.raises(ValueError, match=rf"one{name} h.*without names.*say which is which, as columns=\"t x y p\""):
        formats.read(path)


def test_names_that_say_nothing_are_told_and_named(write):
    events = some(0)
    path = write(".csv", writers.text(events, header="a,b,when,sign"))
    with pytest.raises(ValueError, match=r"has 4 columns called a, b, when, sign; say which is which, as columns="):
        formats.read(path)
    assert formats.read(path, columns="x y t p").tolist() == listed(events)


@pytest.mark.parametrize("columns", ["x y t", "x y t p x", ["a", "b", "c", "d"], "", "x y t t"])
def test_told_columns_are_the_four_once_each(columns, write):
    path = write(".csv", writers.text(some(0)))
    with pytest.raises(
        ValueError, match=r"columns is .*; name each of x, y, t and p once, in the order of the file, as"
    ):
        formats.read(path, columns=columns)


def test_options_of_no_use_are_refused(write, tmp_path):
    events = some(0)
    named = [
        write(".npy", writers.npy(events)), write(".h5", writers.hdf5(events)), write(".npz", writers.npz(events)),
    ]  # fmt: skip
    for path in named:
        with pytest.raises(ValueError, match="names its columns; leave out columns="):
            formats.read(path, columns="x y t p")
    path = write(".aedat4", writers.aedat4(events))
    for option, value in (("columns", "x y t p"), ("unit", "us")):
        with pytest.raises(ValueError, match=f"is a AEDAT 4 file, which has no use for {option}=; leave it out"):
            formats.read(path, **{option: value})
    with pytest.raises(ValueError, match="unit is 'minutes'; give 's', 'ms', 'us' or 'ns'"):
        formats.read(named[0], unit="minutes")


# units


def scaled(events, unit):
    """Times as floats in seconds or milliseconds, as integers in nanoseconds."""
    times = np.array([t for _, _, t, _ in events], dtype=np.int64)
    return {"s": times / 1e6, "ms": times / 1e3, "us": times, "ns": times * 1000}[unit]


def hold(tmp_path, events, times, names="xytp"):
    """The same events with these times in every kind of table."""
    table = rows(events)
    columns = {names[0]: table[:, 0], names[1]: table[:, 1], names[2]: times, names[3]: table[:, 3]}
    structured = np.zeros(len(events), [(name, column.dtype) for name, column in columns.items()])
    for name, column in columns.items():
        structured[name] = column
    np.save(tmp_path / "a.npy", structured)
    npz(tmp_path / "a.npz", **columns)
    np.savetxt(tmp_path / "a.csv", table, header="x,y,t,p")
    lines = [",".join(columns)] + [f"{x},{y},{t!r},{p}" for (x, y, _, p), t in zip(events, times.tolist(), strict=True)]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    import h5py

    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, column in columns.items():
            file[f"events/{name}"] = column
    return [tmp_path / f"a.{suffix}" for suffix in ("npy", "npz", "csv", "h5")]


@pytest.mark.parametrize("unit", time_units.UNITS)
def test_a_told_unit_is_taken_without_a_word(unit, tmp_path):
    for seed in range(4):
        events = some(seed, step_us=100_000)
        for path in hold(tmp_path, events, scaled(events, unit)):
            assert formats.read(path, unit=unit).tolist() == listed(events)
            blocks = list(formats.stream(path, events=7, unit=unit))
            assert np.concatenate(blocks).tolist() == listed(events)


@pytest.mark.parametrize("unit", time_units.UNITS)
def test_a_unit_behind_the_name_of_the_times_is_taken(unit, tmp_path):
    events = some(0, step_us=100_000)
    for name in (f"t_{unit}", f"time [{unit}]", f"timestamp({unit})"):
        for path in hold(tmp_path, events, scaled(events, unit), ("x", "y", name, "p")):
            assert formats.read(path).tolist() == listed(events)


def test_seconds_are_known_by_their_fractions(tmp_path):
    for seed in range(8):
        events = some(seed, step_us=10 ** (2 + seed % 5))
        for path in hold(tmp_path, events, scaled(events, "s")):
            assert formats.read(path).tolist() == listed(events)
            blocks = list(formats.stream(path, events=7))
            assert np.concatenate(blocks).tolist() == listed(events)


def test_seconds_and_nanoseconds_since_1970_are_known(tmp_path):
    began = 1_600_000_000_000_000
    events = [(x, y, t + began, p) for x, y, t, p in some(0)]
    for unit in ("us", "ns"):
        for path in hold(tmp_path, events, scaled(events, unit)):
            assert formats.read(path).tolist() == listed(events)
    for path in hold(tmp_path, events, scaled(events, "s")):
        np.testing.assert_allclose(formats.read(path)["t"], [t for _, _, t, _ in events], rtol=0, atol=1)


@pytest.mark.parametrize(
    ("unit", "step_us", "words"),
    [
        ("ms", 100_000, r"taken as seconds and may be milliseconds; say unit=\"s\" or unit=\"ms\""),
        (
            "ns",
            900,
            r"taken as microseconds and may be nanoseconds: all are whole thousands, over .* say unit=\"ns\" or",
        ),
    ],
)
def test_a_unit_that_is_not_sure_is_warned_of(unit, step_us, words, tmp_path):
    for seed in range(4):
        events = some(seed, step_us=step_us)
        for path in hold(tmp_path, events, scaled(events, unit)):
            with pytest.warns(UserWarning, match=words) as told:
                formats.read(path)
            assert len(told) == 1
            assert str(path) in str(told[0].message)


def test_many_events_at_no_time_may_be_in_whole_seconds(tmp_path):
    events = some(0, count=4_000)
    whole = scaled(events, "s").astype(np.int64)
    words = r"taken as microseconds and may be seconds: 4,000 events within \d us; say unit=\"s\" or unit=\"us\""
    for path in hold(tmp_path, events, whole):
        with pytest.warns(UserWarning, match=words):
            formats.read(path)
        assert set(formats.read(path, unit="s")["t"].tolist()) == {1_000_000 * t for t in whole.tolist()}


def test_a_few_fractions_among_whole_times_are_damage(tmp_path):
    events = some(0)
    times = np.array([t for _, _, t, _ in events], dtype=np.float64)
    times[7] += 0.25
    for path in hold(tmp_path, events, times):
        where = "line 9" if path.suffix == ".csv" else "event 7"
        words = rf"has t = \d+\.25 at {where}, not a whole number; get the file again, .* say the unit, as unit=\"s\""
        with pytest.raises(DamagedFile, match=words):
            formats.read(path)


def test_times_that_are_too_large_in_their_unit_are_damage(tmp_path):
    events = [(1, 2, 5, 1), (1, 2, 2**62, 1)]
    for path in hold(tmp_path, events, np.array([5, 2**62])):
        where = "line 3" if path.suffix == ".csv" else "event 1"
        with pytest.raises(DamagedFile, match=rf"has t = 4.6\d+e\+24 at {where}, beyond 64 bits; get the file"):
            formats.read(path, unit="s")


# damage


@pytest.mark.parametrize(
    "values", [[0.5, 1e308], [1e307, 1.5e308], [0.5, 3e300, np.inf], [0.25, np.nan, 0.75], [-1e308, 0.5]]
)
@pytest.mark.parametrize("kind", ["f8", "f4"])
@pytest.mark.parametrize("unit", [None, *time_units.UNITS])
def test_times_beyond_all_bounds_are_damage_and_nothing_else(values, kind, unit, tmp_path):
    events = np.zeros(len(values), [("x", "i2"), ("y", "i2"), ("t", kind), ("p", "?")])
    with np.errstate(over="ignore"):
        events["t"] = values
    np.save(tmp_path / "one.npy", events)
    with pytest.raises(DamagedFile, match=r"has t = |runs backwards"):
        formats.read(tmp_path / "one.npy", unit=unit)


def test_lines_that_are_no_rows_are_named(write):
    good = "x,y,t,p\n1,2,30,1\n4,5,60,0\n"
    for bad, words in (
        ("7,8,ninety,1\n", r"has '7,8,ninety,1' at line 4, not 4 numbers; get the file again"),
        ("7,8,90\n", r"has '7,8,90' at line 4, not 4 numbers; get"),
        ("7,8,90,1,5\n", r"has '7,8,90,1,5' at line 4, not 4 numbers; get"),
        ("\n7,8,90,1\n", r"has '' at line 4, not 4 numbers; get"),
        ("7 8 90 1\n", r"has '7 8 90 1' at line 4, not 4 numbers; get"),
        ("# later\n7,8,90,1\n", r"has '# later' at line 4, not 4 numbers; get"),
        ("7.5,8,90,1\n", r"has x = 7.5 at line 4, not a whole number; get"),
        ("7,8,nan,1\n", r"has t = nan at line 4, not a finite number; get"),
        ("7,8,90,3\n", r"has p = 3 at line 4, not 0 or 1 \(or -1 and 1\); get"),
        ("7,8,40,1\n", r"runs backwards in time at line 4, from 60 to 40 us; get"),
        ("-7,8,90,1\n", r"has x = -7, y = 8 at line 4, outside 32768 x 32768; get"),
        (f"7,8,{2**70},1\n", r"has t = .* at line 4, beyond 64 bits|has '7,8.*' at line 4"),
    ):
        for size in (1, 2, 100):
            with pytest.raises(DamagedFile, match=words):
                list(formats.stream(write(".csv", (good + bad).encode()), events=size))


def test_text_that_holds_no_events_is_refused(write):
    with pytest.raises(
        DamagedFile, match=r"begins with b'a recording of a' at byte 0, not with rows of numbers \(text"
    ):
        formats.read(write(".txt", b"a recording of a cat\nmade on a Monday\n"))
    with pytest.raises(DamagedFile, match="holds no events; get"):
        formats.read(write(".csv", b"x,y,t,p\n"))
    with pytest.raises(DamagedFile, match="not with rows of numbers"):
        formats.read(write(".csv", b"class,startTime_usec,endTime_usec\n1,2,3\n"))
    with pytest.raises(DamagedFile, match=r"names 4 columns, but has 5 at line 2"):
        formats.read(write(".csv", b"x,y,t,p\n1,2,3,1,5\n"))


def plain(shape, data, kind="'<i8'"):
    return writers.npy_file(kind, shape, data)


def test_archives_that_are_damaged_are_refused(write):
    whole = writers.npz(some(0))
    three, pickled = plain("(3,)", bytes(24)), plain("(3,)", b"cos\nsystem\n", "'|O'")
    uneven = {field: plain(f"({count},)", bytes(8 * count)) for count, field in enumerate("xytp", 2)}
    ended = rf"does not end where its archive does, at byte {len(whole)} \({len(whole) + 1} bytes\)"
    for data, words in (
        (whole[:-1], r"at byte \d+"),
        (whole + b"1", ended),
        (whole[:40] + bytes([whole[40] ^ 255]) + whole[41:], r"cannot be read as an archive \(.*\); get"),
        (writers.archive({"x": pickled} | dict.fromkeys("ytp", three)), "holds objects in x.npy, which only a pickle"),
        (writers.archive(dict.fromkeys("xytp", plain("(9999,)", bytes(24)))), r"x.npy, not the 80,120 of its shape"),
        (writers.archive(uneven), r"has columns of different lengths \(2 of x, 3 of y, 4 of t, 5 of p\)"),
        (writers.archive(dict.fromkeys("xytp", plain("(0,)", b""))), "holds no events"),
        (writers.archive(dict.fromkeys("xytp", b"no array")), r"has no array that can be read in x.npy \("),
        (
            writers.archive(dict.fromkeys("xytp", plain("(3,", b"", "((\n"))),
            r"has no array that can be read in x.npy \(",
        ),
    ):
        with pytest.raises(DamagedFile, match=words):
            formats.read(write(".npz", data))
    with pytest.raises(ValueError, match=r"holds the arrays a, b; give x, y, t \(us\) and p, or one array of them"):
        formats.read(write(".npz", writers.archive(dict.fromkeys("ab", three))))
    with pytest.raises(ValueError, match=r"has x of shape \(2, 2\); give one row"):
        formats.read(write(".npz", writers.archive(dict.fromkeys("xytp", plain("(2, 2)", bytes(32))))))


def test_flipped_bits_of_an_archive_are_found_by_its_sums(write):
    events = some(0)
    data = bytearray(writers.npz(events, compressed=False))
    data[300] ^= 4
    with pytest.raises(DamagedFile):
        formats.read(write(".npz", bytes(data)))


def test_encrypted_members_are_refused(write):
    data = bytearray(writers.npz(some(0)))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as file:
        start = file.start_dir
    data[start + 8] |= 1
    with pytest.raises(DamagedFile, match=r"has encrypted x.npy; write it without a password"):
        formats.read(write(".npz", bytes(data)))


def test_hdf5_of_other_layouts_is_refused(write, tmp_path):
    import h5py

    with pytest.raises(ValueError, match="names its columns; leave out columns="):
        formats.read(write(".h5", writers.hdf5(some(0), table="events")), columns="x y t p")
    with pytest.raises(ValueError, match=r"holds float64 of shape \(60, 4\), but columns names 5; name every column"):
        formats.read(write(".h5", writers.hdf5_rows(some(0))), columns="x y t p -")
    with h5py.File(tmp_path / "two.h5", "w") as file:
        file["left/events"], file["right/events"] = rows(some(0)), rows(some(1))
    with pytest.raises(ValueError, match="has events in several places, left/events, right/events; give a file of one"):
        formats.read(tmp_path / "two.h5", columns="x y t p")
    with h5py.File(tmp_path / "one.h5", "w") as file:
        file["anything"], file["pictures"] = rows(some(0)), np.zeros((20, 30))
    assert formats.read(tmp_path / "one.h5", columns="x y t p").tolist() == listed(some(0))
    with h5py.File(tmp_path / "deep.h5", "w") as file:
        for field, column in zip(("x", "y", "t", "p"), rows(some(0)).T, strict=True):
            file[f"prophesee/left/{field}"] = column
        file["prophesee/left/picture"] = h5py.ExternalLink("elsewhere.h5", "/picture")
    assert formats.read(tmp_path / "deep.h5").tolist() == listed(some(0))
    with h5py.File(tmp_path / "linked.h5", "w") as file:
        for field in "xytp":
            file[f"events/{field}"] = h5py.ExternalLink("one.h5", "/anything")
    with pytest.raises(ValueError, match=r"keeps \w in other files; give a file with all its events"):
        formats.read(tmp_path / "linked.h5")


# loaded


def test_folders_of_tables_are_loaded_as_told(tmp_path):
    written = []
    for kind in ("left", "right"):
        for i in range(4):
            events = [(x, y, t + 1, p) for x, y, t, p in some([len(kind), i])]
            path = tmp_path / kind / f"{i}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(writers.text(events, "txyp", " ", header=False, seconds=True))
            written.append(listed(events))
    with pytest.raises(
        ValueError, match=r"0.txt has 4 columns without names; say which is which, as columns=\"t x y p\""
    ):
        wb.load(tmp_path)
    for unit in ("s", None):
        dataset = wb.load(tmp_path, columns="t x y p", unit=unit, sensor=(260, 346), window_us=60_000)
        assert sorted(one.tolist() for part in (dataset.train, dataset.test) for one in part) == sorted(written)
    with pytest.raises(DamagedFile, match="not a whole number"):
        wb.load(tmp_path, columns="t x y p", unit="us", sensor=(260, 346), window_us=60_000)


def test_a_doubtful_unit_is_one_warning_for_a_folder(tmp_path):
    for kind in ("left", "right"):
        for i in range(3):
            (tmp_path / kind).mkdir(exist_ok=True)
            events = some(i)
            table = np.array([(x, y, 1000 * t, p) for x, y, t, p in events], EVENTS)
            np.save(tmp_path / kind / f"{i}.npy", table)
    for _ in range(2):  # read, and read from the cache
        with pytest.warns(
            UserWarning, match=r"of 6 of 6 recordings the unit of time is not sure; the first: .*0.npy ha"
        ) as w:
            wb.load(tmp_path)
        assert len(w) == 1
        assert w[0].filename == __file__
    dataset = wb.load(tmp_path, unit="ns")
    assert dataset.window_us < 60_000


def test_notes_beside_recordings_are_counted_not_read(tmp_path):
    for kind in ("left", "right"):
        for i in range(3):
            (tmp_path / kind).mkdir(exist_ok=True)
            np.save(tmp_path / kind / f"{i}.npy", np.array(some(i), EVENTS))
        (tmp_path / kind / "README.txt").write_text("Three recordings of a hand.\nMade in May.\n")
        (tmp_path / kind / "labels.csv").write_text("file,label\n0.npy,3\n")
    assert len(wb.load(tmp_path)) == 6
    assert wb.load(tmp_path).split.endswith("; 4 other files are not read")


def test_arrays_in_memory_take_columns_and_units():
    events = [some(seed) for seed in range(4)]
    seconds = [rows(one, "txyp", float) * [1e-6, 1, 1, 1] for one in events]
    for unit in ("s", None):
        dataset = wb.load({"a": seconds}, columns="t x y p", unit=unit, sensor=(260, 346), window_us=60_000)
        read = sorted(one.tolist() for part in (dataset.train, dataset.test) for one in part)
        assert read == sorted(map(listed, events))
    structured = [np.zeros(len(one), [("x", int), ("y", int), ("t", float), ("p", int)]) for one in events]
    for array, one in zip(structured, events, strict=True):
        for place, field in enumerate("xytp"):
            array[field] = [event[place] for event in one]
        array["t"] /= 1e6
    with pytest.raises(ValueError, match="recording 0 names its columns; leave out columns="):
        wb.load({"a": structured}, columns="x y t p")
    dataset = wb.load({"a": structured}, sensor=(260, 346), window_us=60_000)
    assert sorted(one.tolist() for part in (dataset.train, dataset.test) for one in part) == sorted(map(listed, events))
