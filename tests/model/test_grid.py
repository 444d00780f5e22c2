"""The grid of an SNN: bounds of sums against brute force, what leaves it, and the words of its warnings."""

import math
import re
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.exact_models import some_network, some_snn
from workbench.conversion.rounding import round_to_grid
from workbench.model.exactness import bound_links, bound_sums, count_digits, find_off_grid, is_exact
from workbench.model.grid import DIGITS, Grid

SEEDS = range(0, 200, 8)


def some_model(seed: int) -> wb.Model:
    """An SNN of a random network with random weights, gains and biases, not rounded."""
    rng, network = np.random.default_rng(seed), some_network(seed)
    neuron = wb.IntegrateAndFire(
        burst=int(rng.integers(1, 6)),
        bias=str(rng.choice(["tick", "frame"])),
        floor=rng.choice([None, -0.7]),
        saturation=float(rng.uniform(8, 40)),
        ticks_per_frame=3,
    )
    model = wb.Model(network, seed=seed, norm=None, neuron=neuron, ticks_per_frame=3)
    for position, edge in enumerate(network.edges):
        if not len(model.weights[position]):
            channels = network.shape_of(edge.target)[0]
            gain = torch.tensor(rng.normal(0, 0.3, (channels, *[1] * (len(network.shape_of(edge.target)) - 1))))
            model.gains[str(position)] = torch.nn.Parameter(gain.float())
    for node in network.nodes:
        if node not in network.inputs:
            bias = model.node_layer(node).bias.data
            bias.copy_(torch.tensor(rng.normal(0, 0.5, tuple(bias.shape))))
    return model.eval()


def write_out(model: wb.Model, position: int) -> np.ndarray:
    """Every path of an edge, (source units, target units): |weights| of each link as a matrix, one after the other."""
    edge = model.network.edges[position]
    shape, weights = model.network.shape_of(edge.source), [w.detach().double() for w in model.weights[position]]
    paths = np.eye(math.prod(shape))
    for link in edge.operation.links:
        count, units = len(link.weight_shapes(shape)), math.prod(shape)
        matrix = link(torch.eye(units).double().view(units, *shape), weights[:count]).flatten(1)
        paths, weights, shape = paths @ matrix.abs().numpy(), weights[count:], link.output_shape(shape)
    if str(position) in model.gains:
        gain = model.gains[str(position)].detach().abs().double()
        paths = paths * gain.expand(shape).flatten().numpy()
    return paths


def largest_sum(model: wb.Model, node: str, input_counts: int) -> float:
    """What the worst unit of a node gets if every source sends all that it can, each with the worse sign."""
    network, shape = model.network, model.network.shape_of(node)
    total = np.zeros(math.prod(shape))
    for position in network.incoming(node):
        most = input_counts if network.edges[position].source in network.inputs else model.neuron.burst
        total += most * write_out(model, position).sum(0)
    bias = model.node_layer(node).bias.detach().double().abs().view(-1, *[1] * (len(shape) - 1)).expand(shape)
    biases = 1 if node == network.output or model.neuron.bias == "tick" else model.ticks_per_frame
    membrane = 0.0 if node == network.output else model.neuron.saturation
    return float((total + biases * bias.flatten().numpy()).max()) + membrane


@pytest.mark.parametrize("seed", SEEDS)
def test_no_sum_is_larger_than_its_bound_and_some_sum_is_as_large(seed):
    model = some_model(seed)
    for node in set(model.network.nodes) - {"in"}:
        assert bound_sums(model, node, 7) == pytest.approx(largest_sum(model, node, 7), rel=1e-9), node


@pytest.mark.parametrize("seed", SEEDS)
def test_s_is_the_largest_that_fits(seed):
    model = some_model(seed)
    rounded = round_to_grid(model, 7)
    for node, bits in rounded.grid.bits.items():
        assert largest_sum(rounded, node, 7) * 2.0**bits <= 2**DIGITS, node
        if bits < 23 and all(len(model.weights[p]) < 2 for p in model.network.incoming(node)):  # no chain shares s
            finer = model.copy()
            layer = finer.node_layer(node)
            numbers = [layer.bias, *(w for p in model.network.incoming(node) for w in finer.weights[p])]
            numbers += [finer.gains[str(p)] for p in model.network.incoming(node) if str(p) in finer.gains]
            for values in numbers:
                values.data.mul_(2.0 ** (bits + 1)).round_().mul_(2.0 ** -(bits + 1))
            sums = max(largest_sum(finer, node, 7), largest_sum(model, node, 7))
            assert sums * 2.0 ** (bits + 1) > 2**DIGITS, node


