"""The set `dvs-gesture`: hand and arm gestures of 29 people under three kinds of light."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from workbench.events.event_arrays import Events
from workbench.events.formats.npy import read_gesture
from workbench.events.formats.read_options import ReadOptions, Remarks
from workbench.events.sources.clips import Clip, Collection, clip_interval, fingerprint_file
from workbench.events.sources.folder_tree import folders, scan_folder
from workbench.events.sources.location import Location
from workbench.events.sources.named_sets import register_recorded
from workbench.events.sources.splits import Split, require_official

CLASSES = (
    "hand clapping", "right hand wave", "left hand wave", "right arm clockwise", "right arm counter-clockwise",
    "left arm clockwise", "left arm counter-clockwise", "arm roll", "air drums", "air guitar", "other gestures",
)  # fmt: skip
SENSOR = (128, 128)
WINDOW_US = 1_500_000
CUT = ("ibmGestureTrain", "ibmGestureTest")
TRIALS = ("trials_to_train.txt", "trials_to_test.txt")
_COLUMNS = ["class", "startTime_usec", "endTime_usec"]


def _find_trials(folder: Path) -> Path | None:
    """The folder of the authors' own files: this one, or one in it."""
    inside = [folder, *folders(folder)] if folder.is_dir() else []
    return next((path for path in inside if all((path / name).is_file() for name in TRIALS)), None)


LOCATION = Location(
    name="dvs-gesture",
    title="DvsGesture",
    layout="*.aedat, *_labels.csv, trials_to_train.txt and trials_to_test.txt as its authors give it, or "
    "ibmGestureTrain/<user>/<number>.npy and ibmGestureTest/... as tonic does",
    contains=lambda folder: _find_trials(folder) is not None or any((folder / name).is_dir() for name in CUT),
    recordings=1_464,
    size="some 3 GB",
    url="https://research.ibm.com/interactive/dvsgesture/",
    tonic="DVSGesture",
)  # fmt: skip


def collect(root: Path, split: Split = None, seed: int = 0, classes: int = 11) -> Collection:
    """The recordings under ``root``, the folder of DvsGesture or its parent; a part of the 1,464 will do.

    Both copies are read: the authors' (AEDAT 3.1 with tables of who did what when) and tonic's (cut, .npy).
    ``classes=10`` leaves out "other gestures". Raises FileNotFoundError when no DvsGesture is there, ValueError when
    a part is empty or a table is damaged. Source: Amir et al. 2017, CVPR.
    """
    require_official(split, "dvs-gesture")
    if classes not in (10, 11):
        raise ValueError(f'dvs-gesture has 11 classes, or 10 without "other gestures"; classes is {classes!r}')
    folder = LOCATION.find(root)
    trials, tree = _find_trials(folder), scan_folder(folder)
    if trials is None:
        found = [path for path in tree.files if path.suffix.lower() == ".npy"]
        parts = [[path for path in found if _is_cut(path.relative_to(folder), name)] for name in CUT]
        train, test = (tuple(_cut_clips(part, classes)) for part in parts)
    else:
        found = [path for path in tree.files if path.suffix.lower() == ".aedat"]
        parts = [list(_list_recordings(trials / name)) for name in TRIALS]
        train, test = (tuple(_trial_clips(part, classes)) for part in parts)
    for part, name in ((train, "train"), (test, "test")):
        if not part:
            raise ValueError(f"{folder} has no recording to {name}; dvs-gesture needs {LOCATION.layout}")
    others = "with" if classes == 11 else "without"
    count = f"{len(train) + len(test):,} of {LOCATION.recordings:,} recordings"
    words = f'official, by users; {classes} classes, {others} "other gestures"; {count}'
    read = {path for part in parts for path in part}
    left_out = [path for path in found if path not in read]
    if trials is None:
        words += tree.describe_unread(read, left_out, LOCATION.layout)
    elif left_out:
        words += tree.describe_unread([path for path in tree.files if path not in left_out], left_out, LOCATION.layout)
    return Collection("dvs-gesture", CLASSES[:classes], train, test, words, SENSOR, WINDOW_US)


def _is_cut(path: Path, part: str) -> bool:
    """Whether a path in tonic's copy is one of a part: a folder a user and light, a file a gesture."""
    return len(path.parts) >= 3 and path.parts[0] == part


def _cut_clips(paths: Iterable[Path], classes: int) -> Iterator[Clip]:
    """Tonic's copy: files named by their label."""
    for path in paths:
        if not path.stem.isdecimal() or int(path.stem) >= len(CLASSES):
            raise ValueError(f"{path} is not a class; the files of {path.parent.parent} are called 0.npy to 10.npy")
        if int(path.stem) < classes:
            yield _cut_clip(path)


def _cut_clip(path: Path) -> Clip:
    def blocks(options: ReadOptions, remarks: Remarks) -> Iterator[Events]:
        yield read_gesture(path, options, remarks)

    return Clip(str(path), int(path.stem), blocks, False, fingerprint_file(path))


def _list_recordings(trials: Path) -> Iterator[Path]:
    """The authors' copy: the long files of a list; those that are missing are left out."""
    for line in trials.read_text(encoding="utf-8").split():
        path = trials.parent / line
        if path.is_file():
            yield path


def _trial_clips(paths: Iterable[Path], classes: int) -> Iterator[Clip]:
    """The authors' copy: long files, each with a table of gestures."""
    for path in paths:
        table = path.with_name(f"{path.stem}_labels.csv")
        if not table.is_file():
            raise ValueError(f"{path} has no table {table.name} beside it; get it again, or take the recording out")
        for label, begin_us, end_us in _read_table(table):
            if label < classes:
                yield clip_interval(path, label, begin_us, end_us)


def _read_table(table: Path) -> Iterator[tuple[int, int, int]]:
    """Label, begin and end of every gesture in a table."""
    with table.open(encoding="utf-8", errors="replace", newline="") as file:
        for number, row in enumerate(csv.reader(file), start=1):
            if number == 1:
                if [name.strip() for name in row] != _COLUMNS:
                    raise ValueError(f"{table}, line 1 is {row}; it should name the columns {', '.join(_COLUMNS)}")
            elif row:
                if len(row) != 3 or not all(value.strip().isdecimal() for value in row):
                    raise ValueError(f"{table}, line {number} is {row}; give class, begin and end in whole numbers")
                kind, begin_us, end_us = map(int, row)
                if not 1 <= kind <= len(CLASSES) or end_us <= begin_us:
                    raise ValueError(f"{table}, line {number}: class {kind} from {begin_us} to {end_us} us is not one")
                yield kind - 1, begin_us, end_us


register_recorded(LOCATION, collect, options=("classes",))
