"""Random networks for laws: delays, shortcuts, loops, several operations; and models with numbers to match."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import torch

import workbench as wb
from workbench.network import Operation

IMAGE, SIGNAL = (2, 6, 5), (2, 9)


def random_network(
    seed: int, *, flat: bool = False, signal: bool = False, longest: int = 3, parallel: bool = False, channels: int = 3
) -> wb.Network:
    """A valid network with 2 to 5 hidden nodes, shortcuts and cycles; delays from 0 to `longest`.

    Its input is an image, flat, or a signal with one axis. Hidden nodes of images and signals have so many `channels`.
    With `parallel`, many have two edges between the same nodes, one later than the other. Of the linear maps, which
    give the shape that their target has, about every third is of a rarer kind: in groups, rectangular, with an even
    kernel, or pooled.
    """
    rng = np.random.default_rng(seed)
    while True:
        try:
            return _vary(_draw(rng, flat, signal, longest, parallel, channels), np.random.default_rng([seed, 7]))
        except ValueError as error:  # a zero-delay cycle or an unreachable node: draw again
            if not any(word in str(error) for word in ("zero-delay cycle", "unreachable", "unknown", "same delay")):
                raise


def _draw(
    rng: np.random.Generator, flat: bool, signal: bool, longest: int, parallel: bool, channels: int
) -> wb.Network:
    hidden = [f"n{i}" for i in range(rng.integers(2, 6))]
    edges = []
    for target in hidden:
        for source in ["in", *hidden]:
            if rng.random() < (0.5 if source == "in" else 0.3):
                operation = _operation(rng, source, flat, wb.Conv1d if signal else wb.Conv, channels)
                edges.append(wb.Edge(source, target, operation, int(rng.integers(0, longest + 1))))
    if parallel and edges and rng.random() < 0.5:
        edge = edges[rng.integers(len(edges))]
        edges.append(dataclasses.replace(edge, delay=edge.delay + int(rng.integers(1, 3))))
    edges.append(wb.Edge(str(rng.choice(hidden)), "out", wb.Dense(3), int(rng.integers(0, longest + 1))))
    if rng.random() < 0.3:
        edges.append(wb.Edge("in", "out", wb.Dense(3), int(rng.integers(0, longest + 1))))
    return wb.Network({"in": (7,) if flat else SIGNAL if signal else IMAGE}, edges, output="out")


def _operation(
    rng: np.random.Generator, source: str, flat: bool, convolution: type[wb.Conv], channels: int
) -> Operation:
    if flat:
        return wb.Dense(4) if source == "in" or rng.random() < 0.8 else wb.Identity()
    conv = convolution(channels, kernel=int(rng.choice([1, 3, 5])))
    if source == "in":
        return conv
    choices = [
        conv,
        wb.Identity(),
        wb.Chain(convolution(2, kernel=3), convolution(channels, kernel=3)),
        wb.Chain(wb.Identity(), conv),
    ]
    return choices[rng.integers(len(choices))]


def _vary(network: wb.Network, rng: np.random.Generator) -> wb.Network:
    """The same graph, some of whose maps are others between the same shapes."""
    shapes, edges = network.shapes, []
    for edge in network.edges:
        choices = rare_operations(shapes[edge.source], shapes[edge.target])
        chosen = choices[rng.integers(len(choices))] if choices and rng.random() < 1 / 3 else edge.operation
        edges.append(edge if isinstance(edge.operation, wb.Identity) else dataclasses.replace(edge, operation=chosen))
    return wb.Network(network.inputs, edges, output=network.output)


def rare_operations(source: tuple[int, ...], target: tuple[int, ...]) -> list[Operation]:
    """Maps in groups, rectangular, with even kernels, or pooled, from one shape to another where there are any.

    All divisors of averages are powers of two.
    """
    if len(source) == 1:
        return []
    if len(target) == 1:
        pools = [wb.Pool(2)] if len(source) == 2 else [wb.Pool((2, 1)), wb.Pool((1, 2))]
        return [wb.Chain(pool, wb.Dense(*target)) for pool in pools]
    conv, channels, most = wb.Conv if len(source) == 3 else wb.Conv1d, target[0], math.gcd(source[0], target[0])
    grouped = [groups for groups in range(2, most + 1) if most % groups == 0]
    found: list[Operation] = [conv(channels, kernel=3, groups=groups) for groups in grouped]
    found += [
        wb.Chain(conv(2 * source[0], kernel=3, groups=source[0]), conv(channels, kernel=1)),
        wb.Chain(conv(2, kernel=2, padding=1), conv(channels, kernel=2, padding=0)),
        conv(channels, kernel=5, padding=2),
    ]
    if len(source) == 3:
        found += [conv(channels, kernel=(3, 1)), conv(channels, kernel=(1, 3), groups=most)]
    return found


def in_whole_frames(network: wb.Network, k: int) -> wb.Network:
    """The same network, whose edges out of hidden nodes take whole frames of K ticks, one more than they had ticks.

    So need it neurons that count for a frame.
    """
    hidden = set(network.hidden)
    edges = [dataclasses.replace(e, delay=k * (e.delay + 1)) if e.source in hidden else e for e in network.edges]
    return wb.Network(network.inputs, edges, output=network.output)


def random_model(network: wb.Network, seed: int, norm: str | None = None) -> wb.Model:
    """A double-precision ANN with random biases (and norm statistics), in eval mode."""
    model = wb.Model(network, seed=seed, norm=norm).double()
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in model.state_dict().items():
        if name.startswith("nodes") and tensor.is_floating_point():
            noise = torch.rand(tensor.shape, generator=generator, dtype=tensor.dtype)
            tensor.copy_(0.5 + noise if "variance" in name or "gain" in name else noise - 0.3)
    return model.eval()


def acquaint(model: wb.Model, recordings: wb.Recordings) -> wb.Model:
    """A copy in eval mode whose batch norms have met recordings; nothing is learned."""
    met = model.copy().train()
    with torch.no_grad():
        met.run(torch.from_numpy(recordings.as_frames()))
    return met.eval()


def random_spiking(
    network: wb.Network, seed: int, neurons: Sequence[dict[str, object]] = (), **neuron: object
) -> wb.Model:
    """An SNN with dyadic weights, so that every sum is exact and ties with the threshold happen.

    Hidden nodes have a neuron with these options, or `neurons` in turn, one after the other; one with a leak leaks.
    """
    given = {node: make_neuron(neurons[i % len(neurons)] | neuron) for i, node in enumerate(network.hidden) if neurons}
    model = wb.Model(network, seed=seed, norm=None, neuron=given or make_neuron(neuron))
    for tensor in model.state_dict().values():
        tensor.copy_(torch.round(tensor * 32) / 32)
    generator = torch.Generator().manual_seed(seed)
    for node in network.nodes:
        if node not in network.inputs:
            bias = model.node_layer(node).bias.data
            bias.copy_(torch.randint(-4, 8, bias.shape, generator=generator) / 32)
    return model.eval()


def make_neuron(options: dict[str, object]) -> wb.IntegrateAndFire | wb.LeakyIntegrateAndFire:
    if "leak" not in options:
        return wb.IntegrateAndFire(**options)
    return wb.LeakyIntegrateAndFire(**{name: value for name, value in options.items() if name != "ticks_per_frame"})


def random_frames(network: wb.Network, seed: int, steps: int, batch: int = 2, counts: bool = False) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (steps, batch, *network.inputs["in"])
    if counts:
        return torch.randint(0, 3, shape, generator=generator).float()
    return torch.randn(shape, generator=generator, dtype=torch.float64)
