"""Address events as files that other tools read: CSV, NumPy, HDF5."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike, fspath
from pathlib import Path

import numpy as np

from workbench.atomic import replacing
from workbench.events import EVENTS, Events

FIELDS = ("t", "x", "y", "p")


def write_events(events: Events, path: str | PathLike[str]) -> None:
    """Write events (x, y, t in microseconds, p) by the ending of a path: .csv, .npy, .h5 or .hdf5; whole or not at all.

    .csv: a line of names, then t,x,y,p of every event; .npy: one structured array; .h5: a group `events` with the
    columns x, y, t, p. `wb.formats.read` reads all of them. ValueError for another ending.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_events(np.array([(1, 0, 250, True)], dtype=EVENTS), f"{folder}/spikes.csv")
    ...     wb.formats.read(f"{folder}/spikes.csv")["t"].tolist()
    [250]
    """
    ending = Path(path).suffix.lower()
    if ending not in WRITERS:
        raise ValueError(
            f"{path}: events are written as {', '.join(WRITERS)}, not as {ending or 'no ending'}; name one"
        )
    if not len(events):
        raise ValueError(f"{path} would hold no event: nothing was sent; choose another node or recording")
    with replacing(fspath(path)) as aside:
        WRITERS[ending](np.asarray(events), aside)


def _write_csv(events: Events, path: Path) -> None:
    columns = np.column_stack([events[field].astype(np.int64) for field in FIELDS])
    np.savetxt(path, columns, fmt="%d", delimiter=",", header=",".join(FIELDS), comments="")


def _write_npy(events: Events, path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, events.astype(EVENTS), allow_pickle=False)


def _write_hdf5(events: Events, path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        for field in FIELDS:
            column = events[field]
            file.create_dataset(f"events/{field}", data=column.astype(np.uint8) if field == "p" else column)


WRITERS: Mapping[str, Callable[[Events, Path], None]] = {
    ".csv": _write_csv,
    ".npy": _write_npy,
    ".h5": _write_hdf5,
    ".hdf5": _write_hdf5,
}