@pytest.mark.parametrize("seed", SEEDS)
def test_links_of_a_chain_leave_room_for_what_is_summed_between_them(seed):
    rounded = round_to_grid(some_model(seed), 7)
    for position, edge in enumerate(rounded.network.edges):
        digits = 0
        weights = list(rounded.weights[position])
        for number, values in enumerate(weights):
            digits += count_digits(values)
            assert digits <= max(rounded.grid.bits[edge.target], digits if number + 1 < len(weights) else 0)
            assert float(bound_links(rounded, position, 7)[number].max()) * 2.0**digits <= 2**DIGITS


@pytest.mark.parametrize("seed", SEEDS)
def test_rounding_again_changes_nothing(seed):
    once = round_to_grid(some_model(seed), 7)
    again = round_to_grid(once, 7)
    assert find_off_grid(once, once.grid) is None
    for node, bits in once.grid.bits.items():
        assert again.grid.bits[node] >= bits or any(len(once.weights[p]) > 1 for p in once.network.incoming(node))
    if not any(len(weights) > 1 for weights in once.weights):
        assert all(
            torch.equal(a, b) for a, b in zip(once.state_dict().values(), again.state_dict().values(), strict=True)
        )


def test_digits_of_numbers_are_counted():
    rng = np.random.default_rng(0)
    for bits in range(24):
        whole = 2 * int(rng.integers(1, 1 << 20)) + 1
        assert count_digits(torch.tensor([0.0, whole * 2.0**-bits, 8.0])) == bits
    assert count_digits(torch.zeros(3)) == count_digits(torch.zeros(0)) == 0


# what leaves the grid


def change(snn: wb.Model, what: str) -> None:
    """Change a number of an SNN by less than a step of its grid, or its neuron."""
    node = snn.network.hidden[0]
    if what == "weights":
        snn.weights[0][0].data.flatten()[0] += 2.0 ** -(snn.grid.bits[snn.network.edges[0].target] + 1)
    elif what == "bias":
        snn.node_layer(node).bias.data[0] += 2.0 ** -(snn.grid.bits[node] + 1)
    elif what == "neuron":
        snn.neuron = replace(snn.neuron, start=0.3)
    elif what == "size":
        snn.weights[0][0].data.mul_(2.0**20)


WORDS = {"weights": "the weights of in -> n0", "bias": "the bias of 'n0'", "neuron": "the neuron of 'n0'",
         "size": "the weights into 'n0'"}  # fmt: skip


def simple_snn() -> tuple[wb.Model, torch.Tensor]:
    edges = [wb.Edge("in", "n0", wb.Dense(4)), wb.Edge("n0", "out", wb.Dense(3))]
    ann = wb.Model(wb.Network({"in": (7,)}, edges), seed=0, norm=None)
    ann.node_layer("n0").bias.data.fill_(0.1)
    counts = np.random.default_rng(0).poisson(0.5, (24, 3, 7))
    recordings = wb.Recordings.from_ticks(counts, [0, 1, 2], ticks_per_frame=4)
    return wb.convert(ann.eval(), recordings, percentile=99.0), torch.from_numpy(counts).float()


@pytest.mark.parametrize("what", WORDS)
def test_an_snn_that_was_changed_by_hand_runs_densely_and_says_what_was_changed(what):
    snn, ticks = simple_snn()
    assert is_exact(snn)
    change(snn, what)
    words = re.escape(f"{WORDS[what]} were changed after the conversion") + ".* may differ by a spike .* convert again"
    with pytest.warns(UserWarning, match=words):
        found = snn.run(ticks)
    with pytest.warns(UserWarning, match="wb.fine_tune, which rounds anew"):
        assert snn.stream(3)._hybrid is None
    snn.grid = None
    assert all(torch.equal(found[node], values) for node, values in snn.run(ticks, engine="dense").items())


