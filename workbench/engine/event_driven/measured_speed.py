"""How long components took here, against what was estimated: measured while models run, and kept for the machine."""

from __future__ import annotations

import atexit
import hashlib
import json
import math
import os
import threading
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import torch

from workbench.atomic import replacing
from workbench.engine.kernels.neuron_kernels import digest_sources
from workbench.machine import name_processor

WEIGHT = 0.1  # of a newer measurement that is slower: it may have met a busy machine
MOST = 2000  # factors kept of a machine, the newest ones
MACHINES = 20  # that are kept; one with another number of threads, or after an update, is another one
OFTEN = 6  # as many tries as are ever asked for
FACTORS = 1e-3, 1e3  # what a factor can be; whatever else a file says is not believed


class MeasuredSpeed:
    """Factors between the time that was estimated and the time that something took, by key; None where none is known.

    A first measurement may hold what is compiled, loaded or allotted only once: it takes a second one to know a factor.

    >>> speed = MeasuredSpeed({})
    >>> speed.record("dense loop", 45.0)
    >>> speed.record("dense loop", 2.0)
    >>> speed.factor("dense loop"), speed.factor("events loop"), speed.usual("dense"), speed.usual("events")
    (2.0, None, 2.0, 1.0)
    """

    def __init__(self, factors: dict[str, float]) -> None:
        self.factors, self.changed = dict(factors), False
        self.known = frozenset(factors)  # from the beginning
        self._first, self._tries = dict[str, float](), dict[str, int]()  # what was measured only once
        self._usual: dict[str, float] = {}  # until something new was measured
        self._lock = threading.Lock()  # panels run models in the background

    def factor(self, key: str) -> float | None:
        """The factor of this key; None as long as it was not measured twice."""
        return self.factors.get(key)

    def tries(self, key: str) -> int:
        """How often something was chosen only to measure this; what was known before this process needs no more."""
        return self._tries.get(key, OFTEN if key in self.known else 0)

    def note_try(self, key: str) -> None:
        """Count such a choice."""
        with self._lock:
            self._tries[key] = self.tries(key) + 1

    def usual(self, kind: str) -> float:
        """The geometric mean of all factors of keys that begin like this; 1 where there are none."""
        with self._lock:
            if kind not in self._usual:
                found = [math.log(factor) for key, factor in self.factors.items() if key.startswith(f"{kind} ")]
                self._usual[kind] = math.exp(sum(found) / len(found)) if found else 1.0
            return self._usual[kind]

    def record(self, key: str, factor: float) -> None:
        """Take in a measurement."""
        least, most = FACTORS
        factor = min(max(factor, least), most)
        with self._lock:
            settled = key in self.factors
            before = self.factors.pop(key, self._first.pop(key, None))
            if before is None:
                self._first[key] = factor
                return
            if not settled:
                factor = min(factor, before)
                self._usual.clear()
            elif factor > before:
                factor = before ** (1 - WEIGHT) * factor**WEIGHT
            self.factors[key], self.changed = factor, True
            while len(self.factors) > MOST:
                del self.factors[next(iter(self.factors))]


@cache
def measured_speed(threads: int) -> MeasuredSpeed:
    """What was measured on this machine with so many threads, in this process and before; written when it ends."""
    path, machine = find_speed_file(), name_machine(threads)
    speed = MeasuredSpeed(_read(path).get(machine, {}))
    atexit.register(keep_speed, speed, path, machine)
    return speed


def keep_speed(speed: MeasuredSpeed, path: Path, machine: str) -> None:
    """Write what was measured beside what others have written; where that fails, it is measured again."""
    if not speed.changed:
        return
    known = _read(path)
    known.pop(machine, None)
    known[machine] = speed.factors
    known = dict([*known.items()][-MACHINES:])
    try:
        with replacing(path) as aside:
            aside.write_text(json.dumps(known))
    except OSError:
        return  # a folder that cannot be written costs the next process a few blocks


def find_speed_file() -> Path:
    """The file in the user's cache folder."""
    folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(folder) / "workbench" / "engine_speed.json"


def name_machine(threads: int) -> str:
    """The processor, what torch takes it for, how many threads it uses, and what estimates and kernels were timed."""
    estimates = hashlib.blake2b(Path(__file__).with_name("cost_model.py").read_bytes(), digest_size=4).hexdigest()
    timed = f"{estimates} {digest_sources()} torch {torch.__version__}"
    return ", ".join([name_processor(), f"{threads} threads", timed])


def _read(path: Path) -> dict[str, dict[str, float]]:
    """What the file holds; nothing where there is none, or where it is damaged."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(name): dict(_believe(factors.items())) for name, factors in found.items() if isinstance(factors, dict)}


def _believe(factors: Iterable[tuple[object, object]]) -> Iterable[tuple[str, float]]:
    least, most = FACTORS
    for key, factor in factors:
        if isinstance(key, str) and isinstance(factor, float) and least <= factor <= most:
            yield key, factor
