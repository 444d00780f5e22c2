"""Types and modes: float64 models stay what they are in every verb, numpy will do for tensors, halves will not."""

import warnings

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support import tiny
from tests.support.random_networks import random_frames, random_network
from workbench.analysis.recording_trace import trace_recording
from workbench.evaluation import evaluate

RECORDINGS, ANN, SNN = tiny.recordings(30), tiny.ann(), tiny.snn()  # made in float32, whatever a test sets
OPTIONS = {"epochs": 2, "progress": False, "batch": 8}


def trained(dtype=torch.float32, norm="batch", levels=None) -> wb.Model:
    model = wb.Model(tiny.network(), seed=3, norm=norm).to(dtype)
    return wb.train(model, RECORDINGS, levels=levels, **OPTIONS)[0]


@pytest.fixture
def by_default_float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def assert_double(*models):
    for model in models:
        assert {p.dtype for p in (*model.parameters(), *model.buffers()) if p.is_floating_point()} == {torch.float64}


# float64


@pytest.mark.parametrize("norm", ["batch", None])
@pytest.mark.parametrize("levels", [None, 4])
def test_a_float64_model_stays_one_through_every_verb(norm, levels):
    ann = trained(torch.float64, norm, levels)
    plain = wb.convert(ann, RECORDINGS, percentile=99.0 if levels is None else None)
    channels = wb.convert(ann, RECORDINGS, percentile=99.0, scale="channel", bias="frame")
    chosen, tuned = wb.convert(ann, RECORDINGS), wb.fine_tune(plain, RECORDINGS, **OPTIONS)[0]
    assert_double(ann, plain, channels, chosen, tuned, ann.copy())
    frames = torch.rand(5, 3, 2, 3, 3, dtype=torch.float64)
    assert {values.dtype for values in ann.run(frames).values()} == {torch.float64}
    assert {values.dtype for values in plain.run(frames.round()).values()} == {torch.float64}
    costs = wb.compare({"ANN": ann, "SNN": plain, "channels": channels, "tuned": tuned}, RECORDINGS)
    assert costs["accuracy"].notna().any()
    expected = wb.compare({"ANN": trained(norm=norm, levels=levels)}, RECORDINGS)
    np.testing.assert_allclose(costs.loc[costs["model"] == "ANN", "dense_macs"], expected["dense_macs"])
    for table in (
        wb.operations(plain, RECORDINGS),
        wb.count_updates(plain, RECORDINGS),
        wb.diagnose(ann, plain, RECORDINGS),
        wb.count_confusions(plain, RECORDINGS),
        trace_recording(plain, RECORDINGS, recording=1).costs,
    ):
        assert len(table) > 0
    assert 0 <= evaluate(plain, RECORDINGS)["accuracy"] <= 1
    early = wb.calibrate_exit(plain, RECORDINGS, loss=0.5, certainty=0.5)
    assert len(early.summarise(RECORDINGS)) == 2


