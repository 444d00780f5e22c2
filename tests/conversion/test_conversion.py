"""From ANN to SNN: folding is exact, scales are what they say, matched rates follow the ANN, mistakes are refused."""

import contextlib
import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
import torch

import workbench as wb
from benchmarks.matching import measure_matching, rate_error, slopes
from tests.support.random_networks import IMAGE, acquaint, random_model, random_network
from tests.support.random_recordings import random_recordings, trainable
from tests.support.shrinking_networks import shrinking_network
from workbench.conversion.activation_scales import broadcast_scale, measure_scales
from workbench.conversion.batchnorm_folding import fold_batchnorm
from workbench.conversion.held_back import hold_back
from workbench.conversion.options import ConversionOptions
from workbench.conversion.spiking_model import build_snn, scale_delays
from workbench.engine import Neuron
from workbench.evaluation import collect_answers


@pytest.mark.parametrize("seed", range(100))
def test_folding_batch_norm_leaves_every_activation_as_it_was(seed):
    network = random_network(seed, parallel=True)
    model = random_model(network, seed, norm="batch").float()
    frames = torch.tensor(random_recordings(seed).as_frames())
    with torch.no_grad():
        before, after = model.run(frames), fold_batchnorm(model).run(frames)
    for node in network.nodes:
        torch.testing.assert_close(
            after[node], before[node], rtol=1e-5, atol=1e-5 * max(1.0, float(before[node].abs().max()))
        )


def measure_rounding(snn: wb.Model) -> float:
    """How far numbers may be from those before they were rounded, relative to the largest: loops make more of it."""
    return 1e-4 + 30 * max(snn.grid.rounding.values())


@pytest.mark.parametrize("seed", range(100))
def test_scaled_weights_with_relu_compute_the_ann_in_units_of_the_scales(seed):
    """With ReLU in place of spikes and the same clock, an SNN's numbers are activity / lambda, but for rounding."""
    network = random_network(seed)
    ann = random_model(network, seed, norm="batch").float()
    recordings = random_recordings(seed)
    snn = wb.convert(ann, recordings, ticks_per_frame=1)
    snn.neuron = wb.ReLU()
    frames = torch.tensor(recordings.as_frames())
    with torch.no_grad():
        expected, scaled = ann.run(frames), snn.run(frames)
    for node in network.nodes:
        size = float(expected[node].abs().max())
        rounding = measure_rounding(snn)
        found = scaled[node] * broadcast_scale(snn, node)
        torch.testing.assert_close(found, expected[node], rtol=rounding, atol=rounding * max(1.0, size))


@pytest.mark.parametrize("seed", range(20))
def test_scales_are_percentiles_of_the_non_zero_activations(seed):
    network, recordings = random_network(seed), random_recordings(seed)
    model = random_model(network, seed).float()
    for node in set(network.nodes) - {"in"}:
        model.node_layer(node).bias.data += 1  # no node is silent
    activity = model.run(torch.tensor(recordings.as_frames()))
    scales = measure_scales(model, recordings, [90, 50])["node", 90]
    for node in set(network.nodes) - {"in", "out"}:
        values = activity[node].detach().numpy()
        if network.first_response[node] >= recordings.frames:
            assert scales[node] == 1
            continue
        assert scales[node] == pytest.approx(np.percentile(values[values != 0], 90), rel=1e-5)
    assert scales["out"] == 1


def test_a_conversion_is_a_new_model_with_matching_delays_and_its_ann_is_untouched():
    network, recordings = random_network(5), random_recordings(5)
    ann = random_model(network, 5, norm="batch").float()
    before = {name: tensor.clone() for name, tensor in ann.state_dict().items()}
    snn = wb.convert(ann, recordings, ticks_per_frame=12, start=0.25, floor=None, reset="zero")
    assert [edge.delay for edge in snn.network.edges] == [12 * edge.delay for edge in network.edges]
    assert snn.ticks_per_frame == 12
    assert snn.trained_network == network
    assert snn.neuron == wb.IntegrateAndFire(start=0.25, floor=None, reset="zero", ticks_per_frame=12)
    assert all(torch.equal(tensor, before[name]) for name, tensor in ann.state_dict().items())
    again = wb.convert(ann, recordings, ticks_per_frame=12, start=0.25, floor=None, reset="zero")
    assert all(torch.equal(a, b) for a, b in zip(snn.state_dict().values(), again.state_dict().values(), strict=True))


