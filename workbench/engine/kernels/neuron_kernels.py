"""Neuron kernels: integrate-and-fire in place, and weighted counts of what was sent. Imported when first needed.

Units are numbered in the order in which they lie in memory, the channels of an image next to each other. A kernel does
the recordings `first` .. `last` - 1 unless it says otherwise, so that `parallel_for` can divide them.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import njit

from workbench.engine.kernels.neuron_scan import AT_ONCE, SPREAD
from workbench.engine.kernels.simd import LANES, larger, load, repeat, round_down, smaller, store

DYNAMICS = (
    "int64, int64, float32, float32, float32, float32, float32, boolean, boolean, boolean, boolean, float32, float32"
)
RANGE = "int64, int64"
ZERO, ONE = np.float32(0), np.float32(1)


class Kernel:
    """A function of these types, compiled when first asked for or read from numba's cache; other threads run on."""

    def __init__(self, signature: str, function: Callable[..., None]) -> None:
        self.signature, self.function = signature, function
        self._compiled: Callable[..., None] | None = None

    def compiled(self) -> Callable[..., None]:
        """The machine code; made without numba's cache, and a warning says why, where that is damaged or full."""
        if self._compiled is None:
            try:
                with cache_of_these_sources():
                    self._compiled = njit(self.signature, nogil=True, cache=True)(self.function)
            except (OSError, RuntimeError, ValueError, EOFError, ImportError) as error:
                self._compiled = njit(self.signature, nogil=True)(self.function)
                reason = f"{type(error).__name__}: {error}"
                warnings.warn(
                    f"numba cannot keep its machine code, which is made anew in every process ({reason}); set"
                    " NUMBA_CACHE_DIR to a folder that can be written, or empty the one that is used",
                    stacklevel=2,
                )
        return self._compiled


@contextmanager
def cache_of_these_sources() -> Iterator[None]:
    """Keep machine code in a folder for the kernels as they are written now.

    By itself numba looks whether the file of a kernel has changed, not those of the functions that it calls: after an
    update it would run what was compiled of both.
    """
    config: Any = numba.config  # which names its settings only when it is imported
    before = config.CACHE_DIR
    folder = Path(before) if before else Path(__file__).parent / "__pycache__"
    config.CACHE_DIR = str(folder / f"kernels-{digest_sources()}")
    try:
        yield
    finally:
        config.CACHE_DIR = before


