"""Functions to sweep, which workers can import, and ways to disturb them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

LOADED = 0
"""How often a `Counted` has been unpacked in this process."""


def measure(a: int, b: float, seed: int, data: np.ndarray[Any, Any] | None = None) -> dict[str, Any]:
    """Numbers, a text, a boolean and nothing, of every parameter and the seed."""
    noise = np.random.default_rng(seed).normal(size=8).astype(np.float32)
    total = float(noise.sum()) + (0.0 if data is None else float(data.sum()))
    return {"total": total * b, "whole": a * 3, "even": a % 2 == 0, "name": f"a{a}", "none": None if a % 2 else b}


def measure_or_fail(a: int, b: float, seed: int) -> dict[str, Any]:
    """As `measure`, but not where a is 2."""
    if a == 2:
        raise LookupError(f"there is no {a}")
    return measure(a, b, seed)


def die_once(a: int, folder: str) -> int:
    """End its process the first time that it is called with a 1; return a."""
    mark = Path(folder) / f"died-{a}"
    if a == 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return a


def die(a: int) -> int:
    """End its process at 1."""
    if a == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return a


def hang(a: int, seconds: float = 60.0) -> int:
    """Sleep at 1."""
    if a == 1:
        time.sleep(seconds)
    return a


def interrupt(a: int, at: int, parent: int) -> int:
    """Interrupt the process that sweeps, at one point."""
    if a == at:
        os.kill(parent, signal.SIGINT)
        time.sleep(0.5)
    return a


def count_loads(a: int, thing: Counted) -> dict[str, int]:
    """The process, and how often it has unpacked a thing."""
    return {"process": os.getpid(), "loaded": LOADED, "size": len(thing.data)}


class Counted:
    """Bytes that count how often they are packed and unpacked."""

    packed = 0

    def __init__(self, size: int) -> None:
        self.data = bytes(size)

    def __getstate__(self) -> bytes:
        Counted.packed += 1
        return self.data

    def __setstate__(self, data: bytes) -> None:
        global LOADED
        LOADED += 1
        self.data = data


def describe_array(a: int, data: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Whether an array can be written, and what it holds."""
    return {"writable": data.flags.writeable, "total": int(data.sum())}


def return_anything(a: int, values: list[Any]) -> Any:
    """One of these values."""
    return values[a]