def test_delays_can_be_one_frame_one_tick_or_as_given():
    ends = [("in", "a"), ("a", "b"), ("b", "out")]
    network = wb.Network({"in": IMAGE}, [wb.Edge(*pair, wb.Dense(3), delay=2) for pair in ends])
    ann, recordings = random_model(network, 0).float(), random_recordings(0)

    def delays(**options: object) -> list[int]:
        return [edge.delay for edge in wb.convert(ann, recordings, ticks_per_frame=5, **options).network.edges]

    assert delays() == delays(delays="matched") == [10, 10, 10]
    assert delays(delays="frame") == [5, 5, 5]
    assert delays(delays="tick") == [1, 1, 1]
    assert delays(delays={("a", "b"): 7}) == [10, 7, 10]


def test_the_error_falls_like_one_over_k_when_delays_match_and_stays_on_a_plateau_when_not():
    table = measure_matching(ticks=(8, 16, 32, 64, 128), seeds=(0,))
    slope = slopes(table)
    assert -1.2 <= slope["delay K, membrane floor -1"] <= -0.8
    assert -1.2 <= slope["delay K, membrane reset each frame"] <= -0.8
    assert slope["delay K, no floor"] > -0.4
    assert abs(slope["delay 1 tick, membrane floor -1"]) < 0.1
    at_128 = table[table["K"] == 128].set_index("setting")["error"]
    assert at_128["delay K, no floor"] > 4 * at_128["delay K, membrane floor -1"]
    assert at_128["delay 1 tick, membrane floor -1"] > 8 * at_128["delay K, membrane floor -1"]


def error_ratio(ann: wb.Model, recordings: wb.Recordings, **options: object) -> float:
    """The error at 64 ticks a frame over that at 8."""
    frames = torch.from_numpy(recordings.as_frames())
    at = {k: wb.convert(ann, recordings, percentile=100, ticks_per_frame=k, **options) for k in (8, 64)}
    return rate_error(ann, at[64], frames, 64) / rate_error(ann, at[8], frames, 8)


def test_on_random_graphs_the_error_falls_with_k_where_delays_match_and_not_where_they_do_not():
    """Random delays, shortcuts and loops; K from 8 to 64, so a law 1/K means a factor 1/8."""
    falls, plateaus = [], []
    for seed in range(100):
        network = random_network(seed, flat=True, longest=2)
        ann = random_model(network, seed).float()
        for name, tensor in ann.state_dict().items():  # loops that do not grow without bound, no node silent
            tensor.mul_(0.7) if name.startswith("weights") else tensor.add_(0.3)
        counts = np.random.default_rng(seed).integers(0, 9, (10, 2, 7))
        recordings = wb.Recordings.from_ticks(counts, labels=[0, 1], classes=("a", "b", "c"), frames=10)
        falls.append(error_ratio(ann, recordings))
        if any(edge.delay for edge in network.edges):
            plateaus.append(error_ratio(ann, recordings, delays="tick"))
    assert 8**-1.2 <= np.median(falls) <= 8**-0.8
    assert max(falls) < 0.75
    assert np.mean(np.array(falls) < 0.3) > 0.9
    assert np.median(plateaus) > 0.9


