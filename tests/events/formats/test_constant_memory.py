"""Long event files are read in constant memory."""

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from tests.support import event_writers as writers
from workbench.events import formats
from workbench.events.event_arrays import EVENTS

MANY = 2_000_000
MOST_BYTES = 6_000_000


def write_many(path: Path, kind: str) -> None:
    """Two million events, written at once by NumPy."""
    steps = np.arange(MANY, dtype=np.int64)
    if kind == "bin":
        rows = np.zeros((MANY, 5), np.uint8)
        rows[:, 2], rows[:, 3], rows[:, 4] = steps >> 16 & 127, steps >> 8 & 255, steps & 255
        path.write_bytes(rows.tobytes())
    elif kind == "aedat2":
        pairs = np.stack([steps & 0x7FFF, steps], 1).astype(">u4")
        path.write_bytes(writers.AEDAT2_HEADER.encode() + pairs.tobytes())
    elif kind == "dat":
        path.write_bytes(writers.dat([]) + np.stack([steps, steps & 127], 1).astype("<u4").tobytes())
    elif kind == "evt2":
        words = np.stack([0x80000000 | steps, steps & 127], 1).astype("<u4")
        path.write_bytes(b"% evt 2.0\n" + words.tobytes())
    elif kind == "evt3":
        words = np.array([0x3001, 0x4FFF, 0x50FF], "<u2")
        path.write_bytes(
            b"% evt 3.0\n" + struct.pack("<3H", 0x8000, 0x6000, 0x0003) + np.tile(words, MANY // 20).tobytes()
        )
    elif kind == "npy":
        events = np.zeros(MANY, EVENTS)
        events["t"] = steps
        np.save(path, events, allow_pickle=False)
    elif kind == "npz":
        nothing = np.zeros(MANY, np.uint8)
        np.savez_compressed(path, t=steps, x=nothing, y=nothing, p=nothing)
    elif kind == "csv":
        path.write_text("t,x,y,p\n" + "\n".join(f"{step},1,2,0" for step in range(MANY)) + "\n")
    else:
        import h5py

        with h5py.File(path, "w") as file:
            for field in "xytp":
                values = steps if field == "t" else np.zeros(MANY, np.uint8)
                file.create_dataset(f"events/{field}", data=values, chunks=(2**14,), compression="gzip")


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [("bin", ".bin"), ("aedat2", ".aedat"), ("dat", ".dat"), ("evt2", ".raw"), ("evt3", ".raw"), ("npy", ".npy"),
     ("npz", ".npz"), ("csv", ".csv"), ("hdf5", ".h5")],
)  # fmt: skip
def test_long_files_are_not_held(kind, suffix, tmp_path):
    path = tmp_path / f"long{suffix}"
    write_many(path, kind)
    next(formats.stream(path, events=10))  # packages are loaded
    tracemalloc.start()
    try:
        count = sum(len(block) for block in formats.stream(path, events=2**14))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == MANY
    assert most < MOST_BYTES, f"{most:,} bytes at once"
