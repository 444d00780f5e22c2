"""The published peers as contenders: each built as its documentation shows, with the weights of the model.

They know no delays: their layers answer within the tick, and so the whole pipeline sooner by the model's lag. Every one
runs on the same ticks as the bare convolutions, in eval mode, without gradients, in the faster of torch's layouts.
Where a peer fires only strictly above its threshold, its membrane lies half a step of the weights higher: then it fires
at the same ticks.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

import torch
from torch import Tensor, nn

import workbench as wb
from benchmarks.engine.contenders import (
    Contender,
    Missing,
    Run,
    State,
    compile_tick,
    fill_levels,
    find_fastest,
    go_on,
    lay_out,
)
from benchmarks.engine.networks import GRID, lag, weights_of

ABOVE = 0.5 / GRID  # half a step between membranes
Prepare = Callable[[wb.Model, Tensor, torch.memory_format], Run]
PACKAGES = ("sinabs", "spikingjelly", "snntorch", "norse")


def load(module: str) -> ModuleType:
    """A module of a peer; `Missing` with the cure where it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise Missing(
            f"{module.split('.')[0]} is not installed here ({error}); `make engine` sets up an environment of all peers"
        ) from error


def tell_versions() -> str:
    """Which versions of the peers are here, in words."""
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} (missing)")
    return ", ".join(found)


def layers_of(
    model: wb.Model,
    layout: torch.memory_format,
    conv: type[nn.Module] = nn.Conv2d,
    linear: type[nn.Module] = nn.Linear,
) -> list[nn.Module]:
    """The linear maps of a chain as torch's layers, or a peer's own, with the weights of the model."""
    *edges, last = zip(model.network.edges, weights_of(model), strict=True)
    layers = [
        conv(weight.shape[1], weight.shape[0], 3, stride=edge.operation.stride, padding=1, bias=False)
        for edge, weight in edges
    ]
    layers.append(linear(last[1].shape[1], last[1].shape[0], bias=False))
    for layer, (_, weight) in zip(layers, [*edges, last], strict=True):
        layer.weight = nn.Parameter(weight.clone(), requires_grad=False)
    return [layer.to(memory_format=layout) for layer in layers]


def prepare_sinabs(model: wb.Model, ticks: Tensor, layout: torch.memory_format) -> Run:
    """sinabs: squeezed layers of whole recordings, `IAFSqueeze` with one spike a tick, in a sequence of modules."""
    layers, activation = load("sinabs.layers"), load("sinabs.activation")
    steps, batch = len(ticks) - lag(model), ticks.shape[1]
    neurons = [
        layers.IAFSqueeze(batch_size=batch, spike_fn=activation.SingleSpike, shape=(batch, *model.network.shapes[node]))
        for node in model.network.hidden
    ]
    *convolutions, last = layers_of(model, layout)
    chain = [layer for pair in zip(convolutions, neurons, strict=True) for layer in pair]
    pipeline = nn.Sequential(*chain, nn.Flatten(), last).eval()
    squeezed = ticks[:steps].transpose(0, 1).flatten(0, 1).contiguous(memory_format=layout)

    def run() -> Tensor:
        for neuron in neurons:
            neuron.v_mem.fill_(model.neuron.start)
        return pipeline(squeezed).view(batch, steps, -1).transpose(0, 1)

    return run


def prepare_spikingjelly(
    model: wb.Model, ticks: Tensor, layout: torch.memory_format, mode: str, compiled: bool = False
) -> Run:
    """SpikingJelly: `IFNode` with soft reset, tick by tick ("s") or all ticks of a layer at once ("m")."""
    layer, neuron = load("spikingjelly.activation_based.layer"), load("spikingjelly.activation_based.neuron")
    functional = load("spikingjelly.activation_based.functional")
    *convolutions, last = layers_of(model, layout, layer.Conv2d, layer.Linear)
    neurons = [neuron.IFNode(v_reset=None) for _ in convolutions]
    for node in neurons:
        node.set_reset_value("v", model.neuron.start)
    chain = [module for pair in zip(convolutions, neurons, strict=True) for module in pair]
    pipeline = nn.Sequential(*chain, layer.Flatten(), last).eval()
    functional.set_step_mode(pipeline, mode)
    inputs = lay_out(ticks[: len(ticks) - lag(model)], layout)

    def start() -> State:
        functional.reset_net(pipeline)
        return ()

    def tick(now: Tensor, state: State) -> tuple[Tensor, State]:
        return pipeline(now), state

    def run() -> Tensor:
        start()
        return pipeline(inputs)

    return run if mode == "m" else go_on(inputs, start, compile_tick(tick) if compiled else tick)