def test_on_every_kind_of_map_the_error_falls_with_k():
    """Grouped, rectangular, even and pooled maps of images and of signals, with a loop; the answers, K from 8 to 64."""
    falls = []
    for seed in range(30):
        network = shrinking_network(seed).streaming()
        ann = random_model(network, seed).float()
        for edge, weights in zip(network.edges, ann.weights, strict=True):
            for weight in weights:  # loops that do not grow without bound, no node silent
                weight.data.mul_(0.3) if edge.source == edge.target else weight.data.add_(0.5 * weight.data.abs())
        counts = np.random.default_rng(seed).integers(0, 9, (10, 2, *network.inputs["in"]))
        recordings = wb.Recordings.from_ticks(counts, labels=[0, 1], classes=("a", "b", "c"), frames=10)
        falls.append(error_ratio(ann, recordings))
    assert 8**-1.2 <= np.median(falls) <= 8**-0.8
    assert max(falls) < 0.3


@pytest.mark.parametrize("seed", range(100))
def test_no_verb_changes_its_arguments_and_all_give_the_same_twice(seed):
    network, recordings = random_network(seed, longest=1), random_recordings(seed, frames=8, count=3)
    ann = random_model(network, seed, norm="batch" if seed % 2 else None).float()
    for node in set(network.nodes) - {"in"}:
        ann.node_layer(node).bias.data += 1  # no node is silent
    before = {name: tensor.clone() for name, tensor in ann.state_dict().items()}
    ticks = torch.tensor(recordings.as_ticks(ticks_per_frame=2))
    counts, untouched = ticks.clone(), repr(network)

    def everything() -> tuple[dict[str, torch.Tensor], pd.DataFrame, pd.DataFrame]:
        snn = wb.convert(ann, recordings, ticks_per_frame=2)
        numbers = snn.state_dict() | snn.run(ticks)
        return numbers, wb.compare({"ANN": ann, "SNN": snn}, recordings), wb.operations(snn, recordings)

    first, second = everything(), everything()
    assert first[0].keys() == second[0].keys()
    assert all(torch.equal(first[0][name], second[0][name]) for name in first[0])
    pd.testing.assert_frame_equal(first[1], second[1])
    pd.testing.assert_frame_equal(first[2], second[2])
    assert all(torch.equal(tensor, before[name]) for name, tensor in ann.state_dict().items())
    assert torch.equal(ticks, counts)
    assert repr(network) == untouched


def test_the_output_averages_to_the_logits_of_its_ann():
    """One layer, no neuron between: drive averaged over a frame's ticks is the ANN's drive of that frame."""
    network = wb.Network({"in": IMAGE}, [wb.Edge("in", "out", wb.Dense(3))])
    ann, recordings = random_model(network, 1).float(), random_recordings(1)
    snn = wb.convert(ann, recordings, ticks_per_frame=4)
    frames = recordings.as_frames()
    per_frame = snn(torch.tensor(recordings.as_ticks(ticks_per_frame=4))).unflatten(0, (len(frames), 4)).mean(1)
    torch.testing.assert_close(per_frame, ann(torch.tensor(frames)), rtol=1e-3, atol=1e-3)  # weights are rounded


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"percentile": 0}, "percentile=0 must lie above 0"),
        ({"percentile": 101}, "percentile=101"),
        ({"delays": "fast"}, "delays='fast' is unknown; choose \"matched\""),
        ({"delays": {("in", "nowhere"): 3}}, "there is no edge in -> nowhere"),
        ({"ticks_per_frame": 0}, "must be a whole number of at least 1"),
        ({"reset": "hard"}, "reset='hard' is unknown; choose from subtract, zero"),
        ({"start": 1.5}, "start=1.5"),
        ({"floor": 2.0}, "floor=2.0 must lie at or below 0"),
        ({"membrane": "leak"}, "membrane='leak' is unknown"),
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(options, words):
    network = random_network(2)
    with pytest.raises(ValueError, match=words):
        wb.convert(random_model(network, 2).float(), random_recordings(2), **options)


