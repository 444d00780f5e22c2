"""Counts on their way into an ANN: a factor that a conversion puts into the weights, and functions that it refuses."""

import math

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.brute_force import KINDS, brute_force
from tests.support.random_networks import in_whole_frames, random_model, random_network
from tests.support.random_recordings import random_recordings, trainable
from workbench.conversion.spiking_model import scale_delays
from workbench.model import InputEncoding
from workbench.training.gradient_checkpointing import run_segments

ENCODINGS = [
    {"input_factor": 0.25},
    {"input_factor": 3.7},
    {"input_function": "log1p"},
    {"input_function": "standardise"},
    {"input_function": "log1p", "input_factor": 0.3},
    {"input_function": "standardise", "input_factor": 2},
]


def encoded(plain: wb.Model, **encoding: object) -> wb.Model:
    """The same numbers in a model that encodes its inputs."""
    model = wb.Model(plain.network, norm=plain.norm, **encoding).to(plain.dtype)
    model.load_state_dict(plain.state_dict())
    return model.train(plain.training)


def by_hand(frames: np.ndarray, input_factor: float = 1.0, input_function: str | None = None) -> np.ndarray:
    """Frames (steps, batch, *shape), one after the other."""
    found = frames.astype(float)
    for step in range(len(found)):
        for one in range(found.shape[1]):
            x = found[step, one]
            if input_function == "log1p":
                found[step, one] = np.log(1 + x)
            if input_function == "standardise":
                found[step, one] = (x - x.mean()) / x.std() if np.ptp(x) else 0
    return input_factor * found


@pytest.mark.parametrize("encoding", ENCODINGS, ids=str)
@pytest.mark.parametrize("seed", range(6))
def test_the_first_edges_get_what_was_made_of_frames_in_every_cut(seed: int, encoding: dict[str, object]) -> None:
    plain = random_model(random_network(seed, flat=seed % 3 == 0), seed)
    model = encoded(plain, **encoding)
    rng = np.random.default_rng(seed)
    frames = rng.poisson(0.7, (7, 3, *plain.network.inputs["in"]))
    frames[2, 1], frames[3, 0] = 0, 4
    expected = plain.run(torch.from_numpy(by_hand(frames, **encoding)))
    given = torch.from_numpy(frames).double()
    before = given.clone()
    for block in (None, 1, 3):
        found = model.run(given, block=block)
        for node, values in expected.items():
            torch.testing.assert_close(found[node], values)
    stream, parts = model.stream(3), []
    for begin, end in ((0, 2), (2, 3), (3, 7)):
        parts.append(stream.feed(given[begin:end]))
    torch.testing.assert_close(torch.cat(parts), expected["out"])
    assert torch.equal(given, before)


