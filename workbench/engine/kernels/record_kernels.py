"""Kernels for looking closely: linear maps of sparse activity, and membranes that a floor holds."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.engine.kernels.event_kernels import list_row
from workbench.engine.kernels.fire_kernels import UNROLL
from workbench.engine.kernels.neuron_kernels import DYNAMICS, RANGE, ZERO, fire_row, of_types
from workbench.engine.kernels.scatter_kernels import scatter
from workbench.engine.kernels.simd import LANES


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


@of_types(f"void({RANGE}, float32[:,:,::1], float32[:,::1], float32[:,::1], int64, int64[::1], float32, {DYNAMICS})")
def count_held_rows(
    first: int, last: int, drives: Any, membranes: Any, sent: Any, elapsed: int, held: Any, limit: float,
    frame: int, silence: int, start: float, threshold: float, floor: float, ceiling: float, burst: float,
    signed: bool, reset_to_zero: bool, restart: bool, rectify: bool
) -> None:  # fmt: skip
    """Count by recording how many membranes a tick brings below the `limit`, over all ticks of `drives`.

    `drives` (steps, batch, units), `membranes` and `sent` (batch, units) are written on.
    """
    nothing = np.zeros(drives.shape[2], np.float32)
    for recording in range(first, last):
        potential, count = membranes[recording], 0
        for step in range(len(drives)):
            row, phase = drives[step, recording], (elapsed + step) % frame
            if phase == 0 and restart:
                potential[:] = start
            if phase == 0 and rectify:
                potential[:] = np.maximum(potential, ZERO)
            for u in range(len(row)):
                count += potential[u] + row[u] < limit
            fire_row(
                row, potential, sent[recording], nothing, ZERO, phase, silence, start, threshold, floor, ceiling,
                burst, signed, reset_to_zero, restart, rectify,
            )  # fmt: skip
        held[recording] = count
