"""How events map to sites: structured arrays (x, y, t, p) and flat indexes into a sensor's shape."""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import NDArray

from workbench.events.exact_integers import to_integers

Events = NDArray[np.void]
Sensor = tuple[int, int]
"""Height and width of a sensor in pixels."""
Numbers = NDArray[np.int32]

_LARGEST = int(np.iinfo(np.int32).max)

EVENTS = np.dtype([("x", np.int16), ("y", np.int16), ("t", np.int64), ("p", np.bool_)])
"""One event as in tonic: column, row, time in microseconds, polarity (True: brighter, ON)."""


def volume(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Read any shape as (polarities, height, width); a shape of one axis is a single row.

    >>> volume((2, 34, 34)), volume((5,))
    ((2, 34, 34), (1, 1, 5))
    """
    height, width = (1, 1, *shape)[-2:]
    return prod(shape[:-2]), height, width


def flatten(events: Events, shape: tuple[int, ...], owner: str) -> tuple[Numbers, Numbers]:
    """Times in microseconds and flat sites of one recording's events, sorted by time.

    Raises ValueError, naming ``owner`` and the event, for a missing field or an event outside ``shape``.

    >>> import numpy as np
    >>> flatten(np.array([(1, 0, 250, True)], dtype=EVENTS), (2, 2, 2), "example")
    (array([250], dtype=int32), array([5], dtype=int32))
    """
    events = np.asarray(events)
    missing = set("xytp") - set(events.dtype.names or ())
    if missing or events.ndim != 1:
        raise ValueError(
            f"{owner}: no field {', '.join(sorted(missing))}; give the fields x, y, t, p"
            if missing
            else f"{owner}: events of shape {events.shape}; give one row of them"
        )
    if prod(shape) > _LARGEST:
        raise ValueError(f"{owner}: shape {shape} has more than {_LARGEST:,} places; crop or downsample the events")
    time = to_integers(events["t"], "t", owner)
    late = (time > _LARGEST) | (time < -_LARGEST)
    if late.any():
        first = int(late.argmax())
        raise ValueError(f"{owner}: event {first} is at {time[first]} us; give microseconds from its start")
    site = np.zeros(len(events), dtype=np.int64)
    for field, size in zip("pyx", volume(shape), strict=True):
        value = to_integers(events[field], field, owner)
        outside = (value < 0) | (value >= size)
        if outside.any():
            first = int(outside.argmax())
            raise ValueError(
                f"{owner}: event {first} has {field} = {value[first]}, outside 0 to {size - 1} of {shape};"
                f" {'count polarities from 0, as p > 0 does' if field == 'p' else 'crop the events or mend the shape'}"
            )
        site = site * size + value
    order = slice(None) if (time[1:] >= time[:-1]).all() else np.argsort(time, kind="stable")
    return time[order].astype(np.int32), site[order].astype(np.int32)


def unflatten(time_us: Numbers, site: Numbers, shape: tuple[int, ...]) -> Events:
    """The structured events (dtype EVENTS) at flat sites; polarities beyond two widen the field p, wide images x and y.

    >>> import numpy as np
    >>> unflatten(np.array([250]), np.array([5]), (2, 2, 2)).tolist()
    [(1, 0, 250, True)]
    """
    polarities, height, width = volume(shape)
    place = EVENTS["x"] if max(height, width) <= np.iinfo(EVENTS["x"]).max + 1 else np.dtype(np.int32)
    polarity = EVENTS["p"] if polarities <= 2 else np.dtype(np.int16 if polarities <= 1 << 15 else np.int32)
    events = np.empty(len(site), dtype=[("x", place), ("y", place), ("t", EVENTS["t"]), ("p", polarity)])
    events["t"] = time_us
    events["p"], rest = np.divmod(site, height * width)
    events["y"], events["x"] = np.divmod(rest, width)
    return events
