"""Data sets by name, from folders, from tonic and from memory, all in one form."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from workbench.events.binning import require_clip
from workbench.events.dataset import Dataset
from workbench.events.event_arrays import Sensor
from workbench.events.formats.read_options import ReadOptions
from workbench.events.formats.registry import make_read_options
from workbench.events.remote_files import is_url
from workbench.events.sources import folders, in_memory
from workbench.events.sources.clips import Collection, clip_array
from workbench.events.sources.named_sets import GENERATED_SETS, RECORDED_SETS, known_names
from workbench.events.sources.remote_folders import collect_url
from workbench.events.sources.splits import Split
from workbench.events.storage.assembly import assemble, describe_left_out
from workbench.events.storage.cache_entries import cache_entry
from workbench.events.storage.extents import CLOCKS, load_or_measure_extents
from workbench.events.storage.generated_sets import load_or_generate
from workbench.events.storage.preprocessing import Preparation
from workbench.events.transforms.composition import Transform
from workbench.events.windowing import FULL_WINDOW
from workbench.validation import require_seed, require_whole

CACHE_FOLDER = ".workbench"
INDEX = "index"  # of a cache that keeps nothing else
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
    clock: str | None = None,
    transforms: Transform | Sequence[Transform] = (),
    slices: str = "all",
    clip: int | None = None,
    on_error: str = "raise",
    columns: str | Sequence[str] | None = None,
    unit: str | None = None,
    upright: bool | None = None,
    cache: bool | str = True,
    download: bool = False,
    progress: bool = True,
) -> Dataset:
    """Load recordings, binned into frames and ticks that together cover ``window_us`` (by default the set's).

    ``name`` is one of

    - ``"digits"``, ``"motion"``: generated from ``seed``, without any download, and kept in ``root``;
    - ``"cifar10-dvs"``, ``"dvs-gesture"``, ``"n-cars"``, ``"n-mnist"``: read from ``root``, the set's folder or its
      parent, whole or a part; ``download=True`` lets tonic fetch what it can first;
    - a folder (a path) of recordings sorted by class, in any format of `workbench.events.formats`, or a URL of one
      ("s3://bucket/set", "https://host/set"), whose files are copied while they are read;
    - a data set object of tonic, or a pair of them to train and to test;
    - arrays (x, y, t in us, p) by class, ``{"left": [...], "right": [...]}``, or in a row, with ``labels``.

    A recording longer than the window is cut into slices, all on its side of the ``split`` (``slices="first"`` takes
    the first alone). Of the events of one place and tick at most ``clip`` are counted. ``split``: the official one
    where there is one, else ``"random"`` by ``seed``, ``"first-100"`` or the share that trains; `Dataset.split` says
    which. ``sensor`` (height, width) where files do not name it, else the smallest that holds all events. ``clock``
    where it is not known: ``"own"``, times count from the recording's own beginning, or ``"running"``, it begins at its
    first event; by default it is their own unless one of them begins later than the longest lasts, or before 0.
    ``transforms`` (`workbench.events.transforms`) change every slice, by ``seed``. Of tables without names ``columns``
    says which is which ("t x y p"), and ``unit`` that of their times ("s", "ms", "us", "ns"): without it whole numbers
    are microseconds and fractions seconds, and a warning names what is doubtful. ``upright=False`` leaves "cifar10-dvs"
    as its camera lay, on its side.
    ``on_error="skip"`` leaves out damaged recordings, ``"sort"`` sorts events that are at most a second late, each with
    one warning that counts. What was read is kept in ``root/.workbench`` unless ``cache=False``, and read from there
    while files and settings are the same, mapped into memory, in shards of 1,024 recordings. ``cache="index"`` keeps
    only where recordings begin, and reads them from their files each time: for sets larger than the disk. A bar shows
    how far a load has come that takes longer than a moment, unless ``progress=False``; after an interrupt (Ctrl-C) the
    next load goes on with the shards that are missing.

    Raises ValueError for an unknown name, option or damaged file (`formats.DamagedFile`, naming file, byte and cure),
    FileNotFoundError when the set is not there, ImportError, naming the extra to install, where a format or
    ``download=True`` needs one.

    >>> load("digit")
    Traceback (most recent call last):
    ValueError: unknown data set 'digit'; did you mean 'digits'? known sets: digits, motion, cifar10-dvs, \
dvs-gesture, n-cars, n-mnist, or a folder
    """
    steps = _require_transforms(transforms)
    if cache not in (True, False, INDEX):
        raise ValueError(f"cache is {cache!r}; give True, False or {INDEX!r}")
    _require_options(
        slices=(slices, ("all", "first")), on_error=(on_error, ("raise", "skip", "sort")), clock=(clock, CLOCKS)
    )
    owner = f"{name} train: " if isinstance(name, str) else ""
    frames = require_whole(f"{owner}frames", frames, floats=True)
    ticks_per_frame = require_whole(f"{owner}ticks_per_frame", ticks_per_frame, floats=True)
    seed, clip = require_seed(seed, f"{owner}seed"), require_clip(clip, owner.removesuffix(": ") or "recordings")
    skip, first, where = on_error == "skip", slices == "first", Path(root)
    options = make_read_options(sensor, columns, unit, "raise" if skip else on_error)
    if isinstance(name, str) and name in GENERATED_SETS:
        _refuse_unused(
            name, split=split, labels=labels, classes=classes, sensor=sensor, clock=clock, columns=columns, unit=unit,
            upright=upright, download=download or None, cache=cache if cache == INDEX else None,
        )  # fmt: skip
        made = load_or_generate(name, partial(GENERATED_SETS[name], progress=progress), where, seed)
        if not steps and (window_us is None or first or window_us * (1 + FULL_WINDOW) > made.window_us):
            made = made.rebin(frames, ticks_per_frame, window_us, clip)
            return replace(made, split=made.split + describe_left_out(made.left_out))
        collection = _collect_generated(made)
    else:
        own = {"labels": labels, "classes": classes, "columns": columns, "unit": unit, "upright": upright}
        collection, where = _collect(name, where, split, seed, own, download, progress)
    kept, late = where / CACHE_FOLDER if cache else None, cache == INDEX
    with closing(collection):
        options = replace(options, sensor=options.sensor or collection.sensor)
        sensor, window_us, clock = _measure_missing(collection, options, window_us, clock, skip, kept, progress)
        window_us = _require_window(window_us, owner)
        preparation = Preparation(sensor, collection.polarities, window_us, clock, first, steps, seed, skip, options)
        return assemble(collection, preparation, kept, progress, late).rebin(frames, ticks_per_frame, clip=clip)


def _require_window(window_us: int, owner: str) -> int:
    window_us = require_whole(f"{owner}window_us", window_us, floats=True)
    if window_us > _LONGEST_US:
        raise ValueError(
            f"{owner}window_us is {window_us}, beyond {_LONGEST_US}; give a shorter one, to cut recordings"
        )
    return window_us


def _require_transforms(transforms: Transform | Sequence[Transform]) -> tuple[Transform, ...]:
    steps = tuple(transforms) if isinstance(transforms, Sequence) else (transforms,)
    for number, step in enumerate(steps):
        if not callable(step) or not hasattr(step, "size"):
            raise ValueError(
                f"transforms[{number}] is {step!r}, which is none; give those of workbench.events.transforms, such as "
                "Downsample(2)"
            )
    return steps


def _require_options(**options: tuple[str | None, tuple[str, ...]]) -> None:
    for option, (value, known) in options.items():
        if value not in known and (option, value) != ("clock", None):
            raise ValueError(f"{option} is {value!r}; give {' or '.join(map(repr, known))}")


def _refuse_unused(source: str, **options: Any) -> None:
    """ValueError for an option that would change nothing."""
    for option, value in options.items():
        if value is not None:
            raise ValueError(f"{source} has no use for {option}={value!r}; leave it out")


def _collect(
    name: Any, root: Path, split: Split, seed: int, own: dict[str, Any], download: bool, progress: bool
) -> tuple[Collection, Path]:  # fmt: skip
    """The clips of what is not generated, and the folder that is theirs; ``own`` are options that only some use."""
    if isinstance(name, str) and name in RECORDED_SETS:
        known = RECORDED_SETS[name]
        used = {option: own[option] for option in known.options if own[option] is not None}
        _refuse_unused(name, **{option: value for option, value in own.items() if option not in used})
        if download:
            known.location.fetch(root)
        return known.collect(root, split, seed, **used), root
    if is_url(name):
        _refuse_unused(name, **_select(own, "labels", "classes", "upright"), download=download or None)
        return collect_url(name, split, seed), root
    if isinstance(name, str | PathLike):
        folder = _require_folder(name)
        _refuse_unused(str(name), **_select(own, "labels", "classes", "upright"), download=download or None)
        return folders.collect(folder, split, seed), folder
    _refuse_unused("what is in memory", **_select(own, "upright"), download=download or None)
    return _collect_in_memory(name, own["labels"], own["classes"], split, seed, progress), root


def _select(options: dict[str, Any], *names: str) -> dict[str, Any]:
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
        known = known_names()
        near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown data set {name!r}; {hint}known sets: {', '.join(known)}, or a folder")
    return path


def _collect_in_memory(
    held: Any,
    labels: Sequence[int] | None,
    classes: int | Sequence[str] | None,
    split: Split,
    seed: int,
    progress: bool,
) -> Collection:
    """The clips of an object of tonic, of two, or of arrays."""
    if in_memory.is_tonic(held):
        return in_memory.collect_tonic((held,), split, seed, progress)
    if isinstance(held, tuple) and len(held) == 2 and all(map(in_memory.is_tonic, held)):
        return in_memory.collect_tonic(held, split, seed, progress)
    if not isinstance(held, Mapping | Sequence):
        raise ValueError(
            f"{type(held).__name__} is no data set; give a name, a folder, a data set of tonic (or two), or arrays by "
            "class"
        )
    if isinstance(classes, int):
        raise ValueError(f"classes is {classes}; give the names of the classes")
    return in_memory.collect_arrays(held, labels, classes, split, seed)


def _measure_missing(
    collection: Collection,
    options: ReadOptions,
    window_us: int | None,
    clock: str | None,
    skip: bool,
    cache: Path | None,
    progress: bool,
) -> tuple[Sensor, int, str]:
    """Sensor, window and clock: as given, as known, else as a first reading of all clips finds them."""
    clips = [*collection.train, *collection.test]
    if all(clip.own_clock for clip in clips):
        _refuse_unused(f"{collection.name}, whose recordings have clocks of their own,", clock=clock)
        clock = "own"
    window_us = collection.window_us if window_us is None else window_us
    if options.sensor is not None and window_us is not None and clock is not None:
        return options.sensor, window_us, clock
    settings = {"reading": repr(options), "skip": skip, "window_us": window_us, "clock": clock}
    path, stamp = cache_entry(collection, clips, settings, "extents", cache)
    found = load_or_measure_extents(
        clips, path, stamp, options=options, skip=skip, window_us=window_us, clock=clock, progress=progress
    )
    return found.sensor, found.longest_us if window_us is None else window_us, found.clock


def _collect_generated(made: Dataset) -> Collection:
    """A generated set as clips, to be cut and transformed like any other."""
    train, test = (
        tuple(clip_array(part[i], int(part.labels[i]), f"{part.name}[{i}]", own_clock=True) for i in range(len(part)))
        for part in (made.train, made.test)
    )
    height, width = made.shape[-2:]
    return Collection(made.name, made.classes, train, test, made.split, (height, width), made.window_us)
