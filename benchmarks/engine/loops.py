"""What recurrence costs: a matched network with loops, beside one without and the convolutions of the loops alone."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import torch
from torch import Tensor

import workbench as wb
from benchmarks.engine.agreement import judge
from benchmarks.engine.contenders import WORKBENCH, Run
from benchmarks.engine.networks import WIDTHS, Ends, K, build_model, draw_network, draw_ticks, lag, weights_of
from benchmarks.engine.timing import interleave
from workbench.engine.scheduler import choose_block

LOOPS: tuple[Ends, ...] = (("b", "b"), ("c", "c"))
ALONE = "loops' convolutions"


@torch.no_grad()
def measure_loops(batches: Sequence[int], steps: int, rounds: int, widths: tuple[int, ...] = WIDTHS) -> pd.DataFrame:
    """Per batch and engine: with loops, without, the loops' convolutions, and the ratio of the first to their sum.

    Both networks are scaled to fire alike. RuntimeError where two engines do not give the same drives.
    """
    looped, chain = (build_model(draw_network(widths, more, delay=K)) for more in (LOOPS, ()))
    rows = []
    for batch in batches:
        ticks = draw_ticks(steps + lag(looped), batch, seed=1)
        runs: dict[str, Run] = {ALONE: prepare_loops(looped, batch, steps)}
        for model, words in ((looped, "with"), (chain, "without")):
            engines = {one.name: one.prepare(model, ticks) for one in WORKBENCH}
            judge(WORKBENCH, {name: run() for name, run in engines.items()}, model, ticks)
            runs |= {f"{name} {words}": run for name, run in engines.items()}
        runs[ALONE]()
        ms = interleave(runs, rounds)
        for one in WORKBENCH:
            within, without = ms[f"{one.name} with"], ms[f"{one.name} without"]
            rows.append((batch, one.name, within, without, ms[ALONE], within / (without + ms[ALONE])))
    columns = ["batch", "", "with loops (ms)", "without (ms)", f"{ALONE} (ms)", "ratio"]
    return pd.DataFrame(rows, columns=columns).round(2).set_index("batch")


def prepare_loops(model: wb.Model, batch: int, steps: int) -> Run:
    """The linear maps of the loops alone, on noise, in the engine's blocks, in the steps that they reach."""
    network, weights = model.network, weights_of(model)
    length = choose_block(network, batch, model.ticks_per_frame)
    loops = [position for position, edge in enumerate(network.edges) if edge.source == edge.target]
    generator = torch.Generator().manual_seed(0)
    inputs = {
        position: torch.rand((steps - K) * batch, *network.shapes[network.edges[position].source], generator=generator)
        .contiguous(memory_format=torch.channels_last)
        .split(length * batch)
        for position in loops
    }

    def run() -> Tensor | None:
        for position in loops:
            for block in inputs[position]:
                network.edges[position].operation(block, [weights[position]])
        return None

    return run
