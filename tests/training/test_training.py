"""Training: it learns, changes nothing it is given, resumes bit for bit; batch norm against torch's own."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import workbench as wb
from tests.support import reference
from tests.support.random_networks import random_frames, random_network
from tests.support.trainings import OPTIONS, SHAPE, assert_equal_models, interrupt, some_network, some_recordings
from workbench.engine.normalization import NORM_EPSILON, Norm
from workbench.evaluation import evaluate
from workbench.exchange.tensor_files import read_header, read_tensors, write_tensors
from workbench.training import drawn_batches, train
from workbench.training import fitting as training


def snapshot(model: wb.Model) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("norm", ["batch", None])
@pytest.mark.parametrize("answer", ["running", "frame"])
def test_training_learns(loop, norm, answer):
    recordings, validation = some_recordings(0), some_recordings(1)
    model = wb.Model(some_network(loop), norm=norm)
    ann, history = train(model, recordings, validation=validation, epochs=25, batch=14, answer=answer, progress=False)
    assert evaluate(model, validation)["accuracy"] < 0.7
    assert evaluate(ann, validation)["accuracy"] > 0.9
    assert history["loss"].iloc[-1] < history["loss"].iloc[0] / 2
    assert history["validation_accuracy"].iloc[-1] == evaluate(ann, validation, answer=answer)["accuracy"]
    assert history["validation_loss"].iloc[-1] == evaluate(ann, validation, answer=answer)["loss"]


@pytest.mark.parametrize("loop", [False, True])
def test_the_same_call_gives_the_same_numbers_and_changes_nothing(loop):
    model, recordings = wb.Model(some_network(loop), seed=3), some_recordings()
    before, mode, label_bytes = snapshot(model), model.training, recordings.as_frames().tobytes()
    torch.manual_seed(1)
    first, history = train(model, recordings, validation=some_recordings(1), **OPTIONS)
    torch.manual_seed(2)
    torch.rand(5)
    second, again = train(model, recordings, validation=some_recordings(1), **OPTIONS)
    assert_equal_models(first, second)
    pd.testing.assert_frame_equal(history, again, check_exact=True)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model.training == mode
    assert recordings.as_frames().tobytes() == label_bytes
    assert not first.training


def test_training_leaves_torchs_random_numbers_alone():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    train(wb.Model(some_network()), some_recordings(), validation=some_recordings(1), epochs=1, progress=False)
    assert torch.equal(torch.rand(3), expected)


def test_another_seed_gives_other_numbers():
    model, recordings = wb.Model(some_network()), some_recordings()
    first, _ = train(model, recordings, seed=0, **OPTIONS)
    second, _ = train(model, recordings, seed=1, **OPTIONS)
    assert not torch.equal(first(torch.ones(3, 1, *SHAPE)), second(torch.ones(3, 1, *SHAPE)))


def test_every_epoch_meets_every_recording_once_and_in_another_order(monkeypatch):
    chosen, draw = [], drawn_batches.draw_batch
    monkeypatch.setattr(drawn_batches, "draw_batch", lambda *call: (chosen.append(call[3]), draw(*call))[1])
    train(wb.Model(some_network()), some_recordings(count=41), epochs=3, batch=14, progress=False)
    orders = [np.concatenate(chosen[first : first + 3]).tolist() for first in (0, 3, 6)]
    assert len(chosen) == 9
    assert all(sorted(order) == list(range(41)) for order in orders)
    assert len(set(map(tuple, orders))) == 3


def test_the_history_is_a_table_with_a_row_an_epoch():
    model, recordings = wb.Model(some_network()), some_recordings()
    _, history = train(model, recordings, **OPTIONS)
    assert list(history.columns) == ["epoch", "loss", "accuracy"]
    assert list(history["epoch"]) == [1, 2, 3, 4, 5, 6]
    assert history["accuracy"].between(0, 1).all()
    _, validated = train(model, recordings, validation=some_recordings(1), **OPTIONS)
    assert list(validated.columns) == ["epoch", "loss", "accuracy", "validation_loss", "validation_accuracy"]
    pd.testing.assert_frame_equal(validated[["epoch", "loss", "accuracy"]], history)  # looking changes nothing


@pytest.mark.parametrize("answer", ["running", "frame"])
def test_the_loss_is_the_mean_cross_entropy_of_every_answer_from_the_first_response_on(answer):
    model, recordings = wb.Model(some_network(), norm=None), some_recordings(count=9, frames=6)
    drive = model(torch.from_numpy(recordings.as_frames())).detach()
    losses, correct = [], 0
    for number, label in enumerate(recordings.labels):
        for step in range(2, 6):
            answered = drive[2 : step + 1, number].mean(0) if answer == "running" else drive[step, number]
            losses.append(-torch.log_softmax(answered, 0)[label])
        correct += int(answered.argmax() == label)
    measured = evaluate(model, recordings, batch=4, answer=answer)
    assert measured["loss"] == pytest.approx(float(torch.stack(losses).mean()), rel=1e-5)
    assert measured["accuracy"] == correct / 9


def test_measuring_leaves_the_model_in_its_mode():
    model = wb.Model(some_network()).train()
    before = snapshot(model)
    evaluate(model, some_recordings())
    assert model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


# checkpoints and interrupts


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("validated", [False, True])
@pytest.mark.parametrize("batches", [3, 7, 12])
def test_a_resumed_training_gives_bit_for_bit_the_numbers_of_an_uninterrupted_one(
    tmp_path, monkeypatch, loop, validated, batches
):
    model, recordings = wb.Model(some_network(loop)), some_recordings()
    validation = some_recordings(1) if validated else None
    whole, history = train(model, recordings, validation=validation, **OPTIONS)
    checkpoint = tmp_path / "new" / "training.safetensors"
    with monkeypatch.context() as patch:
        interrupt(patch, after=batches)
        with pytest.warns(
            UserWarning,
            match=r"training was interrupted in epoch \d of 6; this is the (best model so far|model as far as it came)",
        ):
            _, part = train(model, recordings, validation=validation, checkpoint=checkpoint, **OPTIONS)
    assert len(part) < 6
    resumed, continued = train(model, recordings, validation=validation, checkpoint=checkpoint, **OPTIONS)
    assert_equal_models(resumed, whole)
    pd.testing.assert_frame_equal(continued, history, check_exact=True)
    assert part.to_numpy().tolist() == continued.head(len(part)).to_numpy().tolist()
    assert [file.name for file in checkpoint.parent.iterdir()] == [checkpoint.name]


def test_a_finished_training_is_read_from_its_checkpoint(tmp_path, monkeypatch):
    model, recordings = wb.Model(some_network()), some_recordings()
    whole, history = train(model, recordings, checkpoint=tmp_path / "done", **OPTIONS)
    interrupt(monkeypatch, after=0)  # nothing is trained any more
    again, same = train(model, recordings, checkpoint=tmp_path / "done", **OPTIONS)
    assert_equal_models(again, whole)
    pd.testing.assert_frame_equal(same, history, check_exact=True)


def test_an_interrupt_gives_the_best_model_so_far_by_validation(monkeypatch):
    model, recordings = wb.Model(some_network()), some_recordings()
    scores = iter([0.2, 0.9, 0.3, 0.9])
    seen: list[wb.Model] = []

    def scored(model, recordings, answer, progress):
        seen.append(model.copy())
        accuracy = next(scores, None)
        if accuracy is None:
            raise KeyboardInterrupt
        return {"loss": 1.0, "accuracy": accuracy}

    monkeypatch.setattr(training, "evaluate", scored)
    with pytest.warns(UserWarning, match=r"interrupted in epoch 5 of 6; this is the best model so far"):
        best, history = train(model, recordings, validation=some_recordings(1), **OPTIONS)
    assert list(history["validation_accuracy"]) == [0.2, 0.9, 0.3, 0.9]
    assert_equal_models(best, seen[3 if history["loss"][3] < history["loss"][1] else 1])
    assert not best.training


def test_an_interrupt_without_validation_gives_the_model_of_the_least_loss(monkeypatch):
    model, recordings = wb.Model(some_network()), some_recordings()
    seen: list[wb.Model] = []
    note = training.TrainingState.note
    monkeypatch.setattr(
        training.TrainingState, "note", lambda state, row: (note(state, row), seen.append(state.model.copy()))
    )
    interrupt(monkeypatch, after=3 * 4 + 2)  # amid the fifth epoch
    with pytest.warns(UserWarning, match=r"interrupted in epoch 5 of 6"):
        best, history = train(model, recordings, **OPTIONS)
    assert len(history) == 4
    assert_equal_models(best, seen[history["loss"].argmin()])


@pytest.mark.parametrize("batches", [0, 2])
def test_an_interrupt_in_the_first_epoch_gives_a_model_that_works(tmp_path, monkeypatch, batches):
    model, recordings = wb.Model(some_network(loop=True)), some_recordings()
    interrupt(monkeypatch, after=batches)
    with pytest.warns(UserWarning, match=r"training was interrupted in epoch 1 of 6"):
        ann, history = train(model, recordings, checkpoint=tmp_path / "checkpoint", **OPTIONS)
    assert list(history.columns) == ["epoch", "loss", "accuracy"]
    assert len(history) == 0
    assert ann(torch.ones(4, 1, *SHAPE)).isfinite().all()
    assert not ann.training
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("calls", range(4))
def test_an_interrupt_amid_a_run_leaves_no_statistics_behind(monkeypatch, calls):
    """Wherever Ctrl-C strikes, measuring with the model that comes back does not change it."""
    model, recordings = wb.Model(some_network(loop=True)), some_recordings()
    transform, count = wb.Model.transform, []

    def interrupted(model, position, images, *bias):
        count.append(1)
        if len(count) > calls + 2:
            raise KeyboardInterrupt
        return transform(model, position, images, *bias)

    with monkeypatch.context() as patch:
        patch.setattr(wb.Model, "transform", interrupted)
        with pytest.warns(UserWarning, match=r"interrupted in epoch 1 of 6"):
            ann, _ = train(model, recordings, **OPTIONS)
    before = snapshot(ann)
    evaluate(ann, recordings)
    assert all(torch.equal(tensor, before[name]) for name, tensor in ann.state_dict().items())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epochs": 7}, "epochs"),
        ({"batch": 15}, "batch"),
        ({"learning_rate": 1e-3}, "learning_rate"),
        ({"weight_decay": 0.0}, "weight_decay"),
        ({"answer": "frame"}, "answer"),
        ({"seed": 1}, "seed"),
        ({"model": wb.Model(some_network(), seed=1)}, "starting weights"),
        ({"model": wb.Model(some_network(loop=True))}, "network, starting weights"),
        ({"model": wb.Model(some_network(), norm=None)}, "norm, starting weights"),
        ({"recordings": some_recordings(count=39)}, "recordings"),
        ({"recordings": some_recordings(seed=5)}, "recordings"),
        ({"validation": some_recordings(seed=5)}, "validation"),
        ({"validation": None}, "validation"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_checkpoint_of_another_training_is_refused(tmp_path, change, words):
    call = {"model": wb.Model(some_network()), "recordings": some_recordings(), "validation": some_recordings(1)}
    call |= {**OPTIONS, "epochs": 1, "checkpoint": tmp_path / "checkpoint"}
    train(**call)
    before = (tmp_path / "checkpoint").read_bytes()
    words = rf"checkpoint is a checkpoint of another training \(it differs in {words}\); name another file, or delete"
    with pytest.raises(ValueError, match=words):
        train(**call | change)
    assert (tmp_path / "checkpoint").read_bytes() == before


def test_the_same_events_at_other_times_are_other_recordings(tmp_path):
    recordings = some_recordings()
    backwards = wb.Recordings.from_ticks(recordings.as_ticks()[::-1].astype(int), recordings.labels, recordings.classes)
    assert np.array_equal(backwards.starts, recordings.starts)
    call = {**OPTIONS, "epochs": 1, "checkpoint": tmp_path / "checkpoint"}
    train(wb.Model(some_network()), recordings, **call)
    with pytest.raises(ValueError, match=r"another training \(it differs in recordings\)"):
        train(wb.Model(some_network()), backwards, **call)


@pytest.mark.parametrize("damage", [lambda whole: whole[:-9], lambda whole: b"", lambda whole: b"\xff\x04" + whole])
def test_a_damaged_checkpoint_is_refused_by_its_name(tmp_path, damage):
    call = {**OPTIONS, "epochs": 1, "checkpoint": tmp_path / "checkpoint"}
    train(wb.Model(some_network()), some_recordings(), **call)
    (tmp_path / "checkpoint").write_bytes(damage((tmp_path / "checkpoint").read_bytes()))
    with pytest.raises(ValueError, match=r"checkpoint: damaged, or not a file of the workbench"):
        train(wb.Model(some_network()), some_recordings(), **call)


@pytest.mark.parametrize("missing", ["model.nodes.1.bias", "best.nodes.1.bias", "history"])
def test_an_incomplete_checkpoint_is_refused_by_its_name(tmp_path, missing):
    call = {**OPTIONS, "epochs": 1, "checkpoint": tmp_path / "checkpoint"}
    train(wb.Model(some_network()), some_recordings(), **call)
    header = read_header(tmp_path / "checkpoint", "checkpoint")
    tensors, description = read_tensors(header), header.description
    assert (tensors if "." in missing else description).pop(missing) is not None
    write_tensors(tmp_path / "checkpoint", "checkpoint", tensors, description)
    with pytest.raises(ValueError, match=r"checkpoint: .*incomplete"):
        train(wb.Model(some_network()), some_recordings(), **call)


def test_a_saved_model_is_no_checkpoint(tmp_path):
    from workbench.exchange import model_files

    model = wb.Model(some_network())
    model_files.save_model(model, tmp_path / "model")
    with pytest.raises(ValueError, match=r"model: not a checkpoint of the workbench, but a model: wb\.load_model"):
        train(model, some_recordings(), checkpoint=tmp_path / "model", **OPTIONS)


# refusals


def test_a_loss_that_leaves_the_numbers_is_refused():
    with pytest.raises(
        ValueError, match=r"the loss became nan in epoch \d, batch \d; lower learning_rate \(now 1e\+30\)"
    ):
        train(wb.Model(some_network(), norm=None), some_recordings(), learning_rate=1e30, **OPTIONS)
    model = wb.Model(some_network())
    model.weights[0][0].data.fill_(float("nan"))
    with pytest.raises(ValueError, match=r'the loss became nan in epoch 1, batch 1; .* or give the model norm="batch"'):
        train(model, some_recordings(), **OPTIONS)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 0}, r"epochs=0 must be a whole number of at least 1"),
        ({"epochs": 1.5}, r"epochs=1\.5 must be a whole number of at least 1"),
        ({"batch": 0}, r"batch=0 must be a whole number of at least 1"),
        ({"learning_rate": 0}, r"learning_rate=0 must be positive"),
        ({"learning_rate": float("nan")}, r"learning_rate=nan must be positive"),
        ({"answer": "last"}, r"answer='last' is unknown; choose from running, frame"),
    ],
)
def test_settings_that_make_no_training_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        train(wb.Model(some_network()), some_recordings(), progress=False, **options)


def network_with(shape=SHAPE, classes=3, delay=1, more=()):
    inputs = {"image": shape, **dict.fromkeys(more, (2,))}
    edges = [wb.Edge(node, "class", wb.Dense(classes), delay) for node in inputs]
    return wb.Network(inputs, edges)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (network_with(shape=(2, 4, 4)), r"input 'image' has shape \(2, 4, 4\), but the recordings have \(1, 4, 4\)"),
        (
            network_with(classes=4),
            r"output 'class' has shape \(4,\), but the recordings have 3 classes; end in Dense\(3\)",
        ),
        (network_with(delay=4), r"output 'class' answers first at step 4, but the recordings have 4 steps; load them"),
        (network_with(more=["sound"]), r"recordings feed one input, but the network has image, sound"),
    ],
)
def test_recordings_that_do_not_fit_the_model_are_refused(network, words):
    with pytest.raises(ValueError, match=words):
        train(wb.Model(network), some_recordings(), **OPTIONS)


def test_validation_that_does_not_fit_is_refused_before_anything_is_trained(monkeypatch):
    interrupt(monkeypatch, after=0)
    with pytest.raises(ValueError, match=r"output 'class' has shape \(3,\), but the recordings have 2 classes"):
        train(wb.Model(some_network()), some_recordings(), validation=some_recordings(classes=2), **OPTIONS)


# batch norm


def feed_forward(seed: int) -> wb.Network:
    """A random network of convolutions, shortcuts and residual connections without a cycle; of some signals."""
    rng, signal = np.random.default_rng(seed), seed % 4 == 3
    nodes = ["in", *(f"n{i}" for i in range(rng.integers(2, 5)))]
    convolution, edges = wb.Conv1d if signal else wb.Conv, []
    for place, target in enumerate(nodes[1:], start=1):
        for source in sorted({nodes[rng.integers(0, place)], *(node for node in nodes[:place] if rng.random() < 0.4)}):
            residual = source != "in" and rng.random() < 0.3
            operation = wb.Identity() if residual else convolution(3, kernel=int(rng.choice([1, 3])))
            edges.append(wb.Edge(source, target, operation, int(rng.integers(0, 3))))
    flat = [wb.Edge(nodes[-1], "flat", wb.Dense(4), 0), wb.Edge("in", "flat", wb.Dense(4), 2)]
    return wb.Network({"in": (2, 9) if signal else (2, 6, 5)}, [*edges, *flat, wb.Edge("flat", "out", wb.Dense(3))])


NETWORKS = [feed_forward(seed) for seed in range(40)]


def noisy_model(network: wb.Network, seed: int) -> wb.Model:
    model = wb.Model(network, seed=seed, norm="batch").double().train()
    generator = torch.Generator().manual_seed(seed)
    for layer in model.nodes.values():
        if isinstance(layer, Norm):
            layer.gain.data = 0.5 + torch.rand(layer.gain.shape, generator=generator, dtype=torch.float64)
            layer.bias.data = torch.randn(layer.bias.shape, generator=generator, dtype=torch.float64)
    return model


def by_torch(model: wb.Model, frames: torch.Tensor, momentum: float | None, norms: dict) -> dict[str, torch.Tensor]:
    """Activity in training mode with torch's own batch norm, over the steps from the first response on."""
    network, first = model.network, reference.first_responses(model.network)
    activity = {"in": frames}
    while len(activity) < len(network.nodes):
        for node in network.nodes:
            edges = [(p, e) for p, e in enumerate(network.edges) if e.target == node]
            if node in activity or any(e.source not in activity for _, e in edges):
                continue
            drive = torch.zeros(*frames.shape[:2], *network.shapes[node], dtype=frames.dtype)
            for position, edge in edges:
                for step in range(first[edge.source] + edge.delay, len(frames)):
                    weights = list(model.weights[position].parameters())
                    drive[step] += edge.operation(activity[edge.source][step - edge.delay], weights)
            alive = drive[first[node] :].flatten(0, 1)
            layer = model.node_layer(node)
            if isinstance(layer, Norm) and len(alive):
                kind = nn.BatchNorm2d if alive.ndim == 4 else nn.BatchNorm1d
                norm = norms.setdefault(
                    node, kind(alive.shape[1], eps=NORM_EPSILON, momentum=momentum).double().train()
                )
                norm.load_state_dict({"weight": layer.gain, "bias": layer.bias}, strict=False)
                alive = torch.relu(norm(alive))
            else:
                alive = layer(alive)
            activity[node] = torch.zeros_like(drive)
            activity[node][first[node] :] = alive.reshape(drive[first[node] :].shape)
    return activity


