"""From drives to lists of spikes in one pass over the units of a node, which leaves out what nothing has reached."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from workbench.engine.kernels.neuron_kernels import ONE, ZERO, count_spikes, decay, integrate, reset
from workbench.engine.kernels.simd import (
    LANES,
    WIDTH,
    count_ones,
    count_reaching,
    count_trailing_zeros,
    differ,
    is_active,
    larger,
    load,
    reach,
    repeat,
    smaller,
    store,
)

UNROLL = 8  # spikes that are listed at a time, whether there are so many or not: a branch per spike is mispredicted
WHOLE = np.uint64(LANES)


@njit(nogil=True, forceinline=True)
def begin_frame(
    membranes: Any, sent: Any, first: Any, last: Any, start: Any, signed: Any, restart: Any, rectify: Any
) -> None:
    """What happens to the membranes `first` .. `last` - 1 when a frame begins."""
    for u in range(first, last):
        if signed:
            sent[u] = ZERO
        if restart:
            membranes[u] = start
        if rectify:
            membranes[u] = larger(membranes[u], ZERO)


@njit(nogil=True)
def fire_and_list(
    drives: Any, low: int, high: int, membranes: Any, sent: Any, place: int, biases: Any, bias: int, restless: Any,
    fired: Any, biased: bool, extra_bias: Any, threshold: Any, floor: Any, ceiling: Any, burst: Any, signed: Any,
    reset_to_zero: Any, leak: Any, grain: Any, units: Any, values: Any, end: int
) -> int:  # fmt: skip
    """Turn the drives `low` .. `high` - 1 of a tick into spikes, list them, and clear the drives; where the list ends.

    Unit u has the membrane `place` + u and, if the node is `biased`, the bias `bias` + u. `fired` is room for the
    spikes of a tile, which are 1 from the start. A tile that nothing reaches and no bias moves, as all but the first
    tick of a frame take it back where it arrives early, stays as it is, unless it is `restless`: it has a membrane left
    that reaches the threshold, as after a burst, or that leaks. Signed neurons are always looked at.
    """
    whole, moved = low + (high - low) // WIDTH * WIDTH, signed or (biased and extra_bias != -1)
    for begin in range(low, whole, WIDTH):
        tile = (begin - low) // WIDTH
        if moved or restless[tile] or is_active(drives, np.uint64(begin)):
            active, restless[tile] = fire_tile(
                drives, begin, WIDTH, membranes, sent, place + begin, biases, bias + begin, fired,
                biased, extra_bias, threshold, floor, ceiling, burst, signed, reset_to_zero,
                leak, grain,
            )  # fmt: skip
            end = list_tile(fired, 0, begin, active, units, values, end)
    if whole < high:
        active, _ = fire_tile(
            drives, whole, high - whole, membranes, sent, place + whole, biases, bias + whole, fired,
            biased, extra_bias, threshold, floor, ceiling, burst, signed, reset_to_zero, leak,
            grain,
        )  # fmt: skip
        end = list_tile(fired, 0, whole, active, units, values, end)
    return end


@njit(nogil=True, forceinline=True)
def fire_tile(
    drives: Any, begin: Any, count: Any, membranes: Any, sent: Any, place: Any, biases: Any, bias: Any, fired: Any,
    biased: Any, extra_bias: Any, threshold: Any, floor: Any, ceiling: Any, burst: Any, signed: Any, reset_to_zero: Any,
    leak: Any, grain: Any
) -> Any:  # fmt: skip
    """Turn the drives of up to `WIDTH` units into spikes and clear them: which units spike, as bits of a word, and
    whether a membrane is left that reaches the threshold, or that leaks.

    The spikes are written to `fired`, unless each of them is one.
    """
    nothing, one, many = repeat(ZERO), repeat(ONE), repeat(burst)
    limit, lowest, highest, extra = repeat(threshold), repeat(floor), repeat(ceiling), repeat(extra_bias)
    active, most, single = np.uint64(0), lowest, burst == 1 and not signed
    leaks, in_grains, share, unit, leaking = leak > 0, grain > 0, repeat(leak), repeat(grain), np.uint64(0)
    for part in range(WIDTH // LANES):
        ahead = np.uint64(part * LANES)
        lanes = WHOLE if count == WIDTH else np.uint64(min(max(count - part * LANES, 0), LANES))
        here, there = np.uint64(begin) + ahead, np.uint64(place) + ahead
        given = load(biases, np.uint64(bias) + ahead, lanes) if biased else nothing
        membrane = load(membranes, there, lanes)
        if leaks:
            membrane = decay(membrane, share, unit, in_grains)
        membrane = integrate(membrane, load(drives, here, lanes), given, extra, lowest, highest)
        if single:
            spikes = count_reaching(membrane, limit)
        elif signed:
            before = load(sent, there, lanes)
            spikes = count_spikes(membrane, limit, nothing - smaller(larger(before, nothing), many), many)
            store(sent, there, lanes, before + spikes)
        else:
            spikes = count_spikes(membrane, limit, nothing, many)
        membrane = reset(membrane, spikes, limit, reset_to_zero, one)
        active |= differ(spikes, nothing) << ahead
        if not single:
            store(fired, ahead, WHOLE, spikes)
        most = larger(membrane, most)
        if leaks:
            leaking |= differ(decay(membrane, share, unit, in_grains), membrane)
        store(membranes, there, lanes, membrane)
        store(drives, here, lanes, nothing)
    return active, (reach(most, limit) | leaking) != np.uint64(0)


@njit(nogil=True, forceinline=True)
def list_tile(row: Any, begin: Any, first: Any, active: Any, units: Any, values: Any, place: int) -> Any:
    """Append the `active` ones of the units that follow the first, and their values from `begin` of a row on; where the
    list ends.

    Up to `UNROLL` more places are written on.
    """
    end = place + count_ones(active)
    while True:
        for _ in range(UNROLL):
            unit = count_trailing_zeros(active) & np.uint64(WIDTH - 1)
            units[np.uint64(place)], values[np.uint64(place)] = np.uint64(first) + unit, row[np.uint64(begin) + unit]
            place += 1
            active &= active - np.uint64(1)
        if not active:
            return end
