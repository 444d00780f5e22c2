"""Gradient checkpointing in time: segments of long recordings are computed again in the backward pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor
from torch.utils.checkpoint import checkpoint

from workbench.engine import (
    Frames,
    Layers,
    MemoryRequest,
    Plan,
    Segment,
    State,
    advance,
    arrange_inputs,
    concatenate_steps,
    plan,
    require_memory,
    require_numbers,
)
from workbench.model import Model

if TYPE_CHECKING:
    from workbench.training.options import TrainingOptions


def require_segments(model: Model, options: TrainingOptions) -> None:
    """ValueError where a recording cannot be cut into segments without changing what is learned."""
    asked = f"recompute={options.recompute}"
    if options.recompute is None:
        return
    if model.norm is not None:
        raise ValueError(
            f"{asked} cuts the recording, but batch norm takes its statistics over all of its steps; use "
            "Model(network, norm=None), or recompute=None"
        )
    if options.dropout:
        raise ValueError(
            f"{asked} computes the same steps twice, and dropout={options.dropout:g} is not known there; leave out "
            "dropout, or use recompute=None"
        )
    if options.noise or options.spike_cost:
        raise ValueError(
            f"{asked} computes the same steps twice, which would draw other noise and count spikes twice; leave out "
            "noise and spike_cost, or use recompute=None"
        )


def run_segments(model: Model, frames: Frames, recompute: int) -> Tensor:
    """The output's drive (steps, batch, classes) of a model in training, like `model(frames)`, in less memory.

    Between segments of `recompute` steps only what the engine carries on is kept: the past that is read again, and the
    membranes. The backward pass computes every segment once more. Numbers and gradients are those of `model(frames)`,
    up to the rounding of sums in another order. The model must have no batch norm.

    >>> network = Network({"image": (1, 4, 4)}, [Edge("image", "hidden", Dense(3)), Edge("hidden", "class", Dense(2))])
    >>> run_segments(Model(network, norm=None), torch.zeros(50, 7, 1, 4, 4), recompute=10).shape
    torch.Size([50, 7, 2])
    """
    network = model.network
    inputs = arrange_inputs(network, frames, next(model.parameters()))
    steps, batch = next(iter(inputs.values())).shape[:2]
    like, held = next(model.parameters()), min(recompute, steps)
    require_numbers(inputs, like)
    encoding = model.input_encoding
    require_memory(MemoryRequest(network, [network.output], held, batch, recompute, True, like.dtype), like.device)
    planned, layers = plan(network, [network.output], ahead=True, latency=model.latencies), model.training_layers()
    block, state, drives = model.choose_block(recompute, batch), State(), []
    for begin in range(0, steps, recompute):
        segment = encoding.encode({node: values[begin : begin + recompute] for node, values in inputs.items()})
        drive, state = checkpoint(
            _advance, planned, layers, state, segment, block, steps, use_reentrant=False, preserve_rng_state=False
        )
        drives.append(drive)
    return concatenate_steps(drives)


def _advance(
    plan: Plan, layers: Layers, state: State, inputs: Mapping[str, Tensor], block: int, until: int
) -> tuple[Tensor, State]:
    """One segment in blocks: the output's drive, and a state that keeps no other memory of the segment."""
    drives, begin, end = [], state.step, state.step + len(next(iter(inputs.values())))
    while state.step < end:
        first = state.step - begin
        activity, state = advance(
            plan, layers, state, {node: values[first : first + block] for node, values in inputs.items()}, until
        )
        drives.append(activity[plan.network.output])
    past = {
        node: tuple(_keep(piece, end + plan.lead[node] - plan.depth[node]) for piece in segments)
        for node, segments in state.past.items()
    }
    return concatenate_steps(drives), replace(state, past=past)


def _keep(piece: Segment, begin: int) -> Segment:
    """The steps of a segment from this one on, in memory of their own."""
    return Segment(max(piece.start, begin), piece.cut(begin, piece.end).clone())