def test_frames_that_are_constant_stay_zero_and_others_have_mean_0_and_deviation_1() -> None:
    frames = np.random.default_rng(0).poisson(2.0, (5, 4, 2, 6, 5)).astype(np.float32)
    frames[0], frames[1, 2] = 0, 7
    model = encoded(random_model(random_network(1), 1).float(), input_function="standardise")
    seen = model.run(torch.from_numpy(frames), record=["in"])["in"].double().flatten(2)
    assert not seen[0].any()
    assert not seen[1, 2].any()
    rest = seen[2:]
    torch.testing.assert_close(rest.mean(2), torch.zeros(3, 4).double(), atol=1e-6, rtol=0)
    torch.testing.assert_close(rest.square().mean(2), torch.ones(3, 4).double(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("encoding", ENCODINGS[2:], ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_verbs_and_operations_are_those_of_the_encoded_frames(seed: int, encoding: dict[str, object]) -> None:
    model = encoded(random_model(random_network(seed, longest=1), seed).float(), **encoding)
    recordings = random_recordings(seed)
    expected = brute_force(model, recordings)
    found = wb.operations(model, recordings, batch=2)
    for kind, column in KINDS.items():
        table = found.pivot(index="step", columns="edge", values=column).to_numpy()
        np.testing.assert_allclose(table, expected[kind], rtol=1e-9)
    drive = model(torch.from_numpy(recordings.as_frames())).detach().numpy()
    mean = drive[model.network.first_response["out"] :].mean(0)
    assert wb.evaluate(model, recordings, batch=3)["accuracy"] == (mean.argmax(1) == recordings.labels).mean()


@pytest.mark.parametrize("seed", range(12))
def test_a_factor_goes_into_the_weights_of_an_snn_that_takes_plain_counts(seed: int) -> None:
    """Powers of two move no digit: the SNN is bit for bit that of an ANN whose first weights have the factor."""
    factor = [0.25, 2.0, 0.5][seed % 3]
    plain = random_model(random_network(seed, longest=1), seed, norm="batch" if seed % 2 else None).float()
    recordings = random_recordings(seed)
    model, scaled = encoded(plain, input_factor=factor), plain.copy()
    for position, edge in enumerate(plain.network.edges):
        if edge.source == "in":
            with torch.no_grad():
                scaled.weights[position][-1].mul_(factor)
    snn, same = (wb.convert(one, recordings, percentile=99.0, ticks_per_frame=4) for one in (model, scaled))
    assert snn.input_encoding.plain
    assert snn.scales["in"] == 4 * factor
    assert same.scales["in"] == 4
    for (name, values), others in zip(snn.state_dict().items(), same.state_dict().values(), strict=True):
        torch.testing.assert_close(values, others, rtol=0, atol=0, msg=name)
    ticks = torch.from_numpy(recordings.as_ticks(ticks_per_frame=4))
    runs = [snn.run(ticks, engine=engine) for engine in ("dense", "events")]
    for node, values in runs[0].items():
        assert torch.equal(values, runs[1][node])
    torch.testing.assert_close(runs[0]["in"], ticks)


@pytest.mark.parametrize("seed", range(6))
def test_an_snn_of_many_ticks_answers_as_its_ann_with_any_factor(seed: int) -> None:
    network = wb.Network(
        {"in": (2, 6, 5)}, [wb.Edge("in", "v1", wb.Conv(4, kernel=3)), wb.Edge("v1", "out", wb.Dense(3))]
    )
    ann = encoded(random_model(network, seed).float(), input_factor=0.37)
    recordings = random_recordings(seed).rebin(ticks_per_frame=256)
    snn = wb.convert(ann, recordings, percentile=100.0, emission="burst")
    expected = ann(torch.from_numpy(recordings.as_frames())).detach()
    found = snn(torch.from_numpy(recordings.as_ticks()))
    found = found.unflatten(0, (recordings.frames, 256)).mean(1)  # the mean over the ticks of a frame
    last = expected[2:], found[2:]
    error = (last[0] - last[1]).square().mean() / last[0].var()
    assert error < 1e-3
    assert len(wb.diagnose(ann, snn, recordings))


def test_a_model_without_hidden_nodes_is_exact_with_a_factor() -> None:
    network = wb.Network({"in": (2, 6, 5)}, [wb.Edge("in", "out", wb.Dense(3))])
    recordings = random_recordings(1)
    ann = encoded(random_model(network, 1).float(), input_factor=0.25)
    for k in (1, 3):
        snn = wb.convert(ann, recordings, percentile=100.0, ticks_per_frame=k)
        found = snn(torch.from_numpy(recordings.as_ticks(ticks_per_frame=k)))
        sums = found[k:].unflatten(0, (5, k)).mean(1)
        torch.testing.assert_close(sums, ann(torch.from_numpy(recordings.as_frames()))[1:], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("function", ["log1p", "standardise"])
def test_functions_are_refused_where_ticks_are_seen(function: str) -> None:
    network, recordings = random_network(0, longest=1), random_recordings(0)
    ann = encoded(random_model(network, 0).float(), input_function=function)
    words = rf"input_function='{function}': an SNN sees the ticks whose sum is a frame.*an ANN with an input_factor"
    with pytest.raises(ValueError, match=words):
        wb.convert(ann, recordings)
    with pytest.raises(ValueError, match=words):
        wb.Model(network, norm=None, neuron=wb.IntegrateAndFire(), input_function=function)
    with pytest.raises(ValueError, match=r"input_factor=0\.5: this model spikes, and takes plain counts"):
        wb.Model(network, norm=None, neuron=wb.IntegrateAndFire(), input_factor=0.5)


def test_factors_and_functions_that_make_no_sense_are_refused() -> None:
    network = random_network(0)
    for factor in (0, -1.0, math.inf, math.nan, "2", True, None):
        with pytest.raises(ValueError, match=r"input_factor=.* must be a positive finite number"):
            wb.Model(network, input_factor=factor)
    with pytest.raises(ValueError, match="input_function='sqrt' is unknown; choose 'log1p', 'standardise', or None"):
        wb.Model(network, input_function="sqrt")
    with pytest.raises(ValueError, match="takes counts of events, but frames hold -1"):
        wb.Model(network, input_function="log1p")(-torch.ones(2, 1, *network.inputs["in"]))


@pytest.mark.parametrize("encoding", [{}, *ENCODINGS], ids=str)
def test_files_copies_and_words_keep_it(encoding: dict[str, object], tmp_path) -> None:
    model = wb.Model(random_network(0), **encoding)
    wb.save_model(model, tmp_path / "model.safetensors")
    for one in (wb.load_model(tmp_path / "model.safetensors"), model.copy()):
        assert one.input_encoding == InputEncoding(**{name.split("_")[1]: value for name, value in encoding.items()})
        assert repr(one) == repr(model)
    assert (f"times {encoding.get('input_factor', 0):g}" in repr(model)) == ("input_factor" in encoding)
    assert str(encoding.get("input_function", "inputs")) in repr(model) or not encoding
    assert ("inputs" in repr(model)) == bool(encoding)


@pytest.mark.parametrize("encoding", ENCODINGS[1:4], ids=str)
def test_training_learns_from_what_was_made_of_frames(encoding: dict[str, object]) -> None:
    network, recordings = trainable()
    model = wb.Model(network, norm=None, **encoding)
    frames = torch.from_numpy(recordings.as_frames([0, 1, 2]))
    torch.testing.assert_close(run_segments(model, frames, recompute=2), model.train()(frames))
    for options in ({}, {"levels": 4}, {"recompute": 3}):
        learned, history = wb.train(model, recordings, epochs=2, batch=40, seed=0, progress=False, **options)
        assert learned.input_encoding == model.input_encoding
        assert np.isfinite(history["loss"]).all()
    plain, _ = wb.train(wb.Model(network, norm=None), recordings, epochs=2, batch=40, seed=0, progress=False)
    assert not torch.equal(plain.weights[0][0], learned.weights[0][0])


def test_a_checkpoint_of_another_encoding_is_not_continued(tmp_path) -> None:
    network, recordings = trainable()
    known = {"epochs": 1, "seed": 0, "progress": False, "checkpoint": tmp_path / "kept.safetensors"}
    wb.train(wb.Model(network, input_factor=0.5), recordings, **known)
    with pytest.raises(ValueError, match="input_encoding"):
        wb.train(wb.Model(network), recordings, **known)
    with pytest.raises(ValueError, match="recordings"):
        wb.train(wb.Model(network, input_factor=0.5), recordings.rebin(clip=1), **known)


def test_whole_frames_and_parallel_edges_keep_their_scales() -> None:
    network = random_network(3, longest=1, parallel=True)
    ann = encoded(random_model(network, 3).float(), input_factor=0.125)
    snn = wb.convert(ann, random_recordings(3), emission="burst", delays="frame", ticks_per_frame=3)
    assert snn.scales["in"] == 3 * 0.125
    assert snn.network == scale_delays(network, 3, "frame")
    assert in_whole_frames(network, 3) != network
