"""From drives to lists of spikes where neurons count for a frame, and send what they counted in the ticks after it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from workbench.engine.kernels.fire_kernels import WHOLE, list_tile
from workbench.engine.kernels.neuron_kernels import ONE, ZERO, count_spikes, integrate, spread
from workbench.engine.kernels.neuron_scan import SPREAD
from workbench.engine.kernels.simd import LANES, WIDTH, differ, is_active, larger, load, repeat, store


@njit(nogil=True)
def count_and_list(
    drives: Any, low: int, high: int, membranes: Any, sent: Any, place: int, biases: Any, bias: int, waiting: Any,
    fired: Any, biased: bool, extra_bias: Any, phase: int, frame: int, emission: int, start: Any, threshold: Any,
    floor: Any, ceiling: Any, most: Any, restart: Any, units: Any, values: Any, end: int
) -> int:  # fmt: skip
    """What `fire_and_list` does, where neurons count for a frame: their counts are `sent` in the K ticks that follow.

    A tile that nothing reaches and no bias moves stays as it is, but in the last tick of a frame, in which all are
    counted; one that is not `waiting` has nothing to send until then.
    """
    counted, moved = phase == frame - 1, biased and extra_bias != -1
    tick, whole = np.float32(0 if counted else phase + 1), low + (high - low) // WIDTH * WIDTH
    for begin in range(low, high, WIDTH):
        tile, count = (begin - low) // WIDTH, WIDTH if begin < whole else high - whole
        if counted or moved or count < WIDTH or is_active(drives, np.uint64(begin)):
            some = count_tile(
                drives, begin, count, membranes, sent, place + begin, biases, bias + begin, biased, extra_bias, counted,
                start, threshold, floor, ceiling, most, restart,
            )  # fmt: skip
            waiting[tile] = some if counted else waiting[tile]
        if waiting[tile] and (counted or emission == SPREAD):
            active = send_tile(sent, count, place + begin, fired, emission, tick, np.float32(frame))
            end = list_tile(fired, 0, begin, active, units, values, end)
    return end


@njit(nogil=True, forceinline=True)
def count_lanes(count: Any, part: int) -> Any:
    """How many of so many units lie in this register of a tile."""
    return WHOLE if count == WIDTH else np.uint64(min(max(count - part * LANES, 0), LANES))


@njit(nogil=True, forceinline=True)
def count_tile(
    drives: Any, begin: Any, count: Any, membranes: Any, sent: Any, place: Any, biases: Any, bias: Any, biased: Any,
    extra_bias: Any, counted: Any, start: Any, threshold: Any, floor: Any, ceiling: Any, most: Any, restart: Any
) -> Any:  # fmt: skip
    """Add the drives of up to `WIDTH` units to their membranes, clear them and, if it is time, count: whether any has
    something to send.
    """
    nothing, limit, highest, extra = repeat(ZERO), repeat(threshold), repeat(ceiling), repeat(extra_bias)
    some = np.uint64(0)
    for part in range(WIDTH // LANES):
        ahead, lanes = np.uint64(part * LANES), count_lanes(count, part)
        here, there = np.uint64(begin) + ahead, np.uint64(place) + ahead
        given = load(biases, np.uint64(bias) + ahead, lanes) if biased else nothing
        membrane, drive = load(membranes, there, lanes), load(drives, here, lanes)
        membrane = integrate(membrane, drive, given, extra, nothing - highest, highest)
        if counted:
            number = count_spikes(membrane, limit, nothing, repeat(most))
            membrane = repeat(start) if restart else larger(repeat(floor), membrane - number * limit)
            store(sent, there, lanes, number)
            some |= differ(number, nothing)
        store(membranes, there, lanes, membrane)
        store(drives, here, lanes, nothing)
    return some != np.uint64(0)


@njit(nogil=True, forceinline=True)
def send_tile(sent: Any, count: Any, place: Any, fired: Any, emission: Any, tick: Any, frame: Any) -> Any:
    """Which of up to `WIDTH` units send a spike in this tick of the frame in which their counts are sent, as bits.

    All that a unit has counted is written to `fired`, unless it is spread.
    """
    active, nothing, ticks = np.uint64(0), repeat(ZERO), repeat(frame)
    before, after = repeat(-tick), repeat(-tick - ONE)
    for part in range(WIDTH // LANES):
        ahead = np.uint64(part * LANES)
        number = load(sent, np.uint64(place) + ahead, count_lanes(count, part))
        if emission == SPREAD:
            active |= differ(spread(number, before, after, ticks), nothing) << ahead
        else:
            store(fired, ahead, WHOLE, number)
            active |= differ(number, nothing) << ahead
    return active
