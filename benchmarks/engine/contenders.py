"""Who competes: the workbench's engines, the bare convolutions, and a plain loop over ticks in torch."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

import workbench as wb
from benchmarks.engine.networks import LAYERS, lag, weights_of
from benchmarks.engine.timing import measure
from workbench.engine import ENGINES
from workbench.engine.scheduler import choose_block

BARE = "bare convolutions"

Run = Callable[[], Tensor | None]
State = Sequence[Any]
Tick = Callable[[Tensor, State], tuple[Tensor, State]]  # drive of the output and the state that it leaves


class Missing(RuntimeError):
    """A contender that is not installed here; the message says what to do."""


@dataclass(frozen=True)
class Contender:
    """Who runs a model on ticks (steps, batch, *shape), and what its neurons do at a spike.

    `prepare` does what need not be repeated and gives the run to be timed: the output's drives (steps less the lag of
    the model, batch, classes), or None from who does not spike. All so do the same work, whether delays are theirs or
    left out. `prepare` raises `Missing` where the contender is not installed.
    """

    name: str
    prepare: Callable[[wb.Model, Tensor], Run]
    reset: str = "subtract"


def prepare_workbench(model: wb.Model, ticks: Tensor, engine: str) -> Run:
    """One of the engines."""
    first = lag(model)
    return lambda: model.run(ticks, record=["out"], engine=engine)["out"][first:]


def prepare_convolutions(model: wb.Model, ticks: Tensor) -> Run:
    """Every linear map alone, channels last; no neuron, no bias, no sum. The quickest of some lengths of blocks."""
    own = choose_block(model.network, ticks.shape[1], model.ticks_per_frame)
    lengths = sorted({max(1, round(own * factor)) for factor in (1 / 4, 1 / 2, 3 / 4, 1, 3 / 2)})
    return find_fastest([convolve(model, ticks, length) for length in lengths])


def convolve(model: wb.Model, ticks: Tensor, length: int) -> Run:
    """The linear maps in blocks of so many ticks."""
    blocks, weights = ticks[: len(ticks) - lag(model)].split(length), weights_of(model)

    def run() -> None:
        for block in blocks:
            arrived = {"in": block.flatten(0, 1).contiguous(memory_format=torch.channels_last)}
            for edge, weight in zip(model.network.edges, weights, strict=True):
                drive = edge.operation(arrived[edge.source], [weight])
                arrived.setdefault(edge.target, drive)

    return run


def find_fastest(runs: Sequence[Run]) -> Run:
    """The one that takes least time here, each tried three times."""
    return min(runs, key=lambda run: min(measure(run) for _ in range(3)))


def prepare_loop(model: wb.Model, ticks: Tensor, compiled: bool = False) -> Run:
    """A plain loop over ticks, channels last, in place, without the delays; for a chain of layers."""
    *weights, last = weights_of(model)
    operations = [edge.operation for edge in model.network.edges[: len(LAYERS)]]

    def tick(now: Tensor, levels: State) -> tuple[Tensor, State]:
        left = []
        for operation, weight, level in zip(operations, weights, levels, strict=True):
            level = operation(now, [weight]).add_(level)
            now = (level >= 1).to(level.dtype)
            left.append(level.sub_(now))
        return torch.nn.functional.linear(now.flatten(1), last), left

    inputs = lay_out(ticks[: len(ticks) - lag(model)], torch.channels_last)
    levels = fill_levels(model, inputs[0], model.neuron.start, torch.channels_last)
    return go_on(inputs, lambda: levels, compile_tick(tick) if compiled else tick)


def go_on(inputs: Tensor, start: Callable[[], State], tick: Tick) -> Run:
    """A run tick by tick, from a state that no tick changes."""

    def run() -> Tensor:
        state = start()
        answers = []
        for now in inputs:
            answer, state = tick(now, state)
            answers.append(answer)
        return torch.stack(answers)

    return run


def compile_tick(tick: Tick) -> Tick:
    """What torch.compile makes of it, when it is first called; `Missing` where there is no compiler of C++."""
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise Missing(f"torch.compile finds no {compiler}; install it, or name another compiler of C++ in CXX")
    compiled: Tick = torch.compile(tick)
    return compiled


def fill_levels(model: wb.Model, now: Tensor, value: float, layout: torch.memory_format) -> list[Tensor]:
    """Membranes of all layers with this value, for as many recordings as there are now."""
    shapes = [(len(now), *model.network.shapes[node]) for node in LAYERS]
    return [torch.full(shape, value, device=now.device).contiguous(memory_format=layout) for shape in shapes]


def lay_out(ticks: Tensor, layout: torch.memory_format) -> Tensor:
    """The same ticks (steps, batch, channels, height, width), the images of them in this layout of torch."""
    return ticks.flatten(0, 1).contiguous(memory_format=layout).view_as(ticks)


CONVOLUTIONS = Contender(BARE, prepare_convolutions)
WORKBENCH = tuple(Contender(f"workbench, {engine}", partial(prepare_workbench, engine=engine)) for engine in ENGINES)
LOOP = Contender("plain loop over ticks", prepare_loop)
COMPILED_LOOP = Contender("plain loop over ticks, compiled", partial(prepare_loop, compiled=True))
