"""How fast the engine is: the same network, weights and recordings by several hands, interleaved, spikes compared.

python -m benchmarks.engine [--rounds 9] [--threads 2] [--batch 16 1]

Times are medians over interleaved rounds; what counts are their ratios to the bare convolutions, "the dense limit".
Weights are dyadic, so that all sums are exact in whatever order, and all who spike must give the same numbers.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

import workbench as wb
from benchmarks.tables import markdown
from workbench.choices import ENGINES
from workbench.engine import choose_block

TICKS, RATE = 100, 0.05
LAYERS = {"a": wb.Conv(16, 3), "b": wb.Conv(32, 3, stride=2), "c": wb.Conv(32, 3), "d": wb.Conv(64, 3, stride=2)}
BARE = "bare convolutions"


@dataclass(frozen=True)
class Contender:
    """Who runs a model on ticks (steps, batch, *shape): the output's drive (steps, batch, classes), or None.

    To let another simulator compete, add one whose `run` does what the plain loop does.
    """

    name: str
    run: Callable[[wb.Model, Tensor], Tensor | None]


def build_model(delay: int = 1, seed: int = 0) -> wb.Model:
    """A chain of four convolutions on 2 x 34 x 34, every layer firing in about 5 % of unit-ticks, weights dyadic."""
    nodes = ["in", *LAYERS, "out"]
    operations = [*LAYERS.values(), wb.Dense(10)]
    edges = [wb.Edge(*ends, operation, delay) for *ends, operation in zip(nodes, nodes[1:], operations, strict=False)]
    network = wb.Network({"in": (2, 34, 34)}, edges)
    model = wb.Model(network, seed=seed, norm=None, neuron=wb.IntegrateAndFire(), ticks_per_frame=12).eval()
    ticks = draw_ticks(2)
    for weight in model.weights.parameters():
        weight.data = (weight.data * 4096).round() / 4096
    for position, node in enumerate(LAYERS):
        weight = next(model.weights[position].parameters())
        drawn, low, high = weight.detach().clone(), 0.0, 16.0
        for _ in range(12):
            gain = (low + high) / 2
            weight.data = (drawn * gain * 4096).round() / 4096
            firing = float(model.run(ticks, record=[node])[node].mean())
            low, high = (gain, high) if firing < RATE else (low, gain)
    return model


def draw_ticks(batch: int, seed: int = 0) -> Tensor:
    """Event counts (ticks, batch, 2, 34, 34), 3 % of them 1."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(TICKS, batch, 2, 34, 34, generator=generator) < 0.03).float()


def run_workbench(model: wb.Model, ticks: Tensor, engine: str) -> Tensor:
    """One of the engines."""
    return model.run(ticks, record=["out"], engine=engine)["out"]


def run_convolutions(model: wb.Model, ticks: Tensor) -> None:
    """The dense limit: every linear map, channels last, in the engine's blocks; no neuron, no bias, no delay."""
    weights = [next(layer.parameters()) for layer in model.weights]
    for block in ticks.split(choose_block(model.network, ticks.shape[1], model.ticks_per_frame)):
        x = block.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        for operation, weight in zip(LAYERS.values(), weights, strict=False):
            x = operation(x, [weight])
        F.linear(x.flatten(1), weights[-1])


def run_loop(model: wb.Model, ticks: Tensor) -> Tensor:
    """A plain loop over ticks in torch, channels last, in place; for a chain of layers whose delays are 1 tick."""
    weights = [next(layer.parameters()) for layer in model.weights]
    spikes: dict[str, Tensor] = {}
    levels: dict[str, Tensor] = {}
    answers = []
    for now in ticks:
        drive = torch.zeros(len(now), 10)  # what arrives was sent a tick ago, so the last layer comes first
        if "d" in spikes:
            drive = F.linear(spikes["d"].flatten(1), weights[-1]) + model.node_layer("out").bias
        answers.append(drive)
        for position, (node, source) in reversed(list(enumerate(zip(LAYERS, ["in", *LAYERS], strict=False)))):
            if source in spikes:
                drive = LAYERS[node](spikes[source], [weights[position]])
                drive += model.node_layer(node).bias.view(-1, 1, 1)
                level = levels[node].add_(drive) if node in levels else drive.add_(model.neuron.start)
                level.clamp_(min=model.neuron.floor)
                spikes[node] = (level >= 1).to(level.dtype)
                levels[node] = level.sub_(spikes[node])
        spikes["in"] = now.contiguous(memory_format=torch.channels_last)
    return torch.stack(answers)


CONTENDERS = [
    Contender(BARE, run_convolutions),
    *(Contender(f"workbench, {engine}", partial(run_workbench, engine=engine)) for engine in ENGINES),
    Contender("plain loop over ticks", run_loop),
]


@torch.no_grad()
def compare_speeds(contenders: Sequence[Contender], batches: Sequence[int], rounds: int) -> pd.DataFrame:
    """Milliseconds a run (median of interleaved rounds) and its ratio to the bare convolutions, per batch.

    RuntimeError where two who spike do not give the same drives at the output.
    """
    model, rows = build_model(), []
    for batch in batches:
        ticks = draw_ticks(batch, seed=1)
        require_agreement({c.name: c.run(model, ticks) for c in contenders})
        times: dict[str, list[float]] = {contender.name: [] for contender in contenders}
        for _ in range(rounds):
            for contender in contenders:
                begin = time.perf_counter()
                contender.run(model, ticks)
                times[contender.name].append(1e3 * (time.perf_counter() - begin))
        medians = pd.DataFrame(times).median()
        rows += [
            {"batch": batch, "": name, "ms": round(ms, 1), "ratio": round(ms / medians[BARE], 2)}
            for name, ms in medians.items()
        ]
    return pd.DataFrame(rows).set_index("batch")


def require_agreement(answers: dict[str, Tensor | None]) -> None:
    """RuntimeError unless all answers are the same, bit for bit."""
    spiking = {name: answer for name, answer in answers.items() if answer is not None}
    first = next(iter(spiking))
    for name, answer in spiking.items():
        if not torch.equal(answer, spiking[first]):
            raise RuntimeError(f"{name} and {first} do not give the same drives at the output")


@torch.no_grad()
def measure_rates(batch: int = 4) -> pd.Series:
    """How often each layer fires, of all units and ticks."""
    activity = build_model().run(draw_ticks(batch, seed=1))
    return pd.Series({node: round(float((activity[node] != 0).float().mean()), 3) for node in LAYERS})


def main() -> None:
    """Print how fast each is, and on what machine."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds (default 9)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of torch")
    parser.add_argument("--batch", type=int, nargs="+", default=[16, 1], help="recordings at a time (default 16 1)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{platform.machine()}, {os.cpu_count()} CPUs, {options.threads} threads, torch {torch.__version__}")
    print("firing:", ", ".join(f"{node} {rate:.1%}" for node, rate in measure_rates().items()))
    print(markdown(compare_speeds(CONTENDERS, options.batch, options.rounds)))


if __name__ == "__main__":
    main()
