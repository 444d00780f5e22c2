"""Whether `engine="auto"` chooses right: its time beside the better of the others, over a grid of what matters.

python -m benchmarks.engine.choice_grid [--rounds 15] [--threads 2] prints the grid alone.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import product

import pandas as pd
import torch
from torch import Tensor

import workbench as wb
from benchmarks.engine.agreement import require_agreement
from benchmarks.engine.extents import WHOLE, Extent
from benchmarks.engine.networks import (
    CLASSES,
    PLAIN,
    SHAPE,
    K,
    build_model,
    draw_network,
    draw_ticks,
    input_shape,
    lag,
    measure_rates,
)
from benchmarks.engine.timing import interleave
from benchmarks.tables import markdown
from workbench.engine import ENGINES
from workbench.machine import describe_machine

NEAR, FAR = 1.1, 1.3  # times as long as the better one
TRIALS_S = 0.3
LEAN = 2.0  # of the weights: with less a layer cannot fire in half of its unit-ticks
UNITS = 128  # of dense layers
NEURONS = {
    "plain": PLAIN,
    "spread": wb.IntegrateAndFire(emission="spread", ticks_per_frame=K),
    "burst": wb.IntegrateAndFire(emission="burst", cap=127, ticks_per_frame=K),
    "takes spikes back": wb.IntegrateAndFire(floor=None, signed=True, membrane="frame", ticks_per_frame=K),
}
Find = Callable[[], Tensor]


def draw_chain() -> wb.Network:
    """The chain of convolutions, matched."""
    return draw_network(delay=K)


def draw_shortcut() -> wb.Network:
    """`shortcut_network` with a dense layer before the classes, matched: every delay is a frame."""
    *edges, last = wb.architectures.shortcut_network(SHAPE, CLASSES).edges
    dense = [wb.Edge(last.source, "hidden", wb.Dense(UNITS)), wb.Edge("hidden", last.target, last.operation)]
    return wb.Network({"retina": SHAPE}, [*edges, *dense]).slowed(K)


def draw_memory() -> wb.Network:
    """`memory_network`, which has a loop, matched."""
    return wb.architectures.memory_network(SHAPE, CLASSES).slowed(K)


def draw_dense() -> wb.Network:
    """Two dense layers on 16 x 16, matched."""
    ends = [("in", "a", UNITS), ("a", "b", UNITS), ("b", "out", CLASSES)]
    return wb.Network({"in": (1, 16, 16)}, [wb.Edge(source, to, wb.Dense(n)) for source, to, n in ends]).slowed(K)


NETWORKS: dict[str, Callable[[], wb.Network]] = {
    "chain": draw_chain,
    "shortcut": draw_shortcut,
    "recurrent": draw_memory,
    "dense": draw_dense,
}


@torch.no_grad()
def measure_choices(extent: Extent) -> pd.DataFrame:
    """A row per point: network, neuron, activity, what fires, batch, ms of every engine, and the ratio of "auto".

    RuntimeError where two engines do not give the same drives.
    """
    rows = []
    for network, neuron, activity in product(NETWORKS, NEURONS, extent.choice_activities):
        made = NETWORKS[network](), activity
        model = build_model(*made, neuron=NEURONS[neuron], lean=LEAN, steps=extent.choice_steps)
        for batch in extent.choice_batches:
            steps, shape = lag(model) + extent.choice_steps, input_shape(model.network)
            ticks = draw_ticks(steps, batch, activity, seed=1, shape=shape)
            rates = measure_rates(model, ticks).values()
            point = {"network": network, "neuron": neuron, "activity": activity, "batch": batch}
            times = time_engines(f"{network}, {neuron}", model, ticks, extent.choice_rounds)
            rows.append({**point, "fires": sum(rates) / len(rates), **times})
    table = pd.DataFrame(rows)
    return table.assign(ratio=table["auto"] / table[["dense", "events"]].min(axis=1))


def time_engines(name: str, model: wb.Model, ticks: Tensor, rounds: int) -> dict[str, float]:
    """Median milliseconds of every engine."""
    output = model.network.output

    def prepare(engine: str) -> Find:
        return lambda: model.run(ticks, record=[output], engine=engine)[output]

    runs = {engine: prepare(engine) for engine in ENGINES}
    expected = runs["dense"]()
    for engine, run in runs.items():
        require_agreement(f"{name}, {engine}", run(), expected)
    begin = time.perf_counter()
    while time.perf_counter() < begin + TRIALS_S:  # what is learned in the first runs, and kept for later processes
        runs["auto"]()
    return interleave(runs, rounds)


def show_choices(table: pd.DataFrame) -> Iterable[tuple[str, pd.DataFrame]]:
    """For every network a table: by neuron and activity, for every batch the ratio and the better engine."""
    better = table[["dense", "events"]].idxmin(axis=1)
    cells = table.assign(cell=table["ratio"].map("{:.2f}".format) + " (" + better + ")")
    for network, own in cells.groupby("network", sort=False):
        shown = own.set_index(["neuron", "activity", "batch"])["cell"].unstack(sort=False)
        shown.columns = [f"batch {batch}" for batch in shown.columns]
        fires = own.groupby(["neuron", "activity"], sort=False)["fires"].mean()
        shown.insert(0, "fires", fires.map("{:.1%}".format))
        shown = shown.reset_index("activity").assign(activity=lambda it: it["activity"].map("{:.1%}".format))
        yield str(network), shown


def tell_choices(table: pd.DataFrame) -> str:
    """At how many points "auto" is near the better engine, and where it is farthest from it, in words."""
    near = int((table["ratio"] <= NEAR).sum())
    worst = table.loc[table["ratio"].idxmax()]
    return (
        f"At {near} of {len(table)} points ({near / len(table):.1%}) `auto` took at most {NEAR} times as long as the "
        f"better of the two, and at {int((table['ratio'] > FAR).sum())} more than {FAR} times. The farthest is "
        f"{worst['ratio']:.2f} times: {worst['network']}, {worst['neuron']}, activity {worst['activity']:.1%}, batch "
        f"{worst['batch']} (dense {worst['dense']:.2f} ms, events {worst['events']:.2f} ms, auto {worst['auto']:.2f} "
        "ms)."
    )


def report_choices(table: pd.DataFrame) -> str:
    """The words and all tables."""
    parts = (f"### {network}\n\n{markdown(shown)}" for network, shown in show_choices(table))
    return "\n\n".join([tell_choices(table), *parts])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=WHOLE.choice_rounds, help="interleaved rounds (default 15)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of torch")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"Measured on {describe_machine()}.\n")
    print(report_choices(measure_choices(replace(WHOLE, choice_rounds=options.rounds))))


if __name__ == "__main__":
    main()
