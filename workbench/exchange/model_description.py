"""Everything about a model that is not a tensor: as plain data, and back, checked as if a user had typed it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from workbench.conversion import ConversionOptions
from workbench.engine import NEURONS, Neuron
from workbench.exchange.plain_values import in_field, make_value, require_type
from workbench.json_text import require_names, shorten
from workbench.model import Grid, InputEncoding, Model, Scales
from workbench.network import Network
from workbench.validation import require_whole

FIELDS = (
    "network", "norm", "neuron", "neurons", "ticks_per_frame", "input_encoding", "trained_network", "scales",
    "origin", "training_recipe", "recipe", "grid",
)  # fmt: skip
_FINEST, _COARSEST = 149, -127  # a float32 has no power of two below 2^-149, and none above 2^127


def describe(model: Model) -> dict[str, Any]:
    """Everything about a model that is not a tensor, as plain data."""
    return {
        "network": model.network.to_json(),
        "norm": list(model.norm) if isinstance(model.norm, tuple) else model.norm,
        "neuron": _describe_neuron(model.neuron),
        "neurons": {node: _describe_neuron(neuron) for node, neuron in model.exceptions.items()},
        "ticks_per_frame": model.ticks_per_frame,
        "input_encoding": None if model.input_encoding.plain else dataclasses.asdict(model.input_encoding),
        "trained_network": model.trained_network.to_json() if model.trained_network else None,
        "scales": model.scales,
        "origin": model.origin,
        "training_recipe": model.training_recipe,
        "recipe": model.conversion_options.to_dict() if model.conversion_options else None,
        "grid": dataclasses.asdict(model.grid) if model.grid else None,
    }


@dataclass(frozen=True)
class ModelDescription:
    """What `describe` said, read back."""

    network: Network
    norm: str | tuple[str, ...] | None
    neuron: Neuron
    neurons: Mapping[str, Neuron]
    ticks_per_frame: int
    input_encoding: InputEncoding
    trained_network: Network | None
    scales: Scales | None
    origin: str | None
    training_recipe: str | None
    conversion_options: ConversionOptions | None
    grid: Grid | None

    def build(self) -> Model:
        """The model with numbers that take no room and have no values: tensors on torch's device "meta".

        ValueError where its parts do not go together.
        """
        with torch.device("meta"):
            model = Model(
                self.network,
                norm=self.norm,
                neuron=self.neuron,
                neurons=self.neurons,
                ticks_per_frame=self.ticks_per_frame,
                input_factor=self.input_encoding.factor,
                input_function=self.input_encoding.function,
            )
        model.trained_network, model.training_recipe = self.trained_network, self.training_recipe
        model.origin = self.origin
        model.scales, model.conversion_options, model.grid = self.scales, self.conversion_options, self.grid
        return model


def read_description(data: Mapping[str, Any]) -> ModelDescription:
    """The description in these data; ValueError names the field in which they are wrong.

    >>> network = Network({"image": (1, 4, 4)}, [Edge("image", "class", Dense(2))])
    >>> read_description(describe(Model(network)) | {"ticks_per_frame": 0})
    Traceback (most recent call last):
    ValueError: field 'ticks_per_frame': ticks_per_frame=0 must be a whole number of at least 1
    """
    require_names("the description", data, FIELDS)
    with in_field("network"):
        network = Network.from_json(require_type(str, data["network"]))
    with in_field("norm"):
        norm = _read_norm(data["norm"], network)
    with in_field("neuron"):
        neuron = _read_neuron(data["neuron"])
    with in_field("neurons"):
        neurons = _read_neurons(data["neurons"], network)
    with in_field("ticks_per_frame"):
        ticks_per_frame = require_whole("ticks_per_frame", data["ticks_per_frame"])
    with in_field("input_encoding"):
        encoding = data["input_encoding"]
        encoding = InputEncoding() if encoding is None else make_value(InputEncoding, encoding, "the encoding")
    with in_field("origin"):
        origin = require_type(str | None, data["origin"])
    with in_field("training_recipe"):
        training_recipe = require_type(str | None, data["training_recipe"])
    trained, scales, options, grid = _read_conversion(data, network, neuron)
    return ModelDescription(
        network,
        norm,
        neuron,
        neurons,
        ticks_per_frame,
        encoding,
        trained,
        scales,
        origin,
        training_recipe,
        options,
        grid,
    )


def _read_conversion(
    data: Mapping[str, Any], network: Network, neuron: Neuron
) -> tuple[Network | None, Scales | None, ConversionOptions | None, Grid | None]:
    """What a conversion leaves in an SNN; ValueError for what is wrong, and for an ANN that has any of it."""
    for name in ("trained_network", "scales", "recipe", "grid"):
        if data[name] is not None and not neuron.spiking:
            raise ValueError(f"field {name!r}: only models that spike have it, and this one does not; make it null")
    with in_field("trained_network"):
        trained = None if data["trained_network"] is None else _read_trained(data["trained_network"], network)
    with in_field("scales"):
        scales = None if data["scales"] is None else _read_scales(data["scales"], network)
    with in_field("recipe"):
        options = None if data["recipe"] is None else _read_options(data["recipe"], network)
    with in_field("grid"):
        grid = None if data["grid"] is None else _read_grid(data["grid"], network)
    return trained, scales, options, grid


def _read_norm(data: Any, network: Network) -> str | tuple[str, ...] | None:
    """ "batch", null, or the hidden nodes that have one, in their order."""
    if not isinstance(data, list):
        found: str | None = require_type(str | None, data)
        return found
    names = tuple(require_type(str, name) for name in data)
    _require_nodes(names, network.hidden, "a hidden node")
    if names != tuple(node for node in network.hidden if node in set(names)) or names in ((), network.hidden):
        raise ValueError('name some of the hidden nodes, each once and in their order, or say "batch" or null')
    return names


def _describe_neuron(neuron: Neuron) -> dict[str, Any]:
    return {"type": type(neuron).__name__, **dataclasses.asdict(neuron)}


def _read_neuron(data: Any) -> Neuron:
    options = dict(require_type(dict[str, Any], data))
    kind = options.pop("type", None)
    if not isinstance(kind, str) or kind not in NEURONS:
        raise ValueError(f"type={shorten(kind)} is no neuron; choose from {', '.join(NEURONS)}")
    return make_value(NEURONS[kind], options, f"the {kind}")


def _read_neurons(data: Any, network: Network) -> dict[str, Neuron]:
    _require_nodes(require_type(dict[str, Any], data), network.hidden, "a hidden node")
    return {node: _read_neuron(its) for node, its in data.items()}


def _read_trained(data: Any, network: Network) -> Network:
    trained = Network.from_json(require_type(str, data))
    if (trained.inputs, trained.output) != (network.inputs, network.output) or (
        [edge.ends for edge in trained.edges] != [edge.ends for edge in network.edges]
    ):
        raise ValueError(
            "it must have the inputs, the output and, in the same order, the edges of the field 'network', of which it "
            "is what was trained; save the model again"
        )
    return trained


def _read_scales(data: Any, network: Network) -> Scales:
    _require_nodes(require_type(dict[str, Any], data), network.nodes, "a node", all_of_them=True)
    scales: Scales = {}
    for node, given in data.items():
        several = given if isinstance(given, list) else [given]
        if isinstance(given, list) and len(given) != network.shape_of(node)[0]:
            raise ValueError(
                f"{node!r} has {len(given)} scales, and {network.shape_of(node)[0]} channels; give one for each, or one"
            )
        for scale in several:
            if require_type(float, scale) <= 0:
                raise ValueError(f"{node!r}: a scale is a positive number, not {scale}; save the model again")
        scales[node] = tuple(given) if isinstance(given, list) else given
    return scales


def _read_options(data: Any, network: Network) -> ConversionOptions:
    options = make_value(ConversionOptions, data, "the recipe")
    if isinstance(data["percentile"], dict):
        _require_nodes(data["percentile"], network.nodes, "a node")
    return options


def _read_grid(data: Any, network: Network) -> Grid:
    grid = make_value(Grid, data, "the grid")
    nodes = [node for node in network.nodes if node not in network.inputs]
    for part in (grid.bits, grid.rounding):
        _require_nodes(part, nodes, "a node with edges into it", all_of_them=True)
    for node, bits in grid.bits.items():
        require_whole(f"bits of {node!r}", bits, _COARSEST, _FINEST)
    require_whole("input_counts", grid.input_counts)
    if grid.weight_bits is not None:
        require_whole("weight_bits", grid.weight_bits, 2)
    if any(share < 0 for share in (*grid.rounding.values(), grid.moved or 0.0)):
        raise ValueError("rounding and moved are roots and means of squares, which are not negative; save it again")
    return grid


def _require_nodes(names: Iterable[str], nodes: Iterable[str], what: str, *, all_of_them: bool = False) -> None:
    """ValueError for a name that is none of these nodes', or where one is not named."""
    known, named = list(nodes), list(names)
    unknown = sorted(set(named) - set(known))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not {what}; these are {', '.join(known) or 'none'}")
    missing = sorted(set(known) - set(named)) if all_of_them else []
    if missing:
        raise ValueError(f"{missing[0]!r} is missing; name all of {', '.join(known)}")
