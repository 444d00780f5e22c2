"""Rounding to a grid: how far numbers and answers move, integers of few bits, words of warnings and refusals."""

import math

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.exact_models import K, some_ann, some_network, some_recordings
from tests.support.random_recordings import trainable
from workbench.conversion.rounding import measure_counts, measure_movement, round_to_grid, warn_of_coarse
from workbench.evaluation import collect_answers
from workbench.model.exactness import find_off_grid, is_exact

SEEDS = range(0, 100, 4)


def loose_snn(seed: int, **neuron: object) -> wb.Model:
    """An SNN of a random network that was not rounded."""
    known = {"saturation": 24.0, "ticks_per_frame": K} | neuron
    return wb.Model(some_network(seed), seed=seed, norm=None, neuron=wb.IntegrateAndFire(**known), ticks_per_frame=K)


def count_levels(values: torch.Tensor) -> tuple[int, int]:
    """How many different integers these are, times their largest common power of two, and the largest of them."""
    numbers = values.detach().double().flatten().numpy()
    fractions = [float(number).as_integer_ratio() for number in numbers if number]
    step = min(((top & -top) / bottom for top, bottom in fractions), default=1.0)
    whole = numbers / step
    assert (whole == whole.round()).all()
    assert math.log2(step).is_integer()
    return len(np.unique(whole)), int(np.abs(whole).max(initial=0))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("weight_bits", [8, 3, 2])
def test_weights_of_few_bits_are_signed_integers_times_a_power_of_two(seed, weight_bits):
    rounded = round_to_grid(loose_snn(seed), 9, weight_bits)
    most = 2 ** (weight_bits - 1) - 1
    for position in range(len(rounded.network.edges)):
        for values in rounded.weights[position]:
            levels, largest = count_levels(values)
            assert levels <= 2 * most + 1
            assert largest <= most
    assert rounded.grid.weight_bits == weight_bits
    assert find_off_grid(rounded, rounded.grid) is None


@pytest.mark.parametrize("seed", SEEDS)
def test_every_number_moves_to_the_nearest_multiple_and_the_grid_says_how_far(seed):
    loose = loose_snn(seed, start=0.3, floor=-0.7)
    before = {name: values.clone() for name, values in loose.state_dict().items()}
    rounded = round_to_grid(loose, 9)
    assert all(torch.equal(values, before[name]) for name, values in loose.state_dict().items())
    for node, bits in rounded.grid.bits.items():
        changed = total = 0.0
        incoming = rounded.network.incoming(node)
        for position in incoming:
            for old, new in zip(loose.weights[position], rounded.weights[position], strict=True):
                changed += float((new - old).detach().double().square().sum())
                total += float(old.detach().double().square().sum())
                if len(loose.weights[position]) == 1:
                    assert (new - old).abs().max() <= 2.0 ** -(bits + 1)
        bias = rounded.node_layer(node).bias - loose.node_layer(node).bias
        assert bias.abs().max() <= 2.0 ** -(bits + 1)
        expected = math.sqrt(changed / total) if total else 0.0
        assert rounded.grid.rounding[node] == pytest.approx(expected, rel=1e-6, abs=1e-12)
    finest = 2.0 ** -min(rounded.grid.bits[node] for node in rounded.network.hidden)
    assert abs(rounded.neuron.start - 0.3) <= finest / 2
    assert abs(rounded.neuron.floor + 0.7) <= finest / 2


@pytest.mark.parametrize("seed", SEEDS)
def test_counts_are_four_times_the_most_of_a_pixel_and_tick(seed):
    recordings = some_recordings(some_network(seed), seed)
    for ticks_per_frame in (1, 2, 7):
        assert measure_counts(recordings, ticks_per_frame) == 4 * recordings.as_ticks(None, ticks_per_frame).max()
    ann = some_ann(seed)
    snn = wb.convert(ann, recordings, percentile=99.0)
    assert snn.grid.input_counts == measure_counts(recordings, K)
    assert wb.convert(ann, recordings, percentile=99.0, input_counts=300).grid.input_counts == 300


def test_recordings_without_events_have_room_for_some():
    silent = wb.Recordings.from_ticks(np.zeros((6, 2, 3), int), [0, 1], ticks_per_frame=2)
    assert measure_counts(silent, 2) == 4


