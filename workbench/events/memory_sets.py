"""Recordings that some program holds already: arrays in memory, and the data sets of tonic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from workbench.events.clips import Clip, Collection, clip_array
from workbench.events.splits import Split, divide, require_official


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
        pairs = _label(list(events), labels, classes)
        most = max((label for _, label in pairs), default=0)
        classes = [str(number) for number in range(most + 1)] if classes is None else classes
    clips = [clip_array(one, label, f"recording {i}") for i, (one, label) in enumerate(pairs)]
    if not clips:
        raise ValueError("no recordings; give at least one of every class")
    train, test, words = divide(clips, split, seed)
    return Collection("arrays", tuple(map(str, classes)), train, test, words)


def collect_tonic(datasets: tuple[Any, ...], split: Split = None, seed: int = 0) -> Collection:
    """A data set of tonic, or its training and test set: anything with ``len``, ``[i]`` -> (events, target) and
    ``sensor_size`` (width, height, polarities; None where recordings differ), or a subset of such a set.

    Of a single one four fifths of every class train, drawn by ``seed``, or as ``split`` says. The events are read
    anew from the object whenever the set is loaded. Raises ValueError when an item is no pair or the sensors differ.
    """
    sizes = {_describe(dataset).sensor_size for dataset in datasets}
    if len(sizes) != 1:
        raise ValueError(f"the two data sets differ in sensor_size: {sizes}; give parts of one set")
    size = sizes.pop()
    sensor, polarities = (None, 2) if size is None else ((size[1] or 1, size[0]), size[2])
    targets = [_targets(dataset) for dataset in datasets]
    classes, labels = _classes(_describe(datasets[0]), targets)
    name = type(_describe(datasets[0])).__name__
    parts = [
        tuple(_item(dataset, i, label, polarities) for i, label in enumerate(part))
        for dataset, part in zip(datasets, labels, strict=True)
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
    described = _describe(dataset)
    return hasattr(described, "sensor_size") and all(hasattr(dataset, name) for name in ("__len__", "__getitem__"))


def _describe(dataset: Any) -> Any:
    """The set that tells sensor and classes: this one, or the one that it is a subset of."""
    while not hasattr(dataset, "sensor_size") and hasattr(dataset, "dataset"):
        dataset = dataset.dataset
    return dataset


def _item(dataset: Any, index: int, label: int, polarities: int) -> Clip:
    name = f"{type(dataset).__name__}[{index}]"

    def read() -> Any:
        try:
            events = dataset[index][0]
        except Exception as error:
            words = f"{type(error).__name__}: {error}"
            raise ValueError(f"{name} cannot be read ({words}); mend the file, or leave it out by a subset") from error
        if polarities == 1 and getattr(events, "dtype", np.dtype(int)).names:
            events = events.copy()
            events["p"] = 0
        return events

    return clip_array(read, label, name)


def _targets(dataset: Any) -> list[Any]:
    """The targets of all items: those the object lists, else of every item as it is read."""
    listed = getattr(dataset, "targets", None)
    if listed is None or len(listed) != len(dataset):
        pairs = [dataset[i] for i in range(len(dataset))]
        if not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
            raise ValueError(
                f"{type(dataset).__name__}: an item is no pair (events, target); such sets have no classes"
            )
        listed = [target for _, target in pairs]
    return [target.item() if hasattr(target, "item") else target for target in listed]


def _classes(dataset: Any, targets: list[list[Any]]) -> tuple[tuple[str, ...], list[list[int]]]:
    """Names of the classes, and the targets as indexes into them."""
    known = getattr(dataset, "classes", None)
    found = [target for part in targets for target in part]
    whole = all(isinstance(target, int) and not isinstance(target, bool) and target >= 0 for target in found)
    if isinstance(known, Mapping) and whole:  # name -> number
        known = [name for name, _ in sorted(known.items(), key=lambda pair: pair[1])]
    if known is not None and whole and len(known) > max(found, default=0):
        return tuple(map(str, known)), targets
    if any(isinstance(target, dict | list | np.ndarray) for target in found):
        raise ValueError(f"{type(dataset).__name__}: its targets are no classes; give recordings with one label each")
    names = sorted(set(found), key=str) if not whole else list(range(max(found, default=0) + 1))
    index = {name: number for number, name in enumerate(names)}
    return tuple(map(str, names)), [[index[target] for target in part] for part in targets]


def _label(events: list[Any], labels: Sequence[int] | None, classes: Sequence[str] | None) -> list[tuple[Any, int]]:
    if labels is None:
        raise ValueError("these arrays have no labels; give labels=, or the arrays by class: {'left': [...], ...}")
    if len(labels) != len(events):
        raise ValueError(f"{len(events)} recordings but {len(labels)} labels; give one each")
    for i, label in enumerate(labels):
        if int(label) != label or not 0 <= label < (np.inf if classes is None else len(classes)):
            known = "whole numbers from 0" if classes is None else f"0 to {len(classes) - 1} ({', '.join(classes)})"
            raise ValueError(f"labels[{i}] is {label}, which is not a class; give {known}")
    return [(one, int(label)) for one, label in zip(events, labels, strict=True)]
