"""What spikes bring to the units that they reach, along the synapse tables: where the engine works most."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from workbench.engine.kernels.simd import LANES, add_scaled, load, store
from workbench.engine.kernels.synapse_tables import SHIFT, SynapseTable

# columns of the table of edges
SOURCE, DELAY, POSITION, RUNS, WEIGHTS, TARGET_ROW, WEIGHT_ROW, TARGET_UNIT, WEIGHT_UNIT = range(9)
DEPTH, RECIPROCAL, KIND, GROUPS, PIECE = range(9, 14)
EDGE_COLUMNS = 14
TOGETHER, APART, GATHERED, GROUPED = range(4)  # which of these kernels is for an edge: see `scatter`

WHOLE = np.uint64(LANES)


def find_kind(table: SynapseTable) -> int:
    """Which of these kernels is for this table."""
    if table.groups > 1:
        return GROUPED
    if table.target_unit_stride:
        return APART
    if len(table.runs) == 1 and table.runs[0, 3] == 1:
        return GATHERED
    return TOGETHER


@njit(nogil=True)
def scatter(
    row: Any, low: int, high: int, begin: int, end: int, units: Any, values: Any, edge: Any, runs: Any, weights: Any
) -> Any:
    """Add to the drives `low` .. `high` - 1 of a row what the spikes begin .. end - 1 bring.

    How many synaptic operations the spikes bring whose first target is one of these. `runs` are those of
    `SynapseTable`, of one edge after the other; no run may reach over the limits.
    """
    kind = edge[KIND]
    if kind == TOGETHER:
        return scatter_together(row, low, high, begin, end, units, values, edge, runs, weights)
    if kind == GATHERED:
        return gather(row, begin, end, units, values, edge, runs, weights)
    if kind == GROUPED:
        return scatter_grouped(row, low, high, begin, end, units, values, edge, runs, weights)
    return scatter_apart(row, low, high, begin, end, units, values, edge, runs, weights)


@njit(nogil=True, forceinline=True)
def add_spikes(
    row: Any, target: Any, stop: Any, target_stride: Any, run: Any, rest: Any, weights: Any, stride: Any,
    places: Any, values: Any
) -> None:  # fmt: skip
    """Add what some spikes with the same targets bring to their runs; each drive is read and written once for all.

    Of every spike `places` is where its weights begin, `values` how often it counts. `rest` is by how much the runs are
    longer than a whole number of lanes.
    """
    ahead = np.uint64(0)
    while target < stop:
        here, weight, end = target, ahead, target + run - rest
        while here != end:  # not <: the compiler would unroll it, for runs much longer than these
            drives = load(row, here, WHOLE)
            for spike in range(len(places)):
                drives = add_scaled(drives, values[spike], weights, places[spike] + weight, WHOLE)
            store(row, here, WHOLE, drives)
            here, weight = here + WHOLE, weight + WHOLE
        if rest:
            drives = load(row, here, rest)
            for spike in range(len(places)):
                drives = add_scaled(drives, values[spike], weights, places[spike] + weight, rest)
            store(row, here, rest, drives)
        target, ahead = target + target_stride, ahead + stride


@njit(nogil=True)
def scatter_together(
    row: Any, low: int, high: int, begin: int, end: int, units: Any, values: Any, edge: Any, runs: Any, weights: Any
) -> float:
    """Up to four spikes of a place at once, where they follow each other in the list."""
    operations = 0.0
    shift = np.uint64(SHIFT)  # what cannot be negative need not be looked at for it
    first, base = np.uint64(edge[RUNS]), np.uint64(edge[WEIGHTS])
    step, stride, apart = np.uint64(edge[TARGET_ROW]), np.uint64(edge[WEIGHT_ROW]), np.uint64(edge[WEIGHT_UNIT])
    depth, reciprocal = np.uint64(edge[DEPTH]), np.uint64(edge[RECIPROCAL])
    lowest, highest = np.uint64(low), np.uint64(high)
    i, last = np.uint64(begin), np.uint64(end)
    while i < last:
        place = np.uint64(units[i]) * reciprocal >> shift
        unit, at = place * depth, first + place
        target, weight, run = np.uint64(runs[at, 0]), base + np.uint64(runs[at, 1]), np.uint64(runs[at, 2])
        rest = run % WHOLE
        stop = min(target + step * np.uint64(runs[at, 3]), highest)
        reached = np.float64(runs[at, 4]) * (lowest <= target < highest)
        while target < lowest:
            target, weight = target + step, weight + stride
        place_a, a = weight + (np.uint64(units[i]) - unit) * apart, values[i]
        operations += abs(a) * reached
        i += np.uint64(1)
        if i == last or np.uint64(units[i]) - unit >= depth:
            add_spikes(row, target, stop, step, run, rest, weights, stride, (place_a,), (a,))
            continue
        place_b, b = weight + (np.uint64(units[i]) - unit) * apart, values[i]
        operations += abs(b) * reached
        i += np.uint64(1)
        if i == last or np.uint64(units[i]) - unit >= depth:
            add_spikes(row, target, stop, step, run, rest, weights, stride, (place_a, place_b), (a, b))
            continue
        place_c, c = weight + (np.uint64(units[i]) - unit) * apart, values[i]
        operations += abs(c) * reached
        i += np.uint64(1)
        if i == last or np.uint64(units[i]) - unit >= depth:
            three = place_a, place_b, place_c
            add_spikes(row, target, stop, step, run, rest, weights, stride, three, (a, b, c))
            continue
        place_d, d = weight + (np.uint64(units[i]) - unit) * apart, values[i]
        operations += abs(d) * reached
        i += np.uint64(1)
        four = place_a, place_b, place_c, place_d
        add_spikes(row, target, stop, step, run, rest, weights, stride, four, (a, b, c, d))
    return operations


@njit(nogil=True)
def scatter_apart(
    row: Any, low: int, high: int, begin: int, end: int, units: Any, values: Any, edge: Any, runs: Any, weights: Any
) -> float:
    """The same where each unit of a place has targets of its own: for pools and identities, whose runs are short."""
    operations = 0.0
    for i in range(begin, end):
        place = np.int64(np.uint64(units[i]) * np.uint64(edge[RECIPROCAL]) >> np.uint64(SHIFT))
        beside, at = units[i] - place * edge[DEPTH], edge[RUNS] + place
        target = runs[at, 0] + beside * edge[TARGET_UNIT]
        weight = edge[WEIGHTS] + runs[at, 1] + beside * edge[WEIGHT_UNIT]
        for _ in range(runs[at, 3]):
            if low <= target < high:
                for u in range(runs[at, 2]):
                    row[target + u] += values[i] * weights[weight + u]
            target, weight = target + edge[TARGET_ROW], weight + edge[WEIGHT_ROW]
        first = runs[at, 0] + beside * edge[TARGET_UNIT]
        operations += abs(values[i]) * runs[at, 4] * (low <= first < high)
    return operations


@njit(nogil=True)
def scatter_grouped(
    row: Any, low: int, high: int, begin: int, end: int, units: Any, values: Any, edge: Any, runs: Any, weights: Any
) -> float:
    """The same where the units of a place are in groups: runs are in pieces, the channels of a group in each."""
    operations, piece = 0.0, np.uint64(edge[PIECE])
    apart, inside, rest = np.uint64(edge[GROUPS]) * piece, edge[DEPTH] // edge[GROUPS], piece % WHOLE
    for i in range(begin, end):
        place = np.int64(np.uint64(units[i]) * np.uint64(edge[RECIPROCAL]) >> np.uint64(SHIFT))
        beside, at = units[i] - place * edge[DEPTH], edge[RUNS] + place
        target = runs[at, 0] + beside // inside * edge[PIECE]
        weight = edge[WEIGHTS] + runs[at, 1] + beside * edge[WEIGHT_UNIT]
        span = np.uint64(runs[at, 2]) * np.uint64(edge[GROUPS])
        operations += abs(values[i]) * runs[at, 4] * (low <= target < high)
        for _ in range(runs[at, 3]):
            if low <= target < high:
                here, there = np.uint64(target), (np.uint64(weight),)
                add_spikes(row, here, here + span, apart, piece, rest, weights, piece, there, (values[i],))
            target, weight = target + edge[TARGET_ROW], weight + edge[WEIGHT_ROW]
    return operations


@njit(nogil=True)
def gather(row: Any, begin: int, end: int, units: Any, values: Any, edge: Any, runs: Any, weights: Any) -> Any:
    """The same where all units of the source reach the same run: its drives stay in registers meanwhile."""
    sent, at, apart = 0.0, edge[RUNS], np.uint64(edge[WEIGHT_UNIT])
    base = np.uint64(edge[WEIGHTS] + runs[at, 1])
    for i in range(begin, end):
        sent += abs(values[i])
    for ahead in range(0, runs[at, 2], 4 * LANES):
        here, left = np.uint64(runs[at, 0] + ahead), runs[at, 2] - ahead
        a, b, c, d = count_lanes(left, 0), count_lanes(left, 1), count_lanes(left, 2), count_lanes(left, 3)
        of_a, of_b = load(row, here, a), load(row, here + WHOLE, b)
        of_c, of_d = load(row, here + np.uint64(2) * WHOLE, c), load(row, here + np.uint64(3) * WHOLE, d)
        for i in range(begin, end):
            spike = np.uint64(i)
            weight, value = base + np.uint64(ahead) + np.uint64(units[spike]) * apart, values[spike]
            of_a = add_scaled(of_a, value, weights, weight, a)
            of_b = add_scaled(of_b, value, weights, weight + WHOLE, b)
            of_c = add_scaled(of_c, value, weights, weight + np.uint64(2) * WHOLE, c)
            of_d = add_scaled(of_d, value, weights, weight + np.uint64(3) * WHOLE, d)
        store(row, here, a, of_a)
        store(row, here + WHOLE, b, of_b)
        store(row, here + np.uint64(2) * WHOLE, c, of_c)
        store(row, here + np.uint64(3) * WHOLE, d, of_d)
    return sent * runs[at, 4]


@njit(nogil=True)
def count_lanes(left: int, register: int) -> Any:
    """How many lanes of one of several registers are in use, which hold so many numbers together."""
    return np.uint64(min(max(left - register * LANES, 0), LANES))
