"""Whether the numbers of an SNN lie on its grid, and how large its sums can become."""

from __future__ import annotations

import hashlib
import warnings
from itertools import accumulate

import torch
from torch import Tensor

from workbench.engine import SpikingNeuron
from workbench.model.grid import DIGITS, Grid
from workbench.model.network_numbers import NetworkNumbers


def bound_sums(model: NetworkNumbers, node: str, input_counts: int) -> float:
    """The largest sum that any unit of a node can hold: its membrane, its biases and all that its edges can bring.

    Every input brings `input_counts` events a tick, every neuron as many spikes as it can send in one; no sum of a
    part of them, in whatever order, is larger. Neurons that count for a frame hold no more either: their membranes are
    held within their limits in every tick.
    """
    network = model.network
    total = torch.zeros((), dtype=torch.float64)
    for position in network.incoming(node):
        total = total + bound_links(model, position, input_counts)[-1]
    bias, times, membrane = model.node_layer(node).bias.detach().abs().double().cpu(), 1.0, 0.0
    if node != network.output:
        neuron = spiking_neuron(model, node)
        extra = neuron.extra_biases(0, neuron.dynamics.frame if neuron.dynamics else model.ticks_per_frame)
        times += 0.0 if extra is None else float(extra.abs().max())
        membrane = neuron.most_potential()
    shape = network.shape_of(node)
    return float((total + times * bias.view(-1, *[1] * (len(shape) - 1))).max()) + membrane


def spiking_neuron(model: NetworkNumbers, node: str) -> SpikingNeuron:
    """The neuron of a hidden node of an SNN."""
    neuron = model.neuron_of(node)
    assert isinstance(neuron, SpikingNeuron), "all hidden nodes of an SNN spike"
    return neuron


def bound_links(model: NetworkNumbers, position: int, input_counts: int) -> list[Tensor]:
    """The largest sum of every unit behind each link of an edge that has weights, and behind the last (*shape)."""
    edge = model.network.edges[position]
    of_input = edge.source in model.network.inputs
    most = input_counts if of_input else spiking_neuron(model, edge.source).most_spikes_per_tick()
    reached = torch.full((1, *model.network.shape_of(edge.source)), float(most), dtype=torch.float64)
    weights = [weight.detach().abs().double().cpu() for weight in model.weights[position].parameters()]
    bounds = []
    for link in edge.operation.links:
        count = len(link.weight_shapes(tuple(reached.shape[1:])))
        reached, weights = link(reached, weights[:count]), weights[count:]
        bounds += [reached[0]] if count else []
    gain = model.gains[str(position)].detach().abs().double().cpu() if str(position) in model.gains else 1.0
    return [*bounds[:-1], reached[0] * gain]


def find_off_grid(model: NetworkNumbers, grid: Grid) -> str | None:
    """Which numbers of an SNN are no whole multiples of the grid, or too large for it, in words; None where all fit."""
    for node, bits in grid.bits.items():
        if node != model.network.output and not spiking_neuron(model, node).is_on_grid(bits):
            return f"the neuron of {node!r}"
        if not _is_whole(model.node_layer(node).bias, bits):
            return f"the bias of {node!r}"
        for position in model.network.incoming(node):
            numbers = list(model.weights[position].parameters())
            numbers += [model.gains[str(position)]] if str(position) in model.gains else []
            if not (_is_whole(numbers[0], bits) if len(numbers) == 1 else _fit(model, position, grid)):
                edge = model.network.edges[position]
                return f"the weights of {edge.source} -> {edge.target}"
        if bound_sums(model, node, grid.input_counts) * 2.0**bits > 2.0**DIGITS:
            return f"the weights into {node!r}"
    return None


def is_exact(model: NetworkNumbers) -> bool:
    """Whether an SNN has a grid and its numbers are on it; a warning says which are not.

    All are looked at anew where any of them has changed.
    """
    if model.grid is None or not model.spiking:
        return False
    numbers = model.state_dict()
    digest = hashlib.blake2b(repr((model.neuron, model.exceptions)).encode())
    for values in numbers.values():
        digest.update(values.detach().cpu().contiguous().numpy().tobytes())
    if model.checked != digest.digest():
        found = find_off_grid(model, model.grid)
        if found is not None:
            warnings.warn(
                f"{found} were changed after the conversion, so that sums are rounded: two runs of this SNN may differ "
                "by a spike where engine, batch or blocks differ; convert again, or use wb.fine_tune, which rounds "
                "anew",
                stacklevel=3,
            )
            return False
        model.checked = digest.digest()
    return True


def _fit(model: NetworkNumbers, position: int, grid: Grid) -> bool:
    """Whether the weights of a chain, whose links share the digits of the grid, are whole and small enough for it."""
    numbers = list(model.weights[position].parameters())
    digits = list(accumulate(map(count_digits, numbers)))
    bounds = bound_links(model, position, grid.input_counts)
    fits = (float(bound.max()) * 2.0**some <= 2.0**DIGITS for bound, some in zip(bounds, digits, strict=False))
    return not digits or (digits[-1] <= grid.bits[model.network.edges[position].target] and all(fits))


def _is_whole(values: Tensor, bits: int) -> bool:
    scaled = values.detach() * 2.0**bits
    return bool((scaled == scaled.round()).all())


def count_digits(values: Tensor) -> int:
    """The least b such that all values are whole multiples of 2^-b.

    >>> count_digits(torch.tensor([0.75, 4.0]))
    2
    """
    numbers = values.detach().double().cpu()
    numbers = numbers[numbers != 0]
    mantissas, exponents = torch.frexp(numbers)
    whole = (mantissas * 2.0**53).long()
    return int((53 - exponents - torch.log2((whole & -whole).double())).max()) if len(numbers) else 0
