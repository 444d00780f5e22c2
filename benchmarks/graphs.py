"""How time grows with the graph: `python -m benchmarks.graphs` writes docs/graphs.md and its curve."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import torch

import workbench as wb
from benchmarks.engine.timing import interleave
from benchmarks.tables import markdown
from workbench import figures
from workbench.figures._layout.many_edges import MOST_CURVES
from workbench.figures._style import COLOURS, DASHES, QUIET, SYMBOLS, dress
from workbench.machine import describe_machine

DOCS = Path(__file__).parents[1] / "docs"
TEXT = Path(__file__).with_name("graphs.md")
CURVE = "graphs.png"
NODES = (125, 250, 500, 1000, 2000)
CHAINS = (625, 1250, 2500, 5000, 10_000)
DEGREE, UNITS, STEPS = 10, 4, 5
CHAIN = "Network, a chain listed backwards"

Work = Callable[[], object]


def draw_graph(nodes: int, seed: int = 0) -> wb.Network:
    """So many nodes of four units in random order, ten edges of one frame into each; cycles are as likely as not."""
    rng = np.random.default_rng(seed)
    names = ["in", *(f"n{i}" for i in range(nodes - 2)), "out"]
    ends = {(names[rng.integers(0, i)], names[i]): None for i in range(1, nodes)}
    while len(ends) < DEGREE * nodes:
        source, target = rng.integers(0, nodes - 1), rng.integers(1, nodes)
        ends[names[source], names[target]] = None
    order = rng.permutation(len(ends))
    listed = list(ends)
    return wb.Network({"in": (UNITS,)}, [wb.Edge(*listed[i], wb.Dense(UNITS)) for i in order], output="out")


def draw_chain(nodes: int) -> wb.Network:
    """A chain whose edges are listed from the last to the first."""
    names = ["in", *(f"n{i}" for i in range(nodes - 2)), "out"]
    edges = [wb.Edge(source, target, wb.Dense(UNITS)) for source, target in pairwise(names)]
    return wb.Network({"in": (UNITS,)}, edges[::-1], output="out")


def list_work() -> Iterator[tuple[str, int, Work]]:
    """(what, edges, the call) of everything that is measured, small graphs first."""
    for nodes in NODES:
        network = draw_graph(nodes)
        model, frames = wb.Model(network).eval(), torch.rand(STEPS, 1, UNITS)
        calls: dict[str, Work] = {
            "Network": partial(wb.Network, network.inputs, network.edges, output="out"),
            "sequential": network.sequential,
            "Rollout": partial(_roll_out, network),
            "Model": partial(wb.Model, network),
            f"run of {STEPS} frames": partial(_run, model, frames),
            "figures.network": partial(figures.network, network),
        }
        yield from ((name, len(network.edges), call) for name, call in calls.items())
    for nodes in CHAINS:
        chain = draw_chain(nodes)
        yield CHAIN, len(chain.edges), partial(wb.Network, chain.inputs, chain.edges, output="out")


def _roll_out(network: wb.Network) -> object:
    return wb.Rollout(network, STEPS).tableau


@torch.no_grad()
def _run(model: wb.Model, frames: torch.Tensor) -> object:
    return model.run(frames)


def measure(rounds: int) -> pd.DataFrame:
    """Milliseconds, a row for everything that is done and a column for each size, smallest first."""
    work = {(name, edges): call for name, edges, call in list_work()}
    for call in work.values():
        call()
    times = pd.Series(interleave(work, rounds))
    return times.unstack()


def tell_growth(times: Sequence[float], edges: Sequence[int]) -> float:
    """The exponent p of time = c edges^p, by least squares of the logarithms.

    >>> tell_growth([1.0, 4.0, 16.0], [10, 20, 40])
    2.0
    """
    slope, _ = np.polyfit(np.log(edges), np.log(times), 1)
    return round(float(slope), 2)


def tabulate(measured: pd.DataFrame) -> pd.DataFrame:
    """A row for everything that is done: edges and milliseconds of the largest graph, times per doubling, exponent."""
    rows = []
    for name, row in measured.iterrows():
        times = row.dropna()
        edges = [int(number) for number in times.index]
        doublings = math.log2(edges[-1] / edges[-2])
        rows.append(
            {
                "": name,
                "edges": f"{edges[0]:,} to {edges[-1]:,}",
                "ms at the largest": f"{times.iloc[-1]:,.0f}",
                "last doubling": f"x {(times.iloc[-1] / times.iloc[-2]) ** (1 / doublings):.2f}",
                "exponent": tell_growth(times.tolist(), edges),
            }
        )
    return pd.DataFrame(rows).set_index("")


def draw(measured: pd.DataFrame) -> go.Figure:
    """Milliseconds over edges, both in logarithms, beside a line of slope one."""
    figure = go.Figure()
    for position, (name, row) in enumerate(measured.iterrows()):
        times = row.dropna()
        figure.add_scatter(
            x=times.index,
            y=times,
            name=name,
            mode="lines+markers",
            line={"color": (*COLOURS, QUIET)[position], "dash": (*DASHES, "solid")[position]},
            marker={"symbol": (*SYMBOLS, "star")[position], "size": 9},
        )
    edges = np.array([measured.columns.min(), measured.columns.max()])
    figure.add_scatter(x=edges, y=edges / 100, name="in proportion", mode="lines", line={"color": QUIET, "dash": "dot"})
    figure.update_xaxes(title="edges", type="log")
    figure.update_yaxes(title="milliseconds", type="log")
    alt = "Milliseconds over the number of edges, for all that goes through a whole graph, and a line in proportion"
    dress(figure, "Time over the size of the graph", "Parallel to the dotted line: in proportion", alt, 520)
    return figure.update_layout(legend={"x": 1.02, "xanchor": "left", "y": 0.5, "yanchor": "middle"}, margin={"r": 260})


def main() -> None:
    """Measure, draw the curve, write the page, print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="rounds in turns (default 7)")
    options = parser.parse_args()
    measured = measure(options.rounds)
    figure = draw(measured)
    (DOCS / "images" / CURVE).write_bytes(figure.to_image(format="png", width=900, scale=1))
    page = TEXT.read_text(encoding="utf-8").format(
        degree=DEGREE,
        most_curves=MOST_CURVES,
        units=UNITS,
        rounds=options.rounds,
        machine=describe_machine(),
        table=markdown(tabulate(measured)),
        alt=figure.layout.meta["alt"],
        curve=CURVE,
    )
    print(page)
    (DOCS / "graphs.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