@cache
def digest_sources() -> str:
    """A digest of all kernels."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def of_types(signature: str) -> Callable[[Callable[..., None]], Kernel]:
    """A decorator: the function below is a kernel."""
    return lambda function: Kernel(signature, function)


@njit(nogil=True)
def fire_row(
    drives: Any, membranes: Any, sent: Any, biases: Any, extra_bias: Any, phase: Any, frame: Any, emission: Any,
    start: Any, threshold: Any, floor: Any, ceiling: Any, burst: Any, signed: Any, reset_to_zero: Any, restart: Any,
    rectify: Any, leak: Any, grain: Any
) -> None:  # fmt: skip
    """Turn the drives of one tick into spikes; unit u is driven by (drives[u] + biases[u]) + extra_bias * biases[u].

    No two arrays may be the same: the loop would not become vector instructions.
    """
    if emission != AT_ONCE:
        count_row(
            drives, membranes, sent, biases, extra_bias, phase, frame, emission, start, threshold, floor, ceiling,
            burst, restart,
        )  # fmt: skip
        return
    if phase == 0 and signed:
        sent[:] = ZERO
    if phase == 0 and restart:
        membranes[:] = start
    if phase == 0 and rectify:
        membranes[:] = np.maximum(membranes, ZERO)
    if leak > 0:  # a loop of its own, which costs those without leak nothing
        for u in range(len(membranes)):
            membranes[u] = decay(membranes[u], leak, grain, grain > 0)
    if signed:
        for u in range(len(drives)):
            membrane = integrate(membranes[u], drives[u], biases[u], extra_bias, floor, ceiling)
            fired = count_spikes(membrane, threshold, -min(max(sent[u], ZERO), burst), burst)
            sent[u] += fired  # not after the next line: the loop would no longer become vector instructions
            membranes[u] = reset(membrane, fired, threshold, reset_to_zero, ONE)
            drives[u] = fired
    elif burst == 1 and threshold == 1 and not reset_to_zero:  # without a division and a floor: a third quicker
        for u in range(len(drives)):
            membrane = integrate(membranes[u], drives[u], biases[u], extra_bias, floor, ceiling)
            fired = np.float32(membrane >= threshold)
            membranes[u] = membrane - fired
            drives[u] = fired
    else:  # a loop of its own, which does not look at what was sent: a fifth quicker
        for u in range(len(drives)):
            membrane = integrate(membranes[u], drives[u], biases[u], extra_bias, floor, ceiling)
            fired = count_spikes(membrane, threshold, ZERO, burst)
            membranes[u] = reset(membrane, fired, threshold, reset_to_zero, ONE)
            drives[u] = fired


@njit(nogil=True)
def count_row(
    drives: Any, membranes: Any, sent: Any, biases: Any, extra_bias: Any, phase: Any, frame: Any, emission: Any,
    start: Any, threshold: Any, floor: Any, ceiling: Any, most: Any, restart: Any
) -> None:  # fmt: skip
    """The same where neurons count for a frame: `sent` is what they send in the frame that begins at its last tick."""
    for u in range(len(drives)):
        membranes[u] = integrate(membranes[u], drives[u], biases[u], extra_bias, -ceiling, ceiling)
    counted = phase == frame - 1
    if counted and restart:
        for u in range(len(drives)):
            sent[u] = count_spikes(membranes[u], threshold, ZERO, most)
            membranes[u] = start
    elif counted:
        for u in range(len(drives)):
            count = count_spikes(membranes[u], threshold, ZERO, most)
            membranes[u] = larger(floor, membranes[u] - count * threshold)
            sent[u] = count
    place, ticks = np.float32(0 if counted else phase + 1), np.float32(frame)
    if emission == SPREAD:
        for u in range(len(drives)):
            drives[u] = spread(sent[u], -place, -place - ONE, ticks)
    elif counted:
        drives[:] = sent
    else:
        drives[:] = ZERO


@njit(nogil=True, forceinline=True)
def spread(count: Any, before: Any, after: Any, ticks: Any) -> Any:
    """How many of N spikes are sent in tick q of the K that they are spread over, for `before` = -q, `after` = -q - 1.

    ceil((q + 1) N / K) - ceil(q N / K), and ceil(x) = -floor(-x).
    """
    return round_down(count * before / ticks) - round_down(count * after / ticks)


@njit(nogil=True, forceinline=True)
def decay(membrane: Any, leak: Any, grain: Any, in_grains: Any) -> Any:
    """The membrane less the share that leaks, in whole grains at most that much: V - (V >> k), counted in grains."""
    return membrane - (round_down(membrane * leak / grain) * grain if in_grains else membrane * leak)


@njit(nogil=True, forceinline=True)
def integrate(membrane: Any, drive: Any, bias: Any, extra_bias: Any, floor: Any, ceiling: Any) -> Any:
    """The membrane after its drive and its biases, at least the floor and at most the ceiling."""
    membrane = membrane + ((drive + bias) + extra_bias * bias)
    return smaller(ceiling, larger(floor, membrane))


@njit(nogil=True, forceinline=True)
def count_spikes(membrane: Any, threshold: Any, least: Any, most: Any) -> Any:
    """How many spikes a membrane sends."""
    return smaller(larger(round_down(membrane / threshold), least), most)


@njit(nogil=True, forceinline=True)
def reset(membrane: Any, fired: Any, threshold: Any, reset_to_zero: Any, one: Any) -> Any:
    """The membrane after its spikes."""
    return membrane * (one - smaller(fired, one)) if reset_to_zero else membrane - fired * threshold


@of_types(
    f"void({RANGE}, int64, float32[:,:,::1], float32[:,:,::1], float32[:,:,::1], float32[::1], float32[::1], int64, "
    f"{DYNAMICS})"
)
def scan_rows(
    first: int, last: int, parts: int, rows: Any, before: Any, state: Any, bias: Any, extra_biases: Any, elapsed: int,
    frame: int, emission: int, start: float, threshold: float, floor: float, ceiling: float, burst: float, signed: bool,
    reset_to_zero: bool, restart: bool, rectify: bool, leak: float, grain: float
) -> None:  # fmt: skip
    """Turn the drives of units into their spikes, one recording and one tick after the other.

    Here every recording counts as `parts`, each of so many units next to each other.

    `rows` (steps, batch, units) holds drives and, afterwards, spikes; `state` (2, batch, units) receives the membranes
    and counts, as `before` holds them, which is empty where they begin: what signed neurons have sent in this frame,
    and what those that count for a frame are sending.
    `extra_biases` (steps) is how many more biases than one arrive. The rest are `Dynamics`.
    """
    units = rows.shape[2]
    for lane in range(first, last):
        recording, part = divmod(lane, parts)
        some = slice(part * units // parts, (part + 1) * units // parts)
        membranes, sent, given = state[0, recording, some], state[1, recording, some], bias[some]
        if len(before):
            membranes[:] = before[0, recording, some]
        else:
            membranes[:] = start
        if (signed or emission != AT_ONCE) and len(before):
            sent[:] = before[1, recording, some]
        elif signed or emission != AT_ONCE:
            sent[:] = ZERO
        for step in range(len(rows)):
            row, extra_bias, phase = rows[step, recording, some], extra_biases[step], (elapsed + step) % frame
            fire_row(
                row, membranes, sent, given, extra_bias, phase, frame, emission,
                start, threshold, floor, ceiling, burst, signed, reset_to_zero, restart, rectify, leak, grain,
            )  # fmt: skip


@njit(nogil=True, fastmath={"reassoc"})
def weighted_count_row(row: Any, weights: Any, spikes: bool) -> float:
    """The weights of the units that are not 0, each as often as it spikes or once; they may be added in any order."""
    total = 0.0
    if spikes:
        for u in range(len(row)):
            total += abs(row[u]) * weights[u]
    else:
        for u in range(len(row)):
            total += weights[u] * np.float64(row[u] != ZERO)
    return total


@of_types(f"void({RANGE}, float32[:,:,::1], float64[:,::1], boolean, float64[:,:,::1])")
def weighted_count_rows(first: int, last: int, rows: Any, weights: Any, spikes: bool, sums: Any) -> None:
    """Sum the weights of active units, in the steps `first` .. `last` - 1, by recording and kind of `weights`.

    `rows` (steps, batch, units), `weights` (kinds, units), `sums` (steps, batch, kinds).
    """
    for step in range(first, last):
        for recording in range(rows.shape[1]):
            for kind in range(len(weights)):
                sums[step, recording, kind] = weighted_count_row(rows[step, recording], weights[kind], spikes)


@njit(nogil=True)
def measure_numbers(numbers: Any) -> Any:
    """The largest magnitude, and how far the numbers are from whole ones, together."""
    nothing, room = repeat(ZERO), np.empty((2, LANES), np.float32)
    largest, parts = nothing, nothing
    for begin in range(0, len(numbers), LANES):
        some = load(numbers, np.uint64(begin), np.uint64(min(len(numbers) - begin, LANES)))
        largest = larger(larger(some, nothing - some), largest)
        parts = parts + (some - round_down(some))
    store(room[0], np.uint64(0), np.uint64(LANES), largest)
    store(room[1], np.uint64(0), np.uint64(LANES), parts)
    return room[0].max(), room[1].sum()


@of_types(f"void({RANGE}, float32[::1], float32[:,::1])")
def measure_counts(first: int, last: int, numbers: Any, found: Any) -> None:
    """Of each piece of so many numbers its largest magnitude and how far its numbers are from whole ones."""
    for piece in range(first, last):
        some = slice(piece * len(numbers) // len(found), (piece + 1) * len(numbers) // len(found))
        found[piece, 0], found[piece, 1] = measure_numbers(numbers[some])