@pytest.mark.parametrize("engine", ["dense", "auto"])
@pytest.mark.parametrize("seed", range(20))
def test_float64_gives_the_numbers_of_float32_but_for_rounding(engine, seed):
    network = random_network(seed, flat=False, parallel=True)
    frames = random_frames(network, seed, 8)
    model = wb.Model(network, seed=seed, norm=None).eval()
    found = model.copy().double().run(frames, engine=engine)
    for node, values in model.run(frames.float()).items():
        torch.testing.assert_close(found[node].float(), values, rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("by_default_float64")
def test_float32_models_work_where_float64_is_the_default():
    ann = ANN
    assert ann.dtype == torch.float32
    snn = wb.convert(ann, RECORDINGS, percentile=99.0)
    bursts = wb.convert(ann, RECORDINGS, percentile=99.0, scale="channel", bias="frame", signed=True)
    chosen = wb.convert(ann, RECORDINGS)
    learned, _ = wb.train(ann, RECORDINGS, levels=3, noise=0.1, spike_cost=0.1, **OPTIONS)
    tuned, _ = wb.fine_tune(snn, RECORDINGS, **OPTIONS)
    for model in (snn, bursts, chosen, learned, tuned):
        assert model.dtype == torch.float32
    ticks = torch.from_numpy(RECORDINGS.as_ticks([0, 1]))
    expected = snn.run(ticks)
    for engine in ("events", "auto"):
        for node, values in snn.run(ticks, engine=engine).items():
            torch.testing.assert_close(values, expected[node])
        assert bursts.run(ticks, engine=engine)["v0"].dtype == torch.float32
    assert wb.compare({"ANN": ann, "SNN": snn, "bursts": bursts}, RECORDINGS)["accuracy"].notna().any()
    assert len(wb.diagnose(ann, bursts, RECORDINGS)) > 0
    assert wb.Model(tiny.network()).dtype == torch.float64  # as everything of torch is made there
    wb.train(wb.Model(tiny.network()), RECORDINGS, **OPTIONS)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_refused_in_words(dtype):
    half = ANN.copy().to(dtype)
    words = (
        rf"computes in {dtype}, in which sums of spikes are not exact; use model\.float\(\), and train\(\.\.\., preci"
    )
    for act in (
        lambda: wb.train(half, RECORDINGS, **OPTIONS),
        lambda: wb.convert(half, RECORDINGS, percentile=99.0),
        lambda: wb.compare({"ANN": half}, RECORDINGS),
        lambda: evaluate(half, RECORDINGS),
        lambda: half(torch.zeros(4, 2, 2, 3, 3, dtype=dtype)),
        lambda: half.stream(2),
        lambda: trace_recording(half, RECORDINGS),
    ):
        with pytest.raises(ValueError, match=words):
            act()


def test_numbers_of_several_types_are_refused_in_words():
    mixed = ANN.copy()
    mixed.weights[1].double()
    with pytest.raises(
        ValueError, match=r"several types: torch\.float32 \(.*\), torch\.float64 \(.*\); use model\.float\("
    ):
        mixed(torch.zeros(4, 2, 2, 3, 3))
    with pytest.raises(ValueError, match="several types"):
        wb.compare({"mixed": mixed}, RECORDINGS)


def test_bfloat16_is_for_float32_models():
    with pytest.raises(
        ValueError, match=r'precision="bf16" is for models in float32, .* torch\.float64; use model\.float'
    ):
        wb.train(ANN.copy().double(), RECORDINGS, precision="bf16", **OPTIONS)


# numpy


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64, np.uint8, np.bool_, np.float16])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_arrays_of_numpy_are_taken_where_tensors_are(kind, dtype):
    model = ANN.copy().to(dtype)
    frames = np.random.default_rng(0).integers(0, 2, (6, 3, 2, 3, 3)).astype(kind)
    frames.flags.writeable = False
    tensor = torch.tensor(frames.astype(np.float64), dtype=dtype)
    assert torch.equal(model(frames), model(tensor))
    assert torch.equal(model(frames[::-1].copy()[::-1]), model(tensor))
    assert torch.equal(model.run({"eye": frames})["v0"], model.run(tensor)["v0"])
    stream, other = model.stream(batch=3), model.stream(batch=3)
    for part in (slice(2), slice(2, 6)):  # whole and in blocks sums are rounded otherwise, as processors have it
        assert torch.equal(stream.feed(frames[part]), other(tensor[part]))
    assert model.copy().train()(frames).requires_grad


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (np.array([["a"]]), r"node 'eye': its values are an array of <U1; give a tensor or an array of numbers"),
        (
            [[1.0]],
            r"node 'eye': its values are of type list; give a tensor or an array .* recordings\.as_ticks",
        ),
        (np.zeros((2, 3)), r"frames of shape \(2, 3\) do not fit"),
        (np.full((2, 1, 2, 3, 3), np.nan), "36 of 36 numbers are not finite"),
        (RECORDINGS, "its values are of type Recordings"),
    ],
    ids=["text", "list", "shape", "nan", "recordings"],
)
def test_what_are_no_frames_is_refused_in_words(frames, words):
    with pytest.raises(ValueError, match=words):
        ANN(frames)


# modes

