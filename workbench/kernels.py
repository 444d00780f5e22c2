"""What numba compiles: neurons that fire, and spikes that travel as lists. Imported when first needed.

Units are numbered in the order in which they lie in memory, the channels of an image next to each other. The lists of
a node are held recording by recording: in `offsets`, of every step where its list begins and where it ends. A kernel
does the recordings `first` .. `last` - 1 unless it says otherwise, so that `threads.share` can divide them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from workbench.words import WIDTH, count_trailing_zeros, find_active

# columns of the table of nodes
UNITS, FIRES, ANSWERS, MEMBRANE, BIAS, FROM_EDGE, TO_EDGE, BEGIN, END, ORIGIN, OFFSETS, STEPS, CLOCK = range(13)
NODE_COLUMNS = 13
# columns of the table of edges
SOURCE, DELAY, RUNS, WEIGHTS, DOWN, ACROSS, POSITION = range(7)

DYNAMICS = "int64, int64, float32, float32, float32, float32, boolean, boolean, boolean, boolean"
RANGE = "int64, int64"
LISTS_ARE = "int64[::1], int32[::1], float32[::1]"
ZERO = np.float32(0)


class Kernel:
    """A function of these types, compiled when first asked for or read from numba's cache; other threads run on."""

    def __init__(self, signature: str, function: Callable[..., None]) -> None:
        self.signature, self.function = signature, function
        self._compiled: Callable[..., None] | None = None

    def compiled(self) -> Callable[..., None]:
        """The machine code."""
        if self._compiled is None:
            self._compiled = njit(self.signature, nogil=True, cache=True)(self.function)
        return self._compiled


def of_types(signature: str) -> Callable[[Callable[..., None]], Kernel]:
    """A decorator: the function below is a kernel."""
    return lambda function: Kernel(signature, function)


@njit(nogil=True, cache=True)
def fire_row(
    row: Any, levels: Any, sent: Any, given: Any, more: Any, phase: Any, silence: Any,
    start: Any, threshold: Any, floor: Any, burst: Any, signed: Any, zero: Any, returns: Any, rectify: Any
) -> None:  # fmt: skip
    """Turn the drives of one tick into spikes; unit u is driven by (row[u] + given[u]) + more given[u].

    No two arrays may be the same: the loop would not become vector instructions.
    """
    if phase == 0 and signed:
        sent[:] = ZERO
    if phase == 0 and returns:
        levels[:] = start
    if phase == 0 and rectify:
        levels[:] = np.maximum(levels, ZERO)
    most = ZERO if phase < silence else burst
    for u in range(len(row)):
        level = levels[u] + ((row[u] + given[u]) + more * given[u])
        level = floor if level < floor else level
        fired = np.floor(level / threshold)
        least = -min(max(sent[u], ZERO), most) if signed else ZERO
        fired = fired if fired > least else least
        fired = fired if fired < most else most
        if signed:  # not after the next two lines: the loop would no longer become vector instructions
            sent[u] += fired
        levels[u] = level * np.float32(fired == 0) if zero else level - fired * threshold
        row[u] = fired


