"""The same code on a GPU: learning and simulating beside SpikingJelly and snnTorch, within four minutes.

python -m benchmarks.gpu [--device cuda] [--budget 180] prints two tables and whether the SNN's spikes and drives are
those of the CPU. Where there is no such device it says so and ends with status 2; `--device cpu` tries the script.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial

import pandas as pd
import torch
from torch import Tensor, nn

import workbench as wb
from benchmarks.engine.agreement import SAME, count_differing
from benchmarks.engine.contenders import Contender, Missing, Run, convolve, find_fastest, lay_out, prepare_workbench
from benchmarks.engine.networks import CLASSES, RATE, SHAPE, K, build_model, draw_network, draw_ticks, lag
from benchmarks.engine.peers import MULTI, SINGLE, prepare_faster, prepare_snntorch, tell_versions
from benchmarks.engine.surrogates import LEARNERS, Layers, Learner, learn
from benchmarks.engine.timing import interleave
from benchmarks.tables import markdown
from workbench.machine import describe_machine

BUDGET_S = 180  # for both tables, in halves; what is begun is ended
ROUNDS, BATCH, FRAMES, STEPS = 15, 32, 8, 96
NONE = (
    "No GPU was at hand when this page was written. `python -m benchmarks.gpu`, in an environment with the peers and a "
    "torch for CUDA, prints what belongs here: a step of learning and a run of the SNN beside SpikingJelly and "
    "snnTorch, and whether the drives are those of the CPU."
)


def prepare_bare(model: wb.Model, ticks: Tensor) -> Run:
    """The linear maps alone, a frame or everything at a time."""
    return find_fastest([convolve(model, ticks, length) for length in (K, len(ticks))])


SIMULATORS = (
    Contender("workbench, dense", partial(prepare_workbench, engine="dense")),
    Contender("bare convolutions", prepare_bare),
    Contender("SpikingJelly, multi-step", partial(prepare_faster, prepare=MULTI)),
    Contender("SpikingJelly, single-step", partial(prepare_faster, prepare=SINGLE)),
    Contender("snnTorch", partial(prepare_faster, prepare=prepare_snntorch)),
)


def make_workbench(network: wb.Network) -> Learner:
    """An ANN as `wb.train` learns it."""
    model = wb.Model(network, seed=0)
    return Learner(model, model, lag(model), ticks_per_frame=1)


def make_layers(network: wb.Network) -> Learner:
    """The same layers in torch, all frames at once, without the delays."""
    layers = Layers(network, nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.Flatten, nn.ReLU)
    return Learner(layers, lambda frames: layers(frames.flatten(0, 1)).view(*frames.shape[:2], -1), ticks_per_frame=1)


TEACHERS: dict[str, Callable[[wb.Network], Learner]] = {
    "workbench, ANN": make_workbench,
    "layers of torch, ANN": make_layers,
    **{f"{name}, SNN by surrogate gradients": make for name, make in LEARNERS.items()},
}


def compare_learning(device: torch.device, deadline: float) -> pd.DataFrame:
    """Milliseconds of a step of learning: forward, backward, update."""
    network, labels = draw_network(), torch.arange(BATCH, device=device) % CLASSES
    ticks = torch.rand(FRAMES * K, BATCH, *SHAPE, generator=torch.Generator().manual_seed(1)).lt(RATE).float()
    seen = {K: ticks.to(device), 1: ticks.unflatten(0, (FRAMES, K)).sum(1).to(device)}
    prepared = {name: partial(prepare_learning, make, network, seen, labels) for name, make in TEACHERS.items()}
    return take_turns(prepared, deadline)[0]


def prepare_learning(
    make: Callable[[wb.Network], Learner], network: wb.Network, seen: dict[int, Tensor], labels: Tensor
) -> Run:
    """A step of learning of what is `seen`, by ticks per frame; layers of torch in the faster of its layouts."""

    def prepare(layout: torch.memory_format) -> Run:
        torch.manual_seed(0)
        learner = make(network)
        learner.layers.to(labels.device, memory_format=layout).train()
        optimizer = torch.optim.AdamW(learner.layers.parameters(), lr=1e-4)
        inputs = lay_out(seen[learner.ticks_per_frame], layout)
        return lambda: learn(learner, optimizer, inputs, labels)

    layouts = (torch.contiguous_format,) if make is make_workbench else (torch.channels_last, torch.contiguous_format)
    return find_fastest([prepare(layout) for layout in layouts])


@torch.no_grad()
def compare_simulation(device: torch.device, deadline: float) -> pd.DataFrame:
    """Milliseconds of a run of the SNN, and how its drives at the output agree with the workbench's on this device."""
    model = build_model(draw_network()).to(device)
    ticks = draw_ticks(STEPS + lag(model), BATCH, seed=1).to(device)
    prepared = {one.name: partial(one.prepare, model, ticks) for one in SIMULATORS}
    table, answers = take_turns(prepared, deadline)
    expected = answers[SIMULATORS[0].name]
    table["drives at the output"] = [_tell_agreement(answers.get(name), expected) for name in table.index]
    return table


