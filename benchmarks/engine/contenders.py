"""Who competes: the workbench's engines, the bare convolutions, and a plain loop over ticks in torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

import workbench as wb
from benchmarks.engine.networks import LAYERS, lag, weights_of
from workbench.choices import ENGINES
from workbench.engine import choose_block

BARE = "bare convolutions"

Run = Callable[[], Tensor | None]


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
    """The dense limit: every linear map, channels last, in the engine's blocks; no neuron, no bias, no sum."""
    blocks = ticks[: len(ticks) - lag(model)].split(choose_block(model.network, ticks.shape[1], model.ticks_per_frame))
    weights = weights_of(model)

    def run() -> None:
        for block in blocks:
            arrived = {"in": block.flatten(0, 1).contiguous(memory_format=torch.channels_last)}
            for edge, weight in zip(model.network.edges, weights, strict=True):
                drive = edge.operation(arrived[edge.source], [weight])
                arrived.setdefault(edge.target, drive)

    return run


def prepare_loop(model: wb.Model, ticks: Tensor) -> Run:
    """A plain loop over ticks, channels last, in place, without the delays; for a chain of layers."""
    *weights, last = weights_of(model)
    operations = [edge.operation for edge in model.network.edges[: len(LAYERS)]]
    inputs = lay_out(ticks[: len(ticks) - lag(model)], torch.channels_last)

    def run() -> Tensor:
        levels: list[Tensor] = []
        answers = []
        for now in inputs:
            for position, (operation, weight) in enumerate(zip(operations, weights, strict=True)):
                drive = operation(now, [weight])
                if position == len(levels):
                    levels.append(torch.full_like(drive, model.neuron.start))
                level = levels[position].add_(drive)
                now = (level >= 1).to(level.dtype)
                level.sub_(now)
            answers.append(torch.nn.functional.linear(now.flatten(1), last))
        return torch.stack(answers)

    return run


def lay_out(ticks: Tensor, layout: torch.memory_format) -> Tensor:
    """The same ticks (steps, batch, channels, height, width), the images of them in this layout of torch."""
    return ticks.flatten(0, 1).contiguous(memory_format=layout).view_as(ticks)


CONVOLUTIONS = Contender(BARE, prepare_convolutions)
WORKBENCH = tuple(Contender(f"workbench, {engine}", partial(prepare_workbench, engine=engine)) for engine in ENGINES)
LOOP = Contender("plain loop over ticks", prepare_loop)