def test_a_silent_node_and_a_spiking_model_are_refused():
    network = wb.Network({"in": IMAGE}, [wb.Edge("in", "dark", wb.Dense(4)), wb.Edge("dark", "out", wb.Dense(3))])
    ann, recordings = random_model(network, 3).float(), random_recordings(3)
    ann.node_layer("dark").bias.data.fill_(-1e6)
    with pytest.raises(ValueError, match="node 'dark' is silent on all 5 recordings"):
        wb.convert(ann, recordings)
    network = random_network(4)
    snn = wb.convert(random_model(network, 4).float(), random_recordings(4))
    with pytest.raises(ValueError, match="this model spikes already"):
        wb.convert(snn, random_recordings(4))


# recipes


@pytest.fixture(scope="module")
def trained() -> tuple[wb.Model, wb.Recordings]:
    network, recordings = trainable()
    return wb.train(wb.Model(network), recordings, epochs=6, progress=False)[0], recordings


@pytest.mark.parametrize("k", [8, 3])
def test_naming_nothing_chooses_what_errs_little_and_says_so(trained, k):
    ann, recordings = trained
    snn, again = (wb.convert(ann, recordings, ticks_per_frame=k) for _ in range(2))
    assert snn.conversion_options == again.conversion_options
    assert snn.conversion_options.reason == again.conversion_options.reason
    assert re.match(
        r"best of \d+ on 120 recordings, each held back once: its answers err by .* % of their variance, "
        r"[\d.]+ % are right \([+-][\d.]+ ± [\d.]+ points to the ANN\), with [\d,]+ synaptic operations a recording",
        snn.conversion_options.reason,
    )
    assert snn.neuron.most_spikes_per_tick() == 1
    assert not snn.neuron.signed
    plain = wb.convert(ann, recordings, percentile=99.9, ticks_per_frame=k)
    errors = []
    for model in (snn, plain):
        found, expected = collect_answers(model, recordings), collect_answers(ann, recordings)
        found = found[k - 1 :: k]
        parts = [answers - answers.mean(2, keepdim=True) for answers in (found, expected)]
        errors.append(float((parts[0] - parts[1]).square().mean() / parts[1].square().mean()))
    assert errors[0] < 0.03
    assert errors[0] < errors[1]


@pytest.mark.parametrize("count", [1, 7, 8, 9])
def test_the_reason_says_held_back_only_where_recordings_were(trained, count):
    ann, recordings = trained
    reason = wb.convert(ann, recordings[:count]).conversion_options.reason
    how = ", each held back once" if count >= 8 else ", the same that it was calibrated on"
    which = f"{count} recordings?{how}"
    assert re.match(rf"best of \d+ on {which}: its answers err by ", reason)


def test_of_many_recordings_400_are_held_back_and_the_others_calibrate(trained):
    ann, recordings = trained
    many = recordings[np.arange(470) % len(recordings)]
    assert " on 400 held-back recordings: " in wb.convert(ann, many).conversion_options.reason
    held_back, _ = hold_back(ann, many, 8, [99.0], None)
    assert [len(part.recordings) for part in held_back] == [400]
    parts, _ = hold_back(ann, recordings, 8, [99.0], None)
    assert sum(len(part.recordings) for part in parts) == len(recordings)


def test_where_delays_are_no_whole_frames_neurons_spike_at_once_and_the_reason_says_so(trained):
    ann, recordings = trained
    for delays in ("tick", {("v1", "v2"): 3}):
        options = wb.convert(ann, recordings, delays=delays).conversion_options
        assert options.emission == "at_once"
        assert options.reason.endswith(
            "at once, for a neuron that counts for a frame needs delays of whole frames out of it"
        )
    assert "at once" not in wb.convert(ann, recordings, delays="frame").conversion_options.reason
    with pytest.raises(ValueError, match="edge v1 -> v2 takes 1 ticks, and 'v1' counts its spikes for a frame of 8"):
        wb.convert(ann, recordings, delays="tick", emission="spread")


