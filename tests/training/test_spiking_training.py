"""Spiking models trained from scratch: gradients of a plain loop, a loss that falls, an exact model in the end."""

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.trainings import SHAPE, some_network, some_recordings
from workbench.conversion import make_exact
from workbench.model.exactness import find_off_grid
from workbench.training import fitting as training

K = 3
LIF = wb.LeakyIntegrateAndFire


def ticking(seed: int = 0, count: int = 42) -> wb.Recordings:
    """The recordings of the other trainings, whose frames are now K ticks."""
    rng, frames = np.random.default_rng(seed), some_recordings(seed, count)
    counts = np.repeat(frames.as_ticks(), K, axis=0) * (rng.random((4 * K, count, *SHAPE)) < 0.6)
    return wb.Recordings.from_ticks(counts.astype(int), frames.labels, frames.classes, ticks_per_frame=K)


class Triangle(torch.autograd.Function):
    """A spike, and a gradient that falls from 1 at the threshold to 0 a threshold away."""

    @staticmethod
    def forward(ctx, level):
        ctx.save_for_backward(level)
        return (level >= 1).to(level.dtype)

    @staticmethod
    def backward(ctx, gradient):
        (level,) = ctx.saved_tensors
        return gradient * (1 - (level - 1).abs()).clamp(min=0)


def run_plainly(model: wb.Model, ticks: torch.Tensor) -> torch.Tensor:
    """The output's drive of a chain with a loop, tick by tick, by nothing but torch."""
    conv, dense, loop = (layer[0] for layer in model.weights)
    neuron, first = model.neuron_of("hidden"), model.network.first_response
    bias, level = model.node_layer("hidden").bias.view(1, -1, 1, 1), None
    sent, answers = [], []
    for tick in range(len(ticks)):
        if tick >= K:
            drive = torch.nn.functional.conv2d(ticks[tick - K], conv, padding=1) + bias
            if tick >= 2 * K:
                drive = drive + torch.nn.functional.conv2d(sent[tick - K], loop, padding=1)
            level = torch.full_like(drive, neuron.start) if level is None else level
            level = (level * (1 - 2.0**-neuron.leak) + drive).clamp(min=neuron.floor)
            spikes = Triangle.apply(level)
            level = level - spikes if neuron.reset == "subtract" else level * (spikes == 0)
            sent.append(spikes)
        else:
            sent.append(None)
        if tick >= first["class"]:
            answers.append(sent[tick - K].flatten(1) @ dense.T + model.node_layer("class").bias)
        else:
            answers.append(torch.zeros(ticks.shape[1], 3, dtype=ticks.dtype))
    return torch.stack(answers)


