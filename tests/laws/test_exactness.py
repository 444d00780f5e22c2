"""Law: the arithmetic of a converted SNN is exact, so that every way of running it gives the same bits."""

import random
from fractions import Fraction
from itertools import chain

import pytest
import torch

import workbench as wb
from tests.support.exact_models import RECORDINGS, K, draw_options, some_network, some_snn, some_trained
from workbench.engine.kernels import parallel
from workbench.model.exactness import find_off_grid
from workbench.model.grid import DIGITS

SEEDS = range(200)
ENGINES = ("dense", "events", "auto")
THREADS = (1, 2, 3, 8)


@pytest.fixture
def any_threads(monkeypatch):
    """A function that sets the number of threads, which then share even the smallest work."""
    before = torch.get_num_threads()
    monkeypatch.setattr(parallel, "MIN_PARALLEL_SIZE", 0)
    yield torch.set_num_threads
    torch.set_num_threads(before)


def differing(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> list[str]:
    return [node for node, values in expected.items() if not torch.equal(found[node], values)]


def test_every_option_is_drawn():
    drawn = [draw_options(seed) for seed in SEEDS]
    for option in drawn[0]:
        assert len({one[option] for one in drawn}) > 1, option


def test_every_kind_of_map_is_drawn():
    edges = [(edge, network) for network in map(some_network, SEEDS) for edge in network.edges]
    links = [link for edge, _ in edges for link in edge.operation.links]
    assert {type(link) for link in links} == {wb.Conv, wb.Conv1d, wb.Dense, wb.Pool, wb.GlobalPool, wb.Identity}
    convolutions = [link for link in links if isinstance(link, wb.Conv)]
    for axes in (1, 2):
        some = [link for link in convolutions if len(link.axes) == axes]
        assert any(1 < link.groups < link.channels for link in some)
        assert any(link.groups == link.channels > 1 for link in some)
        assert any(link.padding is not None for link in some)
        assert any(link.kernel == 2 for link in some)
    assert any(isinstance(link.kernel, tuple) for link in convolutions)


@pytest.mark.parametrize("seed", SEEDS)
def test_engines_cuts_batches_orders_threads_and_types_of_numbers_give_the_same_bits(seed, any_threads):
    assert_same_bits(*some_snn(seed), random.Random(seed), any_threads)


@pytest.mark.parametrize("seed", range(60))
def test_so_they_do_where_every_node_has_a_neuron_of_its_own_and_many_leak(seed, any_threads):
    snn, ticks = some_trained(seed)
    assert find_off_grid(snn, snn.grid) is None
    assert_same_bits(snn, ticks, random.Random(seed), any_threads)


def assert_same_bits(snn, ticks, rng, any_threads):
    ticks = ticks * rng.choice([1, 4])  # four times the most that was seen is what sums have room for
    any_threads(1)
    expected = snn.run(ticks, layers=snn, block=1)  # the model's own plain layers, tick by tick
    for engine in ENGINES:
        any_threads(rng.choice(THREADS))
        assert differing(snn.run(ticks, engine=engine, block=rng.choice([1, 2, 5, None])), expected) == [], engine
    any_threads(rng.choice(THREADS))
    some = torch.tensor(rng.sample(range(RECORDINGS), rng.randint(1, RECORDINGS)))  # another batch, in another order
    assert differing(snn.run(ticks[:, some]), {node: values[:, some] for node, values in expected.items()}) == []
    stream, begin = snn.stream(RECORDINGS, record=snn.network.nodes), 0
    while begin < len(ticks):
        end = begin + rng.randint(1, 4)
        part = stream.run(ticks[begin:end])
        assert differing(part, {node: values[begin:end] for node, values in expected.items()}) == [], begin
        begin = end
    exact = snn.double().run(ticks.double())
    assert differing({node: values.float() for node, values in exact.items()}, expected) == []


def test_of_a_network_that_was_not_rounded_bits_differ():
    """Or else the law above could not fail."""
    different = 0
    for seed in range(10):
        snn, ticks = some_snn(seed)
        generator = torch.Generator().manual_seed(seed)
        for values in snn.parameters():
            values.data.mul_(1 + 0.01 * torch.rand(values.shape, generator=generator))
        snn.grid = None
        exact = snn.double().run(ticks.double(), layers=snn)
        found = snn.float().run(ticks, engine="events")
        different += bool(differing({node: values.float() for node, values in exact.items()}, found))
    assert different > 5


@pytest.mark.parametrize("seed", range(0, 200, 10))
def test_what_comes_up_lies_on_the_grid_and_within_24_digits(seed):
    """In float64, which would hold more: drives of the output are whole multiples of 2^-s, fewer than 2^24."""
    snn, ticks = some_snn(seed)
    drive = snn.double().run(4 * ticks.double())["out"].detach() * 2.0 ** snn.grid.bits["out"]
    assert find_off_grid(snn, snn.grid) is None
    assert drive.any() or snn.network.first_response["out"] >= len(ticks)
    assert torch.equal(drive, drive.round())
    assert drive.abs().max() <= 2**DIGITS


def simulate(weights: list[list[Fraction]], bias: list[Fraction], ticks: list[list[int]]) -> list[list[int]]:
    """Spikes of units of plain neurons, in whole numbers and with nothing clever."""
    least, most, start = Fraction(-1), Fraction(8), Fraction(1, 2)
    unit = 2 ** max(value.denominator.bit_length() for value in [*chain(*weights), *bias, start])
    whole = [[int(value * unit) for value in row] for row in weights]
    shift, low, high = [int(value * unit) for value in bias], int(least * unit), int(most * unit)
    membranes = [int(start * unit)] * len(bias)
    found = []
    for counts in ticks:
        spikes = []
        for place, row in enumerate(whole):
            v = membranes[place] + sum(w * n for w, n in zip(row, counts, strict=True)) + shift[place]
            v = min(max(v, low), high)
            spikes.append(int(v >= unit))
            membranes[place] = v - unit * spikes[-1]
        found.append(spikes)
    return found


def test_a_million_ticks_give_the_bits_of_whole_numbers(any_threads):
    edges = [wb.Edge("in", "a", wb.Dense(2)), wb.Edge("a", "out", wb.Dense(1))]
    ann = wb.Model(wb.Network({"in": (2,)}, edges), seed=3, norm=None)
    ann.node_layer("a").bias.data.fill_(0.07)
    with torch.no_grad():
        ann.weights[0][0].copy_(torch.tensor([[0.31, -0.17], [-0.13, 0.43]]))
    counts = torch.randint(0, 2, (1_000_000, 1, 2), generator=torch.Generator().manual_seed(0))
    some = wb.Recordings.from_ticks(counts[: 12 * K].numpy(), labels=[0], classes=("a",), ticks_per_frame=K)
    snn = wb.convert(ann, some, percentile=90, saturation=8)
    rows = [[Fraction(value) for value in row] for row in snn.weights[0][0].tolist()]
    bias = [Fraction(value) for value in snn.node_layer("a").bias.tolist()]
    expected = torch.tensor(simulate(rows, bias, counts[:, 0].tolist())).view(-1, 1, 2).float()
    assert 0.01 < expected.mean() < 0.99
    ticks = counts.float()
    runs = {}
    for engine, block, threads in (("dense", 99_991, 1), ("events", None, 2), ("auto", None, 8)):
        any_threads(threads)
        runs[engine] = snn.run(ticks, engine=engine, block=block)
        assert torch.equal(runs[engine]["a"][K:], expected[:-K]), engine  # the edge takes a frame
    assert torch.equal(runs["dense"]["out"], runs["events"]["out"])
    assert torch.equal(runs["dense"]["out"], runs["auto"]["out"])