def test_the_reason_says_where_the_snn_does_more_than_its_ann_and_what_would_help(trained):
    ann, recordings = trained
    costs = wb.compare({"ann": ann}, recordings).iloc[-1]
    for k, dear in ((1, False), (24, True)):
        snn = wb.convert(ann, recordings, ticks_per_frame=k)
        spent = wb.compare({"snn": snn}, recordings).iloc[-1]["synaptic_operations"]
        assert (spent > costs["effective_macs"]) == dear
        words = f"more than the ANN's {costs['effective_macs']:,.0f} effective MACs: fewer ticks_per_frame, or"
        assert (words in snn.conversion_options.reason) == dear


def test_of_recipes_that_err_little_the_one_with_the_fewest_operations_is_chosen(trained):
    ann, recordings = trained
    chosen = wb.convert(ann, recordings)
    said = float(re.search(r"with ([\d,]+) synaptic", chosen.conversion_options.reason)[1].replace(",", ""))
    options = {option: value for option, value in chosen.conversion_options.to_dict().items() if option != "reason"}
    lower = {node: chosen.conversion_options.percentile_of(node) / 2 for node in ("v1", "v2")}
    dearer = wb.convert(ann, recordings, **options | {"percentile": lower})
    costs = wb.compare({"chosen": chosen, "dearer": dearer}, recordings).groupby("model").last()["synaptic_operations"]
    assert costs["chosen"] < costs["dearer"]
    assert said == pytest.approx(costs["chosen"], rel=0.1)


def test_percentiles_can_differ_by_node(trained):
    ann, recordings = trained
    each = wb.convert(ann, recordings, percentile={"v1": 90})
    for node, percentile in (("v1", 90), ("v2", 99.9)):
        assert each.scales[node] == wb.convert(ann, recordings, percentile=percentile).scales[node]
    assert repr(each.conversion_options) == "ConversionOptions(percentile={'v1': 90})"
    assert (
        each.conversion_options == ConversionOptions(percentile={"v1": 90}) != ConversionOptions(percentile={"v1": 91})
    )
    assert len({ConversionOptions(percentile={"v1": 90}), ConversionOptions(percentile={"v1": 90})}) == 1
    with pytest.raises(ValueError, match="percentile names 'eye'; only hidden nodes have one: v1, v2"):
        wb.convert(ann, recordings, percentile={"eye": 90})
    with pytest.raises(ValueError, match="percentile=0 must lie above 0"):
        wb.convert(ann, recordings, percentile={"v1": 0})


def test_naming_an_option_takes_the_defaults_for_the_others(trained):
    ann, recordings = trained
    for options in ({"percentile": 99.9}, {"start": 0.5}, {"reset": "subtract"}, {"burst": 1}, {"bias": "tick"}):
        snn = wb.convert(ann, recordings, **options)
        assert snn.conversion_options == ConversionOptions()
        assert snn.neuron == wb.IntegrateAndFire(ticks_per_frame=8)
    snn = wb.convert(
        ann,
        recordings,
        percentile=99.0,
        start=0.25,
        floor=None,
        reset="zero",
        delays="tick",
        membrane="rectify",
        burst=3,
    )
    assert snn.conversion_options == ConversionOptions(99.0, "node", 0.25, None, "zero", "rectify", 3)
    assert {edge.delay for edge in snn.network.edges} == {1}
    assert repr(snn.conversion_options) in repr(snn)
    snn = wb.convert(ann, recordings, emission="spread", remainder="keep", cap=3)
    assert snn.conversion_options == ConversionOptions(emission="spread", remainder="keep", cap=3)
    assert snn.neuron == wb.IntegrateAndFire(emission="spread", remainder="keep", cap=3, ticks_per_frame=8)
    assert "emission='spread', remainder='keep', cap=3" in repr(snn.conversion_options)


