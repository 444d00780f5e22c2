"""What a chip must hold for an SNN, node by node, and which of its limits are broken."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from workbench.evaluation import count_buffer_bytes, count_synapses
from workbench.exchange.chips import Chip, find_chip
from workbench.model import Model, count_digits, require_model, spiking_neuron

if TYPE_CHECKING:
    import pandas as pd

TOTAL = "total"
UNITS = ("fan_in", "fan_out", "weight_bits", "delay", "spikes_per_tick")  # of one unit, edge or weight: the largest


def requirements(model: Model, *, chip: str | Chip | Mapping[str, int] | None = None) -> pd.DataFrame:
    """What a chip must hold for an SNN: one row per hidden node and the output, and one, "total", for all of them.

    Columns: node; neurons; synapses, pairs of units that the edges into it join; weights, numbers that are stored where
    a convolution shares them; weight_bits, so many that the weights of each edge into it are signed integers times one
    power of two; delay, the longest that an edge into it executes, in ticks; fan_in and fan_out, the most that a unit
    has; spikes_per_tick, the most that one sends; buffer_bytes of the delays into it.

    With a `chip`, a name of `CHIPS`, a `Chip` or its limits: cores, the least number of which none would hold more than
    it can, if units could be spread evenly; and broken, the limits that are, each with what is needed. A limit that
    nobody publishes is not checked. `table.attrs["chip"]` holds the chip, with its source.

    In "total" neurons, synapses, weights, buffer_bytes and cores are sums, the others the largest; its broken are the
    limits of the whole chip. ValueError for a model that does not spike, and for a chip that is unknown.

    >>> network = Network({"eye": (1, 4, 4)}, [Edge("eye", "v1", Conv(2, kernel=3)), Edge("v1", "hand", Dense(2))])
    >>> snn = Model(network, neuron=IntegrateAndFire(), norm=None)
    >>> table = requirements(snn, chip={"neurons_per_core": 20, "fan_out": 10})
    >>> table[["node", "neurons", "synapses", "fan_in", "cores", "broken"]].values.tolist()[0]
    ['v1', 32, 200, 9, 2, '']
    """
    import pandas as pd

    model = require_model(model, "wb.requirements")
    if not model.spiking:
        raise ValueError("wb.requirements takes an SNN, and this model is an ANN: convert it by wb.convert")
    limits = find_chip(chip) if chip is not None else None
    nodes = [node for node in model.network.nodes if node not in model.network.inputs]
    rows = [_describe(model, node) for node in nodes]
    if limits is not None:
        for row in rows:
            row["cores"] = _count_cores(row, limits)
            row["broken"] = _name_broken(row, limits)
    counted = [name for name in rows[0] if name not in ("node", "broken")]
    total = {name: (max if name in UNITS else sum)(row[name] for row in rows) for name in counted}
    if limits is not None:
        total["broken"] = _name_all_broken(total, limits)
    table = pd.DataFrame([*rows, {"node": TOTAL, **total}])
    table.attrs["chip"] = limits
    return table


def _describe(model: Model, node: str) -> dict[str, Any]:
    """What a node needs on any chip."""
    network, incoming = model.network, model.network.incoming(node)
    numbers = [weight.detach() for position in incoming for weight in model.weights[position].parameters()]
    sends = node != network.output
    return {
        "node": node,
        "neurons": math.prod(network.shape_of(node)),
        "synapses": sum(count_synapses(model, position) for position in incoming),
        "weights": sum(weight.numel() for weight in numbers),
        "weight_bits": max(map(_count_weight_bits, numbers), default=1),
        "delay": max(model.executed_delay(position) for position in incoming),
        "fan_in": _count_fan_in(model, node),
        "fan_out": _count_fan_out(model, node),
        "spikes_per_tick": spiking_neuron(model, node).most_spikes_per_tick() if sends else 0,
        "buffer_bytes": sum(count_buffer_bytes(model, position) for position in incoming),
    }


def _count_weight_bits(weight: torch.Tensor) -> int:
    """Binary digits, the sign among them, of the largest weight as a whole multiple of what all are multiples of."""
    if not bool(weight.any()):
        return 1
    return int(float(weight.abs().max()) * 2.0 ** count_digits(weight)).bit_length() + 1


def _count_fan_in(model: Model, node: str) -> int:
    """The most units that reach one unit of a node, over all edges into it."""
    network = model.network
    reached = torch.zeros(math.prod(network.shape_of(node)), dtype=torch.float64)
    for position in network.incoming(node):
        shape = network.shape_of(network.edges[position].source)
        field = network.edges[position].operation.projective_field(shape)
        if field.channels is None:
            sources = torch.ones(shape[0], dtype=torch.float64)
        elif isinstance(field.channels, int):
            sources = torch.full((field.channels,), float(shape[0]), dtype=torch.float64)
        else:
            sources = field.channels.double().expand(shape[0], -1).sum(0)
        for axis in field.axes:
            sources = sources.unsqueeze(-1) * axis.sum(0)
        reached = reached + sources.flatten()
    return int(reached.max())


def _count_fan_out(model: Model, node: str) -> int:
    """The most units that one unit of a node reaches, over all edges out of it."""
    network = model.network
    reached = torch.zeros(network.shape_of(node), dtype=torch.int64)
    for position in network.outgoing(node):
        reached = reached + network.edges[position].operation.fan_out(network.shape_of(node))
    return int(reached.max())


def _count_cores(row: Mapping[str, Any], chip: Chip) -> int:
    """The least number of cores of which none holds more than it can; 1 where a node cannot be split."""
    needed: dict[str, int] = {
        "neurons_per_core": row["neurons"],
        "weights_per_core": row["weights"],
        "synapse_bits_per_core": row["synapses"] * row["weight_bits"],
    }
    if chip.node_per_core:
        return 1
    shares = (needed[limit] / most for limit, most in chip.limits.items() if limit in needed)
    return math.ceil(max(shares, default=1.0))


def _name_broken(row: Mapping[str, Any], chip: Chip) -> str:
    """The limits of units, edges and cores that a node breaks, each with what is needed and what there is."""
    needed = {name: row[name] for name in UNITS} | {"axons_per_core": row["fan_in"]}
    if chip.node_per_core:
        needed |= {"neurons_per_core": row["neurons"], "weights_per_core": row["weights"]}
    return _compare(needed, chip)


def _name_all_broken(total: Mapping[str, Any], chip: Chip) -> str:
    """The limits of the whole chip that are broken."""
    return _compare({name: total[name] for name in ("cores", "neurons", "synapses")}, chip)


def _compare(needed: Mapping[str, int], chip: Chip) -> str:
    broken = {name: most for name, most in chip.limits.items() if needed.get(name, 0) > most}
    return "; ".join(f"{name}: {needed[name]:,} of {most:,}" for name, most in broken.items())
