"""Numbers of an SNN rounded to a grid on which its arithmetic is exact."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from workbench.conversion.activation_scales import CALIBRATION_RECORDINGS
from workbench.engine import EventCounts, Neuron, SpikingNeuron, require_finite
from workbench.evaluation import MOST_RECORDINGS, choose_evenly, collect_answers, take_frame_ends
from workbench.events import Recordings
from workbench.model import DIGITS, Grid, Model, bound_links, bound_sums, spiking_neuron, take_neurons

FINEST = 23  # binary digits behind the point, where sums leave room for more
COARSE = 8  # binary digits behind the point, below which rounding shows
MOVED = 0.001  # of the variance of answers, above which rounding is warned of
COUNT_MARGIN = 4  # times the largest count that was seen


@torch.no_grad()
def round_to_grid(model: Model, input_counts: int, weight_bits: int | None = None) -> Model:
    """The same SNN with every number a whole multiple of 2^-s, s by node as large as sums of 24 binary digits allow.

    largest sum x 2^s <= 2^24, the sum over |weights| x spikes a tick (`input_counts` of an input), |biases| and the
    limit of the membrane. Links of a chain share s. Nodes keep a neuron in common, whose start and limits are as coarse
    as the coarsest node, unless they leak: then they count in the grains of their own. `weight_bits`: weights are
    signed integers of at most so many bits as well, times a power of two. ValueError for neurons whose membranes have
    no limit, for numbers that are not finite, and for sums into hidden nodes that are larger than 2^24, where
    thresholds would be rounded.

    >>> network = Network({"eye": (2,)}, [Edge("eye", "class", Dense(1))])
    >>> rounded = round_to_grid(Model(network, norm=None, neuron=wb.IntegrateAndFire(saturation=24)), input_counts=4)
    >>> rounded.grid.bits["class"] > 16
    True
    """
    return round_in_place(model.copy(), input_counts, weight_bits)


@torch.no_grad()
def round_in_place(rounded: Model, input_counts: int, weight_bits: int | None = None) -> Model:
    """What `round_to_grid` gives, of an SNN that nobody else has."""
    require_finite(rounded.network, rounded.state_dict())
    bits: dict[str, int] = {}
    errors: dict[str, float] = {}
    for node in rounded.network.nodes:
        if node not in rounded.network.inputs:
            bits[node], errors[node] = _round_node(rounded, node, input_counts, weight_bits)
    least = min((bits[node] for node in rounded.network.hidden), default=FINEST)
    neurons: dict[str, Neuron] = {
        node: _round_neuron(spiking_neuron(rounded, node), least, bits[node]) for node in rounded.network.hidden
    }
    if neurons:
        rounded.neuron, rounded.exceptions = take_neurons(rounded.network, neurons, None)
    rounded.grid = Grid(bits, input_counts, errors, weight_bits=weight_bits)
    return rounded


def measure_counts(recordings: Recordings, ticks_per_frame: int) -> int:
    """4 times the most events that a pixel of these recordings has in a tick, of at most 256 of them."""
    chosen = choose_evenly(len(recordings), CALIBRATION_RECORDINGS, nearest=False)
    events = EventCounts(*recordings.as_sites(chosen, ticks_per_frame), recordings.shape)
    return COUNT_MARGIN * max(events.find_most(), 1)


def measure_movement(
    before: Model, after: Model, recordings: Recordings, batch: int | None = None, cure: str | None = None
) -> Model:
    """The rounded SNN, whose grid says how far its answers moved, on up to 32 recordings; a warning above 0.1 %.

    The warning names a `cure`, to convert otherwise unless one is given.

    Mean squared difference of the answers at the end of every frame, over their mean square, both less the mean over
    the classes.
    """
    network, k = after.network, after.ticks_per_frame
    if network.first_response[network.output] >= recordings.frames * k:
        return after
    some = recordings[choose_evenly(len(recordings), MOST_RECORDINGS, nearest=False)]
    answers_of = (collect_answers(model, some, batch=batch, engine="auto") for model in (before, after))
    expected, found = (take_frame_ends(after, answers) for answers in answers_of)
    expected, found = (answers - answers.mean(2, keepdim=True) for answers in (expected, found))
    spread = float(expected.square().mean())
    moved = float((found - expected).square().mean()) / spread if spread else 0.0
    if moved > MOVED:
        more = "more weight_bits, or " if after.grid and after.grid.weight_bits else ""
        warnings.warn(
            f"rounding moved the answers by {100 * moved:.2g} % of their variance, on {len(some)} recordings; "
            f"{cure or f'convert with {more}a smaller burst, saturation or input_counts'}",
            stacklevel=3,
        )
    told = after.copy()
    told.grid = replace(after.grid, moved=moved) if after.grid is not None else None
    return told


def _round_neuron(neuron: SpikingNeuron, least: int, bits: int) -> SpikingNeuron:
    """The neuron on the coarsest grid of all nodes, unless on a finer one it is another neuron."""
    coarse = neuron.rounded(least)
    return coarse if coarse == coarse.rounded(bits) else neuron.rounded(bits)


def _round_node(model: Model, node: str, input_counts: int, weight_bits: int | None) -> tuple[int, float]:
    """Round what arrives at a node: s, and the root mean square of what has changed, relative to that of the weights.

    Rounding may add to the largest sum, which then takes a digit more.
    """
    bound = bound_sums(model, node, input_counts)
    if not math.isfinite(bound):
        raise ValueError(f"node {node!r}: its membrane has no limit, so no grid holds it; give the neuron a saturation")
    bits = min(FINEST, math.floor(DIGITS - math.log2(bound))) if bound > 0 else FINEST
    exact = {position: _numbers_of(model, position) for position in model.network.incoming(node)}
    bias = model.node_layer(node).bias.clone()
    while True:
        changed, total = 0.0, 0.0
        for position, numbers in exact.items():
            shares = _share_digits(numbers, bits, bound_links(model, position, input_counts))
            for value, into, share in zip(numbers, _parameters_of(model, position), shares, strict=True):
                into.copy_(_nearest(value, share, weight_bits))
                changed += float((into - value).double().square().sum())
                total += float(value.double().square().sum())
        model.node_layer(node).bias.copy_(_nearest(bias, bits, None))
        if bits < 0 and node != model.network.output:
            raise ValueError(
                f"node {node!r}: its sums reach {bound:.2g}, where a float32 holds no single threshold any more; use a "
                f"smaller burst, saturation or input_counts={input_counts}"
            )
        if bound_sums(model, node, input_counts) * 2.0**bits <= 2.0**DIGITS:
            return bits, math.sqrt(changed / total) if total else 0.0
        bits -= 1


def _parameters_of(model: Model, position: int) -> list[Tensor]:
    """The weights of each link of an edge, or the gain of one that has none."""
    gains = [model.gains[str(position)]] if str(position) in model.gains else []
    return [*model.weights[position].parameters(), *gains]


def _numbers_of(model: Model, position: int) -> list[Tensor]:
    return [value.detach().clone() for value in _parameters_of(model, position)]


def _share_digits(weights: Sequence[Tensor], bits: int, bounds: Sequence[Tensor]) -> Sequence[int]:
    """The binary digits of each link's weights, together those of the node, so that all are rounded alike.

    No sum behind a link, of which these are the `bounds`, may leave 24 digits either.
    """
    if len(weights) < 2:
        return [bits] * len(weights)
    sizes = [math.log2(float(w.double().square().mean().sqrt()) or 1.0) for w in weights]
    level = (bits + sum(sizes)) / len(sizes)
    shares: list[int] = []
    for size, bound in zip(sizes[:-1], bounds[:-1], strict=False):
        most = math.floor(DIGITS - 1 - math.log2(float(bound.max()) or 1.0)) - sum(shares)
        shares.append(min(round(level - size), most))
    return [*shares, bits - sum(shares)]


def _nearest(values: Tensor, bits: int, weight_bits: int | None) -> Tensor:
    """The nearest multiples of 2^-bits, or coarser ones where they are to be integers of so many bits."""
    most = math.inf
    largest = float(values.abs().max()) if values.numel() else 0.0
    if weight_bits is not None and largest > 0:
        most = 2.0 ** (weight_bits - 1) - 1
        bits = min(bits, math.floor(math.log2((most + 0.5) / largest)))
    return (values.double() * 2.0**bits).round().clamp(-most, most).mul(2.0**-bits).to(values.dtype)


def warn_of_coarse(snn: Model, cure: str | None = None) -> Model:
    """The same SNN; a warning names the nodes whose numbers keep few digits behind the point, and what to change.

    That is the `cure`, to convert otherwise unless one is given.
    """
    coarse = {node: bits for node, bits in snn.grid.bits.items() if bits < COARSE} if snn.grid is not None else {}
    if coarse and snn.grid is not None:
        named = ", ".join(f"{node!r} (s = {bits})" for node, bits in coarse.items())
        usual = (
            f"convert with a smaller burst, saturation or input_counts={snn.grid.input_counts}, a higher percentile "
            "of the nodes before, or train with more weight_decay"
        )
        warnings.warn(
            f"{named}: sums are so large that numbers keep fewer than {COARSE} binary digits behind the point; "
            f"{cure or usual}",
            stacklevel=3,
        )
    return snn