@pytest.mark.parametrize("seed", range(40))
def test_scales_of_channels_compute_the_same_ann(seed):
    """With ReLU in place of spikes and the same clock, an SNN's numbers are activity / lambda, channel by channel.

    Before they are rounded, of which loops make more.
    """
    network = shrinking_network(seed) if seed % 2 else random_network(seed)
    ann = random_model(network, seed, norm="batch").float()
    for node in network.hidden:
        ann.node_layer(node).bias.data += 0.5  # no node is silent
    recordings = random_recordings(seed, shape=network.inputs["in"])
    rounded = wb.convert(ann, recordings, ticks_per_frame=1, scale="channel")
    snn = build_snn(
        fold_batchnorm(ann), scale_delays(network, 1, "matched"), 1, rounded.scales, rounded.conversion_options
    )
    snn.neuron = wb.ReLU()
    frames = torch.tensor(recordings.as_frames())
    with torch.no_grad():
        expected, scaled = ann.run(frames), snn.run(frames)
    for node in network.nodes:
        torch.testing.assert_close(
            scaled[node] * broadcast_scale(snn, node), expected[node], rtol=1e-4,
            atol=1e-5 * max(1.0, float(expected[node].abs().max())),
        )  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_scales_of_channels_are_their_percentiles(seed):
    network, recordings = random_network(seed), random_recordings(seed)
    model = random_model(network, seed).float()
    activity = model.run(torch.tensor(recordings.as_frames()))
    with contextlib.suppress(ValueError):  # a node may be silent
        scales = measure_scales(model, recordings, [90], ["channel"])["channel", 90]
        for node in set(network.nodes) - {"in", "out"}:
            values = activity[node].detach().numpy()
            if network.first_response[node] < recordings.frames:
                for channel in range(values.shape[2]):
                    own = values[:, :, channel]
                    expected = np.percentile(own[own != 0] if own.any() else values[values != 0], 90)
                    assert scales[node][channel] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("seed", range(30))
def test_a_frames_bias_at_once_brings_the_same_sum(seed):
    network = random_network(seed, longest=1)
    ann, recordings = random_model(network, seed).float(), random_recordings(seed)
    slow, fast = (wb.convert(ann, recordings, ticks_per_frame=4, bias=bias) for bias in ("tick", "frame"))
    for node in set(network.nodes) - {"in", "out"}:
        drive = torch.zeros(8, 2, *network.shapes[node])
        normalized = [model.schedule_bias(node, model.normalize(node, drive), 0) for model in (slow, fast)]
        torch.testing.assert_close(normalized[0].unflatten(0, (2, 4)).sum(1), normalized[1].unflatten(0, (2, 4)).sum(1))
        assert not normalized[1].unflatten(0, (2, 4))[:, 1:].abs().max() > 1e-5
        whole, parts = (
            fast.schedule_bias(node, drive, 0),
            [fast.schedule_bias(node, drive[:3], 0), fast.schedule_bias(node, drive[3:], 3)],
        )
        torch.testing.assert_close(whole, torch.cat(parts))


def test_an_ann_that_learned_levels_converts_without_loss_into_as_many_spikes(trained):
    network, recordings = trainable()
    ann, _ = wb.train(wb.Model(network), recordings, epochs=3, progress=False, levels=4)
    for k in (4, 5, 9):
        snn = wb.convert(ann, recordings, ticks_per_frame=k)
        assert snn.conversion_options == ConversionOptions(None, emission="spread", cap=4)
        assert snn.neuron.most_spikes_per_tick() == 1
        found, expected = collect_answers(snn, recordings)[k - 1 :: k], collect_answers(ann, recordings)
        apart = (found - expected).abs() > 1e-3
        assert apart.double().mean() < 0.03  # where rounding moves a drive over the border of two levels
        with torch.no_grad():
            frames = ann.run(torch.from_numpy(recordings.as_frames()))
            spikes = snn.run(torch.from_numpy(recordings.as_ticks(ticks_per_frame=k)))
        for node in ("v1", "v2"):
            counted = spikes[node][k - 1 :][: 5 * k].unflatten(0, (5, k)).sum(1)
            assert counted.max() <= 4
            steps = frames[node][:5] * (4 / ann.ceiling(node).detach())
            assert (counted != steps.round()).double().mean() < 0.001
    for options in ({}, {"emission": "spread"}):
        with pytest.raises(ValueError, match=r"levels=4, which do not fit as single spikes into ticks_per_frame=3"):
            wb.convert(ann, recordings, ticks_per_frame=3, **options)
    assert wb.convert(ann, recordings, ticks_per_frame=3, emission="burst").neuron.cap == 4
    named = wb.convert(ann, recordings, floor=-0.5)
    assert named.conversion_options == ConversionOptions(None, floor=-0.5)  # its ceilings stay its scales
    assert named.scales["v1"] == pytest.approx(ann.ceiling("v1").item() * 8 / 4)
    assert wb.convert(ann, recordings, percentile=99).conversion_options == ConversionOptions(99)


