"""To add a data set or a file format is to add one file."""

import numpy as np
import pytest

from tests.support import event_writers as writers
from tests.support.event_fuzzer import MAKERS
from tests.support.house_copy import copy_events, run_copy
from workbench.events import formats
from workbench.events.formats.format import register
from workbench.events.sources.named_sets import GENERATED_SETS, RECORDED_SETS, register_generated, register_recorded

SPARKS = '''
"""The set `sparks`: a pixel that fires, and one that does not."""

import numpy as np

from workbench.events.dataset import Dataset
from workbench.events.event_arrays import EVENTS
from workbench.events.recordings import Recordings
from workbench.events.sources.named_sets import register_generated


def generate(seed, progress=False):
    events = [np.array([(0, 0, seed, True)] * count, EVENTS) for count in (5, 0)]
    parts = [Recordings.from_events(events, [0, 1], ["spark", "none"], (2, 1, 1), name=name) for name in ("a", "b")]
    return Dataset("sparks", *parts, "all in both")


register_generated("sparks", generate)
'''

SHELF = '''
"""The set `shelf`: whatever .bin files lie in a folder shelf."""

from workbench.events.sources.clips import Collection, clip_file
from workbench.events.sources.location import Location
from workbench.events.sources.named_sets import register_recorded

LOCATION = Location(
    name="shelf", title="Shelf", layout="*.bin", contains=lambda folder: any(folder.glob("*.bin")), recordings=2,
    size="10 bytes", url="https://example.org", tonic=None,
)


def collect(root, split=None, seed=0, classes=None):
    clips = tuple(clip_file(path, 0, own_clock=True) for path in sorted(LOCATION.find(root).glob("*.bin")))
    return Collection("shelf", (classes or "all",), clips[:1], clips[1:], "by name", (34, 34), 1000)


register_recorded(LOCATION, collect, options=("classes",))
'''

DIARY = '''
"""A format of one byte an event: its time."""

import numpy as np

from workbench.events.formats.event_blocks import Block
from workbench.events.formats.event_checks import check_events
from workbench.events.formats.format import Format, register


def stream(path, options, remarks):
    times = np.frombuffer(path.read_bytes()[5:], np.uint8).astype(np.int64)
    nothing = np.zeros_like(times)
    block = Block(nothing, nothing, times, nothing, 5 + np.arange(len(times)))
    return check_events(path, (one for one in [block]), options, remarks)


def sensor(path):
    return 1, 1


register(Format("diary", (".diary",), "nobody", False, "diary", lambda head: head[:5] == b"diary", stream, sensor))
'''

LOAD = """
import json, sys
from workbench.events import load
sparks, shelf = load("sparks", sys.argv[1], seed=7), load("shelf", sys.argv[1], classes="bin")
said = []
for name, options in (("spark", {}), ("sparks", {"classes": 2}), ("shelf", {"upright": True})):
    try:
        load(name, sys.argv[1], **options)
    except ValueError as error:
        said.append(str(error))
print(json.dumps([sparks.train[0]["t"].tolist(), shelf.train[0]["t"].tolist(), shelf.classes, said]))
"""

READ = """
import json, sys
from workbench.events import formats
known = formats.find_format(sys.argv[1])
try:
    formats.read(sys.argv[2])
except ValueError as error:
    said = str(error)
print(json.dumps([known.name, formats.read(sys.argv[1])["t"].tolist(), said, [one.name for one in formats.FORMATS]]))
"""


def test_a_data_set_is_one_file(tmp_path):
    wing, data = copy_events(tmp_path / "copy"), tmp_path / "data"
    (wing / "sources" / "sparks.py").write_text(SPARKS)
    (wing / "sources" / "shelf.py").write_text(SHELF)
    (data / "shelf").mkdir(parents=True)
    for number in range(2):
        (data / "shelf" / f"{number}.bin").write_bytes(writers.nmnist([(1, 2, 30, 1)]))
    sparks, shelf, classes, said = run_copy(tmp_path / "copy", LOAD, data)
    assert (sparks, shelf, classes) == ([7] * 5, [30], ["bin"])
    known = "digits, motion, sparks, cifar10-dvs, dvs-gesture, n-cars, n-mnist, shelf"
    assert said == [
        f"unknown data set 'spark'; did you mean 'sparks'? known sets: {known}, or a folder",
        "sparks has no use for classes=2; leave it out",
        "shelf has no use for upright=True; leave it out",
    ]


def test_a_file_format_is_one_file(tmp_path):
    wing = copy_events(tmp_path / "copy")
    (wing / "formats" / "diary.py").write_text(DIARY)
    good, other = tmp_path / "one.diary", tmp_path / "other.anything"
    good.write_bytes(b"diary\x03\x05")
    other.write_bytes(b"nothing known\x00")
    name, times, said, names = run_copy(tmp_path / "copy", READ, good, other)
    assert (name, times) == ("diary", [3, 5])
    assert "diary (.diary)" in said
    assert names[-1] == "text"
    assert names[:-1] == sorted(names[:-1], key=str.casefold)


@pytest.mark.parametrize("name", MAKERS)
def test_no_two_formats_claim_a_file_but_the_one_that_is_asked_last(name, tmp_path):
    _, make = MAKERS[name]
    for seed in range(20):
        head = make(np.random.default_rng(seed))[: 2**14]
        claims = [known.name for known in formats.FORMATS if known.sniff(head) and not known.last_resort]
        assert len(claims) <= 1, claims


def test_names_are_given_once():
    with pytest.raises(ValueError, match="there is a data set 'digits' already; register yours by another name"):
        register_generated("digits", GENERATED_SETS["digits"])
    shelf = RECORDED_SETS["n-cars"]
    with pytest.raises(ValueError, match="there is a data set 'n-cars' already"):
        register_recorded(shelf.location, shelf.collect)
    with pytest.raises(ValueError, match="there is a format 'DAT' already"):
        register(next(known for known in formats.FORMATS if known.name == "DAT"))
