"""Event-driven kernels: from lists of spikes to the drives of the units that they reach, and to their spikes.

The lists of a node are held lane by lane: in `offsets`, of every step where its list begins and where it ends. A lane
is a recording, or one of so many `bands` of its units, so that several threads can compute one recording; whatever was
not computed in bands lies in the first of them. Units are numbered as in `neuron_kernels`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from workbench.engine.kernels.count_kernels import count_and_list
from workbench.engine.kernels.fire_kernels import begin_frame, fire_and_list, list_tile
from workbench.engine.kernels.neuron_kernels import RANGE, ZERO, of_types
from workbench.engine.kernels.neuron_scan import AT_ONCE, SPREAD, Dynamics
from workbench.engine.kernels.scatter_kernels import DELAY, POSITION, SOURCE, scatter
from workbench.engine.kernels.simd import WIDTH, find_active

# columns of the table of nodes
UNITS, FIRES, ANSWERS, MEMBRANE, BEFORE, BIAS, FROM_EDGE, TO_EDGE, BEGIN, END, ORIGIN, OFFSETS, STEPS = range(13)
NODE_COLUMNS = 13

# columns of the table of dynamics, of every node its own
(
    FRAME, EMISSION, START, THRESHOLD, FLOOR, CEILING, BURST, SIGNED, RESET_TO_ZERO, RESTART, RECTIFY, LEAK, GRAIN,
) = range(len(Dynamics._fields))  # fmt: skip

TOGETHER = 4  # kinds of weights that are summed at once
LISTS_ARE = "int64[::1], int32[::1], float32[::1]"


@njit(nogil=True)
def find_list(node: Any, lane: int, step: int) -> int:
    """Where in `offsets` the begin of a list is; its end comes next."""
    found: int = node[OFFSETS] + lane * (node[STEPS] + 1) + step - node[ORIGIN]
    return found


@njit(nogil=True)
def list_row(row: Any, low: int, high: int, units: Any, values: Any, place: int) -> int:
    """Append the units `low` .. `high` - 1 of a row that are not 0, and their values; where the list ends."""
    whole = low + (high - low) // WIDTH * WIDTH
    for begin in range(low, whole, WIDTH):
        place = list_tile(row, begin, begin, find_active(row, np.uint64(begin)), units, values, place)
    for unit in range(whole, high):
        units[place], values[place] = unit, row[unit]
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
            row = rows[step, recording]
            end = list_row(row, 0, len(row), units, values, offsets[at])
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
            offsets[at + 1] = list_row(row, 0, len(row), units, values, offsets[at])
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
    """Write sums over the spikes of a node from step `begin` on, of `weights` (units, kinds): (steps, batch, kinds).

    The kinds are a multiple of `TOGETHER`: as many sums are held in a register.
    """
    for recording in range(first, last):
        for step in range(len(sums)):
            for kind in range(0, weights.shape[1], TOGETHER):
                a, b, c, d = 0.0, 0.0, 0.0, 0.0
                for band in range(bands):
                    at = find_list(node, recording * bands + band, begin + step)
                    for i in range(offsets[at], offsets[at + 1]):
                        spikes, unit = abs(values[i]), units[i]
                        a += spikes * weights[unit, kind]
                        b += spikes * weights[unit, kind + 1]
                        c += spikes * weights[unit, kind + 2]
                        d += spikes * weights[unit, kind + 3]
                total = sums[step, recording, kind : kind + TOGETHER]
                total[0], total[1], total[2], total[3] = a, b, c, d


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
            operations[lane, edge[POSITION]] += scatter(row, low, high, begin, end, units, values, edge, runs, weights)


@njit(nogil=True)
def restore_membranes(
    members: Any, nodes: Any, cuts: Any, recording: int, band: int, membranes: Any, before: Any, starts: Any
) -> None:
    """Begin the membranes of a band by those that its units had before, or at the start of their node."""
    for number in members:
        node, low, high = nodes[number], cuts[number, band], cuts[number, band + 1]
        here, there = node[MEMBRANE] + recording * node[UNITS], node[BEFORE] + recording * node[UNITS]
        if node[FIRES] and node[BEFORE] < 0:
            membranes[here + low : here + high] = starts[number]
        elif node[FIRES]:
            membranes[here + low : here + high] = before[there + low : there + high]


@njit(nogil=True)
def spike_and_list(
    drives: Any, low: int, high: int, membranes: Any, sent: Any, place: int, biases: Any, bias: int, restless: Any,
    fired: Any, biased: bool, extra_bias: Any, elapsed: int, dynamics: Any, units: Any, values: Any, end: int
) -> int:  # fmt: skip
    """What `fire_and_list` does, or `count_and_list` where neurons count for a frame, by the `dynamics` of the node.

    `fired` (2, units of a tile) is room for spikes that are all one, into which nothing is written, and for others.
    """
    frame, emission, signed = int(dynamics[FRAME]), int(dynamics[EMISSION]), dynamics[SIGNED] != 0
    start, threshold, floor = np.float32(dynamics[START]), np.float32(dynamics[THRESHOLD]), np.float32(dynamics[FLOOR])
    ceiling, burst, restart = np.float32(dynamics[CEILING]), np.float32(dynamics[BURST]), dynamics[RESTART] != 0
    phase, single = elapsed % frame, emission == SPREAD or (emission == AT_ONCE and burst == 1 and not signed)
    room = fired[0] if single else fired[1]
    if emission != AT_ONCE:
        return count_and_list(
            drives, low, high, membranes, sent, place, biases, bias, restless, room, biased, extra_bias, phase, frame,
            emission, start, threshold, floor, ceiling, burst, restart, units, values, end,
        )  # fmt: skip
    if phase == 0:
        begin_frame(membranes, sent, place + low, place + high, start, signed, restart, dynamics[RECTIFY] != 0)
    to_zero, leak, grain = dynamics[RESET_TO_ZERO] != 0, np.float32(dynamics[LEAK]), np.float32(dynamics[GRAIN])
    return fire_and_list(
        drives, low, high, membranes, sent, place, biases, bias, restless, room, biased, extra_bias, threshold, floor,
        ceiling, burst, signed, to_zero, leak, grain, units, values, end,
    )  # fmt: skip


@of_types(
    f"void({RANGE}, int64[::1], int64[::1], int64[:,::1], int64[:,:,::1], int64[:,::1], int64[:,::1], int32[:,::1], "
    f"float64[:,::1], float32[::1], float32[::1], float32[:,::1], int64[::1], float32[::1], float32[::1], "
    f"float32[::1], float32[::1], {LISTS_ARE}, float64[:,::1])"
)
def simulate(
    first: int, last: int, begins: Any, members: Any, cuts: Any, spans: Any, nodes: Any, edges: Any, runs: Any,
    dynamics: Any, weights: Any, bias: Any, extra_biases: Any, periods: Any, membranes_before: Any, sent_before: Any,
    membranes: Any, sent: Any, offsets: Any, units: Any, values: Any, operations: Any
) -> None:  # fmt: skip
    """The lists of the nodes of some parts, lane by lane, part by part and step by step.

    The `members` of a part follow each other from where it `begins`; `cuts` (nodes, bands + 1) tells at which unit each
    band begins, `spans` (edges, bands, 2) where the units of the source begin and end that may reach it. With several
    bands there must be one part, none of whose nodes in bands has another as a source.

    A node adds up what its sources have sent `delay` steps ago and its bias, fires, and lists its spikes. `operations`
    (lanes, edges) counts synaptic operations. `dynamics` (nodes, options) are those of every node; of its
    `extra_biases` (nodes, ticks), how many more biases than one arrive, so many ticks recur as its `periods` say.
    Counts are kept only where there is room for what was `sent`.
    """
    widest, biased, bands = 0, np.zeros(len(nodes), np.bool_), cuts.shape[1] - 1
    for number in members:
        widest = max(widest, nodes[number, UNITS])
        for u in range(nodes[number, UNITS]):
            biased[number] |= bias[nodes[number, BIAS] + u] != ZERO
    drives = np.zeros(widest, np.float32)
    restless, fired = np.ones((len(nodes), widest // WIDTH + 1), np.bool_), np.ones((2, WIDTH), np.float32)
    starts, nothing = dynamics[:, START].astype(np.float32), np.zeros(len(nodes), np.float32)
    for lane in range(first, last):
        recording, band = divmod(lane, bands)
        restless[:] = True
        restore_membranes(members, nodes, cuts, recording, band, membranes, membranes_before, starts)
        if len(sent):
            restore_membranes(members, nodes, cuts, recording, band, sent, sent_before, nothing)
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
                    at = find_list(node, lane, step)
                    elapsed, place = step - node[ANSWERS], node[MEMBRANE] + recording * node[UNITS]
                    if node[FIRES]:
                        extra_bias = extra_biases[number, elapsed % periods[number]]
                        offsets[at + 1] = spike_and_list(
                            drives, low, high, membranes, sent, place, bias, node[BIAS], restless[number], fired,
                            biased[number], extra_bias, elapsed, dynamics[number], units, values, offsets[at],
                        )  # fmt: skip
                    else:
                        for u in range(low, high):
                            drives[u] += bias[node[BIAS] + u]
                        offsets[at + 1] = list_row(drives, low, high, units, values, offsets[at])
                        drives[low:high] = ZERO