@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize("leak", [1, 3])
def test_gradients_are_those_of_a_plain_loop(leak: int, reset: str) -> None:
    network = some_network(loop=True).slowed(K)
    model = wb.Model(network, seed=leak, norm=None, neuron=LIF(leak=leak, reset=reset), ticks_per_frame=K).double()
    with torch.no_grad():
        model.node_layer("hidden").bias.fill_(0.2)
    ticks = torch.from_numpy(ticking(count=5).as_ticks()).double()
    parts = torch.randn(4 * K, 5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    parameters = list(model.parameters())
    plain = run_plainly(model, ticks)
    expected = torch.autograd.grad((parts * plain).sum(), parameters)
    for block in (1, 5, None):
        drive = model.train().run(ticks, record=["class"], block=block)["class"]
        assert torch.allclose(drive, plain, atol=1e-12)
        found = torch.autograd.grad((parts * drive).sum(), parameters)
        for ours, theirs in zip(found, expected, strict=True):
            assert torch.allclose(ours, theirs, atol=1e-9)
            assert theirs.any()


@pytest.mark.parametrize("norm", [None, "batch"])
@pytest.mark.parametrize(
    "neuron", [LIF(leak=3), LIF(leak=2, threshold=0.5, reset="zero"), wb.IntegrateAndFire(floor=None)], ids=repr
)
def test_the_loss_falls_and_the_model_is_exact_in_both_engines(neuron, norm: str | None) -> None:
    recordings = ticking()
    model = wb.Model(some_network().slowed(K), seed=1, norm=norm, neuron={"hidden": neuron}, ticks_per_frame=K)
    before = {name: values.clone() for name, values in model.state_dict().items()}
    trained, history = wb.train(
        model, recordings, epochs=8, batch=14, learning_rate=2e-2, validation=recordings[:9], progress=False
    )
    assert history["loss"].iloc[-1] < 0.8 * history["loss"].iloc[0]
    assert history["accuracy"].iloc[-1] > 0.6
    assert np.isfinite(history["validation_loss"]).all()
    assert trained.norm is None
    assert not trained.training
    assert find_off_grid(trained, trained.grid) is None
    assert trained.grid.moved is not None
    ticks = torch.from_numpy(recordings.as_ticks())
    dense, events = (trained.run(ticks, engine=engine) for engine in ("dense", "events"))
    assert all(torch.equal(dense[node], events[node]) for node in trained.network.nodes)
    assert wb.evaluate(trained, recordings, progress=False)["accuracy"] > 0.6
    assert model.neuron_of("hidden") == neuron  # and nothing else of what was given has changed
    assert all(torch.equal(values, before[name]) for name, values in model.state_dict().items())


def test_an_exact_model_learns_on_and_ends_exact() -> None:
    recordings = ticking()
    model = wb.Model(some_network().slowed(K), norm=None, neuron=LIF(leak=3), ticks_per_frame=K)
    first, _ = wb.train(model, recordings, epochs=1, batch=14, progress=False)
    again, _ = wb.train(first, recordings, epochs=1, batch=14, progress=False)
    tuned, _ = wb.fine_tune(first, recordings, epochs=1, batch=14, progress=False)
    for other in (again, tuned):
        assert find_off_grid(other, other.grid) is None
        assert not torch.equal(other.weights[0][0], first.weights[0][0])
    assert first.grid is not None


def test_a_checkpoint_goes_on_where_it_was(tmp_path, monkeypatch) -> None:
    recordings, options = ticking(), {"batch": 14, "progress": False, "epochs": 3}
    model = wb.Model(some_network().slowed(K), neuron=LIF(leak=3), ticks_per_frame=K)
    whole, history = wb.train(model, recordings, **options)
    train_epoch, calls = training._train_epoch, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return train_epoch(*arguments)

    monkeypatch.setattr(training, "_train_epoch", interrupted)
    with pytest.warns(UserWarning, match="training was interrupted in epoch 2 of 3"):
        early, _ = wb.train(model, recordings, **options, checkpoint=tmp_path / "spiking")
    assert early.grid is not None
    resumed, found = wb.train(model, recordings, **options, checkpoint=tmp_path / "spiking")
    assert found.equals(history)
    assert all(torch.equal(a, b) for a, b in zip(resumed.parameters(), whole.parameters(), strict=True))


def test_levels_and_norms_that_do_not_fold_are_refused_before_anything_is_trained() -> None:
    network = some_network().slowed(K)
    with pytest.raises(ValueError, match="levels= is for ANNs, and this model spikes"):
        wb.train(wb.Model(network, norm=None, neuron=LIF(), ticks_per_frame=K), ticking(), levels=4)
    early = wb.IntegrateAndFire(bias="frame", ticks_per_frame=K)
    with pytest.raises(ValueError, match=r"node 'hidden' has a batch norm, and its neuron, IntegrateAndFire\("):
        wb.train(wb.Model(network, neuron=early, ticks_per_frame=K), ticking())


@pytest.mark.parametrize("norm", [None, "batch"])
def test_an_ann_of_mixed_neurons_is_trained_and_converted(norm: str | None) -> None:
    edges = [wb.Edge("image", "a", wb.Conv(4, 3)), wb.Edge("a", "b", wb.Dense(8)), wb.Edge("b", "class", wb.Dense(3))]
    network, recordings = wb.Network({"image": SHAPE}, edges), some_recordings()
    model = wb.Model(network, norm=norm, neuron={"a": wb.ReLU(), "b": wb.QuantisedReLU(8)})
    trained, history = wb.train(model, recordings, epochs=6, batch=14, learning_rate=2e-2, progress=False)
    assert history["loss"].iloc[-1] < 0.8 * history["loss"].iloc[0]
    assert trained.node_neurons == model.node_neurons
    assert trained.ceiling("b") != model.ceiling("b")
    levels = trained.run(torch.from_numpy(recordings.as_ticks()).float())["b"] / trained.ceiling("b") * 8
    assert torch.allclose(levels, levels.round(), atol=1e-4)
    snn = wb.convert(trained, recordings, ticks_per_frame=16, percentile=99.9)
    agrees = [wb.evaluate(each, recordings, progress=False)["accuracy"] for each in (trained, snn)]
    assert abs(agrees[0] - agrees[1]) < 0.1
    quantised, _ = wb.train(trained, recordings, levels=4, epochs=1, batch=14, progress=False)
    assert quantised.node_neurons == {"a": wb.QuantisedReLU(4), "b": wb.QuantisedReLU(4)}


def test_a_model_trained_by_other_means_is_made_exact_by_the_same_verb() -> None:
    recordings = ticking()
    model = wb.Model(some_network().slowed(K), norm=None, neuron=LIF(leak=3), ticks_per_frame=K)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    ticks, labels = torch.from_numpy(recordings.as_ticks()), torch.from_numpy(np.array(recordings.labels))
    torch.nn.functional.cross_entropy(model.train()(ticks).mean(0), labels).backward()
    optimizer.step()
    exact = make_exact(model, recordings)
    assert torch.equal(exact(ticks), exact.run(ticks, engine="events")["class"])