def test_whole_multiples_within_bounds_stay_exact_and_warn_of_nothing():
    snn, ticks = simple_snn()
    snn.weights[0][0].data[0, 0] -= torch.sign(snn.weights[0][0].data[0, 0]) * 2.0 ** -snn.grid.bits["n0"]
    snn.node_layer("n0").bias.data[0] = 0.0
    assert is_exact(snn)
    expected = snn.run(ticks, layers=snn, block=1)
    assert all(torch.equal(values, expected[node]) for node, values in snn.run(ticks).items())


def test_a_change_is_noticed_whenever_it_is_made_and_what_is_changed_back_is_exact_again():
    snn, ticks = simple_snn()
    snn.run(ticks)
    before = snn.weights[0][0].detach().clone()
    change(snn, "weights")
    with pytest.warns(UserWarning, match="were changed after the conversion"):
        snn.run(ticks)
    snn.weights[0][0].data.copy_(before)
    snn.run(ticks)
    assert is_exact(snn)


def test_a_neuron_exchanged_for_a_relu_runs():
    snn, ticks = simple_snn()
    snn.neuron = wb.ReLU()
    assert not is_exact(snn)
    assert snn.run(ticks)["out"].any()


def test_more_events_than_the_grid_has_room_for_are_warned_of_wherever_they_come_in():
    snn, ticks = simple_snn()
    most = snn.grid.input_counts
    ticks[5, 1, 2] = most
    snn.run(ticks)
    ticks[5, 1, 2] = most + 1
    words = (
        f"input 'in' holds {most + 1} events in a tick and pixel, where sums of this SNN are exact for at most "
        f"{most}: .*; convert with input_counts={2 * most + 2}, or bin into more ticks"
    )
    with pytest.warns(UserWarning, match=words):
        snn.run(ticks)
    with pytest.warns(UserWarning, match=words):
        snn.stream(3).feed(ticks)
    recordings = wb.Recordings.from_ticks(ticks.int().numpy(), [0, 1, 2], ticks_per_frame=4)
    for engine in ("dense", "events", "auto"):
        with pytest.warns(UserWarning, match=words):
            wb.evaluate(snn, recordings, engine=engine)


@pytest.mark.parametrize("parts", [0.5, 1e-6, -0.25])
def test_parts_of_events_go_on_densely_unless_an_engine_is_named(parts):
    snn, ticks = simple_snn()
    streams = {engine: snn.stream(3, engine=engine) for engine in (None, "dense", "events")}
    for stream in streams.values():
        stream.run(ticks)
    assert streams[None]._hybrid.adapts
    ticks[3, 0, 0] = parts
    found = {engine: stream.run(ticks)["out"] for engine, stream in streams.items()}
    assert torch.equal(found[None], found["dense"])
    assert not streams[None]._hybrid.adapts
    assert torch.equal(snn(ticks), snn.run(ticks, engine="dense")["out"])


def test_training_counts_nothing_and_warns_of_nothing():
    snn, ticks = simple_snn()
    snn.train().run(ticks + 0.5)
    change(snn, "weights")
    snn.run(ticks)


def test_numbers_of_a_user_have_no_grid_and_run_densely_without_a_warning():
    snn, ticks = simple_snn()
    plain = wb.Model(snn.network, norm=None, neuron=wb.IntegrateAndFire())
    assert plain.grid is None
    assert plain.stream()._hybrid is None
    assert snn.stream()._hybrid is not None
    assert plain.eval().run(ticks + 0.5)["out"].shape == (24, 3, 3)


def test_the_words_of_a_grid():
    grid = Grid({"a": 12}, 20, {"a": 0.0})
    assert repr(grid) == "Grid(s = 12, at most 20 events a tick and pixel)"
    told = replace(grid, bits={"a": 12, "b": 9}, input_counts=4000, weight_bits=8, moved=0.0125)
    assert repr(told) == (
        "Grid(s = 9 to 12, weights of 8 bits, at most 4,000 events a tick and pixel, answers moved by 1.2 % of their "
        "variance)"
    )


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_random_conversions_lie_on_their_grid(seed):
    snn, _ = some_snn(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find_off_grid(snn, snn.grid) is None
        assert is_exact(snn)
    assert snn.grid.bits.keys() == set(snn.network.nodes) - {"in"}
    assert snn.grid.rounding.keys() == snn.grid.bits.keys()