def end_answers(model: wb.Model, recordings: wb.Recordings) -> torch.Tensor:
    """Answers at the end of every frame, less their mean over the classes."""
    answers, first = collect_answers(model, recordings), model.network.first_response["out"]
    last = [answers[step - first] for step in range(first, recordings.frames * K) if step % K == K - 1]
    return torch.stack(last) - torch.stack(last).mean(2, keepdim=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_how_far_answers_moved_is_what_it_says(seed):
    loose, recordings = loose_snn(seed), some_recordings(some_network(seed), seed)
    told = measure_movement(loose, round_to_grid(loose, 9, 6), recordings)
    before, after = end_answers(loose, recordings), end_answers(told, recordings)
    expected = float((after - before).square().sum() / before.square().sum())
    assert told.grid.moved == pytest.approx(expected, rel=1e-5)  # these are sums in float32


def test_rounding_that_moves_answers_is_warned_of():
    network, recordings = trainable()
    ann, _ = wb.train(wb.Model(network), recordings, epochs=1, progress=False)
    words = (
        r"rounding moved the answers by [\d.e+-]+ % of their variance, on 32 recordings; convert with more weight_bits"
    )
    with pytest.warns(UserWarning, match=words):
        coarse = wb.convert(ann, recordings, percentile=99.0, weight_bits=2)
    assert coarse.grid.moved > 0.001
    fine = wb.convert(ann, recordings, percentile=99.0)
    assert fine.grid.moved < 0.001
    assert wb.evaluate(fine, recordings)["accuracy"] >= wb.evaluate(coarse, recordings)["accuracy"]


def test_few_digits_are_warned_of_with_what_to_change():
    loose = loose_snn(1)
    for input_counts in (9, 1 << 18):
        rounded = round_to_grid(loose, input_counts)
        coarse = [node for node, bits in rounded.grid.bits.items() if bits < 8]
        assert bool(coarse) == (input_counts > 9)
        if not coarse:
            assert warn_of_coarse(rounded) is rounded
            continue
        named = ", ".join(rf"'{node}' \(s = {rounded.grid.bits[node]}\)" for node in coarse)
        words = (
            named + ": sums are so large .* fewer than 8 binary digits behind the point; convert with a smaller burst, "
        )
        with pytest.warns(UserWarning, match=words + f"saturation or input_counts={input_counts}, a higher percentile"):
            warn_of_coarse(rounded)


def test_a_coarse_output_leaves_the_neurons_as_they_are():
    edges = [wb.Edge("in", "a", wb.Dense(4)), wb.Edge("a", "out", wb.Dense(3)), wb.Edge("in", "out", wb.Dense(3), 2)]
    loose = wb.Model(wb.Network({"in": (5,)}, edges), norm=None, neuron=wb.IntegrateAndFire(start=0.3, saturation=8.0))
    loose.weights[0][0].data.mul_(1e-6)
    rounded = round_to_grid(loose, 1 << 26)
    assert rounded.grid.bits["out"] < 0 < rounded.grid.bits["a"]
    assert rounded.neuron.start == pytest.approx(0.3, abs=2.0 ** -rounded.grid.bits["a"])
    assert is_exact(rounded)


def test_sums_that_leave_no_room_for_a_threshold_are_refused():
    words = (
        r"node 'n\d': its sums reach [\d.e+]+, where .* no single threshold any more; use a smaller burst, .*=107374"
    )
    with pytest.raises(ValueError, match=words):
        round_to_grid(loose_snn(2), 1 << 30)


def test_membranes_without_limit_and_numbers_that_are_not_finite_are_refused():
    with pytest.raises(
        ValueError, match="its membrane has no limit, so no grid holds it; give the neuron a saturation"
    ):
        round_to_grid(loose_snn(2, saturation=None), 9)
    loose = loose_snn(2)
    loose.weights[0][0].data.flatten()[0] = float("nan")
    with pytest.raises(ValueError, match=r"nan|finite"):
        round_to_grid(loose, 9)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"saturation": 2 * K - 1},
            f"saturation={2 * K - 1} would hold membranes .* use at least 2 K = {2 * K}, or leave",
        ),
        ({"saturation": 2.5 * K}, "saturation=.* must be a whole number"),
        ({"weight_bits": 1}, "weight_bits=1 must be a whole number of at least 2"),
        ({"input_counts": 0}, "input_counts=0 must be a whole number of at least 1"),
    ],
)
def test_options_of_rounding_are_refused_by_name(options, words):
    ann = some_ann(3)
    with pytest.raises(ValueError, match=words):
        wb.convert(ann, some_recordings(ann.network, 3), percentile=99.0, **options)


