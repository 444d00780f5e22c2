"""Spiking networks to measure: dyadic weights, and layers that fire as often as they are asked to."""

from __future__ import annotations

import torch
from torch import Tensor

import workbench as wb

SHAPE, CLASSES = (2, 34, 34), 10
LAYERS, WIDTHS = ("a", "b", "c", "d"), (16, 32, 32, 64)
FINENESS = {"in": 1, "a": 1, "b": 2, "c": 2, "d": 4}  # of the image, how many of its pixels are one of the layer's
RATE = 0.05
GRID = 4096  # weights are whole numbers over this one, so that every sum is exact in whatever order
K = 12  # ticks per frame
STEPS, HALVINGS = 100, 12  # of a recording on which layers are scaled, and of the interval in which the scale lies

PLAIN = wb.IntegrateAndFire(floor=None)  # because not all peers know a floor

Ends = tuple[str, str]


def draw_network(widths: tuple[int, ...] = WIDTHS, more: tuple[Ends, ...] = (), delay: int = 1) -> wb.Network:
    """A chain of four convolutions on 2 x 34 x 34 with ten classes, and more edges as named; all of this delay.

    >>> draw_network(more=(("a", "c"), ("b", "b"))).first_response["out"]
    4
    """
    channels = dict(zip(LAYERS, widths, strict=True))
    pairs = [*zip(("in", *LAYERS), LAYERS, strict=False), *more]
    strides = [FINENESS[target] // FINENESS[source] for source, target in pairs]
    edges = [
        wb.Edge(source, target, wb.Conv(channels[target], 3, stride), delay)
        for (source, target), stride in zip(pairs, strides, strict=True)
    ]
    return wb.Network({"in": SHAPE}, [*edges, wb.Edge(LAYERS[-1], "out", wb.Dense(CLASSES), delay)])


@torch.no_grad()
def build_model(
    network: wb.Network,
    rate: float = RATE,
    seed: int = 0,
    neuron: wb.IntegrateAndFire = PLAIN,
    lean: float = 0.0,
    steps: int = STEPS,
) -> wb.Model:
    """A model without biases whose layers fire in about this part of their unit-ticks on so many of `draw_ticks`.

    Weights that `lean` lie, but for those of loops, around so many of their standard deviations over the square root of
    the number that a unit has, so that also those units fire whose drive would fall without end.
    """
    model = wb.Model(network, seed=seed, norm=None, neuron=neuron, ticks_per_frame=K).eval()
    ticks = draw_ticks(network.first_response[network.output] + steps, 1, rate, shape=input_shape(network))
    for edge, weight in zip(network.edges, model.weights.parameters(), strict=True):
        weight.add_(lean * weight.std() / weight[0].numel() ** 0.5 if edge.source != edge.target else 0.0)
        weight.copy_(put_on_grid(weight))
    for node in network.hidden:
        weights = [next(model.weights[position].parameters()) for position in network.incoming(node)]
        drawn, low, high = [weight.clone() for weight in weights], 0.0, 16.0
        for _ in range(HALVINGS):
            gain = (low + high) / 2
            for weight, before in zip(weights, drawn, strict=True):
                weight.copy_(put_on_grid(before * gain))
            firing = measure_rate(model, node, model.run(ticks, record=[node])[node])
            low, high = (gain, high) if firing < rate else (low, gain)
    return model


def put_on_grid(values: Tensor) -> Tensor:
    """The nearest dyadic numbers.

    >>> put_on_grid(torch.tensor([0.3])) * GRID
    tensor([1229.])
    """
    return (values * GRID).round() / GRID


def draw_ticks(steps: int, batch: int, rate: float = RATE, seed: int = 0, shape: tuple[int, ...] = SHAPE) -> Tensor:
    """Event counts (steps, batch, *shape); where layers fire at this rate, three fifths of it are 1."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(steps, batch, *shape, generator=generator) < 0.6 * rate).float()


def measure_rate(model: wb.Model, node: str, activity: Tensor) -> float:
    """The part of a layer's units and ticks that fire, of the ticks in which they may, from its first answer on."""
    neuron = model.neuron_of(node)
    begun = activity[model.network.first_response_of(node) + neuron.latency :]
    return float((begun != 0).float().mean()) * neuron.ticks_per_frame / (neuron.ticks_per_frame - neuron.silent_ticks)


@torch.no_grad()
def measure_rates(model: wb.Model, ticks: Tensor) -> dict[str, float]:
    """How often each layer fires, of its units and ticks."""
    activity = model.run(ticks, record=model.network.hidden)
    return {node: measure_rate(model, node, activity[node]) for node in model.network.hidden}


def lag(model: wb.Model) -> int:
    """Ticks from the input to the output: so much later than a pipeline without delays it answers."""
    return model.network.first_response[model.network.output]


def input_shape(network: wb.Network) -> tuple[int, ...]:
    """The shape of the only input."""
    (node,) = network.inputs
    return network.shapes[node]


def weights_of(model: wb.Model) -> list[Tensor]:
    """The weights of every edge, without gradients."""
    return [next(layer.parameters()).detach() for layer in model.weights]