@pytest.mark.parametrize("seed", range(len(NETWORKS)))
def test_batch_norm_is_torchs_over_the_steps_that_are_not_silent(seed):
    network = NETWORKS[seed]
    model, norms = noisy_model(network, seed), {}
    for run in range(3):
        frames = random_frames(network, seed + 1000 * run, steps=10, batch=3) + 2
        ours = model.run(frames)
        with torch.no_grad():
            theirs = by_torch(model, frames, momentum=None, norms=norms)  # None: the average of all runs so far
        for node in network.nodes:
            torch.testing.assert_close(ours[node], theirs[node])
    assert norms
    for node, norm in norms.items():
        layer = model.node_layer(node)
        assert layer.runs == 3
        torch.testing.assert_close(layer.mean, norm.running_mean)
        torch.testing.assert_close(layer.variance, norm.running_var)


def test_after_ten_runs_the_statistics_follow_as_torchs_do():
    norm, theirs = Norm("v1", (3,), on_cycle=False).double().train(), nn.BatchNorm1d(3, momentum=0.1).double().train()
    for run in range(14):
        x = torch.randn(7, 3, generator=torch.Generator().manual_seed(run), dtype=torch.float64)
        if run == 9:  # from here on by a tenth
            theirs.running_mean.copy_(norm.mean)
            theirs.running_var.copy_(norm.variance)
        torch.testing.assert_close(norm(x), theirs(x))
        norm.update()
    torch.testing.assert_close(norm.mean, theirs.running_mean)
    torch.testing.assert_close(norm.variance, theirs.running_var)


