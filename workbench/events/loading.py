"""Data sets by name, from folders, from tonic and from memory, all in one form."""

from __future__ import annotations

import difflib
import hashlib
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from workbench.events import cifar10dvs, digits, dvsgesture, memory_sets, motion, ncars, nmnist, sorted_folders
from workbench.events.cache import digest_code, remember
from workbench.events.clips import Clip, Collection, clip_array
from workbench.events.datasets import Dataset
from workbench.events.formats.catalogue import tell
from workbench.events.formats.reading import Reading
from workbench.events.gathering import Gathered, Preparation, gather
from workbench.events.layout import Sensor
from workbench.events.places import Place, squeeze
from workbench.events.recordings import Recordings
from workbench.events.slices import FULL
from workbench.events.splits import Split
from workbench.events.surveys import recall
from workbench.events.transforms import Transform
from workbench.events.validity import positive

GENERATED: dict[str, Callable[[int], Dataset]] = {"digits": digits.generate, "motion": motion.generate}
"""How each embedded set is made from a seed."""

PLACED: dict[str, tuple[Place, Callable[..., Collection]]] = {
    "n-mnist": (nmnist.PLACE, nmnist.collect),
    "cifar10-dvs": (cifar10dvs.PLACE, cifar10dvs.collect),
    "n-cars": (ncars.PLACE, ncars.collect),
    "dvs-gesture": (dvsgesture.PLACE, dvsgesture.collect),
}
"""Where each set of recordings lies on disk, and how it is read; a further set is one file and one line here."""

CHOICES = {"cifar10-dvs": ("upright",), "dvs-gesture": ("classes",)}
"""Options that are for one of these sets alone."""

CACHE = ".workbench"
_LONGEST_US = int(np.iinfo(np.int32).max)


def load(
    name: Any,
    root: str | PathLike[str] = "data",
    frames: int = 8,
    ticks_per_frame: int = 12,
    window_us: int | None = None,
    seed: int = 0,
    *,
    split: Split = None,
    labels: Sequence[int] | None = None,
    classes: int | Sequence[str] | None = None,
    sensor: tuple[int, int] | None = None,
    transforms: Transform | Sequence[Transform] = (),
    slices: str = "all",
    on_error: str = "raise",
    columns: str | Sequence[str] | None = None,
    unit: str | None = None,
    upright: bool | None = None,
    cache: bool = True,
    download: bool = False,
) -> Dataset:
    """Load recordings, binned into frames and ticks that together cover ``window_us`` (by default the set's).

    ``name`` is one of

    - ``"digits"``, ``"motion"``: generated from ``seed``, without any download, and kept in ``root``;
    - ``"n-mnist"``, ``"cifar10-dvs"``, ``"n-cars"``, ``"dvs-gesture"``: read from ``root``, the set's folder or its
      parent, whole or a part; ``download=True`` lets tonic fetch what it can first;
    - a folder (a path) of recordings sorted by class, in any format of `workbench.events.formats`;
    - a data set object of tonic, or a pair of them to train and to test;
    - arrays (x, y, t in us, p) by class, ``{"left": [...], "right": [...]}``, or in a row, with ``labels``.

    A recording longer than the window is cut into slices, all on its side of the ``split`` (``slices="first"`` takes
    the first alone). ``split``: the official one where there is one, else ``"random"`` by ``seed``, ``"first-100"`` or
    the share that trains; `Dataset.split` says which. ``sensor`` (height, width) where files do not tell, else the
    smallest that holds all events. ``transforms`` (`workbench.events.transforms`) change every slice, by ``seed``.
    Of tables without names ``columns`` tells which is which ("t x y p"), and ``unit`` that of their times ("s", "ms",
    "us", "ns"): without it whole numbers are microseconds and fractions seconds, and a warning names what is doubtful.
    ``upright=False`` leaves "cifar10-dvs" as its camera lay, on its side.
    ``on_error="skip"`` leaves out damaged recordings, ``"sort"`` sorts events that are at most a second late, each with
    one warning that counts. What was read is kept in ``root/.workbench`` unless ``cache=False``, and read from there
    while files and settings are the same.

    Raises ValueError for an unknown name, option or damaged file (`formats.DamagedFile`, naming file, byte and cure),
    FileNotFoundError when the set is not there.

    >>> load("digit")
    Traceback (most recent call last):
    ValueError: unknown data set 'digit'; did you mean 'digits'? known sets: digits, motion, n-mnist, cifar10-dvs, \
n-cars, dvs-gesture, or a folder
    """
    steps = _require_transforms(transforms)
    _require_options(slices, on_error)
    owner = f"{name} train: " if isinstance(name, str) else ""
    frames, ticks_per_frame = positive(frames, f"{owner}frames"), positive(ticks_per_frame, f"{owner}ticks_per_frame")
    skip, first, where = on_error == "skip", slices == "first", Path(root)
    reading = tell(sensor, columns, unit, "raise" if skip else on_error)
    if isinstance(name, str) and name in GENERATED:
        _refuse_unused(
            name, split=split, labels=labels, classes=classes, sensor=sensor, columns=columns, unit=unit,
            upright=upright, download=download or None,
        )  # fmt: skip
        made = remember(name, GENERATED[name], where, seed)
        if not steps and (window_us is None or first or window_us * (1 + FULL) > made.window_us):
            return made.rebin(frames, ticks_per_frame, window_us)
        collection = _regather(made)
    else:
        own = {"labels": labels, "classes": classes, "columns": columns, "unit": unit, "upright": upright}
        collection, where = _find(name, where, split, seed, own, download)
    kept = where / CACHE if cache else None
    reading = replace(reading, sensor=reading.sensor or collection.sensor)
    sensor, window_us = _complete(collection, reading, window_us, skip, kept)
    if positive(window_us, f"{owner}window_us") > _LONGEST_US:
        raise ValueError(
            f"{owner}window_us is {window_us}, beyond {_LONGEST_US}; give a shorter one, to cut recordings"
        )
    preparation = Preparation(sensor, collection.polarities, window_us, first, steps, seed, skip, reading)
    return _build(collection, preparation, kept).rebin(frames, ticks_per_frame)