def compare_devices(device: torch.device) -> str:
    """Whether the SNN gives the same bits on this device and on the CPU, in words."""
    model = build_model(draw_network())
    ticks = draw_ticks(STEPS + lag(model), 4, seed=1)
    with torch.no_grad():
        there = model.copy().to(device).run(ticks.to(device), record=["d", "out"], engine="dense")
        here = model.run(ticks, record=["d", "out"], engine="dense")
    parts = [f"{node}: {_tell_agreement(there[node].cpu(), here[node])}" for node in here]
    return f"The SNN on {device.type} and on the CPU, of the last layer's spikes and the output's drives: " + ", ".join(
        parts
    )


def take_turns(
    prepared: dict[str, Callable[[], Callable[[], object]]], deadline: float
) -> tuple[pd.DataFrame, dict[str, object]]:
    """Median milliseconds of all in turns until the deadline, ratios to the first, and what each has given.

    Who is missing or, but for the first, would begin after the deadline is told so in words.
    """
    runs, given, words = {}, {}, {}
    for name, prepare in prepared.items():
        if runs and time.monotonic() > deadline:
            words[name] = "left out: the time was up"
            continue
        try:
            run = prepare()
        except Missing as error:
            words[name] = f"missing: {error}"
            continue
        runs[name], given[name] = run, run()
    rounds = [interleave(runs, 1)]
    while len(rounds) < ROUNDS and time.monotonic() < deadline:
        rounds.append(interleave(runs, 1))
    medians = pd.DataFrame(rounds).median()
    rows = {
        name: {"ms": f"{medians[name]:.1f}", f"to {next(iter(runs))}": f"{medians[name] / medians.iloc[0]:.2f}"}
        if name in runs
        else {"ms": words[name]}
        for name in prepared
    }
    table = pd.DataFrame.from_dict(rows, orient="index").fillna("").rename_axis(f"of {len(rounds)} rounds")
    return table, given


def _tell_agreement(answer: object, expected: object) -> str:
    if not isinstance(answer, Tensor) or not isinstance(expected, Tensor):
        return ""
    return SAME if torch.equal(answer, expected) else f"{count_differing(answer, expected):.2%} differ"


def report(device: torch.device, budget: float = BUDGET_S) -> str:
    """Everything as text. TF32 is off, so that sums of the dyadic weights can be exact."""
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    begin = time.monotonic()
    learning = compare_learning(device, begin + budget / 2)
    simulation = compare_simulation(device, begin + budget)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "the CPU itself"
    parts = [
        f"Measured on {name}, beside {describe_machine()}; {tell_versions()}; without TF32.",
        f"A step of learning, batch {BATCH}, {FRAMES} frames; those who learn an SNN see their {FRAMES * K} ticks:",
        markdown(learning),
        f"A run of the SNN, batch {BATCH}, {STEPS} ticks, layers firing in {RATE:.0%} of unit-ticks:",
        markdown(simulation),
        f"{compare_devices(device)}.",
    ]
    return "\n\n".join(parts)


def report_if_any() -> str:
    """What the page of the engine says: the tables where there is a GPU, else that there was none."""
    return report(torch.device("cuda")) if torch.cuda.is_available() else NONE


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", type=torch.device, default=torch.device("cuda"), help="where to (default cuda)")
    parser.add_argument("--budget", type=float, default=BUDGET_S, help=f"seconds for the tables (default {BUDGET_S})")
    options = parser.parse_args()
    if options.device.type == "cuda" and not torch.cuda.is_available():
        print(
            f"No GPU is at hand: torch {torch.__version__} finds no CUDA device. --device cpu tries the script.",
            file=sys.stderr,
        )
        sys.exit(2)
    print(report(options.device, options.budget))


if __name__ == "__main__":
    main()