def test_levels_that_an_ann_has_learned_are_the_cap_of_neurons_that_count():
    network, recordings = trainable()
    ann, _ = wb.train(wb.Model(network), recordings[:24], epochs=1, progress=False, levels=4)
    for emission in ("spread", "burst"):
        snn = wb.convert(ann, recordings, emission=emission)
        assert snn.conversion_options == ConversionOptions(None, emission=emission, cap=4)
    assert wb.convert(ann, recordings, emission="spread", cap=3).neuron.cap == 3
    assert wb.convert(ann, recordings, emission="burst", ticks_per_frame=2).neuron.most_spikes_per_frame() == 4
    words = (
        "this ANN was trained with levels=4, which do not fit as single spikes into ticks_per_frame=2; convert with "
        'ticks_per_frame=4 or more, with emission="burst", or train with levels=2'
    )
    with pytest.raises(ValueError, match=words):
        wb.convert(ann, recordings, emission="spread", ticks_per_frame=2)


def test_recordings_that_cannot_tell_leave_the_plain_recipe():
    network, recordings = random_network(2, longest=1), random_recordings(2)
    slow = wb.Network(network.inputs, [replace(edge, delay=6) for edge in network.edges], network.output)
    snn = wb.convert(random_model(slow, 2).float(), recordings, ticks_per_frame=2)
    assert (snn.conversion_options, snn.conversion_options.reason) == (
        ConversionOptions(100.0),
        "not measured: no answer within recordings",
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scale": "unit"}, "scale='unit' is unknown; choose from node, channel"),
        ({"bias": "late"}, "bias='late' is unknown; choose from tick, frame"),
        ({"burst": 0}, "burst=0 must be a whole number of at least 1"),
        ({"emission": "late"}, "emission='late' is unknown; choose from at_once, spread, burst"),
        ({"emission": "spread", "signed": True}, "signed=True is for neurons that spike at once, .*; leave signed out"),
        ({"emission": "burst", "burst": 3}, "burst=3 is for neurons that spike at once, .*: say cap="),
        ({"emission": "spread", "cap": 9}, "cap=9 single spikes do not fit into the ticks_per_frame=8 of a frame"),
        ({"emission": "burst", "remainder": "lose"}, "remainder='lose' is unknown; choose from drop, keep"),
        (
            {"remainder": "keep"},
            "remainder='keep' is for neurons that count for a frame; leave it out, or use emission=",
        ),
        ({"cap": 3}, "cap=3 is for neurons that count for a frame; leave it out, or use emission="),
        ({"emission": "spread", "delays": "tick"}, "edge v1 -> v2 takes 1 ticks, .* needs whole frames: at least 8"),
        ({"signed": True, "reset": "zero"}, "takes spikes back"),
        ({"percentile": None}, "percentile=None takes the ceilings that an ANN has learned, but .* which learns none"),
        ({"percentile": float("nan")}, "percentile=nan must lie above 0"),
        ({"ticks_per_frame": 0}, "ticks_per_frame=0 must be a whole number of at least 1"),
        ({"ticks_per_frame": 1.5}, r"ticks_per_frame=1\.5 must be a whole number"),
    ],
)
def test_more_options_that_make_no_sense_are_refused_by_name(trained, options, words):
    with pytest.raises(ValueError, match=words):
        wb.convert(trained[0], trained[1], **options)


