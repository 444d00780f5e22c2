"""Recordings in memory: arrays, and the data sets of tonic."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.events.sources.clips import Clip, Collection, Extent, clip_array, measure_extent, require_events
from workbench.events.sources.labels import find_listed_target, find_sources, name_classes
from workbench.events.sources.splits import Split, divide, require_official
from workbench.progress import show_progress
from workbench.validation import whole


def collect_arrays(
    events: Any, labels: Sequence[int] | None, classes: Sequence[str] | None, split: Split = None, seed: int = 0
) -> Collection:
    """Structured arrays by class, or a row of them with a label each.

    ``{"left": [events, ...], "right": [...]}`` names the classes; ``[events, ...]`` needs ``labels``, indexes into
    ``classes`` (by default the numbers up to the largest). Raises ValueError when labels are missing, too many or no
    index of a class.
    """
    if isinstance(events, Mapping):
        if labels is not None or classes is not None:
            raise ValueError("these arrays are given by class; leave out labels= and classes=")
        classes = [str(name) for name in events]
        pairs = [(one, label) for label, rows in enumerate(events.values()) for one in rows]
    else:
        pairs = _pair_with_labels(list(events), labels, classes)
        most = max((label for _, label in pairs), default=0)
        classes = [str(number) for number in range(most + 1)] if classes is None else classes
    clips = [clip_array(one, label, f"recording {i}") for i, (one, label) in enumerate(pairs)]
    if not clips:
        raise ValueError("no recordings; give at least one of every class")
    train, test, words = divide(clips, split, seed)
    return Collection("arrays", tuple(map(str, classes)), train, test, words)


def collect_tonic(datasets: tuple[Any, ...], split: Split = None, seed: int = 0, progress: bool = False) -> Collection:
    """A data set of tonic, or its training and test set: anything with ``len``, ``[i]`` -> (events, target) and
    ``sensor_size`` (width, height, polarities; None where recordings differ), subsets and concatenations of such sets
    included.

    What an item gives is the truth, its target as well as its events: every item is read once here, for its target
    and its extent, and once more when its events are collected. Of a single set four fifths of every class train, drawn
    by ``seed``, or as ``split`` says. Raises ValueError when an item is no pair or the sensors differ.
    """
    sizes = {size if size is None else tuple(size) for dataset in datasets for size in _sensor_sizes(dataset)}
    if len(sizes) != 1:
        who = "the two data sets" if len(datasets) == 2 else "the parts of the data set"
        raise ValueError(f"{who} differ in sensor_size: {sizes}; give parts of one set, or load them one by one")
    size = sizes.pop()
    sensor, polarities = (None, 2) if size is None else ((size[1] or 1, size[0]), size[2])
    name = type(find_sources(datasets[0])[0]).__name__
    read = _read_items(datasets, polarities, name, progress)
    classes, labels = name_classes(datasets, [[item.target for item in items] for items in read])
    parts = [
        tuple(item.clip(dataset, label) for item, label in zip(items, part, strict=True))
        for dataset, items, part in zip(datasets, read, labels, strict=True)
    ]
    if len(parts) == 2:
        require_official(split, name)
        train, test = parts
        words = f"{name} as given: train {len(train):,}, test {len(test):,}"
    else:
        train, test, words = divide(parts[0], split, seed)
    return Collection(name, classes, train, test, words, sensor, polarities=polarities)


def is_tonic(dataset: Any) -> bool:
    """Whether an object is used as the data sets of tonic are."""
    known = find_sources(dataset)
    return bool(known) and all(hasattr(dataset, name) for name in ("__len__", "__getitem__"))


def _sensor_sizes(dataset: Any) -> list[Any]:
    return [source.sensor_size for source in find_sources(dataset)]


class _UnreadableError(ValueError):
    """An item that the data set fails to give."""


@dataclass(frozen=True, eq=False)
class _Item:
    """What reading an item once has given: its extent and target, or an error and the target that is listed, if any."""

    index: int
    polarities: int
    target: Any
    extent: Extent | None
    error: _UnreadableError | None

    def clip(self, dataset: Any, label: int) -> Clip:
        """The item as a clip, which reads it anew; what could not be read is not tried again."""
        name = f"{type(dataset).__name__}[{self.index}]"

        def read() -> Any:
            if self.error is not None:
                raise self.error
            return _events_of(dataset, self.index, self.polarities)[0]

        return clip_array(read, label, name, extent=self.extent)


def _read_items(datasets: tuple[Any, ...], polarities: int, name: str, progress: bool) -> list[list[_Item]]:
    """Every item of every data set, read once."""
    with show_progress(sum(map(len, datasets)), f"look through {name}", "recording", progress) as bar:
        return [
            [_read_item(dataset, index, polarities) for index in bar.track(range(len(dataset)))] for dataset in datasets
        ]


def _read_item(dataset: Any, index: int, polarities: int) -> _Item:
    try:
        events, target = _events_of(dataset, index, polarities)
    except _UnreadableError as error:
        return _Item(index, polarities, find_listed_target(dataset, index), None, error)
    try:
        extent = measure_extent([require_events(events, f"{type(dataset).__name__}[{index}]")])
    except ValueError:
        extent = None  # whoever reads the events finds out
    return _Item(index, polarities, target, extent, None)


def _events_of(dataset: Any, index: int, polarities: int) -> tuple[Any, Any]:
    name = f"{type(dataset).__name__}[{index}]"
    try:
        pair = dataset[index]
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
        raise _UnreadableError(
            f"{name} cannot be read ({words}); mend the file, or leave it out by a subset"
        ) from error
    if not isinstance(pair, tuple | list) or len(pair) != 2 or pair[1] is None:
        raise ValueError(f"{type(dataset).__name__}: an item is no pair (events, target); such sets have no classes")
    events, target = pair
    if polarities == 1 and getattr(events, "dtype", np.dtype(int)).names:
        events = events.copy()
        events["p"] = 0
    return events, target


def _pair_with_labels(
    events: list[Any], labels: Sequence[int] | None, classes: Sequence[str] | None
) -> list[tuple[Any, int]]:
    if labels is None:
        raise ValueError("these arrays have no labels; give labels=, or the arrays by class: {'left': [...], ...}")
    if len(labels) != len(events):
        raise ValueError(f"{len(events)} recordings but {len(labels)} labels; give one each")
    for i, label in enumerate(labels):
        number = whole(label)
        if number is None or not 0 <= number < (np.inf if classes is None else len(classes)):
            known = "whole numbers from 0" if classes is None else f"0 to {len(classes) - 1} ({', '.join(classes)})"
            raise ValueError(f"labels[{i}] is {label}, which is not a class; give {known}")
    return [(one, operator.index(label)) for one, label in zip(events, labels, strict=True)]