@of_types(
    f"void({RANGE}, int64, float32[:,:,::1], float32[:,:,::1], float32[:,:,::1], float32[::1], float32[::1], int64, "
    f"{DYNAMICS})"
)
def scan_rows(
    first: int, last: int, parts: int, rows: Any, before: Any, state: Any, bias: Any, moved: Any, age: int,
    frame: int, silence: int,
    start: float, threshold: float, floor: float, burst: float, signed: bool, zero: bool, returns: bool, rectify: bool
) -> None:  # fmt: skip
    """Turn the drives of units into their spikes, one recording and one tick after the other.

    Here every recording counts as `parts`, each of so many units next to each other.

    `rows` (steps, batch, units) holds drives and, afterwards, spikes; `state` (2, batch, units) receives the membranes
    and what signed neurons have sent in this frame, as `before` holds them, which is empty where they begin. `moved`
    (steps) tells how many more biases than one arrive. The rest are the options of `IntegrateAndFire`.
    """
    units = rows.shape[2]
    for lane in range(first, last):
        recording, part = divmod(lane, parts)
        some = slice(part * units // parts, (part + 1) * units // parts)
        levels, sent, given = state[0, recording, some], state[1, recording, some], bias[some]
        if len(before):
            levels[:] = before[0, recording, some]
        else:
            levels[:] = start
        if signed and len(before):
            sent[:] = before[1, recording, some]
        elif signed:
            sent[:] = ZERO
        for step in range(len(rows)):
            row, more, phase = rows[step, recording, some], moved[step], (age + step) % frame
            fire_row(
                row, levels, sent, given, more, phase, silence,
                start, threshold, floor, burst, signed, zero, returns, rectify,
            )  # fmt: skip


@njit(nogil=True, cache=True)
def list_row(row: Any, units: Any, values: Any, place: int, clear: bool) -> int:
    """Append the units of a row that are not 0, and their values, from `place` on; where the list ends.

    With `clear` the row is all 0 afterwards.
    """
    whole = len(row) // WIDTH * WIDTH
    for begin in range(0, whole, WIDTH):
        active = find_active(row, np.uint64(begin))
        while active:
            unit = begin + count_trailing_zeros(active)
            units[np.uint64(place)], values[np.uint64(place)] = unit, row[unit]
            place += 1
            active &= active - np.uint64(1)
    for unit in range(whole, len(row)):
        units[place], values[place] = unit, row[unit]
        place += row[unit] != ZERO
    if clear:
        row[:] = ZERO
    return place


@of_types(f"void({RANGE}, float32[:,:,::1], int32[::1], int64[::1], int64, {LISTS_ARE})")
def list_rows(
    first: int, last: int, rows: Any, names: Any, node: Any, begin: int, offsets: Any, units: Any, values: Any
) -> None:
    """Append the lists of a node from step `begin` on.

    `rows` (steps, batch, units) are its activities, `names` (units) what each unit is called in the lists.
    """
    for recording in range(first, last):
        base = node[OFFSETS] + recording * (node[STEPS] + 1) + begin - node[ORIGIN]
        for step in range(len(rows)):
            place = offsets[base + step]
            end = list_row(rows[step, recording], units, values, place, False)
            for i in range(place, end):
                units[i] = names[units[i]]
            offsets[base + step + 1] = end


@of_types(f"void({RANGE}, float32[:,:,::1], int64[::1], int64, {LISTS_ARE})")
def fill_rows(first: int, last: int, rows: Any, node: Any, begin: int, offsets: Any, units: Any, values: Any) -> None:
    """Write the activity of a node from step `begin` on into `rows` (steps, batch, units)."""
    for recording in range(first, last):
        base = node[OFFSETS] + recording * (node[STEPS] + 1) + begin - node[ORIGIN]
        for step in range(len(rows)):
            row = rows[step, recording]
            row[:] = ZERO
            for i in range(offsets[base + step], offsets[base + step + 1]):
                row[units[i]] = values[i]


@of_types(f"void({RANGE}, int64[::1], int64[::1], int64, {LISTS_ARE}, {LISTS_ARE})")
def copy_lists(
    first: int, last: int, node: Any, before: Any, end: int,
    offsets: Any, units: Any, values: Any, old_offsets: Any, old_units: Any, old_values: Any
) -> None:  # fmt: skip
    """Begin the lists of a node by those that it had `before`, up to the step `end`."""
    for recording in range(first, last):
        base = node[OFFSETS] + recording * (node[STEPS] + 1)
        old = before[OFFSETS] + recording * (before[STEPS] + 1) + node[ORIGIN] - before[ORIGIN]
        shift = offsets[base] - old_offsets[old]
        for step in range(end - node[ORIGIN]):
            for i in range(old_offsets[old + step], old_offsets[old + step + 1]):
                units[i + shift], values[i + shift] = old_units[i], old_values[i]
            offsets[base + step + 1] = old_offsets[old + step + 1] + shift


@njit(nogil=True, cache=True)
def scatter(row: Any, begin: int, end: int, units: Any, values: Any, edge: Any, runs: Any, weights: Any) -> float:
    """Add to the drives of a row what the spikes begin .. end - 1 bring; how many synaptic operations that were.

    `runs` are those of `fanouts.FanOut`, of one edge after the other.
    """
    operations = 0.0
    first, base, down, across = edge[RUNS], edge[WEIGHTS], edge[DOWN], edge[ACROSS]
    for i in range(begin, end):
        at = np.uint64(first + units[i])  # what cannot be negative need not be looked at for it
        target, weight, run, count, reached = runs[at, 0], base + runs[at, 1], runs[at, 2], runs[at, 3], runs[at, 4]
        value = values[i]
        for _ in range(count):
            for j in range(run):
                row[np.uint64(target + j)] += value * weights[np.uint64(weight + j)]
            target += down
            weight += across
        operations += abs(value) * reached
    return operations


@njit(nogil=True, cache=True)
def receive(
    row: Any, recording: int, step: int, node: Any, nodes: Any, edges: Any, runs: Any, weights: Any,
    offsets: Any, units: Any, values: Any, operations: Any
) -> None:  # fmt: skip
    """Add to the drives of a node what arrives at this step, and count the synaptic operations."""
    for number in range(node[FROM_EDGE], node[TO_EDGE]):
        edge = edges[number]
        source, sent = nodes[edge[SOURCE]], step - edge[DELAY]
        if sent >= source[ANSWERS]:
            at = source[OFFSETS] + recording * (source[STEPS] + 1) + sent - source[ORIGIN]
            done = scatter(row, offsets[at], offsets[at + 1], units, values, edge, runs, weights)
            operations[recording, edge[POSITION], step - node[CLOCK]] += done


@of_types(
    f"void({RANGE}, int64[::1], int64[:,::1], int64[:,::1], int32[:,::1], float32[::1], float32[::1], "
    f"float32[::1], float32[::1], float32[::1], {LISTS_ARE}, float64[:,:,::1], {DYNAMICS})"
)
def simulate(
    first: int, last: int, part: Any, nodes: Any, edges: Any, runs: Any, weights: Any, bias: Any, more: Any,
    levels: Any, sent: Any, offsets: Any, units: Any, values: Any, operations: Any, frame: int, silence: int,
    start: float, threshold: float, floor: float, burst: float, signed: bool, zero: bool, returns: bool, rectify: bool
) -> None:  # fmt: skip
    """The lists of the nodes of a part, recording by recording and step by step.

    A node pulls what its sources have sent `delay` steps ago, meets its bias, fires, and lists its spikes. `operations`
    (batch, edges, steps) counts synaptic operations; `more` (ticks of a frame) tells how many more biases than one
    arrive in each tick.
    """
    widest = 0
    earliest, latest = nodes[part[0], BEGIN], nodes[part[0], END]
    for number in part:
        widest = max(widest, nodes[number, UNITS])
        earliest, latest = min(earliest, nodes[number, BEGIN]), max(latest, nodes[number, END])
    drives, nothing = np.zeros(widest, np.float32), np.zeros(widest, np.float32)
    for recording in range(first, last):
        for step in range(earliest, latest):
            for number in part:
                node = nodes[number]
                if step < node[BEGIN] or step >= node[END]:
                    continue
                width, age = node[UNITS], step - node[ANSWERS]
                row = drives[:width]
                receive(row, recording, step, node, nodes, edges, runs, weights, offsets, units, values, operations)
                given = bias[node[BIAS] : node[BIAS] + width]
                if node[FIRES]:
                    place = node[MEMBRANE] + recording * width
                    held = slice(place, place + width)
                    fire_row(
                        row, levels[held], sent[held] if signed else nothing[:width], given,
                        more[age % len(more)], age % frame, silence,
                        start, threshold, floor, burst, signed, zero, returns, rectify,
                    )  # fmt: skip
                else:
                    for u in range(width):
                        row[u] += given[u]
                at = node[OFFSETS] + recording * (node[STEPS] + 1) + step - node[ORIGIN]
                offsets[at + 1] = list_row(row, units, values, offsets[at], True)


@njit(nogil=True, cache=True, fastmath={"reassoc"})
def weigh_row(row: Any, weights: Any, spikes: bool) -> float:
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
def weigh_rows(first: int, last: int, rows: Any, weights: Any, spikes: bool, sums: Any) -> None:
    """What the active units weigh, in the steps `first` .. `last` - 1, of every recording and kind of `weights`.

    `rows` (steps, batch, units), `weights` (kinds, units), `sums` (steps, batch, kinds).
    """
    for step in range(first, last):
        for recording in range(rows.shape[1]):
            for kind in range(len(weights)):
                sums[step, recording, kind] = weigh_row(rows[step, recording], weights[kind], spikes)
