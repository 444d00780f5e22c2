"""Kernels for looking closely: linear maps of sparse activity, scans that are observed, and sums of errors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from workbench.engine.kernels.event_kernels import list_row
from workbench.engine.kernels.fire_kernels import UNROLL
from workbench.engine.kernels.neuron_kernels import (
    DYNAMICS,
    RANGE,
    ZERO,
    count_spikes,
    decay,
    fire_row,
    integrate,
    of_types,
)
from workbench.engine.kernels.neuron_scan import AT_ONCE
from workbench.engine.kernels.scatter_kernels import scatter
from workbench.engine.kernels.simd import LANES, larger, round_down, smaller

ROWS, COUNTING = "float32[:,::1]", "float32, float32, float32, float32"


@of_types(f"void({RANGE}, float32[:,::1], float32[:,::1], int64[::1], int32[:,::1], float32[::1])")
def scatter_rows(first: int, last: int, rows: Any, targets: Any, edge: Any, runs: Any, weights: Any) -> None:
    """Write the linear map of each row, which is mostly 0, into `targets`; `edge`, `runs` and `weights` as in lists."""
    width, highest = rows.shape[1], targets.shape[1]
    units, values = np.empty(width + UNROLL, np.int32), np.empty(width + UNROLL, np.float32)
    drives = np.zeros(highest + LANES, np.float32)  # whole lanes are read and written, also at its end
    for row in range(first, last):
        end = list_row(rows[row], 0, width, units, values, 0)
        scatter(drives, 0, highest, 0, end, units, values, edge, runs, weights)
        targets[row] = drives[:highest]
        drives[:] = ZERO


@njit(nogil=True)
def add_row(total: Any, row: Any) -> None:
    """Add numbers to others, unit by unit."""
    for u in range(len(row)):
        total[u] += row[u]


@of_types(
    f"void({RANGE}, float32[:,:,::1], float32[:,:,::1], float32[:,:,::1], float32[:,:,::1], int64, int64[::1], "
    f"{DYNAMICS})"
)
def observe_rows(
    first: int, last: int, rows: Any, state: Any, unbound: Any, sums: Any, elapsed: int, held: Any,
    frame: int, emission: int, start: float, threshold: float, floor: float, ceiling: float, burst: float,
    signed: bool, reset_to_zero: bool, restart: bool, rectify: bool, leak: float, grain: float
) -> None:  # fmt: skip
    """Turn the drives in `rows` (steps, batch, units) into spikes, and sum up what happens.

    `state` (2, batch, units) holds membranes and counts, as of `scan_rows`, `unbound` the same of neurons without a
    floor, and is empty where there is none. `sums` (3, batch, units) receives the drives, the spikes and those without
    a floor, summed over the steps, `held` (batch) how many membranes would be below the floor. Of neurons that count
    for a frame the spikes are those that are counted, and the floor is that of what they keep.
    """
    units = rows.shape[2]
    nothing, others = np.zeros(units, np.float32), np.empty(units, np.float32)
    for recording in range(first, last):
        potential, count = state[0, recording], 0
        drives, spikes, free = sums[0, recording], sums[1, recording], sums[2, recording]
        for step in range(len(rows)):
            row, phase = rows[step, recording], (elapsed + step) % frame
            if len(unbound):
                others[:] = row
            if phase == 0 and restart and emission == AT_ONCE:
                potential[:] = start
            if phase == 0 and rectify:
                potential[:] = np.maximum(potential, ZERO)
            for u in range(units):
                drives[u] += row[u]
            counted = emission == AT_ONCE or phase == frame - 1
            if len(unbound) and emission == AT_ONCE:
                for u in range(units):
                    count += decay(potential[u], leak, grain, grain > 0) + row[u] < floor
            elif len(unbound) and counted:
                for u in range(units):
                    met = integrate(potential[u], row[u], ZERO, ZERO, -ceiling, ceiling)
                    count += met - threshold * count_spikes(met, threshold, ZERO, burst) < floor
            fire_row(
                row, potential, state[1, recording], nothing, ZERO, phase, frame, emission, start, threshold, floor,
                ceiling, burst, signed, reset_to_zero, restart, rectify, leak, grain,
            )  # fmt: skip
            if counted:
                add_row(spikes, row if emission == AT_ONCE else state[1, recording])
            if len(unbound):
                fire_row(
                    others, unbound[0, recording], unbound[1, recording], nothing, ZERO, phase, frame, emission, start,
                    threshold, -ceiling, ceiling, burst, signed, reset_to_zero, restart, rectify, leak, grain,
                )  # fmt: skip
                if counted:
                    add_row(free, others if emission == AT_ONCE else unbound[1, recording])
        if not len(unbound):
            free[:] = spikes
        held[recording] = count


@njit(nogil=True, forceinline=True)
def count_frame(membrane: Any, threshold: Any, most: Any) -> Any:
    """The spikes of a frame whose drive comes all at once."""
    return smaller(larger(round_down(membrane / threshold), ZERO), most)


@of_types(f"void({RANGE}, {ROWS}, {ROWS}, {ROWS}, {ROWS}, {ROWS}, {ROWS}, float32[::1], float64[:,::1], {COUNTING})")
def sum_error_rows(
    first: int, last: int, targets: Any, presumed: Any, before: Any, drives: Any, spikes: Any, free: Any, scales: Any,
    sums: Any, ticks: float, start: float, threshold: float, most: float
) -> None:  # fmt: skip
    """Sum up by recording how far `spikes` are from `targets`, and why, over all units (batch, units).

    The sums: targets, activities, errors without their signs, targets without signs, as many spikes as can be, none
    although half of one was expected; and, as far as they enlarge the error, the differences between one count of
    spikes and the next, from the expected one to the spikes.
    """
    for recording in range(first, last):
        target_sum, found_sum, error_sum, magnitude, saturated, silent = 0.0, 0.0, 0.0, 0.0, 0, 0
        quantisation, saturation, sources, delays, carry, unevenness, floor = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for u in range(len(scales)):
            target, sent, spike = targets[recording, u], spikes[recording, u], scales[u] / ticks
            found = sent * spike
            error = found - target
            sign = spike * np.float32((error > ZERO) - np.float32(error < ZERO))
            expected = target * ticks / scales[u] / threshold
            whole = larger(round_down(expected + start), ZERO)
            possible = smaller(whole, most)
            came = count_frame(presumed[recording, u] + start * threshold, threshold, most)
            arrived = count_frame(drives[recording, u] + start * threshold, threshold, most)
            left = count_frame(drives[recording, u] + before[recording, u], threshold, most)
            target_sum += target
            found_sum += found
            error_sum += abs(error)
            magnitude += abs(target)
            saturated += sent >= most
            silent += (target > spike / np.float32(2)) & (sent == ZERO)
            quantisation += (whole - expected) * sign
            saturation += (possible - whole) * sign
            sources += (came - possible) * sign
            delays += (arrived - came) * sign
            carry += (left - arrived) * sign
            unevenness += (free[recording, u] - left) * sign
            floor += (sent - free[recording, u]) * sign
        total = sums[recording]
        total[0], total[1], total[2], total[3], total[4], total[5] = (
            target_sum, found_sum, error_sum, magnitude, saturated, silent
        )  # fmt: skip
        total[6], total[7], total[8], total[9] = quantisation, saturation, sources, delays
        total[10], total[11], total[12] = carry, unevenness, floor
