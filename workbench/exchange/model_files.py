"""Models as files: weights in safetensors, everything else as JSON in the same file; written whole or not at all."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from workbench.atomic import replacing
from workbench.conversion import ConversionOptions
from workbench.engine import NEURONS, Neuron
from workbench.model import Grid, Model, require_model
from workbench.network import Network


def save_model(model: Model, path: str | Path) -> None:
    """Write a model, ANN or SNN, into one safetensors file.

    >>> import os, tempfile
    >>> network = Network({"image": (1, 4, 4)}, [Edge("image", "class", Dense(2))])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     wb.save_model(Model(network, seed=3), os.path.join(folder, "model.safetensors"))
    ...     wb.load_model(os.path.join(folder, "model.safetensors"))
    Model(ANN: 2 nodes, 1 edges, 34 parameters, 'class' answers from step 1)
    """
    model = require_model(model, "wb.save_model")
    write_tensors(path, model.state_dict(), describe(model))


def load_model(path: str | Path) -> Model:
    """The model that `save_model` wrote; ValueError names the file and what is wrong with it."""
    try:
        with torch.inference_mode(False):
            tensors, description = read_tensors(path)
            model = _build(description)
            for position in sorted({name.split(".")[1] for name in tensors if name.startswith("gains.")}):
                model.gains[position] = nn.Parameter(tensors[f"gains.{position}"])
            model.load_state_dict(tensors, assign=True)  # in the precision it was saved in
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path}: not a model of this version of the workbench ({error}); save it again") from error
    return model.eval()


def describe(model: Model) -> dict[str, Any]:
    """Everything about a model that is not a tensor, as plain data."""
    return {
        "network": model.network.to_json(),
        "norm": model.norm,
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


def write_tensors(path: str | Path, tensors: Mapping[str, Tensor], description: Mapping[str, Any]) -> None:
    """Write tensors and a plain description, whole or not at all; OSError where the disk does not take them."""
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as aside:
        try:
            save_file(contiguous, aside, metadata={"workbench": json.dumps(description)})
        except SafetensorError as error:
            raise OSError(f"{path} was not written ({error})") from error


def read_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the description that `write_tensors` wrote."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: there is no such file; save a model there first")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118  # a safe_open cannot be iterated
        return tensors, json.loads(metadata["workbench"])
    except (SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: damaged, or not a file of the workbench ({error}); save it again") from error


def _describe_neuron(neuron: Neuron) -> dict[str, Any]:
    return {"type": type(neuron).__name__, **dataclasses.asdict(neuron)}


def _build_neuron(description: Mapping[str, Any]) -> Neuron:
    options = dict(description)
    return NEURONS[options.pop("type")](**options)


def _build(description: Mapping[str, Any]) -> Model:
    neuron, options = dict(description["neuron"]), description.get("recipe")  # files of older versions have no options
    if options and "bias" not in neuron:
        neuron["bias"] = options["bias"]  # which older versions kept with the options of the conversion alone
    neurons = {node: dict(its) for node, its in description.get("neurons", {}).items()}
    for its in (neuron, options or {}, *neurons.values()):
        if its.pop("silence", 0):
            raise ValueError(
                "its neurons keep silent until a frame ends, as those of older versions did; convert anew with "
                'emission="burst"'
            )
    encoding = description.get("input_encoding") or {"factor": 1.0, "function": None}  # older versions had none
    model = Model(
        Network.from_json(description["network"]),
        norm=description["norm"],
        neuron=_build_neuron(neuron),
        neurons={node: _build_neuron(its) for node, its in neurons.items()},
        ticks_per_frame=description["ticks_per_frame"],
        input_factor=encoding["factor"],
        input_function=encoding["function"],
    )
    trained = description["trained_network"]
    model.trained_network = Network.from_json(trained) if trained else None
    model.origin = description.get("origin")
    model.training_recipe = description.get("training_recipe")  # which files of older versions have not
    scales = description["scales"]
    model.scales = {node: tuple(s) if isinstance(s, list) else s for node, s in scales.items()} if scales else scales
    model.conversion_options = ConversionOptions(**options) if options else None
    grid = description.get("grid")  # which files of older versions have not, whose arithmetic is not exact
    model.grid = Grid(**grid) if grid else None
    return model
