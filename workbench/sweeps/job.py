"""What is the same at every point, the function and what is shared: it goes to each worker once.

Workers on this machine read it from one file, by path and checksum, and map its arrays into memory: they share them
with each other. The file lives as long as the sweep.
"""

from __future__ import annotations

import pickle
import sys
import uuid
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
from numpy.typing import NDArray

from workbench.machine import find_version

ALIGNED = 64  # bytes: arrays begin at multiples of a cache line


def _tell_versions() -> dict[str, str]:
    return {"workbench": find_version(), "Python": f"{sys.version_info.major}.{sys.version_info.minor}"}


def name_difference(versions: Mapping[str, str]) -> str:
    """In what this process differs from the one that made a job; nothing, if it may run it."""
    here = _tell_versions()
    differing = [name for name, version in versions.items() if here[name] != version]
    return " and ".join(f"{name} {here[name]}, not {versions[name]}" for name in differing)


@dataclass(frozen=True)
class Job:
    """The function, what all points share, and the versions that it was made with; `seeded` adds seeds."""

    function: Callable[..., Any]
    shared: Mapping[str, Any]
    versions: Mapping[str, str] = field(default_factory=_tell_versions)

    def open(self) -> Job:
        """Itself: it is here already."""
        return self


@dataclass(frozen=True)
class JobFile:
    """A job in a file: where it is, what its bytes add up to, and where in it the arrays lie."""

    path: str
    checksum: int
    extents: Sequence[tuple[int, int]]  # begin and size; the first is what holds the arrays together

    def open(self) -> Job:
        """The job, read once in each process; its arrays are mapped and read-only. OSError where it is damaged."""
        return _open_once(f"{self.path} {self.checksum}", self._read)

    def _read(self) -> Job:
        content = np.memmap(self.path, dtype=np.uint8, mode="r")
        if zlib.crc32(content.data) != self.checksum:
            raise OSError(f"{self.path} is not what was written")
        head, *arrays = (content[begin : begin + size] for begin, size in self.extents)
        job: Job = pickle.loads(head.data, buffers=[array.data for array in arrays])
        return job


@dataclass(frozen=True, eq=False)
class PackedJob:
    """A job as bytes that travel by themselves: scattered by dask, or with every point where nobody knows better."""

    key: str
    head: bytes
    arrays: tuple[NDArray[np.uint8], ...]

    def open(self) -> Job:
        """The job, unpacked once in each process."""
        return _open_once(self.key, lambda: pickle.loads(self.head, buffers=self.arrays))


def pack_job(job: Job) -> PackedJob:
    """Pack a job for other processes; ValueError, with the name, for what cannot be sent."""
    arrays: list[pickle.PickleBuffer] = []
    try:
        head = cloudpickle.dumps(job, protocol=5, buffer_callback=arrays.append)
    except Exception as error:
        raise ValueError(_explain_unsendable(job, error)) from error
    raw = tuple(np.frombuffer(array.raw(), dtype=np.uint8) for array in arrays)
    return PackedJob(uuid.uuid4().hex, head, raw)


def write_job(job: Job, path: Path) -> JobFile:
    """Write a job for other processes of this machine; ValueError, with the name, for what cannot be sent."""
    packed = pack_job(job)
    extents, checksum, place = [], 0, 0
    with path.open("wb") as file:
        for part in (memoryview(packed.head), *(array.data for array in packed.arrays)):
            gap = bytes(-place % ALIGNED)
            for piece in (gap, part):
                file.write(piece)
                checksum = zlib.crc32(piece, checksum)
            extents.append((place + len(gap), part.nbytes))
            place += len(gap) + part.nbytes
    return JobFile(str(path), checksum, tuple(extents))


def _open_once(key: str, read: Callable[[], Job]) -> Job:
    """The job of this name, read unless it was the last one."""
    found = _last.get(key)
    if found is None:
        found = read()
        _last.clear()
        _last[key] = found
    return found


_last: dict[str, Job] = {}


def _explain_unsendable(job: Job, error: Exception) -> str:
    """Which part of a job cannot be sent, and what to do."""
    for name, value in {name_part(job): job.function, **{f"shared {key}": v for key, v in job.shared.items()}}.items():
        try:
            cloudpickle.dumps(value)
        except Exception as reason:
            return (
                f"sweep: {name} cannot be sent to another process ({reason}); let the function open or make it, or "
                'give executor="here"'
            )
    return f'sweep: this cannot be sent to another process ({error}); give executor="here"'


def name_part(job: Job) -> str:
    """The function, as a message names it."""
    return f"the function {getattr(job.function, '__qualname__', job.function)!s}"