MODES = {"inference_mode": torch.inference_mode, "no_grad": torch.no_grad}


@pytest.mark.parametrize("mode", MODES)
def test_models_are_made_trained_and_converted_in_any_mode(mode):
    plain = wb.train(wb.Model(tiny.network(), seed=3), RECORDINGS, **OPTIONS)[0]
    ticks = torch.from_numpy(RECORDINGS.as_ticks([0, 1]))
    with MODES[mode]():
        model = wb.Model(tiny.network(), seed=3)
        ann = wb.train(model, RECORDINGS, **OPTIONS)[0]
        snn = wb.convert(ann, RECORDINGS, percentile=99.0)
        tuned = wb.fine_tune(snn, RECORDINGS, **OPTIONS)[0]
        costs = wb.compare({"ANN": ann, "SNN": snn}, RECORDINGS)
        inside = snn.run(ticks)
        stream = snn.stream(batch=2, record=["v1"])
        begun = stream.run(ticks[:7])["v1"]
    assert all(torch.equal(a, b) for a, b in zip(ann.parameters(), plain.parameters(), strict=True))
    assert not any(p.is_inference() for made in (model, ann, snn, tuned) for p in made.parameters())
    again = wb.train(ann, RECORDINGS, **OPTIONS)[0]
    assert_tables = wb.compare({"ANN": ann, "SNN": snn}, RECORDINGS)
    assert costs.equals(assert_tables)
    whole = torch.cat([begun, stream.run(ticks[7:])["v1"]])  # a stream goes on where it was
    assert torch.equal(whole, snn.run(ticks)["v1"])
    assert torch.equal(inside["v1"], whole)
    assert again.training is False


def test_what_was_changed_under_inference_mode_is_refused_in_words_or_copied():
    frames = torch.rand(5, 2, 2, 3, 3)
    double = ANN.copy()
    with torch.inference_mode():
        double.load_state_dict({name: values.double() for name, values in double.state_dict().items()}, assign=True)
        made = torch.rand(5, 2, 2, 3, 3)
    assert double.weights[0][0].is_inference()
    with pytest.raises(
        ValueError, match=r"made under torch\.inference_mode, .*; use model\.copy\(\), whose numbers are"
    ):
        double(frames.double())
    assert double.copy()(frames.double()).shape == (5, 2, 3)
    wb.train(double, RECORDINGS, **OPTIONS)
    assert ANN(made).shape == (5, 2, 3)
    ANN.copy().train()(made).sum().backward()


# the smallest batches


def test_an_empty_batch_is_refused_in_words():
    for model in (ANN, SNN, ANN.copy().train()):
        with pytest.raises(
            ValueError, match=r"the batch is empty: frames are \(5, 0, 2, 3, 3\); give at least one record"
        ):
            model(torch.zeros(5, 0, 2, 3, 3))
    with pytest.raises(ValueError, match="stream: batch=0 must be a whole number of at least 1"):
        ANN.stream(batch=0)


@pytest.mark.parametrize("batch", [1, 32])
def test_one_recording_in_one_frame_is_too_little_for_batch_norm(batch):
    one = wb.Recordings.from_ticks(np.ones((1, 1, 2, 3, 3), dtype=int), [0], ("left", "right", "up"))
    network = tiny.network(delay=0)
    with pytest.raises(
        ValueError, match=r"node 'v0': batch norm cannot estimate a variance .*; take a larger batch or more frames"
    ):
        wb.train(wb.Model(network), one, epochs=1, batch=batch, progress=False)
    ann, _ = wb.train(wb.Model(network, norm=None), one, epochs=1, batch=batch, progress=False)
    assert ann(torch.ones(1, 1, 2, 3, 3)).shape == (1, 1, 3)


@pytest.mark.parametrize("norm", ["batch", None])
def test_one_recording_at_a_time_is_enough_where_it_has_several_frames(norm):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ann, history = wb.train(wb.Model(tiny.network(), norm=norm), RECORDINGS[:3], epochs=2, batch=1, progress=False)
        wb.convert(ann, RECORDINGS[:1], percentile=99.0)
    assert history["loss"].notna().all()