def _require_transforms(transforms: Transform | Sequence[Transform]) -> tuple[Transform, ...]:
    steps = tuple(transforms) if isinstance(transforms, Sequence) else (transforms,)
    for number, step in enumerate(steps):
        if not callable(step) or not hasattr(step, "size"):
            raise ValueError(
                f"transforms[{number}] is {step!r}, which is none; give those of workbench.events.transforms, such as "
                "Downsample(2)"
            )
    return steps


def _require_options(slices: str, on_error: str) -> None:
    for option, value, known in (
        ("slices", slices, ("all", "first")),
        ("on_error", on_error, ("raise", "skip", "sort")),
    ):
        if value not in known:
            raise ValueError(f"{option} is {value!r}; give {' or '.join(map(repr, known))}")


def _refuse_unused(source: str, **options: Any) -> None:
    """ValueError for an option that would change nothing."""
    for option, value in options.items():
        if value is not None:
            raise ValueError(f"{source} has no use for {option}={value!r}; leave it out")


def _find(
    name: Any, root: Path, split: Split, seed: int, own: dict[str, Any], download: bool
) -> tuple[Collection, Path]:  # fmt: skip
    """The clips of what is not generated, and the folder that is theirs; ``own`` are options that only some use."""
    if isinstance(name, str) and name in PLACED:
        place, collect = PLACED[name]
        used = {option: own[option] for option in CHOICES.get(name, ()) if own[option] is not None}
        _refuse_unused(name, **{option: value for option, value in own.items() if option not in used})
        if download:
            place.fetch(root)
        return collect(root, split, seed, **used), root
    if isinstance(name, str | PathLike):
        folder = _require_folder(name)
        _refuse_unused(str(name), **_only(own, "labels", "classes", "upright"), download=download or None)
        return sorted_folders.collect(folder, split, seed), folder
    _refuse_unused("what is in memory", **_only(own, "upright"), download=download or None)
    return _collect_held(name, own["labels"], own["classes"], split, seed), root


def _only(options: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: options[name] for name in names}


def _require_folder(name: str | PathLike[str]) -> Path:
    """The folder of that name. ValueError when a text is neither a known set nor a folder, or a path is a file."""
    path = Path(name)
    if path.is_file():
        raise ValueError(
            f"{path} is one file; sort recordings in folders by class, or read it alone by "
            "workbench.events.formats.read"
        )
    if isinstance(name, str) and not path.is_dir():
        known = (*GENERATED, *PLACED)
        near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown data set {name!r}; {hint}known sets: {', '.join(known)}, or a folder")
    return path


def _collect_held(
    held: Any, labels: Sequence[int] | None, classes: int | Sequence[str] | None, split: Split, seed: int
) -> Collection:
    """The clips of an object of tonic, of two, or of arrays."""
    if memory_sets.is_tonic(held):
        return memory_sets.collect_tonic((held,), split, seed)
    if isinstance(held, tuple) and len(held) == 2 and all(map(memory_sets.is_tonic, held)):
        return memory_sets.collect_tonic(held, split, seed)
    if not isinstance(held, Mapping | Sequence):
        raise ValueError(
            f"{type(held).__name__} is no data set; give a name, a folder, a data set of tonic (or two), or arrays by "
            "class"
        )
    if isinstance(classes, int):
        raise ValueError(f"classes is {classes}; give the names of the classes")
    return memory_sets.collect_arrays(held, labels, classes, split, seed)