@pytest.mark.parametrize(("burst", "floor"), [(1, -1.0), (1, None), (3, -1.0), (127, None), (1, -200.5)])
def test_a_saturation_that_nobody_named_is_a_wide_power_of_two(burst, floor):
    ann = some_ann(3)
    snn = wb.convert(ann, some_recordings(ann.network, 3), percentile=99.0, burst=burst, floor=floor)
    most = max(2 * K, 8 * burst, -(floor or 0.0))
    assert math.log2(snn.neuron.saturation).is_integer()
    assert most <= snn.neuron.saturation < 2 * most


# pools and learning


def pooled_ann() -> tuple[wb.Model, wb.Recordings]:
    """An ANN that pools alone, before weights and behind them, by squares of 3, of which no binary fraction is one."""
    edges = [
        wb.Edge("in", "a", wb.Conv(4, kernel=3)),
        wb.Edge("a", "b", wb.Pool(3)),
        wb.Edge("in", "b", wb.Chain(wb.Conv(4, kernel=3), wb.Pool(3))),
        wb.Edge("b", "out", wb.Dense(3)),
        wb.Edge("a", "out", wb.Chain(wb.Pool(3), wb.Dense(3))),
    ]
    ann = wb.Model(wb.Network({"in": (2, 6, 7)}, edges), seed=1, norm=None).eval()
    for node in ("a", "b"):
        ann.node_layer(node).bias.data.fill_(0.1)
    rates = np.random.default_rng(0).integers(0, 9, (3, 2, 6, 7))  # events a frame, evenly spread over it
    times = np.arange(8 * 64 + 1).reshape(-1, 1, 1, 1, 1)
    return ann, wb.Recordings.from_ticks(np.diff(times * rates // 64, axis=0), [0, 1, 2], ticks_per_frame=64)


def test_pools_of_an_snn_are_sums_and_it_still_estimates_its_ann():
    ann, recordings = pooled_ann()
    expected = ann.run(torch.from_numpy(recordings.as_frames()))["out"][-1].detach()
    errors = []
    for k in (2, 8, 16):
        options = {"emission": "burst", "cap": 127}  # all is sent at a frame's end
        snn = wb.convert(ann, recordings, percentile=50, ticks_per_frame=k, **options)
        pools = [link for e in snn.network.edges for link in e.operation.links if isinstance(link, wb.Pool)]
        assert len(pools) == 3
        assert all(pool.sums for pool in pools)
        assert not any(link.sums for e in ann.network.edges for link in e.operation.links if isinstance(link, wb.Pool))
        drive = snn.run(torch.from_numpy(recordings.as_ticks(ticks_per_frame=k)))["out"].detach()
        errors.append(float((drive.unflatten(0, (8, k)).mean(1)[-1] - expected).abs().max() / expected.abs().max()))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.01


def test_a_fine_tuned_snn_is_on_a_grid_with_room_for_the_same():
    network, recordings = trainable()
    ann, _ = wb.train(wb.Model(network), recordings[:24], epochs=1, progress=False)
    snn = wb.convert(ann, recordings[:24], percentile=99.0, input_counts=17, weight_bits=8)
    tuned, _ = wb.fine_tune(snn, recordings[:24], epochs=1, progress=False)
    assert any(not torch.equal(a, b) for a, b in zip(tuned.parameters(), snn.parameters(), strict=True))
    assert (tuned.grid.input_counts, tuned.grid.weight_bits) == (17, 8)
    assert is_exact(tuned)
    ticks = torch.from_numpy(recordings[:4].as_ticks())
    expected = tuned.run(ticks, layers=tuned, block=1)
    for engine in ("dense", "events", "auto"):
        assert all(torch.equal(values, expected[node]) for node, values in tuned.run(ticks, engine=engine).items())
