"""What files of older formats say, in the words of today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.conversion import ConversionOptions
from workbench.engine import NEURONS
from workbench.exchange.plain_values import fill_defaults

_UNKNOWN_THEN: dict[str, Any] = {
    "neurons": {}, "input_encoding": None, "origin": None, "training_recipe": None, "grid": None, "recipe": None,
    "history": None,
    "provenance": {"workbench": None, "torch": None, "seed": None, "trainings": []},
}  # fmt: skip


def upgrade_model(description: Mapping[str, Any], number: int) -> dict[str, Any]:
    """The description of a model in a file of this format, as one of today says it.

    Format 1, up to version 0.1.0 of the workbench, had no history and no provenance; its older files lack options that
    came later, and keep the bias of neurons with the options of the conversion alone. ValueError for neurons that there
    are no more.
    """
    if number > 1:
        return dict(description)
    upgraded = _UNKNOWN_THEN | dict(description)
    neuron, options = upgraded.get("neuron"), upgraded["recipe"]
    if isinstance(neuron, dict) and isinstance(options, dict) and "bias" not in neuron and "bias" in options:
        upgraded["neuron"] = neuron | {"bias": options["bias"]}
    upgraded["neuron"] = _upgrade_neuron(upgraded.get("neuron"))
    if isinstance(upgraded["neurons"], dict):
        upgraded["neurons"] = {node: _upgrade_neuron(its) for node, its in upgraded["neurons"].items()}
    if isinstance(options, dict) and options:
        upgraded["recipe"] = fill_defaults(ConversionOptions, _without_silence(options))
    upgraded["recipe"] = upgraded["recipe"] or None
    upgraded["scales"] = upgraded.get("scales") or None
    return upgraded if "neuron" in description else {n: v for n, v in upgraded.items() if n != "neuron"}


def _upgrade_neuron(neuron: Any) -> Any:
    if not isinstance(neuron, dict):
        return neuron
    kept, kind = _without_silence(neuron), neuron.get("type")
    return fill_defaults(NEURONS[kind], kept) if isinstance(kind, str) and kind in NEURONS else kept


def _without_silence(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options without one that neurons of older versions had; ValueError where it did anything."""
    if options.get("silence"):
        raise ValueError(
            "its neurons keep silent until a frame ends, as those of older versions did; convert anew with "
            'emission="burst"'
        )
    return {name: value for name, value in options.items() if name != "silence"}
