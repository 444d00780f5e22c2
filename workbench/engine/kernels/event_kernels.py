"""Event-driven kernels: from lists of spikes to the drives of the units that they reach, and to their spikes.

The lists of a node are held lane by lane: in `offsets`, of every step where its list begins and where it ends. A lane
is a recording, or one of so many `bands` of its units, so that several threads can compute one recording; whatever was
not computed in bands lies in the first of them. Units are numbered as in `neuron_kernels`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from workbench.engine.kernels.neuron_kernels import DYNAMICS, RANGE, ZERO, fire_row, of_types
from workbench.engine.kernels.simd import (
    LANES,
    WIDTH,
    add_scaled,
    add_some_scaled,
    count_ones,
    count_trailing_zeros,
    find_active,
)
from workbench.engine.kernels.synapse_tables import SHIFT

# columns of the table of nodes
UNITS, FIRES, ANSWERS, MEMBRANE, BEFORE, BIAS, FROM_EDGE, TO_EDGE, BEGIN, END, ORIGIN, OFFSETS, STEPS = range(13)
NODE_COLUMNS = 13
# columns of the table of edges
SOURCE, DELAY, POSITION, RUNS, WEIGHTS, TARGET_ROW, WEIGHT_ROW, TARGET_UNIT, WEIGHT_UNIT = range(9)
DEPTH, RECIPROCAL, EVEN = range(9, 12)
EDGE_COLUMNS = 12

UNROLL = 8  # spikes that are listed at a time, whether there are so many or not: a branch per spike is mispredicted
LISTS_ARE = "int64[::1], int32[::1], float32[::1]"


@njit(nogil=True)
def find_list(node: Any, lane: int, step: int) -> int:
    """Where in `offsets` the begin of a list is; its end comes next."""
    found: int = node[OFFSETS] + lane * (node[STEPS] + 1) + step - node[ORIGIN]
    return found


@njit(nogil=True)
def list_row(row: Any, first: int, units: Any, values: Any, place: int) -> int:
    """Append the units of a row that are not 0, counted from `first`, and their values; where the list ends.

    Up to `UNROLL` more places are written on.
    """
    whole = len(row) // WIDTH * WIDTH
    for begin in range(0, whole, WIDTH):
        active = find_active(row, np.uint64(begin))
        end = place + count_ones(active)
        while True:
            for _ in range(UNROLL):
                unit = np.uint64(begin) + (count_trailing_zeros(active) & np.uint64(WIDTH - 1))
                units[np.uint64(place)], values[np.uint64(place)] = first + unit, row[unit]
                place += 1
                active &= active - np.uint64(1)
            if not active:
                break
        place = end
    for unit in range(whole, len(row)):
        units[place], values[place] = first + unit, row[unit]
        place += row[unit] != ZERO
    return place


@of_types(f"void({RANGE}, int64, float32[:,:,::1], int32[::1], int64[::1], int64, {LISTS_ARE})")
def list_rows(
    first: int, last: int, bands: int, rows: Any, names: Any, node: Any, begin: int,
    offsets: Any, units: Any, values: Any
) -> None:  # fmt: skip
    """Append the lists of a node from step `begin` on.

    `rows` (steps, batch, units) are its activities, `names` (units) what each unit is called in the lists.
    """
    for recording in range(first, last):
        for step in range(len(rows)):
            at = find_list(node, recording * bands, begin + step)
            end = list_row(rows[step, recording], 0, units, values, offsets[at])
            for i in range(offsets[at], end):
                units[i] = names[units[i]]
            offsets[at + 1] = end


@of_types(f"void({RANGE}, int64, int32[::1], int64[:,::1], int32[::1], int64[::1], int64, float32[::1], {LISTS_ARE})")
def list_events(
    first: int, last: int, bands: int, sites: Any, bounds: Any, names: Any, node: Any, begin: int, largest: Any,
    offsets: Any, units: Any, values: Any
) -> None:  # fmt: skip
    """Append the lists of an input from step `begin` on, of events; `largest` (batch) is the most in a unit and step.

    The events of recording r lie at the `sites` from bounds[r, step] to bounds[r, step + 1]; `names` (sites) is what
    each site is called in the lists.
    """
    row = np.zeros(len(names), np.float32)
    for recording in range(first, last):
        most = ZERO
        for step in range(bounds.shape[1] - 1):
            for i in range(bounds[recording, step], bounds[recording, step + 1]):
                unit = names[sites[i]]
                row[unit] += np.float32(1)
                most = max(most, row[unit])
            at = find_list(node, recording * bands, begin + step)
            offsets[at + 1] = list_row(row, 0, units, values, offsets[at])
            row[:] = ZERO
        largest[recording] = most


@of_types(f"void({RANGE}, int64, float32[:,:,::1], int64[::1], int64, {LISTS_ARE})")
def fill_rows(
    first: int, last: int, bands: int, rows: Any, node: Any, begin: int, offsets: Any, units: Any, values: Any
) -> None:
    """Write the activity of a node from step `begin` on into `rows` (steps, batch, units)."""
    for recording in range(first, last):
        for step in range(len(rows)):
            row = rows[step, recording]
            row[:] = ZERO
            for band in range(bands):
                at = find_list(node, recording * bands + band, begin + step)
                for i in range(offsets[at], offsets[at + 1]):
                    row[units[i]] = values[i]


@of_types(f"void({RANGE}, int64, int64, int64[::1], int64[::1], int64, {LISTS_ARE}, {LISTS_ARE})")
def copy_lists(
    first: int, last: int, bands: int, old_bands: int, node: Any, before: Any, end: int,
    offsets: Any, units: Any, values: Any, old_offsets: Any, old_units: Any, old_values: Any
) -> None:  # fmt: skip
    """Begin the lists of a node by those that it had `before`, up to the step `end`."""
    for recording in range(first, last):
        for step in range(node[ORIGIN], end):
            at = find_list(node, recording * bands, step)
            place = offsets[at]
            for band in range(old_bands):
                old = find_list(before, recording * old_bands + band, step)
                for i in range(old_offsets[old], old_offsets[old + 1]):
                    units[place], values[place] = old_units[i], old_values[i]
                    place += 1
            offsets[at + 1] = place


@of_types(f"void({RANGE}, int64, int64[::1], int64, float64[:,::1], {LISTS_ARE}, float64[:,:,::1])")
def weigh_lists(
    first: int, last: int, bands: int, node: Any, begin: int, weights: Any, offsets: Any, units: Any, values: Any,
    sums: Any
) -> None:  # fmt: skip
    """Write sums over the spikes of a node from step `begin` on, of `weights` (units, kinds): (steps, batch, kinds)."""
    for recording in range(first, last):
        for step in range(len(sums)):
            total = sums[step, recording]
            total[:] = 0.0
            for band in range(bands):
                at = find_list(node, recording * bands + band, begin + step)
                for i in range(offsets[at], offsets[at + 1]):
                    spikes, weight = abs(values[i]), weights[units[i]]
                    for kind in range(len(total)):
                        total[kind] += spikes * weight[kind]


@njit(nogil=True)
def add_run(row: Any, target: Any, weights: Any, weight: Any, value: Any, run: Any) -> None:
    """Add what one spike brings to so many targets next to each other, whose number is a whole one of lanes."""
    lanes, end = np.uint64(LANES), target + run
    while target != end:  # not <: the compiler would unroll it, for runs much longer than these
        add_scaled(row, target, weights, weight, value)
        target, weight = target + lanes, weight + lanes


def scattering(even: bool) -> Callable[..., float]:
    """Two kernels in one text: the `even` one is for tables of which `SynapseTable.is_even`, and a third quicker."""

    @njit(nogil=True)
    def scatter(
        row: Any, low: int, high: int, begin: int, end: int, units: Any, values: Any, edge: Any, runs: Any, weights: Any
    ) -> float:
        """Add to the drives `low` .. `high` - 1 of a row what the spikes begin .. end - 1 bring.

        How many synaptic operations the spikes bring whose first target is one of these. `runs` are those of
        `SynapseTable`, of one edge after the other; no run may reach over the limits.
        """
        operations = 0.0
        none, shift = np.uint64(0), np.uint64(SHIFT)  # what cannot be negative need not be looked at for it
        first, base = np.uint64(edge[RUNS]), np.uint64(edge[WEIGHTS])
        target_row_stride, weight_row_stride = np.uint64(edge[TARGET_ROW]), np.uint64(edge[WEIGHT_ROW])
        target_unit_stride, weight_unit_stride = (
            np.uint64(edge[TARGET_UNIT]),
            np.uint64(edge[WEIGHT_UNIT]),
        )
        depth, reciprocal = np.uint64(edge[DEPTH]), np.uint64(edge[RECIPROCAL])
        lowest, highest = np.uint64(low), np.uint64(high)
        for i in range(begin, end):
            unit, value = np.uint64(units[i]), values[i]
            place = unit * reciprocal >> shift
            beside = unit - place * depth
            at = first + place
            target = np.uint64(runs[at, 0]) + (none if even else beside * target_unit_stride)
            weight = base + np.uint64(runs[at, 1]) + beside * weight_unit_stride
            run = np.uint64(runs[at, 2])
            rest = none if even else run % np.uint64(LANES)
            last = min(target + target_row_stride * np.uint64(runs[at, 3]), highest)
            operations += abs(value) * runs[at, 4] * (lowest <= target < highest)
            while target < lowest:
                target, weight = target + target_row_stride, weight + weight_row_stride
            while target < last:
                add_run(row, target, weights, weight, value, run - rest)
                if rest:
                    add_some_scaled(row, target + run - rest, weights, weight + run - rest, value, rest)
                target, weight = target + target_row_stride, weight + weight_row_stride
        return operations

    return scatter


scatter_even, scatter_any = scattering(True), scattering(False)


@njit(nogil=True)
def find_unit(units: Any, begin: int, end: int, unit: int) -> int:
    """Where the units that are not below this one begin, in a list of rising units."""
    while begin < end:
        middle = (begin + end) // 2
        if units[middle] < unit:
            begin = middle + 1
        else:
            end = middle
    return begin


@njit(nogil=True)
def receive(
    row: Any, low: int, high: int, lane: int, bands: int, step: int, node: Any, nodes: Any, edges: Any, spans: Any,
    runs: Any, weights: Any, offsets: Any, units: Any, values: Any, operations: Any
) -> None:  # fmt: skip
    """Add to the drives `low` .. `high` - 1 of a node what arrives at this step, and count the synaptic operations."""
    recording, band = divmod(lane, bands)
    for number in range(node[FROM_EDGE], node[TO_EDGE]):
        edge = edges[number]
        source, sent = nodes[edge[SOURCE]], step - edge[DELAY]
        for part in range(bands if sent >= source[ANSWERS] else 0):
            at = find_list(source, recording * bands + part, sent)
            begin, end = offsets[at], offsets[at + 1]
            if bands > 1:
                begin = find_unit(units, begin, end, spans[number, band, 0])
                end = find_unit(units, begin, end, spans[number, band, 1])
            if edge[EVEN]:
                done = scatter_even(row, low, high, begin, end, units, values, edge, runs, weights)
            else:
                done = scatter_any(row, low, high, begin, end, units, values, edge, runs, weights)
            operations[lane, edge[POSITION]] += done


@njit(nogil=True)
def restore_membranes(
    members: Any, nodes: Any, cuts: Any, recording: int, band: int, membranes: Any, before: Any, start: Any
) -> None:
    """Begin the membranes of a band by those that its units had before, or at their start."""
    for number in members:
        node, low, high = nodes[number], cuts[number, band], cuts[number, band + 1]
        here, there = node[MEMBRANE] + recording * node[UNITS], node[BEFORE] + recording * node[UNITS]
        if node[FIRES] and node[BEFORE] < 0:
            membranes[here + low : here + high] = start
        elif node[FIRES]:
            membranes[here + low : here + high] = before[there + low : there + high]


@of_types(
    f"void({RANGE}, int64[::1], int64[::1], int64[:,::1], int64[:,:,::1], int64[:,::1], int64[:,::1], int32[:,::1], "
    f"float32[::1], float32[::1], float32[::1], float32[::1], float32[::1], float32[::1], float32[::1], {LISTS_ARE}, "
    f"float64[:,::1], {DYNAMICS})"
)
def simulate(
    first: int, last: int, begins: Any, members: Any, cuts: Any, spans: Any, nodes: Any, edges: Any, runs: Any,
    weights: Any, bias: Any, extra_biases: Any, membranes_before: Any, sent_before: Any, membranes: Any, sent: Any,
    offsets: Any, units: Any, values: Any, operations: Any, frame: int, silence: int, start: float, threshold: float,
    floor: float, ceiling: float, burst: float, signed: bool, reset_to_zero: bool, restart: bool, rectify: bool
) -> None:  # fmt: skip
    """The lists of the nodes of some parts, lane by lane, part by part and step by step.

    The `members` of a part follow each other from where it `begins`; `cuts` (nodes, bands + 1) tells at which unit each
    band begins, `spans` (edges, bands, 2) where the units of the source begin and end that may reach it. With several
    bands there must be one part, none of whose nodes in bands has another as a source.

    A node adds up what its sources have sent `delay` steps ago and its bias, fires, and lists its spikes. `operations`
    (lanes, edges) counts synaptic operations; `extra_biases` (ticks of a frame) is how many more biases than one
    arrive in each tick.
    """
    widest, bands = 0, cuts.shape[1] - 1
    for number in members:
        widest = max(widest, nodes[number, UNITS])
    drives, nothing = np.zeros(widest, np.float32), np.zeros(widest, np.float32)
    for lane in range(first, last):
        recording, band = divmod(lane, bands)
        restore_membranes(members, nodes, cuts, recording, band, membranes, membranes_before, start)
        if signed:
            restore_membranes(members, nodes, cuts, recording, band, sent, sent_before, ZERO)
        for part in range(len(begins) - 1):
            together = members[begins[part] : begins[part + 1]]
            earliest, latest = nodes[together[0], BEGIN], nodes[together[0], END]
            for number in together:
                earliest, latest = min(earliest, nodes[number, BEGIN]), max(latest, nodes[number, END])
            for step in range(earliest, latest):
                for number in together:
                    node, low, high = nodes[number], cuts[number, band], cuts[number, band + 1]
                    if step < node[BEGIN] or step >= node[END] or low == high:
                        continue
                    receive(
                        drives, low, high, lane, bands, step, node, nodes, edges, spans, runs, weights,
                        offsets, units, values, operations,
                    )  # fmt: skip
                    row, given = drives[low:high], bias[node[BIAS] + low : node[BIAS] + high]
                    if node[FIRES]:
                        elapsed, place = step - node[ANSWERS], node[MEMBRANE] + recording * node[UNITS]
                        held = slice(place + low, place + high)
                        fire_row(
                            row, membranes[held], sent[held] if signed else nothing[low:high], given,
                            extra_biases[elapsed % len(extra_biases)], elapsed % frame, silence,
                            start, threshold, floor, ceiling, burst, signed, reset_to_zero, restart, rectify,
                        )  # fmt: skip
                    else:
                        for u in range(len(row)):
                            row[u] += given[u]
                    at = find_list(node, lane, step)
                    if node[FIRES] and (step - node[ANSWERS]) % frame < silence:
                        offsets[at + 1] = offsets[at]  # and the row is empty already
                    else:
                        offsets[at + 1] = list_row(row, low, units, values, offsets[at])
                        row[:] = ZERO
