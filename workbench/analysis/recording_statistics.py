"""What recordings hold, in numbers: events by step, by recording and by class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from workbench.events import Dataset, Recordings

if TYPE_CHECKING:
    import pandas as pd


def count_events(counts: ArrayLike, window_us: float) -> pd.DataFrame:
    """Events of one recording at every step: one row per step.

    `counts` (steps, 2, height, width) are its frames or ticks, OFF before ON, which together last `window_us`. Columns:
    step, begin_ms, end_ms, off, on (numbers of events). ValueError for another shape.

    >>> count_events(np.ones((2, 2, 3, 3), dtype=int), window_us=8000).values.tolist()
    [[0.0, 0.0, 4.0, 9.0, 9.0], [1.0, 4.0, 8.0, 9.0, 9.0]]
    """
    import pandas as pd

    counts = np.asarray(counts)
    if counts.ndim != 4 or counts.shape[1] != 2:
        raise ValueError(
            f"count_events: shape {counts.shape} does not fit; expected (steps, 2, height, width), counts of OFF and "
            "ON events of one recording"
        )
    totals = counts.reshape(len(counts), 2, -1).sum(axis=2).astype(int)
    edges_ms = np.arange(len(counts) + 1) * window_us / len(counts) / 1000
    columns = {"begin_ms": edges_ms[:-1], "end_ms": edges_ms[1:], "off": totals[:, 0], "on": totals[:, 1]}
    return pd.DataFrame({"step": np.arange(len(counts)), **columns})


def summarise_recordings(recordings: Recordings | Dataset) -> pd.DataFrame:
    """How many recordings there are and how busy they are: one row per part, of a `Dataset` train and test.

    Columns: part ("recordings" where there is only one), recordings, classes (how many), events (of all), mean_events,
    min_events, max_events (per recording), events_per_ms (mean_events over the time that all frames cover).

    >>> recordings = Recordings.from_ticks(np.ones((4, 3, 2, 5, 5), dtype=int), [0, 1, 1], ticks_per_frame=2)
    >>> summarise_recordings(recordings)[["recordings", "classes", "mean_events"]].values.tolist()
    [[3.0, 2.0, 200.0]]
    """
    import pandas as pd

    rows = []
    for part, each in name_parts(recordings).items():
        sizes = np.diff(each.starts)
        row = {"part": part, "recordings": len(each), "classes": len(each.classes), "events": int(sizes.sum())}
        row |= {"mean_events": sizes.mean(), "min_events": sizes.min(), "max_events": sizes.max()}
        rows.append(row | {"events_per_ms": sizes.mean() / each.window_us * 1000})
    return pd.DataFrame(rows)


def count_classes(recordings: Recordings | Dataset) -> pd.DataFrame:
    """Recordings of every class and how busy they are: one row per part and class, in the order of the classes.

    Columns: part (as in `summarise_recordings`), label (the class), recordings, mean_events (per recording; NaN for a
    class without any), events_per_ms.

    >>> recordings = Recordings.from_ticks(np.ones((4, 3, 2, 5, 5), dtype=int), [0, 1, 1], ("a", "b"))
    >>> count_classes(recordings)[["label", "recordings"]].values.tolist()
    [['a', 1], ['b', 2]]
    """
    import pandas as pd

    tables = []
    for part, each in name_parts(recordings).items():
        classes = len(each.classes)
        count = np.bincount(each.labels, minlength=classes)
        events = np.bincount(each.labels, weights=np.diff(each.starts), minlength=classes)
        mean = np.divide(events, count, out=np.full(classes, np.nan), where=count > 0)
        columns = {"label": list(each.classes), "recordings": count, "mean_events": mean}
        tables.append(pd.DataFrame({"part": part, **columns, "events_per_ms": mean / each.window_us * 1000}))
    return pd.concat(tables, ignore_index=True)


def name_parts(recordings: Recordings | Dataset) -> dict[str, Recordings]:
    """Recordings by the name of their part: train and test of a `Dataset`, else "recordings" alone.

    >>> list(name_parts(Recordings.from_ticks(np.ones((4, 1, 2), dtype=int), labels=[0])))
    ['recordings']
    """
    if isinstance(recordings, Dataset):
        return {"train": recordings.train, "test": recordings.test}
    return {"recordings": recordings}
