"""Generated data sets, kept as .npz files of plain arrays."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.atomic import replacing
from workbench.events.dataset import Dataset
from workbench.events.recordings import Recordings

_DAMAGE = (OSError, ValueError, TypeError, KeyError, EOFError, MemoryError, zipfile.BadZipFile, NotImplementedError)

GENERATION_VERSION = 1
"""Raise it when what is generated changes: files of other versions are then made again. A test compares digests."""

_ARRAYS = ("time_us", "site", "starts", "labels")


def load_or_generate(name: str, generate: Callable[[int], Dataset], root: Path, seed: int) -> Dataset:
    """Load the set from its file under ``root``, or generate it and write the file.

    The file's name carries the set, the seed and `GENERATION_VERSION`, so no stale file is read. Warns, naming the
    file, when it is damaged (and made anew) or cannot be written.
    """
    path = root / f"{name}-seed{seed}-v{GENERATION_VERSION}.npz"
    if path.exists():
        try:
            return _read(path)
        except _DAMAGE as error:
            warnings.warn(f"{path} is damaged ({error}); the set is generated again", stacklevel=4)
    dataset = generate(seed)
    try:
        _write(path, dataset)
    except OSError as error:
        warnings.warn(f"{path} was not written ({error}); give a writable root to load faster", stacklevel=4)
    return dataset


def _write(path: Path, dataset: Dataset) -> None:
    """Write aside in the same folder, then rename: there is never half a file under the name."""
    words = {
        "name": dataset.name, "split": dataset.split, "classes": dataset.classes, "shape": dataset.shape,
        "window_us": dataset.window_us,
    }  # fmt: skip
    arrays = {key: np.asarray(value) for key, value in words.items()}
    for part, recordings in (("train", dataset.train), ("test", dataset.test)):
        arrays |= {f"{part}_{field}": _small(getattr(recordings, field)) for field in _ARRAYS}
    with replacing(path) as aside, aside.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _small(array: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    """The same numbers in the narrowest type that holds them."""
    return array.astype(np.result_type(np.min_scalar_type(array.min()), np.min_scalar_type(array.max())))


def _read(path: Path) -> Dataset:
    if not path.is_file():
        raise ValueError("it is no ordinary file")
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        if any(member.compress_type != zipfile.ZIP_STORED for member in file.zip.infolist()):
            raise ValueError("its arrays are compressed, and the workbench writes none that are")
        arrays = {key: file[key] for key in file.files}
    name = str(arrays["name"])

    def part(which: str) -> Recordings:
        return Recordings(
            **{field: arrays[f"{which}_{field}"] for field in _ARRAYS},
            classes=tuple(arrays["classes"].tolist()),
            shape=tuple(arrays["shape"].tolist()),
            window_us=int(arrays["window_us"]),
            name=f"{name} {which}",
        )

    return Dataset(name, part("train"), part("test"), str(arrays["split"]))
