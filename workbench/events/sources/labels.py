"""The labels of the items of a data set, and the names of its classes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from workbench.validation import whole


def find_sources(dataset: Any) -> list[Any]:
    """The sets that name a sensor: this one, or those that it is a subset or a concatenation of; [] where one does not.

    >>> find_sources("no data set")
    []
    """
    if hasattr(dataset, "sensor_size"):
        return [dataset]
    parts = [dataset.dataset] if hasattr(dataset, "dataset") else getattr(dataset, "datasets", [])
    found = [find_sources(part) for part in parts] if isinstance(parts, list | tuple) else []
    return [source for sources in found for source in sources] if all(found) else []


def name_classes(datasets: tuple[Any, ...], targets: list[list[Any]]) -> tuple[tuple[str, ...], list[list[int]]]:
    """Names of the classes, and the targets of the items of these sets as indexes into them.

    Names that the sets list hold for targets as they list them: not where something on the way to an item changes its
    target. Then, and where there are no names, the targets themselves are names, and whole numbers count from 0. None
    stands for the target of an item that cannot be read; it gets the index 0. Raises ValueError for targets that are
    no classes, and for parts that name their classes differently.
    """
    plain = [
        [_to_plain_value(target, dataset) for target in part] for dataset, part in zip(datasets, targets, strict=True)
    ]
    found = [target for part in plain for target in part if target is not None]
    numbers = all(whole(target) is not None and target >= 0 for target in found)
    known = _listed_names(datasets) if numbers and not _relabelled(datasets, plain) else None
    if known is not None and len(known) > max(found, default=0):
        return known, [[target or 0 for target in part] for part in plain]
    names = list(range(max(found, default=0) + 1)) if numbers else sorted(set(found), key=str)
    index = {name: number for number, name in enumerate(names)}
    return tuple(map(str, names)), [[0 if target is None else index[target] for target in part] for part in plain]


def find_listed_target(dataset: Any, index: int) -> Any:
    """The target that a set lists for an item, through subsets and concatenations; None where none is listed.

    >>> class Digits:
    ...     targets = [7, 3, 8]
    ...     def __len__(self): return 3
    >>> class Part:
    ...     dataset, indices = Digits(), [2, 0]
    ...     def __len__(self): return 2
    >>> find_listed_target(Part(), 1)
    7
    """
    listed = getattr(dataset, "targets", None)
    if listed is not None and len(listed) == len(dataset):
        return listed[index]
    if hasattr(dataset, "datasets") and hasattr(dataset, "cumulative_sizes"):
        part = bisect_right(dataset.cumulative_sizes, index)
        before = dataset.cumulative_sizes[part - 1] if part else 0
        return find_listed_target(dataset.datasets[part], index - before)
    if hasattr(dataset, "dataset"):
        if hasattr(dataset, "indices"):
            return find_listed_target(dataset.dataset, dataset.indices[index])
        if len(dataset.dataset) == len(dataset):
            return find_listed_target(dataset.dataset, index)
    return None


def _listed_names(datasets: tuple[Any, ...]) -> tuple[str, ...] | None:
    """The names of classes that all sources list; None where none lists any. ValueError where they differ."""
    listed = set()
    for source in (source for dataset in datasets for source in find_sources(dataset)):
        names = getattr(source, "classes", None)
        if isinstance(names, Mapping):  # name -> number
            names = [name for name, _ in sorted(names.items(), key=lambda pair: pair[1])]
        listed.add(None if names is None else tuple(map(str, names)))
    if len(listed) > 1:
        described = " and ".join("no names" if names is None else f"({', '.join(names)})" for names in listed)
        raise ValueError(
            f"the parts of the data set name their classes differently: {described}; load them one by one, or give them"
            " targets of one kind by target_transform"
        )
    return listed.pop() if listed else None


def _relabelled(datasets: tuple[Any, ...], targets: list[list[Any]]) -> bool:
    """Whether something changes targets on the way from what is listed to an item."""
    if any(
        getattr(part, name, None) is not None
        for dataset in datasets
        for part in _walk(dataset)
        for name in ("target_transform", "transforms")
    ):
        return True
    return any(
        target is not None
        and (listed := find_listed_target(dataset, index)) is not None
        and _to_plain_value(listed, dataset) != target
        for dataset, part in zip(datasets, targets, strict=True)
        for index, target in enumerate(part)
    )


def _walk(dataset: Any) -> Iterator[Any]:
    """A set and all sets that it is made of."""
    yield dataset
    parts = [dataset.dataset] if hasattr(dataset, "dataset") else getattr(dataset, "datasets", [])
    for part in parts if isinstance(parts, list | tuple) else []:
        yield from _walk(part)


def _to_plain_value(target: Any, dataset: Any) -> Any:
    """A target as a plain value that can be compared."""
    if hasattr(target, "item") and getattr(target, "size", None) is not None:
        size = target.numel() if hasattr(target, "numel") else target.size
        target = target.item() if size == 1 else np.asarray(target)
    if isinstance(target, dict | list | set | np.ndarray):
        raise ValueError(f"{type(dataset).__name__}: its targets are no classes; give recordings with one label each")
    return target