def prepare_snntorch(model: wb.Model, ticks: Tensor, layout: torch.memory_format, compiled: bool = False) -> Run:
    """snnTorch: `Leaky` without leak, the membranes handed on from tick to tick; no surrogate is needed."""
    snntorch = load("snntorch")
    *convolutions, last = layers_of(model, layout)
    neurons = [snntorch.Leaky(beta=1.0, surrogate_disable=True).eval().to(ticks.device) for _ in convolutions]

    def tick(now: Tensor, membranes: State) -> tuple[Tensor, State]:
        left = []
        for convolve, neuron, membrane in zip(convolutions, neurons, membranes, strict=True):
            now, membrane = neuron(convolve(now), membrane)
            left.append(membrane)
        return last(now.flatten(1)), left

    inputs = lay_out(ticks[: len(ticks) - lag(model)], layout)
    membranes = fill_levels(model, inputs[0], model.neuron.start + ABOVE, layout)
    return go_on(inputs, lambda: membranes, compile_tick(tick) if compiled else tick)


def prepare_norse(model: wb.Model, ticks: Tensor, layout: torch.memory_format, compiled: bool = False) -> Run:
    """norse: `IAFCell` in a `SequentialState`; its membrane returns to zero after a spike."""
    norse, functional = load("norse.torch"), load("norse.torch.functional.iaf")
    parameters = functional.IAFParameters(v_reset=torch.tensor(ABOVE))
    *convolutions, last = layers_of(model, layout)
    chain = [module for convolve in convolutions for module in (convolve, norse.IAFCell(parameters))]
    pipeline = norse.SequentialState(*chain, nn.Flatten(), last).eval()
    inputs = lay_out(ticks[: len(ticks) - lag(model)], layout)
    levels = fill_levels(model, inputs[0], model.neuron.start + ABOVE, layout)
    states = [state for level in levels for state in (None, functional.IAFFeedForwardState(v=level))]
    tick = compile_tick(pipeline) if compiled else pipeline
    return go_on(inputs, lambda: [*states, None, None], tick)


def prepare_faster(model: wb.Model, ticks: Tensor, prepare: Prepare) -> Run:
    """A peer in the layout that takes less time here."""
    return find_fastest([prepare(model, ticks, layout) for layout in (torch.channels_last, torch.contiguous_format)])


def prepare_compiled(model: wb.Model, ticks: Tensor, prepare: Callable[..., Run]) -> Run:
    """A peer whose tick is compiled, channels last."""
    return prepare(model, ticks, torch.channels_last, compiled=True)


SINGLE, MULTI = (partial(prepare_spikingjelly, mode=mode) for mode in "sm")
PEERS = (
    Contender("sinabs", partial(prepare_faster, prepare=prepare_sinabs)),
    Contender("SpikingJelly, multi-step", partial(prepare_faster, prepare=MULTI)),
    Contender("SpikingJelly, single-step", partial(prepare_faster, prepare=SINGLE)),
    Contender("SpikingJelly, single-step, compiled", partial(prepare_compiled, prepare=SINGLE)),
    Contender("snnTorch", partial(prepare_faster, prepare=prepare_snntorch)),
    Contender("snnTorch, compiled", partial(prepare_compiled, prepare=prepare_snntorch)),
    Contender("norse", partial(prepare_faster, prepare=prepare_norse), reset="zero"),
    Contender("norse, compiled", partial(prepare_compiled, prepare=prepare_norse), reset="zero"),
)