def test_a_model_that_was_never_trained_is_refused_by_its_node():
    network, recordings = trainable()
    with pytest.raises(ValueError, match="node 'v1' was never trained: its batch norm has met no recording"):
        wb.convert(wb.Model(network), recordings)
    assert wb.convert(acquaint(wb.Model(network), recordings), recordings).spiking


def test_an_output_that_would_have_to_spike_is_refused():
    edges = [wb.Edge("in", "v1", wb.Dense(3)), wb.Edge("v1", "v2", wb.Dense(3))]
    network = wb.Network({"in": IMAGE}, edges, output="v1")
    with pytest.raises(ValueError, match="the output 'v1' feeds 'v2', so it would have to spike"):
        wb.convert(random_model(network, 0).float(), random_recordings(0))


def test_a_conversion_that_would_change_nothing_is_refused():
    network = wb.Network({"in": IMAGE}, [wb.Edge("in", "out", wb.Dense(3))])
    with pytest.raises(ValueError, match=r"nothing would change: the network has no hidden node .* add a hidden node"):
        wb.convert(random_model(network, 0).float(), random_recordings(0))
    with pytest.raises(ValueError, match="spikes already, so nothing would change"):
        wb.convert(wb.Model(network, neuron=wb.IntegrateAndFire()), random_recordings(0))


# neurons of single nodes


@dataclass(frozen=True)
class Doubled(Neuron, abstract=True):
    """A neuron of an ANN whose activity is twice its drive."""

    spiking = False

    def scan(self, drive, membrane, elapsed):
        return 2 * drive, None


BY_NODE = wb.Network(
    {"in": (1, 4, 4)},
    [wb.Edge("in", "a", wb.Dense(4)), wb.Edge("a", "b", wb.Dense(4)), wb.Edge("b", "out", wb.Dense(3))],
)


@pytest.mark.parametrize(
    ("neuron", "words"),
    [
        (
            {"a": wb.LeakyIntegrateAndFire(leak=3), "b": wb.IntegrateAndFire()},
            r"this model spikes already, so nothing would change: node 'a' has LeakyIntegrateAndFire\(leak=3\); run it",
        ),
        (
            {"a": wb.ReLU(), "b": Doubled()},
            r"node 'b' has Doubled\(\), which no spiking neuron answers like; give it wb\.ReLU\(\) or wb",
        ),
        (
            {"a": wb.QuantisedReLU(4), "b": wb.QuantisedReLU(8)},
            r"node 'b' has QuantisedReLU\(levels=8\), but 'a' has QuantisedReLU\(levels=4\), .*; give both the",
        ),
    ],
)
def test_neurons_that_are_not_converted_are_refused_by_node(neuron, words):
    recordings = wb.Recordings.from_ticks(np.ones((8, 1, 1, 4, 4), int), [0], ("a", "b", "c"), ticks_per_frame=2)
    with pytest.raises(ValueError, match=words):
        wb.convert(wb.Model(BY_NODE, norm=None, neuron=neuron), recordings)


def test_learned_ceilings_are_asked_for_by_node():
    recordings = wb.Recordings.from_ticks(np.ones((8, 1, 1, 4, 4), int), [0], ("a", "b", "c"), ticks_per_frame=2)
    model = wb.Model(BY_NODE, norm=None, neuron={"a": wb.QuantisedReLU(4), "b": wb.ReLU()})
    with pytest.raises(
        ValueError, match=r"percentile=None takes .* 'b' has ReLU\(\), which learns none; train it with"
    ):
        wb.convert(model, recordings, percentile=None)
