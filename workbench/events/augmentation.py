"""Augmentation: batches of recordings, changed at random by transforms, on flat sites, which is quick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from workbench.events.event_arrays import volume
from workbench.events.event_batch import EventBatch
from workbench.events.pieced_column import PiecedColumn
from workbench.events.recordings import Recordings
from workbench.events.transforms.base import EventTransform
from workbench.events.transforms.mixing import Mix
from workbench.events.transforms.placement import PlacingTransform, place_together
from workbench.events.transforms.transforms import Drop


@dataclass(frozen=True, eq=False)
class AugmentedBatch:
    """Recordings drawn anew; of their events, 1 - ``share`` are of others mixed in, whose labels are told too."""

    recordings: Recordings
    other_labels: NDArray[np.int64]
    share: float = 1.0


def take_transforms(transforms: object) -> tuple[EventTransform, ...]:
    """Transforms as a tuple; ValueError, with the cure, for what is none.

    >>> take_transforms(transforms.Shift(1)), take_transforms(None)
    ((Shift(pixels=1),), ())
    """
    if transforms is None:
        return ()
    given = (transforms,) if isinstance(transforms, EventTransform) else transforms
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise ValueError(f"augment={transforms!r} is no list of transforms; give augment=[wb.transforms.Shift(3), ...]")
    for transform in given:
        if not isinstance(transform, EventTransform):
            raise ValueError(
                f"augment: {transform!r} is no transform of the workbench; give values of wb.transforms, such as "
                "wb.transforms.Rotate(10)"
            )
    if sum(isinstance(transform, Mix) for transform in given) > 1:
        raise ValueError(f"augment={list(given)} mixes twice; give one Mix, for a loss is mixed of two labels")
    return tuple(given)


def require_augmentation(transforms: Sequence[EventTransform], recordings: Recordings) -> None:
    """ValueError, with the cure, for a transform that changes the sensor.

    >>> recordings = Recordings.from_ticks(np.ones((1, 1, 2, 4, 4), dtype=int), labels=[0])
    >>> require_augmentation([transforms.Downsample(2)], recordings)
    Traceback (most recent call last):
    ValueError: augment: Downsample(factor=2, merge_us=0) makes a sensor (2, 2) of (4, 4), which the model does not ...
    """
    sensor = volume(recordings.shape)[1:]
    for transform in transforms:
        if transform.size(sensor) != sensor:
            raise ValueError(
                f"augment: {transform!r} makes a sensor {transform.size(sensor)} of {sensor}, which the model does not "
                "take; give it to wb.load(transforms=...), for training and test recordings alike"
            )


def augment(
    recordings: Recordings, chosen: NDArray[np.int64], transforms: Sequence[EventTransform], seed: Sequence[int]
) -> AugmentedBatch:
    """The chosen recordings, changed one after the other by transforms drawn from the seed; what is given stays.

    >>> recordings = Recordings.from_ticks(np.ones((1, 1, 2, 4, 4), dtype=int), labels=[0])
    >>> thinned = augment(recordings, np.array([0, 0]), [transforms.Drop(0.5)], seed=[3])
    >>> np.diff(thinned.recordings.starts).tolist()
    [14, 19]
    """
    rng = np.random.default_rng(seed)
    time_us, site = PiecedColumn.of(recordings.time_us), PiecedColumn.of(recordings.site)  # maps are slow to cut
    parts = [slice(recordings.starts[one], recordings.starts[one + 1]) for one in chosen.tolist()]
    batch = EventBatch.join([(time_us[part], site[part]) for part in parts])
    labels = np.asarray(recordings.labels)[chosen]
    others, share = labels, 1.0
    for together, group in groupby(transforms, lambda transform: isinstance(transform, PlacingTransform | Drop)):
        if together:
            batch = place_together(list(group), batch, recordings.shape, rng)
            continue
        for transform in group:
            if isinstance(transform, Mix):
                partners, share = rng.permutation(len(batch)), transform.draw_share(rng)
                batch, others = _mix(batch, partners, share, rng), labels[partners]
            else:
                batch = transform.edit_batch(batch, recordings.shape, rng)
    return AugmentedBatch(_with_events(recordings, chosen, batch), others, share)


def _mix(batch: EventBatch, partners: NDArray[np.int64], share: float, rng: np.random.Generator) -> EventBatch:
    """A share of every recording's own events and 1 - share of its partner's, in order of time."""
    mixed = []
    for own, partner in enumerate(partners.tolist()):
        mine, theirs = batch[own], batch[partner]
        kept = rng.random(len(mine[0])) < share, rng.random(len(theirs[0])) >= share
        time_us, site = (np.concatenate([mine[i][kept[0]], theirs[i][kept[1]]]) for i in range(2))
        order = np.argsort(time_us, kind="stable")
        mixed.append((time_us[order], site[order]))
    return EventBatch.join(mixed)


def _with_events(recordings: Recordings, chosen: NDArray[np.int64], batch: EventBatch) -> Recordings:
    """The chosen recordings with these events, which transforms have kept valid, instead of their own."""
    values = {field.name: getattr(recordings, field.name) for field in fields(recordings)}
    values |= {"labels": np.asarray(recordings.labels)[chosen], "origins": np.asarray(recordings.origins)[chosen]}
    return Recordings._from_valid(**values | {"time_us": batch.time_us, "site": batch.site, "starts": batch.starts})
