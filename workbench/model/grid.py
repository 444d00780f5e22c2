"""The grid of an SNN: numbers that are whole multiples of a power of two, so that every sum of them is exact."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from workbench.engine import find_count_range

DIGITS = 24  # binary ones of a float32: sums of whole numbers up to 2^24 are exact, in whatever order


@dataclass(frozen=True)
class Grid:
    """What makes the arithmetic of an SNN exact: every engine, cut, batch and number of threads gives the same bits.

    `bits`: by node s, so that the weights of the edges into it, its bias, start and floor are whole multiples of 2^-s,
    of which no sum leaves the 24 binary digits of a float32, as long as an input holds at most `input_counts` events
    in a tick. `weight_bits`: the width of weights as signed integers; None where s alone limits them. `rounding`: by
    node the root mean square of what rounding changed in its weights, relative to that of the weights. `moved`: how
    far the answers moved, relative to their variance; None where nothing was measured.

    >>> Grid({"v1": 12, "class": 14}, input_counts=20, rounding={"v1": 1e-4, "class": 2e-5}, moved=1e-6)
    Grid(s = 12 to 14, at most 20 events a tick and pixel, answers moved by 0.0001 % of their variance)
    """

    bits: Mapping[str, int]
    input_counts: int
    rounding: Mapping[str, float]
    moved: float | None = None
    weight_bits: int | None = None

    def __repr__(self) -> str:
        least, most = min(self.bits.values()), max(self.bits.values())
        shown = [f"s = {least}" if least == most else f"s = {least} to {most}"]
        shown += [f"weights of {self.weight_bits} bits"] if self.weight_bits is not None else []
        shown += [f"at most {self.input_counts:,} events a tick and pixel"]
        shown += [f"answers moved by {100 * self.moved:.2g} % of their variance"] if self.moved is not None else []
        return f"Grid({', '.join(shown)})"


def counts_are_exact(grid: Grid, inputs: Mapping[str, Tensor]) -> bool:
    """Whether inputs are whole numbers and no larger than sums were made exact for; a warning where they are larger."""
    found = {node: find_count_range(values) for node, values in inputs.items()}
    fit = [fits_grid(grid, node, largest) for node, (largest, whole) in found.items() if whole]
    return len(fit) == len(found) and all(fit)


def fits_grid(grid: Grid, node: str, largest: float) -> bool:
    """Whether sums are exact for so many events of an input in a tick; a warning where they are not."""
    if largest <= grid.input_counts:
        return True
    warnings.warn(
        f"input {node!r} holds {largest:,.0f} events in a tick and pixel, where sums of this SNN are exact for at most "
        f"{grid.input_counts:,}: two runs may differ by a spike where engine, batch or blocks differ; convert with "
        f"input_counts={2 * math.ceil(largest)}, or bin into more ticks",
        stacklevel=4,
    )
    return False