@pytest.mark.parametrize("seed", range(60))
def test_the_statistics_of_a_recurrent_network_take_all_steps_of_a_run_together(seed):
    network = random_network(seed)
    model, frames = noisy_model(network, seed), random_frames(network, seed, steps=9)
    normalized: dict[Norm, list[torch.Tensor]] = {}
    forward = Norm.forward

    def noted(layer, images):
        normalized.setdefault(layer, []).append(images.detach().clone())
        return forward(layer, images)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Norm, "forward", noted)
        model.run(frames)
    hidden = {model.node_layer(node): node for node in network.hidden if network.first_response[node] < 9}
    assert set(normalized) == set(hidden)
    for layer, drives in normalized.items():
        drive = torch.cat(drives)
        assert len(drive) == frames.shape[1] * (9 - network.first_response[hidden[layer]])  # all but silence, once
        axes = [axis for axis in range(drive.ndim) if axis != 1]
        torch.testing.assert_close(layer.mean, drive.mean(axes))
        torch.testing.assert_close(layer.variance, drive.var(axes))


@pytest.mark.parametrize("seed", range(len(NETWORKS)))
def test_silence_is_never_counted(seed):
    """More delay on the way in, and as many more steps: the same statistics."""
    network = NETWORKS[seed]
    late = wb.Network(
        network.inputs,
        [wb.Edge(*e.ends, e.operation, e.delay + 4 * (e.source == "in")) for e in network.edges],
        network.output,
    )
    frames = random_frames(network, seed, steps=8)
    model, waiting = noisy_model(network, seed), noisy_model(late, seed)
    soon, later = model.run(frames), waiting.run(torch.cat([frames, torch.zeros_like(frames[:4])]))
    for node in set(network.nodes) - {"in"}:
        torch.testing.assert_close(later[node][4:], soon[node])
        assert not later[node][:4].any()
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(waiting.state_dict()[name], tensor)


