"""Recordings that other processes are given: mapped files are mapped there, and the numbers are the same."""

from dataclasses import replace
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest

from tests.support.trainings import some_recordings
from workbench.events import PiecedColumn, Recordings
from workbench.training.processes.sent_recordings import MappedArray, pack


@pytest.fixture
def mapped(tmp_path):
    """Recordings whose events lie in the rows of a file, behind a header."""
    plain = some_recordings()
    rows = np.zeros(len(plain.time_us), [("t", "<i4"), ("site", "<i4")])
    rows["t"], rows["site"] = plain.time_us, plain.site
    (tmp_path / "rows").write_bytes(b"a header" + rows.tobytes())
    file = np.memmap(tmp_path / "rows", rows.dtype, mode="r", offset=8, shape=rows.shape)
    known = {"starts": plain.starts, "labels": plain.labels, "classes": plain.classes, "shape": plain.shape}
    clock = {"frames": plain.frames, "ticks_per_frame": plain.ticks_per_frame, "window_us": plain.window_us}
    return plain, Recordings(time_us=file["t"], site=file["site"], **known, **clock)


def test_mapped_events_are_sent_by_their_place_and_are_the_same(mapped):
    plain, recordings = mapped
    sent = pack(recordings)
    assert isinstance(sent.values["time_us"], MappedArray)
    assert (sent.values["time_us"].offset, sent.values["site"].offset) == (8, 12)
    assert len(ForkingPickler.dumps(sent)) < len(ForkingPickler.dumps(pack(plain)))
    again = sent.unpack()
    assert again.as_frames().tobytes() == plain.as_frames().tobytes()
    assert not again.time_us.flags.writeable


def test_columns_in_pieces_are_sent_by_the_places_of_their_files(mapped):
    plain, recordings = mapped
    columns = {name: PiecedColumn.join([getattr(recordings, name)]) for name in ("time_us", "site")}
    sent = pack(replace(recordings, **columns)[3:9])
    column = sent.values["time_us"]
    assert isinstance(column, PiecedColumn)
    assert all(isinstance(source, MappedArray) for source in column.sources)
    assert sent.unpack().as_frames().tobytes() == plain[3:9].as_frames().tobytes()


def test_events_in_memory_are_sent_as_they_are():
    plain = some_recordings()
    again = pack(plain).unpack()
    assert again.as_frames().tobytes() == plain.as_frames().tobytes()
    assert (again.classes, again.name, again.divided) == (plain.classes, plain.name, plain.divided)
