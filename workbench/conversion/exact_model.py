"""Spiking models that were trained themselves, put onto a grid: from then on their arithmetic is exact."""

from __future__ import annotations

from dataclasses import replace

import torch

from workbench.conversion.batchnorm_folding import copy_numbers, fold_batchnorm, scale_target
from workbench.conversion.rounding import measure_counts, measure_movement, round_to_grid, warn_of_coarse
from workbench.conversion.spiking_model import with_sums
from workbench.engine import Neuron, Norm
from workbench.events import Dataset, Recordings
from workbench.model import Model, require_model, spiking_neuron, take_neurons, take_training
from workbench.validation import require_whole

CURE = "train with more weight_decay, or give the neurons a smaller saturation"


def make_exact(
    model: Model,
    recordings: Recordings | Dataset,
    *,
    input_counts: int | None = None,
    weight_bits: int | None = None,
    batch: int | None = None,
) -> Model:
    """A copy of a spiking model without norms and on a grid, so that every engine, cut and batch gives the same bits.

    Batch norm goes into weights and biases; pools become sums, as in `wb.convert`, and what makes averages of them goes
    into the numbers beside them; a threshold goes into the weights and the bias of its node, and is 1 from
    then on; a neuron without `saturation` gets the next power of two from 8 times its spikes of a tick and 2 K on;
    then every number is rounded as by `round_to_grid`, and neurons that leak take the resolution of their node.
    `input_counts`: events a tick and pixel up to which sums are exact; 4 times the most that the recordings have,
    unless given. `weight_bits`: the width of weights as signed integers. `model.grid` says how fine the grid is and
    how far the answers moved; a warning where that is more than 0.1 % of their variance. ValueError, with the node and
    what to do, for a model that does not spike, and where `require_learnable` raises it.

    >>> network = Network({"eye": (2,)}, [Edge("eye", "v1", Dense(3)), Edge("v1", "hand", Dense(2))])
    >>> ticks = Recordings.from_ticks(np.ones((8, 1, 2), int), [0], ("left", "right"), ticks_per_frame=4)
    >>> spiking = Model(network, neuron=LeakyIntegrateAndFire(leak=3), norm=None, ticks_per_frame=4)
    >>> exact = make_exact(spiking, ticks)
    >>> exact.neuron_of("v1").resolution == exact.grid.bits["v1"]
    True
    """
    model, recordings = require_model(model, "make_exact"), take_training(recordings, "make_exact")
    require_learnable(model)
    k = model.ticks_per_frame
    counts = measure_counts(recordings, k) if input_counts is None else require_whole("input_counts", input_counts)
    folded = fold_batchnorm(model) if model.norm is not None else model.copy().eval()
    loose = _with_plain_neurons(_with_sums(folded))
    rounded = warn_of_coarse(round_to_grid(loose, counts, weight_bits), CURE)
    return measure_movement(loose, rounded, recordings, batch, CURE)


def loosen(model: Model) -> Model:
    """A copy of a spiking model that is to learn, without a grid, which it would leave; ValueError where it cannot."""
    require_learnable(model)
    loose = model.copy()
    loose.grid = None
    return loose


def require_learnable(model: Model) -> None:
    """ValueError for a model that does not spike, and for nodes whose batch norm could not be folded once learned.

    >>> network = Network({"eye": (2,)}, [Edge("eye", "v1", Dense(3)), Edge("v1", "hand", Dense(1))])
    >>> require_learnable(Model(network, neuron=IntegrateAndFire(bias="frame", ticks_per_frame=4), ticks_per_frame=4))
    Traceback (most recent call last):
    ValueError: node 'v1' has a batch norm, and its neuron, IntegrateAndFire(ticks_per_frame=4, bias='frame'), takes ...
    """
    if not model.spiking:
        raise ValueError("this model does not spike, so it needs no grid; convert it by wb.convert")
    for node, neuron in model.node_neurons.items():
        if isinstance(model.node_layer(node), Norm) and neuron.extra_biases(0, 1) is not None:
            raise ValueError(
                f"node {node!r} has a batch norm, and its neuron, {neuron.brief}, takes the bias of a frame at once, "
                "into which a norm of every tick cannot be folded; build the model with norm=None, or give the node a "
                "neuron that takes its bias every tick"
            )


def _with_sums(model: Model) -> Model:
    """The model whose pools are sums; itself where there are none."""
    network = with_sums(model.network)
    if network == model.network:
        return model
    summed = Model(network, norm=None, neuron=model.node_neurons, ticks_per_frame=model.ticks_per_frame)
    copy_numbers(model, summed)
    for position, edge in enumerate(model.network.edges):
        share = edge.operation.as_sums(model.network.shape_of(edge.source))[1]
        if share != 1:
            scale_target(summed, position, torch.tensor(share, dtype=model.dtype, device=model.device))
    summed.trained_network, summed.scales = model.trained_network, model.scales
    summed.conversion_options, summed.training_recipe = model.conversion_options, model.training_recipe
    return summed.eval()


@torch.no_grad()
def _with_plain_neurons(model: Model) -> Model:
    """The model, whose thresholds are 1 and whose membranes have limits; its own numbers are written on."""
    neurons: dict[str, Neuron] = {}
    for node in model.network.hidden:
        neuron = spiking_neuron(model, node)
        if neuron.threshold != 1:
            scale = torch.tensor(1 / neuron.threshold, dtype=model.dtype, device=model.device)
            for position in model.network.incoming(node):
                scale_target(model, position, scale)
            model.node_layer(node).bias.mul_(scale)
        neurons[node] = replace(neuron, threshold=1.0).limited(model.ticks_per_frame)
    if neurons:
        model.neuron, model.exceptions = take_neurons(model.network, neurons, None)
    return model