@pytest.mark.parametrize("seed", range(60))
def test_on_a_cycle_training_computes_what_evaluation_does(seed):
    """With batch renormalisation, as long as its corrections are within their limits."""
    rng = np.random.default_rng(seed)
    loops = [wb.Edge("b", "a", wb.Conv(3, kernel=3), int(rng.integers(1, 4)))]
    loops += [wb.Edge("b", "b", wb.Conv(3, kernel=1), int(rng.integers(1, 4)))] if seed % 2 else []
    edges = [wb.Edge("in", "a", wb.Conv(3, kernel=3)), wb.Edge("a", "b", wb.Conv(3, kernel=3), int(rng.integers(0, 3)))]
    network = wb.Network({"in": (2, 6, 5)}, [*edges, *loops, wb.Edge("b", "out", wb.Dense(3))])
    model = noisy_model(network, seed)
    frames = random_frames(network, seed, steps=9, batch=4)
    model.run(frames)  # the first run sets the running statistics
    for layer in (model.node_layer(node) for node in "ab"):
        assert layer.on_cycle
        layer.variance.clamp_(min=0.5)  # no correction reaches its limits
        layer.mean.clamp_(-1, 1)
    frozen = model.copy().eval().run(frames)
    statistics = []
    forward = Norm.forward

    def noted(layer, x):
        axes = [0, 2, 3]
        sigma = (layer.variance + NORM_EPSILON).sqrt()
        r = (x.var(axes, correction=0) + NORM_EPSILON).sqrt() / sigma
        statistics.append(((r > 1 / 3) & (r < 3)).all() & (((x.mean(axes) - layer.mean) / sigma).abs() < 5).all())
        return forward(layer, x)

    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        patch.setattr(Norm, "forward", noted)
        trained = model.run(frames)
    limits = torch.stack(statistics)
    agree = [torch.allclose(trained[node], frozen[node]) for node in network.nodes]
    assert all(agree) == bool(limits.all())
