"""From an ANN to an SNN with matching delays: fold, scale, slow down, and replace the neuron."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from typing import Any

from workbench.conversion.activation_scales import learned_ceilings, measure_scales, require_hidden, select_scales
from workbench.conversion.batchnorm_folding import fold_batchnorm
from workbench.conversion.option_search import search_options
from workbench.conversion.options import ConversionOptions, require_room
from workbench.conversion.rounding import measure_counts, measure_movement, round_to_grid, warn_of_coarse
from workbench.conversion.spiking_model import build_snn, scale_delays
from workbench.engine import Norm
from workbench.events import Dataset, Recordings
from workbench.model import Device, Model, Scales, require_model, take_training
from workbench.validation import require_whole


class NotGiven(Enum):
    """An option that was not given; `NOT_GIVEN` is its only value."""

    NOT_GIVEN = "unsaid"

    def __repr__(self) -> str:
        return self.name


NOT_GIVEN = NotGiven.NOT_GIVEN


def convert(
    model: Model,
    recordings: Recordings | Dataset,
    *,
    percentile: float | Mapping[str, float] | NotGiven | None = NOT_GIVEN,
    start: float | NotGiven = NOT_GIVEN,
    floor: float | NotGiven | None = NOT_GIVEN,
    reset: str | NotGiven = NOT_GIVEN,
    delays: str | Mapping[tuple[str, str], int] = "matched",
    scale: str | NotGiven = NOT_GIVEN,
    membrane: str | NotGiven = NOT_GIVEN,
    burst: int | NotGiven = NOT_GIVEN,
    signed: bool | NotGiven = NOT_GIVEN,
    bias: str | NotGiven = NOT_GIVEN,
    emission: str | NotGiven = NOT_GIVEN,
    remainder: str | NotGiven = NOT_GIVEN,
    cap: int | NotGiven | None = NOT_GIVEN,
    saturation: int | NotGiven | None = NOT_GIVEN,
    input_counts: int | None = None,
    weight_bits: int | None = None,
    ticks_per_frame: int | None = None,
    device: Device | None = None,
    batch: int | None = None,
    progress: bool = True,
) -> Model:
    """The spiking network of a trained ANN, with K = `ticks_per_frame` (of the recordings, unless given) ticks a frame.

    With lambda the scale of a node (K times `Model.input_factor` for inputs, 1 for the output), weights become W
    lambda_source / lambda_target and biases b / lambda; then spikes per tick times lambda estimates the ANN's activity.
    `delays`: "matched" (K times the ANN's), "frame" (K ticks on every edge), "tick" (one tick on every edge), or
    {(source, target): ticks} on top of the matched ones.

    Of a `Dataset` its training part is measured, `batch` recordings side by side: 32, or fewer where memory is short,
    on a `device` that is named or where the model lies; the SNN lies there too.
    Every other option is one of `ConversionOptions`, which documents it. Name some of them, and the others take its
    defaults: `percentile=99.9` alone is the plain integrate-and-fire neuron of the literature. Name none, and they are
    chosen by measuring on recordings held back from calibration; `snn.conversion_options.reason` says what was
    measured.

    At last every number is rounded to a grid on which all sums are exact, so that every engine, batch, cut and number
    of threads gives the same spikes, bit for bit; `snn.grid` says how fine it is and how far answers moved.
    `weight_bits` rounds weights further, to signed integers of so many bits times a power of two. A warning says where
    numbers keep few digits, or answers moved by more than 0.1 % of their variance.

    ValueError, with node or option and cure, for a model that spikes, that was never trained or would not change, for
    an output that feeds other nodes, an `input_function`, a node that is silent on all recordings, and options that
    make no sense.

    Source: Rueckauer et al. 2017 (percentile, folding), Kugele et al. 2020 (matching delays), Bu et al. 2022 (start).
    """
    home = require_model(model, "wb.convert").device
    model, recordings = require_model(model, "wb.convert", device), take_training(recordings, "wb.convert")
    k = require_whole("ticks_per_frame", recordings.ticks_per_frame if ticks_per_frame is None else ticks_per_frame)
    _require_convertible(model, k)
    given: dict[str, Any] = {
        "percentile": percentile, "scale": scale, "start": start, "floor": floor, "reset": reset, "membrane": membrane,
        "burst": burst, "signed": signed, "bias": bias, "emission": emission, "remainder": remainder, "cap": cap,
        "saturation": saturation,
    }  # fmt: skip
    named = {option: value for option, value in given.items() if value is not NOT_GIVEN}
    counts = measure_counts(recordings, k) if input_counts is None else require_whole("input_counts", input_counts)
    network, folded = scale_delays(model.network, k, delays), fold_batchnorm(model)
    if named:
        options = _complete(named, folded, k)
        options.neuron(k)  # refuses what makes no neuron before anything is measured
        require_hidden(folded, options)
    else:
        options = search_options(folded, recordings, network, k, batch, counts, weight_bits, progress)
    options = replace(options, input_counts=input_counts, weight_bits=weight_bits)
    snn = build_snn(folded, network, k, _find_scales(folded, recordings, k, options, batch), options)
    rounded = warn_of_coarse(round_to_grid(snn, counts, weight_bits))
    found = measure_movement(snn, rounded, recordings, batch)
    return found if device is None else found.to(home)


def _complete(named: Mapping[str, Any], folded: Model, k: int) -> ConversionOptions:
    """The options that were named, and the defaults of the others; what an ANN has learned, unless named otherwise."""
    learned: dict[str, Any] = {"percentile": None} if folded.bounded else {}
    if folded.levels is not None and named.get("emission", "at_once") != "at_once":
        learned["cap"] = folded.levels
    options = ConversionOptions(**{**learned, **named}, reason="as named")
    require_room(options, folded.levels, k)
    return options


def _find_scales(
    folded: Model, recordings: Recordings, k: int, options: ConversionOptions, batch: int | None
) -> Scales:
    if options.percentile is not None:
        return select_scales(options, measure_scales(folded, recordings, options.percentiles, [options.scale], batch))
    if not folded.bounded:
        without = [f"{node!r} has {neuron.brief}" for node, neuron in folded.node_neurons.items() if not neuron.bounded]
        raise ValueError(
            f"percentile=None takes the ceilings that an ANN has learned, but {without[0] if without else 'this one'}, "
            "which learns none; train it with levels=..., or name a percentile"
        )
    return learned_ceilings(folded, k)


def _require_convertible_neurons(model: Model) -> None:
    """ValueError, with node, neuron and cure, for neurons that no integrate-and-fire neuron answers like."""
    bounded = {node: neuron for node, neuron in model.node_neurons.items() if neuron.bounded}
    for node, neuron in model.node_neurons.items():
        if neuron.spiking:
            raise ValueError(
                f"convert takes an ANN; this model spikes already, so nothing would change: node {node!r} has "
                f"{neuron.brief}; run it as it is, or train an ANN of its network, with wb.ReLU() there"
            )
        if not neuron.rectifies and not neuron.bounded:
            raise ValueError(
                f"node {node!r} has {neuron.brief}, which no spiking neuron answers like; give it wb.ReLU() or "
                "wb.QuantisedReLU(), and train again"
            )
    for node, neuron in bounded.items() if model.bounded else ():
        first, other = next(iter(bounded.items()))
        if neuron.activity_levels != other.activity_levels:
            raise ValueError(
                f"node {node!r} has {neuron.brief}, but {first!r} has {other.brief}, and all neurons of an SNN count "
                "alike; give both the same levels, and train again"
            )


def _require_convertible(model: Model, k: int) -> None:
    """ValueError for a model whose conversion would fail, or change nothing."""
    network = model.network
    if model.spiking and not network.hidden:
        raise ValueError("convert takes an ANN; this model spikes already, so nothing would change")
    _require_convertible_neurons(model)
    model.input_encoding.require_countable()
    if not network.hidden and k == 1 and model.input_encoding.plain:
        raise ValueError(
            "nothing would change: the network has no hidden node to spike, and ticks_per_frame=1 leaves its clock as "
            "it is; add a hidden node, or take more ticks"
        )
    for edge in network.edges:
        if edge.source == network.output:
            raise ValueError(
                f"the output {network.output!r} feeds {edge.target!r}, so it would have to spike, but its drive is the "
                f"answer; end the network in a node of its own, behind {network.output!r}"
            )
    for node in network.hidden:
        layer = model.node_layer(node)
        if isinstance(layer, Norm) and layer.untouched:
            raise ValueError(
                f"node {node!r} was never trained: its batch norm has met no recording, so there is nothing to fold; "
                "train the model first, or build it with norm=None"
            )