def _complete(
    collection: Collection, reading: Reading, window_us: int | None, skip: bool, cache: Path | None
) -> tuple[Sensor, int]:
    """Sensor and window: as told, as known, else as a first reading of all clips finds them."""
    window_us = collection.window_us if window_us is None else window_us
    if reading.sensor is not None and window_us is not None:
        return reading.sensor, window_us
    clips = [*collection.train, *collection.test]
    settings = {"reading": repr(reading), "skip": skip}
    found = recall(clips, reading, skip, *_keep(collection, clips, settings, "survey", cache))
    return found.sensor, found.longest_us if window_us is None else window_us


def _regather(made: Dataset) -> Collection:
    """A generated set as clips, to be cut and transformed like any other."""
    train, test = (
        tuple(clip_array(part[i], int(part.labels[i]), f"{part.name}[{i}]") for i in range(len(part)))
        for part in (made.train, made.test)
    )
    height, width = made.shape[-2:]
    return Collection(made.name, made.classes, train, test, made.split, (height, width), made.window_us)


def _build(collection: Collection, preparation: Preparation, cache: Path | None) -> Dataset:
    """Read all clips, or what is kept of them, and say how they were divided, cut and skipped."""
    gathered = {
        part: gather(clips, preparation, *_keep(collection, clips, {"preparation": repr(preparation)}, part, cache))
        for part, clips in (("train", collection.train), ("test", collection.test))
    }
    words = collection.divided
    clips, found = (sum(lengths) for lengths in zip(
        *((len(np.unique(one.origins)), len(one.labels)) for one in gathered.values()), strict=True))  # fmt: skip
    if found > clips:
        words += f"; {clips:,} recordings cut into {found:,} slices of {preparation.window_us / 1000:g} ms"
    skipped = [reason for one in gathered.values() for reason in one.skipped]
    if skipped:
        words += f"; {len(skipped):,} damaged left out"
        whole = len(collection.train) + len(collection.test)
        warnings.warn(
            f"{collection.name}: {len(skipped):,} of {whole:,} recordings are damaged and left out; the first: "
            f"{skipped[0]}",
            stacklevel=3,
        )
    words += _tell_remarks(collection, [*gathered.values()])
    train, test = (_recordings(collection, preparation, one, part, words) for part, one in gathered.items())
    return Dataset(collection.name, train, test, words)


def _tell_remarks(collection: Collection, gathered: Sequence[Gathered]) -> str:
    """Warn of recordings that were sorted or whose unit of time is doubtful; what the split is to say of it."""
    whole = len(collection.train) + len(collection.test)
    late = [pair for one in gathered for pair in one.sorted]
    doubts = [words for one in gathered for words in one.doubts]
    if doubts:
        warnings.warn(
            f"{collection.name}: of {len(doubts):,} of {whole:,} recordings the unit of time is not sure; the first: "
            f"{doubts[0]}",
            stacklevel=4,
        )
    if not late:
        return ""
    count = sum(events for _, events in late)
    warnings.warn(
        f"{collection.name}: {len(late):,} of {whole:,} recordings step back in time, at {count:,} events in all, and "
        f"were sorted; the first: {late[0][0]}",
        stacklevel=4,
    )
    return f"; {len(late):,} recordings sorted by time ({count:,} events were late)"


def _recordings(
    collection: Collection, preparation: Preparation, gathered: Gathered, part: str, words: str
) -> Recordings:
    if len(gathered.labels) == 0:
        reason = f"; the first: {gathered.skipped[0]}" if gathered.skipped else ""
        raise ValueError(f"{collection.name}: no recording to {part} could be read{reason}")
    return Recordings.trusted(
        time_us=gathered.rows["time_us"], site=gathered.rows["site"], starts=gathered.starts, labels=gathered.labels,
        classes=collection.classes, shape=preparation.shape, frames=1, ticks_per_frame=1,
        window_us=preparation.window_us, name=f"{collection.name} {part}", origins=gathered.origins, divided=words,
    )  # fmt: skip


def _keep(
    collection: Collection, clips: Sequence[Clip], settings: dict[str, Any], part: str, cache: Path | None
) -> tuple[Path | None, dict[str, Any]]:
    """Where a part is kept, and the stamp it is kept for; nowhere when the events have none."""
    stamps = [clip.stamp for clip in clips]
    if cache is None or None in stamps:
        return None, {}
    labels = [clip.label for clip in clips]
    whole = json.dumps([stamps, labels]).encode()
    stamp = {**settings, "clips": hashlib.sha256(whole).hexdigest(), "code": digest_code()}
    digest = hashlib.sha256(json.dumps(stamp).encode()).hexdigest()[:12]
    return cache / f"{squeeze(collection.name) or 'set'}-{part}-{digest}.events", stamp
